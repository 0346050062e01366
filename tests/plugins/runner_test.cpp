// What a well-behaved plugin and the daemon can rely on, in both isolations.
#include <sys/socket.h>
#include <tilld/plugin.h>

#include <optional>

#include "tests/plugins/plugin_under_test.hpp"

namespace tilld::tests {
namespace {

using wire::plugin_message_kind;
namespace plugin_host = daemon::plugin_host;

class plugin_runner : public in_both_isolations {};
INSTANTIATE_TEST_SUITE_P(isolation, plugin_runner, testing::Values(isolation::process, isolation::thread),
                         isolation_name);

std::string say(const char* word) { return std::string("org.tilld.test.hello/1.") + word; }

TEST_P(plugin_runner, says_hello_starts_answers_and_stops) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start({{"greeting", "moin"}}), TILLD_OK);
  EXPECT_EQ(plugin.hello().at("id"), "org.tilld.test.hello");
  EXPECT_EQ(plugin.hello().at("abi"), 1);
  EXPECT_EQ(boost::json::serialize(plugin.hello().at("provides")), R"(["org.tilld.test.hello/1"])");
  EXPECT_EQ(boost::json::serialize(plugin.hello().at("uses")), "[]");
  EXPECT_TRUE(plugin.hello().at("config_schema").is_object());
  EXPECT_EQ(plugin.call(say("hello")).body, R"({"greeting":"moin"})");
  EXPECT_EQ(plugin.call(std::string(instance::stop)).status, TILLD_OK);
  EXPECT_EQ(plugin.end().code, exit_code::stopped);
}

TEST_P(plugin_runner, carries_body_and_blob_both_ways_up_to_the_limit) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  for (std::size_t size : {std::size_t(0), std::size_t(1), wire::plugin_blob_size_max}) {
    const std::string blob(size, '\x7f');
    const auto reply = plugin.call(say("echo"), R"({"a":[1]})", blob);
    EXPECT_EQ(reply.body, R"({"a":[1]})");
    EXPECT_TRUE(reply.blob == blob) << size;
  }
}

TEST_P(plugin_runner, calls_back_for_descriptors_and_timers) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  EXPECT_EQ(plugin.call(say("read")).body, R"({"read":1})");
  EXPECT_EQ(plugin.call(say("later")).body, R"({"later":1})");
  EXPECT_EQ(plugin.call(say("read")).body, R"({"read":1})") << "watching again";
}

TEST_P(plugin_runner, refuses_unknown_words_and_words_before_start) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  EXPECT_EQ(plugin.call(say("hello")).status, TILLD_E_INVALID);
  ASSERT_EQ(plugin.start(), TILLD_OK);
  EXPECT_EQ(plugin.call(say("dance")).status, TILLD_E_UNSUPPORTED);
  EXPECT_EQ(plugin.call("tilld.instance/1.dance").status, TILLD_E_UNSUPPORTED);
  EXPECT_EQ(plugin.call(std::string(instance::start), R"({"config":{}})").status, TILLD_E_INVALID) << "twice";
}

TEST_P(plugin_runner, refuses_a_start_without_a_config) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  for (const char* body : {"", "{", "[]", "{}", R"({"config":[]})"})
    EXPECT_EQ(plugin.call(std::string(instance::start), body).status, TILLD_E_INVALID) << body;
  EXPECT_EQ(plugin.start(), TILLD_OK) << "nothing was started before";
}

TEST_P(plugin_runner, says_why_a_config_was_refused_and_ends) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  EXPECT_EQ(plugin.start({{"prot", 1}}), TILLD_E_CONFIG);
  EXPECT_EQ(plugin.end().code, exit_code::misconfigured);

  plugin_under_test other(test_plugin("misbehaving"), GetParam());
  const auto reply = other.call(std::string(instance::start), R"({"config":{"start_with":7}})");
  EXPECT_EQ(detail_of(reply), "start_with: must be text");
}

TEST_P(plugin_runner, tells_a_missing_device_from_a_bug) {
  plugin_under_test unplugged(test_plugin("misbehaving"), GetParam());
  EXPECT_EQ(unplugged.start({{"start_with", "no_device"}}), TILLD_E_NO_DEVICE);
  EXPECT_EQ(unplugged.end().code, exit_code::device_gone);

  plugin_under_test broken(test_plugin("misbehaving"), GetParam());
  EXPECT_EQ(broken.start({{"start_with", "exception"}}), TILLD_E_INTERNAL);
  EXPECT_EQ(broken.end().code, exit_code::start_failed);
}

TEST_P(plugin_runner, ends_the_instance_whose_device_is_gone) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  EXPECT_EQ(plugin.call("org.tilld.test.misbehaving/1.lose_device").status, TILLD_E_NO_DEVICE);
  const auto failed = plugin.event(instance::failed);
  EXPECT_EQ(failed.status, TILLD_E_NO_DEVICE);
  EXPECT_EQ(detail_of(failed), "pulled out");
  EXPECT_EQ(plugin.end().code, exit_code::device_gone);
}

TEST_P(plugin_runner, hands_a_cancel_to_a_plugin_that_is_blocked) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  const auto blocked = plugin.ask("org.tilld.test.misbehaving/1.block");
  const auto waiting = plugin.ask("org.tilld.test.misbehaving/1.throw_int");
  // busy_since is answered by the other thread; it has seen the request when it says so.
  for (;;) {
    const auto busy = body_of(plugin.call(std::string(instance::busy_since)));
    if (busy.at("in_call") != "org.tilld.test.misbehaving/1.block") continue;
    EXPECT_EQ(busy.at("waiting"), 1);
    EXPECT_GE(busy.at("since_ms").as_int64(), 0);
    break;
  }
  plugin.cancel(waiting);
  const auto never_seen = plugin.reply_to(waiting);
  EXPECT_EQ(never_seen.status, TILLD_E_CANCELLED);
  EXPECT_EQ(detail_of(never_seen), "cancelled before the device was asked");
  plugin.cancel(blocked);
  const auto woken = plugin.reply_to(blocked);
  EXPECT_EQ(woken.status, TILLD_E_CANCELLED);
  EXPECT_EQ(detail_of(woken), "woken");
  EXPECT_EQ(plugin.call(std::string(instance::ping)).status, TILLD_OK);
  plugin.cancel(blocked);
  plugin.cancel(4711);
  EXPECT_EQ(plugin.call(std::string(instance::ping)).status, TILLD_OK) << "a cancel too late harms nobody";
}

TEST_P(plugin_runner, does_not_start_what_waited_past_its_deadline) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  const auto blocked = plugin.ask("org.tilld.test.misbehaving/1.block");
  const auto late = plugin.ask("org.tilld.test.misbehaving/1.throw_int", "{}", {}, 1);
  // Its millisecond begins when it is there.
  for (std::optional<std::int64_t> seen_ms;;) {
    const auto busy = body_of(plugin.call(std::string(instance::busy_since)));
    if (busy.at("in_call") != "org.tilld.test.misbehaving/1.block" || busy.at("waiting") != 1) continue;
    const auto since_ms = busy.at("since_ms").as_int64();
    if (!seen_ms) seen_ms = since_ms;
    if (since_ms > *seen_ms + 5) break;
  }
  plugin.cancel(blocked);
  EXPECT_EQ(plugin.reply_to(late).status, TILLD_E_CANCELLED);
}

TEST_P(plugin_runner, refuses_requests_beyond_what_may_wait) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.misbehaving/1.block");
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < instance::plugin_waiting_max + 2; ++i)
    last = plugin.ask(std::string(instance::ping));
  EXPECT_EQ(plugin.reply_to(last).status, TILLD_E_BUSY);
}

TEST_P(plugin_runner, lets_a_plugin_ask_only_so_much_at_once) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  EXPECT_EQ(plugin.call("org.tilld.test.misbehaving/1.ask_often").body, R"({"asked":256})");
  plugin.answer_questions(
      [](const wire::plugin_message&) { return wire::plugin_message{.body = R"({"present":false})"}; });
  EXPECT_EQ(plugin.call("org.tilld.test.misbehaving/1.ask_often").status, TILLD_OK);
}

TEST_P(plugin_runner, replaces_a_reply_that_is_too_large) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  const auto reply = plugin.call("org.tilld.test.misbehaving/1.too_much");
  EXPECT_EQ(reply.status, TILLD_E_INTERNAL);
  EXPECT_EQ(detail_of(reply), "the reply is larger than a message may be");
}

TEST_P(plugin_runner, ends_when_the_daemon_hangs_up) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.hang_up();
  EXPECT_EQ(plugin.end().code, exit_code::daemon_gone);
}

TEST_P(plugin_runner, ends_when_the_daemon_sends_garbage) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.send_octets(std::string(64, '\xff'));
  EXPECT_EQ(plugin.end().code, exit_code::protocol_error);
}

TEST_P(plugin_runner, understands_a_daemon_that_sends_octet_by_octet) {
  plugin_under_test plugin(test_plugin("hello_c"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  std::string frame;
  ASSERT_TRUE(wire::append_frame(
      frame, wire::plugin_message{.kind = plugin_message_kind::request, .id = 99, .name = say("hello")}));
  for (char octet : frame) plugin.send_octets({&octet, 1});
  EXPECT_EQ(plugin.reply_to(99).status, TILLD_OK);
}

// tilld-plugin-check runs one instance after the other on one socket. Both threads of a host may read, and
// what comes behind a stop is the next one's.
TEST(plugin_runner_alone, reads_nothing_behind_a_stop) {
  std::string stop, next;
  ASSERT_TRUE(wire::append_frame(
      stop, wire::plugin_message{
                .kind = plugin_message_kind::request, .id = 1, .name = std::string(instance::stop)}));
  ASSERT_TRUE(wire::append_frame(
      next, wire::plugin_message{.kind = plugin_message_kind::request, .id = 2, .name = say("hello")}));
  for (int turn = 0; turn < 50; ++turn) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const base::unique_fd daemon(ends[0]), kept(ends[1]);
    auto both = stop + next;
    ASSERT_EQ(::send(daemon.get(), both.data(), both.size(), 0), static_cast<ssize_t>(both.size()));
    auto file = plugin_host::plugin_file::open(test_plugin("hello_c"), plugin_host::placement::own_process);
    ASSERT_TRUE(file);
    plugin_host::runner_settings settings;
    settings.read_size_max = 1;
    EXPECT_EQ(plugin_host::run_plugin(base::unique_fd(::dup(kept.get())), std::move(*file), settings),
              exit_code::stopped);
    std::string left(both.size(), '\0');
    auto size = ::recv(kept.get(), left.data(), left.size(), MSG_DONTWAIT);
    ASSERT_GT(size, 0);
    ASSERT_EQ(left.substr(0, static_cast<std::size_t>(size)), next) << "turn " << turn;
  }
}

}  // namespace
}  // namespace tilld::tests
