// The number of connections of each peer's address, for connections_per_address_max.
//
// An IPv4 address counts by itself, even in the form ::ffff:a.b.c.d. An IPv6 address counts by its
// first 64 bits, because a customer usually has a whole /64 (RFC 6177) and could otherwise use 2^64
// addresses. All link-local peers therefore count together. Peers without an IP address, such as
// Unix sockets, are not counted.
//
// The counts are a hash table with one entry for each address that has a connection, so memory
// follows the open connections: 32 to 64 bytes for each address while the table grows, at most 128
// before it shrinks. The hash is keyed, so peers cannot choose addresses that collide.
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
  pthread_mutex_t mutex;  // guards the fields below
  const struct evnet_allocator *allocator;
  struct evnet_hash_key key;
  struct evnet_address_count *table;  // capacity entries
  size_t capacity;                    // a power of two
  size_t used;                        // addresses that have a connection
};

// evnet_address_counts_init creates an empty table.
//
//   allocator  borrowed for the table's life; NULL: malloc.
//
// Returns: 0.
// Errors:  -ENOMEM if memory runs out.
//          those of evnet_hash_key_make and pthread_mutex_init(3).
//          After an error there is nothing to free.
EVNET_WARN_UNUSED int evnet_address_counts_init(struct evnet_address_counts *counts,
                                                const struct evnet_allocator *allocator);

// evnet_address_counts_deinit frees the table.
void evnet_address_counts_deinit(struct evnet_address_counts *counts);

// evnet_address_counts_add counts one more connection of an address.
//
//   most  the largest number of connections of an address.
//
// Returns: 0, also for a peer that is not counted.
// Errors:  -ENOBUFS if the address already has `most` connections; nothing is counted.
//          -ENOMEM if memory runs out; nothing is counted.
// Thread:  any.
EVNET_WARN_UNUSED int evnet_address_counts_add(struct evnet_address_counts *counts,
                                               const struct evnet_address *peer, size_t most);

// evnet_address_counts_remove undoes one successful evnet_address_counts_add.
//
// Thread:  any.
void evnet_address_counts_remove(struct evnet_address_counts *counts,
                                 const struct evnet_address *peer);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ADDRESS_COUNTS_H_
