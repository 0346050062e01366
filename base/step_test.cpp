#include "base/step.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <set>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld::base;
using tilld::tests::scratch_folder;

namespace {

// What the watcher of a crash campaign does: the page, and a child that walks through its steps.
struct watched : testing::Test {
  scratch_folder folder;
  std::string path = folder.file("steps");
  volatile std::uint32_t* page = nullptr;
  pid_t child = 0;

  void SetUp() override {
    std::ofstream(path) << std::string(4096, '\0');
    unique_fd fd(::open(path.c_str(), O_RDWR));
    auto* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    page = static_cast<volatile std::uint32_t*>(mapped);
  }
  void TearDown() override {
    if (page) ::munmap(const_cast<std::uint32_t*>(page), 4096);
  }

  void stop_at(step s, std::uint32_t passes_before = 0) {
    page[2] = passes_before;
    page[1] = static_cast<std::uint32_t>(s);
  }
  // The child sells twice; its exit code is 7.
  void start_child() {
    child = ::fork();
    if (child != 0) return;
    if (!start_step_watch(path)) ::_exit(1);
    for (int sale = 0; sale < 2; ++sale)
      for (auto s : {step::request_read, step::record_written, step::committed, step::answered}) reach(s);
    ::_exit(7);
  }
  int wait_for_child() {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, WUNTRACED), child);
    return status;
  }
};

}  // namespace

TEST(step, has_a_name_of_its_own_each) {
  std::set<std::string_view> names;
  for (std::uint32_t s = 0; s < static_cast<std::uint32_t>(step::count_); ++s) {
    EXPECT_FALSE(name(static_cast<step>(s)).empty()) << s;
    EXPECT_TRUE(names.insert(name(static_cast<step>(s))).second) << s;
  }
  EXPECT_EQ(name(step::committed), "committed");
  EXPECT_EQ(name(step::acknowledged), "acknowledged");
  EXPECT_EQ(name(step::count_), "unknown");
}

TEST(step, does_nothing_when_nobody_watches) {
  ASSERT_EQ(detail::watched_steps, nullptr);
  reach(step::committed);
  EXPECT_EQ(detail::watched_steps, nullptr);
}

TEST(step, cannot_be_watched_in_a_file_that_is_missing_or_too_small) {
  scratch_folder folder;
  EXPECT_EQ(start_step_watch(folder.file("missing")).error().code, errc::config_wrong_value);
  std::ofstream(folder.file("small")) << std::string(4095, '\0');
  auto refused = start_step_watch(folder.file("small"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("4096"), std::string::npos) << refused.error().detail;
  EXPECT_EQ(detail::watched_steps, nullptr);
}

TEST_F(watched, process_stops_at_the_step_and_goes_on) {
  stop_at(step::committed);
  start_child();
  auto status = wait_for_child();
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(WSTOPSIG(status), SIGSTOP);
  EXPECT_EQ(page[0], static_cast<std::uint32_t>(step::committed));
  EXPECT_EQ(page[1], 0u) << "it stops once";
  EXPECT_EQ(page[3], 1u);
  ASSERT_EQ(::kill(child, SIGCONT), 0);
  status = wait_for_child();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(page[0], static_cast<std::uint32_t>(step::answered));
  EXPECT_EQ(page[3], 1u);
}

TEST_F(watched, process_dies_exactly_where_it_was_stopped) {
  stop_at(step::record_written);
  start_child();
  ASSERT_TRUE(WIFSTOPPED(wait_for_child()));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  auto status = wait_for_child();
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(page[0], static_cast<std::uint32_t>(step::record_written));
}

TEST_F(watched, process_passes_the_step_as_often_as_it_was_told) {
  stop_at(step::record_written, 1);
  start_child();
  ASSERT_TRUE(WIFSTOPPED(wait_for_child()));
  EXPECT_EQ(page[2], 0u);
  ASSERT_EQ(::kill(child, SIGCONT), 0);
  EXPECT_TRUE(WIFEXITED(wait_for_child()));
  stop_at(step::record_written, 2);  // it comes there twice only
  start_child();
  EXPECT_TRUE(WIFEXITED(wait_for_child()));
  EXPECT_EQ(page[3], 1u);
}

TEST_F(watched, process_that_is_not_told_to_stop_only_shows_where_it_is) {
  start_child();
  auto status = wait_for_child();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(page[0], static_cast<std::uint32_t>(step::answered));
  EXPECT_EQ(page[3], 0u);
}
