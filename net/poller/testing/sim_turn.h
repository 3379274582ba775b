// A simulated poller's turn.
#ifndef EVNET_NET_POLLER_TESTING_SIM_TURN_H_
#define EVNET_NET_POLLER_TESTING_SIM_TURN_H_

#include "net/poller/testing/sim_slot.h"

void sim_turn_wait(struct sim_poller *self, int64_t timeout_ns);
bool sim_turn_next(struct sim_poller *self, struct evnet_completion *out_completion);
bool sim_turn_settle(struct sim_poller *self);
uint32_t sim_turn_unreported(const struct sim_poller *self);
void sim_turn_join(struct sim_slot *slot);  // adds a slot that may have something to report
void sim_turn_meanwhile(const struct sim_poller *self, bool sleeps);  // runs the other threads

#endif  // EVNET_NET_POLLER_TESTING_SIM_TURN_H_
