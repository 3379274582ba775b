// The descriptors of a simulated world.
#ifndef EVNET_NET_POLLER_TESTING_SIM_DESCRIPTOR_H_
#define EVNET_NET_POLLER_TESTING_SIM_DESCRIPTOR_H_

#include "net/poller/testing/sim_state.h"

// Returns the lowest free descriptor, or -EMFILE.
int sim_descriptor_open(struct evnet_sim *sim, struct sim_descriptor what);
void sim_descriptor_close(struct evnet_sim *sim, int descriptor);

#endif  // EVNET_NET_POLLER_TESTING_SIM_DESCRIPTOR_H_
