// The sockets of handles: listening, attaching, moving a connected socket, and detaching.
#include "net/poller/testing/sim_attach.h"

#include <errno.h>

#include "net/poller/testing/sim_connecting.h"
#include "net/poller/testing/sim_datagram.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_slot.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_step.h"
#include "net/poller/testing/sim_turn.h"
#include "net/poller/testing/sim_udp_socket.h"

enum { QUEUE_DEFAULT = 32 };

static struct sim_listener *free_listener(struct evnet_sim *sim,
                                          const struct evnet_address *address, bool reuse_port) {
  struct sim_listener *found = NULL;
  for (int i = 0; i < SIM_LISTENERS_MAX; i++) {
    struct sim_listener *each = &sim->listeners[i];
    if (!each->open) {
      found = each;
    } else if (evnet_address_port(&each->address) == evnet_address_port(address) &&
               !(each->reuse_port && reuse_port)) {
      return NULL;
    }
  }
  return found;
}

int sim_listen(struct evnet_poller *poller, const struct evnet_address *address,
               const struct evnet_listen_options *options, struct evnet_handle *out_handle) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct evnet_sim *sim = self->sim;
  if (address->transport == EVNET_TRANSPORT_UDP && options->reuse_port) {
    // Sharing would have to keep each sender on one socket. Here only connections are shared.
    if (options->out_refused != NULL) *options->out_refused = "reuse_port";
    return -EOPNOTSUPP;
  }
  if (options->reuse_port_by_cpu != NULL) {
    if (options->out_refused != NULL) *options->out_refused = "reuse_port_by_cpu";
    return -EOPNOTSUPP;
  }
  if (address->transport == EVNET_TRANSPORT_UDP)
    return sim_datagram_listen(self, address, out_handle);
  if (address->transport != EVNET_TRANSPORT_TCP) return -EOPNOTSUPP;
  struct sim_listener *listener = free_listener(sim, address, options->reuse_port);
  if (listener == NULL) return -EADDRINUSE;
  int descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.listener = listener});
  if (descriptor < 0) return descriptor;
  struct sim_slot *slot = sim_slot_acquire(self);
  if (slot == NULL) {
    sim_descriptor_close(sim, descriptor);
    return -ENOBUFS;
  }
  uint32_t backlog = options->backlog > 0 ? (uint32_t)options->backlog : QUEUE_DEFAULT;
  *listener = (struct sim_listener){
      .open = true,
      .reuse_port = options->reuse_port,
      .address = *address,
      .queue_max = backlog < SIM_QUEUE_MAX ? backlog : SIM_QUEUE_MAX,
  };
  if (evnet_address_port(address) == 0) {
    // sockaddr_in and sockaddr_in6 have the port at the same offset.
    listener->address.socket.ip4.sin_port = ++sim->port_last;
  }
  slot->kind = SIM_LISTENER;
  slot->listener = listener;
  slot->descriptor = descriptor;
  *out_handle = slot->handle;
  return 0;
}

// Whether the descriptor is a socket of that transport which no handle has.
static bool is_free_for(const struct sim_descriptor *descriptor, enum evnet_transport transport) {
  if (transport == EVNET_TRANSPORT_UDP)
    return descriptor->udp != NULL && !sim_udp_is_attached(descriptor->udp);
  return transport == EVNET_TRANSPORT_TCP && descriptor->socket != NULL &&
         descriptor->socket->slot == NULL;
}

int sim_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
               struct evnet_handle *out_handle) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct evnet_sim *sim = self->sim;
  bool known = descriptor >= 0 && descriptor < SIM_DESCRIPTORS_MAX &&
               is_free_for(&sim->descriptors[descriptor], transport);
  if (!known) {
    evnet_sim_fail(sim, "poller %u: attach of descriptor %d, which is not open or attached already",
                   self->index, descriptor);
    return -EBADF;
  }
  if (evnet_sim_chance(sim, sim->options.faults.attach_failure)) return -ENOMEM;
  if (transport == EVNET_TRANSPORT_UDP) return sim_datagram_attach(self, descriptor, out_handle);
  struct sim_slot *slot = sim_slot_acquire(self);
  if (slot == NULL) return -ENOBUFS;
  slot->kind = SIM_STREAM;
  slot->socket = sim->descriptors[descriptor].socket;
  slot->socket->slot = slot;
  slot->descriptor = descriptor;
  *out_handle = slot->handle;
  evnet_sim_note(sim, "attach", self->index, slot->handle.index, sim_slot_id(slot));
  return 0;
}

// Only the simulated kernel makes sockets here.
int sim_identify(struct evnet_poller *poller, int descriptor, struct evnet_socket_kind *out_kind) {
  (void)poller;
  (void)descriptor;
  (void)out_kind;
  return -EOPNOTSUPP;
}

int sim_adopt(struct evnet_poller *poller, int descriptor, const struct evnet_socket_kind *kind,
              struct evnet_handle *out_handle) {
  (void)kind;
  (void)out_handle;
  evnet_sim_fail(((struct sim_poller *)poller)->sim, "descriptor %d is adopted", descriptor);
  return -EOPNOTSUPP;
}

void sim_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  struct evnet_sim *sim = ((struct sim_poller *)poller)->sim;
  struct evnet_sim_socket *socket = descriptor >= 0 && descriptor < SIM_DESCRIPTORS_MAX
                                        ? sim->descriptors[descriptor].socket
                                        : NULL;
  if (socket == NULL || socket->slot != NULL) {
    evnet_sim_fail(sim, "descriptor %d is discarded, but not open or attached", descriptor);
    return;
  }
  evnet_sim_note(sim, "discard", descriptor, socket->id, 0);
  sim_socket_close(socket, true);
  sim_descriptor_close(sim, descriptor);
}

int sim_move(struct evnet_poller *poller, struct evnet_handle from, struct evnet_handle to) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct sim_slot *old = sim_slot_of(self, from, SIM_FREE, "connect_move from");
  struct sim_slot *slot = sim_slot_of(self, to, SIM_RESERVED, "connect_move to");
  if (old == NULL || slot == NULL) return -EINVAL;
  if (old->kind != SIM_STREAM && old->kind != SIM_UDP) {
    evnet_sim_fail(self->sim, "connect_move of a handle that is not connected");
    return -EINVAL;
  }
  if (evnet_sim_chance(self->sim, self->sim->options.faults.attach_failure)) {
    sim_connect_report(old, -ENOMEM);
    return -ENOMEM;
  }
  slot->kind = old->kind;
  slot->descriptor = old->descriptor;
  slot->socket = old->socket;
  slot->udp = old->udp;
  slot->to = old->to;
  if (slot->socket != NULL) slot->socket->slot = slot;
  if (slot->udp != NULL) slot->udp->slot = slot;
  old->kind = SIM_RESERVED;
  old->descriptor = -1;
  old->socket = NULL;
  old->udp = NULL;
  if (sim_step_has_work(slot)) sim_turn_join(slot);
  return 0;
}

static void detach(struct sim_poller *self, struct evnet_handle handle, bool resets) {
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_FREE, resets ? "abort" : "detach");
  if (slot == NULL) return;
  struct evnet_sim *sim = self->sim;
  slot->detaching = true;
  sim_datagram_drop(slot);
  slot->resets = resets;
  if (!evnet_sim_chance(sim, sim->options.faults.late_close)) sim_slot_close(slot);
  if (evnet_sim_chance(sim, 500)) sim_turn_join(slot);
}

void sim_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  detach((struct sim_poller *)poller, handle, false);
}

void sim_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  detach((struct sim_poller *)poller, handle, true);
}
