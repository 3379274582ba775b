// Watches of a simulated poller.
#ifndef EVNET_NET_POLLER_TESTING_SIM_WATCH_H_
#define EVNET_NET_POLLER_TESTING_SIM_WATCH_H_

#include "net/poller/testing/sim_slot.h"

// The functions of the poller.
int sim_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
              struct evnet_handle *out_handle);
int sim_watch_change(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events);
void sim_watch_stop(struct evnet_poller *poller, struct evnet_handle handle);

// Returns the events that a watch has to report in this turn.
uint32_t sim_watch_ready(const struct sim_slot *slot);

void sim_watch_free_devices(struct evnet_sim *sim);

#endif  // EVNET_NET_POLLER_TESTING_SIM_WATCH_H_
