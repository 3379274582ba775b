// The addresses of simulated sockets.
#ifndef EVNET_NET_POLLER_TESTING_SIM_ADDRESS_H_
#define EVNET_NET_POLLER_TESTING_SIM_ADDRESS_H_

#include "net/poller/testing/sim_state.h"

void sim_address_set_tcp(struct evnet_address *address, uint8_t host, uint16_t port);
void sim_address_set_udp(struct evnet_address *address, uint32_t host, uint16_t port);
bool sim_address_is_same_host(const struct evnet_address *a, const struct evnet_address *b);

#endif  // EVNET_NET_POLLER_TESTING_SIM_ADDRESS_H_
