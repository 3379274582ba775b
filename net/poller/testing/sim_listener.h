// Where the connections of a simulated world wait to be accepted.
#ifndef EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_
#define EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_

#include "net/poller/testing/sim_state.h"

struct sim_listener *sim_listener_of(struct evnet_sim *sim, uint16_t port);  // NULL: none is open
// Puts an end where it waits to be accepted, in the order of ready_ns, which this sets.
void sim_listener_push(struct sim_listener *listener, struct evnet_sim_socket *socket);
void sim_listener_pop(struct sim_listener *listener);

#endif  // EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_
