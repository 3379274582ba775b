// Translates io_uring's completions into those of the poller's contract.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_COMPLETE_H_
#define EVNET_NET_POLLER_INTERNAL_URING_COMPLETE_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

void uring_land_flights(struct uring *uring);                               // after each enter
bool uring_step_flight(struct uring *uring, struct evnet_completion *out);  // the first landed
bool uring_next(struct evnet_poller *poller, struct evnet_completion *out_completion);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_COMPLETE_H_
