// Drives a reactor with two UDP sockets over the simulated kernel, compares it with a model of what
// the contract guarantees to callers and peers, and aborts on any difference. The kernel
// calls model_watch for each datagram that it delivers to evnet or takes from evnet.
//
// Input: HEADER_BYTES that select the kernel's behaviour and the options, then steps of three
// bytes: the kind of step, and a number n of 16 bits, low byte first. The world takes steps (enum
// world_step; bit 7: of the second peer); in a callback the handler takes them (enum handler_step;
// bit 7: on the other socket). At the end the reactor is stopped or destroyed. udp_input_seeds.py
// writes inputs by name.
//
//   byte  means
//   0     the seed of the kernel's random numbers
//   1     faults that the kernel injects at random, one bit each: see kernel_options
//   2     the size of its buffers: (byte + 1)^2
//   3     bit 0: datagrams are delayed; 1: on_prewrite; 2: the second socket is bound to all hosts;
//         3: the reactor is destroyed, not stopped; 4: datagrams overtake; 5: duplicates
//   4     udp_outbound_bytes_max: byte * 64 + 1
//   5     udp_datagram_bytes_max: byte^2 + 1
#include "fuzz/udp_input.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 6, SETTLE_STEPS = 1 << 20, BURST_BYTES = 48 };

static struct world world;

// The header

static struct evnet_sim_options kernel_options(const uint8_t header[HEADER_BYTES]) {
  struct evnet_sim_options kernel = harness_kernel(header);
  kernel.delay_ns_max = header[3] & 1 ? 2000000 : 0;
  kernel.faults.one_shot = header[1] & 16 ? OFTEN : 0;
  kernel.faults.late_close = header[1] & 32 ? OFTEN : 0;
  kernel.faults.refused_datagram = header[1] & 64 ? OFTEN : 0;
  kernel.faults.icmp = header[1] & 128 ? 1000 : 0;
  kernel.faults.overtaking = header[3] & 16 ? OFTEN : 0;
  kernel.faults.duplicated = header[3] & 32 ? OFTEN : 0;
  return kernel;
}

static void listen_at(struct world *w, struct socket *s, const char *text) {
  struct evnet_address address;
  CHECK(w, evnet_address_parse(text, &address, NULL, 0) == 0);
  const uint8_t index = (uint8_t)(s - w->sockets);
  const struct evnet_listen_options options = {0};
  CHECK(w, evnet_reactor_listen(w->reactor, &address, &options, &address) == index);
  s->world = w;
  s->port = evnet_address_port(&address);
  s->conn = evnet_reactor_datagram_socket(w->reactor, index);
  CHECK(w, s->conn != NULL && s->port > 0);
}

static void begin(struct world *w, const uint8_t header[HEADER_BYTES]) {
  const struct evnet_sim_options kernel = kernel_options(header);
  w->sim = evnet_sim_create(&kernel);
  w->faults = kernel.faults;
  w->has_prewrite = header[3] & 2;
  w->stops = !(header[3] & 8);
  w->options = (struct evnet_reactor_options){
      .udp_outbound_bytes_max = header[4] * 64u + 1,
      .udp_datagram_bytes_max = header[5] * header[5] + 1u,
      .drain_ms = 10,
      .allocator = &w->harness.allocator,
      .kernel = evnet_sim_kernel(w->sim),
  };
  evnet_sim_udp_set_watch(w->sim, model_watch, w);
  const struct evnet_handler handler = handler_callbacks(w);
  CHECK(w, evnet_reactor_create(&handler, w, &w->options, &w->reactor) == 0);
  w->sockets[1].of_all_hosts = header[3] & 4;
  listen_at(w, &w->sockets[0], "udp4://127.0.0.1:0");
  listen_at(w, &w->sockets[1], w->sockets[1].of_all_hosts ? "udp4://:0" : "udp4://127.0.0.2:0");
  evnet_reactor_accept_resume(w->reactor);
  for (int i = 0; i < PEERS; i++)
    CHECK(w, evnet_sim_udp_open(w->sim, (uint8_t)(7 + i), &w->peers[i]) == 0);
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
static bool go_on(struct world *w) {
  if (can_turn(w)) {
    turn(w);
    return true;
  }
  model_idle(w);
  const uint64_t next_ns = evnet_sim_next_ns(w->sim);
  if (next_ns == UINT64_MAX) return false;
  evnet_sim_advance(w->sim, next_ns);
  return true;
}

static struct evnet_address host_of(const struct socket *s, size_t n) {
  struct evnet_address address = group_of(s);
  const bool is_first = s == &s->world->sockets[0];
  const uint32_t host = is_first ? 1 : s->of_all_hosts ? 1 + (uint32_t)n % 3 : 2;
  address.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
  return address;
}

static void peer_sends(struct world *w, int peer, const struct evnet_address *to, size_t n) {
  const int64_t sent =
      evnet_sim_udp_send(w->peers[peer], to, w->harness.noise + w->generated % NOISE_BYTES, n);
  w->generated += n;
  CHECK(w, sent == (int64_t)n || sent == -EAGAIN || (sent == -EMSGSIZE && n > 65507));
}

static void peer_receives(struct world *w, int peer) {
  uint8_t block[1];
  while (evnet_sim_udp_receive(w->peers[peer], block, sizeof block, NULL) >= 0) {
  }
}

static void peer_vanishes(struct world *w, int peer) {
  evnet_sim_udp_close(w->peers[peer]);
  CHECK(w, evnet_sim_udp_open(w->sim, (uint8_t)(7 + peer), &w->peers[peer]) == 0);
}

static void post(struct world *w) {
  if (w->posted) return;
  w->posted = evnet_reactor_post(w->reactor, handler_posted, w) == 0;
  CHECK(w, w->posted || w->harness.failed);
}

static void act(struct world *w, const struct step *step) {
  const int peer = step->other;
  const struct socket *s = &w->sockets[step->n % SOCKETS];
  const struct evnet_address host = host_of(s, step->n / 2);
  switch (step->what) {
    case SEND:
      peer_sends(w, peer, &host, step->n);
      break;
    case BURST:
      for (size_t i = 0; i < step->n % 100; i++) peer_sends(w, peer, &host, i % BURST_BYTES);
      break;
    case TO_GROUP: {
      const struct evnet_address group = group_of(s);
      peer_sends(w, peer, &group, step->n % 1024);
      break;
    }
    case RECEIVE:
      peer_receives(w, peer);
      break;
    case VANISH:
      peer_vanishes(w, peer);
      break;
    case ADVANCE:
      evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + step->n * 1000);
      break;
    case POST:
      post(w);
      break;
    case FAIL:
      w->harness.fail_countdown = (uint32_t)(step->n % 8 + 1);
      break;
    default:
      for (size_t i = 0; i <= step->n % 8; i++) {
        // Deliver data that was sent without a delay.
        evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + 1);
        if (!can_turn(w)) (void)go_on(w);
        (void)go_on(w);
      }
      break;
  }
}

// The end of the run

static void settle(struct world *w) {
  int steps = 0;
  do {
    CHECK(w, ++steps < SETTLE_STEPS);
  } while (go_on(w));
}

static void stop(struct world *w) {
  settle(w);
  post(w);  // the posted function resumes reading
  settle(w);
  evnet_reactor_stop(w->reactor, w->options.drain_ms);
  int steps = 0;
  int status;
  while ((status = evnet_reactor_turn(w->reactor, -1)) > 0) {
    CHECK(w, ++steps < SETTLE_STEPS);
    const uint64_t next_ns = evnet_sim_next_ns(w->sim);
    if (!can_turn(w) && next_ns != UINT64_MAX) evnet_sim_advance(w->sim, next_ns);
  }
  CHECK(w, status == 0);
  model_end(w);
}

static void end(struct world *w) {
  w->harness.fail_countdown = 0;
  if (w->stops) stop(w);
  w->ending = true;
  evnet_reactor_destroy(w->reactor);
  struct evnet_sim_stats stats;
  evnet_sim_stats_of(w->sim, &stats);
  CHECK(w, stats.pollers + stats.descriptors + stats.handles == 0);
  CHECK(w, evnet_sim_failure(w->sim) == NULL);
  CHECK(w, w->harness.live_blocks == 0);
  evnet_sim_destroy(w->sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct world *w = &world;
  if (size < HEADER_BYTES) return 0;
  for (int i = 0; i < SOCKETS; i++) {
    memset(&w->sockets[i], 0, offsetof(struct socket, pending));
    w->sockets[i].pending_count = 0;
  }
  memset(w, 0, offsetof(struct world, sockets));
  harness_begin(&w->harness, data + HEADER_BYTES, size - HEADER_BYTES);
  begin(w, data);
  struct step step;
  while (harness_step(&w->harness, &step)) act(w, &step);
  end(w);
  return 0;
}
