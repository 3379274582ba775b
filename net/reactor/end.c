// The end of a connection, from a failure or the last byte sent to CLOSED. This file puts a
// connection that reaches CLOSED on the due list. Only lifecycle.c calls on_close.
//
//   any state --end_conn, end_failed, end_abort--------------> CLOSED
//   FLUSHING --end_linger--> LINGERING --the peer's FIN, time--> CLOSED
#include "net/reactor/internal/end.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"

void end_conn(struct evnet_conn *conn, int reason) {
  if (conn->state == CONN_CLOSED) return;
  struct evnet_reactor *reactor = conn->reactor;
  if (reactor->scratch.conn == conn) {
    reactor->scratch.conn = NULL;
    reactor->scratch.bytes = 0;
  }
  if (conn->state == CONN_DIALLING) dial_end(conn, reason);
  if (conn_is_datagram(conn)) datagram_end(conn);
  if (conn->state == CONN_FLUSHING) counter_add(&reactor->stats.connections_flushing, (uint64_t)-1);
  if (conn->state == CONN_LINGERING)
    counter_add(&reactor->stats.connections_lingering, (uint64_t)-1);
  conn->state = CONN_CLOSED;
  conn->reason = reason;
  reading_stop(conn, STOP_CLOSING);
  due_add(conn, DUE_CLOSE);
}

void end_failed(struct evnet_conn *conn, int error) {
  // In LINGERING the kernel has taken all output and the FIN, so a later error of the peer does not
  // replace the reason of the close.
  end_conn(conn, conn->state == CONN_LINGERING ? conn->reason : error);
}

void end_abort(struct evnet_conn *conn, int reason) {
  // FREE is a listener's UDP socket that has closed, to which the user may still have a pointer.
  if (conn->state == CONN_CLOSED || conn->state == CONN_FREE) return;
  conn->flags |= RESET;
  end_conn(conn, reason);
}

void end_linger(struct evnet_conn *conn) {
  EVNET_DCHECK(conn->state == CONN_FLUSHING);  // every caller has just checked this
  struct evnet_reactor *reactor = conn->reactor;
  bool peer_ended = (conn->flags & PEER_ENDED) || conn_is_datagram(conn);
  int64_t linger_ms = limits_of(conn)->linger_ms;
  if (peer_ended || linger_ms == EVNET_OFF) {
    end_conn(conn, conn->reason);
    return;
  }
  // If close(2) is called with unread input, the kernel sends a reset, which can destroy bytes that
  // the peer has not read yet (RFC 1122 section 4.2.2.13). So evnet sends FIN first, and then
  // discards input until the peer's FIN.
  if (!(conn->flags & END_SENT) &&
      evnet_poller_shutdown_write(reactor->poller, conn_handle(conn)) < 0) {
    end_conn(conn, conn->reason);
    return;
  }
  conn->flags |= END_SENT;
  conn->state = CONN_LINGERING;
  counter_add(&reactor->stats.connections_flushing, (uint64_t)-1);
  counter_add(&reactor->stats.connections_lingering, 1);
  conn->out_ms = clock_stamp(conn);
  deadline_arm_earliest(conn);
  reading_update(conn);
}
