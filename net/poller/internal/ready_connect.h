// Outgoing connections of the readiness backends.
#ifndef EVNET_NET_POLLER_INTERNAL_READY_CONNECT_H_
#define EVNET_NET_POLLER_INTERNAL_READY_CONNECT_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/ready_state.h"

int ready_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                  struct evnet_handle *out_handle);
void ready_connect(struct evnet_poller *poller, struct evnet_handle handle,
                   const struct evnet_address *address,
                   const struct evnet_connect_options *options);
void ready_connect_stop(struct evnet_poller *poller, struct evnet_handle handle);
int ready_connect_move(struct evnet_poller *poller, struct evnet_handle from,
                       struct evnet_handle to);

// Steps a slot that is not connected yet.
bool ready_step_connect(struct ready *ready, struct slot *slot, struct evnet_completion *out);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_CONNECT_H_
