#include "net/reactor/wheel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

constexpr uint64_t kDelayMax = EVNET_WHEEL_DELAY_MS_MAX;

// Times of init: where the low 32 bits wrap, where a top level's turn ends, and plain ones.
const uint64_t kOrigins[] = {
    0,
    1,
    63,
    (uint64_t{1} << 24) - 1,
    (uint64_t{1} << 30) - 5,
    (uint64_t{1} << 32) - 1,
    (uint64_t{1} << 32) - 70,
    (uint64_t{1} << 32) - kDelayMax / 2,
    (uint64_t{1} << 32),
    (uint64_t{7} << 32) + 12345,
    (uint64_t{1} << 53) - 64,
};

// Delays on both sides of every level's edge.
std::vector<uint64_t> EdgeDelays() {
  std::vector<uint64_t> delays = {0, 1, 2};
  for (unsigned bits = 6; bits <= 30; bits += 6) {
    uint64_t turn = uint64_t{1} << bits;
    for (uint64_t delay : {turn - 2, turn - 1, turn, turn + 1, turn + turn / 2}) {
      if (delay <= kDelayMax) delays.push_back(delay);
    }
  }
  delays.push_back(kDelayMax - 1);
  return delays;
}

// A wheel at a time of its own; it must not be moved, hence no copies.
struct Wheel : evnet_wheel {
  explicit Wheel(uint64_t origin_ms = 0) { evnet_wheel_init(this, origin_ms); }
  Wheel(const Wheel &) = delete;
  Wheel &operator=(const Wheel &) = delete;

  std::vector<evnet_wheel_node *> PopAll() {
    std::vector<evnet_wheel_node *> popped;
    while (evnet_wheel_node *node = evnet_wheel_pop(this)) popped.push_back(node);
    return popped;
  }
};

std::vector<evnet_wheel_node *> Pointers(std::vector<evnet_wheel_node> &nodes) {
  std::vector<evnet_wheel_node *> pointers;
  for (evnet_wheel_node &node : nodes) pointers.push_back(&node);
  return pointers;
}

// What the wheel has to do, said with a sorted map: a multimap keeps the order of equal keys.
class Model {
 public:
  explicit Model(uint64_t origin_ms) : now_ms_(origin_ms) {}

  void Schedule(evnet_wheel_node *node, uint64_t expires_ms) {
    Cancel(node);
    uint64_t expiry = std::min(std::max(expires_ms, now_ms_), now_ms_ + kDelayMax);
    waiting_at_[node] = waiting_.emplace(expiry, node);
  }

  void Cancel(evnet_wheel_node *node) {
    auto waiting = waiting_at_.find(node);
    if (waiting != waiting_at_.end()) {
      waiting_.erase(waiting->second);
      waiting_at_.erase(waiting);
    }
    due_.remove(node);
  }

  void Advance(uint64_t now_ms) {
    now_ms_ = std::max(now_ms_, now_ms);
    auto end = waiting_.upper_bound(now_ms_);
    for (auto it = waiting_.begin(); it != end; it = waiting_.erase(it)) {
      due_.push_back(it->second);
      waiting_at_.erase(it->second);
    }
  }

  evnet_wheel_node *Pop() {
    if (due_.empty()) return nullptr;
    evnet_wheel_node *node = due_.front();
    due_.pop_front();
    return node;
  }

  bool Scheduled(evnet_wheel_node *node) const {
    return waiting_at_.count(node) != 0 || std::find(due_.begin(), due_.end(), node) != due_.end();
  }

  uint64_t Earliest() const {
    if (!due_.empty()) return now_ms_;
    return waiting_.empty() ? UINT64_MAX : waiting_.begin()->first;
  }

  bool HasDue() const { return !due_.empty(); }
  const std::list<evnet_wheel_node *> &due() const { return due_; }
  size_t Count() const { return waiting_.size() + due_.size(); }
  uint64_t now_ms() const { return now_ms_; }

 private:
  uint64_t now_ms_;
  std::multimap<uint64_t, evnet_wheel_node *> waiting_;
  std::map<evnet_wheel_node *, std::multimap<uint64_t, evnet_wheel_node *>::iterator> waiting_at_;
  std::list<evnet_wheel_node *> due_;
};

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
    // Each one is scheduled when half of the remaining time has passed.
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
  // The present is the last millisecond of its top slot: the longest delay ends in the same slot.
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
    nodes[i].reset();  // popped: the owner's again
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
  evnet_wheel_schedule(&wheel, &nodes[2], 100);  // for now: not again in this turn
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

// Were the cost one step a millisecond, this would run for days.
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

// Wheel and model, driven together by random operations and compared after each one.
class Comparison {
 public:
  Comparison(uint64_t seed, uint64_t origin_ms)
      : random_(seed), wheel_(origin_ms), model_(origin_ms), nodes_(200), edges_(EdgeDelays()) {}

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); step++) {
      Step();
      Compare();
    }
    // To the end, only by the times which the wheel itself gives.
    while (wheel_.count != 0 && !testing::Test::HasFatalFailure()) {
      AdvanceToNext();
      while (model_.HasDue()) Pop();
      Compare();
    }
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  evnet_wheel_node *AnyNode() { return &nodes_[Below(nodes_.size())]; }

  uint64_t AnyDelay() {
    switch (Below(6)) {
      case 0:
        return Below(4);
      case 1:
        return edges_[Below(edges_.size())];
      case 2:
        return Below(kDelayMax + kDelayMax / 8);
      default:  // as many of each magnitude
        return Below(uint64_t{1} << Below(32));
    }
  }

  void Schedule(evnet_wheel_node *node) {
    uint64_t expires_ms = model_.now_ms() + AnyDelay();
    if (Below(20) == 0) expires_ms = Below(model_.now_ms() + 1);
    if (Below(100) == 0) expires_ms = UINT64_MAX;
    evnet_wheel_schedule(&wheel_, node, expires_ms);
    model_.Schedule(node, expires_ms);
  }

  void Cancel(evnet_wheel_node *node) {
    evnet_wheel_cancel(&wheel_, node);
    model_.Cancel(node);
  }

  void Advance(uint64_t now_ms) {
    evnet_wheel_advance(&wheel_, now_ms);
    model_.Advance(now_ms);
  }

  void AdvanceToNext() {
    uint64_t next_ms = evnet_wheel_next_ms(&wheel_);
    if (next_ms == UINT64_MAX) return;
    Advance(next_ms);
    ASSERT_TRUE(model_.HasDue() || evnet_wheel_next_ms(&wheel_) > next_ms) << "spins";
  }

  void Pop() { ASSERT_EQ(evnet_wheel_pop(&wheel_), model_.Pop()); }

  void Step() {
    switch (Below(10)) {
      case 0:
        return Cancel(AnyNode());
      case 1:  // the node which the next pop would give
        if (model_.HasDue()) Cancel(model_.due().front());
        return;
      case 2:
        if (model_.HasDue()) Schedule(model_.due().front());
        return;
      case 3:
        return AdvanceToNext();
      case 4:
        return Advance(model_.now_ms() + AnyDelay() / (1 + Below(50)));
      case 5:
        return Advance(Below(model_.now_ms() + 1));  // back: nothing moves
      case 6:
        for (uint64_t pops = Below(50); pops > 0; pops--) Pop();
        return;
      default:
        return Schedule(AnyNode());
    }
  }

  void Compare() {
    ASSERT_EQ(wheel_.now_ms, model_.now_ms());
    ASSERT_EQ(wheel_.count, model_.Count());
    evnet_wheel_node *node = AnyNode();
    ASSERT_EQ(evnet_wheel_scheduled(node), model_.Scheduled(node));
    uint64_t next_ms = evnet_wheel_next_ms(&wheel_);
    if (model_.Count() == 0 || model_.Earliest() == model_.now_ms()) {
      ASSERT_EQ(next_ms, model_.Earliest());
    } else {
      ASSERT_GT(next_ms, model_.now_ms());
      ASSERT_LE(next_ms, model_.Earliest());
    }
  }

  std::mt19937_64 random_;
  Wheel wheel_;
  Model model_;
  std::vector<evnet_wheel_node> nodes_;
  std::vector<uint64_t> edges_;
};

class WheelFromOrigin : public testing::TestWithParam<uint64_t> {};

TEST_P(WheelFromOrigin, DoesWhatASortedMapDoesUnderRandomOperations) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Comparison(seed, GetParam()).Run(3000);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Origins, WheelFromOrigin, testing::ValuesIn(kOrigins));

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
  // A third is cancelled.
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
