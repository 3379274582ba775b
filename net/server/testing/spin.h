// Watches a server of a test for turns to no purpose: while nothing makes progress, a reactor
// sleeps. Every server test does so, as net/server/testing/server.h has a watch.
#ifndef EVNET_NET_SERVER_TESTING_SPIN_H_
#define EVNET_NET_SERVER_TESTING_SPIN_H_

#include <stddef.h>
#include <stdint.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace evnet_testing {

// What a server had done up to a moment.
struct Activity {
  uint64_t turns;
  uint64_t work;  // any number that changes with whatever is progress
};

class SpinWatch {
 public:
  // Looks at the server every few milliseconds, on a thread of its own.
  explicit SpinWatch(std::function<Activity()> look);
  SpinWatch(const SpinWatch &) = delete;
  SpinWatch &operator=(const SpinWatch &) = delete;
  ~SpinWatch();

  // Ends the watch. Returns the most turns beyond those allowed that came between two looks while
  // no work was done; 0: the server did not spin.
  uint64_t Stop();

  // Those that may come to no purpose within that time: a kernel wakes in vain now and then, and a
  // test may have timers of its own.
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

// The threads of all watches, which are none of the servers'.
size_t WatchThreads();

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_SPIN_H_
