#include "net/buffer/outbound.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"

namespace {

constexpr size_t kBlockMin = EVNET_OUTBOUND_BLOCK_BYTES_MIN;
constexpr size_t kBlockMax = EVNET_OUTBOUND_BLOCK_BYTES_MAX;

iovec Piece(const std::string &bytes) { return {const_cast<char *>(bytes.data()), bytes.size()}; }

// Bytes with a period of 251, a prime, so that a misplaced range differs from the expected one.
std::string Pattern(size_t size, size_t start = 0) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; i++) out[i] = static_cast<char>((start + i) % 251);
  return out;
}

// A queue with a counting allocator. The destructor checks that all memory was released.
class Queue {
 public:
  explicit Queue(size_t bytes_max = 0) { evnet_outbound_init(&queue, allocator.get(), bytes_max); }
  ~Queue() {
    evnet_outbound_deinit(&queue);
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }
  Queue(const Queue &) = delete;
  Queue &operator=(const Queue &) = delete;

  int Append(const std::string &bytes, size_t skip = 0) {
    const iovec piece = Piece(bytes);
    return evnet_outbound_append(&queue, &piece, 1, skip);
  }

  std::vector<iovec> Gather(size_t count = 100000) const {
    std::vector<iovec> pieces(count);
    pieces.resize(evnet_outbound_gather(&queue, pieces.data(), count));
    return pieces;
  }

  std::string Held() const { return Text(Gather()); }

  static std::string Text(const std::vector<iovec> &pieces) {
    std::string out;
    for (const iovec &piece : pieces) {
      out.append(static_cast<const char *>(piece.iov_base), piece.iov_len);
    }
    return out;
  }

  FailingAllocator allocator;
  evnet_outbound queue;
};

TEST(OutboundQueue, InitAllocatesNothing) {
  Queue queue(77);
  EXPECT_EQ(queue.allocator.allocations(), 0u);
  EXPECT_EQ(evnet_outbound_bytes(&queue.queue), 0u);
  EXPECT_EQ(queue.queue.bytes_max, 77u);
}

TEST(OutboundQueue, AllZeroIsAnEmptyQueueOnMalloc) {
  evnet_outbound queue = {};
  iovec out;
  EXPECT_EQ(evnet_outbound_gather(&queue, &out, 1), 0u);
  const iovec piece = {const_cast<char *>("abc"), 3};
  ASSERT_EQ(evnet_outbound_append(&queue, &piece, 1, 0), 0);
  ASSERT_EQ(evnet_outbound_gather(&queue, &out, 1), 1u);
  EXPECT_EQ(std::string(static_cast<char *>(out.iov_base), out.iov_len), "abc");
  evnet_outbound_deinit(&queue);
}

TEST(OutboundQueue, EveryCallOnAnEmptyQueueIsHarmless) {
  Queue queue;
  EXPECT_EQ(evnet_outbound_gather(&queue.queue, nullptr, 0), 0u);
  EXPECT_EQ(queue.Gather(4).size(), 0u);
  EXPECT_EQ(evnet_outbound_first_file(&queue.queue), nullptr);
  evnet_outbound_consume(&queue.queue, 0);
  evnet_outbound_deinit(&queue.queue);
  EXPECT_EQ(queue.allocator.allocations(), 0u);
}

TEST(OutboundQueue, AppendOfNothingSucceedsAndAllocatesNothing) {
  Queue queue(1);
  const std::string abc = "abc";
  const iovec pieces[] = {{nullptr, 0}, Piece(abc), {nullptr, 0}};
  EXPECT_EQ(evnet_outbound_append(&queue.queue, nullptr, 0, 0), 0);
  EXPECT_EQ(evnet_outbound_append(&queue.queue, pieces, 1, 0), 0);
  EXPECT_EQ(evnet_outbound_append(&queue.queue, pieces, 3, 3), 0);
  EXPECT_EQ(queue.allocator.allocations(), 0u);
}

TEST(OutboundQueue, AppendJoinsPiecesInOrderAndAllowsEmptyOnes) {
  Queue queue;
  const std::string a = "abc", b = "defgh", c = "i";
  const iovec pieces[] = {{nullptr, 0}, Piece(a), {nullptr, 0}, Piece(b), Piece(c), {nullptr, 0}};
  ASSERT_EQ(evnet_outbound_append(&queue.queue, pieces, 6, 0), 0);
  EXPECT_EQ(queue.Held(), "abcdefghi");
  EXPECT_EQ(evnet_outbound_bytes(&queue.queue), 9u);
}

TEST(OutboundQueue, AppendSkipsWhatTheKernelTookAtEveryPlace) {
  const std::string a = "abc", b = "defgh", c = "i", all = "abcdefghi";
  const iovec pieces[] = {Piece(a), {nullptr, 0}, Piece(b), {nullptr, 0}, Piece(c)};
  for (size_t skip = 0; skip <= all.size(); skip++) {
    Queue queue(all.size() - skip == 0 ? 1 : all.size() - skip);  // skipped bytes do not count
    ASSERT_EQ(evnet_outbound_append(&queue.queue, pieces, 5, skip), 0) << skip;
    EXPECT_EQ(queue.Held(), all.substr(skip));
  }
}

TEST(OutboundQueueDeathTest, SkipOfMoreThanThePiecesIsAsserted) {
  Queue queue;
  EXPECT_DEATH((void)queue.Append("abc", 4), "assertion failed");
}

TEST(OutboundQueue, SmallAppendsShareOneSmallestBlock) {
  Queue queue;
  for (int i = 0; i < 100; i++) ASSERT_EQ(queue.Append(Pattern(39, 39u * i)), 0);
  EXPECT_EQ(queue.allocator.allocations(), 1u);
  EXPECT_EQ(queue.allocator.live_bytes(), kBlockMin);
  EXPECT_EQ(queue.Gather().size(), 1u);
  EXPECT_EQ(queue.Held(), Pattern(3900));
}

TEST(OutboundQueue, BlocksAreWithinTheirLimitsAndNeverHalfEmptyInTheMiddle) {
  Queue queue;
  size_t blocks = 0, live = 0;
  for (size_t i = 0; i < 4000; i++) {
    ASSERT_EQ(queue.Append(Pattern(1000, 1000 * i)), 0);
    if (queue.allocator.live_blocks() != blocks) {
      EXPECT_EQ(queue.allocator.live_blocks(), blocks + 1);
      EXPECT_GE(queue.allocator.live_bytes() - live, kBlockMin);
      EXPECT_LE(queue.allocator.live_bytes() - live, kBlockMax);
      blocks = queue.allocator.live_blocks();
      live = queue.allocator.live_bytes();
    }
  }
  // 4,000,000 bytes need 62 blocks of the largest size; a few smaller blocks precede them.
  EXPECT_LE(blocks, 68u);
  EXPECT_LE(queue.allocator.live_bytes(), 4000000 + 2 * kBlockMax);
  EXPECT_EQ(queue.Held(), Pattern(4000000));
}

TEST(OutboundQueue, OneLargeAppendUsesBlocksOfTheLargestSize) {
  Queue queue;
  ASSERT_EQ(queue.Append(Pattern(1 << 20)), 0);
  EXPECT_EQ(queue.allocator.live_blocks(), 17u);  // the headers make it 17 instead of 16
  EXPECT_LE(queue.allocator.live_bytes(), 17 * kBlockMax);
  EXPECT_EQ(queue.Held(), Pattern(1 << 20));
}

TEST(OutboundQueue, BytesDoNotMoveOnAppend) {
  Queue queue;
  ASSERT_EQ(queue.Append(Pattern(100)), 0);
  const std::vector<iovec> before = queue.Gather();
  for (size_t i = 1; i < 1000; i++) ASSERT_EQ(queue.Append(Pattern(100, 100 * i)), 0);
  const std::vector<iovec> after = queue.Gather();
  EXPECT_EQ(before[0].iov_base, after[0].iov_base);
  EXPECT_EQ(Queue::Text(before), Pattern(100));
  EXPECT_EQ(Queue::Text(after), Pattern(100000));
}

TEST(OutboundQueue, HoldsExactlyTheBoundAndRefusesOneMore) {
  for (const size_t bound : {size_t{1}, size_t{100}, kBlockMin, size_t{200001}}) {
    Queue queue(bound);
    EXPECT_EQ(queue.Append(Pattern(bound + 1)), -ENOBUFS);
    EXPECT_EQ(queue.allocator.allocations(), 0u);
    ASSERT_EQ(queue.Append(Pattern(bound + 1), 1), 0);
    EXPECT_EQ(queue.Append("x"), -ENOBUFS);
    EXPECT_EQ(queue.Held(), Pattern(bound, 1));
    evnet_outbound_consume(&queue.queue, 1);
    EXPECT_EQ(queue.Append("xy"), -ENOBUFS);
    EXPECT_EQ(queue.Append("x"), 0);
    EXPECT_EQ(queue.Held(), Pattern(bound - 1, 2) + "x");
  }
}

TEST(OutboundQueue, TheBoundMayChangeAtAnyTime) {
  Queue queue(10);
  ASSERT_EQ(queue.Append("0123456789"), 0);
  queue.queue.bytes_max = 5;
  EXPECT_EQ(queue.Append("x"), -ENOBUFS);
  EXPECT_EQ(queue.Append(""), 0);
  evnet_outbound_consume(&queue.queue, 6);
  EXPECT_EQ(queue.Append("x"), 0);
  EXPECT_EQ(queue.Append("y"), -ENOBUFS);
  queue.queue.bytes_max = 0;
  EXPECT_EQ(queue.Append(Pattern(1000000)), 0);
  EXPECT_EQ(queue.Held(), "6789x" + Pattern(1000000));
}

TEST(OutboundQueue, SizesNearTheEndOfTheNumbersAreRefused) {
  Queue queue;
  char byte = 'x';
  const iovec overflowing[] = {{&byte, SIZE_MAX}, {&byte, 1}};
  EXPECT_EQ(evnet_outbound_append(&queue.queue, overflowing, 2, 0), -ENOBUFS);
  ASSERT_EQ(queue.Append("abc"), 0);
  EXPECT_EQ(evnet_outbound_append(&queue.queue, overflowing, 1, 0), -ENOBUFS);
  EXPECT_EQ(evnet_outbound_append(&queue.queue, overflowing, 1, 2), -ENOBUFS);
  EXPECT_EQ(evnet_outbound_append(&queue.queue, overflowing, 1, SIZE_MAX), 0);
  EXPECT_EQ(queue.Held(), "abc");
}

TEST(OutboundQueue, GatherStopsAtCountAndLeavesAllQueued) {
  Queue queue;
  ASSERT_EQ(queue.Append(Pattern(300000)), 0);
  const std::vector<iovec> all = queue.Gather();
  ASSERT_GE(all.size(), 4u);
  EXPECT_EQ(queue.Gather(0).size(), 0u);
  const std::vector<iovec> two = queue.Gather(2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(Queue::Text(two), Pattern(all[0].iov_len + all[1].iov_len));
  EXPECT_EQ(queue.Held(), Pattern(300000));
}

TEST(OutboundQueue, ConsumeDropsTheFirstBytesAndFreesTheBlocksTheyFilled) {
  Queue queue;
  ASSERT_EQ(queue.Append(Pattern(300000)), 0);
  const size_t blocks = queue.allocator.live_blocks();
  const size_t first = queue.Gather()[0].iov_len;
  const void *second = queue.Gather()[1].iov_base;
  evnet_outbound_consume(&queue.queue, first - 1);
  EXPECT_EQ(queue.allocator.live_blocks(), blocks);
  EXPECT_EQ(queue.Held(), Pattern(300000 - first + 1, first - 1));
  evnet_outbound_consume(&queue.queue, 1);
  EXPECT_EQ(queue.allocator.live_blocks(), blocks - 1);
  EXPECT_EQ(queue.Gather()[0].iov_base, second);
  evnet_outbound_consume(&queue.queue, 299999 - first);
  EXPECT_EQ(queue.allocator.live_blocks(), 1u);
  EXPECT_EQ(queue.Held(), Pattern(1, 299999));
  EXPECT_EQ(evnet_outbound_bytes(&queue.queue), 1u);
  evnet_outbound_consume(&queue.queue, 1);
  EXPECT_EQ(queue.allocator.live_blocks(), 0u);
  EXPECT_EQ(queue.Gather().size(), 0u);
  ASSERT_EQ(queue.Append("abc"), 0);
  EXPECT_EQ(queue.Held(), "abc");
}

TEST(OutboundQueue, AppendGoesOnBehindAPartlyConsumedBlock) {
  Queue queue;
  ASSERT_EQ(queue.Append(Pattern(1000)), 0);
  evnet_outbound_consume(&queue.queue, 999);
  ASSERT_EQ(queue.Append("abc"), 0);
  EXPECT_EQ(queue.allocator.allocations(), 1u);
  EXPECT_EQ(queue.Held(), Pattern(1, 999) + "abc");
}

TEST(OutboundQueue, PrependPutsBytesInFrontAndAsksNoBound) {
  for (const size_t queued : {size_t{0}, size_t{1}, size_t{5000}, size_t{300000}}) {
    for (const size_t consumed : {size_t{0}, queued / 2}) {
      for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{200000}}) {
        Queue queue(queued == 0 ? 1 : queued);
        ASSERT_EQ(queue.Append(Pattern(queued)), 0);
        evnet_outbound_consume(&queue.queue, consumed);
        const std::vector<iovec> before = queue.Gather();
        const std::string front = Pattern(size, 77);
        ASSERT_EQ(evnet_outbound_prepend(&queue.queue, front.data(), size), 0);
        EXPECT_EQ(queue.Held(), front + Pattern(queued - consumed, consumed));
        EXPECT_EQ(evnet_outbound_bytes(&queue.queue), size + queued - consumed);
        if (!before.empty()) {
          EXPECT_EQ(queue.Gather().back().iov_base, before.back().iov_base);
        }
        queue.queue.bytes_max = 0;
        ASSERT_EQ(queue.Append("second"), 0);
        EXPECT_EQ(queue.Held(), front + Pattern(queued - consumed, consumed) + "second");
        evnet_outbound_consume(&queue.queue, size);
        EXPECT_EQ(queue.Held(), Pattern(queued - consumed, consumed) + "second");
      }
    }
  }
}

TEST(OutboundQueue, AFailedPrependChangesNothing) {
  for (const size_t queued : {size_t{0}, size_t{5000}}) {
    Queue queue;
    ASSERT_EQ(queue.Append(Pattern(queued)), 0);
    queue.allocator.fail_at(1, false);
    EXPECT_EQ(evnet_outbound_prepend(&queue.queue, "abc", 3), -ENOMEM);
    EXPECT_EQ(queue.Held(), Pattern(queued));
    EXPECT_EQ(evnet_outbound_bytes(&queue.queue), queued);
  }
}

TEST(OutboundQueueDeathTest, ConsumeOfMoreThanIsQueuedIsAsserted) {
  Queue queue;
  ASSERT_EQ(queue.Append("abc"), 0);
  EXPECT_DEATH(evnet_outbound_consume(&queue.queue, 4), "assertion failed");
}

TEST(OutboundQueue, DeinitLeavesAUsableEmptyQueue) {
  Queue queue(200000);
  ASSERT_EQ(queue.Append(Pattern(200000)), 0);
  evnet_outbound_deinit(&queue.queue);
  EXPECT_EQ(queue.allocator.live_blocks(), 0u);
  EXPECT_EQ(evnet_outbound_bytes(&queue.queue), 0u);
  EXPECT_EQ(queue.Append(Pattern(200001)), -ENOBUFS);
  EXPECT_EQ(queue.Append("abc"), 0);
  EXPECT_EQ(queue.Held(), "abc");
}

TEST(OutboundQueue, NoFailureOfTheNthAllocationChangesAnything) {
  size_t allocations = 0;
  {
    Queue queue;
    ASSERT_EQ(queue.Append(Pattern(5000)), 0);
    const size_t before = queue.allocator.allocations();
    ASSERT_EQ(queue.Append(Pattern(500000)), 0);
    allocations = queue.allocator.allocations() - before;
  }
  ASSERT_GE(allocations, 8u);
  for (const bool forever : {false, true}) {
    for (size_t n = 1; n <= allocations; n++) {
      Queue queue;
      ASSERT_EQ(queue.Append(Pattern(5000)), 0);
      const size_t blocks = queue.allocator.live_blocks(), bytes = queue.allocator.live_bytes();
      queue.allocator.fail_at(n, forever);
      EXPECT_EQ(queue.Append(Pattern(500000, 5000)), -ENOMEM) << n;
      EXPECT_EQ(queue.allocator.failures(), 1u);
      EXPECT_EQ(queue.allocator.live_blocks(), blocks);
      EXPECT_EQ(queue.allocator.live_bytes(), bytes);
      EXPECT_EQ(queue.Held(), Pattern(5000));
      queue.allocator.fail_at(0, false);
      EXPECT_EQ(queue.Append(Pattern(500000, 5000)), 0);
      EXPECT_EQ(queue.Held(), Pattern(505000));
    }
  }
}

TEST(OutboundQueue, FailedFirstAllocationChangesNothing) {
  Queue queue;
  queue.allocator.fail_at(1, false);
  EXPECT_EQ(queue.Append("abc"), -ENOMEM);
  EXPECT_EQ(queue.Gather().size(), 0u);
  EXPECT_EQ(queue.Append("abc"), 0);
  EXPECT_EQ(queue.Held(), "abc");
}

TEST(OutboundQueue, AgreesWithAStringOver100000RandomOperations) {
  constexpr size_t kBound = 150000;
  Queue queue(kBound);
  std::string model;
  std::mt19937 random(20240602);
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  size_t written = 0, refused = 0, failed = 0;
  for (int i = 0; i < 100000; i++) {
    if (below(5) < 3) {
      std::vector<std::string> texts(below(5));
      std::vector<iovec> pieces;
      std::string all;
      for (std::string &text : texts) {
        text = Pattern(below(4) == 0 ? 0 : below(below(300) == 0 ? 120000 : 1500),
                       written + all.size());
        all += text;
        pieces.push_back(Piece(text));
      }
      const size_t skip = below(3) == 0 ? below(all.size() + 1) : 0;
      queue.allocator.fail_at(below(8) == 0 ? 1 + below(3) : 0, false);
      const size_t failures = queue.allocator.failures();
      const int status = evnet_outbound_append(&queue.queue, pieces.data(), pieces.size(), skip);
      if (all.size() > skip && model.size() + all.size() - skip > kBound) {
        ASSERT_EQ(status, -ENOBUFS);
        refused++;
      } else if (queue.allocator.failures() > failures) {
        ASSERT_EQ(status, -ENOMEM);
        failed++;
      } else {
        ASSERT_EQ(status, 0);
        model.append(all, skip, std::string::npos);
        written += all.size();
      }
    } else if (below(100) == 0) {
      // prepend has no bound, so the test applies one.
      queue.allocator.fail_at(0, false);
      const std::string front = Pattern(model.size() > kBound ? 0 : below(600), written);
      ASSERT_EQ(evnet_outbound_prepend(&queue.queue, front.data(), front.size()), 0);
      model.insert(0, front);
    } else {
      const size_t size = below(below(40) == 0 ? model.size() + 1 : 2500);
      const size_t taken = size < model.size() ? size : model.size();
      evnet_outbound_consume(&queue.queue, taken);
      model.erase(0, taken);
    }
    ASSERT_EQ(evnet_outbound_bytes(&queue.queue), model.size());
    ASSERT_LE(queue.allocator.live_bytes(), model.size() + 3 * kBlockMax);
    // Compare the whole queue in every 64th step, and its first block, which a send would take, in
    // all others.
    const std::vector<iovec> pieces = queue.Gather(i % 64 == 0 ? 100000 : 1);
    const std::string gathered = Queue::Text(pieces);
    ASSERT_EQ(gathered.empty(), model.empty());
    ASSERT_TRUE(model.compare(0, gathered.size(), gathered) == 0);
    if (i % 64 == 0) {
      ASSERT_EQ(gathered.size(), model.size());
    }
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(failed, 100u);
}

}  // namespace
