// Random choices that only the simulated world's files make. sim.h has the functions for tests.
#ifndef EVNET_NET_POLLER_TESTING_SIM_DICE_H_
#define EVNET_NET_POLLER_TESTING_SIM_DICE_H_

#include "net/poller/testing/sim_state.h"

// Chooses when bytes or datagrams that are sent now arrive.
uint64_t sim_arrival_ns(struct evnet_sim *sim);

#endif  // EVNET_NET_POLLER_TESTING_SIM_DICE_H_
