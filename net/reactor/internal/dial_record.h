// The record of a connection while it is dialled.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/poller/poller.h"
#include "net/reactor/async.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/resolver.h"
#include "net/reactor/timer.h"

enum {
  DIAL_ATTEMPTS_MAX = 8,       // of one dial, simultaneously
  DIAL_OWN_ADDRESSES_MAX = 2,  // a wildcard becomes the loopback of both families
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
  struct dial **to_this;        // the pointer that points to this dial
  struct conn_side *side;       // the connection's from when the dial ends; NULL: none yet
  struct evnet_lookup *lookup;  // NULL: the addresses are known
  struct evnet_timer timer;     // at next_ms or at the deadline, whichever is first
  uint64_t deadline_ms;         // UINT64_MAX: none
  int status;                   // the most informative failure so far; 0: none
  uint32_t status_index;        // the index of that failure's address
  struct evnet_connect_options options;
  bool (*allow)(const struct evnet_address *address, void *user);
  struct evnet_address source;  // options.source, unless that is NULL
  bool source_is_any;        // `source` is the wildcard of both families, so only its port is used
  char device[IF_NAMESIZE];  // options.bind_to_device, unless that is NULL

  // Requests of other threads that wait for the connection, in order.
  struct evnet_async *requests_first;
  struct evnet_async *requests_last;
  size_t requested_bytes;

  struct evnet_address *addresses;  // in the order in which they are tried
  uint32_t address_count;
  uint32_t address_next;  // the first address that was not tried yet
  uint64_t next_ms;       // when address_next may be tried; UINT64_MAX: when an attempt ends
  uint64_t started_ms;    // when the last attempt started
  uint64_t pause_ms;      // the last pause before a full Unix backlog is tried again
  struct dial_attempt attempts[DIAL_ATTEMPTS_MAX];
  uint32_t running_count;
  struct evnet_address own_addresses[DIAL_OWN_ADDRESSES_MAX];
};

// dial_add_request keeps a request until the connection has opened.
//
// Returns: false if the request exceeds the bound on output and is not kept.
bool dial_add_request(struct evnet_conn *conn, struct evnet_async *async);

// dial_take_requests removes and returns all requests, linked by `next`.
struct evnet_async *dial_take_requests(struct dial *dial);

// dial_free frees the record of a connection in DIALLING. The caller has taken its requests before.
void dial_free(struct evnet_conn *conn);

// dial_end frees the record like dial_free, and completes its requests.
//
//   reason  the status of the requests.
void dial_end(struct evnet_conn *conn, int reason);

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_RECORD_H_
