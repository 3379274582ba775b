// One run: the real server, its reactors, balancer and mailboxes over the simulated kernel, with
// random clients and a random handler, all in one thread and all from one seed.
#ifndef EVNET_NET_SERVER_SIMULATE_SIMULATION_H_
#define EVNET_NET_SERVER_SIMULATE_SIMULATION_H_

#include <stdint.h>
#include <stdio.h>

#include <string>

namespace evnet_simulation {

struct Outcome {
  std::string failure;  // what was broken; empty: nothing
  uint64_t trace_hash = 0;
  uint64_t callbacks = 0;
  uint64_t connections = 0;
  uint64_t virtual_ms = 0;
};

// trace: every event as it happens; nullptr: only the last ones, on stderr, when something is
// broken or the process dies of it.
Outcome Simulate(uint64_t seed, FILE *trace);

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_SIMULATION_H_
