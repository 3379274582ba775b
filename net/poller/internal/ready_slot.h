// A slot's descriptor with the kernel: registered, watched, closed.
#ifndef EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_
#define EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_

#include <stdint.h>

#include "net/poller/internal/ready_state.h"

// Registers a descriptor that is to be the slot's. 0; -EEXIST: it is another slot's; -ENOMEM, and
// the kernel's errors.
int ready_register(struct ready *ready, const struct slot *slot, int descriptor, uint32_t interest);

// Closes a slot's descriptor, if it has one, with its registration.
void ready_close_descriptor(struct ready *ready, struct slot *slot);

// Asks the kernel to report writability, or no longer. A write event costs Unix sockets a wake-up
// for every message that the peer takes, so they ask for it only while a send is blocked. TCP
// reports it only after a send was refused, and registers once.
int ready_watch_writes(struct ready *ready, struct slot *slot, bool on);

// The events to register a connection for; sets LEVEL where that is how it begins.
uint32_t ready_interest(const struct ready *ready, struct slot *slot);

// Makes a LEVEL slot edge-triggered.
void ready_leave_level(struct ready *ready, struct slot *slot);

// Makes the part that datagram sockets need, with the first of them.
int ready_create_datagrams(struct ready *ready);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_
