// Entering the kernel: the wait of a turn, and the last waits of a poller.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_

#include <stdbool.h>

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

int uring_wait(struct evnet_poller *poller, int64_t timeout_ns);
bool uring_settle(struct evnet_poller *poller);
uint32_t uring_unreported(const struct evnet_poller *poller);

// Cancels all operations in flight and waits for their completions, because they keep sockets open
// and use memory that will be released. The number of waits is bounded, because a poller that is
// being destroyed cannot report a kernel that does not respond.
void uring_cancel_everything(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_WAIT_H_
