// The descriptor of an io_uring poller for another event loop.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_LOOP_H_
#define EVNET_NET_POLLER_INTERNAL_URING_LOOP_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

int uring_loop_descriptor(struct evnet_poller *poller);

// Makes the descriptor unreadable until something new happens, before the kernel is asked.
void uring_loop_reset(const struct uring *uring);

// Adds the epoll instance of the watches to the descriptor, if both exist. Returns 0 or -errno.
int uring_loop_add_watches(const struct uring *uring);

// Closes the descriptor, if it exists.
void uring_loop_close(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_LOOP_H_
