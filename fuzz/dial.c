// Drives a reactor that dials and adopts sockets, compares it with a model of what the contracts
// guarantee to the caller and to the peers, and aborts on any difference.
//
// Input: HEADER_BYTES, then steps of three bytes: the kind of step, and a number n of 16 bits, low
// byte first. The world takes steps (enum world_step); each callback takes one (enum handler_step).
// At the end the reactor is stopped, unless a step did so, and destroyed. dial_seeds.py writes
// inputs by name.
//
//   byte  means
//   0     the seed of the simulated kernel's random numbers; 0: the real kernel, with Unix sockets,
//         because a simulated kernel has no descriptors to adopt
//   1     faults that the simulated kernel injects at random, one bit each: see kernel_options
//   2     connections_max: byte % 16; 0: no limit
#include "fuzz/dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER_BYTES = 3, TURNS_MAX = 1 << 16 };

static struct evnet_sim_options kernel_options(const uint8_t header[HEADER_BYTES]) {
  const uint8_t bits = header[1];
  return (struct evnet_sim_options){
      .seed = header[0],
      .delay_ns_max = bits & 128 ? 2000000 : 0,
      .buffer_bytes_min = 2048,
      .buffer_bytes_max = 8192,
      .faults =
          {
              .short_recv = bits & 1 ? OFTEN : 0,
              .refused_send = bits & 2 ? OFTEN : 0,
              .deferred = bits & 4 ? OFTEN : 0,
              .connect_refused = bits & 8 ? OFTEN : 0,
              .connect_lost = bits & 16 ? OFTEN : 0,
              .connect_failure = bits & 32 ? OFTEN : 0,
              .network_reset = bits & 64 ? OFTEN : 0,
          },
  };
}

static void begin(struct world *w, const uint8_t header[HEADER_BYTES]) {
  if (header[0] != 0) {
    const struct evnet_sim_options kernel = kernel_options(header);
    w->sim = evnet_sim_create(&kernel);
    CHECK(w->sim != NULL);
  }
  w->connections_max = header[2] % 16;
  const struct evnet_reactor_options options = {
      .linger_ms = 20,
      .drain_ms = 20,
      .backend = w->sim != NULL ? EVNET_BACKEND_AUTO : EVNET_BACKEND_EPOLL,
      .connections_max = w->connections_max,
      .allocator = &w->harness.allocator,
      .kernel = w->sim != NULL ? evnet_sim_kernel(w->sim) : NULL,
  };
  const struct evnet_handler handler = conn_handler();
  CHECK(evnet_reactor_create(&handler, w, &options, &w->reactor) == 0);
  peers_begin(w);
}

// Adopts a descriptor. which: 0, 1: one end of a socket pair; 2: a closed descriptor; 3: a file;
// 4: a socket that is not connected.
static void adopt(struct world *w, size_t which) {
  if (w->sim != NULL || w->conns_used == CONNS_MAX || w->peers_used == PEERS_MAX) return;
  int pair[2] = {-1, -1};
  if (which < 2) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
  } else if (which == 2) {
    pair[0] = 1 << 20;
  } else {
    pair[0] = which == 3 ? dup(STDERR_FILENO) : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }
  struct conn *c = conn_new(w);
  const int status = evnet_adopt(w->reactor, pair[0], c, &c->id);
  if (status == 0) {
    CHECK(which < 2 && c->state == BEGUN);
    peer_add(w, NULL, pair[1]);
    return;
  }
  const int expected[] = {0, 0, -EBADF, -ENOTSOCK, -ENOTCONN};
  CHECK(is_refusal(w, status) || (which >= 2 && status == expected[which]));
  c->state = CLOSED;
  // After an error, the caller still owns the descriptor.
  if (which != 2) CHECK(close(pair[0]) == 0);
  if (pair[1] >= 0) (void)close(pair[1]);
}

static void cancel(struct world *w, size_t n) {
  if (w->conns_used == 0) return;
  struct conn *c = &w->conns[n % w->conns_used];
  const int status = evnet_close(w->reactor, c->id);
  CHECK(status == 0 || status == -ESTALE);
  if (c->state == CLOSED) CHECK(status == -ESTALE);
  if (status < 0) return;
  if (c->state == BEGUN && c->dialled) {
    c->cancelled = true;
  } else if (c->state == OPEN) {
    c->state = ENDING;
  }
}

static void turn(struct world *w) {
  if (w->stopped) return;
  const int status = evnet_reactor_turn(w->reactor, 0);
  CHECK(status == 1 || (status == 0 && w->stopping));
  w->stopped = status == 0;
  if (w->sim != NULL) CHECK(evnet_sim_failure(w->sim) == NULL);
  peers_take(w);
}

static struct peer *peer_of(struct world *w, size_t n) {
  struct peer *peer = w->peers_used > 0 ? &w->peers[n % w->peers_used] : NULL;
  return peer != NULL && peer->in_use ? peer : NULL;
}

static void act_of_peer(struct world *w, const struct step *step) {
  struct peer *peer = peer_of(w, step->what == PEER_WRITES ? step->n % 16 : step->n);
  if (peer == NULL) return;
  switch (step->what) {
    case PEER_WRITES:
      peer_write(w, peer, step->n);
      break;
    case PEER_READS:
      peer_read(w, peer);
      break;
    case PEER_ENDS:
      peer_end(w, peer);
      break;
    default:
      peer_close(w, peer, step->what == PEER_RESETS);
      break;
  }
}

static void act(struct world *w, const struct step *step) {
  switch (step->what) {
    case DIAL:
      if (!w->stopped) begin_dial(w, step->n);
      break;
    case ADOPT:
      if (!w->stopped) adopt(w, step->n % 5);
      break;
    case CANCEL:
      if (!w->stopped) cancel(w, step->n);
      break;
    case TURN:
      for (size_t i = 0; i <= step->n % 8; i++) turn(w);
      break;
    case ADVANCE:
      if (w->sim != NULL)
        evnet_sim_advance(w->sim, evnet_sim_now_ns(w->sim) + step->n * UINT64_C(16000));
      break;
    case FAIL:
      w->harness.fail_countdown = step->n % 8 + 1;
      break;
    case STOP:
      w->stopping = true;
      evnet_reactor_stop(w->reactor, (int64_t)(step->n % 64));
      break;
    case DIAL_OPTIONS:
      w->options = step->n;
      break;
    default:
      act_of_peer(w, step);
      break;
  }
}

// Ends the run and checks that every connection has closed, that each peer received what it must,
// and that no memory is left.
static void end(struct world *w) {
  w->harness.fail_countdown = 0;
  w->harness.input_bytes = 0;
  w->stopping = true;
  evnet_reactor_stop(w->reactor, 0);
  for (int turns = 0; !w->stopped; turns++) {
    CHECK(turns < TURNS_MAX);
    turn(w);
    if (w->sim != NULL) {
      const uint64_t next_ns = evnet_sim_next_ns(w->sim);
      if (next_ns != UINT64_MAX) evnet_sim_advance(w->sim, next_ns);
    }
  }
  for (size_t i = 0; i < w->conns_used; i++) CHECK(w->conns[i].state == CLOSED);
  for (size_t i = 0; i < w->peers_used; i++) {
    if (w->peers[i].in_use) peer_read(w, &w->peers[i]);
  }
  w->ending = true;
  evnet_reactor_destroy(w->reactor);
  CHECK(w->harness.live_blocks == 0);
  peers_deinit(w);
  evnet_sim_destroy(w->sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct world *w = &dial_world;
  if (size < HEADER_BYTES) return 0;
  memset(w, 0, sizeof *w);
  harness_begin(&w->harness, data + HEADER_BYTES, size - HEADER_BYTES);
  begin(w, data);
  struct step step;
  while (harness_step(&w->harness, &step)) {
    step.what = step_number(&step, WORLD_STEPS);
    act(w, &step);
  }
  end(w);
  return 0;
}
