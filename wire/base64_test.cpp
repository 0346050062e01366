#include "wire/base64.hpp"

#include <gtest/gtest.h>

using namespace tilld;

TEST(base64, is_read_and_written) {
  EXPECT_EQ(wire::to_base64(std::string_view("\xff\x00z", 3)), "/wB6");
  EXPECT_EQ(wire::from_base64("/wB6"), std::string("\xff\x00z", 3));
  EXPECT_EQ(wire::from_base64(""), "");
}

TEST(base64, is_refused_when_it_is_not_exactly_that) {
  for (auto* bad : {"/wB", "/w B", "/wB6\n", "/wB=6", "_wB6", "/wB6=", "====", "/x=="})
    EXPECT_FALSE(wire::from_base64(bad)) << bad;
  for (int octet = 0x80; octet <= 0xff; ++octet)
    EXPECT_FALSE(wire::from_base64(std::string(1, static_cast<char>(octet)) + "nul")) << octet;
}
