// Tests of lent bytes in the outbound queue: they keep their order, are not copied, and are
// returned once.
#include <errno.h>
#include <stdint.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/buffer/outbound.h"

namespace {

struct Lent {
  evnet_outbound_lent lent;  // must be the first field
  std::string bytes;
  int taken = 0;
  int dropped = 0;
  std::vector<const Lent *> *order = nullptr;
};

void Done(evnet_outbound_lent *lent, bool taken) {
  auto *self = reinterpret_cast<Lent *>(lent);
  (taken ? self->taken : self->dropped)++;
  if (self->order != nullptr) self->order->push_back(self);
}

class OutboundLent : public ::testing::Test {
 protected:
  OutboundLent() { evnet_outbound_init(&queue, allocator.get(), 0); }
  ~OutboundLent() override {
    evnet_outbound_deinit(&queue);
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }

  int Append(const std::string &bytes) {
    const iovec piece = {const_cast<char *>(bytes.data()), bytes.size()};
    return evnet_outbound_append(&queue, &piece, 1, 0);
  }
  Lent *Lend(const std::string &bytes) {
    lents.push_back(std::make_unique<Lent>());
    Lent *lent = lents.back().get();
    lent->lent.done = Done;
    lent->bytes = bytes;
    lent->order = &order;
    const int status =
        evnet_outbound_append_lent(&queue, &lent->lent, lent->bytes.data(), lent->bytes.size());
    if (status == 0) return lent;
    EXPECT_EQ(status, -ENOBUFS);
    return nullptr;
  }
  std::string All() {
    std::string bytes;
    iovec pieces[64];
    const size_t count = evnet_outbound_gather(&queue, pieces, 64);
    for (size_t i = 0; i < count; i++) {
      EXPECT_GT(pieces[i].iov_len, 0u);
      bytes.append(static_cast<const char *>(pieces[i].iov_base), pieces[i].iov_len);
    }
    return bytes;
  }

  FailingAllocator allocator;
  evnet_outbound queue;
  std::vector<std::unique_ptr<Lent>> lents;
  std::vector<const Lent *> order;
};

// Each write after lent bytes used to allocate a block of 4 KiB. A few bytes written between
// requests took some hundred times as much memory, which the queue's bound does not count.
TEST_F(OutboundLent, FewBytesWrittenBehindEachTakeLittleMemory) {
  constexpr size_t kTimes = 100;
  const size_t before = allocator.live_bytes();
  std::string expected;
  for (size_t i = 0; i < kTimes; i++) {
    ASSERT_NE(Lend("lent"), nullptr);
    ASSERT_EQ(Append("own"), 0);
    expected += "lentown";
  }
  EXPECT_LE(allocator.live_bytes() - before, kTimes * 512);
  EXPECT_EQ(evnet_outbound_bytes(&queue), expected.size());
}

TEST_F(OutboundLent, StandInOrderWithoutACopyAndAreGivenBackWithTheLastByte) {
  ASSERT_EQ(Append("head "), 0);
  Lent *lent = Lend("lent ");
  ASSERT_EQ(Append("tail"), 0);
  EXPECT_EQ(All(), "head lent tail");
  EXPECT_EQ(evnet_outbound_bytes(&queue), 14u);
  lent->bytes[0] = 'L';
  EXPECT_EQ(All(), "head Lent tail");
  evnet_outbound_consume(&queue, 9);
  EXPECT_EQ(lent->taken, 0);
  evnet_outbound_consume(&queue, 1);
  EXPECT_EQ(lent->taken, 1);
  EXPECT_EQ(All(), "tail");
}

TEST_F(OutboundLent, TakeNoMemory) {
  allocator.fail_at(1, true);
  Lent *lent = Lend("abc");
  ASSERT_NE(lent, nullptr);
  evnet_outbound_consume(&queue, 3);
  EXPECT_EQ(lent->taken, 1);
  EXPECT_TRUE(evnet_outbound_is_empty(&queue));
  allocator.fail_at(0, false);
}

TEST_F(OutboundLent, OneOfNothingWaitsForWhatIsInFront) {
  ASSERT_EQ(Append("x"), 0);
  Lent *first = Lend("");
  Lent *second = Lend("");
  Lent *third = Lend("y");
  Lent *fourth = Lend("");
  EXPECT_EQ(All(), "xy");
  evnet_outbound_consume(&queue, 1);
  EXPECT_EQ(order, (std::vector<const Lent *>{first, second}));
  EXPECT_FALSE(evnet_outbound_is_empty(&queue));
  evnet_outbound_consume(&queue, 1);
  EXPECT_EQ(order, (std::vector<const Lent *>{first, second, third, fourth}));
  EXPECT_TRUE(evnet_outbound_is_empty(&queue));
}

TEST_F(OutboundLent, OneOfNothingMayHaveNoAddressAndIsNoFile) {
  ASSERT_EQ(Append("head"), 0);
  Lent lent;
  lent.lent.done = Done;
  ASSERT_EQ(evnet_outbound_append_lent(&queue, &lent.lent, nullptr, 0), 0);
  ASSERT_EQ(Append("tail"), 0);
  EXPECT_EQ(evnet_outbound_first_file(&queue), nullptr);
  EXPECT_EQ(All(), "headtail");
  evnet_outbound_consume(&queue, 8);
  EXPECT_EQ(lent.taken, 1);
}

TEST_F(OutboundLent, OneOfNothingBehindAFileWaitsForTheFile) {
  const evnet_outbound_file file = {0, 10, 7, [](int) {}};
  ASSERT_EQ(evnet_outbound_append_file(&queue, &file), 0);
  Lent *lent = Lend("");
  evnet_outbound_consume_file(&queue, 9);
  EXPECT_EQ(lent->taken, 0);
  evnet_outbound_consume_file(&queue, 1);
  EXPECT_EQ(lent->taken, 1);
}

TEST_F(OutboundLent, DeinitGivesThemBackUntaken) {
  Lent *first = Lend("abc");
  Lent *second = Lend("");
  evnet_outbound_consume(&queue, 2);
  evnet_outbound_deinit(&queue);
  for (const Lent *lent : {first, second}) {
    EXPECT_EQ(lent->taken, 0);
    EXPECT_EQ(lent->dropped, 1);
  }
}

TEST_F(OutboundLent, TheBoundRefusesThem) {
  queue.bytes_max = 10;
  ASSERT_NE(Lend("12345678"), nullptr);
  EXPECT_EQ(Lend("901"), nullptr);
  EXPECT_EQ(lents.back()->taken + lents.back()->dropped, 0);
  EXPECT_NE(Lend("90"), nullptr);
}

TEST_F(OutboundLent, BytesThatComeBackGoInFrontOfThem) {
  Lent *lent = Lend("second");
  ASSERT_EQ(evnet_outbound_prepend(&queue, "front ", 6), 0);
  EXPECT_EQ(All(), "front second");
  evnet_outbound_consume(&queue, 12);
  EXPECT_EQ(lent->taken, 1);
}

TEST(OutboundLentDeathTest, OneOfNothingNeedsSomethingInFront) {
  evnet_outbound queue = {};
  evnet_outbound_lent lent = {};
  lent.done = Done;
  EXPECT_DEATH(EXPECT_EQ(evnet_outbound_append_lent(&queue, &lent, "", 0), 0), "first");
}

TEST_F(OutboundLent, AgreeWithAStringOverRandomOperations) {
  std::mt19937 random(1);
  std::string model;
  // The end of each lent piece, counted from the first byte ever queued.
  std::deque<std::pair<uint64_t, Lent *>> ends;
  uint64_t queued = 0, consumed = 0;
  for (int step = 0; step < 20000; step++) {
    const std::string bytes(random() % 3 == 0 ? random() % 9000 : random() % 5,
                            static_cast<char>('a' + random() % 26));
    switch (random() % 4) {
      case 0:
        ASSERT_EQ(Append(bytes), 0);
        model += bytes;
        queued += bytes.size();
        break;
      case 1:
        if (bytes.empty() && evnet_outbound_is_empty(&queue)) break;
        ends.push_back({queued + bytes.size(), Lend(bytes)});
        model += bytes;
        queued += bytes.size();
        break;
      default: {
        // Consume the pieces of one gather, or a part of them, as a send would.
        iovec pieces[3];
        const size_t count = evnet_outbound_gather(&queue, pieces, 3);
        size_t sum = 0;
        for (size_t i = 0; i < count; i++) {
          ASSERT_EQ(model.compare(
                        sum, pieces[i].iov_len,
                        std::string(static_cast<char *>(pieces[i].iov_base), pieces[i].iov_len)),
                    0);
          sum += pieces[i].iov_len;
        }
        const size_t size = random() % 2 == 0 ? sum : random() % (sum + 1);
        evnet_outbound_consume(&queue, size);
        model.erase(0, size);
        consumed += size;
      }
    }
    ASSERT_EQ(evnet_outbound_bytes(&queue), model.size());
    while (!ends.empty() && ends.front().first <= consumed) {
      ASSERT_EQ(ends.front().second->taken, 1);
      ends.pop_front();
    }
    if (!ends.empty()) {
      ASSERT_EQ(ends.front().second->taken, 0);
    }
  }
  EXPECT_EQ(order.size() + ends.size(), lents.size());
}

}  // namespace
