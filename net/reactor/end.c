// The end of a connection, from the failure or the last byte sent to CLOSED. on_close is not called
// here: a connection that reaches CLOSED is put on the due list, and lifecycle.c is the only place
// that calls it.
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
  conn->state = CONN_CLOSED;
  conn->reason = reason;
  reading_stop(conn, STOP_CLOSING);
  due_add(conn, DUE_CLOSE);
}

void end_failed(struct evnet_conn *conn, int error) {
  // Lingering, the kernel has taken everything and our end: how the peer goes is not why we closed.
  end_conn(conn, conn->state == CONN_LINGERING ? conn->reason : error);
}

void end_abort(struct evnet_conn *conn, int reason) {
  // FREE: a listener's UDP socket that has closed, whose pointer the user still has.
  if (conn->state == CONN_CLOSED || conn->state == CONN_FREE) return;
  conn->flags |= RESET;
  end_conn(conn, reason);
}

void end_linger(struct evnet_conn *conn) {
  EVNET_DCHECK(conn->state == CONN_FLUSHING);  // every caller has just looked
  struct evnet_reactor *reactor = conn->reactor;
  bool peer_ended = (conn->flags & PEER_ENDED) || conn_is_datagram(conn);
  int64_t linger_ms = limits_of(conn)->linger_ms;
  if (peer_ended || linger_ms == EVNET_OFF) {
    end_conn(conn, conn->reason);
    return;
  }
  // close(2) with unread input makes the kernel send a reset, which can destroy what the peer has
  // not read yet (RFC 1122 section 4.2.2.13). So: our end first, then throw input away until the
  // peer's end.
  if (!(conn->flags & END_SENT) &&
      evnet_poller_shutdown_write(reactor->poller, conn_handle(conn)) < 0) {
    end_conn(conn, conn->reason);
    return;
  }
  conn->flags |= END_SENT;
  conn->state = CONN_LINGERING;
  conn->out_ms = clock_stamp(conn);
  deadline_arm_earliest(conn);
  reading_update(conn);
}
