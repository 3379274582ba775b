// Declarations that the files of the fuzz target async share. async.c describes the input.
//
//   async.c          the input, the simulated environment of the server, and the end of the run
//   async_handler.c  the callbacks: the steps that the handler takes
//   async_request.c  requests by ID, and the rules for each of them
//   async_model.c    the rules for connections
#ifndef EVNET_FUZZ_ASYNC_H_
#define EVNET_FUZZ_ASYNC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/harness.h"
#include "net/poller/testing/sim_udp.h"
#include "net/reactor/owner.h"
#include "net/server/server.h"

// Steps of the world. The corpus stores these numbers, so new steps go at the end. Bit 7 of a step
// selects the second peer or the second reactor.
enum world_step {
  TURN = 0,     // n % 8 + 1 turns of reactors with work; if there is none, the clock advances
  CONNECT = 1,  // the peer connects, unless it is connected
  SEND = 2,     // the peer writes n % 1024 bytes
  READ = 3,     // the peer reads up to n bytes
  FIN = 4,
  RESET = 5,
  ADVANCE = 6,  // n microseconds pass
  FAIL = 7,     // the (n % 8 + 1)-th allocation from now fails
  ASK = 8,      // another thread makes a request: n % 8 is its kind, n / 8 its size

  // Sets the target of requests: the (n % 64)-th connection ever opened. n / 64 % 8 selects its ID,
  // a later generation, an ID of no reactor, an ID of all zeros, or the ID of a UDP socket.
  AIM = 9,

  STOP = 10,  // stops the server, with a drain timeout of n % 64 ms
};

// Steps of the handler. Any other number is EXIT.
enum handler_step {
  EXIT = 0,   // the callback returns; n 1: EVNET_CLOSE; else EVNET_NONE
  TAKE = 1,   // n bytes are read
  WRITE = 2,  // n % 1024 bytes
  WRITE_LARGE = 3,
  HOLD = 4,
  PAUSE = 5,
  RESUME = 6,
  SHUTDOWN_WRITE = 7,
  CLOSE = 11,
  ABORT = 12,
};

enum {
  PEERS = 2,
  REACTORS = 2,
  RECORDS = 64,  // connections in one run
  REQUESTS = 1024,
  WAITING_MAX = 100,  // accepted requests that have not begun; one turn runs this many
  STREAM_BYTES = 1 << 17,
};

enum request_kind {
  ASK_WRITE = 0,
  ASK_WRITEV = 1,
  ASK_OWNED = 2,
  ASK_SHARED = 3,
  ASK_SEND_TO = 4,
  ASK_WAKE = 5,
  ASK_CLOSE = 6,
  ASK_RELEASE = 7,
};

// One connection: the calls on it, and the results and callbacks.
struct record {
  struct world *world;
  struct evnet_sim_socket *peer;
  struct evnet_conn *conn;  // until `closed`
  struct evnet_conn_id id;
  const uint8_t *inbound;
  size_t sent;
  size_t consumed;
  uint8_t outbound[STREAM_BYTES + STEP_BYTES_MAX];  // the bytes of successful writes, in order
  struct stream out;
  bool left;  // the peer has reset
  bool ended;
  uint32_t holds;
  uint32_t wakes;  // number of times that on_data may be called without new bytes
  bool wake_due;   // on_data must be called
  bool paused;
  bool half_closed;
  bool write_ended;
  bool close_asked;
  bool abort_asked;
  bool takes_nothing;
  bool overflowed;
  bool closed;
  int reason;
};

struct request;

struct marker {
  struct evnet_message message;  // must be the first field
  struct request *request;
  bool is_behind;
};

struct request {
  struct marker before;
  struct marker behind;
  struct evnet_message probe;
  struct world *world;
  enum request_kind kind;
  struct evnet_conn_id id;
  struct record *record;  // the connection with this ID, or NULL
  bool is_socket;         // the ID is that of the UDP socket
  const uint8_t *bytes;
  size_t size;
  uint32_t serial;
  bool accepted;
  bool began;
  bool ended;
  int gone;       // the result if there is no connection with this ID
  bool found;     // when the request began, the connection existed
  bool was_open;  // and was open
  bool has_taken;
  int expected;  // the expected error, if the request fails
  size_t queued;
  size_t end;  // position after its bytes in all output of the connection
  bool sent;   // the kernel has taken the datagram
  bool released;
  bool told;
};

struct world {
  struct harness harness;
  void (*answered)(struct record *record);  // runs steps of the handler in on_done
  struct evnet_sim *sim;
  struct evnet_sim_faults faults;
  struct evnet_server *server;
  struct evnet_options options;
  uint16_t port;
  uint16_t udp_port;
  struct evnet_conn_id udp_id;
  struct evnet_sim_udp *udp_peer;
  struct evnet_shared *shared;
  size_t shared_size;
  uint32_t current_reactor;
  bool has_ended[REACTORS];
  bool has_mail[REACTORS];
  bool stop_asked;
  bool stop_is_hasty;  // the deadline may pass before everything is processed
  bool ending;
  unsigned depth;
  size_t generated;
  uint32_t aim;
  uint32_t aim_how;
  size_t waiting;
  uint64_t last_began[REACTORS];
  struct record *of_peer[PEERS];  // the current connection of the peer
  uint32_t record_count;
  uint32_t request_count;
  struct request requests[REQUESTS];
  struct record records[RECORDS];
};

#define CHECK(world, expression) CHECK_IN((world)->sim, expression)

// Returns bytes that differ from the previous ones.
static inline const uint8_t *generate(struct world *world, size_t size) {
  const uint8_t *bytes = world->harness.noise + world->generated % NOISE_BYTES;
  world->generated += size + 1;
  return bytes;
}

// async_handler.c
struct evnet_handler handler_callbacks(void);
void handler_run(struct record *record);  // takes steps outside of a connection's callback

// async_request.c
void request_ask(struct world *world, size_t n);
void request_release(struct record *record);
void request_watch(void *world, const struct evnet_sim_udp_news *news);
void request_end(const struct world *world);

// async_model.c
bool model_is_open(const struct record *record);
void model_enter(struct record *record, const char *callback);
void model_closed(struct record *record, int reason);
void model_wrote(struct record *record, const uint8_t *bytes, size_t size, size_t queued_before,
                 ssize_t result);
void model_peer_read(struct record *record, const uint8_t *bytes, int64_t result);
void model_idle(const struct world *world);  // call when no reactor has work
void model_end(const struct record *record);

#endif  // EVNET_FUZZ_ASYNC_H_
