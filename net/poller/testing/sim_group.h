// Groups of simulated UDP sockets.
#ifndef EVNET_NET_POLLER_TESTING_SIM_GROUP_H_
#define EVNET_NET_POLLER_TESTING_SIM_GROUP_H_

#include "net/poller/testing/sim_slot.h"
#include "net/poller/testing/sim_udp_socket.h"

bool sim_group_is(const struct evnet_address *address);
bool sim_group_has(const struct evnet_sim_udp *udp, const struct evnet_address *group);
int sim_group_set(struct sim_slot *slot, const struct evnet_multicast *setting);

#endif  // EVNET_NET_POLLER_TESTING_SIM_GROUP_H_
