// What the parts of the fuzz target udp_input share; udp_input.c has the format of the input.
//
//   udp_input.c          the input, the world around the reactor, and its end
//   udp_input_handler.c  the callbacks: what the input lets the handler do
//   udp_input_model.c    what must hold
#ifndef EVNET_FUZZ_UDP_INPUT_H_
#define EVNET_FUZZ_UDP_INPUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/harness.h"
#include "net/poller/testing/sim_udp.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"

// Steps of the world. The numbers are what the corpus holds: new ones go behind the last.
enum world_step {
  TURN = 0,      // n % 8 + 1 turns of the reactor; time goes on to where it has something to do
  SEND = 1,      // a peer sends a datagram of n bytes
  BURST = 2,     // n % 100 small ones
  TO_GROUP = 3,  // n bytes to the group
  RECEIVE = 4,   // a peer receives what there is
  VANISH = 5,    // a peer closes: what is sent to it finds nobody, and it comes back elsewhere
  ADVANCE = 6,   // n microseconds pass
  POST = 7,      // a posted function takes steps of the handler
  FAIL = 8,      // the (n % 8 + 1)-th allocation from now on fails
};

// Steps of the handler. Any other number is EXIT.
enum handler_step {
  EXIT = 0,  // the callback returns; n 1: EVNET_CLOSE, which means nothing; else EVNET_NONE
  PEEK = 1,
  TAKE = 2,     // evnet_conn_read of n bytes
  DISCARD = 3,  // n bytes
  REPLY = 4,    // n % 1024 bytes
  REPLY_LARGE = 5,
  REPLY_PIECES = 6,  // n bytes in pieces, some of them empty
  ECHO = 7,          // the unread bytes, from where they lie
  SEND_TO = 8,       // n % 2048 bytes to a peer
  SEND_NOWHERE = 9,  // to where nobody is, or nobody can be: by n
  FLUSH = 10,
  PAUSE = 11,
  RESUME = 12,
  JOIN = 13,  // the group; n % 4: 1 an interface that is not there, 2 no group, 3 of another family
  LEAVE = 14,
  LOOP = 15,     // n % 2; n % 4 above 1: hops of n
  WITHOUT = 16,  // what a connection has, and a UDP socket has not
};

enum {
  PEERS = 2,
  SOCKETS = 2,
  PENDING_MAX = 512,
};

// A datagram that was written and that nobody has dealt with yet.
struct pending {
  struct evnet_address to;
  struct evnet_address from;
  bool has_from;   // it has to come from there
  bool announced;  // an on_prewrite was told of it
  bool writing;    // its call has not returned
  bool may_go;     // without being sent: it is above the bound, or there was no memory
  uint32_t group;  // of those written inside of one another
  uint32_t id;
  uint32_t size;
  uint64_t hash;
};

struct socket {
  struct world *world;
  struct evnet_conn *conn;
  uint16_t port;
  bool of_all_hosts;
  bool paused;
  bool is_member;

  // The datagram that the kernel has told and that has to be presented next.
  bool told;
  bool presenting;
  struct evnet_address told_from;
  struct evnet_address told_to;
  uint32_t told_size;
  uint64_t told_hash;
  bool told_truncated;

  struct pending pending[PENDING_MAX];  // in order
  uint32_t pending_count;
};

struct world {
  struct harness harness;
  struct evnet_sim *sim;
  struct evnet_sim_faults faults;
  struct evnet_reactor *reactor;
  struct evnet_reactor_options options;
  bool has_prewrite;
  bool stops;   // the end is a stop of the reactor; else it is destroyed
  bool posted;  // and not yet run
  bool ending;
  unsigned depth;      // of callbacks
  unsigned prewrites;  // of UDP sockets', inside of one another
  unsigned writes;     // inside of one another
  uint32_t groups;
  uint32_t ids;
  size_t generated;
  uint64_t taken;
  uint64_t received;
  uint64_t dropped;
  struct evnet_sim_udp *peers[PEERS];
  bool has_left[PEERS];
  struct socket sockets[SOCKETS];
};

#define CHECK(world, expression) CHECK_IN((world)->sim, expression)

// udp_input_handler.c
struct evnet_handler handler_callbacks(const struct world *world);
struct evnet_address group_of(const struct socket *socket);  // the group that it may join
void handler_posted(void *world);

// udp_input_model.c
void model_watch(void *world, const struct evnet_sim_udp_news *news);
void model_presented(struct socket *socket);  // on_data begins
// A write begins, and returns; the number is the same.
uint32_t model_write(struct socket *socket, const struct evnet_address *to, const uint8_t *bytes,
                     size_t size);
void model_wrote(struct socket *socket, uint32_t id, size_t size, size_t queued, ssize_t result);
void model_announced(struct socket *socket);
bool model_is_alive(const struct socket *socket);
void model_idle(struct world *world);
void model_end(struct world *world);  // the reactor has stopped

#endif  // EVNET_FUZZ_UDP_INPUT_H_
