#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace tilld::base;

TEST(bytes, lie_with_the_big_end_first) {
  byte_string out;
  byte_writer w(out);
  w.u8(0x01);
  w.u16(0x0203);
  w.u32(0x04050607);
  w.u64(0x08090a0b0c0d0e0f);
  EXPECT_EQ(to_hex(out), "0102030405060708090a0b0c0d0e0f");
}

TEST(bytes, come_back_as_they_were_written) {
  byte_string out;
  byte_writer w(out);
  w.u8(255);
  w.u16(std::numeric_limits<std::uint16_t>::max());
  w.u32(std::numeric_limits<std::uint32_t>::max());
  w.u64(std::numeric_limits<std::uint64_t>::max());
  w.text("Brötchen");
  w.text("");
  w.bytes(as_bytes("tail"));
  byte_reader r(out);
  EXPECT_EQ(r.u8(), 255);
  EXPECT_EQ(r.u16(), 0xffff);
  EXPECT_EQ(r.u32(), 0xffffffffu);
  EXPECT_EQ(r.u64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(r.text(), "Brötchen");
  EXPECT_EQ(r.text(), "");
  EXPECT_EQ(as_text(r.rest()), "tail");
  auto tail = r.array<4>();
  EXPECT_EQ(as_text(tail), "tail");
  EXPECT_TRUE(r.at_end());
  EXPECT_FALSE(r.failed());
}

TEST(bytes, round_trip_in_every_width) {
  std::uint8_t place[8];
  for (int shift = 0; shift < 64; ++shift) {
    auto value = std::uint64_t{1} << shift;
    store_big<std::uint64_t>(place, value);
    EXPECT_EQ(load_big<std::uint64_t>(place), value);
    store_big<std::uint32_t>(place, static_cast<std::uint32_t>(value));
    EXPECT_EQ(load_big<std::uint32_t>(place), static_cast<std::uint32_t>(value));
    store_big<std::uint16_t>(place, static_cast<std::uint16_t>(value));
    EXPECT_EQ(load_big<std::uint16_t>(place), static_cast<std::uint16_t>(value));
    store_big<std::uint8_t>(place, static_cast<std::uint8_t>(value));
    EXPECT_EQ(load_big<std::uint8_t>(place), static_cast<std::uint8_t>(value));
  }
}

// Each kind of read is tried with too few octets left, from none to one less than it needs.
TEST(bytes, read_past_the_end_are_zeros_and_a_failure) {
  const byte_string all(32, 0xee);
  auto with = [&](std::size_t size, auto read) {
    byte_reader r(byte_view(all).first(size));
    read(r);
    EXPECT_TRUE(r.failed()) << size;
    EXPECT_TRUE(r.at_end()) << size;
    EXPECT_EQ(r.u8(), 0) << "nothing is read after a failure";
  };
  with(0, [](auto& r) { EXPECT_EQ(r.u8(), 0); });
  for (std::size_t n = 0; n < 2; ++n) with(n, [](auto& r) { EXPECT_EQ(r.u16(), 0); });
  for (std::size_t n = 0; n < 4; ++n) with(n, [](auto& r) { EXPECT_EQ(r.u32(), 0u); });
  for (std::size_t n = 0; n < 8; ++n) with(n, [](auto& r) { EXPECT_EQ(r.u64(), 0u); });
  for (std::size_t n = 0; n < 4; ++n)
    with(n, [](auto& r) { EXPECT_EQ(r.template array<4>(), (std::array<std::uint8_t, 4>{})); });
  for (std::size_t n = 0; n < 9; ++n) with(n, [](auto& r) { EXPECT_TRUE(r.bytes(9).empty()); });
  with(20, [](auto& r) { EXPECT_EQ(r.text(), ""); });  // says that 0xeeee octets follow
}

TEST(bytes, do_not_take_a_huge_size_for_a_small_one) {
  const byte_string all(4);
  byte_reader r(all);
  EXPECT_TRUE(r.bytes(std::numeric_limits<std::size_t>::max()).empty());
  EXPECT_TRUE(r.failed());
}

TEST(bytes, cut_a_text_that_is_longer_than_its_size_field) {
  byte_string out;
  byte_writer(out).text(std::string(70'000, 'x'));
  EXPECT_EQ(out.size(), 2u + 65'535u);
  byte_reader r(out);
  EXPECT_EQ(r.text().size(), 65'535u);
  EXPECT_TRUE(r.at_end());
}

TEST(hex, reads_both_cases_and_refuses_the_rest) {
  EXPECT_EQ(to_hex(byte_string{0x00, 0x0f, 0xf0, 0xff}), "000ff0ff");
  EXPECT_EQ(from_hex("00Ff"), (byte_string{0x00, 0xff}));
  EXPECT_EQ(from_hex(""), byte_string());
  for (auto wrong : {"0", "0g", "g0", " 0", "0x", "00 0", "-1"}) EXPECT_FALSE(from_hex(wrong)) << wrong;
}
