#include "net/base/clock.h"

#include <time.h>

#include "gtest/gtest.h"

namespace {

TEST(Clock, NeverGoesBack) {
  uint64_t last = evnet_clock_now_ns();
  for (int i = 0; i < 10000; i++) {
    const uint64_t now = evnet_clock_now_ns();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, GoesOn) {
  const uint64_t start = evnet_clock_now_ns();
  for (time_t deadline = time(nullptr) + 10; evnet_clock_now_ns() == start;) {
    ASSERT_LT(time(nullptr), deadline);
  }
}

TEST(Clock, CountsTheNanosecondsOfTheMonotonicClock) {
  const auto read = [] {
    struct timespec now;
    EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return now;
  };
  const struct timespec before = read();
  const uint64_t now = evnet_clock_now_ns();
  const struct timespec after = read();
  const auto seconds = static_cast<time_t>(now / 1000000000);
  const auto rest = static_cast<long>(now % 1000000000);
  EXPECT_TRUE(seconds > before.tv_sec || (seconds == before.tv_sec && rest >= before.tv_nsec));
  EXPECT_TRUE(seconds < after.tv_sec || (seconds == after.tv_sec && rest <= after.tv_nsec));
}

}  // namespace
