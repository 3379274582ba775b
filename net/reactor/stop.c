// The orderly end of a reactor.
//
//   NONE --stop--> READING --nothing more came--> DRAINING --no handle left--> DONE
//                     | ^                          | ^
//                     | +--- reading resumes, or --+ |
//                     |      a connection comes      |
//                     +-------- deadline ------------+  everything left is aborted
//
// Dials and connections in the background serve the others, on this reactor or another one of the
// server: they end, and with them the reactor, when all reactors have drained.
//
// READING turns the loop without waiting, so that what clients had sent before the stop reaches its
// handlers. A connection whose reading was stopped gets its last read when its reading resumes: the
// reactor is READING once more then, and nobody closes before that has ended.
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

// A client that never stops sending must not keep READING from ending. So long everything that a
// kernel's receive buffers hold is read.
enum { READING_MS_MAX = 1000 };

// And so many in a row that bring nothing end it. One is not enough: a completion-based poller
// takes a turn to change how a connection is received, or to take up again what was stopped.
enum { QUIET_TURNS = 2 };

void evnet_reactor_stop(struct evnet_reactor *reactor, int64_t drain_ms) {
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  uint64_t wait_ns = drain_ms <= 0 ? 0 : (uint64_t)drain_ms * 1000000;
  uint64_t stop_at = drain_ms > INT64_MAX / 1000000 - 1 || wait_ns > UINT64_MAX - 1 - now_ns
                         ? UINT64_MAX - 1
                         : now_ns + wait_ns;
  uint64_t before = __atomic_load_n(&reactor->stop_at_ns, __ATOMIC_RELAXED);
  while (stop_at < before &&
         !__atomic_compare_exchange_n(&reactor->stop_at_ns, &before, stop_at, true,
                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
  evnet_poller_wake(reactor->poller);
}

uint64_t stop_deadline_ns(const struct evnet_reactor *reactor) {
  return __atomic_load_n(&reactor->stop_at_ns, __ATOMIC_ACQUIRE);
}

bool stop_is_reading(const struct evnet_reactor *reactor) {
  return reactor->stop_phase == STOP_READING;
}

static void read_once_more(struct evnet_reactor *reactor) {
  reactor->stop_phase = STOP_READING;
  reactor->stop_reading_until_ns =
      evnet_poller_now_ns(reactor->poller) + (uint64_t)READING_MS_MAX * 1000000;
  reactor->stop_quiet_turns = 0;
}

void stop_reading_resumed(struct evnet_reactor *reactor) {
  if (reactor->stop_phase == STOP_DRAINING) read_once_more(reactor);
}

void stop_newcomer(struct evnet_reactor *reactor) {
  reactor->stop_untold = true;
  stop_reading_resumed(reactor);
}

bool stop_refuses(const struct evnet_reactor *reactor) {
  return reactor->stop_last || reactor->stop_phase == STOP_DONE ||
         (stop_deadline_ns(reactor) != UINT64_MAX &&
          evnet_poller_now_ns(reactor->poller) >= stop_deadline_ns(reactor));
}

static void for_each_conn(struct evnet_reactor *reactor, void (*visit)(struct evnet_conn *conn)) {
  for (uint32_t i = 0; i < reactor->conns_top; i++) {
    enum conn_state state = (enum conn_state)reactor->conns[i].state;
    if (state == CONN_OPEN || state == CONN_FLUSHING || state == CONN_LINGERING)
      visit(&reactor->conns[i]);
  }
}

static void ask(struct evnet_conn *conn) {
  conn_tell_stopping(conn);
  conn_check_stopping(conn);
}

static void give_up(struct evnet_conn *conn) {
  conn_tell_stopping(conn);
  if (conn->state == CONN_LINGERING) {
    conn_finish(conn, conn->reason);  // delivered; only the peer's end is missing
  } else {
    conn_abort_for(conn, EVNET_REASON_DRAIN_DEADLINE);
  }
}

static void give_up_foreground(struct evnet_conn *conn) {
  if (!conn->background) give_up(conn);
}

static void give_up_background(struct evnet_conn *conn) {
  if (conn->background) give_up(conn);
}

// Output that is dropped must not look to the peer like all there was.
static void end_background(struct evnet_conn *conn) {
  if (!conn->background) return;
  if (outbound_is_empty(conn)) {
    conn_finish(conn, EVNET_REASON_SHUTDOWN);
  } else {
    conn_abort_for(conn, EVNET_REASON_SHUTDOWN);
  }
}

// Nobody is asked any more: a connection that closed gracefully now would have no time left to
// linger. The background comes last: on_close has the order of these calls.
static void give_up_all(struct evnet_reactor *reactor) {
  reactor->stop_phase = STOP_DRAINING;
  for_each_conn(reactor, give_up_foreground);
  dial_end_all(reactor, EVNET_REASON_SHUTDOWN);
  for_each_conn(reactor, give_up_background);
}

// Whether nothing is left here that a stop waits for.
static bool is_drained(const struct evnet_reactor *reactor) {
  return reactor->stop_phase == STOP_DRAINING && reactor->datagram_sockets == NULL &&
         reactor->stats.connections_open == reactor->background_open;
}

// Ends what serves others when there are no others left, on any reactor.
static void drain(struct evnet_reactor *reactor, bool past_deadline) {
  const struct evnet_reactor_owner *owner = &reactor->owner;
  const bool drained = is_drained(reactor);
  const bool all_are = owner->drained != NULL ? owner->drained(owner->context, drained) : drained;
  reactor->stop_last = drained && (all_are || past_deadline);
  if (!reactor->stop_last) return;
  dial_end_all(reactor, EVNET_REASON_SHUTDOWN);
  for_each_conn(reactor, end_background);
  if (reactor->handles == 0) reactor->stop_phase = STOP_DONE;
}

void stop_step(struct evnet_reactor *reactor) {
  uint64_t deadline_ns = stop_deadline_ns(reactor);
  if (deadline_ns == UINT64_MAX || reactor->stop_phase == STOP_DONE) return;
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  const bool past_deadline = now_ns >= deadline_ns;
  if (reactor->stop_phase == STOP_NONE) {
    listener_close_all(reactor);
    reactor->stop_untold = true;
    read_once_more(reactor);
  }
  if (past_deadline) {
    give_up_all(reactor);
  } else if (reactor->stop_phase == STOP_READING && (reactor->stop_quiet_turns >= QUIET_TURNS ||
                                                     now_ns >= reactor->stop_reading_until_ns)) {
    reactor->stop_phase = STOP_DRAINING;
    // Those that were told are on the due list if they have to be looked at.
    if (reactor->stop_untold) for_each_conn(reactor, ask);
    reactor->stop_untold = false;
  }
  if (reactor->stop_phase != STOP_DRAINING) return;
  datagram_close_idle(reactor, past_deadline);
  drain(reactor, past_deadline);
}
