// A simulated world: created, advanced in time, and inspected as a whole.
#include "net/poller/testing/sim.h"

#include <stdlib.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_poller.h"
#include "net/poller/testing/sim_socket.h"
#include "net/poller/testing/sim_udp_socket.h"
#include "net/poller/testing/sim_watch.h"

enum { BUFFER_BYTES_DEFAULT = 64 << 10 };

struct evnet_sim *evnet_sim_create(const struct evnet_sim_options *options) {
  struct evnet_sim *sim = calloc(1, sizeof *sim);
  if (sim == NULL) return NULL;
  sim->kernel.create_poller = sim_poller_create;
  sim->options = *options;
  if (sim->options.buffer_bytes_max == 0) {
    sim->options.buffer_bytes_min = sim->options.buffer_bytes_max = BUFFER_BYTES_DEFAULT;
  }
  if (sim->options.buffer_bytes_min == 0) sim->options.buffer_bytes_min = 1;
  EVNET_ASSERT(sim->options.buffer_bytes_min <= sim->options.buffer_bytes_max);
  sim->random_state = options->seed;
  // The clock does not start at 0, because that would hide code that assumes it does.
  sim->now_ns = 1000000000 + evnet_sim_random(sim) % 1000000000;
  sim->port_last = 20000;
  return sim;
}

void evnet_sim_destroy(struct evnet_sim *sim) {
  if (sim == NULL) return;
  sim_socket_free_all(sim);
  sim_udp_free_all(sim);
  sim_watch_free_devices(sim);
  free(sim);
}

struct evnet_kernel *evnet_sim_kernel(struct evnet_sim *sim) {
  return &sim->kernel;
}

uint64_t evnet_sim_now_ns(const struct evnet_sim *sim) { return sim->now_ns; }

void evnet_sim_advance(struct evnet_sim *sim, uint64_t to_ns) {
  if (to_ns > sim->now_ns) sim->now_ns = to_ns;
  sim_socket_advance(sim);
  sim_udp_advance(sim);
}

uint64_t evnet_sim_next_ns(const struct evnet_sim *sim) {
  uint64_t next = sim_udp_next_ns(sim);
  const uint64_t arrival_ns = sim_socket_next_ns(sim);
  if (arrival_ns < next) next = arrival_ns;
  for (int i = 0; i < SIM_LISTENERS_MAX; i++) {
    const struct sim_listener *listener = &sim->listeners[i];
    for (uint32_t k = 0; k < listener->queue_count; k++) {
      uint64_t at_ns = listener->queue[k]->ready_ns;
      if (at_ns > sim->now_ns && at_ns < next) next = at_ns;
    }
  }
  for (uint32_t i = 0; i < sim->poller_count; i++) {
    if (sim->pollers[i] == NULL) continue;
    uint64_t at_ns = sim_poller_wake_ns(sim->pollers[i]);
    if (at_ns < next) next = at_ns;
  }
  return next;
}

bool evnet_sim_is_runnable(const struct evnet_sim *sim, uint32_t poller_index) {
  return poller_index < sim->poller_count && sim->pollers[poller_index] != NULL &&
         sim_poller_is_runnable(sim->pollers[poller_index]);
}

void evnet_sim_set_meanwhile(struct evnet_sim *sim,
                             void (*meanwhile)(void *user, uint32_t poller_index, bool sleeps),
                             void *user) {
  sim->meanwhile = meanwhile;
  sim->meanwhile_user = user;
}

void evnet_sim_stats_of(const struct evnet_sim *sim, struct evnet_sim_stats *out_stats) {
  *out_stats = (struct evnet_sim_stats){
      .pollers = sim->pollers_open,
      .descriptors = sim->descriptors_open,
      .handles = sim->handles,
      .accepts = sim->accepts,
      .accept_failed_ns = sim->accept_failed_ns,
      .wakes = sim->wakes,
  };
}
