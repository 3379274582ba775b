// Accepting over io_uring. Functions that return bool fill *out, or return false if there is
// nothing to report.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_ACCEPT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_ACCEPT_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

// Handles the completion of a poll that reports queued connections.
bool uring_on_acceptable(struct uring *uring, struct slot *slot, int32_t events,
                         struct evnet_completion *out);
bool uring_step_accept(struct uring *uring, struct slot *slot, struct evnet_completion *out);
int uring_accept(struct evnet_poller *poller, struct evnet_handle handle,
                 struct evnet_address *out_peer);
void uring_discard_descriptor(struct evnet_poller *poller, int descriptor);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_ACCEPT_H_
