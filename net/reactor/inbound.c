// Input of streams: from the poller's lease to the handler, with the remaining bytes kept in the
// connection's ring; and the functions with which a handler reads.
//
// Unread bytes are in one place at a time: in the lease while on_data runs on the bytes that have
// just arrived, or else in the ring. If a lease arrives while the ring holds bytes, it is appended
// to the ring first.
#include "net/reactor/internal/inbound.h"

#include <errno.h>
#include <string.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/flow.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"

size_t evnet_conn_inbound_bytes(const struct evnet_conn *conn) { return side_inbound_bytes(conn); }

void evnet_conn_peek_pair(const struct evnet_conn *conn, struct evnet_bytes out_spans[2]) {
  out_spans[0] = out_spans[1] = (struct evnet_bytes){0};
  if (side_has_lease(conn)) {
    out_spans[0] = conn->reactor->lease.bytes;
  } else if (conn->side != NULL) {
    evnet_ring_peek_pair(&conn->side->inbound, out_spans);
  }
}

struct evnet_bytes evnet_conn_peek(struct evnet_conn *conn) {
  if (side_has_lease(conn)) return conn->reactor->lease.bytes;
  struct evnet_bytes spans[2];
  evnet_conn_peek_pair(conn, spans);
  if (spans[1].size == 0) return spans[0];
  // One retired block is enough. Once the ring is linear, it cannot wrap again before the callback
  // returns. A block that an earlier callback retired is therefore no longer in use.
  evnet_block_release(conn->reactor->options.allocator, conn->side->retired);
  int status = evnet_ring_linearize(&conn->side->inbound, &conn->side->retired);
  if (status < 0) {
    end_abort(conn, status);
    return (struct evnet_bytes){0};
  }
  evnet_ring_peek_pair(&conn->side->inbound, spans);
  return spans[0];
}

size_t evnet_conn_discard(struct evnet_conn *conn, size_t size) {
  size_t unread = side_inbound_bytes(conn);
  if (size > unread) size = unread;
  if (size == 0) return 0;
  if (side_has_lease(conn)) {
    conn->reactor->lease.bytes.data += size;
    conn->reactor->lease.bytes.size -= size;
  } else {
    evnet_ring_discard(&conn->side->inbound, size);
    side_count(conn);
    // Their memory is freed at the end of the turn, because pointers into it stay valid until the
    // callback returns, which may be another one than on_data.
    if (size == unread && conn->state != CONN_CLOSED) due_add(conn, 0);
    if (conn->read_stop & STOP_INBOUND_HIGH) flow_check_inbound(conn);
  }
  if (conn->flags & STOPPING_TOLD) due_check_stopping(conn);
  return size;
}

struct evnet_bytes evnet_conn_next(struct evnet_conn *conn, size_t size) {
  struct evnet_bytes spans[2];
  evnet_conn_peek_pair(conn, spans);
  if (size > spans[0].size + spans[1].size) return (struct evnet_bytes){0};
  if (size > spans[0].size) spans[0] = evnet_conn_peek(conn);
  if (spans[0].size < size) return (struct evnet_bytes){0};
  evnet_conn_discard(conn, size);
  return (struct evnet_bytes){.data = spans[0].data, .size = size};
}

size_t evnet_conn_read(struct evnet_conn *conn, void *out, size_t size) {
  struct evnet_bytes spans[2];
  evnet_conn_peek_pair(conn, spans);
  size_t copied = 0;
  for (int i = 0; i < 2; i++) {
    size_t part = size - copied < spans[i].size ? size - copied : spans[i].size;
    if (part > 0) memcpy((uint8_t *)out + copied, spans[i].data, part);
    copied += part;
  }
  return evnet_conn_discard(conn, copied);
}

// Appends bytes to the ring. If memory runs out, the connection ends, because losing bytes would be
// worse.
static void keep(struct evnet_conn *conn, const uint8_t *data, size_t size) {
  struct conn_side *side = side_get(conn);
  // No callback has pointers into the retired block any more, and after the append the ring may
  // wrap and be linearized again.
  if (side != NULL) side_release_retired(conn);
  int status = side == NULL ? -ENOMEM : evnet_ring_append(&side->inbound, data, size);
  if (status < 0) {
    end_abort(conn, status);
  } else {
    side_count(conn);
  }
}

// Runs after on_data: keeps the bytes that are left in the lease, and checks inbound_bytes_max.
static void settle(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (side_has_lease(conn)) {
    struct evnet_bytes left = reactor->lease.bytes;
    reactor->lease.conn = NULL;
    if (left.size > 0 && conn->state == CONN_OPEN) keep(conn, left.data, left.size);
  }
  if (conn->is_marked) flow_check_inbound(conn);
  if (conn->state == CONN_OPEN && side_inbound_bytes(conn) >= reactor->options.inbound_bytes_max) {
    if (conn->read_stop & (STOP_USER | STOP_HOLDS)) {
      reading_stop(conn, STOP_INBOUND_MAX);
    } else if (!(conn->read_stop & STOP_INBOUND_HIGH)) {
      // A paused connection would wait forever for the rest of a frame that is larger than the
      // bound.
      close_conn(conn, EVNET_REASON_INBOUND_OVERFLOW);
    }
  }
  if (conn->side != NULL) side_trim(conn);
}

void inbound_present(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  enum evnet_action action = EVNET_NONE;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_data != NULL) {
    action = bound->handler.on_data(conn, bound->user);
  } else {
    evnet_conn_discard(conn, SIZE_MAX);
  }
  // Send before the unread bytes are moved, because what was written may point into them.
  callback_returned(reactor, conn, action);
  settle(conn);
  if (conn->flags & STOPPING_TOLD) close_check_stopping(conn);
}

int inbound_wake(struct evnet_conn *conn) {
  if (!reading_is_withheld(conn)) {
    inbound_present(conn);
    return 0;
  }
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  side->woken = true;
  return 0;
}

void inbound_received(struct evnet_conn *conn, const uint8_t *data, size_t size) {
  struct evnet_reactor *reactor = conn->reactor;
  counter_add(&reactor->stats.bytes_received, size);
  conn->in_ms = now32(reactor);
  if (conn->state != CONN_OPEN) return;  // closing connections discard input
  rate_passed(conn, RATE_RECEIVE, size);
  bool standing = side_inbound_bytes(conn) > 0;
  if (standing || reading_is_withheld(conn)) {
    // Bytes may arrive after reading was stopped; they are kept as well.
    keep(conn, data, size);
    if (conn->state != CONN_OPEN) return;
    if (reading_is_withheld(conn)) {
      // Unread bytes are presented before more is read.
      bool above_bound = side_inbound_bytes(conn) >= reactor->options.inbound_bytes_max;
      if (above_bound) reading_stop(conn, STOP_INBOUND_MAX);
      return;
    }
  } else {
    reactor->lease.conn = conn;
    reactor->lease.bytes = (struct evnet_bytes){.data = data, .size = size};
  }
  inbound_present(conn);
}
