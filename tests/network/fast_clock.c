/* Loaded before the C library of a daemon under test (LD_PRELOAD): its monotonic clock runs TILLD_TEST_SPEED
 * times as fast, so that minutes without a network pass in seconds. What it waits for is shortened alike:
 * timers of the kernel and epoll. Wall clock and disks stay as they are.
 *
 * A wait with a deadline on a condition variable would become too long; tilld has none on its way to central.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static long speed = 1;
static struct timespec began;

static long long nanoseconds(const struct timespec* t) {
  return (long long)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct timespec of_nanoseconds(long long n) {
  struct timespec t = {(time_t)(n / 1000000000), (long)(n % 1000000000)};
  return t;
}

__attribute__((constructor)) static void find_speed(void) {
  const char* text = getenv("TILLD_TEST_SPEED");
  long wanted = text ? strtol(text, NULL, 10) : 1;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &began);
  if (wanted > 0) speed = wanted;
}

int clock_gettime(clockid_t which, struct timespec* to) {
  int code = (int)syscall(SYS_clock_gettime, which, to);
  if (code == 0 && (which == CLOCK_MONOTONIC || which == CLOCK_BOOTTIME) && speed > 1)
    *to = of_nanoseconds(nanoseconds(&began) + (nanoseconds(to) - nanoseconds(&began)) * speed);
  return code;
}

/* Asio sets its one timer relative to now. A shortened time of nothing would switch the timer off. */
int timerfd_settime(int fd, int flags, const struct itimerspec* wanted, struct itimerspec* before) {
  struct itimerspec shorter = *wanted;
  long long left = nanoseconds(&wanted->it_value);
  if (!(flags & TFD_TIMER_ABSTIME) && left > 0) {
    left /= speed;
    shorter.it_value = of_nanoseconds(left > 0 ? left : 1);
  }
  return (int)syscall(SYS_timerfd_settime, fd, flags, &shorter, before);
}

int epoll_wait(int fd, struct epoll_event* events, int count, int timeout_ms) {
  if (timeout_ms > 0) timeout_ms = (int)((timeout_ms + speed - 1) / speed);
  return (int)syscall(SYS_epoll_wait, fd, events, count, timeout_ms);
}
