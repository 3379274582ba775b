// Sends in flight, and the blocks of memory that they send from.
#ifndef EVNET_NET_POLLER_TESTING_SIM_FLIGHT_H_
#define EVNET_NET_POLLER_TESTING_SIM_FLIGHT_H_

#include "net/poller/testing/sim_slot.h"

struct sim_block *sim_block_take(struct sim_poller *self);
void sim_block_release(struct sim_poller *self, struct sim_block *block);  // NULL is accepted
// Starts a flight if the piece is in lent memory and the random choice allows it.
bool sim_flight_launch(struct sim_slot *slot, const struct iovec *piece);
void sim_flight_fly(struct sim_slot *slot);  // sends its bytes, unless that has been done
bool sim_flight_has_landed(const struct sim_slot *slot);
void sim_flight_complete(struct sim_slot *slot, struct evnet_completion *out);  // its SEND

#endif  // EVNET_NET_POLLER_TESTING_SIM_FLIGHT_H_
