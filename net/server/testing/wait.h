// Waiting for a condition, with a deadline, and looking at the process from outside.
#ifndef EVNET_NET_SERVER_TESTING_WAIT_H_
#define EVNET_NET_SERVER_TESTING_WAIT_H_

#include <stddef.h>
#include <stdint.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "net/base/testing/explain.h"
#include "net/base/testing/place.h"

namespace evnet_testing {

// Much longer than a loaded machine needs. Only a failing test waits this long.
constexpr std::chrono::seconds kDeadline(20);

// Returns whether the condition held before the deadline, and fails the test if not. The
// condition is evaluated repeatedly.
bool WaitUntil(const std::function<bool()> &condition, Place place = Place::Here());

// Milliseconds of the monotonic clock.
int64_t NowMs();

// The number of this process's descriptors and of its threads, without those of spin.h.
size_t OpenDescriptors();
size_t Threads();

// A list of events in order, from any thread. A failed test prints the last lines.
class Journal {
 public:
  Journal();
  void Add(std::string line);
  size_t Count(const std::string &line) const;
  std::vector<std::string> Lines() const;
  // Waits until `line` was added `count` times.
  bool WaitFor(const std::string &line, size_t count = 1, Place place = Place::Here()) const;

 private:
  void Explain(std::ostream *out) const;

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  const Witness witness_;
};

// Returns bytes that depend on their position, so a lost, duplicated or moved byte is detected.
std::string Pattern(size_t bytes, uint32_t seed = 1);

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_WAIT_H_
