// Queues of connections that wait to be accepted.
#ifndef EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_
#define EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_

#include "net/poller/testing/sim_state.h"

struct sim_listener *sim_listener_of(struct evnet_sim *sim, uint16_t port);  // NULL: none is open
// Queues an end to be accepted and sets its ready_ns, which orders the queue.
void sim_listener_push(struct sim_listener *listener, struct evnet_sim_socket *socket);
void sim_listener_pop(struct sim_listener *listener);

#endif  // EVNET_NET_POLLER_TESTING_SIM_LISTENER_H_
