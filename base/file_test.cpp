#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/scratch.hpp"

using namespace tilld::base;
using tilld::tests::scratch_folder;

namespace {

// What was synced since the test began to look, as paths at the moment of the sync.
std::vector<std::string>* synced = nullptr;

void note(int fd) {
  if (!synced) return;
  std::array<char, 4096> path;
  auto n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  if (n > 0) synced->emplace_back(path.data(), static_cast<std::size_t>(n));
}

struct watch_syncs {
  std::vector<std::string> paths;
  watch_syncs() { synced = &paths; }
  ~watch_syncs() { synced = nullptr; }
};

std::string text_of(const std::string& path) {
  auto content = read_file(path);
  return content ? std::string(as_text(*content)) : "(" + content.error().detail + ")";
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

}  // namespace

// The program's own fsync and fdatasync, which the linker prefers to the C library's.
extern "C" int fsync(int fd) {
  note(fd);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int fdatasync(int fd) {
  note(fd);
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

TEST(file, replaces_its_content_whole_and_durably) {
  scratch_folder folder;
  auto path = folder.file("state");
  ASSERT_TRUE(write_file_durably(path, as_bytes("old")));
  watch_syncs watch;
  ASSERT_TRUE(write_file_durably(path, as_bytes("new")));
  EXPECT_EQ(text_of(path), "new");
  EXPECT_EQ(watch.paths, (std::vector<std::string>{path + ".new", folder.path()}))
      << "content first, then the name";
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(file, has_the_mode_that_was_asked_for_whatever_the_umask_and_the_left_overs) {
  scratch_folder folder;
  auto old_mask = ::umask(0);
  { unique_fd left_over(::open(folder.file("state.new").c_str(), O_CREAT | O_WRONLY, 0666)); }
  ASSERT_TRUE(write_file_durably(folder.file("state"), as_bytes("x")));
  ::umask(0777);
  ASSERT_TRUE(write_file_durably(folder.file("page"), as_bytes("x"), 0644));
  ::umask(old_mask);
  EXPECT_EQ(mode_of(folder.file("state")), 0600u);
  EXPECT_EQ(mode_of(folder.file("page")), 0644u);
}

TEST(file, is_not_written_through_a_link_that_somebody_laid_out) {
  scratch_folder folder;
  ASSERT_TRUE(write_file_durably(folder.file("victim"), as_bytes("precious")));
  ASSERT_EQ(::symlink(folder.file("victim").c_str(), folder.file("state.new").c_str()), 0);
  EXPECT_FALSE(write_file_durably(folder.file("state"), as_bytes("x")));
  EXPECT_EQ(text_of(folder.file("victim")), "precious");
}

TEST(file, keeps_its_old_content_when_the_new_one_does_not_fit) {
  scratch_folder folder;
  auto path = folder.file("state");
  ASSERT_TRUE(write_file_durably(path, as_bytes("old")));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto old_signal = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto written = write_file_durably(path, byte_string(5000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_signal);
  EXPECT_FALSE(written);
  EXPECT_EQ(text_of(path), "old");
}

TEST(file, is_read_up_to_the_limit_and_refused_above_it) {
  scratch_folder folder;
  ASSERT_TRUE(write_file_durably(folder.file("f"), byte_string(40'000, 'x')));
  EXPECT_EQ(read_file(folder.file("f"), 40'000)->size(), 40'000u);
  auto refused = read_file(folder.file("f"), 39'999);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("larger than 39999"), std::string::npos);
  EXPECT_EQ(read_file(folder.file("missing")).error().code, errc::storage_failed);
  EXPECT_FALSE(read_file(folder.path())) << "a folder is not a file";
}

TEST(folders, are_made_with_their_parents_for_the_owner_only_and_named_durably) {
  scratch_folder folder;
  auto old_mask = ::umask(0);
  watch_syncs watch;
  auto made = make_folders(folder.file("a/b/c"));
  ::umask(old_mask);
  ASSERT_TRUE(made) << made.error().detail;
  for (auto* name : {"a", "a/b", "a/b/c"}) EXPECT_EQ(mode_of(folder.file(name)), 0700u) << name;
  EXPECT_EQ(watch.paths, (std::vector<std::string>{folder.path(), folder.file("a"), folder.file("a/b")}));
  EXPECT_TRUE(make_folders(folder.file("a/b/c"))) << "there already";
  ASSERT_TRUE(write_file_durably(folder.file("file"), as_bytes("x")));
  EXPECT_FALSE(make_folders(folder.file("file")));
  EXPECT_FALSE(make_folders(folder.file("file/below")));
}

TEST(secret_file, is_made_once_durable_and_private) {
  scratch_folder folder;
  auto path = folder.file("content.key");
  watch_syncs watch;
  auto made = load_or_create_secret(path, 32);
  ASSERT_TRUE(made);
  EXPECT_EQ(watch.paths, (std::vector<std::string>{path + ".new", folder.path()}));
  EXPECT_EQ(made->size(), 32u);
  EXPECT_EQ(*load_or_create_secret(path, 32), *made);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_NE(*load_or_create_secret(folder.file("other.key"), 32), *made);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(load_or_create_secret(path, 32).error().code, errc::storage_failed);
}

TEST(unique_fd, closes_what_it_holds_exactly_once) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
  {
    unique_fd reading(fds[0]);
    unique_fd writing(fds[1]);
    unique_fd moved(std::move(reading));
    EXPECT_FALSE(reading);
    EXPECT_TRUE(is_open(fds[0]));
    moved = std::move(writing);
    EXPECT_FALSE(is_open(fds[0]));
    EXPECT_TRUE(is_open(fds[1]));
    EXPECT_EQ(moved.release(), fds[1]);
  }
  EXPECT_TRUE(is_open(fds[1])) << "released, so not ours to close";
  ::close(fds[1]);
}
