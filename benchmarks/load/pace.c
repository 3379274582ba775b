// The schedule of the open loop: see pace.h.

#include "benchmarks/load/pace.h"

#include <time.h>

#include <sys/prctl.h>

void pace_start(struct pace *pace, double rate, uint64_t now_ns) {
  // Otherwise the kernel may wake the process 50 us late (prctl(2)).
  if (rate != 0) prctl(PR_SET_TIMERSLACK, 1UL);
  *pace = (struct pace){.rate = rate, .begin_ns = now_ns};
}

int pace_wait(const struct pace *pace, const struct run *run, int epoll_fd,
              struct epoll_event *events, int events_max, int wait_ms) {
  if (pace->rate == 0) return epoll_wait(epoll_fd, events, events_max, wait_ms);
  const uint64_t now_ns = run_now_ns();
  uint64_t wait_ns = (uint64_t)wait_ms * 1000000;
  if (run_is_issuing(run)) {
    const uint64_t next_ns = pace_due_ns(pace);
    const uint64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    // A request that is overdue waits for room, so for an event.
    if (left_ns > 0 && left_ns < wait_ns) wait_ns = left_ns;
  }
  const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / 1000000000),
                                   .tv_nsec = (long)(wait_ns % 1000000000)};
  return epoll_pwait2(epoll_fd, events, events_max, &timeout, NULL);
}

void pace_finish(const struct pace *pace, struct run *run) {
  if (pace->rate == 0) return;
  const uint64_t end_ns = run->begin_ns + run->length_ns;
  for (struct pace p = *pace; pace_due_ns(&p) <= end_ns; p.sent++) run->overdue++;
}
