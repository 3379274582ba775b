// The reactor: one event loop on one thread, with the connections that it owns. A server has one or
// several reactors; a reactor can also be used alone.
#ifndef EVNET_NET_REACTOR_REACTOR_H_
#define EVNET_NET_REACTOR_REACTOR_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "../poller/poller.h"
#include "adopt.h"
#include "conn.h"
#include "datagram.h"
#include "dial.h"
#include "handler.h"
#include "hold.h"
#include "resolve.h"
#include "stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_reactor;

// Value of an option that is a size or a count, for no bound; 0 means the default.
#define EVNET_UNLIMITED SIZE_MAX

// The consequence of a write that would exceed outbound_bytes_max.
enum evnet_overflow {
  EVNET_OVERFLOW_CLOSE = 0,  // reset the connection with EVNET_REASON_OUTBOUND_OVERFLOW
  EVNET_OVERFLOW_REFUSE,     // keep the connection: the write only returns -ENOBUFS
};

// The options of a reactor. A field of 0 selects the default; a structure of zeros is valid.
struct evnet_reactor_options {
  // As in struct evnet_options (net/server/options.h), for this reactor:
  int64_t idle_timeout_ms EVNET_ZERO;
  int64_t read_timeout_ms EVNET_ZERO;
  int64_t write_timeout_ms EVNET_ZERO;
  int64_t lifetime_ms EVNET_ZERO;
  int64_t linger_ms EVNET_ZERO;
  int64_t drain_ms EVNET_ZERO;
  size_t inbound_bytes_max EVNET_ZERO;
  size_t inbound_high_water_bytes EVNET_ZERO;
  size_t outbound_high_water_bytes EVNET_ZERO;
  size_t outbound_low_water_bytes EVNET_ZERO;
  size_t outbound_bytes_max EVNET_ZERO;
  enum evnet_high_action outbound_high_action EVNET_ZERO;
  enum evnet_overflow outbound_overflow EVNET_ZERO;
  size_t read_turn_bytes_max EVNET_ZERO;
  size_t udp_datagram_bytes_max EVNET_ZERO;
  size_t udp_outbound_bytes_max EVNET_ZERO;
  bool no_udp_segmentation EVNET_ZERO;
  bool udp_gro EVNET_ZERO;
  bool udp_errors EVNET_ZERO;
  size_t holds_max EVNET_ZERO;
  size_t mailbox_bytes_max EVNET_ZERO;
  int64_t busy_poll_us EVNET_ZERO;
  size_t connections_max EVNET_ZERO;

  // As in struct evnet_options, for sockets that this reactor dials; evnet_dial_options override
  // them:
  int send_buffer_bytes EVNET_ZERO;
  int receive_buffer_bytes EVNET_ZERO;
  bool no_nodelay EVNET_ZERO;
  int keepalive_idle_s EVNET_ZERO;
  int keepalive_interval_s EVNET_ZERO;
  int keepalive_count EVNET_ZERO;
  int64_t user_timeout_ms EVNET_ZERO;
  int notsent_lowat_bytes EVNET_ZERO;
  bool udp_broadcast EVNET_ZERO;

  // As in struct evnet_options:
  size_t lookup_threads_max EVNET_ZERO;
  size_t lookups_max EVNET_ZERO;
  const struct evnet_resolver *resolve EVNET_ZERO;
  enum evnet_backend backend EVNET_ZERO;

  // Borrowed for the reactor's life; NULL: malloc.
  const struct evnet_allocator *allocator EVNET_ZERO;
  struct evnet_kernel *kernel EVNET_ZERO;  // borrowed; NULL: the system's; else a simulated one
  struct evnet_logger logger EVNET_ZERO;   // receives log lines; all zero: none
};

enum {
  EVNET_BUSY_POLL_US_MAX = 1000000,  // the largest busy_poll_us
  EVNET_LOOKUP_THREADS_MAX = 4096,   // the largest lookup_threads_max
  EVNET_LOOKUPS_MAX = 1 << 20,       // the largest lookups_max
};

// evnet_reactor_create creates a reactor.
//
//   handler      copied.
//   user         passed to every callback.
//   options      copied; NULL: all defaults.
//   out_reactor  the reactor; the caller frees it with evnet_reactor_destroy.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION if an option is out of bounds; the log names it and its value.
//          -ENOMEM if memory or address space runs out. For address space, the log names
//          connections_max and the bytes.
//          those of evnet_poller_create; the log explains why the backend is not available.
// Thread:  the one that will run the reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_reactor_create(const struct evnet_handler *handler,
                                                     void *user,
                                                     const struct evnet_reactor_options *options,
                                                     struct evnet_reactor **out_reactor);

// evnet_reactor_run runs the loop until a stop is complete.
//
// Returns: 0 after a stop.
// Errors:  those of evnet_poller_wait, if the kernel fails. Every connection has had its on_close.
// Thread:  the one that created the reactor.
EVNET_API int evnet_reactor_run(struct evnet_reactor *reactor);

// evnet_reactor_turn runs one turn of the loop: posted functions, expired timers, one wait in the
// kernel and its completions. A turn in which a callback ran before the wait does not sleep, so a
// loop `while (!done)` ends whichever callback sets `done`. Output written since the last turn is
// sent in this one. Do not call it from a callback (asserted).
//
//   wait_ms_max  the longest wait in milliseconds; negative: until something happens.
//
// Returns: 1; 0 if a stop is complete.
// Errors:  as evnet_reactor_run.
// Thread:  the one that created the reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_reactor_turn(struct evnet_reactor *reactor,
                                                   int64_t wait_ms_max);

// evnet_reactor_stop begins a graceful shutdown of the reactor, as evnet_server_stop describes. If
// reading is stopped by output above the high-water mark, what the kernel holds is read once the
// output has drained. At the deadline, open connections are reset with EVNET_REASON_DRAIN_DEADLINE.
// If called several times, the earliest deadline applies.
//
//   drain_ms  milliseconds until the deadline. 0 or less, including EVNET_OFF: reset every
//             connection immediately, except those that have sent everything and only wait for the
//             peer's end-of-stream; these close. More than about 292 years, including INT64_MAX: no
//             deadline.
//
// Thread:  any, while the reactor exists. It is async-signal-safe.
EVNET_API void evnet_reactor_stop(struct evnet_reactor *reactor, int64_t drain_ms);

// evnet_reactor_post runs a function on the reactor's thread, in one of its next turns. Functions
// posted by one thread run in order.
//
//   function  called once, at the latest when the reactor ends.
//   user      passed to function.
//
// Returns: 0.
// Errors:  -ENOBUFS if mailbox_bytes_max would be exceeded.
//          -ESHUTDOWN if the reactor has ended.
//          -ENOMEM if memory runs out.
//          After an error the function is not called.
// Thread:  any, while the reactor exists.
EVNET_API int evnet_reactor_post(struct evnet_reactor *reactor, void (*function)(void *user),
                                 void *user);

// evnet_reactor_post_after is evnet_reactor_post with a delay. It cannot be cancelled; the timers
// of net/reactor/timer.h can.
//
//   delay_ms  milliseconds from when the reactor takes up the request. If the reactor ends earlier,
//             it calls the function then.
//
// Returns and errors: as evnet_reactor_post.
// Thread:  any, while the reactor exists.
EVNET_API int evnet_reactor_post_after(struct evnet_reactor *reactor, uint64_t delay_ms,
                                       void (*function)(void *user), void *user);

// evnet_reactor_index returns the index of the reactor in its server, from 0; 0 for a reactor
// without a server. A library that has data for each reactor keeps it in an array with this index.
//
// Thread:  any, while the reactor exists.
EVNET_API uint32_t evnet_reactor_index(const struct evnet_reactor *reactor);

// evnet_reactor_user returns the pointer that the reactor keeps for the program; NULL at first.
// evnet does not use it.
//
// Thread:  the reactor's.
EVNET_API void *evnet_reactor_user(const struct evnet_reactor *reactor);

// evnet_reactor_set_user sets that pointer, usually in on_reactor_boot.
//
// Thread:  the reactor's.
EVNET_API void evnet_reactor_set_user(struct evnet_reactor *reactor, void *user);

// evnet_reactor_destroy frees a reactor that is not running; do not call it from a callback
// (asserted). Connections that are still open are reset after their on_close with
// EVNET_REASON_ABORTED. NULL is accepted.
//
// With io_uring, the kernel may interrupt the calling thread once more within about 50 ms. A
// blocking call that is not restarted (signal(7)) can then fail with EINTR and must be repeated.
//
// Thread:  the one that created the reactor.
EVNET_API void evnet_reactor_destroy(struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_REACTOR_H_
