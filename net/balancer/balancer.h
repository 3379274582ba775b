// The choice of the reactor for a new connection: from the candidates' loads and the peer's address
// it computes an index. It does no I/O and uses no threads.
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

// The methods of balancing.
enum evnet_balancing {
  EVNET_ROUND_ROBIN = 0,        // each candidate in turn
  EVNET_LEAST_CONNECTIONS = 1,  // the candidate with the smallest load; equal ones in turn

  // A hash of the peer's address selects the candidate: always the same one for the same key and
  // count. Peers without an address, on Unix sockets, select each candidate in turn.
  EVNET_SOURCE_HASH = 2,
};

// A balancer. All zero: round-robin from candidate 0.
struct evnet_balancer {
  enum evnet_balancing balancing;  // the method
  size_t next;                     // where the next round starts; below the last pick's count

  // For EVNET_SOURCE_HASH, from evnet_hash_key_make. Without knowledge of it, peers cannot choose
  // addresses that all select one candidate.
  struct evnet_hash_key key;
};

// evnet_balancer_pick picks one of the candidates.
//
//   loads   count numbers, read by EVNET_LEAST_CONNECTIONS only; otherwise may be NULL.
//   count   the number of candidates, above 0 (asserted).
//   source  the peer's address without its port, read by EVNET_SOURCE_HASH only; empty if it has
//           none.
//
// Returns: an index below count.
// Thread:  one at a time.
EVNET_API size_t evnet_balancer_pick(struct evnet_balancer *balancer, const uint64_t *loads,
                                     size_t count, struct evnet_bytes source);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BALANCER_BALANCER_H_
