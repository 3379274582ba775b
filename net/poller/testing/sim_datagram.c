// The poller's contract for the simulated UDP sockets.
#include "net/poller/testing/sim_datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/poller/testing/sim_address.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_group.h"
#include "net/poller/testing/sim_udp_socket.h"

// The shortest time that counts as a pause after an error.
enum { PAUSE_NS = 10 * 1000 * 1000 };

// Calls the watch function.
static void tell_watch(const struct evnet_sim_udp *udp, struct evnet_sim_udp_news news) {
  const struct evnet_sim *sim = udp->sim;
  news.port = evnet_address_port(&udp->address);
  if (sim->udp_watch != NULL) sim->udp_watch(sim->udp_watch_user, &news);
}

// Returns whether errors are reported with the address that the datagram was sent to, and only by
// receiving: the poller repeats a send that fails with such an error.
static bool has_errors_by_address(const struct sim_slot *slot) {
  return slot->owner->datagram_errors && slot->udp->peer.size == 0;
}

static int take_error(struct evnet_sim_udp *udp) {
  const int error = udp->error;
  udp->error = 0;
  return -error;
}

int sim_datagram_listen(struct sim_poller *self, const struct evnet_address *address,
                        struct evnet_handle *out_handle) {
  struct evnet_sim *sim = self->sim;
  if (sim_udp_is_bound(sim, address)) return -EADDRINUSE;
  struct evnet_sim_udp *udp = sim_udp_create(sim, address);
  if (udp == NULL) return -ENOMEM;
  const int descriptor = sim_descriptor_open(sim, (struct sim_descriptor){.udp = udp});
  int status = descriptor < 0 ? descriptor : sim_datagram_attach(self, descriptor, out_handle);
  if (status == 0) return 0;
  if (descriptor >= 0) sim_descriptor_close(sim, descriptor);
  sim_udp_close(udp);
  return status;
}

int sim_datagram_attach(struct sim_poller *self, int descriptor, struct evnet_handle *out_handle) {
  struct sim_slot *slot = sim_slot_acquire(self);
  if (slot == NULL) return -ENOBUFS;
  slot->kind = SIM_UDP;
  slot->udp = self->sim->descriptors[descriptor].udp;
  slot->udp->slot = slot;
  slot->descriptor = descriptor;
  *out_handle = slot->handle;
  evnet_sim_note(self->sim, "attach udp", self->index, slot->handle.index, sim_slot_id(slot));
  return 0;
}

// Sending

// One datagram as the network sees it.
struct outgoing {
  struct evnet_address from;
  const struct evnet_address *to;
  size_t size;
  uint8_t bytes[1 << 16];
};

static struct evnet_address source_of(const struct evnet_sim_udp *udp,
                                      const struct evnet_datagram *datagram) {
  struct evnet_address from = udp->address;
  if (!sim_udp_tells_local(udp)) return from;
  if (datagram->from != NULL) {
    from = *datagram->from;
    // sockaddr_in and sockaddr_in6 have the port at the same offset.
    from.socket.ip4.sin_port = udp->address.socket.ip4.sin_port;
  } else {
    sim_address_set_udp(&from, INADDR_LOOPBACK, evnet_address_port(&udp->address));
  }
  from.transport = EVNET_TRANSPORT_UDP;
  return from;
}

static void look_at(const struct evnet_sim_udp *udp, const struct evnet_datagram *datagram,
                    struct outgoing *out) {
  out->to = datagram->to != NULL ? datagram->to : &udp->peer;
  if (datagram->count > EVNET_SEND_PIECES_MAX || out->to->size == 0)
    evnet_sim_fail(udp->sim, "a datagram of %u pieces to %s", datagram->count,
                   out->to->size == 0 ? "no address" : "an address");
  out->from = source_of(udp, datagram);
  out->size = 0;
  for (uint32_t i = 0; i < datagram->count; i++) {
    const struct iovec *piece = &datagram->pieces[i];
    if (piece->iov_len > 0 && out->size + piece->iov_len <= sizeof out->bytes)
      memcpy(out->bytes + out->size, piece->iov_base, piece->iov_len);
    out->size += piece->iov_len;
  }
}

static int why_not(struct evnet_sim *sim, const struct outgoing *outgoing) {
  static const int errors[] = {-ENETUNREACH, -EPERM, -EHOSTUNREACH, -ENOBUFS};
  const int refusal = sim_udp_refusal(outgoing->to, outgoing->size);
  if (refusal < 0 || !evnet_sim_chance(sim, sim->options.faults.refused_datagram)) return refusal;
  return errors[evnet_sim_below(sim, sizeof errors / sizeof errors[0])];
}

static void note_sent(const struct sim_slot *slot, const struct outgoing *outgoing, int error) {
  evnet_sim_note(slot->owner->sim, error < 0 ? "datagram refused" : "datagram sent",
                 slot->owner->index, sim_slot_id(slot),
                 error < 0 ? error : (int64_t)outgoing->size);
  const struct evnet_sim_udp_news news = {
      .event = error < 0 ? EVNET_SIM_UDP_REFUSED : EVNET_SIM_UDP_TAKEN,
      .from = &outgoing->from,
      .to = outgoing->to,
      .data = outgoing->bytes,
      .size = outgoing->size,
      .error = error};
  tell_watch(slot->udp, news);
}

int64_t sim_datagram_send(struct sim_slot *slot, const struct evnet_datagram *datagrams,
                          size_t count) {
  struct evnet_sim_udp *udp = slot->udp;
  struct evnet_sim *sim = udp->sim;
  if (count == 0) evnet_sim_fail(sim, "no datagram is to be sent");
  const bool fails = udp->error != 0 && !has_errors_by_address(slot);
  if (!fails && evnet_sim_chance(sim, sim->options.faults.refused_send)) return 0;
  int64_t sent = 0;
  for (; (size_t)sent < count && sent < EVNET_DATAGRAMS_MAX; sent++) {
    struct outgoing outgoing;
    look_at(udp, &datagrams[sent], &outgoing);
    // The error of an earlier datagram is reported in place of this datagram's (udp_sendmsg() of
    // Linux).
    const int error = udp->error != 0 && fails ? take_error(udp) : why_not(sim, &outgoing);
    // Only the first datagram's error is reported. The next call checks the others again.
    if (sent > 0 && error < 0) break;
    if (error < 0) {
      note_sent(slot, &outgoing, error);
      return error;
    }
    if (sent > 0 && evnet_sim_chance(sim, sim->options.faults.short_send)) break;
    if (!sim_udp_has_room(udp)) break;
    if (!sim_udp_post(udp, &outgoing.from, outgoing.to, datagrams[sent].pieces,
                      datagrams[sent].count, outgoing.size))
      break;
    note_sent(slot, &outgoing, 0);
  }
  return sent;
}

// Receiving

// Returns the size of a batch, which is a socket's share of a turn.
static uint32_t batch_of(const struct sim_slot *slot) {
  struct evnet_sim *sim = slot->owner->sim;
  uint32_t most =
      slot->udp->waiting < EVNET_DATAGRAMS_MAX ? slot->udp->waiting : EVNET_DATAGRAMS_MAX;
  if (most > 1 && evnet_sim_chance(sim, sim->options.faults.short_recv))
    most = 1 + evnet_sim_below(sim, most);
  return most;
}

static void begin_batch(struct sim_slot *slot) {
  slot->share_batch = true;
  slot->owner->batching = slot;
  struct sim_datagram **end = &slot->batch;
  for (uint32_t left = batch_of(slot); left > 0; left--) {
    *end = sim_udp_pop(slot->udp);
    end = &(*end)->next;
  }
}

void sim_datagram_drop(struct sim_slot *slot) {
  if (slot->owner->batching == slot) slot->owner->batching = NULL;
  while (slot->batch != NULL) {
    struct sim_datagram *next = slot->batch->next;
    free(slot->batch);
    slot->batch = next;
  }
}

static void complete_datagram(struct sim_slot *slot, int64_t result, struct evnet_completion *out) {
  struct evnet_sim *sim = slot->owner->sim;
  // A batch is reported completely, so only its last datagram may end receiving.
  if (slot->batch == NULL && result >= 0 && evnet_sim_chance(sim, sim->options.faults.one_shot))
    slot->receiving = false;
  *out = (struct evnet_completion){.handle = slot->handle,
                                   .op = EVNET_OP_DATAGRAM,
                                   .more = slot->receiving || slot->batch != NULL,
                                   .result = result};
  evnet_sim_note(sim, out->more ? "DATAGRAM" : "DATAGRAM, no more", slot->owner->index,
                 sim_slot_id(slot), result);
}

// Fails with an error that lasts. Starting again without a pause would spin.
static bool fails_to_receive(struct sim_slot *slot, struct evnet_completion *out) {
  struct evnet_sim *sim = slot->owner->sim;
  if (slot->udp->peer.size > 0 || !evnet_sim_chance(sim, sim->options.faults.receive_failure))
    return false;
  slot->receiving = false;
  slot->failed = true;
  slot->failed_at_ns = sim->now_ns;
  complete_datagram(slot, -ENOMEM, out);
  return true;
}

void sim_datagram_starts(struct sim_slot *slot) {
  const struct evnet_sim *sim = slot->owner->sim;
  if (slot->failed && sim->now_ns < slot->failed_at_ns + PAUSE_NS)
    evnet_sim_fail(slot->udp->sim, "receiving starts again %llu ns after it has failed",
                   (unsigned long long)(sim->now_ns - slot->failed_at_ns));
  slot->failed = false;
}

static void tell_next(struct sim_slot *slot, struct evnet_completion *out) {
  struct sim_poller *self = slot->owner;
  struct sim_datagram *datagram = slot->batch;
  slot->batch = datagram->next;
  if (slot->batch == NULL) self->batching = NULL;
  const uint32_t size = datagram->size < self->datagram_max ? datagram->size : self->datagram_max;
  if (size > 0) memcpy(self->recv->bytes, datagram->data, size);
  self->lease_bytes = size;
  self->peer = datagram->from;
  complete_datagram(slot, size, out);
  out->data = self->recv->bytes;
  out->truncated = size < datagram->size;
  out->peer = &self->peer;
  if (sim_udp_tells_local(slot->udp)) {
    self->local = datagram->to;
    if (sim_group_is(&self->local)) sim_address_set_udp(&self->local, INADDR_LOOPBACK, 0);
    self->local.socket.ip4.sin_port = 0;
    out->local = &self->local;
  }
  const struct evnet_sim_udp_news news = {.event = EVNET_SIM_UDP_TOLD,
                                          .from = &datagram->from,
                                          .to = &datagram->to,
                                          .data = self->recv->bytes,
                                          .size = size,
                                          .truncated = out->truncated};
  self->sim->udp_stats.told++;
  tell_watch(slot->udp, news);
  free(datagram);
}

static bool can_tell_room(const struct sim_slot *slot) {
  return slot->awaits_room && !slot->share_send && sim_udp_has_room(slot->udp);
}

static bool can_receive(const struct sim_slot *slot) {
  return slot->receiving && !slot->share_batch && (slot->udp->waiting > 0 || slot->udp->error != 0);
}

bool sim_datagram_has_work(const struct sim_slot *slot) {
  return slot->batch != NULL || can_tell_room(slot) || can_receive(slot);
}

bool sim_datagram_step(struct sim_slot *slot, struct evnet_completion *out) {
  if (can_tell_room(slot)) {
    slot->awaits_room = false;
    slot->share_send = true;
    *out = (struct evnet_completion){.handle = slot->handle, .op = EVNET_OP_SEND};
    evnet_sim_note(slot->owner->sim, "SEND of room", slot->owner->index, sim_slot_id(slot), 0);
    return true;
  }
  if (slot->batch == NULL) {
    if (!can_receive(slot)) return false;
    if (slot->udp->error != 0) {
      slot->share_batch = true;
      complete_datagram(slot, take_error(slot->udp), out);
      if (has_errors_by_address(slot)) {
        slot->owner->peer = slot->udp->error_to;
        out->peer = &slot->owner->peer;
      }
      return true;
    }
    if (fails_to_receive(slot, out)) return true;
    begin_batch(slot);
  }
  tell_next(slot, out);
  return true;
}
