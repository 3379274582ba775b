// A slot of io_uring: closes its descriptor, and creates the state that datagram sockets share.
#ifndef EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_
#define EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_

#include "net/poller/internal/names.h"
#include "net/poller/internal/uring_state.h"

// Closes a slot's descriptor, if it has one.
void uring_close_descriptor(struct uring *uring, struct slot *slot);

// Creates the state that all datagram sockets share, if it does not exist yet.
int uring_create_datagrams(struct uring *uring);

#endif  // EVNET_NET_POLLER_INTERNAL_URING_SLOT_H_
