// Shows the progress of a long run on stderr: the amount done, the rate, and the time left.
//
//   Progress progress("churn", cycles, "cycles");
//   for (...) { ...; progress.Add(1); }
//
//   churn: 12000 of 20000 cycles (60 %), 412/s, 19 s left
//
// On a terminal, one line is updated in place. Otherwise a line is written every minute, so a
// shorter run writes nothing.
#ifndef EVNET_NET_BASE_TESTING_PROGRESS_H_
#define EVNET_NET_BASE_TESTING_PROGRESS_H_

#include <stdint.h>
#include <stdio.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace evnet_testing {

// Returns the text of the line.
//
//   name, unit   the name of the run, and the unit of what it counts.
//   done, total  in that unit; done <= total.
//   seconds      since the start.
std::string ProgressText(const std::string &name, const std::string &unit, uint64_t done,
                         uint64_t total, double seconds);

class Progress {
 public:
  Progress(std::string name, uint64_t total, std::string unit, FILE *out = stderr);
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  ~Progress();  // clears a terminal's line

  // Adds to the amount done. Any thread. A loop with very short steps should add many in one call.
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
  std::atomic<Clock::rep> next_;  // when the next line is due, in ticks of the clock
  std::mutex mutex_;              // protects the output
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_PROGRESS_H_
