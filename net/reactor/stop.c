// The phases of a reactor's stop, and the connections and dials that may continue during it.
// drain.c takes the steps.
//
//   NONE --stop--> READING --nothing more came--> DRAINING --no handle left--> DONE
//                     | ^                          | ^
//                     | +--- reading resumes, or --+ |
//                     |      a connection comes      |
//                     +-------- deadline ------------+  all that is left is aborted
//
// Background dials and connections serve the other connections, on this reactor or on another
// reactor of the server. They end when all reactors have drained, and then the reactor ends.
//
// During READING the loop does not sleep, so that bytes that clients sent before the stop reach
// their handlers. If reading of a connection is stopped, the connection gets its last read when
// reading resumes. The reactor then returns to READING, and no connection closes before that has
// ended.
#include "net/reactor/internal/stop.h"

#include "net/reactor/internal/reactor.h"
#include "net/reactor/reactor.h"

// READING ends after this time, because a client that never stops sending would keep it going. The
// time is enough to read everything that a kernel's receive buffers hold.
enum { READING_MS_MAX = 1000 };

// Returns the deadline in whole milliseconds of the reactor, rounded up, because settled_ms counts
// them.
static uint64_t deadline_after(const struct evnet_reactor *reactor, int64_t drain_ms) {
  if (drain_ms <= 0) return STOP_DEADLINE_IS_NOW;
  const uint64_t since_ns = evnet_poller_now_ns(reactor->poller) - reactor->clock.origin_ns;
  const uint64_t base_ns = reactor->clock.origin_ns + (since_ns + 999999) / 1000000 * 1000000;
  if (drain_ms > INT64_MAX / 1000000 - 1) return UINT64_MAX - 1;
  const uint64_t wait_ns = (uint64_t)drain_ms * 1000000;
  return wait_ns > UINT64_MAX - 1 - base_ns ? UINT64_MAX - 1 : base_ns + wait_ns;
}

void evnet_reactor_stop(struct evnet_reactor *reactor, int64_t drain_ms) {
  const uint64_t stop_at = deadline_after(reactor, drain_ms);
  uint64_t before = __atomic_load_n(&reactor->stop.at_ns, __ATOMIC_RELAXED);
  while (stop_at < before &&
         !__atomic_compare_exchange_n(&reactor->stop.at_ns, &before, stop_at, true,
                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
  evnet_poller_wake(reactor->poller);
}

uint64_t stop_deadline_ns(const struct evnet_reactor *reactor) {
  return __atomic_load_n(&reactor->stop.at_ns, __ATOMIC_ACQUIRE);
}

bool stop_is_reading(const struct evnet_reactor *reactor) {
  return reactor->stop.phase == STOP_READING;
}

void stop_read_once_more(struct evnet_reactor *reactor) {
  reactor->stop.phase = STOP_READING;
  reactor->stop.reading_until_ns =
      evnet_poller_now_ns(reactor->poller) + (uint64_t)READING_MS_MAX * 1000000;
  reactor->stop.quiet_turns = 0;
}

void stop_reading_resumed(struct evnet_reactor *reactor) {
  if (reactor->stop.phase == STOP_DRAINING) stop_read_once_more(reactor);
}

void stop_newcomer(struct evnet_reactor *reactor) {
  reactor->stop.untold = true;
  stop_reading_resumed(reactor);
}

bool stop_refuses(const struct evnet_reactor *reactor) {
  return reactor->stop.last || reactor->stop.phase == STOP_DONE ||
         (stop_deadline_ns(reactor) != UINT64_MAX &&
          evnet_poller_now_ns(reactor->poller) >= stop_deadline_ns(reactor));
}
