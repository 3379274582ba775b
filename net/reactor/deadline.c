// Deadlines of connections. Each connection has one node on the wheel, never later than its
// earliest deadline. Bytes that move a deadline away only note the time; when the node expires,
// what is left is computed and the node goes back. So traffic costs a store, not a timer operation.
//
// A deadline that has passed proves nothing yet: after a standstill (a slow callback, SIGSTOP, a
// suspended machine) what moves it away may wait in the kernel. It counts only once the kernel was
// asked, later than the deadline, until it had nothing more to report. So deadlines are compared
// with settled_ms, too, the time of the last question that was answered in full:
//
//   the node expires
//     the deadline is still to come -----------> back on the wheel
//     it has passed, but later than settled_ms -> overdue: no wait sleeps until settled_ms moves
//     it has passed, and not later ------------> the timeout
#include "net/reactor/internal/datagram.h"
#include "net/reactor/internal/state.h"

// How often the unacknowledged bytes of a lingering connection are looked at, at the least.
enum { LINGER_STEP_MS_MAX = 250 };

void deadline_arm(struct evnet_conn *conn, uint64_t delay_ms) {
  struct evnet_reactor *reactor = conn->reactor;
  if (evnet_wheel_scheduled(&conn->deadline)) {
    // Signed: one that has expired but was not yet popped is in the past.
    int32_t left = (int32_t)(conn->deadline.expires_ms - now32(reactor));
    if (left < 0 || (uint64_t)left <= delay_ms) return;
  }
  evnet_wheel_schedule(&reactor->deadlines, &conn->deadline, reactor->now_ms + delay_ms);
}

// The earliest deadline found so far.
struct earliest {
  int64_t left_ms;  // 0 or less: passed
  enum evnet_timeout which;
  bool any;
};

static void consider(struct earliest *earliest, enum evnet_timeout which, int64_t timeout_ms,
                     uint32_t age_ms) {
  if (timeout_ms == EVNET_OFF) return;
  int64_t left_ms = timeout_ms - age_ms;
  if (earliest->any && earliest->left_ms <= left_ms) return;
  *earliest = (struct earliest){.left_ms = left_ms, .which = which, .any = true};
}

static uint32_t younger(uint32_t now, uint32_t a, uint32_t b) {
  return now - a < now - b ? now - a : now - b;
}

// How long LINGERING lasts before it ends, or before what is unacknowledged is looked at again.
static int64_t linger_step_ms(const struct evnet_conn *conn) {
  const int64_t linger_ms = limits_of(conn)->linger_ms;
  if (conn->side == NULL || !conn->side->awaits_acks || linger_ms == EVNET_OFF) return linger_ms;
  const int64_t step_ms = linger_ms / 8 < LINGER_STEP_MS_MAX ? linger_ms / 8 : LINGER_STEP_MS_MAX;
  return step_ms > 0 ? step_ms : 1;
}

static struct earliest find_earliest(const struct evnet_conn *conn) {
  const struct conn_limits *limits = limits_of(conn);
  uint32_t now = now32(conn->reactor);
  struct earliest earliest = {0};
  if (conn->side != NULL) {
    consider(&earliest, EVNET_TIMEOUT_LIFETIME, limits->timeouts_ms[EVNET_TIMEOUT_LIFETIME],
             now - conn->side->opened_ms);
  }
  if (conn->state == CONN_LINGERING) {
    consider(&earliest, EVNET_TIMEOUT_IDLE, linger_step_ms(conn), now - conn->out_ms);
    return earliest;
  }
  bool is_queued = conn->side != NULL &&
                   (!evnet_outbound_is_empty(&conn->side->outbound) || datagram_is_queued(conn));
  if (is_queued) {
    consider(&earliest, EVNET_TIMEOUT_WRITE, limits->timeouts_ms[EVNET_TIMEOUT_WRITE],
             now - conn->side->write_since_ms);
  }
  if (conn->state != CONN_OPEN) return earliest;
  consider(&earliest, EVNET_TIMEOUT_IDLE, limits->timeouts_ms[EVNET_TIMEOUT_IDLE],
           younger(now, conn->in_ms, conn->out_ms));
  if (conn->flags & RECEIVING) {
    consider(&earliest, EVNET_TIMEOUT_READ, limits->timeouts_ms[EVNET_TIMEOUT_READ],
             younger(now, conn->in_ms, conn->read_since_ms));
  }
  return earliest;
}

void deadline_arm_earliest(struct evnet_conn *conn) {
  struct earliest earliest = find_earliest(conn);
  if (earliest.any) deadline_arm(conn, earliest.left_ms > 0 ? (uint64_t)earliest.left_ms : 0);
}

static int reason_of(enum evnet_timeout which) {
  switch (which) {
    case EVNET_TIMEOUT_IDLE:
      return EVNET_REASON_IDLE_TIMEOUT;
    case EVNET_TIMEOUT_READ:
      return EVNET_REASON_READ_TIMEOUT;
    case EVNET_TIMEOUT_WRITE:
      return EVNET_REASON_WRITE_TIMEOUT;
    case EVNET_TIMEOUT_LIFETIME:
      return EVNET_REASON_LIFETIME;
  }
  return EVNET_REASON_IDLE_TIMEOUT;
}

static void restart(struct evnet_conn *conn, enum evnet_timeout which) {
  const uint32_t now = stats_stamp(conn);
  switch (which) {
    case EVNET_TIMEOUT_IDLE:
      conn->out_ms = now;  // not in_ms: the read timeout goes on
      break;
    case EVNET_TIMEOUT_READ:
      conn->read_since_ms = now;
      break;
    case EVNET_TIMEOUT_WRITE:
      if (conn->side != NULL) conn->side->write_since_ms = now;
      break;
    case EVNET_TIMEOUT_LIFETIME:
      if (conn->side != NULL) conn->side->opened_ms = now;
      break;
  }
}

void deadline_restart(struct evnet_conn *conn, enum evnet_timeout which) {
  restart(conn, which);
  deadline_arm_earliest(conn);
}

static void time_out(struct evnet_conn *conn, enum evnet_timeout which) {
  struct evnet_reactor *reactor = conn->reactor;
  enum evnet_action action = EVNET_CLOSE;
  if (reactor->handler.on_timeout != NULL)
    action = reactor->handler.on_timeout(conn, which, reactor->user);
  bool keep = action == EVNET_KEEP;
  reactor_after_callback(reactor, conn, action == EVNET_SHUTDOWN ? EVNET_SHUTDOWN : EVNET_NONE);
  if (conn->state != CONN_OPEN) return;
  if (keep) {
    restart(conn, which);
  } else if (which == EVNET_TIMEOUT_WRITE) {
    // Nothing more can be delivered to a peer that takes nothing.
    conn_abort_for(conn, EVNET_REASON_WRITE_TIMEOUT);
  } else {
    conn_close_for(conn, reason_of(which));
  }
}

// Of one that has passed.
static bool is_settled(const struct evnet_reactor *reactor, const struct earliest *earliest) {
  return earliest->left_ms + (int64_t)(reactor->now_ms - reactor->settled_ms) <= 0;
}

// A peer that still takes what was sent gets the time for that: close(2) with unread input would
// reset the connection, and what the peer has not read could be lost. Without a count, as of Unix
// sockets, whose kernel delivers all the same, linger_ms is all there is.
static bool goes_on_lingering(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (conn->transport != EVNET_TRANSPORT_TCP) return false;
  const int64_t unacked = evnet_poller_unacked_bytes(reactor->poller, conn_handle(conn));
  struct conn_side *side = conn->side;
  const bool awaited = side != NULL && side->awaits_acks;
  if (unacked <= 0) {
    if (!awaited) return false;
    side->awaits_acks = false;  // linger_ms from now on
  } else if (awaited && unacked >= side->unacked_bytes) {
    const int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
    const uint32_t age_ms = now32(reactor) - side->write_since_ms;
    if (timeout_ms != EVNET_OFF && age_ms >= timeout_ms) return false;
  } else {
    side = side_get(conn);
    if (side == NULL) return false;
    side->awaits_acks = true;
    side->unacked_bytes = unacked;
    side->write_since_ms = stats_stamp(conn);
  }
  conn->out_ms = stats_stamp(conn);
  return true;
}

static void end_lingering(struct evnet_conn *conn, enum evnet_timeout which) {
  if (which == EVNET_TIMEOUT_LIFETIME || !goes_on_lingering(conn)) conn_finish(conn, conn->reason);
}

static void expire(struct evnet_conn *conn) {
  if (conn->state == CONN_CLOSED) return;  // on_close is due
  struct earliest earliest = find_earliest(conn);
  const bool has_passed = earliest.any && earliest.left_ms <= 0;
  if (has_passed && !is_settled(conn->reactor, &earliest)) {
    conn->reactor->overdue = true;
  } else if (has_passed) {
    if (conn->state == CONN_LINGERING) {
      end_lingering(conn, earliest.which);
    } else if (conn->state == CONN_FLUSHING) {
      conn_abort_for(conn, reason_of(earliest.which));
    } else {
      time_out(conn, earliest.which);
    }
    if (conn->state == CONN_CLOSED) return;
  }
  deadline_arm_earliest(conn);
}

void deadline_expire(struct evnet_reactor *reactor) {
  evnet_wheel_advance(&reactor->deadlines, reactor->now_ms);
  struct evnet_wheel_node *node;
  while ((node = evnet_wheel_pop(&reactor->deadlines)) != NULL) {
    expire((struct evnet_conn *)((char *)node - offsetof(struct evnet_conn, deadline)));
    stats_lap(reactor);
  }
}

bool deadline_settle(struct evnet_reactor *reactor) {
  const uint64_t before_ms = reactor->settled_ms;
  const uint32_t waits = evnet_poller_unreported(reactor->poller);
  if (waits == 0) {
    reactor->settled_ms = reactor->asked_ms;
    reactor->fence_waits = 0;
  } else if (reactor->fence_waits == 0) {
    // The kernel may have more to report for ever, so what was ready now gets a bounded time.
    reactor->fence_ms = reactor->asked_ms;
    reactor->fence_waits = waits;
  } else if (--reactor->fence_waits == 0) {
    reactor->settled_ms = reactor->fence_ms;
  }
  return reactor->settled_ms != before_ms;
}

bool deadline_is_settled(struct evnet_reactor *reactor, uint64_t deadline_ms) {
  if (deadline_ms <= reactor->settled_ms) return true;
  reactor->overdue = true;
  return false;
}
