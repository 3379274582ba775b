// What the parts of the fuzz target tcp_input share; tcp_input.c has the format of the input.
//
//   tcp_input.c          the input, the world around the reactor, and its end
//   tcp_input_handler.c  the callbacks: what the input lets the handler do
//   tcp_input_model.c    what must hold
#ifndef EVNET_FUZZ_TCP_INPUT_H_
#define EVNET_FUZZ_TCP_INPUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/harness.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"

// Steps of the world. The numbers are what the corpus holds: new ones go behind the last.
enum world_step {
  TURN = 0,      // n % 8 + 1 turns of the reactor; time goes on to where it has something to do
  SEND = 1,      // the peer writes n bytes
  SEND_FEW = 2,  // n % 32 bytes
  READ = 3,      // the peer reads up to n bytes
  FIN = 4,       // the peer ends its side
  RESET = 5,
  LEAVE = 6,    // the peer closes, and reads no more
  ADVANCE = 7,  // n microseconds pass
  POST = 8,     // a posted function takes steps of the handler
  FAIL = 9,     // the (n % 8 + 1)-th allocation from now on fails
};

// Steps of the handler. Any other number is EXIT.
enum handler_step {
  EXIT = 0,  // the callback returns; n 1: EVNET_CLOSE; 2: EVNET_KEEP; else EVNET_NONE
  PEEK = 1,
  PEEK_PAIR = 2,
  NEXT = 3,     // n bytes
  TAKE = 4,     // evnet_conn_read of n bytes
  DISCARD = 5,  // n bytes
  ECHO = 6,     // next of n bytes, or of all, written from where they lie
  WRITE = 7,    // n % 1024 bytes
  WRITE_LARGE = 8,
  WRITE_PIECES = 9,  // n bytes in pieces, some of them empty
  FLUSH = 10,
  PAUSE = 11,
  RESUME = 12,
  SHUTDOWN_WRITE = 13,
  HOLD = 14,
  RELEASE = 15,
  CLOSE = 16,
  ABORT = 17,
};

enum {
  RECORDS = 2,
  STREAM_BYTES = 1 << 18,  // the most that goes one way
  TIMEOUTS = 4,
  HELD = 4,
};

// Memory that a reading call gave and that must stay as it is.
struct held {
  struct evnet_bytes bytes;
  size_t position;  // of its first byte in what the peer sent
  unsigned depth;   // of the callback that it is valid for
};

// One connection: what was done to it and what it told.
struct record {
  struct world *world;
  struct evnet_sim_socket *peer;
  struct evnet_conn *conn;  // from on_open until `closed`

  const uint8_t *inbound;  // all that the peer ever sends, in order
  size_t sent;             // of it, so far
  size_t consumed;         // by the handler
  size_t presented;        // had by on_data, or consumed
  struct held held[HELD];  // the last ones
  unsigned held_next;

  uint8_t outbound[STREAM_BYTES + STEP_BYTES_MAX];  // what writes took, in order
  struct stream out;
  uint64_t wrote_ns;  // the last write that was taken
  bool ended;         // the peer has ended its side
  bool left;          // and it has closed or reset

  bool paused;
  bool pressed;  // between on_pressure and on_drain
  uint32_t holds;
  bool half_closed;
  bool write_ended;
  bool close_asked;
  bool abort_asked;
  bool takes_nothing;  // evnet_conn_close or _abort has returned
  bool inbound_overflow;
  bool outbound_overflow;
  bool timed_out[TIMEOUTS];  // by enum evnet_timeout: told, and not kept
  uint64_t opened_ns;
  uint64_t kept_ns[TIMEOUTS];  // when on_timeout last answered EVNET_KEEP
  uint64_t ending_ns;          // since when it is ending; 0: it is not
  uint64_t closed_ns;
  int reason;
  bool closed;
};

struct world {
  struct harness harness;
  struct evnet_sim *sim;
  struct evnet_sim_faults faults;
  struct evnet_reactor *reactor;
  struct evnet_reactor_options options;
  size_t own_blocks;    // of the reactor without connections
  bool has_half_close;  // the handler has on_half_close
  bool has_prewrite;
  bool abandoned;       // the reactor is destroyed with connections open
  bool posted;          // and not yet run
  unsigned depth;       // of callbacks
  size_t stream_bytes;  // the most that goes one way; less where buffers are small
  size_t generated;     // bytes, for writes
  struct record records[RECORDS];
  size_t record_count;
};

#define CHECK(world, expression) CHECK_IN((world)->sim, expression)

// tcp_input_handler.c
struct evnet_handler handler_callbacks(const struct world *world);
void handler_posted(void *record);

// tcp_input_model.c
struct evnet_sim_state model_state(const struct record *record);
bool model_is_open(const struct record *record);
void model_ends(struct record *record);  // from now on, unless it was ending already
// Callbacks, as they begin.
void model_enter(struct record *record, const char *callback);  // those without more to check
void model_data(struct record *record);
void model_data_done(struct record *record, enum evnet_action action);
void model_half_closed(struct record *record);
void model_timeout(struct record *record, enum evnet_timeout which);
void model_closed(struct record *record, int reason);
// Results.
void model_consumed(struct record *record, struct evnet_bytes bytes);
void model_hold(struct record *record, struct evnet_bytes bytes, size_t position);
void model_check_held(const struct record *record);
void model_wrote(struct record *record, const uint8_t *bytes, size_t size, size_t queued_before,
                 bool was_ending, ssize_t result);
bool model_may_fail(const struct record *record, ssize_t error);
void model_peer_read(struct record *record, const uint8_t *bytes, int64_t result);
// Nothing can run: what has not been told or sent by now is lost, and where nothing stands there is
// no memory in use.
void model_idle(const struct world *world);
void model_end(const struct record *record);

#endif  // EVNET_FUZZ_TCP_INPUT_H_
