// The handles of a simulated poller.
#ifndef EVNET_NET_POLLER_TESTING_SIM_SLOT_H_
#define EVNET_NET_POLLER_TESTING_SIM_SLOT_H_

#include "net/poller/testing/sim_state.h"

// What a handle stands for.
enum sim_slot_kind { SIM_FREE, SIM_LISTENER, SIM_STREAM, SIM_UDP, SIM_RESERVED, SIM_CONNECTING };

// A block of memory that is lent to the poller's user, or holds what is flying; several flights may
// be from the same one.
struct sim_block {
  uint8_t *bytes;
  uint32_t users;
  struct sim_block *next;  // of all
};

// A send that gave -EINPROGRESS.
struct sim_flight {
  struct iovec piece;  // iov_len 0: there is none
  struct sim_block *block;
  uint64_t hash;   // of its bytes, which nobody may change
  int64_t result;  // once flown
  bool flown;      // a wait has sent it
  bool landed;     // its SEND is to be told
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
  uint64_t receiving_ns;  // since when
  uint64_t sending_ns;    // of `send`, likewise
  bool detaching;         // only its last completions are to come
  bool resets;            // it was an abort
  bool is_closed;         // its descriptor is
  bool hangup_told;
  bool late_end;                  // recv was stopped, and yet the end will be told
  uint32_t late_bytes;            // and yet so many bytes at most
  const struct evnet_send *send;  // under way
  uint64_t send_hash;             // of its bytes when it started
  struct sim_flight flight;
  struct evnet_address to;  // where it connects, or has last connected
  uint64_t connect_at_ns;   // when CONNECT is told, and
  int connect_status;       // what it says, unless the connection is reset before that
  bool awaits_room;         // of a UDP socket
  bool failed;              // its receiving did, and was not started again
  uint64_t failed_at_ns;
  struct sim_datagram *batch;  // received, and still to be told
  uint32_t share_bytes;        // had in this turn
  uint32_t share_accepts;
  bool share_send;
  bool share_batch;
  bool in_turn;
  uint32_t deferrals;  // turns in a row that left its completions for a later one
  struct sim_slot *next_free;
};

struct sim_poller {
  struct evnet_poller poller;  // first: the public pointer points here
  struct evnet_sim *sim;
  const struct evnet_allocator *allocator;
  uint32_t index;
  uint32_t slots_max;
  uint32_t slot_count;      // made
  uint32_t slot_capacity;   // of `slots` and `turn`
  struct sim_slot **slots;  // by index
  struct sim_slot **turn;   // what this turn still has to look at
  uint32_t turn_count;
  struct sim_slot *free_first;  // first in, first out
  struct sim_slot *free_last;
  bool drained;      // next has returned false since the last wait
  bool woken;        // wake was called, and no wait has ended for it
  uint64_t wake_ns;  // when the last wait would end by itself
  uint32_t recv_max;
  uint32_t lease_bytes;           // of recv_block, in use until the next call
  struct sim_block *blocks;       // all there are
  struct sim_block *recv;         // of the lease
  struct sim_block *scratch;      // the one that is being filled
  struct sim_block *scratch_old;  // its caller may still have to queue what a send did not take
  struct sim_block *landed;       // what a SEND gave back is in; NULL: nothing
  struct sim_slot *batching;      // whose batch is being told; NULL: nobody's
  uint32_t datagram_max;
  struct evnet_address peer;
  struct evnet_address local;
};

// The slot of a handle that may be used; NULL, and the world has failed, for another.
//
//   kind  SIM_FREE: any.
struct sim_slot *sim_slot_of(struct sim_poller *self, struct evnet_handle handle,
                             enum sim_slot_kind kind, const char *what);
struct sim_slot *sim_slot_acquire(struct sim_poller *self);  // NULL: there is none left
void sim_slot_release(struct sim_slot *slot);
void sim_slot_close(struct sim_slot *slot);  // its descriptor; twice is once
uint64_t sim_slot_hash_send(const struct evnet_send *send);
uint16_t sim_slot_id(const struct sim_slot *slot);  // of its connection, for the trace

#endif  // EVNET_NET_POLLER_TESTING_SIM_SLOT_H_
