// The record of a lookup, and the lookups that run on a thread.
//
// The reactor's thread owns a record, except while a thread of the pool runs its job. A record that
// was cancelled then, or whose result is on the way in the mailbox, is freed afterwards.
#ifndef EVNET_NET_REACTOR_INTERNAL_LOOKUP_H_
#define EVNET_NET_REACTOR_INTERNAL_LOOKUP_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/base/host.h"
#include "net/reactor/internal/lookup_pool.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/mailbox.h"
#include "net/reactor/resolver.h"

struct evnet_lookup {
  struct evnet_message message;  // first, because run gets a pointer to it
  struct lookup_job job;
  struct evnet_reactor *reactor;  // valid until the queue has ended

  // Only the reactor's thread uses these fields.
  struct evnet_lookup_id id;
  evnet_resolved_fn done;  // NULL for a reverse lookup
  evnet_named_fn named;    // NULL for a lookup of addresses
  void *arg;
  bool is_over;       // its callback was called, or it was cancelled
  bool is_beginning;  // the resolver has not returned from find_addresses or find_name
  bool is_hooked;     // the resolver has it and has not answered yet
  bool is_answered;   // its message is posted
  void *query;        // the resolver's

  // The question and its answer.
  struct evnet_host host;        // its name is the answer of a reverse lookup
  struct evnet_address address;  // the question of a reverse lookup
  int count;                     // the number of addresses, or a status
  struct evnet_address *addresses;
  char refusal[EVNET_ADDRESS_MESSAGE_BYTES];  // for the log; empty: the status explains enough
};

// lookup_free frees a lookup.
void lookup_free(struct evnet_lookup *lookup);

// lookup_keep keeps the addresses of the answer. `count` is the number, or a status.
void lookup_keep(struct evnet_lookup *lookup, const struct evnet_address *addresses, int count);

// lookup_submit queues a lookup for a thread. Its message is posted when it is answered.
//
// Returns and errors: as lookup_pool_submit.
int lookup_submit(struct lookup_queue *queue, struct evnet_lookup *lookup);

// lookup_of returns the lookup of a job.
struct evnet_lookup *lookup_of(struct lookup_job *job);

#endif  // EVNET_NET_REACTOR_INTERNAL_LOOKUP_H_
