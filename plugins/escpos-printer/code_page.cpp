#include "plugins/escpos-printer/code_page.hpp"

#include <array>
#include <string_view>

namespace tilld::escpos {
namespace {

struct named_page {
  code_page page;
  std::string_view name;
};

constexpr std::array names{
    named_page{code_page::cp437, "cp437"}, named_page{code_page::cp850, "cp850"},
    named_page{code_page::cp852, "cp852"}, named_page{code_page::cp858, "cp858"},
    named_page{code_page::cp866, "cp866"}, named_page{code_page::cp1252, "cp1252"},
};

// The upper halves, 0x80 to 0xff, in the order of the enum. U+FFFD marks a place that has no character.
constexpr std::array<std::u16string_view, names.size()> upper_halves{
    // cp437
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
    u"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
    // cp850
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ"
    u"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐"
    u"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀"
    u"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0",
    // cp852
    u"ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č"
    u"áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐"
    u"└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀"
    u"ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0",
    // cp858
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ"
    u"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐"
    u"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀"
    u"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0",
    // cp866
    u"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    u"абвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u00a0",
    // cp1252
    u"€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ"
    u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    u"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß"
    u"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
};

constexpr bool are_whole() {
  for (auto half : upper_halves)
    if (half.size() != 128) return false;
  return true;
}
static_assert(are_whole());

}  // namespace

std::string_view name_of(code_page page) { return names[std::size_t(page)].name; }

std::optional<code_page> code_page_called(std::string_view name) {
  for (auto& it : names)
    if (it.name == name) return it.page;
  return std::nullopt;
}

std::optional<std::uint8_t> byte_in(code_page page, char32_t character) {
  if (character == U'\u00a0') return std::uint8_t(' ');  // a blank that no line breaks at is still a blank
  if (character >= 0x20 && character < 0x7f) return std::uint8_t(character);
  if (character < 0x80 || character > 0xfffc) return std::nullopt;
  auto half = upper_halves[std::size_t(page)];
  auto at = half.find(char16_t(character));
  if (at == half.npos) return std::nullopt;
  return std::uint8_t(0x80 + at);
}

}  // namespace tilld::escpos
