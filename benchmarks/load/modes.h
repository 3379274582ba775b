// The modes of the load generator.

#ifndef EVNET_BENCHMARKS_LOAD_MODES_H_
#define EVNET_BENCHMARKS_LOAD_MODES_H_

#include "benchmarks/load/run.h"

// A driver implements a mode; its state is static. Call open, then run any number of times, then
// close. Functions return 0, or -1 after a line on stderr. After -1 the process must exit, which
// frees memory and descriptors.
struct load_driver {
  // Prepares the mode; both arguments must outlive the driver.
  int (*open)(struct run *run, const struct load_options *options);
  // Executes all phases of a run that run_start has started. Leaves no request in flight.
  int (*run)(void);
  void (*close)(void);
};

// The drivers of `--mode=echo` over tcp and unix, of `--mode=echo` over udp, of `--mode=churn`, and
// of `--mode=http`, `--mode=get` and `--mode=set`.
extern const struct load_driver stream_driver;
extern const struct load_driver datagram_driver;
extern const struct load_driver churn_driver;
extern const struct load_driver exchange_driver;

// `--mode=idle`, in one call. Returns 0 or -1, as above.
int idle_run(const struct load_options *options);

#endif  // EVNET_BENCHMARKS_LOAD_MODES_H_
