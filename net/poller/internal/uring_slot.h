// A slot of io_uring: closing its descriptor, and the part that datagram sockets need.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_

#include "net/poller/internal/uring_state.h"

// Closes a slot's descriptor, if it has one.
void uring_close_descriptor(struct uring *uring, struct slot *slot);

// Makes the part that datagram sockets need, with the first of them.
int uring_create_datagrams(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_
