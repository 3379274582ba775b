// What the load generator can do.

#ifndef EVNET_BENCHMARKS_LOAD_MODES_H_
#define EVNET_BENCHMARKS_LOAD_MODES_H_

#include "benchmarks/load/run.h"

// A way to drive the server; each is one object with its state behind it. Its functions are called
// in this order, run as often as wanted. They return 0, or -1 after a line on stderr; then the
// process is to end, which gives back memory and descriptors.
struct load_driver {
  // Gets ready; both arguments outlive the driver.
  int (*open)(struct run *run, const struct load_options *options);
  // Goes through all phases of one run, started by run_start before. Leaves nothing in flight.
  int (*run)(void);
  void (*close)(void);
};

// `--mode=echo` over tcp and unix, over udp, and `--mode=churn`.
extern const struct load_driver stream_driver;
extern const struct load_driver datagram_driver;
extern const struct load_driver churn_driver;

// `--mode=idle` in one call. Returns 0 or -1, as above.
int idle_run(const struct load_options *options);

#endif  // EVNET_BENCHMARKS_LOAD_MODES_H_
