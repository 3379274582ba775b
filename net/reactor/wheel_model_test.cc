// The wheel against a sorted map, under random operations.
#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/wheel_fixture.h"

namespace evnet_testing {
namespace {

// The wheel's behaviour, implemented with a sorted map; a multimap keeps the order of equal keys.
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

// Drives the wheel and the model with the same random operations, and compares them after each.
class Comparison {
 public:
  Comparison(uint64_t seed, uint64_t origin_ms)
      : random_(seed), wheel_(origin_ms), model_(origin_ms), nodes_(200), edges_(EdgeDelays()) {}

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); step++) {
      Step();
      Compare();
    }
    // Advance to the end, only to times that the wheel itself returns.
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
      default:  // equally many of each magnitude
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
    ASSERT_TRUE(model_.HasDue() || evnet_wheel_next_ms(&wheel_) > next_ms)
        << "the next time does not advance";
  }

  void Pop() { ASSERT_EQ(evnet_wheel_pop(&wheel_), model_.Pop()); }

  void Step() {
    switch (Below(10)) {
      case 0:
        return Cancel(AnyNode());
      case 1:  // the node that the next pop returns
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
        return Advance(Below(model_.now_ms() + 1));  // time goes back, so nothing expires
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

}  // namespace
}  // namespace evnet_testing
