// The work for a connection at the end of the turn: the due callbacks, from on_pressure to
// on_close, and the peer's FIN once all bytes before it are presented. No other file calls
// on_close.
#include "net/reactor/internal/lifecycle.h"

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/descriptors.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/flow.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/inbound.h"
#include "net/reactor/internal/open.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/stats.h"
#include "net/reactor/internal/trace.h"
#include "net/reactor/wheel.h"

// The due list is run twice between two waits, and each run takes at most this many connections.
// Each of them may close and be dialled again from its on_close, but its handle is free only after
// the next wait. The spare handles (create_parts in reactor.c) are enough for both runs.
enum { DUE_MAX = 2048 };

// The end of a connection

static void tell_closed(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  trace_closed(conn);
  evnet_wheel_cancel(&reactor->deadlines.wheel, &conn->deadline);
  rate_end(conn);
  // Update the counters first, because on_close may dial a replacement for this connection.
  if (conn->unopened) {
    counter_add(&reactor->stats.dials_failed, 1);
  } else {
    counter_add(&reactor->stats.connections_open, (uint64_t)-1);
    reactor->stop.background_open -= conn->background;
    stats_count_closed(&reactor->stats, conn->reason);
  }
  if (reactor->owner.closed != NULL) reactor->owner.closed(reactor->owner.context, conn);
  enum evnet_action action = EVNET_NONE;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_close != NULL)
    action = bound->handler.on_close(conn, conn->reason, bound->user);
  // on_close ignores EVNET_CLOSE.
  callback_returned(reactor, NULL, action == EVNET_SHUTDOWN ? EVNET_SHUTDOWN : EVNET_NONE);
  if (conn->flags & RESET) {
    evnet_poller_abort(reactor->poller, conn_handle(conn));
  } else {
    evnet_poller_detach(reactor->poller, conn_handle(conn));
  }
}

static void close_when_released(struct evnet_conn *conn) {
  if (conn->state == CONN_OPEN && conn->holds > 0) {
    conn->flags |= CLOSE_ON_RELEASE;
  } else {
    close_conn(conn, EVNET_REASON_PEER);
  }
}

// Once both FINs are sent and read, nothing more can happen, so the connection closes.
static void check_both_ended(struct evnet_conn *conn) {
  bool both = (conn->flags & END_SENT) && (conn->flags & PEER_ENDED);
  if (both && !(conn->flags & END_WAITS)) close_when_released(conn);
}

static void tell_ended(struct evnet_conn *conn) {
  const struct evnet_handler *handler = &handler_of(conn)->handler;
  if (handler->on_half_close == NULL) {
    close_when_released(conn);
    return;
  }
  callback_run(conn, handler->on_half_close);
  check_both_ended(conn);
  close_check_stopping(conn);
}

void lifecycle_peer_ended(struct evnet_conn *conn) {
  if (conn->flags & PEER_ENDED) return;  // both a RECV and a HANGUP may report the FIN
  conn->flags |= PEER_ENDED;
  if (conn->state == CONN_LINGERING) end_conn(conn, conn->reason);
  if (conn->state != CONN_OPEN) return;
  bool presenting = side_inbound_bytes(conn) > 0 && (conn->flags & DUE_DATA);
  if (presenting || reading_is_withheld(conn)) {
    conn->flags |= END_WAITS;
  } else {
    tell_ended(conn);
  }
}

// The due list

// Presents the bytes that were unread when reading resumed, and then a FIN that follows them.
static void present_again(struct evnet_conn *conn) {
  const unsigned passing = STOP_INBOUND_MAX | STOP_RECEIVING_ONLY;
  if (conn->state != CONN_OPEN || (conn->read_stop & ~passing) != 0) return;
  conn->read_stop &= STOP_RECEIVING_ONLY;
  conn->handed = 0;
  bool woken = reading_is_woken(conn);
  if (woken) conn->side->woken = false;
  if (woken || side_inbound_bytes(conn) > 0) inbound_present(conn);
  // Resume reading only after on_data, which may stop it again; a poller may deliver immediately.
  reading_update(conn);
  if (conn->state != CONN_OPEN || reading_is_withheld(conn)) return;
  if (!(conn->flags & END_WAITS)) return;
  if (conn->handed && side_inbound_bytes(conn) > 0) return;  // on_data is due again
  conn->flags &= (uint16_t)~END_WAITS;
  tell_ended(conn);
}

static void run_due(struct evnet_conn *conn) {
  uint16_t due = conn->flags & (DUE_PRESSURE | DUE_DATA | DUE_CLOSE);
  conn->flags &= (uint16_t) ~(LISTED | DUE_PRESSURE | DUE_DATA | DUE_CLOSE);
  if (due & DUE_CLOSE) {
    tell_closed(conn);
    return;
  }
  if (conn->state == CONN_DIALLING) {
    open_adopted(conn);
    return;
  }
  if (due & DUE_PRESSURE) callback_run(conn, handler_of(conn)->handler.on_pressure);
  if (conn->flags & DUE_DRAIN) {  // on_pressure may have crossed the mark again
    conn->flags &= (uint16_t)~DUE_DRAIN;
    reading_allow(conn, STOP_OUTBOUND_HIGH);  // before on_drain, which may cross the mark again
    callback_run(conn, handler_of(conn)->handler.on_drain);
  }
  if (due & DUE_DATA) present_again(conn);
  if (flow_take_below(conn)) callback_run(conn, handler_of(conn)->handler.on_below);
  flow_check_inbound(conn);
  if (conn_is_datagram(conn)) datagram_run_due(conn);
  descriptors_run_due(conn);
  side_trim(conn);
  outbound_start(conn);
  outbound_await_flight(conn);
  check_both_ended(conn);
  close_check_stopping(conn);
}

// Puts the rest of a due list before the connections that became due meanwhile.
static void put_back(struct evnet_reactor *reactor, uint32_t first, uint32_t last) {
  if (reactor->due.first == NONE) reactor->due.last = last;
  reactor->table.conns[last].due_next = reactor->due.first & NONE;
  reactor->due.first = first;
}

void lifecycle_run_due(struct evnet_reactor *reactor) {
  // Run only the connections that are due now. Those that become due meanwhile wait for the next
  // run, so that I/O happens in between.
  uint32_t index = reactor->due.first;
  const uint32_t last = reactor->due.last;
  reactor->due.first = NONE;
  for (int i = 0; i < DUE_MAX && index != NONE; i++) {
    struct evnet_conn *conn = &reactor->table.conns[index];
    index = conn->due_next;
    run_due(conn);
    clock_lap(reactor);
  }
  if (index != NONE) put_back(reactor, index, last);
}
