// The phases and counts of a run: see run.h.

#include "benchmarks/load/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint64_t kStallNs = UINT64_C(10000000000);
static const uint64_t kDrainNs = UINT64_C(5000000000);
enum { WAIT_MS_MAX = 100 };

int run_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return -1;
}

void run_start(struct run *run, const struct load_options *options) {
  uint64_t now_ns = run_now_ns();
  memset(run, 0, sizeof(*run));
  run->options = options;
  run->phase = RUN_WARMUP;
  run->phase_end_ns = now_ns + options->warmup_ns;
  run->progress_ns = now_ns;
}

static int clock_read(clockid_t clock, uint64_t *out_ns) {
  struct timespec time;
  if (clock_gettime(clock, &time) < 0) return -1;
  *out_ns = (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
  return 0;
}

// The CPU clock of a process is the scheduler's own sum over all threads, including ended ones, up
// to now. /proc/PID/stat counts in ticks of 10 ms, and /proc/PID/schedstat lags by up to a tick.
static int server_cpu_read(const struct run *run, uint64_t *out_ns) {
  *out_ns = 0;
  if (run->options->server_pid == 0) return 0;
  clockid_t clock;
  if (clock_getcpuclockid(run->options->server_pid, &clock) != 0 || clock_read(clock, out_ns) < 0) {
    return run_fail("cannot read the CPU clock of process %d: is the server running?",
                    (int)run->options->server_pid);
  }
  return 0;
}

int run_advance(struct run *run, uint64_t now_ns) {
  uint64_t server_cpu_ns = 0;
  uint64_t load_cpu_ns = 0;
  if (server_cpu_read(run, &server_cpu_ns) < 0) return -1;
  if (clock_read(CLOCK_PROCESS_CPUTIME_ID, &load_cpu_ns) < 0)
    return run_fail("cannot read the CPU clock");
  if (run->phase == RUN_WARMUP) {
    run->phase = RUN_MEASURE;
    run->phase_end_ns = now_ns + run->options->window_ns;
    run->begin_ns = now_ns;
    run->server_cpu_ns = server_cpu_ns;
    run->load_cpu_ns = load_cpu_ns;
    return 0;
  }
  run->phase = RUN_DRAIN;
  run->phase_end_ns = now_ns + kDrainNs;
  run->length_ns = now_ns - run->begin_ns;
  run->server_cpu_ns = server_cpu_ns - run->server_cpu_ns;
  run->load_cpu_ns = load_cpu_ns - run->load_cpu_ns;
  if (run->requests < run->options->requests_max) {
    return run_fail("only %llu of %llu requests were completed in time",
                    (unsigned long long)run->requests,
                    (unsigned long long)run->options->requests_max);
  }
  return 0;
}

int run_turn(struct run *run, uint64_t now_ns, int *out_wait_ms) {
  if (now_ns >= run->phase_end_ns) {
    if (run->phase == RUN_DRAIN)
      return run_fail("replies are missing 5 s after the end of the window");
    if (run_advance(run, now_ns) < 0) return -1;
  }
  if (now_ns > run->progress_ns && now_ns - run->progress_ns > kStallNs) {
    return run_fail("received no byte from the server for 10 s");
  }
  uint64_t wait_ms = 1;
  if (run->phase_end_ns > now_ns) wait_ms += (run->phase_end_ns - now_ns) / 1000000;
  *out_wait_ms = wait_ms < WAIT_MS_MAX ? (int)wait_ms : WAIT_MS_MAX;
  return 0;
}
