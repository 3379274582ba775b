// Declarations that the files of the fuzz target tcp_input share. tcp_input.c describes the input.
//
//   tcp_input.c          the input, the environment of the reactor, and the end of the run
//   tcp_input_handler.c  the callbacks: the steps that the handler takes
//   tcp_input_model.c    the rules
#ifndef EVNET_FUZZ_TCP_INPUT_H_
#define EVNET_FUZZ_TCP_INPUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz/harness.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"

// Steps of the world. The corpus stores these numbers, so new steps go at the end.
enum world_step {
  TURN = 0,      // n % 8 + 1 turns of the reactor; if it has no work, the clock advances
  SEND = 1,      // the peer writes n bytes
  SEND_FEW = 2,  // the peer writes n % 32 bytes
  READ = 3,      // the peer reads up to n bytes
  FIN = 4,       // the peer ends its side
  RESET = 5,
  LEAVE = 6,    // the peer closes and reads no more
  ADVANCE = 7,  // n microseconds pass
  POST = 8,     // a posted function takes steps of the handler
  FAIL = 9,     // the (n % 8 + 1)-th allocation from now fails
};

// Steps of the handler. Any other number is EXIT.
enum handler_step {
  EXIT = 0,  // the callback returns; n 1: EVNET_CLOSE; 2: EVNET_KEEP; else EVNET_NONE
  PEEK = 1,
  PEEK_PAIR = 2,
  NEXT = 3,     // n bytes
  TAKE = 4,     // evnet_conn_read of n bytes
  DISCARD = 5,  // n bytes
  ECHO = 6,     // writes the next n bytes, or all, directly from the input buffer
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
  STREAM_BYTES = 1 << 18,  // the most bytes in one direction
  TIMEOUTS = 4,
  HELD = 4,
};

// Bytes that a reading call returned, and that must not change.
struct held {
  struct evnet_bytes bytes;
  size_t position;  // of the first byte in the peer's stream
  unsigned depth;   // of the callback in which the bytes are valid
};

// One connection: the calls on it, and the results and callbacks.
struct record {
  struct world *world;
  struct evnet_sim_socket *peer;
  struct evnet_conn *conn;  // from on_open until `closed`

  const uint8_t *inbound;  // all bytes that the peer sends in the run, in order
  size_t sent;             // bytes of it sent so far
  size_t consumed;         // bytes of it that the handler consumed
  size_t presented;        // bytes of it that on_data presented
  struct held held[HELD];  // the most recent ones
  unsigned held_next;

  uint8_t outbound[STREAM_BYTES + STEP_BYTES_MAX];  // the bytes of successful writes, in order
  struct stream out;
  uint64_t wrote_ns;  // time of the last successful write
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
  bool timed_out[TIMEOUTS];  // by enum evnet_timeout: on_timeout did not return EVNET_KEEP
  uint64_t opened_ns;
  uint64_t kept_ns[TIMEOUTS];  // when on_timeout last returned EVNET_KEEP
  uint64_t ending_ns;          // when it began to close; 0: still open
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
  size_t own_blocks;    // blocks of the reactor without connections
  bool has_half_close;  // the handler has on_half_close
  bool has_prewrite;
  bool abandoned;       // the reactor is destroyed with connections open
  bool posted;          // a posted function has not run yet
  unsigned depth;       // of callbacks
  size_t stream_bytes;  // the most bytes in one direction; fewer if the buffers are small
  size_t generated;     // bytes for writes
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
void model_ends(struct record *record);  // it is closing from now on, if it was not before
// Called at the beginning of a callback.
void model_enter(struct record *record, const char *callback);  // of callbacks without other checks
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
// Called when the system is idle. Any callback or byte that is outstanding has been lost, and
// connections without buffered bytes must hold no memory.
void model_idle(const struct world *world);
void model_end(const struct record *record);

#endif  // EVNET_FUZZ_TCP_INPUT_H_
