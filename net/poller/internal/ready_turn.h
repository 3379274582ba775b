// A turn of the readiness backends: the functions wait, next, accept, settle and unreported.
#ifndef EVNET_NET_POLLER_INTERNAL_READY_TURN_H_
#define EVNET_NET_POLLER_INTERNAL_READY_TURN_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/ready_state.h"

int ready_wait(struct evnet_poller *poller, int64_t timeout_ns);
bool ready_next(struct evnet_poller *poller, struct evnet_completion *out_completion);
int ready_accept(struct evnet_poller *poller, struct evnet_handle handle,
                 struct evnet_address *out_peer);
bool ready_settle(struct evnet_poller *poller);
uint32_t ready_unreported(const struct evnet_poller *poller);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_TURN_H_
