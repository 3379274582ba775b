// The progress of a long run, on stderr: how much is done, how fast, and how long the rest takes.
//
//   Progress progress("churn", cycles, "cycles");
//   for (...) { ...; progress.Add(1); }
//
//   churn: 12000 of 20000 cycles (60 %), 412/s, 19 s left
//
// A terminal shows one line that is kept up to date. Elsewhere a line is written every minute, so a
// run that is shorter writes nothing.
#ifndef EVNET_NET_BASE_TESTING_PROGRESS_H_
#define EVNET_NET_BASE_TESTING_PROGRESS_H_

#include <stdint.h>
#include <stdio.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace evnet_testing {

// The line's text.
//
//   name, unit   what runs, and what is counted.
//   done, total  of the unit; done <= total.
//   seconds      since the beginning.
std::string ProgressText(const std::string &name, const std::string &unit, uint64_t done,
                         uint64_t total, double seconds);

class Progress {
 public:
  Progress(std::string name, uint64_t total, std::string unit, FILE *out = stderr);
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  ~Progress();  // clears a terminal's line

  // Counts what was done. Any thread; a loop of less than a microsecond adds many in one call.
  void Add(uint64_t count);

 private:
  using Clock = std::chrono::steady_clock;

  void Show(Clock::time_point now);

  const std::string name_;
  const std::string unit_;
  const uint64_t total_;
  FILE *const out_;
  const bool is_terminal_;
  const Clock::time_point began_;
  std::atomic<uint64_t> done_{0};
  std::atomic<Clock::rep> next_;  // when the line is due, in ticks of the clock
  std::mutex mutex_;              // of what is written
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_PROGRESS_H_
