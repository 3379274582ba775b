// Outgoing connections of a simulated poller. sim_connect.h is for tests.
#ifndef EVNET_NET_POLLER_TESTING_SIM_CONNECTING_H_
#define EVNET_NET_POLLER_TESTING_SIM_CONNECTING_H_

#include "net/poller/testing/sim_slot.h"

int sim_resolve(struct evnet_poller *poller, const char *text, struct evnet_address *out,
                int count_max);
int sim_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                struct evnet_handle *out_handle);
void sim_connect(struct evnet_poller *poller, struct evnet_handle handle,
                 const struct evnet_address *address, const struct evnet_connect_options *options);
void sim_connect_stop(struct evnet_poller *poller, struct evnet_handle handle);
bool sim_connect_is_due(const struct sim_slot *slot);
bool sim_connect_step(struct sim_slot *slot, struct evnet_completion *out);
// Notifies the outside that a connect has ended, as struct evnet_sim_dialling describes.
void sim_connect_report(const struct sim_slot *slot, int status);

#endif  // EVNET_NET_POLLER_TESTING_SIM_CONNECTING_H_
