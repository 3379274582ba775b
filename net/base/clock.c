#include "net/base/clock.h"

#include <time.h>

uint64_t evnet_clock_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail: the clock exists and &now is valid
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
