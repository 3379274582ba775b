// Which reactor gets a new connection. Pure: the candidates' loads and the peer's address in, an
// index out; no I/O, no threads, no knowledge of what a reactor is.
#ifndef EVNET_NET_BALANCER_BALANCER_H_
#define EVNET_NET_BALANCER_BALANCER_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/bytes.h"
#include "../base/hash.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum evnet_balancing {
  EVNET_ROUND_ROBIN = 0,        // each in turn
  EVNET_LEAST_CONNECTIONS = 1,  // the one with the smallest load; among equals each in turn
  EVNET_SOURCE_HASH = 2,        // by the peer's address: the same while key and count are the same;
                                // those without one, Unix peers, each in turn
};

// All zero: round-robin that starts with candidate 0.
struct evnet_balancer {
  enum evnet_balancing balancing;
  size_t next;                // where the next round starts; < count of the last pick
  struct evnet_hash_key key;  // of EVNET_SOURCE_HASH: who does not know it cannot choose addresses
                              // that all come to one candidate
};

// evnet_balancer_pick chooses one of `count` candidates, count > 0 (asserted).
//
//   loads   count numbers, read by EVNET_LEAST_CONNECTIONS only (else may be NULL).
//   source  the peer's address without its port, read by EVNET_SOURCE_HASH only; empty: it has
//           none.
//
// Returns: an index below count.
EVNET_API size_t evnet_balancer_pick(struct evnet_balancer *balancer, const uint64_t *loads,
                                     size_t count, struct evnet_bytes source);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BALANCER_BALANCER_H_
