#include "wire/plugin_frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tilld::wire {
namespace {

std::string frame_of(const plugin_message& message) {
  std::string frame;
  EXPECT_TRUE(append_frame(frame, message).has_value());
  return frame;
}

plugin_message print_request() {
  return {.kind = plugin_message_kind::request,
          .id = 0x0102030405060708,
          .deadline_ms = 30000,
          .name = "tilld.printer/1.print",
          .body = R"({"a":1})",
          .blob = std::string("\0\xff", 2)};
}

// A frame with this octet changed.
base::result<std::optional<plugin_message>> read_changed(std::size_t at, char to) {
  auto frame = frame_of(print_request());
  frame[at] = to;
  plugin_frame_reader reader;
  reader.feed(frame);
  return reader.next();
}

TEST(plugin_frame, has_these_octets_for_ever) {
  auto reply = print_request();
  reply.kind = plugin_message_kind::reply;
  reply.status = -2;
  std::string golden(
      "\0\0\0\x3e\x02\0\0\x15\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff\xfe\0\0\x75\x30\0\0\0\x07\0\0\0\0",
      32);
  golden += "tilld.printer/1.print{\"a\":1}";
  golden += std::string("\0\xff", 2);
  EXPECT_EQ(frame_of(reply), golden);
}

TEST(plugin_frame, comes_back_as_it_went_octet_by_octet) {
  std::vector<plugin_message> sent{print_request(), {.name = "x"}, print_request()};
  sent[2].kind = plugin_message_kind::reply;
  sent[2].status = 9;
  std::string stream;
  for (const auto& m : sent) stream += frame_of(m);
  plugin_frame_reader reader;
  std::vector<plugin_message> received;
  for (char octet : stream) {
    reader.feed({&octet, 1});
    auto message = reader.next();
    ASSERT_TRUE(message.has_value());
    if (*message) received.push_back(**message);
  }
  EXPECT_EQ(received, sent);
}

TEST(plugin_frame, yields_every_message_of_one_read) {
  std::string stream;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    auto m = print_request();
    m.id = i;
    stream += frame_of(m);
  }
  plugin_frame_reader reader;
  reader.feed(stream);
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(reader.next().value()->id, i);
  EXPECT_FALSE(reader.next().value());
}

TEST(plugin_frame, carries_the_largest_message_and_refuses_one_octet_more) {
  plugin_message largest{.name = std::string(plugin_name_size_max, 'n'),
                         .body = std::string(plugin_body_size_max, 'b'),
                         .blob = std::string(plugin_blob_size_max, 'x')};
  auto frame = frame_of(largest);
  EXPECT_EQ(frame.size(), plugin_frame_size_max);
  plugin_frame_reader reader;
  reader.feed(frame);
  EXPECT_TRUE(*reader.next().value() == largest);

  std::string untouched = "before";
  for (auto member : {&plugin_message::name, &plugin_message::body, &plugin_message::blob}) {
    auto larger = largest;
    larger.*member += 'x';
    EXPECT_FALSE(append_frame(untouched, larger).has_value());
  }
  EXPECT_EQ(untouched, "before");
}

TEST(plugin_frame, is_refused_as_soon_as_its_header_is_there) {
  plugin_frame_reader reader;
  std::string head = frame_of(print_request()).substr(0, plugin_header_size);
  head[24] = '\x7f';
  reader.feed(head);
  EXPECT_EQ(reader.next().error().code, base::errc::message_too_large);
}

TEST(plugin_frame, is_refused_when_a_rule_is_broken) {
  EXPECT_EQ(read_changed(0, '\x7f').error().code, base::errc::message_too_large);
  EXPECT_EQ(read_changed(3, 1).error().code, base::errc::parse_error) << "total smaller than the header";
  EXPECT_EQ(read_changed(4, 0).error().code, base::errc::parse_error) << "kind";
  EXPECT_EQ(read_changed(4, 4).error().code, base::errc::parse_error) << "kind";
  EXPECT_EQ(read_changed(5, 1).error().code, base::errc::parse_error) << "flags";
  EXPECT_EQ(read_changed(6, 1).error().code, base::errc::parse_error) << "long name";
  EXPECT_EQ(read_changed(7, 0).error().code, base::errc::parse_error) << "no name";
  EXPECT_EQ(read_changed(31, 1).error().code, base::errc::parse_error) << "reserved";
  EXPECT_EQ(read_changed(33, 0).error().code, base::errc::parse_error) << "NUL in the name";
  EXPECT_EQ(read_changed(33, ' ').error().code, base::errc::parse_error) << "blank in the name";
}

TEST(plugin_frame, ends_the_stream_at_the_first_error) {
  plugin_frame_reader reader;
  reader.feed(std::string(plugin_header_size, '\xff'));
  EXPECT_FALSE(reader.next().has_value());
  reader.feed(frame_of(print_request()));
  EXPECT_FALSE(reader.next().has_value());
}

TEST(plugin_frame, reads_garbage_without_harm) {
  std::mt19937 random(20260101);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto octets = frame_of(print_request()) + frame_of({.name = "y"});
    for (int i = 0; i < 4; ++i) octets[random() % octets.size()] = static_cast<char>(random());
    plugin_frame_reader reader;
    for (std::size_t at = 0; at < octets.size();) {
      const auto chunk = std::min<std::size_t>(1 + random() % 40, octets.size() - at);
      reader.feed({octets.data() + at, chunk});
      at += chunk;
      for (;;) {
        auto message = reader.next();
        if (!message) ++refused;
        if (!message || !*message) break;
        EXPECT_LE((*message)->name.size(), plugin_name_size_max);
      }
    }
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace tilld::wire
