// A slot's descriptor in the kernel: registering, watching and closing it.
#include "net/poller/internal/ready_slot.h"

#include "net/poller/internal/fork.h"
#include "net/poller/internal/socket.h"

int ready_register(struct ready *ready, const struct slot *slot, int descriptor,
                   uint32_t interest) {
  int status = descriptor_set_add(&ready->descriptors, ready->allocator, descriptor);
  if (status < 0) return status;
  status = ready->kernel->add(ready->kernel_state, descriptor, token_of(ready, slot), interest);
  if (status < 0) descriptor_set_remove(&ready->descriptors, descriptor);
  return status;
}

int ready_watch_writes(struct ready *ready, struct slot *slot, bool on) {
  if (slot->transport == EVNET_TRANSPORT_TCP || !(slot->flags & OUT_WATCHED) == !on) return 0;
  int status = ready->kernel->change(ready->kernel_state, slot->descriptor, token_of(ready, slot),
                                     on ? EVNET_READY_IN | EVNET_READY_OUT : EVNET_READY_IN);
  if (status < 0) return status;
  slot->flags ^= OUT_WATCHED;
  slot->flags &= (uint16_t)~LEVEL;
  return 0;
}

uint32_t ready_interest(const struct ready *ready, struct slot *slot) {
  if (slot->transport == EVNET_TRANSPORT_TCP) return EVNET_READY_IN | EVNET_READY_OUT;
  if (slot->transport != EVNET_TRANSPORT_UNIX || !ready->kernel->has_level) return EVNET_READY_IN;
  slot->flags |= LEVEL;
  return EVNET_READY_IN | EVNET_READY_LEVEL;
}

void ready_leave_level(struct ready *ready, struct slot *slot) {
  // If the change fails, the next event tries again.
  if (ready->kernel->change(ready->kernel_state, slot->descriptor, token_of(ready, slot),
                            EVNET_READY_IN) == 0)
    slot->flags &= (uint16_t)~LEVEL;
}

void ready_close_descriptor(struct ready *ready, struct slot *slot) {
  if (slot->descriptor < 0) return;
  // close(2) removes the registration, unless there is a duplicate, which would keep the
  // registration and its events alive (epoll(7)). Any thread may duplicate a listener's descriptor.
  // If a LEVEL slot had an unknown duplicate, its events would be reported forever.
  const bool is_connection = is_connection_slot(slot);
  if (!is_connection || slot->duplicated || (slot->flags & LEVEL) || evnet_fork_has_happened())
    ready->kernel->remove(ready->kernel_state, slot->descriptor);
  descriptor_set_remove(&ready->descriptors, slot->descriptor);
  evnet_socket_close(slot->descriptor, is_connection, slot->duplicated);
  slot->descriptor = -1;
}

int ready_create_datagrams(struct ready *ready) {
  return evnet_datagrams_create(&ready->datagram_options, &ready->datagrams);
}
