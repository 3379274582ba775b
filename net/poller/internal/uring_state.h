// The state of the io_uring backend, shared by uring.c and uring_*.c only. Each uring_*.c whose
// functions are called by others has a header of the same name.
//
// An operation is in flight until its last completion. While a handle has an operation in flight,
// its slot and its descriptor stay. Therefore detach cancels, waits, and only then closes: close(2)
// alone would leave a recv, and with it the connection, alive.
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
#include <sys/epoll.h>

#include "net/base/assert.h"
#include "net/poller/internal/backend.h"
#include "net/poller/internal/datagram.h"
#include "net/poller/internal/descriptor_set.h"
#include "net/poller/internal/slots.h"
#include "net/poller/internal/unix_listen.h"
#include "net/poller/internal/watches.h"

// A slot's flags.
enum {
  RECV_ON = 1 << 0,       // recv_start was called
  RECV_ARMED = 1 << 1,    // a recv is in flight
  POLLED = 1 << 2,        // receives by recv(2) when a poll reports data
  ENDED = 1 << 3,         // EOF or an error was received; nothing follows
  KEPT = 1 << 4,          // a held entry was kept in this turn; later entries stay, too
  ACCEPT_ON = 1 << 5,     // a listener: accept_start was called
  EDGE = 1 << 5,          // others: OUT is polled for changes, see uring_arm_out
  ACCEPT_ARMED = 1 << 6,  // a listener: a poll for connections is in flight
  READY_EDGE = 1 << 6,    // others: RECV_ARMED's poll reports changes, see on_datagrams
  LISTENER = 1 << 7,
  LISTED = 1 << 8,  // on `starved` or on `finished`
  DETACHED = 1 << 9,
  HANGUP_TOLD = 1 << 10,  // HANGUP was reported, or is not to be reported
  WATCHED = 1 << 11,      // a poll for hang-ups is in flight
  FLYING = 1 << 12,       // a send of lent memory is in flight: slot->flight
  OUT_ARMED = 1 << 13,    // a poll for send_start, or a connect, is in flight
  DEAD = 1 << 14,         // a hang-up came while data before EOF was unread
  CANCEL_OWED = 1 << 15,  // a stop or a detach found no free entry for a cancel
};

// The kind of operation that a completion belongs to. It takes the top 8 bits of user_data; then
// come 32 bits of generation and 24 bits of index.
enum tag {
  TAG_RECV = 1,
  TAG_READY,   // a poll for data of a POLLED slot
  TAG_ACCEPT,  // a poll for connections of a listener
  TAG_SEND,    // only for a send that failed or was cut short
  TAG_OUT,
  TAG_HANGUP,
  TAG_CANCEL,
  TAG_WAKE,
  TAG_WATCH,  // the poll of the watches' epoll instance
};

enum {
  SUBMISSIONS = 1024,
  COMPLETIONS = 8192,  // the kernel keeps further completions (IORING_FEAT_NODROP)
  BUFFER_BYTES = 16 << 10,
  BUFFERS = 256,  // a power of two; 4 MiB in total
  // A POLLED socket that receives at most this many bytes in one call returns to buffers.
  POLLED_LEAVE_BYTES = 4 << 10,
  BUFFER_GROUP = 0,
  ARENA_BYTES = 1 << 20,
  FLIGHTS = 1024,
  SHARES = 1024,           // a power of two
  HELD_MAX = 2 * BUFFERS,  // one entry for each buffer, and one EOF or error after each
  KEPT_MAX = BUFFERS / 2,  // buffers of stopped sockets
  WATCH_EVENTS_MAX = 128,  // watches reported in a turn
};

_Static_assert(FLIGHTS < UINT16_MAX, "every flight may be of the same buffer");
_Static_assert(BUFFERS + 1 < 1 << 9, "slot->held counts a slot's: all buffers, and an end");

// The buffers into which the kernel receives.
struct buffers {
  struct io_uring_buf_ring *ring;  // mapped; the kernel takes buffers from it
  uint8_t *memory;                 // reserved pages, which cost nothing until they are filled
  uint32_t bytes;                  // of one buffer
  uint16_t users[BUFFERS];         // sends in flight from it, plus 1 while it is the current lease
};

// Identifies the memory that lent bytes are in: a buffer of `buffers`, or BUFFERS + arena.
typedef uint16_t lender_t;
enum { LENDER_NONE = 0xffff };

// A send of lent memory. The kernel runs it when it takes the entry off the queue. The kernel posts
// a completion only if it did not send all bytes. Without a completion, a flight that was taken off
// the queue has succeeded.
struct flight {
  const uint8_t *data;
  size_t size;
  int64_t result;     // size, or the completion's result
  uint32_t slot;      // its index
  uint32_t position;  // taken off the submission queue once its head reaches this
  lender_t lender;    // keeps the bytes until SEND has been reported
};

// Something received that is held back for a later turn.
struct held {
  struct evnet_handle handle;
  int32_t result;
  uint16_t buffer;
};

// Watched descriptors, see uring_watch.c.
struct uring_watching {
  struct watches watches;
  bool is_open;  // epoll_fd exists
  int epoll_fd;
  bool armed;  // a poll of epoll_fd is in flight
  int event_count;
  int event_next;  // the first event that next has not looked at
  struct epoll_event events[WATCH_EVENTS_MAX];
};

// The descriptor for another event loop, see uring_loop.c.
struct uring_loop {
  bool is_open;
  int epoll_fd;
  int event_fd;  // registered with the ring
};

struct uring {
  struct evnet_poller poller;  // first: the public handle points here
  const struct evnet_allocator *allocator;
  struct io_uring ring;
  bool ring_open;
  int wake_fd;
  bool wake_armed;
  bool more;  // the kernel may have more than the last wait returned
  bool lost;  // the kernel had no memory to keep completions: EBADR of io_uring_enter(2)
  struct slots slots;
  struct descriptor_set descriptors;  // of all slots
  struct evnet_unix_listeners unix_listeners;
  struct slot_list finished;  // detached with nothing in flight, or DEAD with a hang-up to report
  struct slot_list starved;   // waits for a free buffer, or for a free entry in the queue
  size_t recv_bytes;          // the most one socket receives in a turn
  struct buffers buffers;
  uint8_t *large;  // recv_bytes; POLLED sockets receive into it, one after the other
  struct evnet_datagrams *datagrams;  // created with the first datagram socket
  struct evnet_datagram_options datagram_options;

  // Memory that the last completion lent. It is given back when next is called again.
  lender_t lease;   // a buffer with received bytes
  lender_t landed;  // of the flight reported last, which may have left unsent bytes there

  // Two arenas of scratch, used in alternate turns, so that bytes left by a flight in one can be
  // reported while the other is filled. One scratch block follows them; it is never lent.
  uint8_t *arenas;
  uint32_t arena_users[2];  // flights from each
  uint32_t arena;           // the one in use
  uint32_t arena_offset;    // of its first free byte

  struct flight flights[FLIGHTS];  // a ring, in the order of the submission queue
  uint32_t flight_first;
  uint32_t flight_count;
  uint32_t flights_landed;  // the first ones, whose SEND can be reported

  struct held held[HELD_MAX];  // a ring
  uint32_t held_first;
  uint32_t held_count;
  uint32_t held_left;    // entries from before this turn that are still to be checked
  uint32_t held_excess;  // the number of them to report although their sockets are stopped
  bool held_wanted;      // some entries can be reported in the next turn

  struct uring_watching watching;
  struct uring_loop loop;

  struct slot *accepting;  // a listener that may have more connections in this turn, or NULL

  // Bytes reported in this turn, by the low bits of the slot's index. Sockets that share an entry
  // share the limit. Bytes that it holds back are reported first in the next turn.
  uint32_t share_turn[SHARES];
  uint32_t share_bytes[SHARES];
  uint32_t turn;
};

// Asserts that the handle is attached, because callers do not use a handle after detaching it.
static inline struct slot *uring_slot_of(struct uring *uring, struct evnet_handle handle) {
  EVNET_ASSERT(handle.index < uring->slots.used);
  struct slot *slot = &uring->slots.table[handle.index];
  EVNET_ASSERT(slot->generation == handle.generation && !(slot->flags & DETACHED));
  return slot;
}

// Returns user_data for an operation of a slot.
static inline uint64_t uring_token(const struct uring *uring, const struct slot *slot,
                                   enum tag tag) {
  return (uint64_t)tag << 56 | (uint64_t)slot->generation << 24 | slot_index(&uring->slots, slot);
}

static inline enum tag uring_tag(const struct io_uring_cqe *cqe) {
  return (enum tag)(cqe->user_data >> 56);
}

// Whether a poll's result says that the kernel could not run it. Such a poll is not armed again,
// because it could fail forever. The error is reported as the connection's error, like that of any
// other operation.
static inline bool uring_poll_failed(int32_t result) { return result < 0 && result != -ECANCELED; }

static inline bool uring_tell(const struct uring *uring, const struct slot *slot, enum evnet_op op,
                              int64_t result, bool more, struct evnet_completion *out) {
  *out = (struct evnet_completion){
      .handle = slot_handle(&uring->slots, slot), .op = op, .more = more, .result = result};
  return true;
}

// Whether a recv is armed or will be. A recv reports EOF and hang-ups, too.
static inline bool uring_is_receiving(const struct slot *slot) {
  return (slot->flags & RECV_ON) && !(slot->flags & ENDED);
}

static inline void uring_list(struct uring *uring, struct slot_list *list, struct slot *slot) {
  if (slot->flags & LISTED) return;
  slot->flags |= LISTED;
  slot_list_push(&uring->slots, list, slot);
}

// Lets DETACH be reported once a detached slot has nothing in flight.
static inline void uring_check_finished(struct uring *uring, struct slot *slot) {
  if ((slot->flags & DETACHED) && slot->in_flight == 0) uring_list(uring, &uring->finished, slot);
}

#endif  // EVNET_NET_POLLER_INTERNAL_URING_STATE_H_
