// Stopping and resuming reading. Each reason to stop is a bit of read_stop, and the poller receives
// while no bit is set. inbound.c handles the bytes that were read.
#include "net/reactor/internal/reading.h"

#include "net/reactor/conn.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/stop.h"

void reading_update(struct evnet_conn *conn) {
  bool reads = conn->state == CONN_OPEN || conn->state == CONN_DATAGRAM;
  bool wanted = !(conn->flags & PEER_ENDED) &&
                ((reads && conn->read_stop == 0) || conn->state == CONN_LINGERING);
  if (wanted == ((conn->flags & RECEIVING) != 0)) return;
  struct evnet_reactor *reactor = conn->reactor;
  if (wanted) {
    conn->flags |= RECEIVING;
    evnet_poller_recv_start(reactor->poller, conn_handle(conn));
    if (reads) stop_reading_resumed(reactor);
    if (conn->state != CONN_OPEN) return;
    conn->read_since_ms = clock_stamp(conn);
    int64_t read_timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_READ];
    if (read_timeout_ms != EVNET_OFF) deadline_arm(conn, (uint64_t)read_timeout_ms);
  } else {
    conn->flags &= (uint16_t)~RECEIVING;
    evnet_poller_recv_stop(reactor->poller, conn_handle(conn));
  }
}

void reading_stop(struct evnet_conn *conn, unsigned bit) {
  conn->read_stop = (uint8_t)(conn->read_stop | bit);
  reading_update(conn);
}

void reading_allow(struct evnet_conn *conn, unsigned bit) {
  if (!(conn->read_stop & bit)) return;
  conn->read_stop = (uint8_t)(conn->read_stop & ~bit);
  reading_update(conn);
  if (conn_is_datagram(conn)) return;  // unread bytes of a datagram are not presented again
  const unsigned stops = conn->read_stop & ~(unsigned)STOP_RECEIVING_ONLY;
  const bool above_bound = stops == STOP_INBOUND_MAX;
  if (stops != 0 && !above_bound) return;
  bool has_data = side_inbound_bytes(conn) > 0 || reading_is_woken(conn);
  if (above_bound || has_data || (conn->flags & END_WAITS)) due_add(conn, DUE_DATA);
}

void reading_admit(struct evnet_conn *conn, unsigned bit) {
  if (!(conn->read_stop & bit)) return;
  conn->read_stop = (uint8_t)(conn->read_stop & ~bit);
  reading_update(conn);
}

void evnet_conn_pause_reading(struct evnet_conn *conn) { reading_stop(conn, STOP_USER); }

void reading_resume(struct evnet_conn *conn, unsigned bit) {
  // Unread bytes above the bound are presented before more is read, because there may be no room
  // for more. on_data either consumes them or the connection overflows.
  bool above_bound = side_inbound_bytes(conn) >= conn->reactor->options.inbound_bytes_max;
  reading_allow(conn, above_bound ? bit : bit | STOP_INBOUND_MAX);
}

void evnet_conn_resume_reading(struct evnet_conn *conn) { reading_resume(conn, STOP_USER); }
