// What the parts of the fuzz target dial share; dial.c has the format of the input.
//
//   dial.c        the input, the steps, and the end
//   dial_begin.c  beginning dials
//   dial_peer.c   the other ends, in the simulated kernel or in the real one
//   dial_conn.c   the callbacks, and what must hold of each connection
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
  DIAL = 0,           // the address n % 4 of dial_text; n / 4: the timeout in ms; 0: none
  ADOPT = 1,          // the socket n % 5 of adopt(), in the real kernel
  CANCEL = 2,         // evnet_close of connection n
  PEER_WRITES = 3,    // n bytes, by peer n % 16
  PEER_READS = 4,     // all that there is, peer n
  PEER_ENDS = 5,      // its side, peer n
  PEER_CLOSES = 6,    // peer n
  PEER_RESETS = 7,    // peer n, in the simulated kernel
  TURN = 8,           // n % 8 + 1
  ADVANCE = 9,        // the simulated clock, by n * 16 us
  FAIL = 10,          // the (n % 8 + 1)-th allocation from now on
  STOP = 11,          // with n % 64 ms to drain
  DIAL_OPTIONS = 12,  // of the dials from now on, a bit of n each: see begin_dial
  WORLD_STEPS = 13,
};

// What a callback does: one step, if the input has one left.
enum handler_step {
  NOTHING = 0,
  ECHO = 1,   // takes all that is unread, and writes as much
  WRITE = 2,  // n % 4096 bytes
  LEAVE = 3,  // closes, by what it returns
  CLOSE = 4,  // by evnet_conn_close
  ABORT = 5,
  DIAL_MORE = 6,  // as DIAL
  HANDLER_STEPS = 7,
};

enum { CONNS_MAX = 24, PEERS_MAX = 24 };

enum state { UNUSED, BEGUN, OPEN, ENDING, CLOSED };

struct conn {
  struct world *world;
  enum state state;
  bool dialled;
  bool cancelled;
  bool nobody;  // dials where there is no listener
  struct evnet_conn_id id;
  size_t received;  // of what its peer has sent
  size_t written;   // its number first
};

struct peer {
  struct evnet_sim_socket *socket;  // the simulated kernel's
  int descriptor;                   // the real one's; -1: none
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
  uint16_t port;  // outside, of the simulated kernel
  int listener;   // of the real one
  char listener_text[64];
  size_t conns_used, peers_used;
  struct conn conns[CONNS_MAX];
  struct peer peers[PEERS_MAX];
};

extern struct world dial_world;

#define CHECK(expression) CHECK_IN(dial_world.sim, expression)

// A step's byte, as a number below count.
static inline unsigned step_number(const struct step *step, unsigned count) {
  return (step->what | (step->other ? 128u : 0u)) % count;
}

// The byte at an offset of every stream.
static inline uint8_t byte_at(size_t offset) { return (uint8_t)((offset + 1) * 2654435761u >> 13); }

// dial_begin.c
struct conn *conn_new(struct world *w);
bool is_refusal(const struct world *w, int status);  // of a dial or an adoption, and legal
void begin_dial(struct world *w, size_t n);

// dial_peer.c
void peers_begin(struct world *w);
void peers_take(struct world *w);  // those who have connected
struct peer *peer_add(struct world *w, struct evnet_sim_socket *socket, int descriptor);
void peer_write(struct world *w, struct peer *peer, size_t size);
void peer_read(struct world *w, struct peer *peer);
void peer_end(struct world *w, struct peer *peer);
void peer_close(struct world *w, struct peer *peer, bool reset);
void peers_deinit(struct world *w);

// dial_conn.c
struct evnet_handler conn_handler(void);

#endif  // EVNET_FUZZ_DIAL_H_
