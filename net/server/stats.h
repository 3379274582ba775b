// The statistics of a server, which any thread may read without a lock.
//
// New fields are only appended to struct evnet_server_stats, as to struct evnet_reactor_stats
// (net/reactor/stats.h).
#ifndef EVNET_NET_SERVER_STATS_H_
#define EVNET_NET_SERVER_STATS_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/status.h"
#include "../reactor/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// Sums over all reactors. Each number is exact, but they are not read at the same moment.
// evnet_server_get_reactor_stats has more detail about one reactor.
struct evnet_server_stats {
  uint64_t connections_open;      // after on_open and before on_close
  uint64_t connections_accepted;  // calls of on_open, including dialled connections
  uint64_t connections_closed;    // calls of on_close after on_open
  uint64_t connections_refused;   // accepted and reset: a limit was reached or memory ran out
  uint64_t dials_failed;          // calls of on_close without on_open
  uint64_t bytes_received;        // from peers, including datagrams
  uint64_t bytes_sent;            // taken by the kernel, including datagrams
  uint64_t datagrams_received;    // by UDP sockets
  uint64_t datagrams_sent;        // by UDP sockets
  uint64_t datagrams_dropped;     // not sent: the queue was full, or the kernel refused them
  uint64_t turns;                 // of the event loops
  uint64_t longest_callback_ns;   // on any reactor; reveals callbacks that block a reactor
  uint32_t reactors;              // that exist
  const char *backend;            // "epoll", "io_uring" or "kqueue"; a constant string

  // As in struct evnet_reactor_stats:
  uint64_t connections_dialling;
  uint64_t connections_flushing;
  uint64_t connections_lingering;
  uint64_t connections_throttled;
  uint64_t lookups;
  uint64_t lookups_failed;
  uint64_t lookups_pending;
  uint64_t inbound_bytes;
  uint64_t outbound_bytes;
  uint64_t mailbox_bytes;
  uint64_t idle_ns;
  uint64_t callbacks_ns;
  uint64_t callback_counts[EVNET_CALLBACK_BUCKETS];
};

// evnet_server_copy_stats is evnet_server_get_stats for a structure of a given size.
//
//   size       of *out_stats in bytes. Fields beyond the size are not written; if it is larger than
//              this library's structure, the rest is set to 0.
//   out_stats  the statistics.
//
// Returns: the bytes of *out_stats that this library knows, at most size.
// Thread:  any, while the server exists. Before on_boot, reactors may be missing from the sums.
EVNET_API size_t evnet_server_copy_stats(const struct evnet_server *server, size_t size,
                                         struct evnet_server_stats *out_stats);

// evnet_server_get_stats returns the statistics of the server.
//
// Thread:  any, while the server exists. Before on_boot, reactors may be missing from the sums.
static inline void evnet_server_get_stats(const struct evnet_server *server,
                                          struct evnet_server_stats *out_stats) {
  (void)evnet_server_copy_stats(server, sizeof *out_stats, out_stats);
}

// evnet_server_copy_reactor_stats is evnet_server_get_reactor_stats for a structure of a given
// size, as evnet_reactor_copy_stats.
//
// Returns: the bytes of *out_stats that this library knows, at most size.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the reactor does not exist yet.
//          After an error *out_stats has not changed.
// Thread:  any, while the server exists.
EVNET_API EVNET_WARN_UNUSED int64_t
evnet_server_copy_reactor_stats(const struct evnet_server *server, uint32_t index, size_t size,
                                struct evnet_reactor_stats *out_stats);

// evnet_server_get_reactor_stats returns the statistics of one reactor (net/reactor/stats.h).
//
//   index  of the reactor, from 0.
//
// Returns: 0.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the reactor does not exist yet.
// Thread:  any, while the server exists.
EVNET_WARN_UNUSED static inline int evnet_server_get_reactor_stats(
    const struct evnet_server *server, uint32_t index, struct evnet_reactor_stats *out_stats) {
  const int64_t known =
      evnet_server_copy_reactor_stats(server, index, sizeof *out_stats, out_stats);
  return known < 0 ? (int)known : 0;
}

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_STATS_H_
