// Attaching sockets to io_uring and detaching them: listeners, datagram sockets and existing
// connections. Outgoing connections are in uring_connect.c.
#include "net/poller/internal/uring_attach.h"

#include <errno.h>
#include <unistd.h>

#include "net/poller/internal/socket.h"
#include "net/poller/internal/socket_listen.h"
#include "net/poller/internal/uring_slot.h"
#include "net/poller/internal/uring_submit.h"

static int attach(struct uring *uring, int descriptor, enum evnet_transport transport,
                  uint16_t flags, struct evnet_handle *out_handle) {
  int status = descriptor_set_add(&uring->descriptors, uring->allocator, descriptor);
  if (status < 0) return status;
  struct slot *slot = slots_acquire(&uring->slots);
  if (slot == NULL) {
    descriptor_set_remove(&uring->descriptors, descriptor);
    return -ENOBUFS;
  }
  slot->descriptor = descriptor;
  slot->flags = flags;
  slot->transport = (uint32_t)transport & 3u;
  slot->in_flight = 0;
  slot->send = NULL;
  *out_handle = slot_handle(&uring->slots, slot);
  return 0;
}

// Sets POLLED, because datagrams are received by recvmmsg(2), and HANGUP_TOLD, because datagram
// sockets report no hang-up.
static int attach_datagrams(struct uring *uring, int descriptor, const char **out_refused,
                            struct evnet_handle *out_handle) {
  int status = uring_create_datagrams(uring);
  if (status == 0) {
    status = evnet_datagrams_set_up_socket(uring->datagrams, descriptor, out_refused);
  }
  if (status < 0) return status;
  return attach(uring, descriptor, EVNET_TRANSPORT_UDP, POLLED | HANGUP_TOLD, out_handle);
}

int uring_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                 struct evnet_handle *out_handle) {
  struct uring *uring = (struct uring *)poller;
  if (transport == EVNET_TRANSPORT_UDP)
    return attach_datagrams(uring, descriptor, NULL, out_handle);
  int status = attach(uring, descriptor, transport, 0, out_handle);
  if (status < 0) return status;
  evnet_socket_attach(descriptor);
  // Unless recv_start comes before the next wait, a poll has to watch for a hang-up.
  uring_list(uring, &uring->starved, uring_slot_of(uring, *out_handle));
  return 0;
}

int uring_adopt(struct evnet_poller *poller, int descriptor, const struct evnet_socket_kind *kind,
                struct evnet_handle *out_handle) {
  int status = evnet_socket_adopt(descriptor, kind);
  if (status < 0) return status;
  if (kind->is_listener)
    return attach((struct uring *)poller, descriptor, kind->transport, LISTENER, out_handle);
  status = uring_attach(poller, descriptor, kind->transport, out_handle);
  if (status == 0) uring_slot_of((struct uring *)poller, *out_handle)->duplicated = 1;
  return status;
}

int uring_listen(struct evnet_poller *poller, const struct evnet_address *address,
                 const struct evnet_listen_options *options, struct evnet_handle *out_handle) {
  struct uring *uring = (struct uring *)poller;
  int descriptor = evnet_socket_listen(address, options, &uring->unix_listeners);
  if (descriptor < 0) return descriptor;
  int status = address->transport == EVNET_TRANSPORT_UDP
                   ? attach_datagrams(uring, descriptor, options->out_refused, out_handle)
                   : attach(uring, descriptor, address->transport, LISTENER, out_handle);
  if (status < 0) {
    evnet_unix_release(&uring->unix_listeners, descriptor);
    (void)close(descriptor);
  }
  return status;
}

void uring_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  struct uring *uring = (struct uring *)poller;
  struct slot *slot = uring_slot_of(uring, handle);
  if (slot->flags & LISTENER) evnet_unix_release(&uring->unix_listeners, slot->descriptor);
  if (slot->connect != SLOT_PLAIN) {
    // There is no send, because connect_status is in its place.
    slot->send = NULL;
    slot->connect = SLOT_PLAIN;
  } else if (slot->transport == EVNET_TRANSPORT_UDP) {
    evnet_datagrams_drop(uring->datagrams, handle);
  }
  slot->flags |= DETACHED;
  uring_cancel_unwanted(uring, slot);
  uring_check_finished(uring, slot);
}

void uring_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = uring_slot_of((struct uring *)poller, handle);
  if (slot->descriptor >= 0) evnet_socket_reset(slot->descriptor, slot->duplicated);
  uring_detach(poller, handle);
}
