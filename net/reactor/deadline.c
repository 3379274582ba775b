// Deadlines of connections. Each connection has one node on the wheel, which never expires after
// the connection's earliest deadline. Bytes that postpone a deadline only store the current time.
// When the node expires, evnet computes the remaining time and schedules the node again. Traffic
// therefore costs a store instead of a timer operation. expire.c carries out a timeout.
//
// A deadline that has passed is not yet a timeout. After a standstill (a slow callback, SIGSTOP, a
// suspended machine), bytes that postpone the deadline may still wait in the kernel. The deadline
// counts only once the kernel, asked after the deadline, has reported everything it had. Deadlines
// are therefore also compared with settled_ms, the time of the last such question that was answered
// in full:
//
//   the node expires
//     the deadline is still to come -----------> back on the wheel
//     it has passed, but later than settled_ms -> overdue: no wait sleeps until settled_ms moves
//     it has passed, and not later ------------> the timeout
#include "net/reactor/internal/deadline.h"

#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/wheel.h"

// The longest interval between two checks of a lingering connection's unacknowledged bytes.
enum { LINGER_STEP_MS_MAX = 250 };

void deadline_arm(struct evnet_conn *conn, uint64_t delay_ms) {
  struct evnet_reactor *reactor = conn->reactor;
  if (evnet_wheel_scheduled(&conn->deadline)) {
    // The difference is signed, because a node that has expired but was not popped lies in the
    // past.
    int32_t left = (int32_t)(conn->deadline.expires_ms - now32(reactor));
    if (left < 0 || (uint64_t)left <= delay_ms) return;
  }
  evnet_wheel_schedule(&reactor->deadlines.wheel, &conn->deadline,
                       reactor->clock.now_ms + delay_ms);
}

// The earliest deadline

static void consider(struct deadline_earliest *earliest, enum evnet_timeout which,
                     int64_t timeout_ms, uint32_t age_ms) {
  if (timeout_ms == EVNET_OFF) return;
  int64_t left_ms = timeout_ms - age_ms;
  if (earliest->any && earliest->left_ms <= left_ms) return;
  *earliest = (struct deadline_earliest){.left_ms = left_ms, .which = which, .any = true};
}

static uint32_t younger(uint32_t now, uint32_t a, uint32_t b) {
  return now - a < now - b ? now - a : now - b;
}

// Returns the time until LINGERING ends, or until its unacknowledged bytes are checked again.
static int64_t linger_step_ms(const struct evnet_conn *conn) {
  const int64_t linger_ms = limits_of(conn)->linger_ms;
  if (conn->side == NULL || !conn->side->awaits_acks || linger_ms == EVNET_OFF) return linger_ms;
  const int64_t step_ms = linger_ms / 8 < LINGER_STEP_MS_MAX ? linger_ms / 8 : LINGER_STEP_MS_MAX;
  return step_ms > 0 ? step_ms : 1;
}

struct deadline_earliest deadline_find_earliest(const struct evnet_conn *conn) {
  const struct conn_limits *limits = limits_of(conn);
  uint32_t now = now32(conn->reactor);
  struct deadline_earliest earliest = {0};
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
  if (is_queued && !rate_is_held(conn, RATE_SEND)) {
    consider(&earliest, EVNET_TIMEOUT_WRITE, limits->timeouts_ms[EVNET_TIMEOUT_WRITE],
             now - conn->side->write_since_ms);
  }
  if (conn->state != CONN_OPEN) return earliest;
  if (!rate_is_held(conn, RATE_RECEIVE) && !rate_is_held(conn, RATE_SEND)) {
    consider(&earliest, EVNET_TIMEOUT_IDLE, limits->timeouts_ms[EVNET_TIMEOUT_IDLE],
             younger(now, conn->in_ms, conn->out_ms));
  }
  if (conn->flags & RECEIVING) {
    consider(&earliest, EVNET_TIMEOUT_READ, limits->timeouts_ms[EVNET_TIMEOUT_READ],
             younger(now, conn->in_ms, conn->read_since_ms));
  }
  return earliest;
}

void deadline_arm_earliest(struct evnet_conn *conn) {
  struct deadline_earliest earliest = deadline_find_earliest(conn);
  if (earliest.any) deadline_arm(conn, earliest.left_ms > 0 ? (uint64_t)earliest.left_ms : 0);
}

// Restarting timeouts

void deadline_stamp(struct evnet_conn *conn, enum evnet_timeout which) {
  const uint32_t now = clock_stamp(conn);
  switch (which) {
    case EVNET_TIMEOUT_IDLE:
      conn->out_ms = now;  // not in_ms, because the read timeout must go on
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
  deadline_stamp(conn, which);
  deadline_arm_earliest(conn);
}

// Settling

bool deadline_settle(struct evnet_reactor *reactor) {
  const uint64_t before_ms = reactor->deadlines.settled_ms;
  const uint32_t waits = evnet_poller_unreported(reactor->poller);
  if (waits == 0) {
    reactor->deadlines.settled_ms = reactor->deadlines.asked_ms;
    reactor->deadlines.fence_waits = 0;
  } else if (reactor->deadlines.fence_waits == 0) {
    // The kernel may have more to report at every question. Only the events that are ready now have
    // to be reported, so the wait is bounded.
    reactor->deadlines.fence_ms = reactor->deadlines.asked_ms;
    reactor->deadlines.fence_waits = waits;
  } else if (--reactor->deadlines.fence_waits == 0) {
    reactor->deadlines.settled_ms = reactor->deadlines.fence_ms;
  }
  return reactor->deadlines.settled_ms != before_ms;
}

bool deadline_is_settled(struct evnet_reactor *reactor, uint64_t deadline_ms) {
  if (deadline_ms <= reactor->deadlines.settled_ms) return true;
  reactor->deadlines.overdue = true;
  return false;
}
