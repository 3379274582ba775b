// A wheel for tests, and the times and delays that they try.
#ifndef EVNET_NET_REACTOR_TESTING_WHEEL_FIXTURE_H_
#define EVNET_NET_REACTOR_TESTING_WHEEL_FIXTURE_H_

#include <cstdint>
#include <vector>

#include "net/reactor/wheel.h"

namespace evnet_testing {

constexpr uint64_t kDelayMax = EVNET_WHEEL_DELAY_MS_MAX;

// Start times: where the low 32 bits wrap, where a turn of the top level ends, and others.
constexpr uint64_t kOrigins[] = {
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

// Returns delays on both sides of the edge of each level.
inline std::vector<uint64_t> EdgeDelays() {
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

// A wheel that starts at a given time. It must not be moved, so it cannot be copied.
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

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_WHEEL_FIXTURE_H_
