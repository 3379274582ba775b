// The state of the io_uring backend, shared by uring.c and uring_*.c and by nothing else. Each of
// those that others call has a header of its name.
//
// An operation is in flight until its last completion: while a handle has one, its slot and its
// descriptor stay. So detach cancels, waits, and only then closes: close(2) alone would leave a
// recv, and with it the connection, alive.
//
//   attach --> in_flight = 0 --arm--> in_flight > 0 --detach: cancel--> ... --> in_flight = 0
//                                                                                   |
//                                                                      close, DETACH <
#ifndef EVNET_NET_POLLER_INTERNAL_URING_STATE_H_
#define EVNET_NET_POLLER_INTERNAL_URING_STATE_H_

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/assert.h"
#include "net/poller/internal/backend.h"
#include "net/poller/internal/datagram.h"
#include "net/poller/internal/descriptor_set.h"
#include "net/poller/internal/slots.h"
#include "net/poller/internal/unix_listen.h"

// A slot's flags.
enum {
  RECV_ON = 1 << 0,       // asked for by recv_start
  RECV_ARMED = 1 << 1,    // a recv is in flight
  POLLED = 1 << 2,        // receives by a call, when a poll tells that there is something
  ENDED = 1 << 3,         // the peer's end or an error was received: there is nothing more to recv
  KEPT = 1 << 4,          // a held entry was kept in this turn: those behind it stay, too
  ACCEPT_ON = 1 << 5,     // of a listener: asked for by accept_start
  EDGE = 1 << 5,          // of others: OUT is polled for changes, see uring_arm_out
  ACCEPT_ARMED = 1 << 6,  // likewise: a poll for connections is in flight
  READY_EDGE = 1 << 6,    // of others: the poll of RECV_ARMED tells changes, see on_datagrams
  LISTENER = 1 << 7,
  LISTED = 1 << 8,  // on `starved` or on `finished`
  DETACHED = 1 << 9,
  HANGUP_TOLD = 1 << 10,
  WATCHED = 1 << 11,      // a poll for hang-ups is in flight
  FLYING = 1 << 12,       // a send of lent memory is in flight: slot->flight
  OUT_ARMED = 1 << 13,    // a poll for send_start, or a connect, is in flight
  DEAD = 1 << 14,         // a hang-up came while data stood in front of the end
  CANCEL_OWED = 1 << 15,  // a stop or a detach found no place for a cancel
};

// What a completion is of, in the top 8 bits of user_data; then 32 of generation and 24 of index.
enum tag {
  TAG_RECV = 1,
  TAG_READY,   // of a POLLED one: a poll
  TAG_ACCEPT,  // of a listener: a poll
  TAG_SEND,    // comes only of a send that failed or was cut short
  TAG_OUT,
  TAG_HANGUP,
  TAG_CANCEL,
  TAG_WAKE,
};

enum {
  SUBMISSIONS = 1024,
  COMPLETIONS = 8192,  // what does not fit the kernel keeps (IORING_FEAT_NODROP)
  BUFFER_BYTES = 16 << 10,
  BUFFERS = 256,                 // a power of two: 4 MiB in all
  POLLED_LEAVE_BYTES = 4 << 10,  // a POLLED socket that receives so little goes back to buffers
  BUFFER_GROUP = 0,
  ARENA_BYTES = 1 << 20,
  FLIGHTS = 1024,
  SHARES = 1024,           // a power of two
  HELD_MAX = 2 * BUFFERS,  // each buffer, and an end behind each
  KEPT_MAX = BUFFERS / 2,  // buffers of sockets that are stopped
};

_Static_assert(FLIGHTS < UINT16_MAX, "every flight may be of the same buffer");
_Static_assert(BUFFERS + 1 < 1 << 9, "slot->held counts a slot's: all buffers, and an end");

// The buffers that the kernel receives into.
struct buffers {
  struct io_uring_buf_ring *ring;  // mapped; the kernel takes buffers from it
  uint8_t *memory;                 // reserved pages: those that are never filled cost nothing
  uint32_t bytes;                  // of one
  uint16_t users[BUFFERS];         // sends in flight from it, and 1 while it is the current lease
};

// Where lent bytes lie: buffer of `buffers`, or BUFFERS + arena.
typedef uint16_t lender_t;
enum { LENDER_NONE = 0xffff };

// A send of lent memory. The kernel runs it while it takes it off the queue, and posts a completion
// only if it could not send all: without one, a flight that was taken off the queue has landed
// well.
struct flight {
  const uint8_t *data;
  size_t size;
  int64_t result;     // size, or what the completion said
  uint32_t slot;      // index
  uint32_t position;  // in the submission queue: taken off when the queue's head has reached it
  lender_t lender;    // that keeps the bytes until SEND has been told
};

// Received, and held back for a later turn.
struct held {
  struct evnet_handle handle;
  int32_t result;
  uint16_t buffer;
};

struct uring {
  struct evnet_poller poller;  // first: the public handle points here
  const struct evnet_allocator *allocator;
  struct io_uring ring;
  bool ring_open;
  int wake_fd;
  bool wake_armed;
  bool more;  // the kernel may have had more than the last wait brought
  bool lost;  // the kernel had no memory to keep completions: EBADR of io_uring_enter(2)
  struct slots slots;
  struct descriptor_set descriptors;  // of all slots
  struct evnet_unix_listeners unix_listeners;
  struct slot_list finished;  // detached with nothing in flight; or DEAD, to be told of
  struct slot_list starved;   // waiting for a buffer to come back, or a place in the queue
  size_t recv_bytes;          // a socket's share of a turn
  struct buffers buffers;
  uint8_t *large;  // recv_bytes, which POLLED sockets receive into, one after the other
  struct evnet_datagrams *datagrams;  // made with the first datagram socket
  struct evnet_datagram_options datagram_options;

  // What the last completion lent: given back when the next one is asked for.
  lender_t lease;   // a buffer with received bytes
  lender_t landed;  // of the flight told last, which may have left a rest there

  // Two arenas of scratch, in turn by turn, so that what a flight left in one can be told while the
  // other is filled; and one scratch behind them, which is not lent.
  uint8_t *arenas;
  uint32_t arena_users[2];  // flights from each
  uint32_t arena;           // the one in use
  uint32_t arena_offset;    // of its first byte that is free

  struct flight flights[FLIGHTS];  // a ring, in the order of the submission queue
  uint32_t flight_first;
  uint32_t flight_count;
  uint32_t flights_landed;  // the first so many: their SEND can be told

  struct held held[HELD_MAX];  // a ring
  uint32_t held_first;
  uint32_t held_count;
  uint32_t held_left;    // of those that stood when the turn began, still to be looked at
  uint32_t held_excess;  // of those, to be told though their sockets are stopped
  bool held_wanted;      // some can be told of next turn

  struct slot *accepting;  // a listener that may have more in this turn; or NULL

  // Bytes told of in this turn, by the low bits of the index: sockets that share an entry share the
  // bound, and what it keeps back comes first in the next turn.
  uint32_t share_turn[SHARES];
  uint32_t share_bytes[SHARES];
  uint32_t turn;
};

// Asserts that there is one: whoever has detached a handle does not name it again.
static inline struct slot *uring_slot_of(struct uring *uring, struct evnet_handle handle) {
  EVNET_ASSERT(handle.index < uring->slots.used);
  struct slot *slot = &uring->slots.table[handle.index];
  EVNET_ASSERT(slot->generation == handle.generation && !(slot->flags & DETACHED));
  return slot;
}

// user_data: what the completion is of, and for which slot.
static inline uint64_t uring_token(const struct uring *uring, const struct slot *slot,
                                   enum tag tag) {
  return (uint64_t)tag << 56 | (uint64_t)slot->generation << 24 | slot_index(&uring->slots, slot);
}

static inline enum tag uring_tag(const struct io_uring_cqe *cqe) {
  return (enum tag)(cqe->user_data >> 56);
}

// What a poll says that the kernel could not run. To start such a one again could go on for ever,
// so it is told as the connection's error, as that of any other operation is.
static inline bool uring_poll_failed(int32_t result) { return result < 0 && result != -ECANCELED; }

static inline bool uring_tell(const struct uring *uring, const struct slot *slot, enum evnet_op op,
                              int64_t result, bool more, struct evnet_completion *out) {
  *out = (struct evnet_completion){
      .handle = slot_handle(&uring->slots, slot), .op = op, .more = more, .result = result};
  return true;
}

// A recv is wanted: it tells of ends and hang-ups alike.
static inline bool uring_is_receiving(const struct slot *slot) {
  return (slot->flags & RECV_ON) && !(slot->flags & ENDED);
}

static inline void uring_list(struct uring *uring, struct slot_list *list, struct slot *slot) {
  if (slot->flags & LISTED) return;
  slot->flags |= LISTED;
  slot_list_push(&uring->slots, list, slot);
}

// Has DETACH reported once a detached slot has nothing in flight.
static inline void uring_check_finished(struct uring *uring, struct slot *slot) {
  if ((slot->flags & DETACHED) && slot->in_flight == 0) uring_list(uring, &uring->finished, slot);
}

#endif  // EVNET_NET_POLLER_INTERNAL_URING_STATE_H_
