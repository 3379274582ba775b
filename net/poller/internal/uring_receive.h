// Receiving over io_uring. Functions that return bool fill *out, or return false if there is
// nothing to report.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_RECEIVE_H_
#define EVNET_NET_POLLER_INTERNAL_URING_RECEIVE_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

void uring_begin_held(struct uring *uring);  // after each wait
bool uring_step_held(struct uring *uring, struct evnet_completion *out);
bool uring_on_recv(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                   struct evnet_completion *out);
bool uring_on_ready(struct uring *uring, struct slot *slot, const struct io_uring_cqe *cqe,
                    struct evnet_completion *out);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_RECEIVE_H_
