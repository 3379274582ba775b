// Connecting over io_uring: connect(2) starts the connect, and a poll reports its end.
// IORING_OP_CONNECT would do the same, but the address would have to be kept until the next enter.
// Its -EINPROGRESS would also not distinguish a cancelled connect from a pending one.
#include "net/poller/internal/uring_connect.h"

#include <errno.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_connect.h"
#include "net/poller/internal/uring_slot.h"
#include "net/poller/internal/uring_submit.h"

int uring_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                  struct evnet_handle *out_handle) {
  struct uring *uring = (struct uring *)poller;
  struct slot *slot = slots_reserve(&uring->slots, transport);
  if (slot == NULL) return -ENOBUFS;
  slot->in_flight = 0;
  *out_handle = slot_handle(&uring->slots, slot);
  return 0;
}

static void answer(struct uring *uring, struct slot *slot, int status) {
  slot->connect = SLOT_ANSWERED;
  slot->connect_status = status;
  // Reported in the next turn, by way of uring_retry, so that a caller that retries immediately
  // cannot keep the turn running forever.
  uring_list(uring, &uring->starved, slot);
}

// As evnet_socket_connect, but returns -1 and sets *out_status if there is no descriptor.
static int open_connecting(struct uring *uring, const struct evnet_address *address,
                           const struct evnet_connect_options *options, int *out_status) {
  int descriptor = evnet_socket_connect(address, options, out_status);
  if (descriptor < 0) {
    *out_status = descriptor;
    return -1;
  }
  int status = descriptor_set_add(&uring->descriptors, uring->allocator, descriptor);
  if (status == 0) return descriptor;
  evnet_socket_close(descriptor, address->transport != EVNET_TRANSPORT_UDP, false);
  *out_status = status;
  return -1;
}

void uring_connect(struct evnet_poller *poller, struct evnet_handle handle,
                   const struct evnet_address *address,
                   const struct evnet_connect_options *options) {
  struct uring *uring = (struct uring *)poller;
  struct slot *slot = uring_slot_of(uring, handle);
  // Each attempt of a dial uses a handle that was reserved for its transport.
  EVNET_ASSERT(slot->connect == SLOT_RESERVED);
  EVNET_ASSERT(slot->transport == (uint32_t)address->transport);
  int status = slot->transport == EVNET_TRANSPORT_UDP ? uring_create_datagrams(uring) : 0;
  if (status == 0) {
    int descriptor = open_connecting(uring, address, options, &status);
    slot->descriptor = descriptor;
    if (status == 0 && slot->transport == EVNET_TRANSPORT_UDP)
      status = evnet_datagrams_set_up_socket(uring->datagrams, descriptor, NULL);
  }
  if (status != -EINPROGRESS) {
    answer(uring, slot, status);
    return;
  }
  slot->connect = SLOT_CONNECTING;
  slot->connect_status = 0;
  uring_arm_out(uring, slot);
}

void uring_connect_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = (struct uring *)poller;
  struct slot *slot = uring_slot_of(uring, handle);
  if (slot->connect != SLOT_CONNECTING || slot->connect_status != 0) return;
  slot->connect_status = -ECANCELED;
  if (slot->flags & OUT_ARMED) {
    // The poll holds the socket, so close it when the poll has ended.
    uring_cancel_unwanted(uring, slot);
  } else {
    uring_close_descriptor(uring, slot);
    answer(uring, slot, -ECANCELED);
  }
}

bool uring_on_connect(struct uring *uring, struct slot *slot, int32_t events,
                      struct evnet_completion *out) {
  int status = slot->connect_status;
  if (status == 0 && uring_poll_failed(events)) status = events;
  if (status == 0)
    status = events > 0 ? evnet_socket_connect_result(slot->descriptor) : -EINPROGRESS;
  if (status == -EINPROGRESS) {
    uring_arm_out(uring, slot);
    return false;
  }
  slot->connect_status = status;
  return uring_tell_connect(uring, slot, out);
}

bool uring_tell_connect(struct uring *uring, struct slot *slot, struct evnet_completion *out) {
  const int status = slot->connect_status;
  slot->send = NULL;
  slot->flags &= LISTED;
  if (status < 0) {
    uring_close_descriptor(uring, slot);
    slot->connect = SLOT_RESERVED;
  } else {
    slot->connect = SLOT_PLAIN;
    if (slot->transport == EVNET_TRANSPORT_UDP) slot->flags |= POLLED | HANGUP_TOLD;
    // As after attaching, a poll has to watch for a hang-up.
    uring_list(uring, &uring->starved, slot);
  }
  return uring_tell(uring, slot, EVNET_OP_CONNECT, status, false, out);
}

int uring_connect_move(struct evnet_poller *poller, struct evnet_handle from,
                       struct evnet_handle to) {
  struct uring *uring = (struct uring *)poller;
  struct slot *old = uring_slot_of(uring, from);
  struct slot *slot = uring_slot_of(uring, to);
  EVNET_ASSERT(old->connect == SLOT_PLAIN && slot->connect == SLOT_RESERVED);
  // The poll that reported the connect was the only operation in flight.
  EVNET_ASSERT(old->transport == slot->transport && old->in_flight == 0);
  slot->descriptor = old->descriptor;
  slot->connect = SLOT_PLAIN;
  slot->flags |= (uint16_t)(old->flags & ~LISTED);
  old->descriptor = -1;
  old->connect = SLOT_RESERVED;
  old->flags &= LISTED;
  uring_list(uring, &uring->starved, slot);
  return 0;
}
