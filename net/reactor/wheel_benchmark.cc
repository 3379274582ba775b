// The cost of a deadline while 100 or 100,000 others are on the wheel.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "net/reactor/wheel.h"

namespace {

// A wheel with deadlines spread over a minute, as idle timeouts are.
class Loaded {
 public:
  explicit Loaded(int64_t timers) : nodes_(static_cast<size_t>(timers)) {
    evnet_wheel_init(&wheel_, 1'000'000);
    for (evnet_wheel_node &node : nodes_) evnet_wheel_schedule(&wheel_, &node, Time());
    order_.resize(1 << 16);
    for (size_t &index : order_) index = random_() % nodes_.size();
  }

  evnet_wheel *wheel() { return &wheel_; }
  // Returns a different node each time, because connections become active in random order.
  evnet_wheel_node *Next() { return &nodes_[order_[turn_++ % order_.size()]]; }
  uint64_t Time() { return wheel_.now_ms + 1 + random_() % 60'000; }

 private:
  evnet_wheel wheel_;
  std::vector<evnet_wheel_node> nodes_;
  std::vector<size_t> order_;
  size_t turn_ = 0;
  std::minstd_rand random_;
};

void Reschedule(benchmark::State &state) {
  Loaded loaded(state.range(0));
  uint64_t time = loaded.wheel()->now_ms + 30'000;
  for (auto _ : state) evnet_wheel_schedule(loaded.wheel(), loaded.Next(), time++);
}
BENCHMARK(Reschedule)->Arg(100)->Arg(100'000);

void CancelAndSchedule(benchmark::State &state) {
  Loaded loaded(state.range(0));
  uint64_t time = loaded.wheel()->now_ms + 30'000;
  for (auto _ : state) {
    evnet_wheel_node *node = loaded.Next();
    evnet_wheel_cancel(loaded.wheel(), node);
    evnet_wheel_schedule(loaded.wheel(), node, time++);
  }
}
BENCHMARK(CancelAndSchedule)->Arg(100)->Arg(100'000);

// The cost of one expiry, its share of the cascades, and scheduling again for up to a minute.
void ExpireAndRearm(benchmark::State &state) {
  Loaded loaded(state.range(0));
  evnet_wheel *wheel = loaded.wheel();
  for (auto _ : state) {
    evnet_wheel_node *node;
    while ((node = evnet_wheel_pop(wheel)) == nullptr) {
      evnet_wheel_advance(wheel, evnet_wheel_next_ms(wheel));
    }
    evnet_wheel_schedule(wheel, node, loaded.Time());
  }
}
BENCHMARK(ExpireAndRearm)->Arg(100)->Arg(100'000);

// The cost of a busy turn when a millisecond has passed and no node is due.
void AdvanceOverNothing(benchmark::State &state) {
  evnet_wheel wheel;
  evnet_wheel_init(&wheel, 0);
  std::vector<evnet_wheel_node> nodes(static_cast<size_t>(state.range(0)));
  for (evnet_wheel_node &node : nodes) {
    evnet_wheel_schedule(&wheel, &node, EVNET_WHEEL_DELAY_MS_MAX);
  }
  uint64_t now = 0;
  for (auto _ : state) {
    evnet_wheel_advance(&wheel, now++ % EVNET_WHEEL_DELAY_MS_MAX);
    benchmark::DoNotOptimize(evnet_wheel_next_ms(&wheel));
  }
}
BENCHMARK(AdvanceOverNothing)->Arg(100)->Arg(100'000);

}  // namespace
