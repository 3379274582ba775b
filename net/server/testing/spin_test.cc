// The watch reports a spin, and does not report one if there is none.
#include "net/server/testing/spin.h"

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

// Runs a watch until it has called `look` `count` times. `change` sets the counters before each
// look. Returns the result of the watch.
uint64_t Watch(int count, const std::function<void(Activity *)> &change) {
  std::atomic<int> looks{0};
  Activity progress = {};
  SpinWatch watch([&] {
    change(&progress);
    looks++;
    return progress;
  });
  EXPECT_TRUE(WaitUntil([&] { return looks >= count; }));
  return watch.Stop();
}

TEST(SpinWatch, SeesTurnsWithoutWork) {
  constexpr uint64_t kTurns = 1'000'000;  // more than Allowed() returns, even on a slow machine
  EXPECT_GT(Watch(4, [](Activity *progress) { progress->turns += kTurns; }), 0u);
}

TEST(SpinWatch, AllowsTurnsWithWorkAndAFewWithout) {
  EXPECT_EQ(Watch(4,
                  [](Activity *progress) {
                    progress->turns += 1'000'000;
                    progress->work++;
                  }),
            0u);
  EXPECT_EQ(Watch(4, [](Activity *progress) { progress->turns += SpinWatch::Allowed(0); }), 0u);
}

TEST(SpinWatch, ItsThreadIsNotCounted) {
  const size_t before = Threads();
  SpinWatch watch([] { return Activity{}; });
  EXPECT_EQ(Threads(), before);
  EXPECT_EQ(WatchThreads(), 1u);
  EXPECT_EQ(watch.Stop(), 0u);
  EXPECT_EQ(WatchThreads(), 0u);
}

}  // namespace
}  // namespace evnet_testing
