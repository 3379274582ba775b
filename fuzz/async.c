// Drives a server of two reactors over the simulated kernel with requests by connection ID. The IDs
// are those of existing connections, of closed ones, or invalid. Compares the results with a model
// of the contract of net/server/async.h, and aborts on any difference.
//
// Input: HEADER_BYTES that select the kernel's behaviour and the options, then steps of three
// bytes: the kind of step, and a number n of 16 bits, low byte first. The world takes steps (enum
// world_step); in a callback and in a completion the handler takes them (enum handler_step). At the
// end the server stops. async_seeds.py writes inputs by name.
//
//   byte  means
//   0     the seed of the kernel's random numbers
//   1     faults that the kernel injects at random, one bit each: see kernel_options
//   2     the size of its buffers: (byte + 1)^2
//   3     bit 0: EVNET_OVERFLOW_REFUSE; 1: segments are delayed; 2: one reactor serves all
//   4     outbound_bytes_max beyond the bytes of one turn: byte * 64
//   5     mailbox_bytes_max: 256 + byte * 64; 255: 64 MiB
//   6     the size of the shared buffer: byte * 8
#include "fuzz/async.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/server/internal/steps.h"

enum { HEADER_BYTES = 7, SETTLE_STEPS = 1 << 20, TURN_BYTES = 512 };

static struct world world;

// The header

static struct evnet_sim_options kernel_options(const uint8_t header[HEADER_BYTES]) {
  struct evnet_sim_options kernel = harness_kernel(header);
  kernel.delay_ns_max = header[3] & 2 ? 2000000 : 0;
  kernel.faults.one_shot = header[1] & 16 ? OFTEN : 0;
  kernel.faults.late_close = header[1] & 32 ? OFTEN : 0;
  kernel.faults.refused_datagram = header[1] & 64 ? OFTEN : 0;
  kernel.faults.flights = header[1] & 128 ? 700 : 0;
  return kernel;
}

static struct evnet_options server_options(struct world *w, const uint8_t header[HEADER_BYTES]) {
  const size_t high = 1 << 20;
  const size_t mailbox = header[5] == 255 ? 64u << 20 : 256u + header[5] * 64u;
  return (struct evnet_options){
      .reactors = REACTORS,
      .balancer = header[3] & 4 ? EVNET_LEAST_CONNECTIONS : EVNET_ROUND_ROBIN,
      .write_timeout_ms = EVNET_OFF,
      .linger_ms = EVNET_OFF,
      .inbound_bytes_max = high,
      .outbound_high_water_bytes = 1,
      .outbound_high_action = EVNET_HIGH_NOTIFY,
      .outbound_bytes_max = 1 + TURN_BYTES + header[4] * 64u,
      .outbound_overflow = header[3] & 1 ? EVNET_OVERFLOW_REFUSE : EVNET_OVERFLOW_CLOSE,
      .read_turn_bytes_max = TURN_BYTES,
      .mailbox_bytes_max = mailbox,
      .udp_outbound_bytes_max = 2048,
      .allocator = &w->harness.allocator,
  };
}

static void begin(struct world *w, const uint8_t header[HEADER_BYTES]) {
  const struct evnet_sim_options kernel = kernel_options(header);
  w->sim = evnet_sim_create(&kernel);
  w->answered = handler_run;
  w->faults = kernel.faults;
  w->options = server_options(w, header);
  w->shared_size = header[6] * 8u;
  CHECK(w, evnet_shared_create(w->harness.noise, w->shared_size, &w->shared) == 0);
  const struct evnet_handler handler = handler_callbacks();
  const char *const addresses[] = {"tcp4://127.0.0.1:0", "udp4://127.0.0.1:0"};
  CHECK(w, evnet_server_create(&handler, w, addresses, 2, &w->options, &w->server) == 0);
  CHECK(w, evnet_server_boot(w->server, evnet_sim_kernel(w->sim)) == 0);
  struct evnet_address address;
  CHECK(w, evnet_server_address(w->server, 0, &address) == 0);
  w->port = evnet_address_port(&address);
  CHECK(w, evnet_server_address(w->server, 1, &address) == 0);
  w->udp_port = evnet_address_port(&address);
  w->udp_id = evnet_conn_get_id(evnet_server_datagram_socket(w->server, 1));
  CHECK(w, evnet_sim_udp_open(w->sim, 9, &w->udp_peer) == 0);
  evnet_sim_udp_set_watch(w->sim, request_watch, w);
}

// The world's steps

static bool can_turn(const struct world *w, uint32_t reactor) {
  return !w->has_ended[reactor] && (w->has_mail[reactor] || evnet_sim_is_runnable(w->sim, reactor));
}

static void turn(struct world *w, uint32_t reactor) {
  w->current_reactor = reactor;
  w->has_mail[reactor] = false;
  struct evnet_sim_stats before;
  evnet_sim_stats_of(w->sim, &before);
  const int status = evnet_server_turn(w->server, reactor);
  CHECK(w, status >= 0 && w->depth == 0);
  CHECK(w, evnet_sim_failure(w->sim) == NULL);
  if (status == 0) {
    CHECK(w, w->stop_asked);
    w->has_ended[reactor] = true;
  }
  struct evnet_sim_stats after;
  evnet_sim_stats_of(w->sim, &after);
  // The turn may have passed connections to another reactor, or made room for new ones.
  const bool moved = before.accepts != after.accepts || before.handles != after.handles;
  for (uint32_t i = 0; i < REACTORS; i++) w->has_mail[i] = w->has_mail[i] || moved;
}

// Runs a turn of a reactor that has something to do, `first` if possible. If there is none,
// advances the clock to the next event. Returns false if there is no further event.
static bool go_on(struct world *w, uint32_t first) {
  for (uint32_t i = 0; i < REACTORS; i++) {
    const uint32_t reactor = (first + i) % REACTORS;
    if (!can_turn(w, reactor)) continue;
    turn(w, reactor);
    return true;
  }
  model_idle(w);
  const uint64_t next_ns = evnet_sim_next_ns(w->sim);
  if (next_ns == UINT64_MAX) return false;
  evnet_sim_advance(w->sim, next_ns);
  return true;
}

static void connect_peer(struct world *w, int peer) {
  struct record *c = w->of_peer[peer];
  const bool is_there = c != NULL && !c->closed && !c->out.saw_end && !c->out.saw_reset && !c->left;
  if (is_there || w->record_count == RECORDS || w->stop_asked) return;
  c = &w->records[w->record_count];
  if (evnet_sim_connect(w->sim, w->port, 1, &c->peer) < 0) return;
  w->record_count++;
  c->world = w;
  c->inbound = w->harness.noise + w->record_count * 997;
  w->of_peer[peer] = c;
}

static void peer_sends(struct record *c, size_t n) {
  if (c->left || c->ended || n == 0 || c->sent + n > NOISE_BYTES / 2) return;
  const int64_t sent = evnet_sim_write(c->peer, c->inbound + c->sent, n);
  if (sent > 0) c->sent += (size_t)sent;
  if (sent < 0 && sent != -EAGAIN) c->out.saw_reset = true;
}

// Returns false if there is nothing to read, now or ever.
static bool peer_reads(struct record *c, size_t n) {
  static uint8_t out[STEP_BYTES_MAX];
  if (c->left || n == 0) return false;
  const int64_t got = evnet_sim_read(c->peer, out, n < sizeof out ? n : sizeof out);
  model_peer_read(c, out, got);
  return got > 0;
}

static void peer_ends(struct record *c) {
  if (c->left || c->ended) return;
  c->ended = true;
  evnet_sim_shutdown_write(c->peer);
}

static void ask_to_stop(struct world *w, int64_t drain_ms) {
  w->stop_asked = true;
  w->stop_is_hasty = w->stop_is_hasty || drain_ms < 10;  // segments take up to 2 ms
  CHECK(w, evnet_server_stop(w->server, drain_ms) == 0);
}

static void act(struct world *w, const struct step *step) {
  struct record *c = w->of_peer[step->other];
  switch (step->what) {
    case CONNECT:
      connect_peer(w, step->other);
      break;
    case SEND:
      if (c != NULL) peer_sends(c, step->n % 1024);
      break;
    case READ:
      if (c != NULL) (void)peer_reads(c, step->n);
      break;
    case FIN:
      if (c != NULL) peer_ends(c);
      break;
    case RESET:
      if (c == NULL) break;
      evnet_sim_reset(c->peer);
      c->left = true;
      break;
    case ADVANCE:
      w->stop_is_hasty = true;
      evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + step->n * 1000);
      break;
    case FAIL:
      w->harness.fail_countdown = (uint32_t)(step->n % 8 + 1);
      break;
    case ASK:
      request_ask(w, step->n);
      break;
    case AIM:
      w->aim = (uint32_t)step->n % 64;
      w->aim_how = (uint32_t)step->n / 64 % 8;
      break;
    case STOP:
      ask_to_stop(w, (int64_t)(step->n % 64));
      break;
    default:
      for (size_t i = 0; i <= step->n % 8; i++) {
        // Deliver data that was sent without a delay.
        evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + 1);
        (void)go_on(w, step->other);
      }
      break;
  }
}

// The end of the run

static void read_all(struct world *w) {
  for (uint32_t i = 0; i < w->record_count; i++) {
    while (peer_reads(&w->records[i], STEP_BYTES_MAX)) {
    }
  }
}

static void end(struct world *w) {
  w->harness.fail_countdown = 0;
  for (uint32_t i = 0; i < w->record_count; i++) peer_ends(&w->records[i]);
  ask_to_stop(w, 20);
  int steps = 0;
  while (!w->has_ended[0] || !w->has_ended[1]) {
    CHECK(w, ++steps < SETTLE_STEPS);
    read_all(w);
    CHECK(w, go_on(w, (uint32_t)steps % REACTORS));
  }
  evnet_server_finish(w->server);
  for (size_t kind = 0; kind < 8; kind++) request_ask(w, kind);  // each must be refused
  w->ending = true;
  evnet_server_destroy(w->server);
  evnet_shared_release(w->shared);
  read_all(w);
  for (uint64_t next_ns; (next_ns = evnet_sim_next_ns(w->sim)) != UINT64_MAX;) {
    evnet_sim_advance(w->sim, next_ns);
    read_all(w);
  }
  request_end(w);
  for (uint32_t i = 0; i < w->record_count; i++) model_end(&w->records[i]);
  struct evnet_sim_stats stats;
  evnet_sim_stats_of(w->sim, &stats);
  CHECK(w, stats.pollers + stats.descriptors + stats.handles == 0);
  CHECK(w, evnet_sim_failure(w->sim) == NULL);
  CHECK(w, w->harness.live_blocks == 0);
  evnet_sim_destroy(w->sim);
}

// Clears the world, except for memory that is written before it is read.
static void clear(struct world *w) {
  for (uint32_t i = 0; i < w->record_count; i++) {
    struct record *c = &w->records[i];
    memset(c, 0, offsetof(struct record, outbound));
    memset(&c->out, 0, sizeof *c - offsetof(struct record, out));
  }
  memset(w, 0, offsetof(struct world, requests));
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
