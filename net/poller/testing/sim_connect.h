// Connecting in the simulated kernel, and servers outside of it, which its pollers connect to.
//
//   connect --SYN, after a delay--> the outside's queue, or a poller's listener --take, ACCEPT-->
//      ^                                  |
//      +--- CONNECT, same delay again ----+   no room, or no listener: -ECONNREFUSED
#ifndef EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_
#define EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_

#include <stdint.h>

#include "net/base/status.h"
#include "net/poller/testing/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_sim_serve opens a port outside, until evnet_sim_destroy.
//
// Returns: the port.
// Errors:  -EADDRINUSE when there is no place for another one.
EVNET_WARN_UNUSED int evnet_sim_serve(struct evnet_sim *sim);

// evnet_sim_take gives the next connection that a poller has made to that port: its other end,
// which evnet_sim_write and the like are for. What they call the server is the poller's end.
//
// Returns: NULL when there is none.
struct evnet_sim_socket *evnet_sim_take(struct evnet_sim *sim, uint16_t port);

// What the outside knows of names, and is told of connects. Members may be NULL.
struct evnet_sim_dialling {
  // The addresses of a name, as evnet_address_resolve_all gives them. NULL: there are no names.
  int (*resolve)(void *user, const char *text, struct evnet_address *out, int count_max);
  void (*begun)(void *user, const struct evnet_address *address);
  // CONNECT has told this status; or what it told is void, as its socket could not be moved.
  void (*ended)(void *user, const struct evnet_address *address, int status);
};

//   dialling  borrowed until evnet_sim_destroy.
void evnet_sim_set_dialling(struct evnet_sim *sim, const struct evnet_sim_dialling *dialling,
                            void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_
