#include "net/balancer/balancer.h"

#include "net/base/assert.h"

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
    // The modulo bias towards any candidate is at most count / 2^64.
    return (size_t)(evnet_hash(&balancer->key, source.data, source.size) % count);
  }
  // There may be fewer candidates than in the last call.
  size_t index = balancer->next < count ? balancer->next : 0;
  if (balancer->balancing == EVNET_LEAST_CONNECTIONS) index = smallest_load(loads, count, index);
  balancer->next = index + 1 < count ? index + 1 : 0;
  return index;
}
