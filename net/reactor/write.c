// Writes to a connection: decides whether bytes are gathered, sent now or queued, and enforces the
// bound on all of them. outbound.c gathers, sends and queues.
#include "net/reactor/internal/write.h"

#include <errno.h>
#include <string.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/datagram_write.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/marks.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"

// Bytes

// Copies bytes after those in the scratch. The scratch must be free or belong to conn, and have
// room.
static inline void add_to_scratch(struct evnet_conn *conn, const void *data, size_t size) {
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch.conn == NULL) {
    reactor->scratch.conn = conn;
    reactor->scratch.block = evnet_poller_scratch(reactor->poller);
  }
  memcpy(reactor->scratch.block + reactor->scratch.bytes, data, size);
  reactor->scratch.bytes += size;
}

static int gather(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t size) {
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch.conn != conn) outbound_flush_scratch(reactor);
  if (side_gathered_bytes(conn) + size > EVNET_POLLER_SCRATCH_BYTES) {
    int status = outbound_send(conn, NULL, 0, true);
    if (status < 0) return status;
  }
  // Both calls may run on_prewrite, which may have closed conn or shut down writing.
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  if (!outbound_is_clear(conn)) return outbound_queue(conn, pieces, count, 0);
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > 0) add_to_scratch(conn, pieces[i].iov_base, pieces[i].iov_len);
  }
  return 0;
}

static int overflow(struct evnet_conn *conn) {
  if (conn->reactor->options.outbound_overflow == EVNET_OVERFLOW_CLOSE) {
    end_abort(conn, EVNET_REASON_OUTBOUND_OVERFLOW);
  }
  return -ENOBUFS;
}

ssize_t evnet_conn_writev(struct evnet_conn *conn, const struct iovec *pieces, size_t count) {
  if (conn_is_datagram(conn)) return datagram_writev(conn, pieces, count);
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  size_t size_max = conn->reactor->options.outbound_bytes_max;
  size_t standing = outbound_bytes(conn);
  size_t room = standing < size_max ? size_max - standing : 0;
  size_t size = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > room - size) return overflow(conn);
    size += pieces[i].iov_len;
  }
  if (size == 0) return 0;
  if (!outbound_is_clear(conn) || outbound_is_announcing_another(conn)) {
    status = outbound_queue(conn, pieces, count, 0);
  } else if (size < DIRECT_BYTES && standing + size < limits_of(conn)->outbound_high_water_bytes) {
    status = gather(conn, pieces, count, size);
  } else {
    status = outbound_send(conn, pieces, count, false);
  }
  return status < 0 ? status : (ssize_t)size;
}

// Returns whether a write only adds to the scratch: a small write while nothing is queued.
// evnet_conn_writev handles all other writes.
static bool joins_scratch(const struct evnet_conn *conn, size_t size) {
  const struct evnet_reactor *reactor = conn->reactor;
  if (conn_is_datagram(conn) || outbound_may_write(conn) < 0 || !outbound_is_clear(conn))
    return false;
  if (reactor->scratch.prewrite_conn != NULL) return false;
  if (reactor->scratch.conn != NULL && reactor->scratch.conn != conn) return false;
  if (size == 0 || size >= DIRECT_BYTES) return false;
  const size_t total = reactor->scratch.bytes + size;
  // The high mark is below outbound_bytes_max.
  return total <= EVNET_POLLER_SCRATCH_BYTES && total < limits_of(conn)->outbound_high_water_bytes;
}

ssize_t evnet_conn_write(struct evnet_conn *conn, const void *data, size_t size) {
  if (joins_scratch(conn, size)) {
    add_to_scratch(conn, data, size);
    return (ssize_t)size;
  }
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return evnet_conn_writev(conn, &piece, 1);
}

// Lent bytes and files

int write_lent(struct evnet_conn *conn, struct evnet_outbound_lent *lent, const void *data,
               size_t size) {
  int status = outbound_may_write(conn);
  if (status < 0) return status;
  size_t size_max = conn->reactor->options.outbound_bytes_max;
  size_t standing = outbound_bytes(conn);
  if (standing > size_max || size > size_max - standing) return overflow(conn);
  // The scratch is flushed when a callback returns, and requests run between callbacks.
  EVNET_DCHECK(side_gathered_bytes(conn) == 0);
  bool first = side_queue_is_empty(conn);
  if (first && size == 0) return 0;
  struct conn_side *side = side_get(conn);
  if (side == NULL) return -ENOMEM;
  status = evnet_outbound_append_lent(&side->outbound, lent, data, size);
  EVNET_DCHECK(status == 0);  // the queue itself has no bound
  side_count(conn);
  if (first) {
    outbound_start_write_timeout(conn);
    due_add(conn, 0);
  }
  marks_check_high(conn);
  return 1;
}

int write_file(struct evnet_conn *conn, const struct evnet_outbound_file *file) {
  // If the queue is not empty, nothing is gathered, and on_prewrite runs when the queue is sent.
  int status = outbound_is_empty(conn) ? outbound_send(conn, NULL, 0, false) : 0;
  if (status == 0) status = outbound_may_write(conn);
  if (status < 0) return status;
  struct conn_side *side = side_get(conn);
  bool first = side_queue_is_empty(conn);
  status = side == NULL ? -ENOMEM : evnet_outbound_append_file(&side->outbound, file);
  return status == -ENOBUFS ? overflow(conn) : outbound_queued(conn, first, status);
}

// Flushing and shutting down

ssize_t evnet_conn_flush(struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) {
    if (conn->state == CONN_CLOSED) return -ENOTCONN;
    datagram_flush(conn->reactor);
    return (ssize_t)datagram_outbound_bytes(conn);
  }
  if (conn->state == CONN_CLOSED) return -ENOTCONN;
  if (side_gathered_bytes(conn) > 0) {
    int status = outbound_send(conn, NULL, 0, true);
    if (status < 0) return status;
  }
  return (ssize_t)(side_queued_bytes(conn) + side_flying_bytes(conn));
}

int evnet_conn_shutdown_write(struct evnet_conn *conn) {
  if (conn_is_datagram(conn)) return -EOPNOTSUPP;
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  if (conn->flags & WRITE_ENDED) return 0;
  if (side_gathered_bytes(conn) > 0 && outbound_send(conn, NULL, 0, false) < 0) return -ENOTCONN;
  conn->flags |= WRITE_ENDED;
  // Do not trim the side, because that would move unread bytes that a callback may be using.
  outbound_await_flight(conn);
  if (outbound_is_empty(conn)) outbound_send_end(conn);
  return 0;
}
