// The reactor's counters. Only the reactor's thread writes them, and any thread may read them.
// Other files add to their counters directly.
#include "net/reactor/internal/stats.h"

#include "net/reactor/internal/reactor.h"
#include "net/reactor/reactor.h"

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

void evnet_reactor_get_stats(const struct evnet_reactor *reactor,
                             struct evnet_reactor_stats *out_stats) {
  const struct evnet_reactor_stats *stats = &reactor->stats;
  *out_stats = (struct evnet_reactor_stats){
      .connections_open = __atomic_load_n(&stats->connections_open, __ATOMIC_RELAXED),
      .connections_opened = __atomic_load_n(&stats->connections_opened, __ATOMIC_RELAXED),
      .connections_closed = __atomic_load_n(&stats->connections_closed, __ATOMIC_RELAXED),
      .closed_by_peer = __atomic_load_n(&stats->closed_by_peer, __ATOMIC_RELAXED),
      .closed_locally = __atomic_load_n(&stats->closed_locally, __ATOMIC_RELAXED),
      .closed_by_timeout = __atomic_load_n(&stats->closed_by_timeout, __ATOMIC_RELAXED),
      .closed_by_limit = __atomic_load_n(&stats->closed_by_limit, __ATOMIC_RELAXED),
      .closed_by_stop = __atomic_load_n(&stats->closed_by_stop, __ATOMIC_RELAXED),
      .closed_by_error = __atomic_load_n(&stats->closed_by_error, __ATOMIC_RELAXED),
      .dials_failed = __atomic_load_n(&stats->dials_failed, __ATOMIC_RELAXED),
      .bytes_received = __atomic_load_n(&stats->bytes_received, __ATOMIC_RELAXED),
      .bytes_sent = __atomic_load_n(&stats->bytes_sent, __ATOMIC_RELAXED),
      .datagrams_received = __atomic_load_n(&stats->datagrams_received, __ATOMIC_RELAXED),
      .datagrams_sent = __atomic_load_n(&stats->datagrams_sent, __ATOMIC_RELAXED),
      .datagrams_dropped = __atomic_load_n(&stats->datagrams_dropped, __ATOMIC_RELAXED),
      .turns = __atomic_load_n(&stats->turns, __ATOMIC_RELAXED),
      .messages = __atomic_load_n(&stats->messages, __ATOMIC_RELAXED),
      .wakes = __atomic_load_n(&stats->wakes, __ATOMIC_RELAXED),
      .longest_callback_ns = __atomic_load_n(&stats->longest_callback_ns, __ATOMIC_RELAXED),
      .mailbox_bytes = __atomic_load_n(&reactor->posted.mailbox.bytes, __ATOMIC_RELAXED),
  };
}
