#include "daemon/server/ancestry.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

using namespace tilld;
using namespace tilld::daemon;

namespace {

pid_t child_that_waits(int read_end, int write_end) {
  auto pid = ::fork();
  if (pid == 0) {
    ::close(write_end);
    char octet;
    (void)!::read(read_end, &octet, 1);
    ::_exit(0);
  }
  return pid;
}

// Takes every descriptor that this process may have, until it goes.
class no_descriptors_left {
 public:
  no_descriptors_left() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto few = before_;
    few.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (;;) {
      base::unique_fd one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!one) break;
      taken_.push_back(std::move(one));
    }
  }
  ~no_descriptors_left() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<base::unique_fd> taken_;
};

}  // namespace

TEST(the_descent_of_a_process, is_read_with_the_spare_descriptor_when_there_is_no_other) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto child = child_that_waits(ends[0], ends[1]);
  spare_descriptor spare, none;
  none.lend();
  {
    no_descriptors_left now;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(descent_of(child, spare), descent::here);
      EXPECT_EQ(descent_of(::getppid(), spare), descent::elsewhere);
      EXPECT_TRUE(spare.is_kept()) << "for the next one";
    }
    EXPECT_EQ(descent_of(::getppid(), none), descent::unreadable) << "it is nobody's child for that";
  }
  EXPECT_EQ(descent_of(::getppid(), none), descent::elsewhere);
  ::close(ends[1]);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  EXPECT_EQ(descent_of(child, spare), descent::here) << "nothing vouches for one that has ended";
}
