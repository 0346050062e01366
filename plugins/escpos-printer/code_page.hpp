// The 8-bit character sets that receipt printers have built in.
//
// A printer numbers its pages (the n of ESC t n) as its maker pleased, so a page and its slot are different
// things; the slot stands in the paper profile. The tables are our own and not the C library's, because the
// plugin must give the same bytes on a machine where the library's converters are not installed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tilld::escpos {

enum class code_page { cp437, cp850, cp852, cp858, cp866, cp1252 };

std::string_view name_of(code_page page);  // "cp858"
std::optional<code_page> code_page_called(std::string_view name);

// The byte that prints this character while the page is selected; nothing when the page does not have it.
// Never a control character: a byte below 0x20 and 0x7f are in no page.
std::optional<std::uint8_t> byte_in(code_page page, char32_t character);

}  // namespace tilld::escpos
