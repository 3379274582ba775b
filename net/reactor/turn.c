// One turn of the event loop: due work, the wait, and a call for each completion. Files on lower
// floors do the work of these calls.
#include "net/reactor/internal/async.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/datagram_out.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/dial_attempts.h"
#include "net/reactor/internal/drain.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/expire.h"
#include "net/reactor/internal/inbound.h"
#include "net/reactor/internal/inbox.h"
#include "net/reactor/internal/lifecycle.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/open.h"
#include "net/reactor/internal/outbound.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/reading.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"
#include "net/reactor/wheel.h"

// Completions

static void dispatch_recv(struct evnet_conn *conn, const struct evnet_completion *completion) {
  if (!completion->more) conn->flags &= (uint16_t)~RECEIVING;
  if (conn->state == CONN_CLOSED) return;
  if (completion->result > 0) {
    inbound_received(conn, completion->data, (size_t)completion->result);
    if (!completion->more) reading_update(conn);  // receiving has to be started again
  } else if (completion->result == 0) {
    lifecycle_peer_ended(conn);
  } else {
    end_failed(conn, (int)completion->result);
  }
}

static void dispatch_other(struct evnet_reactor *reactor, struct evnet_conn *conn,
                           const struct evnet_completion *completion) {
  switch (completion->op) {
    case EVNET_OP_RECV:
      break;
    case EVNET_OP_SEND:
      if (conn_is_datagram(conn)) {
        datagram_room(conn, (int)completion->result);
      } else {
        outbound_sent(conn, completion);
      }
      break;
    case EVNET_OP_DATAGRAM:
      if (!completion->more) conn->flags &= (uint16_t)~RECEIVING;
      datagram_received(conn, completion);
      if (!completion->more && conn->state != CONN_CLOSED) reading_update(conn);
      break;
    case EVNET_OP_HANGUP:
      if (conn->state == CONN_DIALLING) open_adopted(conn);
      // 0 means that both ends have sent FIN, and no bytes before the peer's FIN are left in the
      // kernel.
      if (completion->result < 0) {
        end_failed(conn, (int)completion->result);
      } else {
        lifecycle_peer_ended(conn);
      }
      break;
    case EVNET_OP_ACCEPT:
      if (conn->state == CONN_LISTENER) listener_acceptable(reactor, conn->listener, completion);
      break;
    case EVNET_OP_CONNECT:
      dial_connected(conn, (int)completion->result);
      break;
    case EVNET_OP_DETACH:
      table_detached(conn);
      break;
  }
}

static void dispatch(struct evnet_reactor *reactor, const struct evnet_completion *completion) {
  struct evnet_conn *conn = &reactor->table.conns[completion->handle.index];
  EVNET_DCHECK(conn->deadline.tag == completion->handle.generation);
  if (completion->op == EVNET_OP_RECV) {
    dispatch_recv(conn, completion);
  } else {
    dispatch_other(reactor, conn, completion);
  }
}

// Returns whether there was a completion.
static bool dispatch_all(struct evnet_reactor *reactor) {
  bool any = false;
  struct evnet_completion completion;
  while (evnet_poller_next(reactor->poller, &completion)) {
    // The batch of datagrams has ended, so the replies to it are sent now.
    if (reactor->gather != NULL && completion.op != EVNET_OP_DATAGRAM) datagram_flush(reactor);
    dispatch(reactor, &completion);
    clock_lap(reactor);
    any = true;
  }
  return any;
}

// The wait

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

// Returns whether to poll again instead of sleeping (busy_poll_us).
static bool is_spinning(struct evnet_reactor *reactor) {
  if (reactor->options.busy_poll_us == 0) return false;
  if (reactor->active)
    reactor->spin_until_ns = reactor->clock.now_ns + (uint64_t)reactor->options.busy_poll_us * 1000;
  reactor->active = false;
  return reactor->clock.now_ns < reactor->spin_until_ns;
}

// Returns how long the kernel may wait, in ns; -1 if until the next event.
static int64_t wait_time(struct evnet_reactor *reactor, int64_t wait_ms_max) {
  bool has_work = reactor->due.first != NONE || reactor->posted.inbox != NULL ||
                  reactor->due.answers_first != NULL || datagram_is_gathering(reactor);
  if (has_work || reactor->deadlines.overdue || stop_is_reading(reactor) || is_spinning(reactor))
    return 0;
  uint64_t wake_ms = earlier(evnet_wheel_next_ms(&reactor->deadlines.wheel),
                             evnet_wheel_next_ms(&reactor->timers));
  if (wait_ms_max >= 0) wake_ms = earlier(wake_ms, reactor->clock.now_ms + (uint64_t)wait_ms_max);
  uint64_t wake_ns = UINT64_MAX;
  if (wake_ms < (UINT64_MAX - reactor->clock.origin_ns) / 1000000)
    wake_ns = reactor->clock.origin_ns + wake_ms * 1000000;
  wake_ns = earlier(wake_ns, stop_deadline_ns(reactor));
  if (wake_ns == UINT64_MAX) return -1;
  uint64_t now_ns = reactor->clock.now_ns;
  if (wake_ns <= now_ns) return 0;
  return wake_ns - now_ns > INT64_MAX ? INT64_MAX : (int64_t)(wake_ns - now_ns);
}

// Sends gathered datagrams. on_prewrite may run, so the clock is read after it.
static void flush_datagrams(struct evnet_reactor *reactor) {
  if (!datagram_is_gathering(reactor)) return;
  datagram_flush(reactor);
  if (reactor->handler.on_prewrite != NULL) clock_lap(reactor);
}

static int wait_for_kernel(struct evnet_reactor *reactor, int64_t wait_ms_max, bool may_sleep) {
  flush_datagrams(reactor);
  int64_t timeout_ns = may_sleep ? wait_time(reactor, wait_ms_max) : 0;
  bool sleeps = timeout_ns != 0;
  if (sleeps && !evnet_mailbox_sleep(&reactor->posted.mailbox)) timeout_ns = 0;
  reactor->deadlines.asked_ms = reactor->clock.now_ms;
  int status = evnet_poller_wait(reactor->poller, timeout_ns);
  if (sleeps) evnet_mailbox_awake(&reactor->posted.mailbox);
  counter_add(&reactor->stats.turns, 1);
  return status;
}

// The turn

// Polls the completions again after closing. Otherwise a DETACH that is pending by now would make
// the next wait return immediately, which costs one more system call.
static void run_due(struct evnet_reactor *reactor) {
  if (reactor->due.first == NONE) return;
  lifecycle_run_due(reactor);
  (void)dispatch_all(reactor);
}

// Runs one turn.
//
//   sleeps_on  a turn that ran user code may wait, too, because the caller does nothing between
//              turns.
static int turn(struct evnet_reactor *reactor, int64_t wait_ms_max, bool sleeps_on) {
  if (reactor->stop.phase == STOP_DONE) return 0;
  if (reactor->scratch.conn != NULL) {  // written between two turns
    clock_begin_lap(reactor);
    outbound_flush_scratch(reactor);
  }
  reactor->ran = false;
  inbox_run(reactor);
  // If nothing is due and the wait has no end, the time of the last turn is good enough: the wheels
  // only need a time that is near.
  bool may_run =
      reactor->deadlines.wheel.count > 0 || reactor->timers.count > 0 || reactor->due.first != NONE;
  bool may_end = wait_ms_max >= 0 || stop_deadline_ns(reactor) != UINT64_MAX;
  if (may_run || may_end) clock_begin_lap(reactor);
  // If some deadlines wait for settled_ms, leave the others on the wheel, because they would have to
  // wait for it as well.
  if (!reactor->deadlines.overdue) expire_deadlines(reactor);
  expire_timers(reactor);
  run_due(reactor);
  drain_step(reactor);
  async_run_answers(reactor);
  if (reactor->stop.phase == STOP_DONE) {
    inbox_end(reactor);
    return 0;
  }
  int status = wait_for_kernel(reactor, wait_ms_max, sleeps_on || !reactor->ran);
  if (status < 0) return status;
  clock_begin_lap(reactor);
  const bool quiet = !dispatch_all(reactor) && status == 0;
  if (!quiet) reactor->active = true;
  flush_datagrams(reactor);
  if (reactor->deadlines.overdue && deadline_settle(reactor)) {
    reactor->deadlines.overdue = false;
    expire_deadlines(reactor);
  }
  reactor->stop.quiet_turns = quiet ? reactor->stop.quiet_turns + 1 : 0;
  run_due(reactor);
  async_run_answers(reactor);
  return 1;
}

static int guarded_turn(struct evnet_reactor *reactor, int64_t wait_ms_max, bool sleeps_on) {
  EVNET_ASSERT(!reactor->clock.turning);
  reactor->clock.turning = true;
  int status = turn(reactor, wait_ms_max, sleeps_on);
  reactor->clock.turning = false;
  return status;
}

int evnet_reactor_turn(struct evnet_reactor *reactor, int64_t wait_ms_max) {
  return guarded_turn(reactor, wait_ms_max, false);
}

int evnet_reactor_run_turn(struct evnet_reactor *reactor) {
  return guarded_turn(reactor, -1, true);
}
