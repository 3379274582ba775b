// The part of a connection that exists only while bytes are buffered in either direction, or if the
// connection has its own limits or handler. This file creates, trims and frees it.
#include "net/reactor/internal/side.h"

#include <unistd.h>

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/descriptors.h"
#include "net/reactor/internal/reactor.h"

struct conn_side *side_create(struct evnet_reactor *reactor) {
  struct conn_side *side = evnet_allocate(reactor->options.allocator, sizeof *side);
  if (side == NULL) return NULL;
  // The ring itself has no bound; inbound_bytes_max is checked when on_data returns. One turn's
  // bytes may come on top, and the bytes that a completion-based poller had already received when
  // reading stopped, up to the size of its buffers. Closing for these would punish the peer for a
  // stop that it cannot see.
  evnet_ring_init(&side->inbound, reactor->options.allocator, SIZE_MAX);
  evnet_outbound_init(&side->outbound, reactor->options.allocator, 0);
  side->limits = NULL;
  side->handler = NULL;
  side->retired = NULL;
  side->woken = false;
  side->awaits_acks = false;
  side->below_bytes = 0;
  side->unacked_bytes = 0;
  side->counted_in = side->counted_out = 0;
  side->rate = NULL;
  side->datagram = NULL;
  side->descriptors = NULL;
  side->write_since_ms = side->opened_ms = now32(reactor);
  return side;
}

struct conn_side *side_get(struct evnet_conn *conn) {
  if (conn->side != NULL) return conn->side;
  struct conn_side *side = side_create(conn->reactor);
  if (side == NULL) return NULL;
  side->write_since_ms = side->opened_ms = clock_stamp(conn);
  conn->side = side;
  return side;
}

static void count(uint64_t *total, size_t *counted, size_t bytes) {
  counter_add(total, bytes - (uint64_t)*counted);
  *counted = bytes;
}

void side_count(struct evnet_conn *conn) {
  struct conn_side *side = conn->side;
  struct evnet_reactor_stats *stats = &conn->reactor->stats;
  count(&stats->inbound_bytes, &side->counted_in, evnet_ring_size(&side->inbound));
  count(&stats->outbound_bytes, &side->counted_out, evnet_outbound_bytes(&side->outbound));
}

void side_release_retired(struct evnet_conn *conn) {
  evnet_block_release(conn->reactor->options.allocator, conn->side->retired);
  conn->side->retired = NULL;
}

void side_trim(struct evnet_conn *conn) {
  struct conn_side *side = conn->side;
  if (side == NULL) return;
  side_release_retired(conn);
  evnet_ring_trim(&side->inbound);
  bool has_bytes = evnet_ring_size(&side->inbound) > 0 || !evnet_outbound_is_empty(&side->outbound);
  bool needed = has_bytes || (conn->flags & SENDING) || side->limits != NULL ||
                side->handler != NULL || side->woken || side->awaits_acks ||
                side->datagram != NULL || side->descriptors != NULL || side->below_bytes > 0 ||
                side->rate != NULL ||
                conn->reactor->limits.timeouts_ms[EVNET_TIMEOUT_LIFETIME] != EVNET_OFF;
  if (!needed) side_free(conn);
}

// Closes the received descriptors that were not taken.
static void close_descriptors(const struct evnet_allocator *allocator,
                              struct conn_descriptors *descriptors) {
  if (descriptors == NULL) return;
  for (uint32_t i = 0; i < descriptors->count; i++)
    (void)close(descriptors->of[(descriptors->first + i) % descriptors->max]);
  evnet_release(allocator, descriptors);
}

void side_destroy(struct evnet_reactor *reactor, struct conn_side *side) {
  if (side == NULL) return;
  const struct evnet_allocator *allocator = reactor->options.allocator;
  evnet_block_release(allocator, side->retired);
  evnet_ring_deinit(&side->inbound);
  evnet_outbound_deinit(&side->outbound);
  evnet_release(allocator, side->limits);
  evnet_release(allocator, side->handler);
  if (side->datagram != NULL) evnet_release(allocator, side->datagram->asked);
  evnet_release(allocator, side->datagram);
  close_descriptors(allocator, side->descriptors);
  evnet_release(allocator, side);
}

void side_free(struct evnet_conn *conn) {
  struct conn_side *side = conn->side;
  if (side == NULL) return;
  count(&conn->reactor->stats.inbound_bytes, &side->counted_in, 0);
  count(&conn->reactor->stats.outbound_bytes, &side->counted_out, 0);
  side_destroy(conn->reactor, side);
  conn->side = NULL;
}
