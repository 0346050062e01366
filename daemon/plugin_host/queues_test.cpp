// The two queues between the plugin's thread and the I/O thread.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <future>

#include "base/file.hpp"
#include "daemon/plugin_host/inbox.hpp"
#include "daemon/plugin_host/outbox.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon::plugin_host {
namespace {

using std::chrono::milliseconds;
using wire::plugin_message;
using wire::plugin_message_kind;
using wire::plugin_message_view;

plugin_message request(std::uint64_t id, std::string body = "{}") {
  return {.kind = plugin_message_kind::request, .id = id, .name = "x", .body = std::move(body)};
}

TEST(inbox, hands_out_in_order_and_takes_a_request_back) {
  inbox in;
  for (std::uint64_t id : {1, 2, 3}) EXPECT_TRUE(in.add(request(id)));
  EXPECT_EQ(in.take_request(2)->id, 2u);
  EXPECT_FALSE(in.take_request(2));
  EXPECT_EQ(in.take()->message.id, 1u);
  EXPECT_EQ(in.take()->message.id, 3u);
  EXPECT_FALSE(in.take());
}

TEST(inbox, is_full_at_its_limits_but_has_room_for_replies) {
  inbox in;
  for (std::size_t i = 0; i < wire::plugin_instance::plugin_waiting_max; ++i) ASSERT_TRUE(in.add(request(i)));
  EXPECT_FALSE(in.add(request(1000)));
  EXPECT_TRUE(in.add({.kind = plugin_message_kind::reply, .id = 1, .name = "x"}));

  inbox large;
  const std::string megabyte(1 << 20, ' ');
  std::size_t taken = 0;
  while (large.add(request(taken, megabyte))) ++taken;
  EXPECT_EQ(taken, inbox::bytes_max / megabyte.size() - 1) << "names count, too";
  large.take();
  EXPECT_TRUE(large.add(request(99, megabyte))) << "room again";
}

TEST(inbox, knows_which_requests_waited_too_long) {
  inbox::waiting w{request(1), inbox::clock::now()};
  EXPECT_FALSE(w.expired(w.arrived + milliseconds(1'000'000))) << "no deadline";
  w.message.deadline_ms = 100;
  EXPECT_FALSE(w.expired(w.arrived + milliseconds(100)));
  EXPECT_TRUE(w.expired(w.arrived + milliseconds(101)));
}

class outbox_to_a_socket : public testing::Test {
 protected:
  outbox_to_a_socket() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }
  outbox::added add(std::string_view body, milliseconds patience = milliseconds(0)) {
    const plugin_message_view message{.name = "x", .body = {}, .blob = body};
    return out_.add(message, patience);
  }
  // Writes and reads until everything has come over.
  std::vector<std::string> drain() {
    wire::plugin_frame_reader reader;
    std::vector<std::string> blobs;
    std::array<char, 65536> chunk;
    while (out_.bytes() > 0) {
      EXPECT_TRUE(out_.write_to(ours_.get()));
      for (ssize_t size; (size = ::recv(theirs_.get(), chunk.data(), chunk.size(), 0)) > 0;)
        reader.feed({chunk.data(), static_cast<std::size_t>(size)});
      while (auto message = reader.next().value()) blobs.push_back(message->blob);
    }
    return blobs;
  }

  outbox out_;
  base::unique_fd ours_, theirs_;
};

TEST_F(outbox_to_a_socket, writes_in_order_what_a_socket_takes_in_pieces) {
  std::vector<std::string> sent;
  for (char c : {'a', 'b', 'c'}) sent.emplace_back(1 << 20, c);
  for (const auto& blob : sent) EXPECT_EQ(add(blob), outbox::added::yes);
  EXPECT_TRUE(drain() == sent);
}

TEST_F(outbox_to_a_socket, is_full_at_its_limit_but_takes_one_message_of_any_size) {
  const std::string largest(wire::plugin_blob_size_max, 'x');
  EXPECT_EQ(add(largest), outbox::added::yes);
  EXPECT_EQ(add("y"), outbox::added::full);
  drain();
  EXPECT_EQ(add("y"), outbox::added::yes);
  EXPECT_EQ(add(largest), outbox::added::full);
}

TEST_F(outbox_to_a_socket, wakes_who_waits_for_room_or_for_the_end) {
  const std::string largest(wire::plugin_blob_size_max, 'x');
  add(largest);
  auto wait = [this] { return add("y", milliseconds(60'000)); };
  auto waiting = std::async(std::launch::async, wait);
  drain();
  EXPECT_EQ(waiting.get(), outbox::added::yes);

  drain();
  add(largest);
  auto second = std::async(std::launch::async, wait);
  out_.close();
  EXPECT_EQ(second.get(), outbox::added::closed);
  EXPECT_EQ(drain().size(), 1u) << "what was inside still goes out";
}

TEST_F(outbox_to_a_socket, says_when_nobody_is_there_any_more) {
  add("x");
  theirs_.reset();
  EXPECT_FALSE(out_.write_to(ours_.get()));
}

}  // namespace
}  // namespace tilld::daemon::plugin_host
