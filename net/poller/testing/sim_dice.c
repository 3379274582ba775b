// Random choices of a simulated world. All choices of its kernel and its network come from one
// seed.
#include "net/poller/testing/sim_dice.h"

uint64_t evnet_sim_random(struct evnet_sim *sim) {
  // splitmix64, https://prng.di.unimi.it/splitmix64.c
  uint64_t z = sim->random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint32_t evnet_sim_below(struct evnet_sim *sim, uint32_t bound) {
  return (uint32_t)((evnet_sim_random(sim) >> 32) * bound >> 32);
}

bool evnet_sim_chance(struct evnet_sim *sim, uint32_t thousandths) {
  return thousandths > 0 && evnet_sim_below(sim, 1000) < thousandths;
}

uint64_t sim_arrival_ns(struct evnet_sim *sim) {
  uint64_t most = sim->options.delay_ns_max;
  // Mostly a short delay, sometimes a long one.
  uint64_t delay = evnet_sim_random(sim) % (most + 1);
  return sim->now_ns + 1 + (evnet_sim_chance(sim, 250) ? delay : delay / 16);
}
