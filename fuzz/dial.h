// Declarations that the files of the fuzz target dial share. dial.c describes the input.
//
//   dial.c        the input, the steps, and the end of the run
//   dial_begin.c  beginning dials
//   dial_peer.c   the peers, in the simulated or the real kernel
//   dial_conn.c   the callbacks, and the rules for connections
#ifndef EVNET_FUZZ_DIAL_H_
#define EVNET_FUZZ_DIAL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/harness.h"
#include "net/reactor/adopt.h"
#include "net/reactor/dial.h"
#include "net/reactor/reactor.h"

enum world_step {
  DIAL = 0,           // dials address n % 4 of dial_text; n / 4 is the timeout in ms; 0: none
  ADOPT = 1,          // adopts socket n % 5 of adopt(), in the real kernel
  CANCEL = 2,         // calls evnet_close for connection n
  PEER_WRITES = 3,    // peer n % 16 writes n bytes
  PEER_READS = 4,     // peer n reads all that has arrived
  PEER_ENDS = 5,      // peer n ends its side
  PEER_CLOSES = 6,    // peer n closes
  PEER_RESETS = 7,    // peer n resets, in the simulated kernel
  TURN = 8,           // n % 8 + 1 turns
  ADVANCE = 9,        // advances the simulated clock by n * 16 us
  FAIL = 10,          // the (n % 8 + 1)-th allocation from now fails
  STOP = 11,          // stops with a drain timeout of n % 64 ms
  DIAL_OPTIONS = 12,  // the options of later dials, one bit of n each: see begin_dial
  WORLD_STEPS = 13,
};

// Steps of a callback, which takes one, if the input has one left.
enum handler_step {
  NOTHING = 0,
  ECHO = 1,   // reads all unread bytes and writes as many
  WRITE = 2,  // writes n % 4096 bytes
  LEAVE = 3,  // returns EVNET_CLOSE
  CLOSE = 4,  // calls evnet_conn_close
  ABORT = 5,
  DIAL_MORE = 6,  // dials as DIAL does
  HANDLER_STEPS = 7,
};

enum { CONNS_MAX = 24, PEERS_MAX = 24 };

enum state { UNUSED, BEGUN, OPEN, ENDING, CLOSED };

struct conn {
  struct world *world;
  enum state state;
  bool dialled;
  bool cancelled;
  bool nobody;  // dials an address without a listener
  struct evnet_conn_id id;
  size_t received;  // bytes received from its peer
  size_t written;   // bytes written; the number of the connection is first
};

struct peer {
  struct evnet_sim_socket *socket;  // in the simulated kernel
  int descriptor;                   // in the real kernel; -1: none
  bool in_use;
  bool ended;
  size_t number;  // of its connection; CONNS_MAX: not known yet
  size_t sent;
  size_t received;
};

struct world {
  struct harness harness;
  struct evnet_sim *sim;  // NULL: the real kernel
  struct evnet_reactor *reactor;
  bool stopping;  // a stop was asked for
  bool stopped;
  bool ending;  // being destroyed
  size_t connections_max;
  size_t options;
  uint16_t port;  // of the listener in the simulated kernel
  int listener;   // descriptor of the listener in the real kernel
  char listener_text[EVNET_ADDRESS_TEXT_BYTES];
  size_t conns_used, peers_used;
  struct conn conns[CONNS_MAX];
  struct peer peers[PEERS_MAX];
};

extern struct world dial_world;

#define CHECK(expression) CHECK_IN(dial_world.sim, expression)

// Returns a step's byte as a number below count.
static inline unsigned step_number(const struct step *step, unsigned count) {
  return (step->what | (step->other ? 128u : 0u)) % count;
}

// Returns the byte at an offset; it is the same in every stream.
static inline uint8_t byte_at(size_t offset) { return (uint8_t)((offset + 1) * 2654435761u >> 13); }

// dial_begin.c
struct conn *conn_new(struct world *w);
bool is_refusal(const struct world *w, int status);  // a permitted error of a dial or an adoption
void begin_dial(struct world *w, size_t n);

// dial_peer.c
void peers_begin(struct world *w);
void peers_take(struct world *w);  // accepts pending connections
struct peer *peer_add(struct world *w, struct evnet_sim_socket *socket, int descriptor);
void peer_write(struct world *w, struct peer *peer, size_t size);
void peer_read(struct world *w, struct peer *peer);
void peer_end(struct world *w, struct peer *peer);
void peer_close(struct world *w, struct peer *peer, bool reset);
void peers_deinit(struct world *w);

// dial_conn.c
struct evnet_handler conn_handler(void);

#endif  // EVNET_FUZZ_DIAL_H_
