#include "net/poller/testing/sim_connect.h"

#include <arpa/inet.h>
#include <errno.h>

#include "net/poller/testing/sim_address.h"
#include "net/poller/testing/sim_connecting.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_dice.h"
#include "net/poller/testing/sim_listener.h"
#include "net/poller/testing/sim_slot.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_udp_socket.h"

enum { OUTSIDE_QUEUE_MAX = SIM_QUEUE_MAX };

// Outside servers

int evnet_sim_serve(struct evnet_sim *sim) {
  for (int i = 0; i < SIM_LISTENERS_MAX; i++) {
    struct sim_listener *listener = &sim->listeners[i];
    if (listener->open) continue;
    *listener = (struct sim_listener){.open = true, .queue_max = OUTSIDE_QUEUE_MAX};
    sim_address_set_tcp(&listener->address, 1, ++sim->port_last);
    return sim->port_last;
  }
  return -EADDRINUSE;
}

struct evnet_sim_socket *evnet_sim_take(struct evnet_sim *sim, uint16_t port) {
  struct sim_listener *listener = sim_listener_of(sim, port);
  if (listener == NULL || listener->queue_count == 0) return NULL;
  struct evnet_sim_socket *peer = listener->queue[0];
  if (peer->ready_ns > sim->now_ns) return NULL;
  sim_listener_pop(listener);
  evnet_sim_note(sim, "taken", 0, peer->id, 0);
  return peer;
}

void evnet_sim_set_dialling(struct evnet_sim *sim, const struct evnet_sim_dialling *dialling,
                            void *user) {
  sim->dialling = dialling;
  sim->dialling_user = user;
}

void sim_connect_report(const struct sim_slot *slot, int status) {
  const struct evnet_sim *sim = slot->owner->sim;
  if (sim->dialling != NULL && sim->dialling->ended != NULL)
    sim->dialling->ended(sim->dialling_user, &slot->to, status);
}

// The poller's side

int sim_resolve(struct evnet_poller *poller, const char *text, struct evnet_address *out,
                int count_max) {
  const struct evnet_sim *sim = ((struct sim_poller *)poller)->sim;
  if (sim->dialling == NULL || sim->dialling->resolve == NULL) return EVNET_STATUS_ADDRESS;
  return sim->dialling->resolve(sim->dialling_user, text, out, count_max);
}

int sim_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                struct evnet_handle *out_handle) {
  struct sim_poller *self = (struct sim_poller *)poller;
  (void)transport;
  struct sim_slot *slot = sim_slot_acquire(self);
  if (slot == NULL) return -ENOBUFS;
  slot->kind = SIM_RESERVED;
  slot->descriptor = -1;
  *out_handle = slot->handle;
  evnet_sim_note(self->sim, "reserve", self->index, slot->handle.index, 0);
  return 0;
}

static bool is_outside(const struct evnet_sim *sim, const struct sim_listener *listener) {
  for (int i = 0; i < SIM_DESCRIPTORS_MAX; i++) {
    if (sim->descriptors[i].listener == listener) return false;
  }
  return true;
}

// Makes both ends. The peer's end is queued where it will be accepted or taken.
static int make_pair(struct sim_slot *slot, struct sim_listener *listener, uint8_t host) {
  struct evnet_sim *sim = slot->owner->sim;
  const bool outside = is_outside(sim, listener);
  struct evnet_sim_socket *own = sim_socket_create(sim, outside);
  struct evnet_sim_socket *peer = own != NULL ? sim_socket_create(sim, !outside) : NULL;
  if (peer == NULL) return -ENOMEM;
  const int descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.socket = own});
  if (descriptor < 0) return descriptor;
  own->other = peer;
  peer->other = own;
  own->id = peer->id = ++sim->port_last;
  sim_address_set_tcp(&own->address, host, sim->port_last);
  peer->address = listener->address;
  own->was_accepted = true;
  own->slot = slot;
  sim_listener_push(listener, peer);
  slot->socket = own;
  slot->descriptor = descriptor;
  return 0;
}

static int connect_udp(struct sim_slot *slot, const struct evnet_address *address) {
  struct evnet_sim *sim = slot->owner->sim;
  struct evnet_address own;
  sim_address_set_udp(&own, INADDR_LOOPBACK, 0);
  struct evnet_sim_udp *udp = sim_udp_create(sim, &own);
  if (udp == NULL) return -ENOMEM;
  const int descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.udp = udp});
  if (descriptor < 0) {
    sim_udp_close(udp);
    return descriptor;
  }
  udp->peer = *address;
  udp->slot = slot;
  slot->udp = udp;
  slot->descriptor = descriptor;
  return 0;
}

static int connect_tcp(struct sim_slot *slot, const struct evnet_address *address,
                       const struct evnet_connect_options *options) {
  struct evnet_sim *sim = slot->owner->sim;
  struct sim_listener *listener = sim_listener_of(sim, evnet_address_port(address));
  if (listener == NULL || listener->queue_count >= listener->queue_max) return -ECONNREFUSED;
  const struct evnet_address *source = options->source;
  uint8_t host = 1;
  if (source != NULL && source->socket.any.sa_family == AF_INET)
    host = (uint8_t)ntohl(source->socket.ip4.sin_addr.s_addr);
  return make_pair(slot, listener, host);
}

void sim_connect(struct evnet_poller *poller, struct evnet_handle handle,
                 const struct evnet_address *address, const struct evnet_connect_options *options) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_RESERVED, "connect");
  if (slot == NULL) return;
  struct evnet_sim *sim = self->sim;
  const struct evnet_sim_faults *faults = &sim->options.faults;
  slot->kind = SIM_CONNECTING;
  slot->to = *address;
  if (sim->dialling != NULL && sim->dialling->begun != NULL)
    sim->dialling->begun(sim->dialling_user, address);
  slot->connect_at_ns = sim->now_ns;
  slot->connect_status = 0;
  if (address->transport == EVNET_TRANSPORT_UNIX) {
    slot->connect_status = -EOPNOTSUPP;
  } else if (evnet_sim_chance(sim, faults->connect_failure)) {
    slot->connect_status = -EADDRNOTAVAIL;  // reported immediately
  } else if (address->transport == EVNET_TRANSPORT_UDP) {
    slot->connect_status = connect_udp(slot, address);
  } else if (evnet_sim_chance(sim, faults->connect_lost)) {
    slot->connect_at_ns = UINT64_MAX;
  } else {
    slot->connect_at_ns = sim_arrival_ns(sim);
    slot->connect_status = evnet_sim_chance(sim, faults->connect_refused)
                               ? -ECONNREFUSED
                               : connect_tcp(slot, address, options);
  }
}

// Closes the descriptor of a connect, if it has one.
static void drop(struct sim_slot *slot) {
  if (slot->descriptor < 0) return;
  sim_descriptor_close(slot->owner->sim, slot->descriptor);
  slot->descriptor = -1;
  if (slot->udp != NULL) sim_udp_close(slot->udp);
  if (slot->socket != NULL) {
    sim_socket_close(slot->socket, false);
    slot->socket->slot = NULL;
  }
  slot->udp = NULL;
  slot->socket = NULL;
}

void sim_connect_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct sim_poller *self = (struct sim_poller *)poller;
  struct sim_slot *slot = sim_slot_of(self, handle, SIM_CONNECTING, "connect_stop");
  if (slot == NULL || sim_connect_is_due(slot)) return;
  drop(slot);
  slot->connect_status = -ECANCELED;
  slot->connect_at_ns = self->sim->now_ns;
}

bool sim_connect_is_due(const struct sim_slot *slot) {
  return slot->kind == SIM_CONNECTING && slot->connect_at_ns <= slot->owner->sim->now_ns;
}

bool sim_connect_step(struct sim_slot *slot, struct evnet_completion *out) {
  if (!sim_connect_is_due(slot)) return false;
  struct evnet_sim_socket *socket = slot->socket;
  int status = slot->connect_status;
  if (status == 0 && socket != NULL && socket->error != 0) {  // it was reset in the meantime
    status = -socket->error;
    socket->error = 0;
  }
  if (status < 0) {
    drop(slot);
    slot->kind = SIM_RESERVED;
  } else {
    slot->kind = socket != NULL ? SIM_STREAM : SIM_UDP;
  }
  *out =
      (struct evnet_completion){.handle = slot->handle, .op = EVNET_OP_CONNECT, .result = status};
  evnet_sim_note(slot->owner->sim, "CONNECT", slot->owner->index, sim_slot_id(slot), status);
  sim_connect_report(slot, status);
  return true;
}
