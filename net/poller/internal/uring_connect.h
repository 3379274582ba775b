// Outgoing connections over io_uring.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_CONNECT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_CONNECT_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

int uring_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                  struct evnet_handle *out_handle);
void uring_connect(struct evnet_poller *poller, struct evnet_handle handle,
                   const struct evnet_address *address,
                   const struct evnet_connect_options *options);
void uring_connect_stop(struct evnet_poller *poller, struct evnet_handle handle);
int uring_connect_move(struct evnet_poller *poller, struct evnet_handle from,
                       struct evnet_handle to);

// Handles the completion of a poll: the connect may have a result. Fills *out, or returns false if
// there is nothing to report.
bool uring_on_connect(struct uring *uring, struct slot *slot, int32_t events,
                      struct evnet_completion *out);
bool uring_tell_connect(struct uring *uring, struct slot *slot, struct evnet_completion *out);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_CONNECT_H_
