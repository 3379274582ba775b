// Expired deadlines of connections and expired timers: on_timeout, the end of lingering, and the
// timers' callbacks. deadline.c and timer.c hold the pending ones.
#include "net/reactor/internal/expire.h"

#include <stddef.h>

#include "net/reactor/internal/callback.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/close.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/end.h"
#include "net/reactor/internal/handler.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/side.h"
#include "net/reactor/internal/timer.h"
#include "net/reactor/wheel.h"

// Deadlines

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

static void time_out(struct evnet_conn *conn, enum evnet_timeout which) {
  struct evnet_reactor *reactor = conn->reactor;
  enum evnet_action action = EVNET_CLOSE;
  const struct evnet_bound_handler *bound = handler_of(conn);
  if (bound->handler.on_timeout != NULL)
    action = bound->handler.on_timeout(conn, which, bound->user);
  bool keep = action == EVNET_KEEP;
  callback_returned(reactor, conn, action == EVNET_SHUTDOWN ? EVNET_SHUTDOWN : EVNET_NONE);
  if (conn->state != CONN_OPEN) return;
  if (keep) {
    deadline_stamp(conn, which);
  } else if (which == EVNET_TIMEOUT_WRITE) {
    // A peer that takes no bytes for this long will not get the rest either.
    end_abort(conn, EVNET_REASON_WRITE_TIMEOUT);
  } else {
    close_conn(conn, reason_of(which));
  }
}

// Returns whether a deadline that has passed is not later than settled_ms.
static bool is_settled(const struct evnet_reactor *reactor,
                       const struct deadline_earliest *earliest) {
  return earliest->left_ms + (int64_t)(reactor->clock.now_ms - reactor->deadlines.settled_ms) <= 0;
}

// Returns whether LINGERING goes on. A peer that still acknowledges bytes gets time to do so,
// because close(2) with unread input would reset the connection and could destroy bytes that the
// peer has not read. Unix sockets do not report unacknowledged bytes, and their kernel delivers
// sent bytes anyway; for them linger_ms is the limit.
static bool goes_on_lingering(struct evnet_conn *conn) {
  struct evnet_reactor *reactor = conn->reactor;
  if (conn->transport != EVNET_TRANSPORT_TCP) return false;
  const int64_t unacked = evnet_poller_unacked_bytes(reactor->poller, conn_handle(conn));
  struct conn_side *side = conn->side;
  const bool awaited = side != NULL && side->awaits_acks;
  if (unacked <= 0) {
    if (!awaited) return false;
    side->awaits_acks = false;  // linger_ms counts from now
  } else if (awaited && unacked >= side->unacked_bytes) {
    const int64_t timeout_ms = limits_of(conn)->timeouts_ms[EVNET_TIMEOUT_WRITE];
    const uint32_t age_ms = now32(reactor) - side->write_since_ms;
    if (timeout_ms != EVNET_OFF && age_ms >= timeout_ms) return false;
  } else {
    side = side_get(conn);
    if (side == NULL) return false;
    side->awaits_acks = true;
    side->unacked_bytes = unacked;
    side->write_since_ms = clock_stamp(conn);
  }
  conn->out_ms = clock_stamp(conn);
  return true;
}

static void end_lingering(struct evnet_conn *conn, enum evnet_timeout which) {
  if (which == EVNET_TIMEOUT_LIFETIME || !goes_on_lingering(conn)) end_conn(conn, conn->reason);
}

static void expire(struct evnet_conn *conn) {
  if (conn->state == CONN_CLOSED) return;  // on_close is due
  struct deadline_earliest earliest = deadline_find_earliest(conn);
  const bool has_passed = earliest.any && earliest.left_ms <= 0;
  if (has_passed && !is_settled(conn->reactor, &earliest)) {
    conn->reactor->deadlines.overdue = true;
  } else if (has_passed) {
    if (conn->state == CONN_LINGERING) {
      end_lingering(conn, earliest.which);
    } else if (conn->state == CONN_FLUSHING) {
      end_abort(conn, reason_of(earliest.which));
    } else {
      time_out(conn, earliest.which);
    }
    if (conn->state == CONN_CLOSED) return;
  }
  deadline_arm_earliest(conn);
}

void expire_deadlines(struct evnet_reactor *reactor) {
  evnet_wheel_advance(&reactor->deadlines.wheel, reactor->clock.now_ms);
  struct evnet_wheel_node *node;
  while ((node = evnet_wheel_pop(&reactor->deadlines.wheel)) != NULL) {
    expire((struct evnet_conn *)((char *)node - offsetof(struct evnet_conn, deadline)));
    clock_lap(reactor);
  }
}

// Timers

void expire_timers(struct evnet_reactor *reactor) {
  evnet_wheel_advance(&reactor->timers, reactor->clock.now_ms);
  struct evnet_timer *timer;
  while ((timer = timer_pop(reactor)) != NULL) {
    timer->expired(timer, timer->user);
    callback_returned(reactor, NULL, EVNET_NONE);
    clock_lap(reactor);
  }
}
