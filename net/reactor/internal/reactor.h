// The state of a reactor. It consists of parts that belong to one file each and are declared in
// that file's header, and of fields that all files share. Prototypes do not belong here.
#ifndef EVNET_NET_REACTOR_INTERNAL_REACTOR_H_
#define EVNET_NET_REACTOR_INTERNAL_REACTOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/base/bytes.h"
#include "net/poller/poller.h"
#include "net/reactor/handlers.h"
#include "net/reactor/internal/boot.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/due.h"
#include "net/reactor/internal/listener.h"
#include "net/reactor/internal/post.h"
#include "net/reactor/internal/rate.h"
#include "net/reactor/internal/stop.h"
#include "net/reactor/internal/table.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"
#include "net/reactor/wheel.h"

struct datagram_gather;
struct evnet_watcher;
struct resolver;

// The bytes of the RECV or DATAGRAM that is being presented.
struct lease {
  struct evnet_conn *conn;  // NULL: none
  struct evnet_bytes bytes;
};

// Small writes of one connection, gathered until its callback returns.
struct scratch {
  struct evnet_conn *conn;  // NULL: nothing is gathered
  uint8_t *block;           // the poller's
  size_t bytes;
  struct evnet_conn *prewrite_conn;  // whose on_prewrite is running, or NULL
};

struct evnet_reactor {
  struct evnet_handlers *handlers;  // of all reactors of the server
  bool owns_handlers;               // there is no server
  enum boot_phase boot;
  void *user;                            // evnet_reactor_user
  struct evnet_reactor_options options;  // resolved: no field is zero
  struct conn_limits limits;             // of connections without limits of their own
  struct evnet_reactor_owner owner;
  struct evnet_poller *poller;
  struct conn_table table;
  struct lease lease;
  struct scratch scratch;
  struct due due;
  struct dial *dials;  // all that are under way
  struct datagram_socket *datagram_sockets;
  struct datagram_gather *gather;  // made with the first UDP socket
  bool ran;                        // user code ran in this turn
  bool active;                     // something happened in this turn
  uint64_t spin_until_ns;          // busy_poll_us after a turn in which something happened
  struct reactor_clock clock;
  struct deadlines deadlines;
  struct evnet_wheel timers;  // of struct evnet_timer
  struct posted posted;
  struct evnet_watcher *watchers;  // that run
  struct listeners listeners;
  struct evnet_reactor_log_limits log_limits;  // unless the owner has them
  struct rates rates;
  struct evnet_taker taker;   // of descriptors; set by the first connection that receives any
  struct resolver *resolver;  // made with the first lookup of a name
  struct evnet_log_limit resolver_log;
  struct stop stop;
  struct evnet_reactor_stats stats;  // written by the reactor's thread, by atomic stores
};

// Adds to a counter that other threads read.
static inline void counter_add(uint64_t *counter, uint64_t amount) {
  __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

// Returns the time of the turn, in the form that connections keep.
static inline uint32_t now32(const struct evnet_reactor *reactor) {
  return (uint32_t)reactor->clock.now_ms;
}

// Returns the poller's handle of a connection.
static inline struct evnet_handle conn_handle(const struct evnet_conn *conn) {
  return (struct evnet_handle){.index = (uint32_t)(conn - conn->reactor->table.conns),
                               .generation = conn->deadline.tag};
}

// Returns the limits that hold for a connection: its own, or the reactor's.
static inline const struct conn_limits *limits_of(const struct evnet_conn *conn) {
  const struct conn_side *side = conn->side;
  return side != NULL && side->limits != NULL ? side->limits : &conn->reactor->limits;
}

// Returns the limits of log lines: the owner's, or the reactor's.
static inline struct evnet_reactor_log_limits *log_limits_of(struct evnet_reactor *reactor) {
  return reactor->owner.log_limits != NULL ? reactor->owner.log_limits : &reactor->log_limits;
}

#endif  // EVNET_NET_REACTOR_INTERNAL_REACTOR_H_
