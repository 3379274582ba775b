// Closing by the user, by the release of the last hold, and during a stop. evnet sends a
// connection's output before the connection ends (end.c).
#include "net/reactor/internal/close.h"

#include <errno.h>

#include "net/reactor/conn.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/stop.h"

void close_conn(struct evnet_conn *conn, int reason) {
  if (conn->state != CONN_OPEN) return;
  if (conn->reactor->scratch.conn == conn) outbound_flush_scratch(conn->reactor);
  if (conn_is_datagram(conn)) datagram_flush(conn->reactor);
  if (conn->state != CONN_OPEN) return;  // sending failed
  conn->state = CONN_FLUSHING;
  counter_add(&conn->reactor->stats.connections_flushing, 1);
  conn->reason = reason;
  reading_stop(conn, STOP_CLOSING);
  outbound_await_flight(conn);
  if (outbound_is_empty(conn)) end_linger(conn);
  // Otherwise the write timeout is running already, since the bytes were queued.
}

int close_by_id(struct evnet_conn *conn) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  if (conn->state == CONN_DIALLING) {
    end_conn(conn, -ECANCELED);
    return 0;
  }
  if (conn->state != CONN_OPEN) return -ESTALE;
  close_conn(conn, EVNET_REASON_LOCAL);
  return 0;
}

int abort_by_id(struct evnet_conn *conn) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  end_abort(conn, conn->state == CONN_DIALLING ? -ECANCELED : EVNET_REASON_ABORTED);
  return 0;
}

void evnet_conn_close(struct evnet_conn *conn) { close_conn(conn, EVNET_REASON_LOCAL); }

void evnet_conn_abort(struct evnet_conn *conn) {
  if (conn->state != CONN_DATAGRAM) end_abort(conn, EVNET_REASON_ABORTED);
}

// Holds

int evnet_conn_hold(struct evnet_conn *conn) {
  if (conn->holds == UINT32_MAX) return -EOVERFLOW;
  conn->holds++;
  if (conn->holds >= conn->reactor->options.holds_max) reading_stop(conn, STOP_HOLDS);
  return 0;
}

uint32_t evnet_conn_holds(const struct evnet_conn *conn) { return conn->holds; }

void evnet_conn_release(struct evnet_conn *conn) {
  EVNET_ASSERT(conn->holds > 0);  // only a wrong count of the caller fails here, never a peer
  conn->holds--;
  if ((conn->read_stop & STOP_HOLDS) && conn->holds < conn->reactor->options.holds_max)
    reading_resume(conn, STOP_HOLDS);
  if (conn->holds > 0) return;
  if (conn->flags & CLOSE_ON_RELEASE) close_conn(conn, EVNET_REASON_PEER);
  due_check_stopping(conn);
}

// Stopping

void close_check_stopping(struct evnet_conn *conn) {
  if (!due_is_stopping(conn) || conn->background) return;
  if (stop_is_reading(conn->reactor)) {
    due_add(conn, 0);
    return;
  }
  bool has_work = conn->holds > 0 || side_inbound_bytes(conn) > 0 ||
                  evnet_conn_outbound_bytes(conn) > 0 || !outbound_is_empty(conn) ||
                  (conn->flags & (DUE_PRESSURE | DUE_DRAIN | DUE_DATA));
  // The connection still needs its last read in these cases: reading is stopped until on_drain, or
  // by a rate, or is about to resume. In the last case on_data first gets the unread bytes above
  // inbound_bytes_max.
  bool resumes = conn->read_stop == 0 && !(conn->flags & (RECEIVING | PEER_ENDED));
  bool has_read = !(conn->read_stop & (STOP_OUTBOUND_HIGH | STOP_RATE)) && !resumes;
  if (has_work) outbound_await_flight(conn);
  if (!has_read || has_work) return;
  // Without queued output, a request of evnet_conn_notify_below is due. on_below may write the next
  // part and request again.
  if (conn->side != NULL && conn->side->below_bytes > 0) {
    if (!outbound_awaits_room(conn)) due_add(conn, 0);  // else its SEND does this
    return;
  }
  close_conn(conn, EVNET_REASON_SHUTDOWN);
}

int evnet_conn_set_background(struct evnet_conn *conn, bool background) {
  if (conn->state == CONN_DATAGRAM) return -EOPNOTSUPP;
  if (conn->state != CONN_OPEN) return -ENOTCONN;
  if (conn->background == background) return 0;
  conn->background = background;
  conn->reactor->stop.background_open += background ? 1 : UINT32_MAX;
  due_check_stopping(conn);
  return 0;
}
