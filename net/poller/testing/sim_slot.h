// The handles of a simulated poller.
#ifndef EVNET_NET_POLLER_TESTING_SIM_SLOT_H_
#define EVNET_NET_POLLER_TESTING_SIM_SLOT_H_

#include "net/poller/testing/sim_state.h"

// The kind of socket that a handle has.
enum sim_slot_kind {
  SIM_FREE,
  SIM_LISTENER,
  SIM_STREAM,
  SIM_UDP,
  SIM_RESERVED,
  SIM_CONNECTING,
  SIM_WATCH,
};

// A block of memory that is lent to the poller's user, or is the source of flights. Several flights
// may use the same block.
struct sim_block {
  uint8_t *bytes;
  uint32_t users;
  struct sim_block *next;  // in the list of all blocks
};

// A send that returned -EINPROGRESS.
struct sim_flight {
  struct iovec piece;  // iov_len 0: there is no flight
  struct sim_block *block;
  uint64_t hash;   // of its bytes, which must not change
  int64_t result;  // once flown
  bool flown;      // a wait has sent its bytes
  bool landed;     // its SEND can be reported
};

struct sim_slot {
  struct sim_poller *owner;
  struct evnet_handle handle;
  enum sim_slot_kind kind;
  struct evnet_sim_socket *socket;
  struct sim_listener *listener;
  struct evnet_sim_udp *udp;
  int descriptor;
  bool accepting;
  bool receiving;
  uint64_t receiving_ns;  // when recv was started
  uint64_t sending_ns;    // when `send` was started
  bool detaching;         // only its last completions are still to be reported
  bool resets;            // it was aborted
  bool is_closed;         // its descriptor is closed
  bool hangup_told;
  bool late_end;                  // recv was stopped, but the end will still be reported
  uint32_t late_bytes;            // and at most this many bytes
  const struct evnet_send *send;  // the pending send_start
  uint64_t send_hash;             // of its bytes when it started
  struct sim_flight flight;
  struct evnet_address to;  // the address of its connect, or of the last one
  uint64_t connect_at_ns;   // when CONNECT is reported
  int connect_status;       // the result of CONNECT, unless the connection is reset before
  bool awaits_room;         // a UDP socket: await_room is pending
  bool failed;              // receiving failed and was not started again
  uint64_t failed_at_ns;
  struct sim_datagram *batch;       // received, but not yet reported
  struct evnet_sim_device *device;  // of a watch
  uint32_t watch_events;            // requested
  void *watch_user;
  bool share_watch;      // a WATCH was reported in this turn
  uint32_t share_bytes;  // reported in this turn
  uint32_t share_accepts;
  bool share_send;
  bool share_batch;
  bool in_turn;
  uint32_t deferrals;  // consecutive turns that deferred its completions
  struct sim_slot *next_free;
};

struct sim_poller {
  struct evnet_poller poller;  // first: the public pointer points here
  struct evnet_sim *sim;
  const struct evnet_allocator *allocator;
  uint32_t index;
  uint32_t slots_max;
  uint32_t slot_count;      // slots that were created
  uint32_t slot_capacity;   // capacity of `slots` and `turn`
  struct sim_slot **slots;  // by index
  struct sim_slot **turn;   // slots that this turn still has to check
  uint32_t turn_count;
  struct sim_slot *free_first;  // first in, first out
  struct sim_slot *free_last;
  bool drained;      // next has returned false since the last wait
  bool woken;        // wake was called, and no wait has ended by it yet
  uint64_t wake_ns;  // when the last wait would end without an event
  uint32_t recv_max;
  uint32_t lease_bytes;       // of the leased bytes in recv_block, until the next call
  struct sim_block *blocks;   // list of all blocks
  struct sim_block *recv;     // block of the lease
  struct sim_block *scratch;  // block that is being filled
  // The caller may still have to queue bytes of it that a send did not take.
  struct sim_block *scratch_old;
  struct sim_block *landed;   // block of the bytes that a SEND returned; NULL: none
  struct sim_slot *batching;  // slot whose batch is being reported, or NULL
  uint32_t datagram_max;
  bool datagram_errors;  // udp_errors
  struct evnet_address peer;
  struct evnet_address local;
};

// Returns the slot of a handle that may be used. For any other handle, fails the world and returns
// NULL.
//
//   kind  SIM_FREE: any.
struct sim_slot *sim_slot_of(struct sim_poller *self, struct evnet_handle handle,
                             enum sim_slot_kind kind, const char *what);
struct sim_slot *sim_slot_acquire(struct sim_poller *self);  // NULL: none is left
void sim_slot_release(struct sim_slot *slot);
void sim_slot_close(struct sim_slot *slot);  // its descriptor; again has no effect
uint64_t sim_slot_hash_send(const struct evnet_send *send);
uint16_t sim_slot_id(const struct sim_slot *slot);  // id of its connection, for the trace

#endif  // EVNET_NET_POLLER_TESTING_SIM_SLOT_H_
