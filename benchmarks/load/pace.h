// The schedule of the open loop (--rate): requests are due at equal intervals, whether or not
// earlier ones were answered. Latency counts from the due time, so a stall of the server counts for
// every request that was due meanwhile (no coordinated omission).

#ifndef EVNET_BENCHMARKS_LOAD_PACE_H_
#define EVNET_BENCHMARKS_LOAD_PACE_H_

#include <stdbool.h>
#include <stdint.h>

#include <sys/epoll.h>

#include "benchmarks/load/run.h"

struct pace {
  double rate;        // requests a second; 0: closed loop, and no other field counts
  uint64_t begin_ns;  // when request 0 was due
  uint64_t sent;      // requests that have been sent, in order of their due times
};

// pace_start starts the schedule: the first request is due now.
//
//   rate   requests a second; 0 for a closed loop.
void pace_start(struct pace *pace, double rate, uint64_t now_ns);

// pace_due_ns returns when the next request is due.
static inline uint64_t pace_due_ns(const struct pace *pace) {
  return pace->begin_ns + (uint64_t)((double)pace->sent * 1e9 / pace->rate);
}

// pace_wait is epoll_wait(2), but it does not sleep beyond the next due time while the run issues
// requests.
//
//   wait_ms   the longest time to sleep.
int pace_wait(const struct pace *pace, const struct run *run, int epoll_fd,
              struct epoll_event *events, int events_max, int wait_ms);

// pace_finish counts the requests that were due in the window of the run and were never sent. Call
// it after the run. It does nothing for a closed loop.
void pace_finish(const struct pace *pace, struct run *run);

#endif  // EVNET_BENCHMARKS_LOAD_PACE_H_
