// The reactor's numbers: written by its thread, read by any.
#include "net/reactor/internal/state.h"

// A callback that runs long uses the time at which it began; what it stamped with that time is
// given the new one. So nothing reads the clock but stats_lap, which does so anyway.
static void restamp(struct evnet_conn *conn, uint32_t before, uint32_t now) {
  // A handle that has been freed since may have a dial where a connection has its side.
  const bool has_dial = conn->state == CONN_DIALLING || conn->state == CONN_ATTEMPT;
  if (conn->state == CONN_FREE || has_dial) return;
  if (conn->out_ms == before) conn->out_ms = now;
  if (conn->state == CONN_OPEN && conn->read_since_ms == before) conn->read_since_ms = now;
  struct conn_side *side = conn->side;
  if (side == NULL) return;
  if (side->write_since_ms == before) side->write_since_ms = now;
  if (side->opened_ms == before) side->opened_ms = now;
}

void stats_set_now(struct evnet_reactor *reactor, uint64_t now_ns) {
  reactor->now_ns = now_ns;
  if (now_ns >= reactor->tick_ns) {
    const uint32_t before = now32(reactor);
    reactor->now_ms = (now_ns - reactor->origin_ns) / 1000000;
    reactor->tick_ns = reactor->origin_ns + (reactor->now_ms + 1) * 1000000;
    for (uint32_t i = 0; i < reactor->stamped_count; i++)
      restamp(reactor->stamped[i], before, now32(reactor));
  }
  reactor->stamped_count = 0;
}

uint32_t stats_stamp(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  // Between two turns there is no callback that ends.
  if (!reactor->turning || reactor->stamped_count == STAMPED_MAX) reactor_update_now(reactor);
  if (!reactor->turning) return now32(reactor);
  reactor->stamped[reactor->stamped_count++] = conn;
  return now32(reactor);
}

void evnet_reactor_time_begin(struct evnet_reactor *reactor) { reactor_begin_lap(reactor); }

void evnet_reactor_time_end(struct evnet_reactor *reactor) { stats_lap(reactor); }

void stats_lap(struct evnet_reactor *reactor) {
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  uint64_t took_ns = now_ns - reactor->lap_ns;
  reactor->lap_ns = now_ns;
  stats_set_now(reactor, now_ns);
  uint64_t *longest_ns = &reactor->stats.longest_callback_ns;
  if (took_ns > *longest_ns) __atomic_store_n(longest_ns, took_ns, __ATOMIC_RELAXED);
}

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

void evnet_reactor_stats(const struct evnet_reactor *reactor,
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
      .mailbox_bytes = __atomic_load_n(&reactor->mailbox.bytes, __ATOMIC_RELAXED),
  };
}
