/* The least that a round trip costs: one connection after the other, read what is there, write it back. */
#include <unistd.h>

#include "tests/bench/floors/listen.h"

int main(int argc, char** argv) {
  static char buffer[65536];
  int door = listen_on(argc > 1 ? argv[1] : "echo.sock");
  for (;;) {
    int fd = accept(door, NULL, NULL);
    ssize_t size;
    while (fd >= 0 && (size = read(fd, buffer, sizeof buffer)) > 0)
      if (write(fd, buffer, (size_t)size) != size) break;
    if (fd >= 0) close(fd);
  }
}
