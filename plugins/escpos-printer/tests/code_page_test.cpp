#include "plugins/escpos-printer/code_page.hpp"

#include <gtest/gtest.h>
#include <iconv.h>

namespace tilld::escpos {
namespace {

constexpr code_page all[] = {code_page::cp437, code_page::cp850, code_page::cp852,
                             code_page::cp858, code_page::cp866, code_page::cp1252};

TEST(code_page, is_found_by_its_name) {
  for (auto page : all) EXPECT_EQ(code_page_called(name_of(page)), page);
  EXPECT_FALSE(code_page_called("cp999"));
}

TEST(code_page, has_the_euro_sign_where_the_printers_have_it) {
  EXPECT_EQ(byte_in(code_page::cp858, U'€'), 0xd5);
  EXPECT_EQ(byte_in(code_page::cp1252, U'€'), 0x80);
  EXPECT_FALSE(byte_in(code_page::cp437, U'€'));
  EXPECT_FALSE(byte_in(code_page::cp850, U'€'));
}

TEST(code_page, has_no_control_characters) {
  for (auto page : all) {
    for (char32_t c = 0; c < 0x20; ++c) EXPECT_FALSE(byte_in(page, c));
    for (char32_t c = 0x7f; c < 0xa0; ++c) EXPECT_FALSE(byte_in(page, c));
    EXPECT_FALSE(byte_in(page, U'\ufffd'));
  }
}

// The C library has the same tables from the same sources, so a slip of the pen in ours shows here.
TEST(code_page, agrees_with_the_c_library) {
  for (auto page : all) {
    iconv_t converter = iconv_open(std::string(name_of(page)).c_str(), "UTF-32LE");
    ASSERT_NE(converter, iconv_t(-1)) << name_of(page);
    for (char32_t c = 0xa1; c < 0xfff0; ++c) {
      if (c >= 0xd800 && c < 0xe000) continue;
      char out[8];
      char *from = reinterpret_cast<char*>(&c), *to = out;
      std::size_t from_left = sizeof c, to_left = sizeof out;
      iconv(converter, nullptr, nullptr, nullptr, nullptr);
      bool converted = iconv(converter, &from, &from_left, &to, &to_left) == 0 && to == out + 1;
      auto ours = byte_in(page, c);
      if (ours) {
        ASSERT_TRUE(converted) << name_of(page) << " " << std::uint32_t(c);
        EXPECT_EQ(*ours, std::uint8_t(out[0])) << name_of(page) << " " << std::uint32_t(c);
      } else {
        EXPECT_FALSE(converted && std::uint8_t(out[0]) >= 0x80) << name_of(page) << " " << std::uint32_t(c);
      }
    }
    iconv_close(converter);
  }
}

}  // namespace
}  // namespace tilld::escpos
