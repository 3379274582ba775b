// A keyed hash, for tables whose keys strangers choose: who does not know the key cannot find keys
// that collide (SipHash-2-4, J.-P. Aumasson and D. J. Bernstein, 2012).
#ifndef EVNET_NET_BASE_HASH_H_
#define EVNET_NET_BASE_HASH_H_

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_hash_key {
  uint64_t words[2];
};

// evnet_hash_key_make takes a key from the system's random numbers.
//
// Returns: 0.
// Errors:  -errno of getentropy(3): -ENOSYS before Linux 3.17.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_hash_key_make(struct evnet_hash_key *out_key);

// evnet_hash hashes size bytes. The same on every machine.
//
// Thread:  any.
EVNET_API uint64_t evnet_hash(const struct evnet_hash_key *key, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_HASH_H_
