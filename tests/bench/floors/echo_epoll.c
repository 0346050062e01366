/* The same for many connections at once. It looks at no line, so whoever reads lines cannot reach it when
 * several stand in one read. */
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/floors/listen.h"

int main(int argc, char** argv) {
  static char buffer[65536];
  struct epoll_event ready[256], one = {.events = EPOLLIN};
  int door = listen_on(argc > 1 ? argv[1] : "epoll.sock");
  int all = epoll_create1(EPOLL_CLOEXEC);
  one.data.fd = door;
  epoll_ctl(all, EPOLL_CTL_ADD, door, &one);
  for (;;) {
    int i, count = epoll_wait(all, ready, 256, -1);
    for (i = 0; i < count; ++i) {
      int fd = ready[i].data.fd;
      if (fd == door) {
        one.data.fd = accept(door, NULL, NULL);
        if (one.data.fd >= 0) epoll_ctl(all, EPOLL_CTL_ADD, one.data.fd, &one);
        continue;
      }
      ssize_t size = read(fd, buffer, sizeof buffer);
      if (size <= 0 || write(fd, buffer, (size_t)size) != size) close(fd);
    }
  }
}
