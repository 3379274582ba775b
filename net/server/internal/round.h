// A request that visits all reactors, one after the other, and ends on reactor 0:
//
//   any thread --> reactor 0 --> reactor 1 --> ... --> reactor N-1 --> reactor 0: end
//
// Each step is a message. Each reactor posts to one other reactor only, and a mailbox keeps the
// order of each poster, so all reactors are visited in the same order by all rounds. A visit that
// waits ends that order, so a round whose visits wait does nothing else. A connection that reactor 0
// has handed over before a round's visit opens before the round's next visit. A round skips reactors
// that have ended.
#ifndef EVNET_NET_SERVER_INTERNAL_ROUND_H_
#define EVNET_NET_SERVER_INTERNAL_ROUND_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/mailbox.h"
#include "net/reactor/owner.h"
#include "net/server/internal/names.h"
#include "net/server/internal/state.h"

// A round, embedded in its request. The poster sets `message.bytes`, `server`, `visit` and `end`.
struct server_round {
  struct evnet_message message;    // first member: run casts a pointer to it
  struct evnet_unlisten unlisten;  // for a visit that waits for sockets to close
  struct evnet_server *server;
  uint32_t position;  // the index of the reactor that is visited
  int status;         // the visits' result; no function of round.c uses it

  // Runs on each reactor's thread.
  //
  // Returns: true to go on; false if server_round_go_on will be called.
  bool (*visit)(struct server_round *round, struct server_reactor *self);

  // Runs on reactor 0, or on another reactor if reactor 0 has ended. It frees the round or starts
  // it again.
  //
  //   on_first  the thread is reactor 0's.
  void (*end)(struct server_round *round, bool on_first);
};

// server_round_post starts a round.
//
// Returns: 0.
// Errors:  -ENOTCONN if the server's addresses are not bound yet; those of
//          evnet_reactor_post_message. The round is the caller's.
// Thread:  any.
EVNET_WARN_UNUSED int server_round_post(struct server_round *round);

// server_round_again starts a round that has ended, on reactor 0's thread. The first visit is made
// inside this call.
void server_round_again(struct server_round *round);

// server_round_go_on continues a round whose visit has returned false. It also is an
// evnet_unlisten.done.
void server_round_go_on(struct evnet_unlisten *unlisten, struct evnet_reactor *reactor);

// server_round_skip makes the current visit the last one.
void server_round_skip(struct server_round *round);

#endif  // EVNET_NET_SERVER_INTERNAL_ROUND_H_
