// The reactor's counters. Only the reactor's thread writes them, and any thread may read them.
// Other files add to their counters directly.
#include "net/reactor/internal/stats.h"

#include <string.h>

#include "net/reactor/internal/reactor.h"
#include "net/reactor/stats.h"

void stats_count_closed(struct evnet_reactor_stats *stats, int reason) {
  counter_add(&stats->connections_closed, 1);
  switch (reason) {
    case EVNET_REASON_PEER:
      counter_add(&stats->closed_by_peer, 1);
      break;
    case EVNET_REASON_LOCAL:
    case EVNET_REASON_ABORTED:
      counter_add(&stats->closed_locally, 1);
      break;
    case EVNET_REASON_IDLE_TIMEOUT:
    case EVNET_REASON_READ_TIMEOUT:
    case EVNET_REASON_WRITE_TIMEOUT:
    case EVNET_REASON_LIFETIME:
      counter_add(&stats->closed_by_timeout, 1);
      break;
    case EVNET_REASON_INBOUND_OVERFLOW:
    case EVNET_REASON_OUTBOUND_OVERFLOW:
    case EVNET_REASON_HIGH_WATER:
      counter_add(&stats->closed_by_limit, 1);
      break;
    case EVNET_REASON_SHUTDOWN:
    case EVNET_REASON_DRAIN_DEADLINE:
      counter_add(&stats->closed_by_stop, 1);
      break;
    default:
      counter_add(&stats->closed_by_error, 1);
  }
}

// The lower bound of bucket 1. Below it a callback is too short to matter.
enum { BUCKET_EXPONENT = 12 };

uint64_t evnet_callback_bucket_ns(size_t bucket) {
  if (bucket >= EVNET_CALLBACK_BUCKETS - 1) return UINT64_MAX;
  const uint64_t power = UINT64_C(1) << (BUCKET_EXPONENT + bucket / 2);
  return bucket % 2 == 0 ? power : power + power / 2;
}

static size_t bucket_of(uint64_t took_ns) {
  if (took_ns >> BUCKET_EXPONENT == 0) return 0;
  const unsigned exponent = 63 - (unsigned)__builtin_clzll(took_ns);
  const size_t bucket =
      2 * (exponent - BUCKET_EXPONENT) + 1 + (size_t)(took_ns >> (exponent - 1) & 1);
  return bucket < EVNET_CALLBACK_BUCKETS ? bucket : EVNET_CALLBACK_BUCKETS - 1;
}

void stats_count_callback(struct evnet_reactor_stats *stats, uint64_t took_ns) {
  counter_add(&stats->callbacks_ns, took_ns);
  counter_add(&stats->callback_counts[bucket_of(took_ns)], 1);
  if (took_ns > stats->longest_callback_ns)
    __atomic_store_n(&stats->longest_callback_ns, took_ns, __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct evnet_reactor_stats) % sizeof(uint64_t) == 0,
               "every field is a uint64_t or an array of them");

size_t evnet_reactor_copy_stats(const struct evnet_reactor *reactor, size_t size,
                                struct evnet_reactor_stats *out_stats) {
  struct evnet_reactor_stats copy;
  const uint64_t *from = (const uint64_t *)&reactor->stats;
  uint64_t *to = (uint64_t *)&copy;
  for (size_t i = 0; i < sizeof copy / sizeof *to; i++)
    to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
  copy.mailbox_bytes = __atomic_load_n(&reactor->posted.mailbox.bytes, __ATOMIC_RELAXED);
  const size_t known = size < sizeof copy ? size : sizeof copy;
  memcpy(out_stats, &copy, known);
  if (size > known) memset((uint8_t *)out_stats + known, 0, size - known);
  return known;
}
