// The orderly end of a reactor.
//
//   NONE --stop--> READING --nothing more came--> DRAINING --no handle left--> DONE
//                     | ^                          | ^
//                     | +--- reading resumes, or --+ |
//                     |      a connection comes      |
//                     +-------- deadline ------------+  everything left is aborted
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

void stop_step(struct evnet_reactor *reactor) {
  uint64_t deadline_ns = stop_deadline_ns(reactor);
  if (deadline_ns == UINT64_MAX || reactor->stop_phase == STOP_DONE) return;
  uint64_t now_ns = evnet_poller_now_ns(reactor->poller);
  if (reactor->stop_phase == STOP_NONE) {
    listener_close_all(reactor);
    dial_end_all(reactor, EVNET_REASON_SHUTDOWN);
    reactor->stop_untold = true;
    read_once_more(reactor);
  }
  if (now_ns >= deadline_ns) {
    // Nobody is asked any more: who closed in order now would have no time left to linger.
    reactor->stop_phase = STOP_DRAINING;
    for_each_conn(reactor, give_up);
  } else if (reactor->stop_phase == STOP_READING && (reactor->stop_quiet_turns >= QUIET_TURNS ||
                                                     now_ns >= reactor->stop_reading_until_ns)) {
    reactor->stop_phase = STOP_DRAINING;
    // Those that were told are on the due list if they have to be looked at.
    if (reactor->stop_untold) for_each_conn(reactor, ask);
    reactor->stop_untold = false;
  }
  if (reactor->stop_phase == STOP_DRAINING) datagram_close_idle(reactor, now_ns >= deadline_ns);
  if (reactor->stop_phase == STOP_DRAINING && reactor->handles == 0)
    reactor->stop_phase = STOP_DONE;
}
