// Tests of each function of the ring.
#include "net/buffer/ring.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/buffer/testing/ring.h"

namespace evnet_testing {
namespace {

TEST(RingBuffer, InitAllocatesNothing) {
  Ring ring(77);
  EXPECT_EQ(ring.allocator.allocations(), 0u);
  EXPECT_EQ(evnet_ring_size(&ring.ring), 0u);
  EXPECT_EQ(ring.ring.bytes_max, 77u);
}

TEST(RingBuffer, AllZeroIsAnEmptyRingOnMalloc) {
  evnet_ring ring = {};
  evnet_bytes spans[2];
  evnet_ring_peek_pair(&ring, spans);
  EXPECT_EQ(spans[0].size, 0u);
  ASSERT_EQ(evnet_ring_append(&ring, "abc", 3), 0);
  char out[4] = "";
  EXPECT_EQ(evnet_ring_read(&ring, out, 3), 3u);
  EXPECT_STREQ(out, "abc");
  evnet_ring_deinit(&ring);
}

TEST(RingBuffer, EveryCallOnAnEmptyRingWithoutMemoryIsHarmless) {
  Ring ring;
  evnet_bytes spans[2];
  evnet_ring_peek_pair(&ring.ring, spans);
  for (const evnet_bytes &span : spans) {
    EXPECT_EQ(span.data, nullptr);
    EXPECT_EQ(span.size, 0u);
  }
  void *retired = &ring;
  EXPECT_EQ(evnet_ring_linearize(&ring.ring, &retired), 0);
  EXPECT_EQ(retired, nullptr);
  evnet_ring_discard(&ring.ring, 0);
  EXPECT_EQ(evnet_ring_read(&ring.ring, nullptr, 0), 0u);
  char byte = 'x';
  EXPECT_EQ(evnet_ring_read(&ring.ring, &byte, 1), 0u);
  EXPECT_EQ(byte, 'x');
  evnet_ring_trim(&ring.ring);
  evnet_ring_deinit(&ring.ring);
  EXPECT_EQ(ring.allocator.allocations(), 0u);
}

TEST(RingBuffer, AppendOfNothingSucceedsAndAllocatesNothing) {
  Ring ring(1);
  EXPECT_EQ(evnet_ring_append(&ring.ring, nullptr, 0), 0);
  EXPECT_EQ(ring.allocator.allocations(), 0u);
}

TEST(RingBuffer, FirstBlockIsTheSmallest) {
  Ring ring;
  ASSERT_EQ(ring.Append("x"), 0);
  EXPECT_EQ(ring.allocator.live_bytes(), kMin + kSpare);
  EXPECT_EQ(ring.ring.capacity, kMin);
}

TEST(RingBuffer, AppendFillsTheCapacityWithoutGrowing) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(kMin - 1)), 0);
  ASSERT_EQ(ring.Append(Pattern(1, kMin - 1)), 0);
  EXPECT_EQ(ring.allocator.allocations(), 1u);
  EXPECT_EQ(ring.Held(), Pattern(kMin));
}

TEST(RingBuffer, GrowDoublesUntilTheBytesFit) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(kMin)), 0);
  ASSERT_EQ(ring.Append("x"), 0);
  EXPECT_EQ(ring.ring.capacity, 2 * kMin);
  ASSERT_EQ(ring.Append(Pattern(7 * kMin)), 0);
  EXPECT_EQ(ring.ring.capacity, 16 * kMin);
  EXPECT_EQ(ring.allocator.allocations(), 3u);
  EXPECT_EQ(ring.allocator.live_bytes(), 16 * kMin + kSpare);
  EXPECT_EQ(ring.Held(), Pattern(kMin) + "x" + Pattern(7 * kMin));
}

TEST(RingBuffer, AppendWrapsInsteadOfGrowing) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  EXPECT_EQ(ring.Held(), held);
  EXPECT_EQ(ring.allocator.allocations(), 1u);
}

TEST(RingBuffer, AppendBeginsAtTheStartWhenTheEndIsReachedExactly) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(kMin)), 0);
  ring.Read(10);
  ASSERT_EQ(ring.Append("0123456789"), 0);
  EXPECT_EQ(ring.allocator.allocations(), 1u);
  EXPECT_EQ(ring.Held(), Pattern(kMin - 10, 10) + "0123456789");
}

TEST(RingBuffer, AppendIsSplitAcrossTheEnd) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(kMin - 4)), 0);
  ring.Read(kMin - 5);
  ASSERT_EQ(ring.Append("0123456789"), 0);
  EXPECT_TRUE(ring.Wraps());
  EXPECT_EQ(ring.Held(), Pattern(1, kMin - 5) + "0123456789");
}

TEST(RingBuffer, GrowKeepsOrderWhenWrapped) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 1000, 400);
  ASSERT_EQ(ring.Append(Pattern(500, 7)), 0);
  EXPECT_EQ(ring.Held(), held + Pattern(500, 7));
  EXPECT_FALSE(ring.Wraps());
  EXPECT_EQ(ring.allocator.live_blocks(), 1u);
}

TEST(RingBuffer, HoldsExactlyTheBoundAndRefusesOneMore) {
  for (size_t bound : {size_t{1}, size_t{2}, size_t{3}, kMin / 2, kMin - 1, kMin, kMin + 1,
                       3 * kMin - 1, size_t{100000}}) {
    Ring ring(bound);
    EXPECT_EQ(ring.Append(Pattern(bound + 1)), -ENOBUFS) << bound;
    EXPECT_EQ(ring.allocator.allocations(), 0u);
    for (size_t i = 0; i < bound; i++) ASSERT_EQ(ring.Append(Pattern(1, i)), 0) << bound;
    EXPECT_EQ(ring.Append("x"), -ENOBUFS) << bound;
    EXPECT_EQ(ring.Held(), Pattern(bound));
    EXPECT_LE(ring.allocator.live_bytes(), bound + kSpare);
    ring.Read(1);
    EXPECT_EQ(ring.Append("xy"), -ENOBUFS);
    EXPECT_EQ(ring.Append("x"), 0);
    EXPECT_EQ(ring.Held(), Pattern(bound - 1, 1) + "x");
  }
}

TEST(RingBuffer, DefaultBoundIs16MiB) {
  Ring ring;
  const std::string mebibyte(1 << 20, 'm');
  for (int i = 0; i < 16; i++) ASSERT_EQ(ring.Append(mebibyte), 0);
  EXPECT_EQ(ring.Append("x"), -ENOBUFS);
  EXPECT_EQ(evnet_ring_size(&ring.ring), size_t{16} << 20);
  EXPECT_EQ(ring.ring.capacity, size_t{16} << 20);
}

TEST(RingBuffer, SizesNearTheEndOfTheNumbersAreRefused) {
  Ring ring(SIZE_MAX - 1);
  const char byte = 'x';
  volatile size_t huge = SIZE_MAX;  // volatile, so that the compiler does not warn about the size
  EXPECT_EQ(evnet_ring_append(&ring.ring, &byte, huge), -ENOBUFS);
  ASSERT_EQ(ring.Append("abc"), 0);
  ring.ring.bytes_max = SIZE_MAX;
  EXPECT_EQ(evnet_ring_append(&ring.ring, &byte, huge), -ENOBUFS);
  EXPECT_EQ(evnet_ring_append(&ring.ring, &byte, huge - 2), -ENOBUFS);
  ring.allocator.fail_at(1, true);
  EXPECT_EQ(evnet_ring_append(&ring.ring, &byte, huge - 3), -ENOMEM);
  EXPECT_EQ(ring.Held(), "abc");
}

TEST(RingBuffer, LoweredBoundKeepsWhatIsHeldAndRefusesMore) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(5000)), 0);
  ring.ring.bytes_max = 2000;
  EXPECT_EQ(ring.Append("x"), -ENOBUFS);
  EXPECT_EQ(evnet_ring_append(&ring.ring, nullptr, 0), 0);
  EXPECT_EQ(ring.Held(), Pattern(5000));
  ring.Read(3500);
  EXPECT_EQ(ring.Append(Pattern(501)), -ENOBUFS);
  EXPECT_EQ(ring.Append(Pattern(500, 5000)), 0);
  EXPECT_EQ(ring.Held(), Pattern(2000, 3500));
}

TEST(RingBuffer, RaisedBoundTakesMore) {
  Ring ring(10);
  ASSERT_EQ(ring.Append("0123456789"), 0);
  EXPECT_EQ(ring.Append("x"), -ENOBUFS);
  ring.ring.bytes_max = 11;
  EXPECT_EQ(ring.Append("x"), 0);
  EXPECT_EQ(ring.Append("x"), -ENOBUFS);
  ring.ring.bytes_max = 0;
  EXPECT_EQ(ring.Append("y"), 0);
  EXPECT_EQ(ring.Held(), "0123456789xy");
}

TEST(RingBuffer, DeinitLeavesAUsableEmptyRing) {
  Ring ring(2000);
  ASSERT_EQ(ring.Append(Pattern(1500)), 0);
  evnet_ring_deinit(&ring.ring);
  EXPECT_EQ(ring.allocator.live_blocks(), 0u);
  EXPECT_EQ(evnet_ring_size(&ring.ring), 0u);
  EXPECT_EQ(ring.Append(Pattern(2001)), -ENOBUFS);
  ASSERT_EQ(ring.Append(Pattern(2000)), 0);
  EXPECT_EQ(ring.allocator.live_blocks(), 1u);
}

TEST(RingBuffer, PeekPairGivesBothSidesOfTheWrapAndMovesNothing) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  evnet_bytes spans[2], again[2];
  evnet_ring_peek_pair(&ring.ring, spans);
  evnet_ring_peek_pair(&ring.ring, again);
  EXPECT_EQ(Ring::Text(spans[0]), held.substr(0, 400));
  EXPECT_EQ(Ring::Text(spans[1]), held.substr(400));
  EXPECT_EQ(spans[0].data, again[0].data);
  EXPECT_EQ(spans[1].data, again[1].data);
  EXPECT_EQ(ring.allocator.allocations(), 1u);
}

TEST(RingBuffer, SpansStayReadableWhenOthersAreAppendedWithoutGrowing) {
  Ring ring;
  ASSERT_EQ(ring.Append("abc"), 0);
  evnet_bytes spans[2];
  evnet_ring_peek_pair(&ring.ring, spans);
  ASSERT_EQ(ring.Append(Pattern(kMin - 3)), 0);
  EXPECT_EQ(Ring::Text(spans[0]), "abc");
}

TEST(RingBuffer, DiscardKeepsSpansReadable) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  evnet_bytes spans[2];
  evnet_ring_peek_pair(&ring.ring, spans);
  evnet_ring_discard(&ring.ring, 500);
  EXPECT_EQ(ring.Held(), held.substr(500));
  evnet_ring_discard(&ring.ring, 200);
  EXPECT_EQ(ring.Held(), "");
  EXPECT_EQ(Ring::Text(spans[0]) + Ring::Text(spans[1]), held);
  EXPECT_EQ(ring.allocator.live_bytes(), kMin + kSpare);
}

TEST(RingBuffer, DiscardUpToTheEndExactlyGoesOnAtTheStart) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  evnet_ring_discard(&ring.ring, 400);
  EXPECT_FALSE(ring.Wraps());
  EXPECT_EQ(ring.Held(), held.substr(400));
}

TEST(RingBuffer, WhatIsAppendedToADrainedRingIsContiguous) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(1000)), 0);
  evnet_ring_discard(&ring.ring, 1000);
  ASSERT_EQ(ring.Append(Pattern(1000)), 0);
  EXPECT_FALSE(ring.Wraps());
}

TEST(RingBufferDeathTest, DiscardOfMoreThanIsHeldIsAsserted) {
  Ring ring;
  ASSERT_EQ(ring.Append("abc"), 0);
  EXPECT_DEATH(evnet_ring_discard(&ring.ring, 4), "assertion failed");
  EXPECT_DEATH(evnet_ring_discard(&ring.ring, SIZE_MAX), "assertion failed");
}

TEST(RingBuffer, ReadCopiesInOrderAcrossTheWrapAndStopsAtTheEnd) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  EXPECT_EQ(ring.Read(399), held.substr(0, 399));
  EXPECT_EQ(ring.Read(2), held.substr(399, 2));
  EXPECT_EQ(ring.Read(5000), held.substr(401));
  EXPECT_EQ(ring.Read(1), "");
}

TEST(RingBuffer, LinearizeLeavesWhatDoesNotWrap) {
  Ring ring;
  ASSERT_EQ(ring.Append("abc"), 0);
  evnet_bytes before[2], after[2];
  evnet_ring_peek_pair(&ring.ring, before);
  void *retired = &ring;
  ASSERT_EQ(evnet_ring_linearize(&ring.ring, &retired), 0);
  EXPECT_EQ(retired, nullptr);
  evnet_ring_peek_pair(&ring.ring, after);
  EXPECT_EQ(before[0].data, after[0].data);
  EXPECT_EQ(ring.allocator.allocations(), 1u);
}

TEST(RingBuffer, LinearizeMakesContiguousAndKeepsTheRetiredBlockReadable) {
  Ring ring;
  const std::string held = FillWrapped(&ring, 700, 300);
  evnet_bytes before[2], after[2];
  evnet_ring_peek_pair(&ring.ring, before);
  void *retired = nullptr;
  ASSERT_EQ(evnet_ring_linearize(&ring.ring, &retired), 0);
  ASSERT_NE(retired, nullptr);
  EXPECT_EQ(ring.allocator.live_blocks(), 2u);
  evnet_ring_peek_pair(&ring.ring, after);
  EXPECT_EQ(Ring::Text(after[0]), held);
  EXPECT_EQ(after[1].size, 0u);
  ASSERT_EQ(ring.Append(Pattern(324)), 0);  // fills the new block; the retired one is unchanged
  EXPECT_EQ(ring.allocator.allocations(), 2u);
  EXPECT_EQ(Ring::Text(before[0]) + Ring::Text(before[1]), held);
  evnet_block_release(ring.ring.allocator, retired);
  EXPECT_EQ(ring.Held(), held + Pattern(324));
}

TEST(RingBuffer, TrimOfAnEmptyRingGivesAllBack) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(9000)), 0);
  evnet_ring_discard(&ring.ring, 9000);
  evnet_ring_trim(&ring.ring);
  EXPECT_EQ(ring.allocator.live_blocks(), 0u);
  ASSERT_EQ(ring.Append("abc"), 0);
  EXPECT_EQ(ring.Held(), "abc");
}

TEST(RingBuffer, TrimHalvesWhileAQuarterIsEnough) {
  const struct {
    size_t held, capacity;
  } cases[] = {
      {16 * kMin, 16 * kMin},
      {4 * kMin + 1, 16 * kMin},
      {4 * kMin, 8 * kMin},
      {2 * kMin + 1, 8 * kMin},
      {2 * kMin, 4 * kMin},
      {kMin + 1, 4 * kMin},
      {kMin, 2 * kMin},
      {kMin / 2 + 1, 2 * kMin},
      {kMin / 2, kMin},
      {kMin / 4, kMin},
      {1, kMin},
  };
  for (const auto &each : cases) {
    Ring ring;
    ASSERT_EQ(ring.Append(Pattern(16 * kMin)), 0);
    evnet_ring_discard(&ring.ring, 16 * kMin - each.held);
    evnet_ring_trim(&ring.ring);
    EXPECT_EQ(ring.ring.capacity, each.capacity) << each.held;
    EXPECT_EQ(ring.allocator.live_bytes(), each.capacity + kSpare) << each.held;
    EXPECT_EQ(ring.Held(), Pattern(each.held, 16 * kMin - each.held));
  }
}

TEST(RingBuffer, TrimKeepsOrderWhenWrapped) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(16 * kMin)), 0);
  evnet_ring_discard(&ring.ring, 16 * kMin - 100);
  ASSERT_EQ(ring.Append(Pattern(200, 3)), 0);
  EXPECT_TRUE(ring.Wraps());
  evnet_ring_trim(&ring.ring);
  EXPECT_EQ(ring.allocator.live_bytes(), kMin + kSpare);
  EXPECT_EQ(ring.Held(), Pattern(100, 16 * kMin - 100) + Pattern(200, 3));
}

TEST(RingBuffer, TrimMakesNoBlockBelowTheSmallest) {
  Ring ring(kMin + kMin / 2);
  ASSERT_EQ(ring.Append(Pattern(kMin + 1)), 0);
  EXPECT_EQ(ring.ring.capacity, kMin + kMin / 2);
  evnet_ring_discard(&ring.ring, kMin);
  evnet_ring_trim(&ring.ring);
  EXPECT_EQ(ring.allocator.live_bytes(), kMin + kMin / 2 + kSpare);
}

TEST(RingBuffer, TrimOfATrimmedRingDoesNothing) {
  Ring ring;
  ASSERT_EQ(ring.Append(Pattern(16 * kMin)), 0);
  evnet_ring_discard(&ring.ring, 15 * kMin);
  evnet_ring_trim(&ring.ring);
  const size_t allocations = ring.allocator.allocations();
  evnet_ring_trim(&ring.ring);
  EXPECT_EQ(ring.allocator.allocations(), allocations);
}

}  // namespace
}  // namespace evnet_testing
