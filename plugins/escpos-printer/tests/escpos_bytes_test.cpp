#include "plugins/escpos-printer/escpos_bytes.hpp"

#include <gtest/gtest.h>

#include <random>

#include "plugins/escpos-printer/code_page.hpp"
#include "plugins/escpos-printer/tests/escpos_reader.hpp"
#include "plugins/escpos-printer/tests/receipts.hpp"

namespace tilld::escpos::test {
namespace {

std::string bytes_of(const layout& receipt, print_mode mode, int copies = 1,
                     std::optional<drawer_kick> drawer = std::nullopt) {
  return as_escpos(receipt, painted(receipt), mode, copies, drawer);
}

std::vector<std::string> names(const std::vector<command>& commands) {
  std::vector<std::string> out;
  for (auto& it : commands) out.push_back(it.name);
  return out;
}

std::string as_hex_lines(std::string_view bytes) {
  // A line a command, so that a difference can be read.
  std::string out;
  for (auto& it : read_escpos(bytes)) {
    out += it.name;
    if (it.name == "text") {
      out += " ";
      for (unsigned char c : it.data) {
        char shown[8];
        std::snprintf(shown, sizeof shown, c >= 0x7f ? "<%02x>" : "%c", c);
        out += shown;
      }
    } else {
      for (unsigned char c : it.data) {
        char shown[8];
        std::snprintf(shown, sizeof shown, " %02x", c);
        out += shown;
      }
    }
    out += "\n";
  }
  return out;
}

TEST(escpos_bytes, of_the_bakery_receipt_are_the_golden_ones) {
  EXPECT_EQ(as_hex_lines(bytes_of(laid_out(bakery_receipt(), 58), print_mode::text)),
            read_file(folder() + "/golden/bakery.58.escpos"));
}

TEST(escpos_bytes, begin_with_a_clean_printer_without_double_byte_characters) {
  auto bytes = bytes_of(laid_out(R"({"text":"a"})", 80), print_mode::text);
  EXPECT_TRUE(bytes.starts_with("\x1b@\x1c.\x1dP\xcb\xcb"));
}

TEST(escpos_bytes, print_letters_of_a_code_page_as_letters_and_others_as_a_picture) {
  auto commands = read_escpos(
      bytes_of(laid_out(R"({"text":"5 €"},{"text":"خبز"},{"text":"6 €"})", 80), print_mode::text));
  EXPECT_EQ(names(commands), (std::vector<std::string>{
                                 "ESC @", "FS .", "GS P", "ESC 3", "ESC E", "ESC -", "GS B", "GS !", "text",
                                 "ESC t", "text", "LF", "GS v 0",
                                 // After a picture the printer may have forgotten its page and its style.
                                 "ESC 3", "ESC E", "ESC -", "GS B", "GS !", "text", "ESC t", "text", "LF"}));
  EXPECT_EQ(commands[10].data, "\xd5");
}

TEST(escpos_bytes, letters_that_are_two_cells_wide_become_a_picture) {
  for (auto text : {"特级", "e\\u0301\\u0302", "👍", "שלום"}) {
    auto receipt = laid_out("{\"text\":\"" + std::string(text) + "\"}", 80);
    auto commands = names(read_escpos(bytes_of(receipt, print_mode::text)));
    EXPECT_EQ(std::count(commands.begin(), commands.end(), "text"), 0) << text;
    EXPECT_GE(std::count(commands.begin(), commands.end(), "GS v 0"), 1) << text;
  }
}

TEST(escpos_bytes, one_line_may_change_the_code_page) {
  auto commands = read_escpos(bytes_of(laid_out(R"({"text":"Brötchen Борщ 5 €"})", 80), print_mode::text));
  std::string pages;
  for (auto& it : commands)
    if (it.name == "ESC t") pages += it.data;
  EXPECT_EQ(pages, "\x13\x11\x13");
}

TEST(escpos_bytes, image_mode_burns_exactly_the_dots_of_the_picture) {
  for (int width : {58, 80, 512}) {
    auto receipt = laid_out(
        bakery_receipt() + R"(,{"text":"特级初榨橄榄油 €"},{"qr":{"data":"https://example.test/1"}})", width);
    auto dots = painted(receipt);
    auto paper =
        burned(read_escpos(as_escpos(receipt, dots, print_mode::image, 1, std::nullopt)), dots.width);
    // The strip of the cut is the printer's own feed to its knife, and neither is dotted.
    int cut_height = 0;
    for (auto& it : receipt.strips) cut_height += it.cut ? it.height : 0;
    ASSERT_EQ(paper.height, dots.height - cut_height);
    int different = 0;
    for (int y = 0, from = 0; y < paper.height; ++y, ++from) {
      for (auto& it : receipt.strips)
        if (it.cut && from == it.y) from += it.height;
      for (int x = 0; x < dots.width; ++x) different += paper.dark(x, y) != dots.dark(x, from);
    }
    EXPECT_EQ(different, 0) << width;
  }
}

TEST(escpos_bytes, bands_are_small_enough_for_small_buffers) {
  auto receipt = laid_out(R"({"qr":{"data":"https://example.test/","size":"70mm"}})", 80);
  int bands = 0;
  for (auto& it : read_escpos(bytes_of(receipt, print_mode::image))) {
    if (it.name != "GS v 0") continue;
    ++bands;
    EXPECT_LE(std::uint8_t(it.data[2]) + 256 * std::uint8_t(it.data[3]), band_rows_max);
  }
  EXPECT_GE(bands, 4);
}

TEST(escpos_bytes, copies_are_cut_apart) {
  auto cuts = [](const std::string& elements) {
    auto commands = names(read_escpos(bytes_of(laid_out(elements, 80), print_mode::text, 3)));
    return std::count(commands.begin(), commands.end(), "GS V");
  };
  EXPECT_EQ(cuts(R"({"text":"a"},{"cut":true})"), 3);
  EXPECT_EQ(cuts(R"({"text":"a"})"), 2);
}

TEST(escpos_bytes, drawer_opens_once_and_first) {
  auto commands = read_escpos(
      bytes_of(laid_out(R"({"text":"a"},{"cut":true})", 80), print_mode::text, 2, drawer_kick{5, 5}));
  auto all = names(commands);
  EXPECT_EQ(std::count(all.begin(), all.end(), "ESC p"), 1);
  EXPECT_EQ(commands[3].name, "ESC p");
  EXPECT_EQ(commands[3].data, "\x01\x19\xfa");
}

TEST(escpos_bytes, control_characters_of_a_till_never_reach_the_printer) {
  std::string text;
  for (int c = 1; c < 0x20; ++c) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
    text += escaped;
  }
  auto receipt = laid_out("{\"text\":\"" + text + "x\\u007f\\u0080\\u009f\"}", 80);
  for (auto mode : {print_mode::text, print_mode::image}) {
    for (auto& it : read_escpos(bytes_of(receipt, mode)))
      EXPECT_TRUE(it.name != "text" || it.data == " " || it.data == "x") << it.data;
  }
}

TEST(escpos_bytes, user_text_is_never_a_byte_below_a_blank) {
  // Every character of the basic plane, one page after the other; the reader takes text apart from commands
  // and complains about any control byte between commands.
  for (char32_t first = 0x20; first < 0xd800; first += 0x80) {
    std::u32string text;
    for (char32_t c = first; c < first + 0x80; ++c) text += c;
    for (auto page : {code_page::cp437, code_page::cp850, code_page::cp852, code_page::cp858,
                      code_page::cp866, code_page::cp1252})
      for (char32_t c : text)
        if (auto byte = byte_in(page, c)) {
          ASSERT_GE(*byte, 0x20);
          ASSERT_NE(*byte, 0x7f);
        }
  }
}

TEST(neutralising, leaves_no_real_time_command_in_noise_and_changes_single_dots) {
  std::mt19937 random(20260721);
  int rasters_with_commands = 0;
  for (int round = 0; round < 200; ++round) {
    std::string raster(72 * 128, '\0');
    for (auto& c : raster) c = char(random() & 0xff);
    auto before = raster;
    int changed = neutralise_real_time_commands(raster);
    rasters_with_commands += changed > 0;
    escpos_reader reader;
    reader.eat(std::string("\x1dv0\0\x48\0\x80\0", 8) + raster);
    ASSERT_TRUE(reader.take_real_time().empty());
    int dots = 0;
    for (std::size_t i = 0; i < raster.size(); ++i)
      dots += std::popcount(std::uint8_t(raster[i] ^ before[i]));
    ASSERT_EQ(dots, changed);
  }
  EXPECT_GT(rasters_with_commands, 20);  // otherwise this test shows nothing
}

TEST(neutralising, guards_pictures_made_of_nothing_but_commands) {
  std::string raster;
  for (int i = 0; i < 300; ++i) raster += std::string("\x10\x10\x04\x10\x05\x10\x14\x04\x05", 9);
  neutralise_real_time_commands(raster);
  escpos_reader reader;
  reader.eat(std::string("\x1dv0\0\x09\0\x2c\1", 8) + raster);
  EXPECT_TRUE(reader.take_real_time().empty());
}

TEST(escpos_bytes, positions_are_no_real_time_commands_on_wide_paper) {
  // 1040 dots are the bytes 10 04.
  auto on = paper::of_width(1664).value();
  for (int columns = 80; columns < 92; ++columns) {
    auto receipt = laid_out(
        receipt_of("{\"row\":[{\"text\":\"a\",\"width\":" + std::to_string(columns) + "},{\"text\":\"b\"}]}"),
        on);
    read_escpos(bytes_of(receipt, print_mode::text));
  }
}

}  // namespace
}  // namespace tilld::escpos::test
