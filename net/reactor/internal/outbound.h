// The outbound queue and the scratch block of streams.
#ifndef EVNET_NET_REACTOR_INTERNAL_OUTBOUND_H_
#define EVNET_NET_REACTOR_INTERNAL_OUTBOUND_H_

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/internal/side.h"

// outbound_bytes returns the number of written bytes of a stream that the kernel has not taken.
static inline size_t outbound_bytes(const struct evnet_conn *conn) {
  return side_queued_bytes(conn) + side_gathered_bytes(conn) + side_flying_bytes(conn);
}

// outbound_is_clear returns whether nothing of a stream is queued or flying.
static inline bool outbound_is_clear(const struct evnet_conn *conn) {
  return side_queue_is_empty(conn) && !conn->flying;
}

// outbound_awaits_room returns whether a stream without a queue waits for room in its socket
// (outbound_await_room).
static inline bool outbound_awaits_room(const struct evnet_conn *conn) {
  return (conn->flags & SENDING) && side_queue_is_empty(conn);
}

// outbound_may_pass returns whether bytes of a stream may be sent now, ahead of the queue: nothing is
// queued or flying, the poller has no request, and no rate decides when bytes are sent.
static inline bool outbound_may_pass(const struct evnet_conn *conn) {
  const struct conn_side *side = conn->side;
  if (side != NULL &&
      (side->rate != NULL || !evnet_outbound_is_empty(&side->outbound) || (conn->flags & SENDING)))
    return false;
  return !conn->flying;
}

// outbound_is_empty returns whether nothing is queued or flying. Gathered bytes do not count.
static inline bool outbound_is_empty(const struct evnet_conn *conn) {
  return conn_is_datagram(conn) ? !datagram_is_queued(conn) : outbound_is_clear(conn);
}

// outbound_may_write returns 0, -ENOTCONN if the connection is not open, or -EPIPE after
// evnet_conn_shutdown_write.
static inline int outbound_may_write(const struct evnet_conn *conn) {
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  return conn->flags & WRITE_ENDED ? -EPIPE : 0;
}

// outbound_is_announcing_another returns whether the on_prewrite of another connection is running.
// Bytes that it writes to this connection are queued and sent from the due list, with their own
// on_prewrite. Otherwise connections that write to each other would recurse.
static inline bool outbound_is_announcing_another(const struct evnet_conn *conn) {
  const struct evnet_conn *announced = conn->reactor->scratch.prewrite_conn;
  return announced != NULL && announced != conn;
}

// outbound_start sends the queue, if no send is running.
void outbound_start(struct evnet_conn *conn);

// outbound_sent handles a SEND.
void outbound_sent(struct evnet_conn *conn, const struct evnet_completion *completion);

// outbound_await_room waits for room in a full Unix socket that has no queue. Bytes written until then
// are queued. Then on_below is called, if it was requested. The connection must have a side.
void outbound_await_room(struct evnet_conn *conn);

// outbound_await_flight keeps the reactor from sleeping if some work waits for flying bytes.
void outbound_await_flight(struct evnet_conn *conn);

// outbound_flush_scratch sends the gathered bytes, of whichever connection.
void outbound_flush_scratch(struct evnet_reactor *reactor);

// outbound_send sends the gathered bytes and then the pieces, in calls of at most
// EVNET_SEND_PIECES_MAX pieces. Bytes that the kernel does not take are queued.
//
//   immediately  the bytes are sent in this call. Otherwise a completion-based poller may send them
//                later in the turn.
//
// Returns: 0.
// Errors:  the negative status that ended the connection.
int outbound_send(struct evnet_conn *conn, const struct iovec *pieces, size_t count,
                  bool immediately);

// outbound_queue queues the pieces without their first `skip` bytes.
//
// Returns: 0.
// Errors:  -ENOMEM; the connection has ended, because the peer may have received a part.
int outbound_queue(struct evnet_conn *conn, const struct iovec *pieces, size_t count, size_t skip);

// outbound_queued is called after bytes were queued, or could not be queued.
//
//   first   the queue was empty before.
//   status  the result of queueing; if it is negative, the connection ends.
//
// Returns: status.
int outbound_queued(struct evnet_conn *conn, bool first, int status);

// outbound_start_write_timeout starts the write timeout, because the queue is no longer empty.
void outbound_start_write_timeout(struct evnet_conn *conn);

// outbound_send_end sends FIN after evnet_conn_shutdown_write. All output must be sent.
void outbound_send_end(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_OUTBOUND_H_
