#include "plugins/example-scale/protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace {

// "stable 1234000"; "none" where the line is no reading.
std::string read(const std::string& line) {
  scale_reading reading{};
  if (!scale_read_line(line.data(), line.size(), &reading)) return "none";
  constexpr const char* names[] = {"moving", "stable", "overloaded"};
  return std::string(names[reading.state]) + " " + std::to_string(reading.milligrams);
}

TEST(scale_line, is_a_weight_to_the_milligram_without_a_float) {
  EXPECT_EQ(read("ST,GS,+  1.234kg"), "stable 1234000");
  EXPECT_EQ(read("US,NT,+00012.3  g"), "moving 12300");
  EXPECT_EQ(read("ST,NT,-  0.005kg"), "stable -5000");
  EXPECT_EQ(read("ST,GS,+ 15.000 kg"), "stable 15000000");
  EXPECT_EQ(read("ST,GS,+0.000001kg"), "stable 1");
  EXPECT_EQ(read("ST,GS,+    500 g"), "stable 500000");
  EXPECT_EQ(read("OL,GS,+9999999kg"), "overloaded 0");
}

TEST(scale_line, is_nothing_where_it_is_cut_or_strange) {
  const std::string whole = "ST,GS,+  1.234kg";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read(whole.substr(0, size)), "none") << size;
  for (std::size_t cut = 1; cut < whole.size(); ++cut) EXPECT_EQ(read(whole.substr(cut)), "none") << cut;
  for (auto line : {"XX,GS,+1.234kg", "ST,XX,+1.234kg", "ST,GS,1.2345kg", "ST,GS,+1.234lb", "ST,GS,+1..2kg",
                    "ST,GS,+1.kg", "ST,GS,+.kg", "ST,GS,+1.0000001kg", "ST,GS,+1.0001g",
                    "ST,GS,+99999999999999999kg", "ST,GS,+1 234kg"})
    EXPECT_EQ(read(line), "none") << line;
}

}  // namespace
