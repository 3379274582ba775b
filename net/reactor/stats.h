// The statistics of a reactor, which any thread may read without a lock.
//
// New fields are only appended to struct evnet_reactor_stats. The caller's size of the structure,
// which evnet_reactor_get_stats passes on, keeps programs and libraries of different ages apart.
#ifndef EVNET_NET_REACTOR_STATS_H_
#define EVNET_NET_REACTOR_STATS_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_reactor;

// The number of buckets in the histogram of callback times.
enum { EVNET_CALLBACK_BUCKETS = 32 };

// Counters since the creation of the reactor, and some states.
struct evnet_reactor_stats {
  uint64_t connections_open;     // after on_open and before on_close
  uint64_t connections_opened;   // calls of on_open
  uint64_t connections_closed;   // calls of on_close after on_open; the sum of the next six
  uint64_t closed_by_peer;       // EVNET_REASON_PEER
  uint64_t closed_locally;       // EVNET_REASON_LOCAL and EVNET_REASON_ABORTED
  uint64_t closed_by_timeout;    // any of the four timeouts
  uint64_t closed_by_limit;      // an overflow, or EVNET_REASON_HIGH_WATER
  uint64_t closed_by_stop;       // EVNET_REASON_SHUTDOWN and EVNET_REASON_DRAIN_DEADLINE
  uint64_t closed_by_error;      // any other reason, including resets by the peer
  uint64_t dials_failed;         // calls of on_close without on_open
  uint64_t bytes_received;       // from peers, including datagrams
  uint64_t bytes_sent;           // taken by the kernel, including datagrams
  uint64_t datagrams_received;   // by UDP sockets
  uint64_t datagrams_sent;       // by UDP sockets
  uint64_t datagrams_dropped;    // not sent: the queue was full, or the kernel refused them
  uint64_t turns;                // of the loop; one wait in the kernel each
  uint64_t messages;             // posted and run
  uint64_t wakes;                // of the sleeping reactor by posts
  uint64_t mailbox_bytes;        // posted and not yet run
  uint64_t longest_callback_ns;  // including the system calls around it

  // States of connections
  uint64_t connections_dialling;   // dialled or adopted, before on_open
  uint64_t connections_flushing;   // of connections_open: closing, with output to send
  uint64_t connections_lingering;  // of connections_open: closing, all sent, no end from the peer
  uint64_t connections_throttled;  // of connections_open: held back by a rate limit now

  // Names
  uint64_t lookups;          // begun
  uint64_t lookups_failed;   // of these: no address was found
  uint64_t lookups_pending;  // of these: neither finished nor cancelled

  // Bytes that evnet holds, of all connections
  uint64_t inbound_bytes;   // received and left unread by on_data
  uint64_t outbound_bytes;  // written and queued, because the kernel took no more

  // Time. evnet reads the clock once a turn and after each callback, so a callback's time includes
  // the system calls around it. The rest of the time since the creation is the loop's own work.
  uint64_t idle_ns;       // in waits that may sleep; with io_uring, I/O in the wait included
  uint64_t callbacks_ns;  // in callbacks, timers and posted functions

  // Callbacks by their time. evnet_callback_bucket_ns returns the bounds of the buckets.
  uint64_t callback_counts[EVNET_CALLBACK_BUCKETS];
};

// evnet_callback_bucket_ns returns the time below which a bucket of callback_counts counts: two
// buckets for each power of two, from 4,096 ns on.
//
//   bucket  from 0: 4096, 6144, 8192, 12288, 16384, ... 134217728 (about 134 ms) for 30.
//
// Returns: nanoseconds; UINT64_MAX for the last bucket and beyond.
// Thread:  any.
EVNET_API uint64_t evnet_callback_bucket_ns(size_t bucket);

// evnet_reactor_copy_stats is evnet_reactor_get_stats for a structure of a given size.
//
//   size       of *out_stats in bytes. Fields beyond the size are not written; if it is larger than
//              this library's structure, the rest is set to 0.
//   out_stats  the statistics.
//
// Returns: the bytes of *out_stats that this library knows, at most size.
// Thread:  any, while the reactor exists.
EVNET_API size_t evnet_reactor_copy_stats(const struct evnet_reactor *reactor, size_t size,
                                          struct evnet_reactor_stats *out_stats);

// evnet_reactor_get_stats returns the statistics. Each number is exact, but they are not read at
// the same moment.
//
// Thread:  any, while the reactor exists.
static inline void evnet_reactor_get_stats(const struct evnet_reactor *reactor,
                                           struct evnet_reactor_stats *out_stats) {
  (void)evnet_reactor_copy_stats(reactor, sizeof *out_stats, out_stats);
}

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_STATS_H_
