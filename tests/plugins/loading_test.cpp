// Which files are loaded as plugins, and what is said of the others.
#include <sys/stat.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/plugin_host/plugin_file.hpp"
#include "tests/plugins/plugin_under_test.hpp"

namespace tilld::tests {
namespace {

using base::errc;
using daemon::plugin_host::placement;
using daemon::plugin_host::plugin_file;

class plugin_loading : public testing::Test {
 protected:
  plugin_loading() {
    char pattern[] = "/tmp/tilld-loading-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    copy_ = folder_ + "/copy.so";
    std::filesystem::copy_file(test_plugin("hello_c"), copy_);
    ::chmod(copy_.c_str(), 0644);
  }
  ~plugin_loading() override { std::filesystem::remove_all(folder_); }

  static std::string refusal(const std::string& path, placement where = placement::own_process) {
    const auto file = plugin_file::open(path, where);
    if (file) return "accepted";
    return std::string(base::describe(file.error().code).kind) + ": " +
           file.error().detail.substr(path.size() + 2);
  }

  std::string folder_, copy_;
};

TEST_F(plugin_loading, takes_a_file_of_its_own_user) { EXPECT_EQ(refusal(copy_), "accepted"); }

TEST_F(plugin_loading, refuses_what_others_may_write) {
  ::chmod(copy_.c_str(), 0664);
  EXPECT_EQ(refusal(copy_),
            "plugin_refused: may be written by its group or by others; mend it with chmod go-w");
  ::chmod(copy_.c_str(), 0646);
  EXPECT_EQ(refusal(copy_),
            "plugin_refused: may be written by its group or by others; mend it with chmod go-w");
}

TEST_F(plugin_loading, refuses_what_belongs_to_somebody_else) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  ASSERT_EQ(::chown(copy_.c_str(), 12345, 12345), 0);
  EXPECT_EQ(refusal(copy_),
            "plugin_refused: belongs to user 12345; it must belong to root or to the user that loads it");
}

TEST_F(plugin_loading, refuses_links_folders_and_what_is_no_library) {
  std::filesystem::create_symlink(copy_, folder_ + "/link.so");
  EXPECT_EQ(refusal(folder_ + "/link.so"), "plugin_refused: is a symbolic link; name the file itself");
  EXPECT_EQ(refusal(folder_), "plugin_refused: is not a regular file");
  EXPECT_TRUE(refusal(folder_ + "/absent.so").starts_with("plugin_missing: "));
  std::ofstream(folder_ + "/text.so") << "not a library";
  ::chmod((folder_ + "/text.so").c_str(), 0644);
  EXPECT_EQ(refusal(folder_ + "/text.so"), "plugin_missing: not a loadable shared object: no ELF header");
  std::ofstream(folder_ + "/empty.so").flush();
  ::chmod((folder_ + "/empty.so").c_str(), 0644);
  EXPECT_EQ(refusal(folder_ + "/empty.so"), "plugin_missing: is empty or larger than 512 MiB");
}

TEST_F(plugin_loading, refuses_other_symbols_than_the_entry) {
  EXPECT_EQ(refusal(test_plugin("second_symbol")),
            "plugin_refused: exports second_symbol; only tilld_plugin_v1 may be visible (link with "
            "plugin.version)");
  EXPECT_TRUE(refusal(test_plugin("no_entry")).starts_with("plugin_refused: exports tilld_plugin_v2; only"));
}

TEST_F(plugin_loading, refuses_a_run_path) {
  EXPECT_EQ(refusal(test_plugin("run_path")),
            "plugin_refused: has a run path for libraries; link without rpath");
}

TEST_F(plugin_loading, refuses_a_second_sqlite_in_the_daemon_but_not_in_a_process) {
  const auto file = test_plugin("needs_sqlite");
  EXPECT_TRUE(refusal(file, placement::daemon_thread).starts_with("plugin_refused: needs libsqlite3.so"));
  EXPECT_EQ(refusal(file, placement::own_process), "accepted");
  EXPECT_EQ(refusal(file, placement::daemon_thread_debugging), "accepted");
}

class plugin_loading_in_both : public in_both_isolations {
 protected:
  // Kind, detail and code of an instance that never said hello.
  static void expect_failure(const std::string& file, const char* kind, const std::string& detail,
                             exit_code code) {
    plugin_under_test plugin(file, GetParam());
    const auto failed = plugin.event(instance::failed);
    EXPECT_EQ(body_of(failed).at("kind"), kind);
    EXPECT_NE(detail_of(failed).find(detail), std::string::npos) << detail_of(failed);
    EXPECT_EQ(plugin.end().code, code);
  }
};
INSTANTIATE_TEST_SUITE_P(isolation, plugin_loading_in_both,
                         testing::Values(isolation::process, isolation::thread), isolation_name);

TEST_P(plugin_loading_in_both, says_why_there_is_no_plugin) {
  expect_failure("/nowhere/absent.so", "plugin_missing", "No such file", exit_code::load_failed);
  expect_failure(test_plugin("other_abi"), "plugin_refused", "another ABI", exit_code::refused);
  expect_failure(test_plugin("wrong_id"), "plugin_refused", "an id that is not like", exit_code::refused);
  expect_failure(test_plugin("run_path"), "plugin_refused", "run path", exit_code::refused);
}

TEST(plugin_host_program, refuses_a_command_line_that_makes_no_sense) {
  plugin_under_test plugin(test_plugin("hello_c"), plugin_under_test::options{.memory_max = "much"});
  EXPECT_EQ(plugin.end().code, exit_code::usage);
  EXPECT_NE(plugin.spoken().find("--memory-max needs a number of bytes"), std::string::npos);
}

}  // namespace
}  // namespace tilld::tests
