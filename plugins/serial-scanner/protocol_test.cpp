#include "plugins/serial-scanner/protocol.hpp"

#include <gtest/gtest.h>

namespace serial_scanner {
namespace {

// What came of octets, in words: "]E0 4006" for a scan, "-too_long" for what was dropped.
std::string shown(const reading& one) {
  constexpr const char* names[] = {"too_long", "unfinished", "no_prefix", "no_suffix", "no_symbology"};
  if (one.why) return std::string("-") + names[static_cast<int>(*one.why)];
  return one.symbology.empty() ? one.octets : one.symbology + " " + one.octets;
}

using list = std::vector<std::string>;

list read(scan_reader& reader, std::string_view octets) {
  list all;
  for (auto& one : reader.take(octets)) all.push_back(shown(one));
  return all;
}

list read(framing how, std::string_view octets) {
  scan_reader reader(std::move(how));
  return read(reader, octets);
}

TEST(scan_reader, takes_a_line_for_a_scan_however_it_ends) {
  for (auto end : {"\r", "\n", "\r\n", "\r\r\n"})
    EXPECT_EQ(read(framing(), std::string("4006381333931") + end), list{"4006381333931"}) << end;
}

TEST(scan_reader, joins_a_label_wherever_it_was_cut) {
  const std::string octets = "]E04006381333931\r\n";
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    scan_reader reader{framing()};
    auto all = read(reader, octets.substr(0, cut));
    for (auto& one : read(reader, octets.substr(cut))) all.push_back(one);
    EXPECT_EQ(all, list{"]E0 4006381333931"}) << cut;
    EXPECT_FALSE(reader.in_the_middle());
  }
}

TEST(scan_reader, parts_two_scans_that_arrive_together) {
  EXPECT_EQ(read(framing(), "4006381333931\r\n96385074\r\n"), (list{"4006381333931", "96385074"}));
}

TEST(scan_reader, takes_the_aim_identifier_off_unless_it_is_told_not_to) {
  framing how;
  EXPECT_EQ(read(how,
                 "]d2010400638133393121\x1d"
                 "ABC\r"),
            list{"]d2 010400638133393121\x1d"
                 "ABC"});
  EXPECT_EQ(read(how, "]x\r]19\r]\r"), (list{"]x", "]19", "]"}));  // none of them is one
  how.symbology = aim::none;
  EXPECT_EQ(read(how, "]E04006381333931\r"), list{"]E04006381333931"});
  how.symbology = aim::required;
  EXPECT_EQ(read(how, "]E04006381333931\r4006381333931\r"), (list{"]E0 4006381333931", "-no_symbology"}));
}

TEST(scan_reader, takes_prefix_and_suffix_off_and_drops_what_lacks_them) {
  framing how;
  how.prefix = "\x02";
  how.suffix = "\x03";
  EXPECT_EQ(read(how, "\x02]E04006\x03\r"), list{"]E0 4006"});
  EXPECT_EQ(read(how, "4006\x03\r"), list{"-no_prefix"});
  EXPECT_EQ(read(how,
                 "\x02"
                 "4006\r"),
            list{"-no_suffix"});
  EXPECT_EQ(read(how, "\x02\x03\r"), list{});  // no label at all
}

TEST(scan_reader, does_not_take_one_octet_for_both_ends) {
  framing how;
  how.prefix = how.suffix = "#";
  EXPECT_EQ(read(how, "#\r"), list{"-no_suffix"});
}

TEST(scan_reader, ends_a_scan_at_the_configured_terminator_only) {
  framing how;
  how.terminators = {"\t"};
  EXPECT_EQ(read(how, "line 1\rline 2\t"), list{"line 1\rline 2"});
  how.terminators = {"\r\n"};
  EXPECT_EQ(read(how, "a\rb\nc\r\n"), list{"a\rb\nc"});
}

TEST(scan_reader, drops_half_a_scan_when_the_scanner_falls_silent) {
  scan_reader reader{framing()};
  EXPECT_EQ(read(reader, "40063"), list{});
  ASSERT_TRUE(reader.in_the_middle());
  auto what = reader.silence();
  ASSERT_TRUE(what);
  EXPECT_EQ(shown(*what), "-unfinished");
  EXPECT_FALSE(reader.silence());
  EXPECT_EQ(read(reader, "81333931\r"), list{"81333931"});  // a scan of its own: nobody can know better
}

TEST(scan_reader, lets_silence_end_a_scan_where_there_is_no_terminator) {
  framing how;
  how.terminators.clear();
  scan_reader reader(how);
  EXPECT_EQ(read(reader, "]E0400638"), list{});
  EXPECT_EQ(read(reader, "1333931"), list{});
  auto what = reader.silence();
  ASSERT_TRUE(what);
  EXPECT_EQ(shown(*what), "]E0 4006381333931");
  EXPECT_FALSE(reader.in_the_middle());
}

TEST(scan_reader, keeps_little_of_ten_thousand_octets_without_an_end_and_says_so_once) {
  scan_reader reader{framing()};
  list all;
  for (int i = 0; i < 1000; ++i)
    for (auto& one : read(reader, "0123456789")) all.push_back(one);
  EXPECT_EQ(all, list{"-too_long"});
  // The end of it is no scan; the next one is.
  EXPECT_EQ(read(reader, "tail\r4006381333931\r"), list{"4006381333931"});
}

TEST(scan_reader, takes_a_label_of_exactly_the_largest_size) {
  framing how;
  how.size_max = 20;
  how.prefix = "<";
  how.suffix = ">";
  EXPECT_EQ(read(how, "<]Q1" + std::string(20, '7') + ">\r"), list{"]Q1 " + std::string(20, '7')});
  EXPECT_EQ(read(how, "<]Q1" + std::string(21, '7') + ">\r"), list{"-too_long"});
}

TEST(scan_reader, forgets_what_was_too_long_after_a_silence) {
  framing how;
  how.size_max = 4;
  scan_reader reader(how);
  EXPECT_EQ(read(reader, std::string(100, '1')), list{"-too_long"});
  EXPECT_FALSE(reader.silence());  // said already
  EXPECT_EQ(read(reader, "2222\r"), list{"2222"});
}

TEST(scan_reader, passes_any_octet_that_is_no_terminator) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet)
    if (octet != '\r' && octet != '\n') all += static_cast<char>(octet);
  EXPECT_EQ(read(framing(), all + "\r"), list{all});
}

TEST(framing, is_refused_where_it_could_never_work) {
  EXPECT_FALSE(complaint_about(framing()));
  framing how;
  how.terminators = {""};
  EXPECT_TRUE(complaint_about(how));
  how = {};
  how.terminators = {"123456789"};
  EXPECT_TRUE(complaint_about(how));
  how = {};
  how.size_max = 0;
  EXPECT_TRUE(complaint_about(how));
  how = {};
  how.prefix = std::string(65, 'p');
  EXPECT_TRUE(complaint_about(how));
}

}  // namespace
}  // namespace serial_scanner
