// The token bucket, against a model that counts in fractions of a byte.
#include "net/reactor/internal/bucket.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace {

constexpr uint64_t kSecond = 1000000000;
constexpr uint64_t kMost = uint64_t{1} << 33;

TEST(Bucket, WithoutALimitItNeverRefuses) {
  bucket bucket = {};
  bucket_take(&bucket, UINT64_MAX, 1);
  EXPECT_EQ(bucket_bytes(&bucket, 1), UINT64_MAX);
  EXPECT_EQ(bucket_wait_ns(&bucket, 1), 0u);
}

TEST(Bucket, IsFullAtFirstAndFillsWithItsRate) {
  bucket bucket = {};
  bucket_set(&bucket, 1000, 500, 7 * kSecond);
  EXPECT_EQ(bucket_bytes(&bucket, 7 * kSecond), 500u);
  bucket_take(&bucket, 500, 7 * kSecond);
  EXPECT_EQ(bucket_bytes(&bucket, 7 * kSecond), 0u);
  EXPECT_EQ(bucket_bytes(&bucket, 7 * kSecond + kSecond / 10), 100u);
  EXPECT_EQ(bucket_bytes(&bucket, 8 * kSecond), 500u);
  EXPECT_EQ(bucket_bytes(&bucket, 1000 * kSecond), 500u);
}

TEST(Bucket, ADebtIsPaidFirst) {
  bucket bucket = {};
  bucket_set(&bucket, 1000, 100, 0);
  bucket_take(&bucket, 1100, 0);
  EXPECT_EQ(bucket_bytes(&bucket, kSecond), 0u);
  EXPECT_EQ(bucket_bytes(&bucket, kSecond + kSecond / 20), 50u);
}

TEST(Bucket, AfterTheWaitItHoldsAThirtySecondOfASecondsBytesOrItsBurst) {
  bucket bucket = {};
  bucket_set(&bucket, 32000, 100000, 0);
  bucket_take(&bucket, 100000, 0);
  EXPECT_GE(bucket_bytes(&bucket, bucket_wait_ns(&bucket, 0)), 1000u);
  EXPECT_LE(bucket_bytes(&bucket, bucket_wait_ns(&bucket, 0)), 1001u);
  bucket_set(&bucket, 32000, 10, 0);
  bucket_take(&bucket, 10, 0);
  EXPECT_EQ(bucket_bytes(&bucket, bucket_wait_ns(&bucket, 0)), 10u);
}

TEST(Bucket, PassesNothingFromLowUntilTheWaitIsOver) {
  bucket bucket = {};
  bucket_set(&bucket, 32000, 100000, 0);
  bucket_take(&bucket, 99700, 0);
  EXPECT_EQ(bucket_may_pass(&bucket, 0), 300u) << "above a quarter of 1000";
  bucket_take(&bucket, 300, 0);
  const uint64_t wait_ns = bucket_wait_ns(&bucket, 0);
  for (uint64_t now_ns = 0; now_ns < wait_ns; now_ns += wait_ns / 10)
    EXPECT_EQ(bucket_may_pass(&bucket, now_ns), 0u) << now_ns;
  EXPECT_GE(bucket_may_pass(&bucket, wait_ns), 1000u);
  bucket_set(&bucket, 0, 0, 0);
  EXPECT_EQ(bucket_may_pass(&bucket, 0), UINT64_MAX);
}

TEST(Bucket, ANewLimitKeepsTheBytesUpToTheNewBurst) {
  bucket bucket = {};
  bucket_set(&bucket, 1000, 100, 0);
  bucket_take(&bucket, 60, 0);
  bucket_set(&bucket, 10, 1000, 0);
  EXPECT_EQ(bucket_bytes(&bucket, 0), 40u);
  bucket_set(&bucket, 10, 30, 0);
  EXPECT_EQ(bucket_bytes(&bucket, 0), 30u);
  bucket_set(&bucket, 0, 0, 0);
  EXPECT_EQ(bucket_bytes(&bucket, 0), UINT64_MAX);
}

// Takes what the bucket holds at random times, and compares with a model.
TEST(Bucket, NeverPassesMoreThanBurstAndRateTimesTimeNorMuchLess) {
  std::mt19937_64 random(1);
  const uint64_t rates[] = {1, 3, 7, 1000, 999983, 123456789, kMost - 1, kMost};
  for (const uint64_t rate : rates) {
    for (const uint64_t burst : {uint64_t{1}, uint64_t{2}, rate / 8 + 1, kMost}) {
      bucket bucket = {};
      uint64_t now = random() % (1000 * kSecond);
      bucket_set(&bucket, rate, burst, now);
      long double level = static_cast<long double>(burst);
      uint64_t takes = 0;
      for (int i = 0; i < 300; i++) {
        const uint64_t ns = random() % (i % 3 == 0 ? 5 * kSecond : kSecond / 1000);
        now += ns;
        level = std::min<long double>(burst,
                                      level + static_cast<long double>(rate) * ns / 1000000000.0L);
        const uint64_t bytes = bucket_bytes(&bucket, now);
        ASSERT_LE(bytes, level + 1e-3L) << rate << " " << burst << " " << i;
        // Each take rounds less than a nanosecond up, and each look less than a byte down.
        ASSERT_GE(bytes + 1 + (takes + 1) * (rate / kSecond + 1), level)
            << rate << " " << burst << " " << i;
        const uint64_t take = bytes == 0 ? 0 : 1 + random() % bytes;
        bucket_take(&bucket, take, now);
        level -= take;
        takes++;
      }
    }
  }
}

TEST(Bucket, TheWaitIsEnoughAndNotMuchTooLong) {
  std::mt19937_64 random(2);
  for (const uint64_t rate : {uint64_t{1}, uint64_t{7}, uint64_t{999983}, kMost}) {
    for (const uint64_t burst : {uint64_t{1}, rate / 8 + 1, 100 * (rate / 8 + 1)}) {
      if (burst > kMost) continue;
      bucket bucket = {};
      uint64_t now = 12345;
      bucket_set(&bucket, rate, burst, now);
      const uint64_t grain = std::min(burst, std::max<uint64_t>(rate / 32, 1));
      for (int i = 0; i < 100; i++) {
        bucket_take(&bucket, bucket_bytes(&bucket, now) + random() % (burst / 2 + 1), now);
        const uint64_t wait = bucket_wait_ns(&bucket, now);
        ASSERT_GT(wait, 0u);
        ASSERT_GE(bucket_bytes(&bucket, now + wait), grain);
        if (wait > 3) {
          ASSERT_LE(bucket_bytes(&bucket, now + wait - 3), grain + 3 * (rate / kSecond + 1));
        }
        now += wait;
        ASSERT_EQ(bucket_wait_ns(&bucket, now), 0u);
      }
    }
  }
}

}  // namespace
