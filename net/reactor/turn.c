// One turn of the event loop: due work, the wait, and a call for each completion. Files on lower
// floors do the work of these calls.
#include "net/reactor/internal/async.h"
#include "net/reactor/internal/boot.h"
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
#include "net/reactor/internal/splice.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/internal/unlisten.h"
#include "net/reactor/internal/wait.h"
#include "net/reactor/internal/watch.h"
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
    case EVNET_OP_SPLICE:
      splice_ready(conn);
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
      if (reactor->listeners.leaving_count > 0) unlisten_detached(reactor, completion->handle);
      break;
    case EVNET_OP_WATCH:
      watch_ready(reactor, completion);
      break;
  }
}

// The handle of a WATCH does not name a connection.
static void dispatch(struct evnet_reactor *reactor, const struct evnet_completion *completion) {
  struct evnet_conn *conn = &reactor->table.conns[completion->handle.index];
  EVNET_DCHECK(completion->op == EVNET_OP_WATCH ||
               conn->deadline.tag == completion->handle.generation);
  if (completion->op == EVNET_OP_RECV) {
    dispatch_recv(conn, completion);
  } else {
    dispatch_other(reactor, conn, completion);
  }
}

// Returns whether there was a completion other than of a watch, for which a stop does not wait.
static bool dispatch_all(struct evnet_reactor *reactor) {
  bool any = false;
  struct evnet_completion completion;
  while (evnet_poller_next(reactor->poller, &completion)) {
    // The batch of datagrams has ended, so the replies to it are sent now.
    if (reactor->gather != NULL && completion.op != EVNET_OP_DATAGRAM) datagram_flush(reactor);
    dispatch(reactor, &completion);
    clock_lap(reactor);
    any |= completion.op != EVNET_OP_WATCH;
  }
  return any;
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
  // The caller of evnet_reactor_turn may have done something else since the last turn, and that
  // time must not count as idle.
  bool may_end = wait_ms_max >= 0 || stop_deadline_ns(reactor) != UINT64_MAX || !sleeps_on;
  if (may_run || may_end) clock_begin_lap(reactor);
  // If some deadlines wait for settled_ms, leave the others on the wheel, because they would have to
  // wait for it as well.
  if (!reactor->deadlines.overdue) expire_deadlines(reactor);
  expire_timers(reactor);
  run_due(reactor);
  if (reactor->listeners.leaving_datagram_count > 0) unlisten_close_idle(reactor);
  drain_step(reactor);
  async_run_answers(reactor);
  if (reactor->stop.phase == STOP_DONE) {
    inbox_end(reactor);
    boot_end(reactor);
    return 0;
  }
  int status = wait_for_kernel(reactor, wait_ms_max, sleeps_on || !reactor->ran);
  if (status < 0) return status;
  const bool quiet = !dispatch_all(reactor) && status == 0;
  if (!quiet) reactor->active = true;
  wait_flush_datagrams(reactor);
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
  boot_alone(reactor);
  evnet_mailbox_awake(&reactor->posted.mailbox);  // evnet_reactor_wait_ms may have put it to sleep
  return guarded_turn(reactor, wait_ms_max, false);
}

int evnet_reactor_run_turn(struct evnet_reactor *reactor) {
  return guarded_turn(reactor, -1, true);
}
