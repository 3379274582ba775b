// What a connection has while it is dialled, shared by dial.c, dial_options.c and dial_attempts.c
// and by nothing else.
#ifndef EVNET_NET_REACTOR_INTERNAL_DIAL_H_
#define EVNET_NET_REACTOR_INTERNAL_DIAL_H_

#include <net/if.h>

#include "net/reactor/dial.h"
#include "net/reactor/internal/state.h"
#include "net/reactor/resolver.h"

enum {
  DIAL_ATTEMPTS_MAX = 8,       // of one dial, simultaneously
  DIAL_OWN_ADDRESSES_MAX = 2,  // of a numeric host: a wildcard is the loopback of both families
};

// One address that connects. It has a handle of its own, whose index is that of a connection in
// ATTEMPT; a dial with one address uses the connection's handle.
struct dial_attempt {
  struct evnet_conn *conn;  // NULL: it has had no handle yet
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
  int status;                   // the most telling failure so far; 0: none
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
  uint64_t next_ms;       // when it may be tried; UINT64_MAX: when an attempt ends
  uint64_t started_ms;    // the last attempt
  uint64_t pause_ms;      // the last one before a full Unix backlog is tried again
  struct dial_attempt attempts[DIAL_ATTEMPTS_MAX];
  uint32_t running_count;
  struct evnet_address own_addresses[DIAL_OWN_ADDRESSES_MAX];
};

// dial_options.c
// Reads an address and the options into a record of zeroes; the log says what is refused. Returns 1
// for an address with a name, of which the transport alone is known, 0 for one that is known, or an
// enum evnet_status.
int dial_read(const struct evnet_reactor_options *defaults, const char *address,
              const struct evnet_dial_options *options, struct dial *dial);

// dial_attempts.c
// Begins to connect to dial->addresses. The dial may have failed, and be gone, when this returns.
void dial_connect(struct dial *dial);
// The time has come for the next attempt.
void dial_try_next(struct dial *dial);
// Ends the dial with the most telling failure, of which `status` is one more.
void dial_fail(struct dial *dial, int status);
// Frees the handles of all attempts but the connection's own.
void dial_drop_attempts(struct dial *dial);

// dial.c
// Starts the timer for next_ms or the deadline.
void dial_start_timer(struct dial *dial);
void dial_open(struct dial *dial);  // its handle is connected

#endif  // EVNET_NET_REACTOR_INTERNAL_DIAL_H_
