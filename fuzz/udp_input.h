// Declarations that the files of the fuzz target udp_input share. udp_input.c describes the input.
//
//   udp_input.c          the input, the environment of the reactor, and the end of the run
//   udp_input_handler.c  the callbacks: the steps that the handler takes
//   udp_input_model.c    the rules
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

// Steps of the world. The corpus stores these numbers, so new steps go at the end.
enum world_step {
  TURN = 0,      // n % 8 + 1 turns of the reactor; if it has no work, the clock advances
  SEND = 1,      // a peer sends a datagram of n bytes
  BURST = 2,     // a peer sends n % 100 small datagrams
  TO_GROUP = 3,  // a peer sends a datagram of n bytes to the group
  RECEIVE = 4,   // a peer receives all that has arrived
  VANISH = 5,    // a peer closes, so its address is unused, and opens another socket
  ADVANCE = 6,   // n microseconds pass
  POST = 7,      // a posted function takes steps of the handler
  FAIL = 8,      // the (n % 8 + 1)-th allocation from now fails
};

// Steps of the handler. Any other number is EXIT.
enum handler_step {
  EXIT = 0,  // the callback returns; n 1: EVNET_CLOSE, which has no effect; else EVNET_NONE
  PEEK = 1,
  TAKE = 2,     // evnet_conn_read of n bytes
  DISCARD = 3,  // n bytes
  REPLY = 4,    // n % 1024 bytes
  REPLY_LARGE = 5,
  REPLY_PIECES = 6,  // n bytes in pieces, some of them empty
  ECHO = 7,          // the unread bytes, written directly from the input buffer
  SEND_TO = 8,       // n % 2048 bytes to a peer
  SEND_NOWHERE = 9,  // to an unused or an invalid address, by n
  FLUSH = 10,
  PAUSE = 11,
  RESUME = 12,
  JOIN = 13,  // joins the group; n % 4: 1 unknown interface; 2 not a group; 3 wrong family
  LEAVE = 14,
  LOOP = 15,     // n % 2; n % 4 above 1: hops of n
  WITHOUT = 16,  // calls functions that are not supported for UDP sockets
};

enum {
  PEERS = 2,
  SOCKETS = 2,
  PENDING_MAX = 512,
};

// A datagram that was written and that the kernel has not yet taken or evnet dropped.
struct pending {
  struct evnet_address to;
  struct evnet_address from;
  bool has_from;   // `from` must be its sender
  bool announced;  // on_prewrite was called for it
  bool writing;    // its call has not returned
  bool may_go;     // it may be dropped: it is above the bound, or memory ran out
  uint32_t group;  // equal for writes that are nested in each other
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

  // The datagram that the kernel delivered and that on_data must present next.
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
  bool stops;   // at the end the reactor is stopped; otherwise it is destroyed
  bool posted;  // a posted function has not run yet
  bool ending;
  unsigned depth;      // of callbacks
  unsigned prewrites;  // depth of nested on_prewrite of UDP sockets
  unsigned writes;     // depth of nested writes
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
struct evnet_address group_of(const struct socket *socket);  // the group that the socket may join
void handler_posted(void *world);

// udp_input_model.c
void model_watch(void *world, const struct evnet_sim_udp_news *news);
void model_presented(struct socket *socket);  // call at the beginning of on_data
// Called when a write begins and when it returns. The first returns the number for the second.
uint32_t model_write(struct socket *socket, const struct evnet_address *to, const uint8_t *bytes,
                     size_t size);
void model_wrote(struct socket *socket, uint32_t id, size_t size, size_t queued, ssize_t result);
void model_announced(struct socket *socket);
bool model_is_alive(const struct socket *socket);
void model_idle(struct world *world);
void model_end(struct world *world);  // call when the reactor has stopped

#endif  // EVNET_FUZZ_UDP_INPUT_H_
