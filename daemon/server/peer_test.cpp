#include "daemon/server/peer.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <numeric>

#include "base/file.hpp"

using namespace tilld;
using namespace tilld::daemon;

TEST(a_peer, has_the_role_of_the_first_line_that_fits_its_user_and_its_groups) {
  const peer who{7, 1000, 1000, {20, 30}};
  const std::uint32_t other = 1001, group = 30, strange = 31, own_group = 1000;
  EXPECT_EQ(role_of(who, {}, 1), role::till);
  EXPECT_EQ(role_of(who, {}, 1000), role::admin);
  EXPECT_EQ(role_of({7, 0, 0, {}}, {}, 1), role::admin);
  EXPECT_EQ(role_of(who, {{other, {}, role::read}, {{}, group, role::operator_}}, 1), role::operator_);
  EXPECT_EQ(role_of(who, {{{}, own_group, role::read}}, 1), role::read);
  EXPECT_EQ(role_of(who, {{{}, strange, role::read}}, 1), role::till);
  EXPECT_EQ(role_of(who, {{{}, {}, role::self_checkout}, {{}, group, role::read}}, 1), role::self_checkout);
}

TEST(a_peer, is_who_the_kernel_says_with_however_many_groups) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can choose its groups";
  // A name without a path, so that no folder's mode is in the way of the other user.
  auto name = "tilld-peer-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  base::unique_fd door(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(door.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(door.get(), 8), 0);
  for (std::size_t count : {0u, 1u, 32u, 33u, 500u}) {
    std::vector<gid_t> groups(count);
    std::iota(groups.begin(), groups.end(), 5000u);
    int go_on[2];
    ASSERT_EQ(::pipe(go_on), 0);
    auto child = ::fork();
    if (child == 0) {
      char octet;
      ::close(go_on[1]);
      int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      bool good = ::setgroups(count, groups.data()) == 0 && ::setgid(4001) == 0 && ::setuid(4000) == 0 &&
                  ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
      (void)!::read(go_on[0], &octet, 1);
      ::_exit(good ? 0 : 1);
    }
    pollfd knock{door.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&knock, 1, 10'000), 1);
    base::unique_fd mine(::accept4(door.get(), nullptr, nullptr, SOCK_CLOEXEC));
    auto who = peer_of(mine.get());
    ::close(go_on[0]);
    ::close(go_on[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    ASSERT_TRUE(who);
    EXPECT_EQ(who->process, child);
    EXPECT_EQ(who->user, 4000u);
    EXPECT_EQ(who->group, 4001u);
    EXPECT_EQ(who->more_groups, groups);
  }
  EXPECT_FALSE(peer_of(-1));
}
