// The poller's contract for the simulated UDP sockets.
#ifndef EVNET_NET_POLLER_TESTING_SIM_DATAGRAM_H_
#define EVNET_NET_POLLER_TESTING_SIM_DATAGRAM_H_

#include "net/poller/testing/sim_slot.h"

int sim_datagram_listen(struct sim_poller *self, const struct evnet_address *address,
                        struct evnet_handle *out_handle);
int sim_datagram_attach(struct sim_poller *self, int descriptor, struct evnet_handle *out_handle);
int64_t sim_datagram_send(struct sim_slot *slot, const struct evnet_datagram *datagrams,
                          size_t count);
void sim_datagram_drop(struct sim_slot *slot);  // drops the rest of its batch
bool sim_datagram_has_work(const struct sim_slot *slot);
bool sim_datagram_step(struct sim_slot *slot, struct evnet_completion *out);

// Called by recv_start. Fails the world if recv_start comes too soon after an error.
void sim_datagram_starts(struct sim_slot *slot);

#endif  // EVNET_NET_POLLER_TESTING_SIM_DATAGRAM_H_
