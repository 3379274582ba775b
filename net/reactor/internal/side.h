// The part of a connection that exists only while bytes are buffered, and how many bytes are
// buffered in each direction.
#ifndef EVNET_NET_REACTOR_INTERNAL_SIDE_H_
#define EVNET_NET_REACTOR_INTERNAL_SIDE_H_

#include <stdbool.h>
#include <stddef.h>

#include "net/reactor/internal/names.h"
#include "net/reactor/internal/reactor.h"

// side_create returns a side that no connection has yet. NULL: out of memory.
struct conn_side *side_create(struct evnet_reactor *reactor);

// side_get returns the connection's side, and creates it if there is none. NULL: out of memory.
struct conn_side *side_get(struct evnet_conn *conn);

// side_trim frees memory that is no longer needed, and the side itself if nothing needs it.
void side_trim(struct evnet_conn *conn);

// side_destroy frees a side and all that it holds; NULL is accepted.
void side_destroy(struct evnet_reactor *reactor, struct conn_side *side);

// side_free frees the connection's side and all that it holds.
void side_free(struct evnet_conn *conn);

// side_count brings inbound_bytes and outbound_bytes of the statistics up to date. Call it after
// the ring or the queue of a side has changed.
void side_count(struct evnet_conn *conn);

// side_release_retired frees the block that evnet_conn_peek has retired.
void side_release_retired(struct evnet_conn *conn);

// side_has_lease returns whether the connection's bytes are being presented.
static inline bool side_has_lease(const struct evnet_conn *conn) {
  return conn->reactor->lease.conn == conn;
}

// side_inbound_bytes returns how many bytes are unread, as evnet_conn_inbound_bytes.
static inline size_t side_inbound_bytes(const struct evnet_conn *conn) {
  if (side_has_lease(conn)) return conn->reactor->lease.bytes.size;
  return conn->side != NULL ? evnet_ring_size(&conn->side->inbound) : 0;
}

// side_queued_bytes returns how many bytes are in a stream's outbound queue.
static inline size_t side_queued_bytes(const struct evnet_conn *conn) {
  return conn->side != NULL ? evnet_outbound_bytes(&conn->side->outbound) : 0;
}

// side_gathered_bytes returns how many bytes of a stream are in the scratch block.
static inline size_t side_gathered_bytes(const struct evnet_conn *conn) {
  return conn->reactor->scratch.conn == conn ? conn->reactor->scratch.bytes : 0;
}

// side_flying_bytes returns how many bytes of a stream are being sent, outside of the queue.
static inline size_t side_flying_bytes(const struct evnet_conn *conn) {
  return conn->flying ? evnet_poller_sending_bytes(conn->reactor->poller, conn_handle(conn)) : 0;
}

// side_queue_is_empty returns whether a stream's outbound queue is empty.
static inline bool side_queue_is_empty(const struct evnet_conn *conn) {
  return conn->side == NULL || evnet_outbound_is_empty(&conn->side->outbound);
}

#endif  // EVNET_NET_REACTOR_INTERNAL_SIDE_H_
