// A slot's descriptor in the kernel: registering, watching and closing it.
#ifndef EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_
#define EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_

#include <stdint.h>

#include "net/poller/internal/names.h"
#include "net/poller/internal/ready_state.h"

// Registers a descriptor for a slot. Returns 0, -EEXIST if it belongs to another slot, -ENOMEM, or
// the kernel's -errno.
int ready_register(struct ready *ready, const struct slot *slot, int descriptor, uint32_t interest);

// Closes a slot's descriptor and ends its registration. Does nothing if there is no descriptor.
void ready_close_descriptor(struct ready *ready, struct slot *slot);

// Asks the kernel to start or stop reporting writability. On a Unix socket, a write event costs a
// wake-up for each message that the peer takes, so the kernel is asked only while a send is
// blocked. On TCP, it comes only after a send was refused, so TCP is registered for it once.
int ready_watch_writes(struct ready *ready, struct slot *slot, bool on);

// Returns the events to register a connection for. Sets LEVEL if the connection begins
// level-triggered.
uint32_t ready_interest(const struct ready *ready, struct slot *slot);

// Makes a LEVEL slot edge-triggered.
void ready_leave_level(struct ready *ready, struct slot *slot);

// Creates the state that all datagram sockets share, if it does not exist yet.
int ready_create_datagrams(struct ready *ready);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_SLOT_H_
