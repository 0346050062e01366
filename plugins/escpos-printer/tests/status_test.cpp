#include "plugins/escpos-printer/status.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tilld::escpos {
namespace {

using namespace std::string_literals;

template <class Kind>
int count(const std::vector<printer_message>& messages) {
  int n = 0;
  for (auto& it : messages) n += std::holds_alternative<Kind>(it);
  return n;
}

TEST(status_reader, reads_automatic_status_whatever_its_pieces) {
  auto bytes = "\x3c\x00\x0c\x00"s;  // offline, cover open, drawer pin high; paper out
  for (std::size_t cut = 0; cut <= 4; ++cut) {
    status_reader reader;
    auto messages = reader.eat(bytes.substr(0, cut));
    auto rest = reader.eat(bytes.substr(cut));
    messages.insert(messages.end(), rest.begin(), rest.end());
    ASSERT_EQ(messages.size(), 1u);
    auto flags = std::get<automatic_status>(messages[0]).flags;
    EXPECT_EQ(flags.offline, true);
    EXPECT_EQ(flags.cover_open, true);
    EXPECT_EQ(flags.paper_out, true);
    EXPECT_EQ(flags.paper_low, false);
    EXPECT_EQ(flags.drawer_pin_high, true);
  }
}

TEST(status_reader, finds_an_answer_that_jumped_into_an_automatic_status) {
  status_reader reader;
  auto messages = reader.eat("\x14\x00\x12\x00\x00"s);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<real_time_status>(messages[0]).bits, 0x12);
  EXPECT_EQ(std::get<automatic_status>(messages[1]).flags.offline, false);
}

TEST(status_reader, reads_process_ids_and_names) {
  status_reader reader;
  auto messages = reader.eat(
      "\x37\x22"
      "A001\0\x5fTM-T20III\0"s);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<process_done>(messages[0]).id, "A001");
  EXPECT_EQ(std::get<identity>(messages[1]).text, "TM-T20III");
}

TEST(status_reader, reads_the_answer_to_gs_r) {
  status_reader reader;
  auto messages = reader.eat("\x00\x03\x0f"s);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(std::get<paper_sensor_status>(messages[0]).flags.paper_low, false);
  EXPECT_EQ(std::get<paper_sensor_status>(messages[1]).flags.paper_low, true);
  EXPECT_EQ(std::get<paper_sensor_status>(messages[2]).flags.paper_out, true);
}

TEST(status_reader, goes_on_after_lost_bytes) {
  status_reader reader;
  EXPECT_TRUE(reader.eat("\x14\x00"s).empty());  // two bytes of an automatic status were lost
  auto messages = reader.eat(
      "\x37\x22"
      "A001\0"s);  // this cannot belong to it
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<process_done>(messages[0]).id, "A001");
}

TEST(status_reader, takes_flow_control_for_nothing) {
  status_reader reader;
  auto messages = reader.eat("\x13\x14\x11\x00\x00\x13\x00\x11"s);
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_EQ(count<automatic_status>(messages), 1);
}

TEST(status_reader, lives_on_random_bytes_and_still_hears_a_process_id) {
  std::mt19937 random(9100);
  for (int round = 0; round < 2000; ++round) {
    status_reader reader;
    std::string noise(random() % 300, '\0');
    for (auto& c : noise) c = char(random() & 0xff);
    for (std::size_t at = 0; at < noise.size();) {
      auto size = std::min<std::size_t>(1 + random() % 20, noise.size() - at);
      reader.eat(noise.substr(at, size));
      at += size;
    }
    // At worst the noise ended inside of a block, which the first NUL ends, or of an automatic status.
    reader.eat(std::string(1, '\0'));
    auto heard = reader.eat(
        "\xff\x37\x22"
        "zzzz\0"s);
    ASSERT_EQ(count<process_done>(heard), 1) << round;
  }
}

TEST(real_time_answers, mean_what_they_were_asked_for) {
  EXPECT_EQ(flags_of_real_time(1, 0x1a).offline, true);
  EXPECT_EQ(flags_of_real_time(2, 0x16).cover_open, true);
  EXPECT_EQ(flags_of_real_time(4, 0x72).paper_out, true);
  EXPECT_EQ(flags_of_real_time(4, 0x1e).paper_low, true);
  EXPECT_EQ(flags_of_real_time(4, 0x12).paper_out, false);
  EXPECT_FALSE(flags_of_real_time(4, 0x12).offline.has_value());
}

}  // namespace
}  // namespace tilld::escpos
