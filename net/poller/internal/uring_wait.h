// Entering the kernel: a turn's wait, and the last waits of a poller.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_

#include "net/poller/internal/uring_state.h"

int uring_wait(struct evnet_poller *poller, int64_t timeout_ns);
uint32_t uring_unreported(const struct evnet_poller *poller);

// Cancels the operations in flight, and waits for their ends: they keep sockets open and use memory
// that is about to be released. Bounded, as a poller that is destroyed has no way to report a
// kernel that does not answer.
void uring_cancel_everything(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_
