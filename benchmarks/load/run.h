// The phases and counts of one run, which all modes share:
//
//     WARMUP --(warm-up passed)--> MEASURE --(window passed, or N requests)--> DRAIN --> end
//
// Requests are issued in the first two phases and counted in the second. In the third, the requests
// in flight are awaited and checked. The phase changes between two replies, and the CPU clocks are
// read at that moment, so counts and CPU times cover exactly the same window.

#ifndef EVNET_BENCHMARKS_LOAD_RUN_H_
#define EVNET_BENCHMARKS_LOAD_RUN_H_

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "benchmarks/load/histogram.h"
#include "benchmarks/load/options.h"

enum run_phase {
  RUN_WARMUP,
  RUN_MEASURE,
  RUN_DRAIN,
};

struct run {
  const struct load_options *options;
  enum run_phase phase;
  uint64_t phase_end_ns;  // DRAIN: the deadline for the remaining replies
  uint64_t progress_ns;   // when bytes last arrived
  uint64_t begin_ns;      // of the window; set from MEASURE on
  uint64_t length_ns;     // of the window; this and the fields below are final from DRAIN on
  uint64_t server_cpu_ns;
  uint64_t load_cpu_ns;
  uint64_t requests;
  uint64_t lost;     // datagrams without a reply in time, in all phases
  uint64_t late;     // replies to lost datagrams
  uint64_t overdue;  // --rate: requests that were due in the window and never sent
  struct histogram latency;
};

static inline uint64_t run_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

// run_fail prints a line to stderr. Returns -1, which every function here and in the modes returns
// for an error that has been printed.
__attribute__((format(printf, 1, 2))) int run_fail(const char *format, ...);

// run_start resets the state of an earlier run and starts the warm-up.
void run_start(struct run *run, const struct load_options *options);

// run_advance enters the next phase. The functions below call it; DRAIN is the last phase.
int run_advance(struct run *run, uint64_t now_ns);

// run_turn must be called once in each turn of a mode's loop, even if nothing arrived.
//
//   out_wait_ms   how long the loop may sleep.
//
// Errors:  -1 if no byte arrived for too long, or if too few requests were completed.
int run_turn(struct run *run, uint64_t now_ns, int *out_wait_ms);

// Returns whether another request should follow a finished one.
static inline bool run_is_issuing(const struct run *run) { return run->phase != RUN_DRAIN; }

// run_reply counts one checked reply.
static inline int run_reply(struct run *run, uint64_t now_ns, uint64_t sent_ns) {
  run->progress_ns = now_ns;
  if (now_ns >= run->phase_end_ns && run_is_issuing(run) && run_advance(run, now_ns) < 0) return -1;
  if (run->phase != RUN_MEASURE) return 0;
  run->requests++;
  histogram_add(&run->latency, now_ns - sent_ns);
  return run->requests == run->options->requests_max ? run_advance(run, now_ns) : 0;
}

#endif  // EVNET_BENCHMARKS_LOAD_RUN_H_
