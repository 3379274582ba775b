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

// The deadline of a stop without time. It passes without a question to the kernel.
enum { DEADLINE_IS_NOW = 0 };

// In whole milliseconds of the reactor, rounded up, because settled_ms counts them.
static uint64_t deadline_after(const struct evnet_reactor *reactor, int64_t drain_ms) {
  if (drain_ms <= 0) return DEADLINE_IS_NOW;
  const uint64_t since_ns = evnet_poller_now_ns(reactor->poller) - reactor->origin_ns;
  const uint64_t base_ns = reactor->origin_ns + (since_ns + 999999) / 1000000 * 1000000;
  if (drain_ms > INT64_MAX / 1000000 - 1) return UINT64_MAX - 1;
  const uint64_t wait_ns = (uint64_t)drain_ms * 1000000;
  return wait_ns > UINT64_MAX - 1 - base_ns ? UINT64_MAX - 1 : base_ns + wait_ns;
}

void evnet_reactor_stop(struct evnet_reactor *reactor, int64_t drain_ms) {
  const uint64_t stop_at = deadline_after(reactor, drain_ms);
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

// The background comes last: on_close has the order of these calls.
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

// Whether the time of the stop is up. After a standstill the kernel may have room for answers that
// are queued, and bytes of clients: it is asked first.
static bool is_past(struct evnet_reactor *reactor, uint64_t deadline_ns, uint64_t now_ns) {
  if (deadline_ns == DEADLINE_IS_NOW) return true;
  return now_ns >= deadline_ns &&
         deadline_is_settled(reactor, (deadline_ns - reactor->origin_ns) / 1000000);
}

// The connections that have had on_stopping are on the due list if they have to be looked at.
static void begin_draining(struct evnet_reactor *reactor) {
  reactor->stop_phase = STOP_DRAINING;
  if (reactor->stop_untold) for_each_conn(reactor, ask);
  reactor->stop_untold = false;
}

void stop_step(struct evnet_reactor *reactor) {
  uint64_t deadline_ns = stop_deadline_ns(reactor);
  if (deadline_ns == UINT64_MAX || reactor->stop_phase == STOP_DONE) return;
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  if (reactor->stop_phase == STOP_NONE) {
    listener_close_all(reactor);
    reactor->stop_untold = true;
    read_once_more(reactor);
  }
  const bool past_deadline = is_past(reactor, deadline_ns, now_ns);
  const bool read_all = reactor->stop_quiet_turns >= QUIET_TURNS ||
                        now_ns >= reactor->stop_reading_until_ns || past_deadline;
  // Without time, a connection that closed gracefully would have none left to linger.
  if (reactor->stop_phase == STOP_READING && read_all && deadline_ns != DEADLINE_IS_NOW)
    begin_draining(reactor);
  if (past_deadline) give_up_all(reactor);
  if (reactor->stop_phase != STOP_DRAINING) return;
  datagram_close_idle(reactor, past_deadline);
  drain(reactor, past_deadline);
}
