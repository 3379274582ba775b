// A keyed hash (SipHash-2-4, J.-P. Aumasson and D. J. Bernstein, 2012), for tables whose keys come
// from peers: without knowledge of the hash key, a peer cannot find keys that collide.
#ifndef EVNET_NET_BASE_HASH_H_
#define EVNET_NET_BASE_HASH_H_

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// A hash key.
struct evnet_hash_key {
  uint64_t words[2];  // random
};

// evnet_hash_key_make fills a key with the system's random numbers.
//
// Returns: 0.
// Errors:  -errno of getentropy(3), such as -ENOSYS before Linux 3.17.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_hash_key_make(struct evnet_hash_key *out_key);

// evnet_hash returns the hash of size bytes. It is the same on every machine.
//
// Thread:  any.
EVNET_API uint64_t evnet_hash(const struct evnet_hash_key *key, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_HASH_H_
