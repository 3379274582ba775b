// Connecting in the simulated kernel, and servers outside the pollers to which they connect.
//
//   connect --SYN, after a delay--> the server's queue, or a poller's listener --take, ACCEPT-->
//      ^                                  |
//      +--- CONNECT, same delay again ----+   queue full, or no listener: -ECONNREFUSED
#ifndef EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_
#define EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_

#include <stdint.h>

#include "net/base/status.h"
#include "net/poller/testing/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

// evnet_sim_serve opens a port of an outside server, until evnet_sim_destroy.
//
// Returns: the port.
// Errors:  -EADDRINUSE if the limit of listeners is reached.
EVNET_WARN_UNUSED int evnet_sim_serve(struct evnet_sim *sim);

// evnet_sim_take takes the next connection that a poller has made to that port. The result is the
// server's end, for evnet_sim_write and the like. In these functions, `the server` is then the
// poller's end.
//
// Returns: NULL if there is no connection.
struct evnet_sim_socket *evnet_sim_take(struct evnet_sim *sim, uint16_t port);

// The outside's names, and its notifications of connects. Members may be NULL.
struct evnet_sim_dialling {
  // Returns the addresses of a name, as evnet_address_resolve_all does. NULL: there are no names.
  int (*resolve)(void *user, const char *text, struct evnet_address *out, int count_max);
  void (*begun)(void *user, const struct evnet_address *address);
  // CONNECT reported this status, or the reported success is void because the socket could not be
  // moved.
  void (*ended)(void *user, const struct evnet_address *address, int status);
};

//   dialling  borrowed until evnet_sim_destroy.
void evnet_sim_set_dialling(struct evnet_sim *sim, const struct evnet_sim_dialling *dialling,
                            void *user);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_TESTING_SIM_CONNECT_H_
