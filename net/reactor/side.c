// The part of a connection that exists only while bytes are buffered in either direction, or if the
// connection has its own limits. This file creates, trims and frees it.
#include "net/reactor/internal/side.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"

struct conn_side *side_get(struct evnet_conn *conn) {
  if (conn->side != NULL) return conn->side;
  struct evnet_reactor *reactor = conn->reactor;
  struct conn_side *side = evnet_allocate(reactor->options.allocator, sizeof *side);
  if (side == NULL) return NULL;
  // The ring itself has no bound; inbound_bytes_max is checked when on_data returns. One turn's
  // bytes may come on top, and the bytes that a completion-based poller had already received when
  // reading stopped, up to the size of its buffers. Closing for these would punish the peer for a
  // stop that it cannot see.
  evnet_ring_init(&side->inbound, reactor->options.allocator, SIZE_MAX);
  evnet_outbound_init(&side->outbound, reactor->options.allocator, 0);
  side->limits = NULL;
  side->retired = NULL;
  side->woken = false;
  side->awaits_acks = false;
  side->unacked_bytes = 0;
  side->datagram = NULL;
  side->write_since_ms = side->opened_ms = clock_stamp(conn);
  conn->side = side;
  return side;
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
  bool needed = has_bytes || (conn->flags & SENDING) || side->limits != NULL || side->woken ||
                side->awaits_acks || side->datagram != NULL ||
                conn->reactor->limits.timeouts_ms[EVNET_TIMEOUT_LIFETIME] != EVNET_OFF;
  if (!needed) side_free(conn);
}

void side_free(struct evnet_conn *conn) {
  if (conn->side == NULL) return;
  side_release_retired(conn);
  evnet_ring_deinit(&conn->side->inbound);
  evnet_outbound_deinit(&conn->side->outbound);
  evnet_release(conn->reactor->options.allocator, conn->side->limits);
  if (conn->side->datagram != NULL)
    evnet_release(conn->reactor->options.allocator, conn->side->datagram->asked);
  evnet_release(conn->reactor->options.allocator, conn->side->datagram);
  evnet_release(conn->reactor->options.allocator, conn->side);
  conn->side = NULL;
}
