// Runs many seeds of the simulation, and checks that a seed replays. The long form runs a million.
#include "gtest/gtest.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/base/testing/sanitizers.h"
#include "net/server/simulate/simulation.h"

namespace evnet_simulation {
namespace {

#if defined(NDEBUG)
constexpr uint64_t kSeedsPlain = 10000;
#else
constexpr uint64_t kSeedsPlain = 1000;
#endif

// The number of seeds that run well within a minute.
constexpr uint64_t kSeeds =
    evnet_testing::kIsSanitized || evnet_testing::kIsMemorySanitized ? 500 : kSeedsPlain;

constexpr uint64_t kSeedsInLong = 1000000;
constexpr uint64_t kParts = 10;  // test shards, which may run in parallel

class Seeds : public testing::TestWithParam<uint64_t> {};

TEST_P(Seeds, BreakNothing) {
  const uint64_t seeds = evnet_testing::LongOr(kSeedsInLong, kSeeds) / kParts;
  const uint64_t first = 1 + GetParam() * seeds;
  evnet_testing::Progress progress("simulate_test", seeds, "seeds");
  for (uint64_t seed = first; seed < first + seeds; seed++) {
    const Outcome outcome = Simulate(seed, nullptr);
    ASSERT_EQ(outcome.failure, "")
        << "bazel run //net/server:simulate -- --seeds=1 --first=" << seed;
    progress.Add(1);
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, Seeds, testing::Range(uint64_t{0}, kParts));

// Seeds that failed in the past and are not among the seeds of the short form.
TEST(OldSeeds, ThatFailedOnceBreakNothing) {
  for (const uint64_t seed : {901477, 911361})
    EXPECT_EQ(Simulate(seed, nullptr).failure, "") << "seed " << seed;
}

TEST(Replay, IsExact) {
  for (uint64_t seed = 1; seed <= 30; seed++) {
    const Outcome once = Simulate(seed, nullptr);
    const Outcome again = Simulate(seed, nullptr);
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.callbacks, again.callbacks);
    EXPECT_NE(once.trace_hash, Simulate(seed + 1, nullptr).trace_hash);
  }
}

}  // namespace
}  // namespace evnet_simulation
