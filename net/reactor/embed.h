// Running a reactor inside another event loop, for example that of GLib or libuv. The other loop
// polls one descriptor and runs turns that do not wait:
//
//   descriptor = evnet_reactor_descriptor(reactor);
//   before the loop waits:  wait_ms = evnet_reactor_wait_ms(reactor);
//   the loop waits until `descriptor` is readable (POLLIN), level-triggered, but at most wait_ms
//   then:                   evnet_reactor_turn(reactor, 0) until it returns 0
//
// The opposite, another loop inside a reactor, needs evnet_watch (watch.h) for the descriptors of
// that loop and an evnet_timer for its timeout. examples/embed has both, for GLib and libuv.
#ifndef EVNET_NET_REACTOR_EMBED_H_
#define EVNET_NET_REACTOR_EMBED_H_

#include <stdint.h>

#include "../base/status.h"
#include "reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_reactor_descriptor returns the descriptor to poll: that of epoll or kqueue, or an epoll
// instance for io_uring. It remains the reactor's and stays the same. Do not read from it.
//
// Returns: the descriptor, 0 or more.
// Errors:  -EMFILE, -ENOMEM if io_uring's cannot be made.
//          -EOPNOTSUPP in a simulated kernel.
// Thread:  the reactor's.
EVNET_API EVNET_WARN_UNUSED int evnet_reactor_descriptor(struct evnet_reactor *reactor);

// evnet_reactor_wait_ms returns how long the other loop may wait for the descriptor before the next
// turn. It takes everything into account that evnet_reactor_run would: timers, timeouts, posted
// functions, output and work that the last turn left, and the deadline of a stop. It also passes
// pending operations to the kernel, so call it each time before the other loop waits, after
// everything else that uses the reactor. Posts and stops of other threads after this call make the
// descriptor readable.
//
// Returns: milliseconds, rounded up; 0: run a turn now; -1: until the descriptor is readable.
//          0 after a stop is complete, so that the next turn reports it.
// Thread:  the reactor's; not in its callbacks (asserted).
EVNET_API EVNET_WARN_UNUSED int64_t evnet_reactor_wait_ms(struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_EMBED_H_
