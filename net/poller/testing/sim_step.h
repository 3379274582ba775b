// The completions that a handle may report.
#ifndef EVNET_NET_POLLER_TESTING_SIM_STEP_H_
#define EVNET_NET_POLLER_TESTING_SIM_STEP_H_

#include "net/poller/testing/sim_slot.h"

// Whether there is something to report.
bool sim_step_has_work(const struct sim_slot *slot);
// Reports a completion. Returns false if there is none, or if the handle has had its share of the
// turn.
bool sim_step(struct sim_slot *slot, struct evnet_completion *out);

#endif  // EVNET_NET_POLLER_TESTING_SIM_STEP_H_
