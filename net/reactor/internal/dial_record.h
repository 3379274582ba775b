// The record of a connection while it is dialled.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/poller/poller.h"
#include "net/reactor/async.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/resolver.h"
#include "net/reactor/timer.h"

enum {
  DIAL_ATTEMPTS_MAX = 8,       // of one dial, simultaneously
  DIAL_OWN_ADDRESSES_MAX = 2,  // of a numeric host: a wildcard is the loopback of both families
};

// One address that is being connected to. Its handle's index is that of a connection in ATTEMPT; a
// dial with one address uses the connection's handle.
struct dial_attempt {
  struct evnet_conn *conn;  // NULL: the attempt has no handle yet
  uint32_t address_index;
  bool is_running;
};

struct dial {
  struct evnet_conn *conn;
  struct dial *next;
  struct dial **to_this;        // what points here
  struct evnet_lookup *lookup;  // NULL: the addresses are known
  struct evnet_timer timer;     // at next_ms or at the deadline, whichever is first
  uint64_t deadline_ms;         // UINT64_MAX: none
  int status;                   // the most informative failure so far; 0: none
  uint32_t status_index;        // of its address
  struct evnet_connect_options options;
  bool (*allow)(const struct evnet_address *address, void *user);
  struct evnet_address source;  // options.source, unless that is NULL
  bool source_is_any;           // `source` is the wildcard of both families: its port counts
  char device[IF_NAMESIZE];     // options.bind_to_device, unless that is NULL

  // Requests of other threads that wait for the connection, in order.
  struct evnet_async *requests_first;
  struct evnet_async *requests_last;
  size_t requested_bytes;

  struct evnet_address *addresses;  // in the order in which they are tried
  uint32_t address_count;
  uint32_t address_next;  // not tried yet, from here on
  uint64_t next_ms;       // when address_next may be tried; UINT64_MAX: when an attempt ends
  uint64_t started_ms;    // the last attempt
  uint64_t pause_ms;      // the last one before a full Unix backlog is tried again
  struct dial_attempt attempts[DIAL_ATTEMPTS_MAX];
  uint32_t running_count;
  struct evnet_address own_addresses[DIAL_OWN_ADDRESSES_MAX];
};

// dial_add_request keeps a request until the connection has opened.
//
// Returns: whether it did; false: the request is above the bound on output.
bool dial_add_request(struct evnet_conn *conn, struct evnet_async *async);

// dial_take_requests returns all requests, linked by `next`, and forgets them.
struct evnet_async *dial_take_requests(struct dial *dial);

// dial_free frees the record of a connection in DIALLING. Its requests were taken before.
void dial_free(struct evnet_conn *conn);

// dial_end is dial_free, and answers the requests.
//
//   reason  their status.
void dial_end(struct evnet_conn *conn, int reason);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_
