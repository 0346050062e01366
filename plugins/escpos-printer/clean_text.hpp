// Text from a till, made harmless and uniform before anything measures or prints it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tilld::escpos {

// NFC; a tab is a blank; CR LF, CR and the Unicode line and paragraph separators are '\n'; every other
// control character is dropped, because to a printer it would be a command. Nothing when the input is not
// UTF-8.
std::optional<std::string> clean_text(std::string_view text);

// Puts no-break spaces where an amount of money or a quantity would fall apart: "1 234,56 €", "EUR 12.50", "-
// 5,00". Only blanks are replaced, so the number of characters stays.
std::string keep_amounts_whole(std::string_view text);

// A word, as keep_amounts_whole() left it, that holds a number and is no name: an amount, a price, a date, a
// receipt number. Such words are kept on one line.
bool is_amount(std::u32string_view word);

// Whether any character belongs to a script that is written from right to left.
bool has_right_to_left(std::string_view text);

// Puts invisible marks around amounts, so that the direction of the words beside them does not tear "12,40 €"
// apart or move its minus sign to the other end. without_marks() takes them out again.
std::string isolate_amounts(std::string_view text);
std::string without_marks(std::string_view text);

// Each character of valid UTF-8 as a code point.
std::u32string code_points(std::string_view text);
std::string utf8(std::u32string_view text);

}  // namespace tilld::escpos
