#include "net/reactor/wheel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/wheel_fixture.h"

namespace evnet_testing {
namespace {

std::vector<evnet_wheel_node *> Pointers(std::vector<evnet_wheel_node> &nodes) {
  std::vector<evnet_wheel_node *> pointers;
  for (evnet_wheel_node &node : nodes) pointers.push_back(&node);
  return pointers;
}

TEST(Wheel, NodeOfZerosIsNotScheduledAndHas24Bytes) {
  evnet_wheel_node node = {};
  EXPECT_FALSE(evnet_wheel_scheduled(&node));
  EXPECT_LE(sizeof(node), 24u);
}

TEST(Wheel, EmptyHasNothingDueAndNoNextTime) {
  for (uint64_t origin : kOrigins) {
    Wheel wheel(origin);
    EXPECT_EQ(evnet_wheel_next_ms(&wheel), UINT64_MAX);
    EXPECT_EQ(evnet_wheel_pop(&wheel), nullptr);
    evnet_wheel_advance(&wheel, origin + (uint64_t{1} << 50));
    EXPECT_EQ(wheel.now_ms, origin + (uint64_t{1} << 50));
    EXPECT_EQ(evnet_wheel_pop(&wheel), nullptr);
    EXPECT_EQ(wheel.count, 0u);
  }
}

TEST(Wheel, ExpiresAtItsMillisecondAndNotBefore) {
  for (uint64_t origin : kOrigins) {
    for (uint64_t delay : EdgeDelays()) {
      if (delay == 0) continue;
      Wheel wheel(origin);
      evnet_wheel_node node = {};
      evnet_wheel_schedule(&wheel, &node, origin + delay);
      evnet_wheel_advance(&wheel, origin + delay - 1);
      ASSERT_EQ(evnet_wheel_pop(&wheel), nullptr) << origin << " + " << delay;
      ASSERT_TRUE(evnet_wheel_scheduled(&node));
      evnet_wheel_advance(&wheel, origin + delay);
      ASSERT_EQ(evnet_wheel_pop(&wheel), &node) << origin << " + " << delay;
      ASSERT_FALSE(evnet_wheel_scheduled(&node));
      ASSERT_EQ(wheel.count, 0u);
    }
  }
}

TEST(Wheel, FollowingNextTimeReachesAnExpiryInFiveAdvances) {
  for (uint64_t origin : kOrigins) {
    for (uint64_t delay : EdgeDelays()) {
      Wheel wheel(origin);
      evnet_wheel_node node = {};
      evnet_wheel_schedule(&wheel, &node, origin + delay);
      int advances = 0;
      evnet_wheel_node *popped = nullptr;
      while (popped == nullptr) {
        uint64_t next_ms = evnet_wheel_next_ms(&wheel);
        ASSERT_GE(next_ms, wheel.now_ms);
        ASSERT_LE(next_ms, origin + delay);
        evnet_wheel_advance(&wheel, next_ms);
        ASSERT_LE(++advances, EVNET_WHEEL_LEVELS) << origin << " + " << delay;
        popped = evnet_wheel_pop(&wheel);
      }
      EXPECT_EQ(popped, &node);
      EXPECT_EQ(wheel.now_ms, origin + delay);
    }
  }
}

TEST(Wheel, ExpiryInThePastWaitsForTheNextAdvance) {
  Wheel wheel(1000);
  evnet_wheel_node past = {}, present = {};
  evnet_wheel_schedule(&wheel, &past, 3);
  evnet_wheel_schedule(&wheel, &present, 1000);
  EXPECT_EQ(evnet_wheel_pop(&wheel), nullptr);
  EXPECT_EQ(evnet_wheel_next_ms(&wheel), 1000u);
  evnet_wheel_advance(&wheel, 1000);
  EXPECT_EQ(evnet_wheel_next_ms(&wheel), 1000u);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&past, &present}));
  EXPECT_EQ(evnet_wheel_next_ms(&wheel), UINT64_MAX);
}

TEST(Wheel, TimeBeforeItsOwnCountsAsItsOwn) {
  Wheel wheel(1000);
  evnet_wheel_node early = {}, later = {};
  evnet_wheel_schedule(&wheel, &early, 1000);
  evnet_wheel_schedule(&wheel, &later, 1001);
  evnet_wheel_advance(&wheel, 5);
  EXPECT_EQ(wheel.now_ms, 1000u);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&early}));
}

TEST(Wheel, ZeroDelayThatRearmsItselfRunsOncePerAdvance) {
  Wheel wheel(77);
  evnet_wheel_node node = {};
  evnet_wheel_schedule(&wheel, &node, 77);
  int runs = 0;
  for (int turn = 1; turn <= 1000; turn++) {
    evnet_wheel_advance(&wheel, 77 + static_cast<uint64_t>(turn / 10));
    while (evnet_wheel_node *popped = evnet_wheel_pop(&wheel)) {
      ASSERT_EQ(++runs, turn);
      evnet_wheel_schedule(&wheel, popped, wheel.now_ms);
    }
    ASSERT_EQ(runs, turn);
  }
}

TEST(Wheel, OneAdvanceGivesManyTicksInOrderOfExpiry) {
  for (uint64_t origin : kOrigins) {
    std::vector<uint64_t> delays = EdgeDelays();
    std::vector<evnet_wheel_node> nodes(delays.size());
    std::vector<size_t> order(delays.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = i;
    std::mt19937_64 random(origin);
    std::shuffle(order.begin(), order.end(), random);
    Wheel wheel(origin);
    std::multimap<uint64_t, evnet_wheel_node *> sorted;
    for (size_t i : order) {
      evnet_wheel_schedule(&wheel, &nodes[i], origin + delays[i]);
      sorted.emplace(delays[i], &nodes[i]);
    }
    evnet_wheel_advance(&wheel, origin + kDelayMax);
    std::vector<evnet_wheel_node *> expected;
    for (auto &entry : sorted) expected.push_back(entry.second);
    EXPECT_EQ(wheel.PopAll(), expected) << origin;
  }
}

TEST(Wheel, NodesOfOneMillisecondKeepTheirOrderHoweverFarAwayTheyWereScheduled) {
  for (uint64_t origin : kOrigins) {
    uint64_t expiry = origin + 100'000'000;
    Wheel wheel(origin);
    std::vector<evnet_wheel_node> nodes(40);
    // Each node is scheduled when half of the remaining time has passed.
    for (evnet_wheel_node &node : nodes) {
      evnet_wheel_schedule(&wheel, &node, expiry);
      evnet_wheel_advance(&wheel, wheel.now_ms + (expiry - wheel.now_ms) / 2);
    }
    ASSERT_EQ(evnet_wheel_pop(&wheel), nullptr);
    evnet_wheel_advance(&wheel, expiry);
    EXPECT_EQ(wheel.PopAll(), Pointers(nodes));
  }
}

TEST(Wheel, DelayAboveTheMaximumExpiresAtTheMaximum) {
  for (uint64_t origin : kOrigins) {
    for (uint64_t expiry : {origin + kDelayMax + 1, origin + (uint64_t{1} << 40), UINT64_MAX}) {
      Wheel wheel(origin);
      evnet_wheel_node node = {};
      evnet_wheel_schedule(&wheel, &node, expiry);
      evnet_wheel_advance(&wheel, origin + kDelayMax - 1);
      ASSERT_EQ(evnet_wheel_pop(&wheel), nullptr);
      evnet_wheel_advance(&wheel, origin + kDelayMax);
      ASSERT_EQ(evnet_wheel_pop(&wheel), &node);
    }
  }
}

TEST(Wheel, NodeAWholeTurnOfTheTopLevelAwayDoesNotExpireNow) {
  // The present is the last millisecond of its top slot, so the longest delay ends in the same
  // slot.
  uint64_t origin = (uint64_t{5} << 24) - 1;
  Wheel wheel(origin);
  evnet_wheel_node far = {}, near = {};
  evnet_wheel_schedule(&wheel, &far, origin + kDelayMax);
  evnet_wheel_schedule(&wheel, &near, origin + 1);
  evnet_wheel_advance(&wheel, origin + kDelayMax - 1);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&near}));
  evnet_wheel_advance(&wheel, origin + kDelayMax);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&far}));
}

TEST(Wheel, CancelOfTheOnlyNodeLeavesNoNextTime) {
  for (uint64_t delay : EdgeDelays()) {
    Wheel wheel(5);
    evnet_wheel_node node = {};
    evnet_wheel_cancel(&wheel, &node);
    evnet_wheel_schedule(&wheel, &node, 5 + delay);
    evnet_wheel_cancel(&wheel, &node);
    evnet_wheel_cancel(&wheel, &node);
    EXPECT_FALSE(evnet_wheel_scheduled(&node));
    EXPECT_EQ(evnet_wheel_next_ms(&wheel), UINT64_MAX) << delay;
    EXPECT_EQ(wheel.count, 0u);
    evnet_wheel_advance(&wheel, 5 + delay);
    EXPECT_EQ(evnet_wheel_pop(&wheel), nullptr);
  }
}

TEST(Wheel, CancelOfOneOfSeveralKeepsTheOthers) {
  for (uint64_t delay : EdgeDelays()) {
    for (size_t cancelled = 0; cancelled < 3; cancelled++) {
      Wheel wheel(9);
      std::vector<evnet_wheel_node> nodes(3);
      std::vector<evnet_wheel_node *> expected = Pointers(nodes);
      for (evnet_wheel_node &node : nodes) evnet_wheel_schedule(&wheel, &node, 9 + delay);
      evnet_wheel_cancel(&wheel, &nodes[cancelled]);
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(cancelled));
      evnet_wheel_advance(&wheel, 9 + delay);
      EXPECT_EQ(wheel.PopAll(), expected);
    }
  }
}

TEST(Wheel, NodeNextInTheDueListMayBeCancelledAndFreedBetweenPops) {
  Wheel wheel;
  std::vector<std::unique_ptr<evnet_wheel_node>> nodes;
  for (int i = 0; i < 10; i++) {
    nodes.push_back(std::make_unique<evnet_wheel_node>());
    evnet_wheel_schedule(&wheel, nodes.back().get(), 100);
  }
  evnet_wheel_advance(&wheel, 100);
  for (size_t i = 0; i < nodes.size(); i += 2) {
    ASSERT_EQ(evnet_wheel_pop(&wheel), nodes[i].get());
    nodes[i].reset();  // popped nodes belong to the test again
    evnet_wheel_cancel(&wheel, nodes[i + 1].get());
    nodes[i + 1].reset();
  }
  EXPECT_EQ(evnet_wheel_pop(&wheel), nullptr);
  EXPECT_EQ(wheel.count, 0u);
}

TEST(Wheel, NodeNextInTheDueListMayBeRescheduledBetweenPops) {
  Wheel wheel;
  std::vector<evnet_wheel_node> nodes(4);
  for (evnet_wheel_node &node : nodes) evnet_wheel_schedule(&wheel, &node, 100);
  evnet_wheel_advance(&wheel, 100);
  EXPECT_EQ(evnet_wheel_pop(&wheel), &nodes[0]);
  evnet_wheel_schedule(&wheel, &nodes[1], 200);
  evnet_wheel_schedule(&wheel, &nodes[2], 100);  // expires now, but not in this turn
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&nodes[3]}));
  evnet_wheel_advance(&wheel, 150);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&nodes[2]}));
  evnet_wheel_advance(&wheel, 200);
  EXPECT_EQ(wheel.PopAll(), (std::vector<evnet_wheel_node *>{&nodes[1]}));
}

TEST(Wheel, NodesNotPoppedStayAheadOfThoseOfTheNextAdvance) {
  Wheel wheel;
  std::vector<evnet_wheel_node> nodes(3);
  evnet_wheel_schedule(&wheel, &nodes[0], 10);
  evnet_wheel_schedule(&wheel, &nodes[2], 20);
  evnet_wheel_advance(&wheel, 10);
  evnet_wheel_schedule(&wheel, &nodes[1], 10);
  EXPECT_EQ(wheel.count, 3u);
  evnet_wheel_advance(&wheel, 20);
  EXPECT_EQ(wheel.PopAll(), Pointers(nodes));
}

TEST(Wheel, TagIsLeftAlone) {
  Wheel wheel;
  evnet_wheel_node node = {};
  node.tag = 0xdeadbeef;
  for (uint64_t delay : EdgeDelays()) {
    evnet_wheel_schedule(&wheel, &node, wheel.now_ms + delay);
    evnet_wheel_advance(&wheel, wheel.now_ms + delay);
    ASSERT_EQ(evnet_wheel_pop(&wheel), &node);
    ASSERT_EQ(node.tag, 0xdeadbeef);
  }
}

// If advancing took one step for each millisecond, this test would run for days.
TEST(Wheel, AdvancesOverCenturiesOneTimerAtATime) {
  Wheel wheel;
  evnet_wheel_node node = {};
  uint64_t now = 0;
  for (int i = 0; i < 100'000; i++) {
    evnet_wheel_schedule(&wheel, &node, now + kDelayMax);
    now += kDelayMax + 1;
    evnet_wheel_advance(&wheel, now);
    ASSERT_EQ(evnet_wheel_pop(&wheel), &node);
  }
}

TEST(Wheel, HundredThousandTimersExpireInOrderWhateverTheJumps) {
  constexpr size_t kTimers = 100'000;
  std::mt19937_64 random(42);
  uint64_t origin = (uint64_t{1} << 32) - 1'000'000;
  Wheel wheel(origin);
  std::vector<evnet_wheel_node> nodes(kTimers);
  std::multimap<uint64_t, evnet_wheel_node *> model;
  for (evnet_wheel_node &node : nodes) {
    uint64_t expiry = origin + 1 + random() % (uint64_t{1} << (random() % 30 + 1));
    evnet_wheel_schedule(&wheel, &node, expiry);
    model.emplace(expiry, &node);
  }
  // Cancel a third of the timers.
  for (auto it = model.begin(); it != model.end();) {
    if (random() % 3 == 0) {
      evnet_wheel_cancel(&wheel, it->second);
      it = model.erase(it);
    } else {
      ++it;
    }
  }
  auto next = model.begin();
  for (uint64_t now = origin; next != model.end();) {
    now += random() % (uint64_t{1} << (random() % 25));
    evnet_wheel_advance(&wheel, now);
    while (evnet_wheel_node *node = evnet_wheel_pop(&wheel)) {
      ASSERT_NE(next, model.end());
      ASSERT_LE(next->first, now);
      ASSERT_EQ(node, next->second);
      ++next;
    }
    ASSERT_TRUE(next == model.end() || next->first > now);
  }
  EXPECT_EQ(wheel.count, 0u);
}

}  // namespace
}  // namespace evnet_testing
