// Readiness turned into completions, for epoll and kqueue alike: what a short read proves, how an
// end is found behind the data in front of it, what a blocked send waits for, how accepting pauses.
// It knows sockets and edges, not the reactor, and not which kernel reports the edges.
//
// A slot is one attached descriptor. Its flags remember each edge until it has been used up, so
// operations may be stopped and started without a system call and without missing what came in
// between:
//
//              an edge                  started
//   (nothing) ---------> READABLE --------------------> worth a step: recv(2), in next
//                           ^        RECV_ON                   |
//                           |                                  +--> bytes: a RECV completion
//                           +-- the share is used up, or ------+
//                               an end is behind the bytes     |
//                                                              +--> EAGAIN, or a short read:
//                                                                   READABLE is cleared, and the
//                                                                   next edge sets it
//
// A turn takes each slot once: those that an event names, then those kept from the last turn on the
// `now` list. A slot taken is stepped until it has nothing more to do or has had its share of the
// turn: recv_bytes_max bytes, one send, ACCEPTS_PER_TURN tries, one batch of datagrams. What that
// leaves goes on `later`, which is the next turn's `now`; wait does not block while it is not
// empty. A slot is on at most one of: `now`, `later`, the free list, or being `current`.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/base/assert.h"
#include "net/base/clock.h"
#include "net/poller/internal/datagram.h"
#include "net/poller/internal/multicast.h"
#include "net/poller/internal/readiness.h"
#include "net/poller/internal/slots.h"
#include "net/poller/internal/socket.h"

enum {
  READABLE = 1 << 0,  // an edge came and no read has shown that it is used up
  WRITABLE = 1 << 1,  // the same for sends
  ENDING = 1 << 2,  // an end, hang-up or error is behind the data: read on to it, whatever a short
                    // read says
  DEAD = 1 << 3,    // a hang-up or error came: reported even while recv is stopped
  URGENT = 1 << 4,  // out-of-band data split a read: read on to EAGAIN
  RECV_ON = 1 << 5,
  ACCEPT_ON = 1 << 6,
  LISTENER = 1 << 7,
  LISTED = 1 << 8,    // on `now` or `later`
  DETACHED = 1 << 9,  // only its last completions are to come
  HANGUP_TOLD = 1 << 10,
  OUT_WATCHED = 1 << 11,  // not TCP: the kernel reports writability, because a send is blocked
};

enum {
  EVENTS_MAX = 512,
  ACCEPTS_PER_TURN = 128,
};

struct ready {
  struct evnet_poller poller;  // first: the public handle points here
  const struct evnet_readiness_ops *kernel;
  void *kernel_state;
  const struct evnet_allocator *allocator;

  struct slots slots;
  struct evnet_unix_listeners unix_listeners;
  struct slot_list now;
  struct slot_list later;
  struct slot *current;  // has more to do in this turn, at once; or NULL

  // What the slot taken last has had of its share of this turn.
  size_t share_bytes;
  bool share_send;
  int share_accepts;
  int share_accept_failures;  // since its last success
  bool share_datagrams;

  int event_count;
  int event_next;
  struct evnet_address peer;  // of the last ACCEPT
  uint8_t *recv_block;        // one for all: read lazily, in next, so only one is ever in use
  size_t recv_bytes;
  uint8_t *scratch;
  struct evnet_datagrams *datagrams;  // made with the first datagram socket
  struct evnet_datagram_options datagram_options;
  struct evnet_ready_event events[EVENTS_MAX];
};

static struct ready *ready_of(struct evnet_poller *poller) { return (struct ready *)poller; }

static void enqueue(struct ready *ready, struct slot_list *list, struct slot *slot) {
  if ((slot->flags & LISTED) || ready->current == slot) return;
  slot->flags |= LISTED;
  slot_list_push(&ready->slots, list, slot);
}

// Lets the slot being stepped go on in this turn, unless it waits for the next one already.
static void go_on(struct ready *ready, struct slot *slot) {
  if (!(slot->flags & LISTED)) ready->current = slot;
}

// Slots

static struct slot *slot_of(struct ready *ready, struct evnet_handle handle) {
  EVNET_ASSERT(handle.index < ready->slots.used);
  struct slot *slot = &ready->slots.table[handle.index];
  EVNET_ASSERT(slot->generation == handle.generation && !(slot->flags & DETACHED));
  return slot;
}

static uint64_t token_of(const struct ready *ready, const struct slot *slot) {
  return (uint64_t)slot->generation << 32 | slot_index(&ready->slots, slot);
}

static int slot_open(struct ready *ready, int descriptor, enum evnet_transport transport,
                     uint16_t flags, uint32_t interest, struct evnet_handle *out_handle) {
  struct slot *slot = slots_acquire(&ready->slots);
  if (slot == NULL) return -ENOBUFS;
  int status = ready->kernel->add(ready->kernel_state, descriptor, token_of(ready, slot), interest);
  if (status < 0) {
    slots_release(&ready->slots, slot);
    return status;
  }
  slot->descriptor = descriptor;
  slot->flags = flags;
  slot->transport = (uint32_t)transport & 3u;
  slot->send = NULL;
  *out_handle = slot_handle(&ready->slots, slot);
  return 0;
}

// A write event costs Unix sockets a wake-up for every message that the peer takes, so they ask for
// it only while a send is blocked. TCP reports it only after a send was refused, and registers
// once.
static int watch_writes(struct ready *ready, struct slot *slot, bool on) {
  if (slot->transport == EVNET_TRANSPORT_TCP || !(slot->flags & OUT_WATCHED) == !on) return 0;
  int status = ready->kernel->change(ready->kernel_state, slot->descriptor, token_of(ready, slot),
                                     on ? EVNET_READY_IN | EVNET_READY_OUT : EVNET_READY_IN);
  if (status == 0) slot->flags ^= OUT_WATCHED;
  return status;
}

// Steps: each tries one operation and returns whether it made a completion.

static bool complete(const struct ready *ready, const struct slot *slot, enum evnet_op op,
                     int64_t result, bool more, struct evnet_completion *out) {
  *out = (struct evnet_completion){
      .handle = slot_handle(&ready->slots, slot), .op = op, .more = more, .result = result};
  return true;
}

static bool step_detached(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (slot->send != NULL) {
    slot->send = NULL;
    go_on(ready, slot);
    return complete(ready, slot, EVNET_OP_SEND, -ECANCELED, false, out);
  }
  complete(ready, slot, EVNET_OP_DETACH, 0, false, out);
  slots_release(&ready->slots, slot);
  return true;
}

static bool step_accept(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  while ((slot->flags & ACCEPT_ON) && (slot->flags & READABLE)) {
    if (ready->share_accepts == ACCEPTS_PER_TURN) {
      enqueue(ready, &ready->later, slot);
      return false;
    }
    ready->share_accepts++;
    int descriptor = evnet_socket_accept(slot->descriptor, &ready->peer);
    if (descriptor == -EAGAIN) {
      slot->flags &= (uint16_t)~READABLE;
    } else if (descriptor >= 0) {
      ready->peer.transport = (enum evnet_transport)slot->transport;
      ready->peer.dual_stack = false;
      if (slot->transport == EVNET_TRANSPORT_UNIX) {
        evnet_unix_accepted(&ready->unix_listeners, slot->descriptor, descriptor);
      }
      ready->share_accept_failures = 0;
      go_on(ready, slot);
      complete(ready, slot, EVNET_OP_ACCEPT, descriptor, true, out);
      out->peer = &ready->peer;
      return true;
    } else if (evnet_socket_accept_error_is_lasting(descriptor) ||
               ++ready->share_accept_failures == ACCEPTS_PER_TURN) {
      // A turn of nothing but failures: a security module refuses every accept, say, and to pass
      // over that would spin. READABLE stays: the edge is not used up, and accept_start will try at
      // once.
      slot->flags &= (uint16_t)~ACCEPT_ON;
      return complete(ready, slot, EVNET_OP_ACCEPT, descriptor, false, out);
    }
  }
  return false;
}

static bool step_send(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int64_t sent = evnet_socket_send_started(slot->descriptor, slot->send);
  if (sent == -EAGAIN) {
    slot->flags &= (uint16_t)~WRITABLE;
    int status = watch_writes(ready, slot, true);
    if (status == 0) return false;
    sent = status;  // it would never be tried again
  }
  slot->send = NULL;
  ready->share_send = true;
  (void)watch_writes(ready, slot, false);
  go_on(ready, slot);
  return complete(ready, slot, EVNET_OP_SEND, sent, false, out);
}

static bool step_recv(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  size_t share = ready->recv_bytes - ready->share_bytes;
  bool split = false;  // more may stand behind a short read
  int64_t got = slot->transport == EVNET_TRANSPORT_UNIX
                    ? evnet_socket_recv_unix(slot->descriptor, ready->recv_block, share, &split)
                    : evnet_socket_recv(slot->descriptor, ready->recv_block, share);
  if (got == -EAGAIN) {
    slot->flags &= (uint16_t) ~(READABLE | URGENT);
    return false;
  }
  if (got <= 0) {
    slot->flags &= (uint16_t) ~(READABLE | RECV_ON);
    if (got < 0) slot->flags |= HANGUP_TOLD;
    if (slot->flags & DEAD)
      go_on(ready, slot);  // recv is no longer armed, and more than the end came
    return complete(ready, slot, EVNET_OP_RECV, got, false, out);
  }
  ready->share_bytes += (size_t)got;
  if ((size_t)got == share) {
    enqueue(ready, &ready->later, slot);
  } else if (!split && !(slot->flags & (ENDING | URGENT))) {
    // The queue was empty when the kernel returned less than asked, and what comes later makes an
    // edge. Not with out-of-band data, which cuts a read.
    slot->flags &= (uint16_t)~READABLE;
  } else {
    go_on(ready, slot);
  }
  complete(ready, slot, EVNET_OP_RECV, got, true, out);
  out->data = ready->recv_block;
  return true;
}

// Nobody is reading, so nobody would see that the connection is dead. A mere end of the peer's side
// is not told: data may stand in front of it.
static bool step_hangup(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int status = evnet_socket_take_error(slot->descriptor);
  if (status == 0) status = evnet_socket_peek_end(slot->descriptor);
  if (status == -EAGAIN) return false;
  slot->flags |= HANGUP_TOLD;
  return complete(ready, slot, EVNET_OP_HANGUP, status, false, out);
}

// A datagram socket. What a batch holds is told before anything else of the turn, as there is one
// place for it; its socket stays `current` until then.
static bool step_datagrams(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (slot->send != NULL && (slot->flags & WRITABLE)) {
    slot->send = NULL;
    (void)watch_writes(ready, slot, false);
    go_on(ready, slot);
    return complete(ready, slot, EVNET_OP_SEND, 0, false, out);
  }
  if (evnet_datagrams_next(ready->datagrams, out)) {
    go_on(ready, slot);
    return true;
  }
  if (!(slot->flags & RECV_ON) || !(slot->flags & READABLE)) return false;
  if (ready->share_datagrams) {
    enqueue(ready, &ready->later, slot);
    return false;
  }
  ready->share_datagrams = true;
  bool more;
  int status = evnet_datagrams_receive(ready->datagrams, slot->descriptor,
                                       slot_handle(&ready->slots, slot), &more);
  // A batch that was not filled has emptied the socket, and what comes later makes an edge.
  if (status == -EAGAIN || (status > 0 && !more)) slot->flags &= (uint16_t)~READABLE;
  if (status == -EAGAIN) return false;
  go_on(ready, slot);
  if (status < 0) return complete(ready, slot, EVNET_OP_DATAGRAM, status, true, out);
  return evnet_datagrams_next(ready->datagrams, out);
}

static void close_descriptor(struct ready *ready, struct slot *slot) {
  if (slot->descriptor < 0) return;
  // Before close: a duplicate of the descriptor would keep the registration, and its events, alive
  // (epoll(7)).
  ready->kernel->remove(ready->kernel_state, slot->descriptor);
  (void)close(slot->descriptor);
  slot->descriptor = -1;
}

static bool step_connect(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  int status = slot->connect_status;
  if (slot->connect == SLOT_CONNECTING && (slot->flags & WRITABLE)) {
    status = evnet_socket_connect_result(slot->descriptor);
    // With what it told of what is not there yet. The true one makes a new edge.
    if (status == -EINPROGRESS) slot->flags &= LISTED;
  } else if (slot->connect != SLOT_ANSWERED) {
    return false;
  }
  if (status == -EINPROGRESS) return false;
  slot->send = NULL;
  if (status < 0) {
    close_descriptor(ready, slot);
    slot->flags &= LISTED;
    slot->connect = SLOT_RESERVED;
  } else {
    slot->flags |= WRITABLE;
    slot->connect = SLOT_PLAIN;
    go_on(ready, slot);  // a hang-up may have come along
  }
  return complete(ready, slot, EVNET_OP_CONNECT, status, false, out);
}

static bool step(struct ready *ready, struct slot *slot, struct evnet_completion *out) {
  if (slot->flags & DETACHED) return step_detached(ready, slot, out);
  if (slot->connect != SLOT_PLAIN) return step_connect(ready, slot, out);
  if (slot->flags & LISTENER) return step_accept(ready, slot, out);
  if (slot->transport == EVNET_TRANSPORT_UDP) return step_datagrams(ready, slot, out);
  // Sends first: what a completed send frees, the answer to what is read next can use.
  if (slot->send != NULL && (slot->flags & WRITABLE)) {
    if (ready->share_send) {
      enqueue(ready, &ready->later, slot);
    } else if (step_send(ready, slot, out)) {
      return true;
    }
  }
  if (slot->flags & RECV_ON) return (slot->flags & READABLE) && step_recv(ready, slot, out);
  return (slot->flags & DEAD) && !(slot->flags & HANGUP_TOLD) && step_hangup(ready, slot, out);
}

// The slot that the next event is for, its flags brought up to date; NULL if there is nothing to do
// for it now.
static struct slot *take_event(struct ready *ready) {
  const struct evnet_ready_event *event = &ready->events[ready->event_next++];
  uint32_t index = (uint32_t)event->token;
  struct slot *slot = &ready->slots.table[index];
  // A descriptor detached earlier in this batch, its slot perhaps in use again.
  if (slot->generation != (uint32_t)(event->token >> 32) || (slot->flags & DETACHED)) return NULL;
  uint32_t state = event->state;
  uint32_t flags = slot->flags;
  if (state & EVNET_READY_IN) flags |= READABLE;
  if (state & EVNET_READY_OUT) flags |= WRITABLE;
  if (state & EVNET_READY_URGENT) flags |= READABLE | URGENT;
  if (state & (EVNET_READY_END | EVNET_READY_HANGUP | EVNET_READY_ERROR))
    flags |= READABLE | ENDING;
  // WRITABLE: a blocked send now fails, and has to be told.
  if (state & (EVNET_READY_HANGUP | EVNET_READY_ERROR)) flags |= WRITABLE | DEAD;
  slot->flags = (uint16_t)flags;
  return (flags & LISTED) ? NULL : slot;
}

static struct slot *take_slot(struct ready *ready) {
  if (ready->current != NULL) {
    struct slot *slot = ready->current;
    ready->current = NULL;
    return slot;
  }
  ready->share_bytes = 0;
  ready->share_send = false;
  ready->share_accepts = 0;
  ready->share_accept_failures = 0;
  ready->share_datagrams = false;
  while (ready->event_next < ready->event_count) {
    struct slot *slot = take_event(ready);
    if (slot != NULL) return slot;
  }
  struct slot *slot = slot_list_pop(&ready->slots, &ready->now);
  if (slot != NULL) slot->flags &= (uint16_t)~LISTED;
  return slot;
}

// The contract's functions

static uint64_t ready_now_ns(struct evnet_poller *poller) {
  (void)poller;
  return evnet_clock_now_ns();
}

static int create_datagrams(struct ready *ready) {
  return evnet_datagrams_create(&ready->datagram_options, &ready->datagrams);
}

static int open_datagrams(struct ready *ready, int descriptor, const char **out_refused,
                          struct evnet_handle *out_handle) {
  int status = create_datagrams(ready);
  if (status == 0) {
    status = evnet_datagrams_set_up_socket(ready->datagrams, descriptor, out_refused);
  }
  if (status < 0) return status;
  return slot_open(ready, descriptor, EVNET_TRANSPORT_UDP, WRITABLE, EVNET_READY_IN, out_handle);
}

static int ready_listen(struct evnet_poller *poller, const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_handle *out_handle) {
  struct ready *ready = ready_of(poller);
  int descriptor = evnet_socket_listen(address, options, &ready->unix_listeners);
  if (descriptor < 0) return descriptor;
  int status =
      address->transport == EVNET_TRANSPORT_UDP
          ? open_datagrams(ready, descriptor, options->out_refused, out_handle)
          : slot_open(ready, descriptor, address->transport, LISTENER, EVNET_READY_IN, out_handle);
  if (status < 0) {
    evnet_unix_release(&ready->unix_listeners, descriptor);
    (void)close(descriptor);
  }
  return status;
}

static int ready_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                        struct evnet_handle *out_handle) {
  if (transport == EVNET_TRANSPORT_UDP)
    return open_datagrams(ready_of(poller), descriptor, NULL, out_handle);
  uint32_t interest = EVNET_READY_IN;
  if (transport == EVNET_TRANSPORT_TCP) interest |= EVNET_READY_OUT;
  evnet_socket_attach(descriptor);
  return slot_open(ready_of(poller), descriptor, transport, WRITABLE, interest, out_handle);
}

static int ready_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                         struct evnet_handle *out_handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slots_reserve(&ready->slots, transport);
  if (slot == NULL) return -ENOBUFS;
  *out_handle = slot_handle(&ready->slots, slot);
  return 0;
}

// Returns what connect(2) came to so far; the slot has a descriptor then, unless that is an error.
static int begin_connect(struct ready *ready, struct slot *slot,
                         const struct evnet_address *address,
                         const struct evnet_connect_options *options) {
  int status = slot->transport == EVNET_TRANSPORT_UDP ? create_datagrams(ready) : 0;
  if (status < 0) return status;
  int connected;
  int descriptor = evnet_socket_connect(address, options, &connected);
  if (descriptor < 0) return descriptor;
  uint32_t interest = EVNET_READY_IN;
  if (slot->transport == EVNET_TRANSPORT_TCP) interest |= EVNET_READY_OUT;
  if (slot->transport == EVNET_TRANSPORT_UDP)
    status = evnet_datagrams_set_up_socket(ready->datagrams, descriptor, NULL);
  // Not before connect(2): a socket that has not begun is reported as hung up (Linux).
  if (status == 0)
    status = ready->kernel->add(ready->kernel_state, descriptor, token_of(ready, slot), interest);
  if (status < 0) {
    (void)close(descriptor);
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

static void ready_connect(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct evnet_address *address,
                          const struct evnet_connect_options *options) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  EVNET_ASSERT(slot->connect == SLOT_RESERVED);
  EVNET_ASSERT(slot->transport == (uint32_t)address->transport);
  int status = begin_connect(ready, slot, address, options);
  if (status == -EINPROGRESS) {
    slot->connect = SLOT_CONNECTING;
  } else {
    answer_connect(ready, slot, status);
  }
}

static void ready_connect_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  if (slot->connect != SLOT_CONNECTING) return;
  close_descriptor(ready, slot);
  answer_connect(ready, slot, -ECANCELED);
}

static void ready_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  (void)poller;
  evnet_socket_reset_on_close(descriptor);
  (void)close(descriptor);
}

static void ready_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  if (slot->connect != SLOT_PLAIN) {
    slot->send = NULL;  // there is none: connect_status is in its place
    slot->connect = SLOT_PLAIN;
  } else if (slot->transport == EVNET_TRANSPORT_UDP) {
    evnet_datagrams_drop(ready->datagrams, handle);
  }
  if (slot->flags & LISTENER) evnet_unix_release(&ready->unix_listeners, slot->descriptor);
  close_descriptor(ready, slot);
  slot->flags |= DETACHED;
  enqueue(ready, &ready->now, slot);
}

static void ready_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  if (slot->descriptor >= 0) evnet_socket_reset_on_close(slot->descriptor);
  ready_detach(poller, handle);
}

static void ready_accept_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags |= ACCEPT_ON;
  if (slot->flags & READABLE) enqueue(ready, &ready->later, slot);
}

static void ready_accept_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  slot_of(ready_of(poller), handle)->flags &= (uint16_t)~ACCEPT_ON;
}

static void ready_recv_start(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags |= RECV_ON;
  if (slot->flags & READABLE) enqueue(ready, &ready->later, slot);
}

static void ready_recv_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  slot->flags &= (uint16_t)~RECV_ON;
  if (slot->flags & DEAD) enqueue(ready, &ready->later, slot);
}

static int64_t ready_send(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct iovec *pieces, size_t count) {
  struct slot *slot = slot_of(ready_of(poller), handle);
  EVNET_DCHECK(slot->send == NULL);
  int64_t sent = evnet_socket_send(slot->descriptor, pieces, count);
  if (sent != -EAGAIN) return sent;
  // A short send proves less: only a refused one is sure to bring an event once there is room
  // again.
  slot->flags &= (uint16_t)~WRITABLE;
  return 0;
}

// Every send is over when it returns.
static size_t ready_sending_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  (void)poller;
  (void)handle;
  return 0;
}

static void ready_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                             const struct evnet_send *send) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  EVNET_ASSERT(slot->send == NULL);
  slot->send = send;
  // Without the event, step_send tries, and tells why it cannot wait.
  if (!(slot->flags & WRITABLE) && watch_writes(ready, slot, true) < 0) slot->flags |= WRITABLE;
  if (slot->flags & WRITABLE) enqueue(ready, &ready->later, slot);
}

static int64_t ready_send_datagrams(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_datagram *datagrams, size_t count) {
  struct ready *ready = ready_of(poller);
  struct slot *slot = slot_of(ready, handle);
  int64_t sent = evnet_datagrams_send(ready->datagrams, slot->descriptor, handle, datagrams, count);
  if (sent != -EAGAIN) return sent;
  slot->flags &= (uint16_t)~WRITABLE;
  return 0;
}

static void ready_await_room(struct evnet_poller *poller, struct evnet_handle handle) {
  ready_send_start(poller, handle, &evnet_datagrams_room);
}

static uint8_t *ready_scratch(struct evnet_poller *poller) { return ready_of(poller)->scratch; }

static int ready_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle) {
  return evnet_socket_shutdown_write(slot_of(ready_of(poller), handle)->descriptor);
}

static int ready_local_address(struct evnet_poller *poller, struct evnet_handle handle,
                               struct evnet_address *out_address) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_local_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                    out_address);
}

static int ready_remote_address(struct evnet_poller *poller, struct evnet_handle handle,
                                struct evnet_address *out_address) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_remote_address(slot->descriptor, (enum evnet_transport)slot->transport,
                                     out_address);
}

static int ready_peer_credentials(struct evnet_poller *poller, struct evnet_handle handle,
                                  struct evnet_credentials *out_credentials) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_peer_credentials(slot->descriptor, (enum evnet_transport)slot->transport,
                                       out_credentials);
}

static int ready_tcp_info(struct evnet_poller *poller, struct evnet_handle handle,
                          struct evnet_tcp_info *out_info) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_tcp_info(slot->descriptor, (enum evnet_transport)slot->transport, out_info);
}

static int ready_set_option(struct evnet_poller *poller, struct evnet_handle handle,
                            enum evnet_socket_option option, int value) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_socket_set_option(slot->descriptor, (enum evnet_transport)slot->transport, option,
                                 value);
}

static int ready_set_multicast(struct evnet_poller *poller, struct evnet_handle handle,
                               const struct evnet_multicast *setting) {
  const struct slot *slot = slot_of(ready_of(poller), handle);
  return evnet_multicast_set(slot->descriptor, (enum evnet_transport)slot->transport, setting);
}

static bool ready_spreads_port(const struct evnet_poller *poller) {
  (void)poller;
  return evnet_socket_spreads_port();
}

static int ready_descriptor(struct evnet_poller *poller, struct evnet_handle handle) {
  return slot_of(ready_of(poller), handle)->descriptor;
}

static int ready_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  struct ready *ready = ready_of(poller);
  EVNET_ASSERT(ready->current == NULL && ready->event_next == ready->event_count);
  // `now` holds what was detached since the last completion.
  slot_list_append(&ready->slots, &ready->now, &ready->later);
  if (!slot_list_is_empty(&ready->now)) timeout_ns = 0;
  ready->event_next = 0;
  ready->event_count = 0;
  int count = ready->kernel->wait(ready->kernel_state, ready->events, EVENTS_MAX, timeout_ns);
  if (count < 0) return count;
  ready->event_count = count;
  return 0;
}

static bool ready_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  struct ready *ready = ready_of(poller);
  struct slot *slot;
  while ((slot = take_slot(ready)) != NULL) {
    if (step(ready, slot, out_completion)) return true;
  }
  return false;
}

static void ready_wake(struct evnet_poller *poller) {
  struct ready *ready = ready_of(poller);
  ready->kernel->wake(ready->kernel_state);
}

static void ready_destroy(struct evnet_poller *poller) {
  struct ready *ready = ready_of(poller);
  evnet_unix_release_all(&ready->unix_listeners);
  for (uint32_t i = 0; i < ready->slots.used; i++) {
    const struct slot *slot = &ready->slots.table[i];
    bool is_open = slot->descriptor >= 0 && !(slot->flags & DETACHED);
    if (is_open) (void)close(slot->descriptor);
  }
  if (ready->kernel_state != NULL) ready->kernel->close(ready->kernel_state);
  evnet_datagrams_destroy(ready->datagrams);
  evnet_release(ready->allocator, ready->scratch);
  evnet_release(ready->allocator, ready->recv_block);
  slots_deinit(&ready->slots);
  evnet_release(ready->allocator, ready);
}

static const struct evnet_poller_ops ready_ops = {
    .destroy = ready_destroy,
    .now_ns = ready_now_ns,
    .listen = ready_listen,
    .attach = ready_attach,
    .reserve = ready_reserve,
    .connect = ready_connect,
    .connect_stop = ready_connect_stop,
    .discard_descriptor = ready_discard_descriptor,
    .detach = ready_detach,
    .abort = ready_abort,
    .accept_start = ready_accept_start,
    .accept_stop = ready_accept_stop,
    .recv_start = ready_recv_start,
    .recv_stop = ready_recv_stop,
    .send = ready_send,
    .sending_bytes = ready_sending_bytes,
    .send_start = ready_send_start,
    .send_datagrams = ready_send_datagrams,
    .await_room = ready_await_room,
    .scratch = ready_scratch,
    .shutdown_write = ready_shutdown_write,
    .local_address = ready_local_address,
    .remote_address = ready_remote_address,
    .peer_credentials = ready_peer_credentials,
    .tcp_info = ready_tcp_info,
    .set_option = ready_set_option,
    .set_multicast = ready_set_multicast,
    .descriptor = ready_descriptor,
    .spreads_port = ready_spreads_port,
    .wait = ready_wait,
    .next = ready_next,
    .wake = ready_wake,
};

int evnet_ready_create(const struct evnet_readiness_ops *readiness,
                       const struct evnet_poller_options *options,
                       struct evnet_poller **out_poller) {
  struct ready *ready = evnet_allocate_zeroed(options->allocator, sizeof *ready);
  if (ready == NULL) return -ENOMEM;
  ready->poller.ops = &ready_ops;
  ready->poller.name = readiness->name;
  ready->kernel = readiness;
  ready->allocator = options->allocator;
  ready->unix_listeners.allocator = options->allocator;
  slot_list_init(&ready->now);
  slot_list_init(&ready->later);
  int status = slots_init(&ready->slots, options->handles_max);
  ready->recv_bytes = options->recv_bytes_max;
  evnet_datagram_options_init(&ready->datagram_options, options);
  ready->recv_block = evnet_allocate(options->allocator, ready->recv_bytes);
  ready->scratch = evnet_allocate(options->allocator, EVNET_POLLER_SCRATCH_BYTES);
  if (ready->recv_block == NULL || ready->scratch == NULL) status = -ENOMEM;
  if (status == 0) status = readiness->open(options->allocator, &ready->kernel_state);
  if (status < 0) {
    ready_destroy(&ready->poller);
    return status;
  }
  *out_poller = &ready->poller;
  return 0;
}
