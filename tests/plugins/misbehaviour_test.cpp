// Plugins that crash, hang, flood, leak, lie and fall silent: what the daemon sees of it.
#include <sys/resource.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <tuple>

#include "tests/plugins/plugin_under_test.hpp"

namespace tilld::tests {
namespace {

class misbehaviour : public in_both_isolations {};
INSTANTIATE_TEST_SUITE_P(isolation, misbehaviour, testing::Values(isolation::process, isolation::thread),
                         isolation_name);

TEST(misbehaviour_in_a_process, shows_a_crash_as_a_signal) {
  plugin_under_test plugin(test_plugin("crash"));
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.crash/1.go");
  EXPECT_EQ(plugin.end().signal, SIGSEGV);
}

TEST(misbehaviour_in_a_process, shows_that_a_plugin_called_exit) {
  plugin_under_test plugin(test_plugin("exit"));
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.exit/1.go");
  EXPECT_EQ(plugin.end().code, exit_code::plugin_exited);
}

TEST_P(misbehaviour, shows_a_hang_and_stays_reachable) {
  plugin_under_test plugin(test_plugin("hang"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.hang/1.go");
  plugin.ask(std::string(instance::ping));
  boost::json::object busy;
  do {
    busy = body_of(plugin.call(std::string(instance::busy_since)));
  } while (busy.at("in_call") != "org.tilld.test.hang/1.go" || busy.at("since_ms").as_int64() < 20);
  EXPECT_EQ(busy.at("waiting"), 1) << "the ping that nobody answers";
  plugin.ask(std::string(instance::stop));
  EXPECT_EQ(plugin.end().code, exit_code::hung);
}

#ifdef TILLD_SANITIZED
constexpr std::size_t resident_kib_max = 256 * 1024;  // the sanitizer's shadow, too
#else
constexpr std::size_t resident_kib_max = 32 * 1024;
#endif

// Resident memory of a process.
std::size_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0, resident = 0;
  status >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

TEST_P(misbehaviour, makes_a_flood_wait_and_stays_small) {
  plugin_under_test plugin(test_plugin("flood"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  ASSERT_EQ(plugin.call("org.tilld.test.flood/1.go").status, TILLD_OK);
  // Nobody reads: the plugin is stuck in send() when its queue is full, which busy_since tells once we read
  // again.
  for (;;) {
    const auto busy = body_of(plugin.call(std::string(instance::busy_since)));
    EXPECT_LE(busy.at("unsent_bytes").as_int64(), 4 * 1024 * 1024 + 1024);
    if (busy.at("in_call") == "org.tilld.test.flood/1.go") break;
  }
  for (int i = 0; i < 20'000; ++i) plugin.event("org.tilld.test.flood/1.drop");
  if (GetParam() == isolation::process) {
    EXPECT_LT(resident_kib(plugin.pid()), resident_kib_max);
  }
  plugin.ask(std::string(instance::stop));
  EXPECT_EQ(plugin.end().code, exit_code::stopped);
}

#ifndef TILLD_SANITIZED
TEST(misbehaviour_in_a_process, ends_a_leak_at_its_limit_and_says_so) {
  plugin_under_test plugin(test_plugin("leak"), plugin_under_test::options{.memory_max = "167772160"});
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.leak/1.go");
  EXPECT_EQ(plugin.end().code, exit_code::out_of_memory);
}
#endif

TEST_P(misbehaviour, passes_a_second_answer_on_for_the_daemon_to_judge) {
  plugin_under_test plugin(test_plugin("twice"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  const auto id = plugin.ask("org.tilld.test.twice/1.go");
  EXPECT_EQ(plugin.reply_to(id).body, R"({"answer":1})");
  EXPECT_EQ(plugin.reply_to(id).body, R"({"answer":2})");
  EXPECT_EQ(plugin.reply_to(id + 1'000'000).body, R"({"answer":3})");
}

TEST_P(misbehaviour, stops_a_plugin_that_never_answered) {
  plugin_under_test plugin(test_plugin("silent"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.cancel(plugin.ask("org.tilld.test.silent/1.go"));
  EXPECT_EQ(plugin.call(std::string(instance::ping)).status, TILLD_OK);
  EXPECT_EQ(plugin.call(std::string(instance::stop)).status, TILLD_OK);
  EXPECT_EQ(plugin.end().code, exit_code::stopped);
}

TEST_P(misbehaviour, turns_an_exception_of_a_driver_into_an_answer_without_its_words) {
  plugin_under_test plugin(test_plugin("misbehaving"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  const auto reply = plugin.call("org.tilld.test.misbehaving/1.throw_int");
  EXPECT_EQ(reply.status, TILLD_E_INTERNAL);
  EXPECT_EQ(detail_of(reply), "unexpected exception of an unknown type");
  EXPECT_EQ(plugin.call("org.tilld.test.misbehaving/1.throw_later").status, TILLD_OK);
  const auto failed = plugin.event(instance::failed);
  EXPECT_EQ(failed.status, TILLD_E_INTERNAL);
  EXPECT_EQ(detail_of(failed), "unexpected exception std::runtime_error");
  EXPECT_EQ(plugin.end().code, exit_code::plugin_failed);
}

TEST_P(misbehaviour, survives_an_exception_that_crosses_the_border) {
  plugin_under_test plugin(test_plugin("throw_raw"), GetParam());
  ASSERT_EQ(plugin.start(), TILLD_OK);
  plugin.ask("org.tilld.test.throw-raw/1.go");
  EXPECT_EQ(detail_of(plugin.event(instance::failed)), "an exception left the plugin");
  EXPECT_EQ(plugin.end().code, exit_code::plugin_failed);
}

TEST(misbehaviour_in_a_process, keeps_chatter_off_the_socket) {
  plugin_under_test plugin(test_plugin("chatter"));
  ASSERT_EQ(plugin.start(), TILLD_OK);
  EXPECT_EQ(plugin.call("org.tilld.test.chatter/1.go").body, R"({"heard":"nothing"})");
  EXPECT_NE(plugin.spoken().find("chatter"), std::string::npos) << "it went where standard error goes";
}

}  // namespace
}  // namespace tilld::tests
