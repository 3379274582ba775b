// simulate [--seeds=N] [--first=SEED] [--trace]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/testing/progress.h"
#include "net/server/simulate/simulation.h"

namespace {

constexpr char kHelp[] =
    "usage: simulate [--seeds=N] [--first=SEED] [--trace]\n"
    "\n"
    "Runs the server over a simulated kernel, once for each seed, and checks its invariants. If a\n"
    "seed fails, the program prints its last events and exits with 1. The same seed always runs\n"
    "the same way.\n"
    "\n"
    "  --seeds=N     number of seeds. Default: 1000\n"
    "  --first=SEED  first seed. Default: 1\n"
    "  --trace       print every event\n";

// Parses the number after `name` in an argument like --seeds=5.
bool Number(const char *argument, const char *name, uint64_t *out) {
  const size_t size = strlen(name);
  if (strncmp(argument, name, size) != 0 || argument[size] == '\0') return false;
  char *end = nullptr;
  *out = strtoull(argument + size, &end, 10);
  return *end == '\0';
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seeds = 1000;
  uint64_t first = 1;
  bool trace = false;
  for (int i = 1; i < argc; i++) {
    if (Number(argv[i], "--seeds=", &seeds) || Number(argv[i], "--first=", &first)) continue;
    if (strcmp(argv[i], "--trace") == 0) {
      trace = true;
      continue;
    }
    const bool help = strcmp(argv[i], "--help") == 0;
    (void)fputs(kHelp, help ? stdout : stderr);
    return help ? 0 : 2;
  }
  uint64_t connections = 0;
  uint64_t callbacks = 0;
  uint64_t hash = 0;
  evnet_testing::Progress progress("simulate", seeds, "seeds");
  for (uint64_t seed = first; seed < first + seeds; seed++) {
    const evnet_simulation::Outcome outcome =
        evnet_simulation::Simulate(seed, trace ? stdout : nullptr);
    connections += outcome.connections;
    callbacks += outcome.callbacks;
    hash = hash * 31 + outcome.trace_hash;
    if (!trace) progress.Add(1);
    if (outcome.failure.empty()) continue;
    (void)fprintf(
        stderr, "again: bazel run //net/server:simulate -- --first=%" PRIu64 " --seeds=1 --trace\n",
        seed);
    return 1;
  }
  // The hash is the same for the same seeds, whatever the compiler and its flags.
  (void)printf("%" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " connections, %" PRIu64
               " callbacks, nothing broken; %016" PRIx64 "\n",
               seeds, first, connections, callbacks, hash);
  return 0;
}
