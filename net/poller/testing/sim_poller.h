// The poller's contract for the simulated sockets.
#ifndef EVNET_NET_POLLER_TESTING_SIM_POLLER_H_
#define EVNET_NET_POLLER_TESTING_SIM_POLLER_H_

#include "net/poller/testing/sim_state.h"

int sim_poller_create(struct evnet_kernel *kernel, const struct evnet_poller_options *options,
                      struct evnet_poller **out_poller);
bool sim_poller_is_runnable(const struct sim_poller *poller);
uint64_t sim_poller_wake_ns(const struct sim_poller *poller);

#endif  // EVNET_NET_POLLER_TESTING_SIM_POLLER_H_
