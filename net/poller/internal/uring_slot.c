// A slot of io_uring: closes its descriptor, and creates the state that datagram sockets share.
#include "net/poller/internal/uring_slot.h"

#include "net/poller/internal/socket.h"

void uring_close_descriptor(struct uring *uring, struct slot *slot) {
  if (slot->descriptor < 0) return;
  descriptor_set_remove(&uring->descriptors, slot->descriptor);
  const bool is_connection = !(slot->flags & LISTENER) && slot->transport != EVNET_TRANSPORT_UDP;
  evnet_socket_close(slot->descriptor, is_connection, slot->duplicated);
  slot->descriptor = -1;
}

int uring_create_datagrams(struct uring *uring) {
  return evnet_datagrams_create(&uring->datagram_options, &uring->datagrams);
}
