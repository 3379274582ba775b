// How many connections each peer's address has: what connections_per_address_max is held against.
//
// An IPv4 address counts by itself, also one that comes as ::ffff:a.b.c.d. An IPv6 address counts
// by its first 64 bits, as that much is one customer's (RFC 6177), who else would have 2^64
// addresses to come from; so the link-local peers of a link count together. What has neither, a
// Unix socket say, is not counted.
//
// A hash table with an entry for each address that has a connection now, so the memory follows the
// connections that are open: 32 to 64 bytes for each address while the table grows, 128 at most
// before it shrinks. Its hash is keyed: nobody can choose addresses that all fall into one place.
#ifndef EVNET_NET_SERVER_ADDRESS_COUNTS_H_
#define EVNET_NET_SERVER_ADDRESS_COUNTS_H_

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/address.h"
#include "net/base/hash.h"
#include "net/base/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_address_count;

struct evnet_address_counts {
  pthread_mutex_t mutex;  // over all below
  const struct evnet_allocator *allocator;
  struct evnet_hash_key key;
  struct evnet_address_count *table;  // capacity of them
  size_t capacity;                    // a power of two
  size_t used;                        // addresses that have a connection
};

// evnet_address_counts_init makes an empty table.
//
//   allocator  borrowed for the table's life; NULL: malloc.
//
// Returns: 0.
// Errors:  -ENOMEM; those of evnet_hash_key_make and pthread_mutex_init(3). Nothing is left to
// free.
EVNET_WARN_UNUSED int evnet_address_counts_init(struct evnet_address_counts *counts,
                                                const struct evnet_allocator *allocator);

void evnet_address_counts_deinit(struct evnet_address_counts *counts);

// evnet_address_counts_add counts one more connection of an address.
//
//   most  an address may have so many.
//
// Returns: 0, also for what is not counted.
// Errors:  -ENOBUFS when it has `most` already; -ENOMEM. Nothing is counted then.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_address_counts_add(struct evnet_address_counts *counts,
                                               const struct evnet_address *peer, size_t most);

// evnet_address_counts_remove counts one off that was added.
//
// Thread:  any.
void evnet_address_counts_remove(struct evnet_address_counts *counts,
                                 const struct evnet_address *peer);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ADDRESS_COUNTS_H_
