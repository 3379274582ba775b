// One run's clock and counts, the same for every mode:
//
//     WARMUP --(warm-up passed)--> MEASURE --(window passed, or N requests)--> DRAIN --> end
//
// Requests are issued in the first two, counted in the second, and those still in flight are
// awaited and checked in the third. The phase changes between two replies, and the CPU clocks are
// read at that moment, so that counts and CPU times are of exactly the same window.

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
  uint64_t phase_end_ns;  // DRAIN: when waiting for the rest is given up
  uint64_t progress_ns;   // when bytes came last
  uint64_t begin_ns;      // the window's, from MEASURE on
  uint64_t length_ns;     // this and all below are final from DRAIN on
  uint64_t server_cpu_ns;
  uint64_t load_cpu_ns;
  uint64_t requests;
  uint64_t lost;  // datagrams without an answer in time, in all phases
  uint64_t late;  // answers to those
  struct histogram latency;
};

static inline uint64_t run_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

// run_fail prints a line to stderr. Returns -1, what every function here and in the modes returns
// for an error that has been told.
__attribute__((format(printf, 1, 2))) int run_fail(const char *format, ...);

// run_start forgets an earlier run and starts the warm-up.
void run_start(struct run *run, const struct load_options *options);

// run_advance enters the next phase. Called by the functions below; DRAIN is the last.
int run_advance(struct run *run, uint64_t now_ns);

// run_turn is to be called once a turn of a mode's loop, also when nothing came.
//
//   out_wait_ms   how long the loop may sleep.
//
// Errors: -1, no byte came for too long, or too few requests were done.
int run_turn(struct run *run, uint64_t now_ns, int *out_wait_ms);

// Whether a finished request is to be followed by another.
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
