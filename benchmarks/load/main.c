// A load generator for servers that echo, and for HTTP and RESP. It uses one thread. `load --help` lists
// the options; benchmarks/README.md describes the measurements.

#include <stdio.h>

#include <sys/resource.h>

#include "benchmarks/load/modes.h"
#include "benchmarks/load/pattern.h"
#include "benchmarks/load/report.h"

static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static const struct load_driver *driver_for(const struct load_options *options) {
  if (options->mode == LOAD_CHURN) return &churn_driver;
  if (options->mode == LOAD_HTTP || options->mode == LOAD_RESP_GET ||
      options->mode == LOAD_RESP_SET) {
    return &exchange_driver;
  }
  return options->address.kind == BENCH_ADDRESS_UDP ? &datagram_driver : &stream_driver;
}

// Returns whether stdin has another line.
static bool another_is_wanted(void) {
  int c = getchar();
  bool wanted = c != EOF;
  while (c != EOF && c != '\n') c = getchar();
  return wanted;
}

static int drive(const struct load_driver *driver, const struct load_options *options) {
  static struct run run;
  if (driver->open(&run, options) < 0) return -1;
  if (!options->on_demand || another_is_wanted()) {
    do {
      run_start(&run, options);
      if (driver->run() < 0) return -1;
      // A short window may pass while other processes have the CPU. The caller adds up
      // many of them.
      if (run.requests == 0 && !options->on_demand) {
        return run_fail("no request was completed in the window");
      }
      report_print(&run);
    } while (options->on_demand && another_is_wanted());
  }
  driver->close();
  return 0;
}

int main(int argc, char **argv) {
  struct load_options options;
  enum load_parse parsed = load_options_parse(argc, argv, &options);
  if (parsed != LOAD_PARSE_OK) return parsed == LOAD_PARSE_HELP ? 0 : 2;
  raise_descriptor_limit();
  pattern_init();
  int status =
      options.mode == LOAD_IDLE ? idle_run(&options) : drive(driver_for(&options), &options);
  return status < 0 ? 1 : 0;
}
