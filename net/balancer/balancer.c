#include "net/balancer/balancer.h"

#include "net/base/assert.h"

// An odd constant with bits well spread: 2^64 divided by the golden ratio.
static const uint64_t SPREAD = UINT64_C(0x9e3779b97f4a7c15);

// Each step is a bijection, so two different inputs stay different; the multiplication carries
// every bit upward, the shift brings the upper half back down, and twice lets each bit reach all
// others.
static uint64_t mix(uint64_t word) {
  word ^= word >> 32;
  word *= SPREAD;
  word ^= word >> 29;
  word *= SPREAD;
  word ^= word >> 32;
  return word;
}

// Eight bytes a step, by value and not as they lie in memory: the same on every machine. Starting
// from the size tells apart spans that differ by 0 bytes at the end.
static uint64_t hash(struct evnet_bytes source) {
  uint64_t state = mix(source.size + SPREAD);
  for (size_t i = 0; i < source.size;) {
    uint64_t word = 0;
    for (unsigned shift = 0; shift < 64 && i < source.size; shift += 8) {
      word |= (uint64_t)source.data[i++] << shift;
    }
    state = mix(state ^ word);
  }
  return state;
}

static size_t smallest_load(const uint64_t *loads, size_t count, size_t first) {
  size_t best = first;
  for (size_t i = first + 1; i < count; i++) {
    if (loads[i] < loads[best]) best = i;
  }
  for (size_t i = 0; i < first; i++) {
    if (loads[i] < loads[best]) best = i;
  }
  return best;
}

size_t evnet_balancer_pick(struct evnet_balancer *balancer, const uint64_t *loads, size_t count,
                           struct evnet_bytes source) {
  EVNET_ASSERT(count > 0);
  if (balancer->balancing == EVNET_SOURCE_HASH && source.size > 0) {
    // The remainder favours no candidate by more than count / 2^64.
    return (size_t)(hash(source) % count);
  }
  // There may be fewer candidates than last time.
  size_t index = balancer->next < count ? balancer->next : 0;
  if (balancer->balancing == EVNET_LEAST_CONNECTIONS) index = smallest_load(loads, count, index);
  balancer->next = index + 1 < count ? index + 1 : 0;
  return index;
}
