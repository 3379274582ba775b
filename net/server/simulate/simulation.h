// One run of the simulation: the real server with its reactors, balancer and mailboxes over the
// simulated kernel, with random clients and a random handler. A run has one thread and one seed.
#ifndef EVNET_NET_SERVER_SIMULATE_SIMULATION_H_
#define EVNET_NET_SERVER_SIMULATE_SIMULATION_H_

#include <stdint.h>
#include <stdio.h>

#include <string>

namespace evnet_simulation {

struct Outcome {
  std::string failure;  // the broken rule; empty if there is none
  uint64_t trace_hash = 0;
  uint64_t callbacks = 0;
  uint64_t connections = 0;
  uint64_t virtual_ms = 0;
};

// Runs one seed.
//
//   trace  receives every event. With nullptr, the last events are printed to stderr if a rule is
//          broken or the process crashes.
Outcome Simulate(uint64_t seed, FILE *trace);

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_SIMULATION_H_
