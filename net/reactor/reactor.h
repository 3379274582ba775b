// The reactor: one event loop, on one thread, with the connections that live on it. A server runs
// one or several; a reactor can also be used alone.
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

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_reactor;

// "No bound" for what is otherwise a size or count; 0 would be the default.
#define EVNET_UNLIMITED SIZE_MAX

// What happens to a write that would exceed outbound_bytes_max.
enum evnet_overflow {
  EVNET_OVERFLOW_CLOSE = 0,  // the connection is reset with EVNET_REASON_OUTBOUND_OVERFLOW
  EVNET_OVERFLOW_REFUSE,     // nothing else: the write returns -ENOBUFS
};

// All zero: the defaults, which net/server/server.h lists. Times are milliseconds, at most
// EVNET_TIMEOUT_MS_MAX, and EVNET_OFF for none; sizes are bytes.
struct evnet_reactor_options {
  int64_t idle_timeout_ms;
  int64_t read_timeout_ms;
  int64_t write_timeout_ms;
  int64_t lifetime_ms;
  int64_t linger_ms;
  int64_t drain_ms;
  size_t inbound_bytes_max;
  size_t outbound_high_water_bytes;
  size_t outbound_low_water_bytes;
  size_t outbound_bytes_max;
  enum evnet_high_action outbound_high_action;
  enum evnet_overflow outbound_overflow;
  size_t read_turn_bytes_max;
  size_t udp_datagram_bytes_max;
  size_t udp_outbound_bytes_max;
  bool no_udp_segmentation;
  bool udp_gro;
  size_t holds_max;
  size_t mailbox_bytes_max;
  int64_t busy_poll_us;  // 0: none
  size_t connections_max;
  // Sockets that are dialled, unless the dial's own options say otherwise (dial.h).
  int send_buffer_bytes;
  int receive_buffer_bytes;
  bool no_nodelay;
  int keepalive_idle_s;
  int keepalive_interval_s;
  int keepalive_count;
  int64_t user_timeout_ms;
  int notsent_lowat_bytes;
  size_t lookup_threads_max;  // 1 to EVNET_LOOKUP_THREADS_MAX, of the process
  enum evnet_backend backend;
  const struct evnet_allocator *allocator;  // borrowed for the reactor's life; NULL: malloc
  struct evnet_kernel *kernel;              // likewise; NULL: the system's
  struct evnet_logger logger;
};

enum { EVNET_BUSY_POLL_US_MAX = 1000000, EVNET_LOOKUP_THREADS_MAX = 4096 };

// Counters since the reactor was created, and states.
struct evnet_reactor_stats {
  uint64_t connections_open;
  uint64_t connections_opened;
  uint64_t connections_closed;  // in all, and by the reason that on_close got:
  uint64_t closed_by_peer;      // its end, EVNET_REASON_PEER
  uint64_t closed_locally;      // EVNET_REASON_LOCAL and _ABORTED
  uint64_t closed_by_timeout;   // any of the four
  uint64_t closed_by_limit;     // an overflow, or the high mark
  uint64_t closed_by_stop;      // EVNET_REASON_SHUTDOWN and _DRAIN_DEADLINE
  uint64_t closed_by_error;     // everything else, resets by the peer included
  uint64_t dials_failed;        // on_close without on_open; not among those above
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t datagrams_received;  // by UDP sockets, as are:
  uint64_t datagrams_sent;
  uint64_t datagrams_dropped;    // to be sent, but queued too many, or refused by the kernel
  uint64_t turns;                // of the loop: one wait in the kernel each
  uint64_t messages;             // that were posted and have run
  uint64_t wakes;                // that posts had to send to a sleeping reactor
  uint64_t mailbox_bytes;        // posted and not yet run
  uint64_t longest_callback_ns;  // with the system calls around it
};

// evnet_reactor_create makes a reactor.
//
//   handler  copied.
//   user     given to every callback.
//   options  copied; NULL: all defaults.
//
// Returns: 0.
// Errors:  EVNET_STATUS_OPTION, with a line in the log that names the option and its value.
//          -ENOMEM, and those of evnet_poller_create, with a line in the log: what refuses the
//          backend, or connections_max and the bytes if address space is missing.
// Thread:  the one that will run it.
EVNET_API EVNET_WARN_UNUSED int evnet_reactor_create(const struct evnet_handler *handler,
                                                     void *user,
                                                     const struct evnet_reactor_options *options,
                                                     struct evnet_reactor **out_reactor);

// evnet_reactor_run runs the loop until a stop is complete.
//
// Returns: 0 after a stop.
// Errors:  those of evnet_poller_wait: the kernel refuses to go on. Every connection has had its
//          on_close.
// Thread:  the one that created the reactor.
EVNET_API int evnet_reactor_run(struct evnet_reactor *reactor);

// evnet_reactor_turn runs one turn: what was posted, timers that are due, one wait in the kernel,
// its completions. A turn that ran something does not wait, so `while (!done)` around it ends
// whichever callback sets `done`. What was written since the last turn leaves with this one. Not
// from inside a callback (asserted).
//
//   wait_ms_max  waits at most this long; negative: until something happens.
//
// Returns: 1; 0 when a stop is complete.
// Errors:  as evnet_reactor_run.
// Thread:  the one that created the reactor.
EVNET_API EVNET_WARN_UNUSED int evnet_reactor_turn(struct evnet_reactor *reactor,
                                                   int64_t wait_ms_max);

// evnet_reactor_stop begins an orderly end: nothing new is accepted, what the kernel holds is read
// once more (where reading is stopped by output above the high-water mark: when it has drained),
// on_stopping runs, and connections close as soon as they have no unread bytes, output or hold; at
// the deadline the rest is reset, with EVNET_REASON_DRAIN_DEADLINE. Of several calls the earliest
// deadline wins.
//
//   drain_ms  until the deadline; 0 or less, EVNET_OFF too: every connection is reset immediately,
//             but for those that have delivered everything and only wait for the peer's end. From
//             some 292 years on, INT64_MAX too: there is no deadline.
//
// Thread:  any, while the reactor exists; async-signal-safe.
EVNET_API void evnet_reactor_stop(struct evnet_reactor *reactor, int64_t drain_ms);

// evnet_reactor_post runs a function on the reactor's thread, soon. Functions of one poster run in
// order.
//
//   function  called once with `user`, at the latest when the reactor ends.
//
// Returns: 0.
// Errors:  -ENOMEM; -ENOBUFS above mailbox_bytes_max; -ESHUTDOWN when the reactor has ended. The
//          function is not called then.
// Thread:  any, while the reactor exists.
EVNET_API int evnet_reactor_post(struct evnet_reactor *reactor, void (*function)(void *user),
                                 void *user);

// evnet_reactor_post_after is evnet_reactor_post that runs the function delay_ms after the reactor
// has taken it up; if the reactor ends before that, then. It cannot be taken back:
// net/reactor/timer.h has timers that can.
//
// Returns and errors: as evnet_reactor_post.
// Thread:  any, while the reactor exists.
EVNET_API int evnet_reactor_post_after(struct evnet_reactor *reactor, uint64_t delay_ms,
                                       void (*function)(void *user), void *user);

// evnet_reactor_stats copies the counters; each is right by itself, together they may be a moment
// apart.
//
// Thread:  any, while the reactor exists.
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
// A struct and a function share a name here; g++ would call that hiding a constructor.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
EVNET_API void evnet_reactor_stats(const struct evnet_reactor *reactor,
                                   struct evnet_reactor_stats *out_stats);
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// evnet_reactor_destroy frees a reactor that is not running: not from inside a callback (asserted).
// Connections that are still open are reset after their on_close with EVNET_REASON_ABORTED. NULL is
// accepted. Over io_uring the kernel may interrupt the thread once more within some 50 ms: a
// blocking call of it that is not restarted (signal(7)) can then fail with EINTR, and has to be
// repeated.
//
// Thread:  the one that created the reactor.
EVNET_API void evnet_reactor_destroy(struct evnet_reactor *reactor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_REACTOR_H_
