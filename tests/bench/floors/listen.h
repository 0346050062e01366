/* A Unix socket that somebody can connect to, for the floors. Ends the program when that cannot be. */
#ifndef TILLD_BENCH_LISTEN_H
#define TILLD_BENCH_LISTEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int listen_on(const char* path) {
  struct sockaddr_un address;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "%s: too long for a socket\n", path);
    exit(2);
  }
  strcpy(address.sun_path, path);
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 512) != 0) {
    perror(path);
    exit(2);
  }
  return fd;
}

#endif
