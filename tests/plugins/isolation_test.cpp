// A plugin gets at no path but its own: a file of the daemon, the users and the root folder stay closed to
// it.
#include <fcntl.h>
#include <sys/stat.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/plugins/plugin_under_test.hpp"

namespace tilld::tests {
namespace {

class plugin_isolation : public in_both_isolations {
 protected:
  plugin_isolation() {
    char pattern[] = "/tmp/tilld-isolation-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    std::ofstream(folder_ + "/journal.db") << "records";
  }
  ~plugin_isolation() override { std::filesystem::remove_all(folder_); }

  std::string journal() const { return folder_ + "/journal.db"; }

  // What the thief got, or nothing on a kernel without Landlock.
  boost::json::object steal(plugin_under_test& plugin) {
    EXPECT_EQ(plugin.start(), TILLD_OK);
    const boost::json::object body{{"path", journal()}};
    const auto reply = plugin.call("org.tilld.test.journal-thief/1.steal", boost::json::serialize(body));
    EXPECT_EQ(reply.status, TILLD_OK) << reply.body;
    return body_of(reply);
  }
  static bool restricted(const plugin_under_test& plugin) {
    return plugin.hello().at("sandbox").at("paths_restricted").as_bool();
  }

  std::string folder_;
};
INSTANTIATE_TEST_SUITE_P(isolation, plugin_isolation, testing::Values(isolation::process, isolation::thread),
                         isolation_name);

TEST_P(plugin_isolation, closes_every_path_to_a_thief) {
  plugin_under_test plugin(test_plugin("journal_thief"), GetParam());
  const auto loot = steal(plugin);
  if (!restricted(plugin)) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_GE(plugin.hello().at("sandbox").at("landlock_abi").as_int64(), 1);
  EXPECT_EQ(loot.at("read"), EACCES);
  EXPECT_EQ(loot.at("write"), EACCES);
  EXPECT_EQ(loot.at("users"), EACCES);
  EXPECT_EQ(loot.at("root_folder"), EACCES);
  EXPECT_EQ(loot.at("system_library"), 0) << "libraries stay readable";
}

TEST_P(plugin_isolation, leaves_the_daemons_own_threads_alone) {
  plugin_under_test plugin(test_plugin("journal_thief"), GetParam());
  steal(plugin);
  EXPECT_TRUE(std::ifstream(journal()).good());
  std::thread([this] { EXPECT_TRUE(std::ifstream(journal()).good()); }).join();
}

TEST_P(plugin_isolation, opens_the_paths_that_it_was_told_to) {
  plugin_under_test::options how{.mode = GetParam()};
  how.allowed_paths = {{folder_, false}, {folder_ + "/not-there", true}};
  plugin_under_test plugin(test_plugin("journal_thief"), how);
  const auto loot = steal(plugin);
  if (!restricted(plugin)) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(loot.at("read"), 0);
  EXPECT_EQ(loot.at("write"), EACCES);
  EXPECT_EQ(loot.at("users"), EACCES);
  EXPECT_NE(plugin.hello().at("sandbox").at("note").as_string().find("not-there"), boost::json::string::npos);
}

TEST_P(plugin_isolation, opens_a_path_for_writing_only_when_told_so) {
  plugin_under_test::options how{.mode = GetParam(), .allowed_paths = {{journal(), true}}};
  plugin_under_test plugin(test_plugin("journal_thief"), how);
  const auto loot = steal(plugin);
  EXPECT_EQ(loot.at("read"), 0);
  EXPECT_EQ(loot.at("write"), 0);
}

TEST_F(plugin_isolation, takes_the_daemon_out_of_reach_of_signals_where_the_kernel_can) {
  plugin_under_test plugin(test_plugin("journal_thief"));
  const auto loot = steal(plugin);
  if (plugin.hello().at("sandbox").at("landlock_abi").as_int64() < 6) GTEST_SKIP() << "needs Linux 6.12";
  EXPECT_EQ(loot.at("signal_to_parent"), EPERM);
}

TEST_F(plugin_isolation, leaves_nothing_of_what_the_process_inherited) {
  plugin_under_test::options how;
  how.environment = {"TILLD_TEST_WORD=test", "OTHER_WORD=other"};
  plugin_under_test plugin(test_plugin("journal_thief"), how);
  const auto loot = steal(plugin);
  EXPECT_EQ(loot.at("inherited"), EBADF);
  EXPECT_FALSE(loot.contains("test_variable"));
  EXPECT_FALSE(loot.contains("other_variable"));
}

TEST_F(plugin_isolation, keeps_named_test_variables_when_told_so) {
  plugin_under_test::options how;
  how.environment = {"TILLD_TEST_WORD=test", "OTHER_WORD=other"};
  how.allow_test_environment = true;
  plugin_under_test plugin(test_plugin("journal_thief"), how);
  const auto loot = steal(plugin);
  EXPECT_EQ(loot.at("test_variable"), "test");
  EXPECT_FALSE(loot.contains("other_variable"));
}

}  // namespace
}  // namespace tilld::tests
