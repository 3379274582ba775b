// The statistics of a server: the sums over its reactors, and those of one reactor.
#include "net/server/stats.h"

#include <errno.h>
#include <string.h>

#include "net/server/internal/state.h"

// Adds the statistics of one reactor.
static void add(struct evnet_server_stats *sum, const struct evnet_reactor_stats *one) {
  sum->connections_open += one->connections_open;
  sum->connections_accepted += one->connections_opened;
  sum->connections_closed += one->connections_closed;
  sum->dials_failed += one->dials_failed;
  sum->bytes_received += one->bytes_received;
  sum->bytes_sent += one->bytes_sent;
  sum->datagrams_received += one->datagrams_received;
  sum->datagrams_sent += one->datagrams_sent;
  sum->datagrams_dropped += one->datagrams_dropped;
  sum->turns += one->turns;
  if (one->longest_callback_ns > sum->longest_callback_ns)
    sum->longest_callback_ns = one->longest_callback_ns;
  sum->reactors++;
  sum->connections_dialling += one->connections_dialling;
  sum->connections_flushing += one->connections_flushing;
  sum->connections_lingering += one->connections_lingering;
  sum->connections_throttled += one->connections_throttled;
  sum->lookups += one->lookups;
  sum->lookups_failed += one->lookups_failed;
  sum->lookups_pending += one->lookups_pending;
  sum->inbound_bytes += one->inbound_bytes;
  sum->outbound_bytes += one->outbound_bytes;
  sum->mailbox_bytes += one->mailbox_bytes;
  sum->idle_ns += one->idle_ns;
  sum->callbacks_ns += one->callbacks_ns;
  for (size_t i = 0; i < EVNET_CALLBACK_BUCKETS; i++)
    sum->callback_counts[i] += one->callback_counts[i];
}

size_t evnet_server_copy_stats(const struct evnet_server *server, size_t size,
                               struct evnet_server_stats *out_stats) {
  struct evnet_server_stats sum;
  memset(&sum, 0, sizeof sum);  // the padding, too, because the caller may compare bytes
  sum.backend = "";
  for (uint32_t i = 0; i < server->reactor_count; i++) {
    const struct evnet_reactor *reactor = evnet_server_reactor(server, i);
    if (reactor == NULL) continue;
    struct evnet_reactor_stats one;
    evnet_reactor_get_stats(reactor, &one);
    add(&sum, &one);
    sum.connections_refused += __atomic_load_n(&server->reactors[i].refused, __ATOMIC_RELAXED);
    sum.backend = evnet_reactor_backend_name(reactor);
  }
  const size_t known = size < sizeof sum ? size : sizeof sum;
  memcpy(out_stats, &sum, known);
  if (size > known) memset((uint8_t *)out_stats + known, 0, size - known);
  return known;
}

int64_t evnet_server_copy_reactor_stats(const struct evnet_server *server, uint32_t index,
                                        size_t size, struct evnet_reactor_stats *out_stats) {
  if (index >= server->reactor_count) return -EINVAL;
  const struct evnet_reactor *reactor = evnet_server_reactor(server, index);
  if (reactor == NULL) return -ENOTCONN;
  return (int64_t)evnet_reactor_copy_stats(reactor, size, out_stats);
}
