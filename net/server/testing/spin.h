// Watches a test's server for turns without progress, because a reactor without work must sleep.
// Each server of net/server/testing/server.h has a watch.
#ifndef EVNET_NET_SERVER_TESTING_SPIN_H_
#define EVNET_NET_SERVER_TESTING_SPIN_H_

#include <stddef.h>
#include <stdint.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace evnet_testing {

// A server's counters at one moment.
struct Activity {
  uint64_t turns;
  uint64_t work;  // changes with every kind of progress
};

class SpinWatch {
 public:
  // Calls `look` every few milliseconds on the watch's own thread.
  explicit SpinWatch(std::function<Activity()> look);
  SpinWatch(const SpinWatch &) = delete;
  SpinWatch &operator=(const SpinWatch &) = delete;
  ~SpinWatch();

  // Ends the watch. Returns the largest number of turns between two looks that exceeded Allowed()
  // while no work was done; 0 if the server did not spin.
  uint64_t Stop();

  // The number of turns without progress allowed in that time. The kernel sometimes wakes a reactor
  // without an event, and a test may have its own timers.
  static uint64_t Allowed(int64_t elapsed_ms);

 private:
  void Run();

  const std::function<Activity()> look_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  uint64_t most_ = 0;
  std::thread thread_;
};

// The number of the watches' threads, which do not belong to servers.
size_t WatchThreads();

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_SPIN_H_
