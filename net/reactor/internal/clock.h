// The time of a turn. The clock is read once a turn and after each callback; all other code uses
// the last reading.
#ifndef EVNET_NET_REACTOR_INTERNAL_CLOCK_H_
#define EVNET_NET_REACTOR_INTERNAL_CLOCK_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"

struct evnet_conn;
struct evnet_reactor;

// The number of connections that one callback may stamp before the clock is read in between.
enum { STAMPED_MAX = 16 };

struct reactor_clock {
  bool turning;        // a turn is running, so user code runs inside a callback
  uint64_t lap_ns;     // when the last callback or the wait returned
  uint64_t now_ns;     // when the clock was last read
  uint64_t tick_ns;    // when now_ms changes next
  uint64_t origin_ns;  // when the reactor was created
  uint64_t now_ms;     // milliseconds from origin_ns to now_ns
  struct evnet_conn *stamped[STAMPED_MAX];  // stamped by clock_stamp since now_ns
  uint32_t stamped_count;
};

// clock_update reads the clock.
void clock_update(struct evnet_reactor *reactor);

// clock_begin_lap reads the clock, when no callback has run since the last lap.
void clock_begin_lap(struct evnet_reactor *reactor);

// clock_end_wait reads the clock after the wait in the kernel, and counts the time since the last
// reading as idle if the wait was allowed to sleep.
void clock_end_wait(struct evnet_reactor *reactor, bool may_have_slept);

// clock_lap reads the clock after a callback has returned.
void clock_lap(struct evnet_reactor *reactor);

// clock_stamp returns the time to note in out_ms, read_since_ms, write_since_ms or opened_ms of a
// connection. It is corrected when the callback that is running returns.
uint32_t clock_stamp(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_CLOCK_H_
