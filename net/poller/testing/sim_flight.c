// Sends in flight, and the blocks of memory that they send from.
//
// A block is in use while it is the lease, the scratch or the source of a flight. When its last
// user releases it, the block is made unreadable.
#include "net/poller/testing/sim_flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_socket.h"

enum { POISON = 0xdd };

static size_t block_bytes(const struct sim_poller *self) {
  return self->recv_max > EVNET_POLLER_SCRATCH_BYTES ? self->recv_max : EVNET_POLLER_SCRATCH_BYTES;
}

struct sim_block *sim_block_take(struct sim_poller *self) {
  struct sim_block *block = self->blocks;
  while (block != NULL && block->users > 0) block = block->next;
  if (block == NULL) {
    block = calloc(1, sizeof *block);
    EVNET_ASSERT(block != NULL);
    block->bytes = malloc(block_bytes(self));
    EVNET_ASSERT(block->bytes != NULL);
    block->next = self->blocks;
    self->blocks = block;
  }
  block->users = 1;
  return block;
}

void sim_block_release(struct sim_poller *self, struct sim_block *block) {
  if (block != NULL && --block->users == 0) memset(block->bytes, POISON, block_bytes(self));
}

// Returns the block that a piece is in, if the block may be lent to a flight.
static struct sim_block *lender_of(const struct sim_poller *self, const struct iovec *piece) {
  const uint8_t *first = piece->iov_base;
  const uint8_t *lease = self->recv->bytes;
  const uint8_t *scratch = self->scratch->bytes;
  if (piece->iov_len == 0) return NULL;
  if (first >= scratch && first + piece->iov_len <= scratch + EVNET_POLLER_SCRATCH_BYTES)
    return self->scratch;
  bool is_leased = first >= lease && first + piece->iov_len <= lease + self->lease_bytes;
  return is_leased ? self->recv : NULL;
}

bool sim_flight_launch(struct sim_slot *slot, const struct iovec *piece) {
  struct sim_poller *self = slot->owner;
  struct sim_block *lender = lender_of(self, piece);
  if (lender == NULL || !evnet_sim_chance(self->sim, self->sim->options.faults.flights))
    return false;
  const struct evnet_send send = {.pieces = piece, .count = 1};
  slot->flight =
      (struct sim_flight){.piece = *piece, .block = lender, .hash = sim_slot_hash_send(&send)};
  lender->users++;
  if (lender == self->scratch) {
    sim_block_release(self, lender);
    self->scratch = sim_block_take(self);
  }
  evnet_sim_note(self->sim, "flies", self->index, sim_slot_id(slot), (int64_t)piece->iov_len);
  return true;
}

static void check_flight(const struct sim_slot *slot) {
  const struct evnet_send send = {.pieces = &slot->flight.piece, .count = 1};
  if (sim_slot_hash_send(&send) != slot->flight.hash)
    evnet_sim_fail(slot->owner->sim, "bytes in flight changed before their SEND");
}

void sim_flight_fly(struct sim_slot *slot) {
  struct sim_flight *flight = &slot->flight;
  if (flight->piece.iov_len == 0 || flight->flown) return;
  check_flight(slot);
  flight->flown = true;
  flight->result = sim_socket_send(slot->socket, &flight->piece, 1);
  if (flight->result == -EAGAIN) flight->result = 0;
  evnet_sim_note(slot->owner->sim, "flown", slot->owner->index, sim_slot_id(slot), flight->result);
  // The kernel reports a failure. The end of the next wait reports a success.
  flight->landed = flight->result != (int64_t)flight->piece.iov_len;
}

bool sim_flight_has_landed(const struct sim_slot *slot) {
  return slot->flight.piece.iov_len > 0 && slot->flight.landed;
}

void sim_flight_complete(struct sim_slot *slot, struct evnet_completion *out) {
  struct sim_poller *self = slot->owner;
  const struct sim_flight flight = slot->flight;
  check_flight(slot);
  slot->flight = (struct sim_flight){0};
  size_t taken = flight.result > 0 ? (size_t)flight.result : 0;
  self->landed = flight.block;  // the next call releases it
  *out = (struct evnet_completion){
      .handle = slot->handle,
      .op = EVNET_OP_SEND,
      .result = flight.result,
      .data = (const uint8_t *)flight.piece.iov_base + taken,
      .rest = flight.piece.iov_len - taken,
  };
  evnet_sim_note(self->sim, "SEND of a flight", self->index, sim_slot_id(slot), flight.result);
}
