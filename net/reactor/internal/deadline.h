// Deadlines of connections: the wheel, and the earliest deadline of a connection. expire.c handles
// expired deadlines.
#ifndef EVNET_NET_REACTOR_INTERNAL_DEADLINE_H_
#define EVNET_NET_REACTOR_INTERNAL_DEADLINE_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/wheel.h"

struct deadlines {
  struct evnet_wheel wheel;
  // The last question to the kernel and its time; see deadline_settle.
  uint64_t asked_ms;     // when the last wait began, or shortly before
  uint64_t settled_ms;   // everything that was ready then has been reported
  uint64_t fence_ms;     // the same, after fence_waits more waits
  uint32_t fence_waits;  // 0: there is no fence
  bool overdue;          // a deadline has passed that is later than settled_ms
};

// The earliest deadline of a connection.
struct deadline_earliest {
  int64_t left_ms;  // 0 or less: it has passed
  enum evnet_timeout which;
  bool any;  // false: the connection has no deadline
};

// deadline_find_earliest returns the earliest deadline that a connection has now.
struct deadline_earliest deadline_find_earliest(const struct evnet_conn *conn);

// deadline_arm schedules the connection's node after delay_ms, unless it is scheduled earlier.
void deadline_arm(struct evnet_conn *conn, uint64_t delay_ms);

// deadline_arm_earliest arms the earliest deadline that a connection has now.
void deadline_arm_earliest(struct evnet_conn *conn);

// deadline_stamp restarts a timeout now, without scheduling it.
void deadline_stamp(struct evnet_conn *conn, enum evnet_timeout which);

// deadline_restart restarts a timeout now, and schedules it.
void deadline_restart(struct evnet_conn *conn, enum evnet_timeout which);

// deadline_settle is called after the completions of a turn. It returns whether settled_ms moved.
bool deadline_settle(struct evnet_reactor *reactor);

// deadline_is_settled returns whether a deadline that has passed counts: the kernel was asked after
// it and had nothing more to report. Otherwise the reactor asks the kernel without sleeping, and
// the caller has to call again in the next turn.
bool deadline_is_settled(struct evnet_reactor *reactor, uint64_t deadline_ms);

#endif  // EVNET_NET_REACTOR_INTERNAL_DEADLINE_H_
