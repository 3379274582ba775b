// The steps of a reactor's graceful stop, one a turn; stop.c has its phases. The reactor closes its
// listeners, calls on_stopping of its connections, and aborts those that are left at the deadline.
#include "net/reactor/internal/drain.h"

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/dial.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/stop.h"

// This many consecutive turns without an event also end STOP_READING. One turn is not enough: a
// completion-based poller takes a turn to change how a connection receives, or to resume receiving.
enum { QUIET_TURNS = 2 };

// Connections

static void for_each_conn(struct evnet_reactor *reactor, void (*visit)(struct evnet_conn *conn)) {
  for (uint32_t i = 0; i < reactor->table.top; i++) {
    enum conn_state state = (enum conn_state)reactor->table.conns[i].state;
    if (state == CONN_OPEN || state == CONN_FLUSHING || state == CONN_LINGERING)
      visit(&reactor->table.conns[i]);
  }
}

static void ask(struct evnet_conn *conn) {
  callback_stopping(conn);
  close_check_stopping(conn);
}

static void give_up(struct evnet_conn *conn) {
  callback_stopping(conn);
  if (conn->state == CONN_LINGERING) {
    end_conn(conn, conn->reason);  // output is delivered; only the peer's FIN is missing
  } else {
    end_abort(conn, EVNET_REASON_DRAIN_DEADLINE);
  }
}

static void give_up_foreground(struct evnet_conn *conn) {
  if (!conn->background) give_up(conn);
}

static void give_up_background(struct evnet_conn *conn) {
  if (conn->background) give_up(conn);
}

// Ends a background connection. It is reset if its output is dropped, because a FIN would make the
// output look complete.
static void end_background(struct evnet_conn *conn) {
  if (!conn->background) return;
  if (outbound_is_empty(conn)) {
    end_conn(conn, EVNET_REASON_SHUTDOWN);
  } else {
    end_abort(conn, EVNET_REASON_SHUTDOWN);
  }
}

// The reactor

// Background connections end last, and on_close is called in the order of these calls.
static void give_up_all(struct evnet_reactor *reactor) {
  reactor->stop.phase = STOP_DRAINING;
  for_each_conn(reactor, give_up_foreground);
  dial_end_all(reactor, EVNET_REASON_SHUTDOWN);
  for_each_conn(reactor, give_up_background);
}

// Returns whether this reactor has no connections or sockets left for which a stop waits.
static bool is_drained(const struct evnet_reactor *reactor) {
  return reactor->stop.phase == STOP_DRAINING && reactor->datagram_sockets == NULL &&
         reactor->stats.connections_open == reactor->stop.background_open;
}

// Ends background connections when no reactor has other connections left.
static void drain(struct evnet_reactor *reactor, bool past_deadline) {
  const struct evnet_reactor_owner *owner = &reactor->owner;
  const bool drained = is_drained(reactor);
  const bool all_are = owner->drained != NULL ? owner->drained(owner->context, drained) : drained;
  reactor->stop.last = drained && (all_are || past_deadline);
  if (!reactor->stop.last) return;
  dial_end_all(reactor, EVNET_REASON_SHUTDOWN);
  for_each_conn(reactor, end_background);
  if (reactor->table.handles == 0) reactor->stop.phase = STOP_DONE;
}

// Returns whether the deadline of the stop has passed. After a standstill the kernel may have room
// for queued output, or bytes from clients, so the kernel is asked first.
static bool is_past(struct evnet_reactor *reactor, uint64_t deadline_ns, uint64_t now_ns) {
  if (deadline_ns == STOP_DEADLINE_IS_NOW) return true;
  return now_ns >= deadline_ns &&
         deadline_is_settled(reactor, (deadline_ns - reactor->clock.origin_ns) / 1000000);
}

// Connections that already had on_stopping are on the due list if they need a check.
static void begin_draining(struct evnet_reactor *reactor) {
  reactor->stop.phase = STOP_DRAINING;
  if (reactor->stop.untold) for_each_conn(reactor, ask);
  reactor->stop.untold = false;
}

void drain_step(struct evnet_reactor *reactor) {
  uint64_t deadline_ns = stop_deadline_ns(reactor);
  if (deadline_ns == UINT64_MAX || reactor->stop.phase == STOP_DONE) return;
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  if (reactor->stop.phase == STOP_NONE) {
    listener_close_all(reactor);
    reactor->stop.untold = true;
    stop_read_once_more(reactor);
  }
  const bool past_deadline = is_past(reactor, deadline_ns, now_ns);
  const bool read_all = reactor->stop.quiet_turns >= QUIET_TURNS ||
                        now_ns >= reactor->stop.reading_until_ns || past_deadline;
  // If the stop has no time, skip draining: a connection that closed gracefully could not linger.
  if (reactor->stop.phase == STOP_READING && read_all && deadline_ns != STOP_DEADLINE_IS_NOW)
    begin_draining(reactor);
  if (past_deadline) give_up_all(reactor);
  if (reactor->stop.phase != STOP_DRAINING) return;
  datagram_close_idle(reactor, past_deadline);
  drain(reactor, past_deadline);
}
