// What the parts of the fuzz target async share; async.c has the format of the input.
//
//   async.c          the input, the world around the server, and its end
//   async_handler.c  the callbacks: what the input lets the handler do
//   async_request.c  requests by id, and what must hold of each
//   async_model.c    what must hold of connections
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

// Steps of the world. The numbers are what the corpus holds: new ones go behind the last. Bit 7 of
// a step is for the second peer, or reactor.
enum world_step {
  TURN = 0,     // n % 8 + 1 turns of a reactor that can; time goes on to where one has something
  CONNECT = 1,  // the peer connects, if it is not connected
  SEND = 2,     // it writes n % 1024 bytes
  READ = 3,     // up to n
  FIN = 4,
  RESET = 5,
  ADVANCE = 6,  // n microseconds pass
  FAIL = 7,     // the (n % 8 + 1)-th allocation from now on fails
  ASK = 8,      // another thread asks: n % 8 says what, the rest how many bytes
  AIM = 9,      // for whom: the (n % 64)-th connection that was ever opened; n / 64 % 8: its id as
                // it is, or of a later generation, of no reactor, all zero, or a UDP socket's
  STOP = 10,    // of the server, n % 64 ms
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
  RECORDS = 64,  // connections, ever
  REQUESTS = 1024,
  WAITING_MAX = 100,  // requests that were taken and did not begin: a turn carries out so many
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

// One connection: what was done to it and what it told.
struct record {
  struct world *world;
  struct evnet_sim_socket *peer;
  struct evnet_conn *conn;  // until `closed`
  struct evnet_conn_id id;
  const uint8_t *inbound;
  size_t sent;
  size_t consumed;
  uint8_t outbound[STREAM_BYTES + STEP_BYTES_MAX];  // what was taken, in order
  struct stream out;
  bool left;  // the peer has reset
  bool ended;
  uint32_t holds;
  uint32_t wakes;  // so often on_data may come for nothing
  bool wake_due;   // and has to come
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
  struct evnet_message message;  // first: its run gets a pointer to it
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
  struct record *record;  // whose id it is, or NULL
  bool is_socket;         // it is the UDP socket's
  const uint8_t *bytes;
  size_t size;
  uint32_t serial;
  bool accepted;
  bool began;
  bool ended;
  int gone;       // what is answered if there is no such connection
  bool found;     // when it began: there was such a connection
  bool was_open;  // and it was open
  bool has_taken;
  int expected;  // why what was not taken was not
  size_t queued;
  size_t end;  // of its bytes among all that was written to the connection
  bool sent;   // a datagram: the kernel has taken it
  bool released;
  bool told;
};

struct world {
  struct harness harness;
  void (*answered)(struct record *record);  // the handler's turn, in on_done
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
  bool stop_is_hasty;  // its deadline may come before everything has had its turn
  bool ending;
  unsigned depth;
  size_t generated;
  uint32_t aim;
  uint32_t aim_how;
  size_t waiting;
  uint64_t last_began[REACTORS];
  struct record *of_peer[PEERS];  // what the peer is connected as
  uint32_t record_count;
  uint32_t request_count;
  struct request requests[REQUESTS];
  struct record records[RECORDS];
};

#define CHECK(world, expression) CHECK_IN((world)->sim, expression)

// Bytes that differ from the last ones.
static inline const uint8_t *generate(struct world *world, size_t size) {
  const uint8_t *bytes = world->harness.noise + world->generated % NOISE_BYTES;
  world->generated += size + 1;
  return bytes;
}

// async_handler.c
struct evnet_handler handler_callbacks(void);
void handler_run(struct record *record);  // steps, outside of a connection's callback

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
void model_idle(const struct world *world);  // no reactor can run
void model_end(const struct record *record);

#endif  // EVNET_FUZZ_ASYNC_H_
