// Rate limits of connections. The poller asks before each operation of a limited connection; an
// empty bucket holds the connection back.
#ifndef EVNET_NET_REACTOR_INTERNAL_RATE_H_
#define EVNET_NET_REACTOR_INTERNAL_RATE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/poller/poller.h"
#include "net/reactor/internal/bucket.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/timer.h"

enum rate_way { RATE_RECEIVE, RATE_SEND, RATE_WAYS };

// The limits of one connection in one direction.
struct rate_side {
  struct bucket bucket;         // the connection's own
  uint64_t share;               // bytes that its turn in the group lets pass; 0: none is under way
  bool is_held;                 // nothing passes, until `timer` or the group releases it
  bool waits;                   // it is on the group's list
  struct conn_rate *wait_next;  // on that list
  struct conn_rate *wait_prev;
};

struct conn_rate {
  struct evnet_conn *conn;
  struct evnet_rate_group *group;  // NULL: none
  struct conn_rate *member_next;   // of the group's members
  struct conn_rate *member_prev;
  struct rate_side ways[RATE_WAYS];
  struct evnet_timer timer;  // until the connection's own buckets may pass bytes
};

// The rates of a reactor.
struct rates {
  struct evnet_quota quota;  // the poller's, once a rate was set
  bool has_quota;
  struct evnet_rate_group *groups;  // all
};

// rate_may_send returns whether queued output may be sent now. If not, the connection is put on the
// due list when it may.
bool rate_may_send(struct evnet_conn *conn);

// rate_take takes bytes that have passed out of the buckets of a limited connection.
void rate_take(struct conn_rate *rate, enum rate_way way, size_t bytes);

// rate_end removes the limits of a connection that closes.
void rate_end(struct evnet_conn *conn);

// rate_free_groups frees the groups that are left when the reactor is destroyed.
void rate_free_groups(struct evnet_reactor *reactor);

// rate_passed notes that bytes have passed.
static inline void rate_passed(struct evnet_conn *conn, enum rate_way way, size_t bytes) {
  if (conn->side != NULL && conn->side->rate != NULL) rate_take(conn->side->rate, way, bytes);
}

// rate_is_held returns whether a limit holds the connection back in a direction.
static inline bool rate_is_held(const struct evnet_conn *conn, enum rate_way way) {
  return conn->side != NULL && conn->side->rate != NULL && conn->side->rate->ways[way].is_held;
}

#endif  // EVNET_NET_REACTOR_INTERNAL_RATE_H_
