// The phase of a reactor's stop. drain.c takes the steps.
#ifndef EVNET_NET_REACTOR_INTERNAL_STOP_H_
#define EVNET_NET_REACTOR_INTERNAL_STOP_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"

struct evnet_reactor;

enum stop_phase {
  STOP_NONE = 0,
  STOP_READING,   // bytes that the kernel holds are read once more
  STOP_DRAINING,  // connections close as they finish
  STOP_DONE,
};

// The deadline of a stop without time. It passes without asking the kernel first.
enum { STOP_DEADLINE_IS_NOW = 0 };

struct stop {
  uint64_t at_ns;  // the deadline, atomic, by the poller's clock; UINT64_MAX: no stop was requested
  enum stop_phase phase;
  uint64_t reading_until_ns;  // the latest end of STOP_READING
  uint32_t quiet_turns;       // consecutive turns without an event
  bool untold;                // some open connections may not have had on_stopping
  bool last;                  // the stop waits for nothing more, so the background ends, too
  uint32_t background_open;   // background connections among stats.connections_open
};

// stop_deadline_ns returns when the stop ends by force; UINT64_MAX: no stop was requested.
uint64_t stop_deadline_ns(const struct evnet_reactor *reactor);

// stop_is_reading returns whether the phase is STOP_READING.
bool stop_is_reading(const struct evnet_reactor *reactor);

// stop_read_once_more begins STOP_READING.
void stop_read_once_more(struct evnet_reactor *reactor);

// stop_reading_resumed notes that reading of a connection resumed, which needs its last read.
void stop_reading_resumed(struct evnet_reactor *reactor);

// stop_newcomer notes that a connection was opened while the reactor stops.
void stop_newcomer(struct evnet_reactor *reactor);

// stop_refuses returns whether new dials are refused, because nothing is left to serve or the
// deadline of the stop has passed.
bool stop_refuses(const struct evnet_reactor *reactor);

#endif  // EVNET_NET_REACTOR_INTERNAL_STOP_H_
