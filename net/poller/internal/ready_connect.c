// Outgoing connections of the readiness backends. A slot is reserved, then connects. Once CONNECT
// has been reported, it is a slot like any other. An edge that reports writability marks the end of
// connect(2).
#include "net/poller/internal/ready_connect.h"

#include <errno.h>

#include "net/poller/internal/ready_slot.h"
#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_connect.h"

int ready_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                  struct evnet_handle *out_handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slots_reserve(&ready->slots, transport);
  if (slot == NULL) return -ENOBUFS;
  *out_handle = slot_handle(&ready->slots, slot);
  return 0;
}

// Returns the result of connect(2) so far. Unless that is an error, the slot then has a descriptor.
static int begin_connect(struct ready *ready, struct slot *slot,
                         const struct evnet_address *address,
                         const struct evnet_connect_options *options) {
  int status = slot->transport == EVNET_TRANSPORT_UDP ? ready_create_datagrams(ready) : 0;
  if (status < 0) return status;
  int connected;
  int descriptor = evnet_socket_connect(address, options, &connected);
  if (descriptor < 0) return descriptor;
  if (slot->transport == EVNET_TRANSPORT_UDP)
    status = evnet_datagrams_set_up_socket(ready->datagrams, descriptor, NULL);
  // Not before connect(2), because Linux reports a socket that has not begun to connect as hung up.
  if (status == 0) status = ready_register(ready, slot, descriptor, ready_interest(ready, slot));
  if (status < 0) {
    evnet_socket_close(descriptor, slot->transport != EVNET_TRANSPORT_UDP, false);
    return status;
  }
  slot->descriptor = descriptor;
  return connected;
}

static void answer_connect(struct ready *ready, struct slot *slot, int status) {
  slot->connect = SLOT_ANSWERED;
  slot->connect_status = status;
  enqueue(ready, &ready->later, slot);
}

void ready_connect(struct evnet_poller *poller, struct evnet_handle handle,
                   const struct evnet_address *address,
                   const struct evnet_connect_options *options) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  // Each attempt of a dial uses a handle that was reserved for its transport.
  EVNET_ASSERT(slot->connect == SLOT_RESERVED);
  EVNET_ASSERT(slot->transport == (uint32_t)address->transport);
  int status = begin_connect(ready, slot, address, options);
  if (status == -EINPROGRESS) {
    slot->connect = SLOT_CONNECTING;
  } else {
    answer_connect(ready, slot, status);
  }
}

void ready_connect_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  if (slot->connect != SLOT_CONNECTING) return;
  ready_close_descriptor(ready, slot);
  answer_connect(ready, slot, -ECANCELED);
}

bool ready_step_connect(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int status = slot->connect_status;
  if (slot->connect == SLOT_CONNECTING && (slot->flags & WRITABLE)) {
    status = evnet_socket_connect_result(slot->descriptor);
    // The event came before the result. Its other flags are dropped, too; the result makes a new
    // edge.
    if (status == -EINPROGRESS) slot->flags &= LISTED | LEVEL;
  } else if (slot->connect != SLOT_ANSWERED) {
    return false;
  }
  if (status == -EINPROGRESS) return false;
  slot->send = NULL;
  if (status < 0) {
    ready_close_descriptor(ready, slot);
    slot->flags &= LISTED;
    slot->connect = SLOT_RESERVED;
  } else {
    slot->flags |= WRITABLE;
    slot->connect = SLOT_PLAIN;
    // A hang-up may have come with the same event.
    go_on(ready, slot);
  }
  return complete(ready, slot, EVNET_OP_CONNECT, status, false, out);
}

int ready_connect_move(struct evnet_poller *poller, struct evnet_handle from,
                       struct evnet_handle to) {
  struct ready *ready = ready_of(poller);
  struct slot *old = slot_of(ready, from);
  struct slot *slot = slot_of(ready, to);
  EVNET_ASSERT(old->connect == SLOT_PLAIN && slot->connect == SLOT_RESERVED);
  EVNET_ASSERT(old->transport == slot->transport);
  // Later events name the new slot. The flags of the old slot, which record earlier events, are
  // moved to it. The change of the registration reports again any state that holds.
  const int status = ready->kernel->change(ready->kernel_state, old->descriptor,
                                           token_of(ready, slot), ready_interest(ready, slot));
  if (status < 0) return status;
  slot->descriptor = old->descriptor;
  slot->connect = SLOT_PLAIN;
  slot->flags |= (uint16_t)(old->flags & ~LISTED);
  old->descriptor = -1;
  old->connect = SLOT_RESERVED;
  old->flags &= LISTED;
  if (ready->current == old) ready->current = NULL;
  // A hang-up may have come with an earlier event.
  enqueue(ready, &ready->later, slot);
  return 0;
}
