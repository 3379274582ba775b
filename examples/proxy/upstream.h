// The choice among upstreams, and their health as far as connects show it. This file does not use
// evnet's reactors: the caller connects and passes the time.
//
//          a connect fails                  the time is over and a caller asks
//   IN ---------------------> OUT ----------------------------------------------> OUT, on trial
//    ^                         ^                                                        |
//    |                         +---- it fails: the time doubles; or it was cancelled ---+
//    +---------------------------------- it connects -----------------------------------+
//
// A caller that asks for an upstream gets one that is in. If none is left, it gets the one whose
// time out ends first, as a last resort, because refusing the client is no better. Failures of such
// connects do not prolong the time.
//
// All reactors share the counts and the health, so a mutex protects them. It is taken once for each
// connect and each close, never for bytes.
#ifndef EVNET_EXAMPLES_PROXY_UPSTREAM_H_
#define EVNET_EXAMPLES_PROXY_UPSTREAM_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  UPSTREAMS_MAX = 64,          // the size of a set of tried ones
  UPSTREAM_OUT_DOUBLINGS = 6,  // the longest time out is 64 times the first
};

enum upstream_balancing {
  UPSTREAM_LEAST_CONNECTIONS = 0,  // among equals: in turn
  UPSTREAM_ROUND_ROBIN,
  UPSTREAM_SOURCE_HASH,  // if one is added or goes out, only its own clients move
};

struct upstream {
  const char *address;    // the text of --upstream
  uint64_t hash;          // of the address
  uint64_t connections;   // chosen and not yet finished
  uint64_t out_until_ms;  // while it is out: the time of the next trial
  uint32_t failures;      // trials that failed, and the first connect; 0: it is in
  bool on_trial;          // one connect decides whether it comes back
};

struct upstreams {
  pthread_mutex_t lock;  // of everything below
  struct upstream all[UPSTREAMS_MAX];
  size_t count;
  size_t turn;  // the index after the one that was chosen last
  uint64_t out_ms;
  enum upstream_balancing balancing;
};

// The use of an upstream by one connection or session, from the choice to its end.
struct upstream_use {
  uint64_t tried;  // bits of the upstreams that this connection was given before
  int index;       // -1: none
  bool is_trial;
  bool was_in;  // the upstream was in when it was chosen
};

// The state of an upstream after a call that may have changed it.
enum upstream_change {
  UPSTREAM_SAME = 0,
  UPSTREAM_WENT_OUT,   // also: stays out, for a longer time
  UPSTREAM_CAME_BACK,  // it was out
};

// upstreams_init makes an empty set.
//
//   out_ms  the first time out, in milliseconds; above 0.
void upstreams_init(struct upstreams *set, enum upstream_balancing balancing, uint64_t out_ms);

// upstreams_deinit ends a set.
void upstreams_deinit(struct upstreams *set);

// upstreams_add adds an upstream before the first choice. Returns false at UPSTREAMS_MAX.
//
//   address  stays in place as long as the set.
bool upstreams_add(struct upstreams *set, const char *address);

// upstreams_choose chooses an upstream that this connection has not tried, and counts the
// connection there. Each choice ends with upstreams_finish.
//
//   now_ms  of a clock that does not go back.
//   source  a hash of the client's host, for UPSTREAM_SOURCE_HASH.
//   use     initially {.index = -1}.
//
// Returns: the upstream's address, which is use->index; NULL if all were tried.
const char *upstreams_choose(struct upstreams *set, uint64_t now_ms, uint64_t source,
                             struct upstream_use *use);

// upstreams_connected records that a connect has succeeded.
enum upstream_change upstreams_connected(struct upstreams *set, struct upstream_use *use);

// upstreams_failed records that a connect has failed, and not by a fault of this host.
//
//   out_ms  receives the time out, if the return is UPSTREAM_WENT_OUT.
enum upstream_change upstreams_failed(struct upstreams *set, struct upstream_use *use,
                                      uint64_t now_ms, uint64_t *out_ms);

// upstreams_finish ends the use: the connection has closed, its connect has failed or was
// cancelled. use->tried remains. An unused `use` is accepted.
void upstreams_finish(struct upstreams *set, struct upstream_use *use);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_EXAMPLES_PROXY_UPSTREAM_H_
