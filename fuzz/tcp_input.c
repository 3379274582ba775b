// Drives a reactor with one or two TCP connections over the simulated kernel, compares it with a
// model of what the contracts guarantee to callers and peers, and aborts on any difference.
//
// Input: HEADER_BYTES that select the kernel's behaviour and the options, then steps of three
// bytes: the kind of step, and a number n of 16 bits, low byte first. The world takes steps (enum
// world_step; bit 7: for the second connection); in a callback the handler takes them (enum
// handler_step; bit 7: on the other connection). At the end the handler stops misbehaving, all
// peers read to end-of-stream and close, and every connection must reach on_close.
// tcp_input_seeds.py writes inputs by name.
//
//   byte  means
//   0     the seed of the kernel's random numbers
//   1     faults that the kernel injects at random, one bit each: see kernel_options
//   2     the size of its buffers: (byte + 1)^2
//   3     bit 0 to 3: idle, read, write and lifetime timeout; 4: no lingering; 5: segments delay
//   4     bit 0-1: outbound_high_action; 2: EVNET_OVERFLOW_REFUSE; 3: no on_half_close;
//         4: on_prewrite; 5: two connections; 6: the reactor is destroyed without the end above;
//         7: a reset leaves the unread bytes of its receiver
//   5     inbound_bytes_max: byte * 16 + 1
//   6     outbound_high_water_bytes: byte * 64 + 1
//   7     read_turn_bytes_max: 512 + byte * 64
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/tcp_input.h"

enum { HEADER_BYTES = 8, SETTLE_STEPS = 1 << 20, NEXT_NS_MAX = 100000000 };

static struct world world;

// The header

static struct evnet_sim_options kernel_options(const uint8_t header[HEADER_BYTES]) {
  struct evnet_sim_options kernel = harness_kernel(header);
  kernel.delay_ns_max = header[3] & 32 ? 2000000 : 0;
  kernel.faults.late_recv = header[1] & 16 ? OFTEN : 0;
  kernel.faults.one_shot = header[1] & 32 ? OFTEN : 0;
  kernel.faults.late_close = header[1] & 64 ? OFTEN : 0;
  kernel.faults.flights = header[1] & 128 ? 700 : 0;
  kernel.faults.reset_keeps_data = header[4] & 128 ? 1000 : 0;
  return kernel;
}

static int64_t ms_if(unsigned bit, int64_t ms) { return bit ? ms : EVNET_OFF; }

// Sets no option to 0, which selects a default: the model also uses these values.
static struct evnet_reactor_options reactor_options(struct world *w,
                                                    const uint8_t header[HEADER_BYTES]) {
  const size_t high = header[6] * 64u + 1;
  const size_t turn = 512 + header[7] * 64u;
  return (struct evnet_reactor_options){
      .idle_timeout_ms = ms_if(header[3] & 1, 20),
      .read_timeout_ms = ms_if(header[3] & 2, 15),
      .write_timeout_ms = ms_if(header[3] & 4, 25),
      .lifetime_ms = ms_if(header[3] & 8, 60),
      .linger_ms = ms_if(!(header[3] & 16), 10),
      .inbound_bytes_max = header[5] * 16u + 1,
      .outbound_high_water_bytes = high,
      .outbound_low_water_bytes = high / 2,
      .outbound_bytes_max = high + turn,
      .outbound_high_action = (enum evnet_high_action)((header[4] & 3) % 3),
      .outbound_overflow = header[4] & 4 ? EVNET_OVERFLOW_REFUSE : EVNET_OVERFLOW_CLOSE,
      .read_turn_bytes_max = turn,
      .connections_max = RECORDS,
      .allocator = &w->harness.allocator,
      .kernel = evnet_sim_kernel(w->sim),
  };
}

static void begin(struct world *w, const uint8_t header[HEADER_BYTES]) {
  const struct evnet_sim_options kernel = kernel_options(header);
  w->sim = evnet_sim_create(&kernel);
  w->faults = kernel.faults;
  w->options = reactor_options(w, header);
  w->has_half_close = !(header[4] & 8);
  w->has_prewrite = header[4] & 16;
  w->abandoned = header[4] & 64;
  const size_t stream_bytes = 64 * (size_t)kernel.buffer_bytes_max;
  w->stream_bytes = stream_bytes < STREAM_BYTES ? stream_bytes : STREAM_BYTES;
  const struct evnet_handler handler = handler_callbacks(w);
  struct evnet_address address;
  CHECK(w, evnet_address_parse("tcp4://127.0.0.1:0", &address, NULL, 0) == 0);
  CHECK(w, evnet_reactor_create(&handler, w, &w->options, &w->reactor) == 0);
  CHECK(w, evnet_reactor_listen(w->reactor, &address, &(struct evnet_listen_options){0},
                                &address) == 0);
  evnet_reactor_accept_resume(w->reactor);
  w->own_blocks = w->harness.live_blocks;
  w->record_count = header[4] & 32 ? 2 : 1;
  for (size_t i = 0; i < w->record_count; i++) {
    struct record *c = &w->records[i];
    c->world = w;
    c->inbound = w->harness.noise + i * 997;
    CHECK(w, evnet_sim_connect(w->sim, evnet_address_port(&address), 1, &c->peer) == 0);
  }
}

// The world's steps

static void turn(struct world *w) {
  CHECK(w, evnet_reactor_turn(w->reactor, -1) == 1);
  CHECK(w, evnet_sim_failure(w->sim) == NULL);
  CHECK(w, w->depth == 0);
}

static bool can_turn(const struct world *w) {
  return w->posted || evnet_sim_is_runnable(w->sim, 0);
}

// Runs a turn if the reactor would wake up for it. Otherwise advances the clock to the next event.
// Returns false if there is no further event.
static bool go_on(struct world *w, uint64_t wait_ns_max) {
  if (can_turn(w)) {
    turn(w);
    return true;
  }
  model_idle(w);
  const uint64_t next_ns = evnet_sim_next_ns(w->sim);
  if (next_ns == UINT64_MAX) return false;
  const uint64_t now_ns = evnet_sim_now_ns(w->sim);
  evnet_sim_advance(w->sim, next_ns - now_ns < wait_ns_max ? next_ns : now_ns + wait_ns_max);
  return true;
}

static void peer_sends(struct record *c, size_t n) {
  const struct world *w = c->world;
  if (n > w->stream_bytes - c->sent) n = w->stream_bytes - c->sent;
  if (c->left || c->ended || n == 0) return;
  const int64_t sent = evnet_sim_write(c->peer, c->inbound + c->sent, n);
  if (sent > 0) c->sent += (size_t)sent;
  // The peer sees a reset once; later reads return a plain end-of-stream.
  if (sent < 0 && sent != -EAGAIN) c->out.saw_reset = true;
}

static void peer_ends(struct record *c) {
  if (c->left) return;
  c->ended = true;
  evnet_sim_shutdown_write(c->peer);
}

// Returns false if there is nothing to read, now or ever.
static bool peer_reads(struct record *c, size_t n) {
  static uint8_t out[STEP_BYTES_MAX];
  if (c->left || n == 0) return false;
  const int64_t result = evnet_sim_read(c->peer, out, n);
  model_peer_read(c, out, result);
  return result > 0;
}

static void post(struct world *w, struct record *c) {
  if (w->posted) return;
  const int status = evnet_reactor_post(w->reactor, handler_posted, c);
  CHECK(w, status == 0 || (status == -ENOMEM && w->harness.failed));
  w->posted = status == 0;
}

static void act(struct world *w, const struct step *step) {
  struct record *c = &w->records[step->other && w->record_count == 2];
  switch (step->what) {
    case SEND:
      peer_sends(c, step->n);
      break;
    case SEND_FEW:
      peer_sends(c, step->n % 32);
      break;
    case READ:
      (void)peer_reads(c, step->n);
      break;
    case FIN:
      peer_ends(c);
      break;
    case RESET:
      evnet_sim_reset(c->peer);
      c->left = true;
      break;
    case LEAVE:
      evnet_sim_close(c->peer);
      c->left = true;
      break;
    case ADVANCE:
      evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + step->n * 1000);
      break;
    case POST:
      post(w, c);
      break;
    case FAIL:
      w->harness.fail_countdown = (uint32_t)(step->n % 8 + 1);
      break;
    default:
      for (size_t i = 0; i <= step->n % 8; i++) {
        // Deliver data that was sent without a delay.
        evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + 1);
        if (!can_turn(w)) (void)go_on(w, NEXT_NS_MAX);
        (void)go_on(w, NEXT_NS_MAX);
      }
      break;
  }
}

// The end of the run

// Runs until nothing more happens, with peers that read everything.
static void settle(struct world *w) {
  int steps = 0;
  do {
    for (size_t k = 0; k < w->record_count; k++) {
      while (peer_reads(&w->records[k], STEP_BYTES_MAX)) {
      }
    }
    CHECK(w, ++steps < SETTLE_STEPS);
  } while (go_on(w, UINT64_MAX));
}

static void end(struct world *w) {
  w->harness.fail_countdown = 0;
  if (!w->abandoned) {
    settle(w);
    for (size_t i = 0; i < w->record_count; i++) {
      struct record *c = &w->records[i];
      post(w, c);  // the posted function resumes reading and releases holds
      settle(w);
      peer_ends(c);
    }
    settle(w);
  }
  evnet_reactor_destroy(w->reactor);
  w->reactor = NULL;
  for (size_t k = 0; k < w->record_count; k++) {
    do {
      while (peer_reads(&w->records[k], STEP_BYTES_MAX)) {
      }
      const uint64_t next_ns = evnet_sim_next_ns(w->sim);
      if (next_ns == UINT64_MAX) break;
      evnet_sim_advance(w->sim, next_ns);
    } while (true);
    model_end(&w->records[k]);
  }
  struct evnet_sim_stats stats;
  evnet_sim_stats_of(w->sim, &stats);
  CHECK(w, stats.pollers + stats.descriptors + stats.handles == 0);
  CHECK(w, evnet_sim_failure(w->sim) == NULL);
  CHECK(w, w->harness.live_blocks == 0);
  evnet_sim_destroy(w->sim);
}

// Clears the world, except for the streams' bytes, which are written before they are read.
static void clear(struct world *w) {
  for (size_t i = 0; i < RECORDS; i++) {
    struct record *c = &w->records[i];
    memset(c, 0, offsetof(struct record, outbound));
    memset(&c->out, 0, sizeof *c - offsetof(struct record, out));
  }
  memset(w, 0, offsetof(struct world, records));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct world *w = &world;
  if (size < HEADER_BYTES) return 0;
  clear(w);
  harness_begin(&w->harness, data + HEADER_BYTES, size - HEADER_BYTES);
  begin(w, data);
  struct step step;
  while (harness_step(&w->harness, &step)) act(w, &step);
  end(w);
  return 0;
}
