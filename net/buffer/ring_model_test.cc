// Tests of the ring when allocations fail, and against a model, which is a string.
#include <errno.h>
#include <stdint.h>

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/buffer/testing/ring.h"

namespace evnet_testing {
namespace {

// The tests below make an allocation fail. The ring must be unchanged and usable afterwards.
TEST(RingBuffer, FailedFirstAllocationChangesNothing) {
  Ring ring;
  ring.allocator.fail_at(1, false);
  EXPECT_EQ(ring.Append("abc"), -ENOMEM);
  EXPECT_EQ(ring.Held(), "");
  EXPECT_EQ(ring.Append("abc"), 0);
  EXPECT_EQ(ring.Held(), "abc");
}

TEST(RingBuffer, FailedGrowthChangesNothing) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  evnet_bytes before[2], after[2];
  evnet_ring_peek_pair(&ring.ring, before);
  ring.allocator.fail_at(1, true);
  EXPECT_EQ(ring.Append(Pattern(325)), -ENOMEM);
  evnet_ring_peek_pair(&ring.ring, after);
  EXPECT_EQ(before[0].data, after[0].data);
  EXPECT_EQ(ring.Held(), held);
  EXPECT_EQ(ring.Append(Pattern(324)), 0);  // fits, so it needs no memory
  ring.allocator.fail_at(0, false);
  EXPECT_EQ(ring.Append("x"), 0);
  EXPECT_EQ(ring.Held(), held + Pattern(324) + "x");
}

TEST(RingBuffer, FailedLinearizeChangesNothing) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  ring.allocator.fail_at(1, true);
  void *retired = &ring;
  EXPECT_EQ(evnet_ring_linearize(&ring.ring, &retired), -ENOMEM);
  EXPECT_EQ(retired, nullptr);
  EXPECT_TRUE(ring.Wraps());
  EXPECT_EQ(ring.Held(), held);
}

TEST(RingBuffer, FailedTrimLeavesTheRingAsItIs) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(16 * kMin)), 0);
  evnet_ring_discard(&ring.ring, 16 * kMin - 5);
  ring.allocator.fail_at(1, true);
  evnet_ring_trim(&ring.ring);
  EXPECT_EQ(ring.ring.capacity, 16 * kMin);
  EXPECT_EQ(ring.Held(), Pattern(5, 16 * kMin - 5));
  evnet_ring_discard(&ring.ring, 5);
  evnet_ring_trim(&ring.ring);  // an empty ring only frees memory
  EXPECT_EQ(ring.allocator.live_blocks(), 0u);
}

// Runs a sequence with every kind of allocation. A call that fails is skipped; the model has the
// expected bytes.
void Live(Ring *ring, std::string *model) {
  const auto append = [&](const std::string &bytes) {
    const int status = ring->Append(bytes);
    if (status == 0) *model += bytes;
    if (status != 0) {
      EXPECT_EQ(status, -ENOMEM);
    }
    EXPECT_EQ(ring->Held(), *model);
  };
  const auto read = [&](size_t size) {
    EXPECT_EQ(ring->Read(size), model->substr(0, size));
    model->erase(0, size);
  };
  append(Pattern(1000));
  read(900);
  append(Pattern(800, 1000));
  void *retired;
  const int status = evnet_ring_linearize(&ring->ring, &retired);
  if (status != 0) {
    EXPECT_EQ(status, -ENOMEM);
  }
  evnet_block_release(ring->ring.allocator, retired);
  EXPECT_EQ(ring->Held(), *model);
  append(Pattern(9000, 1800));
  read(9500);
  evnet_ring_trim(&ring->ring);
  EXPECT_EQ(ring->Held(), *model);
  append(Pattern(3000));
  read(20000);
  evnet_ring_trim(&ring->ring);
  EXPECT_EQ(ring->allocator.live_blocks(), 0u);
}

TEST(RingBuffer, NoFailureOfTheNthAllocationLosesAByte) {
  size_t allocations = 0;
  {
    Ring ring;
    std::string model;
    Live(&ring, &model);
    allocations = ring.allocator.allocations();
  }
  EXPECT_GE(allocations, 5u);
  for (const bool forever : {false, true}) {
    for (size_t n = 1; n <= allocations; n++) {
      Ring ring;
      std::string model;
      ring.allocator.fail_at(n, forever);
      Live(&ring, &model);
      EXPECT_GE(ring.allocator.failures(), 1u) << n;
    }
  }
}

// Compares 10^5 random operations with a string, for each bound and seed. Any allocation may fail.
class RingBufferRandom : public testing::TestWithParam<size_t> {};

TEST_P(RingBufferRandom, AgreesWithAString) {
  const size_t bound = GetParam();
  Ring ring(bound);
  std::string model;
  std::mt19937 random(static_cast<uint32_t>(20240601 + bound));
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  size_t written = 0, wraps = 0;
  for (int i = 0; i < 100000; i++) {
    const bool failing = below(16) == 0;
    ring.allocator.fail_at(failing ? 1 : 0, false);
    const size_t failures = ring.allocator.failures();
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const std::string bytes =
            Pattern(below(below(8) == 0 ? bound + 2 : bound / 8 + 2), written);
        const bool fits = model.size() + bytes.size() <= bound;
        const bool grows = model.size() + bytes.size() > ring.ring.capacity;
        const int expected = !fits ? -ENOBUFS : grows && failing ? -ENOMEM : 0;
        ASSERT_EQ(ring.Append(bytes), expected);
        if (expected == 0) {
          model += bytes;
          written += bytes.size();
        }
        break;
      }
      case 4:
      case 5: {
        const size_t size = below(model.size() + 1);
        evnet_ring_discard(&ring.ring, size);
        model.erase(0, size);
        break;
      }
      case 6:
      case 7:
      case 8: {
        const size_t size = below(bound / 6 + 2);
        ASSERT_EQ(ring.Read(size), model.substr(0, size));
        model.erase(0, size);
        break;
      }
      case 9: {
        const bool wrapped = ring.Wraps();
        evnet_bytes before[2];
        evnet_ring_peek_pair(&ring.ring, before);
        void *retired;
        ASSERT_EQ(evnet_ring_linearize(&ring.ring, &retired), wrapped && failing ? -ENOMEM : 0);
        ASSERT_EQ(retired != nullptr, wrapped && !failing);
        ASSERT_EQ(ring.Wraps(), wrapped && failing);
        ASSERT_EQ(Ring::Text(before[0]) + Ring::Text(before[1]), model);
        evnet_block_release(ring.ring.allocator, retired);
        wraps += wrapped;
        break;
      }
      case 10:
        evnet_ring_trim(&ring.ring);
        if (ring.allocator.failures() == failures && ring.ring.capacity >= 2 * kMin) {
          ASSERT_GT(model.size(), ring.ring.capacity / 4);
        }
        break;
      case 11:
        if (below(4) == 0) {
          evnet_ring_discard(&ring.ring, model.size());
          model.clear();
        }
        break;
    }
    ASSERT_EQ(ring.Held(), model);
    ASSERT_EQ(evnet_ring_size(&ring.ring), model.size());
    ASSERT_LE(ring.ring.capacity, bound);
    ASSERT_EQ(ring.allocator.live_bytes(),
              ring.ring.capacity == 0 ? 0 : ring.ring.capacity + kSpare);
    ASSERT_EQ(ring.allocator.live_blocks(), ring.ring.capacity == 0 ? 0u : 1u);
  }
  if (bound > 1) {
    EXPECT_GT(wraps, 10u);
  }
}

INSTANTIATE_TEST_SUITE_P(Bounds, RingBufferRandom,
                         testing::Values(1, 2, 7, 100, 1023, 1024, 1025, 3000, 8192, 10007));

}  // namespace
}  // namespace evnet_testing
