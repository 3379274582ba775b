// A getaddrinfo(3) of the tests, which looks names up in a table instead of the machine's resolver,
// and a getnameinfo(3), for which every address has the name "seven.test".
#ifndef EVNET_NET_REACTOR_TESTING_NAMES_H_
#define EVNET_NET_REACTOR_TESTING_NAMES_H_

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace evnet_testing {

// The names that getaddrinfo knows. A lookup of "slow.test" returns only after Release.
struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  int asking = 0;  // threads that are in getaddrinfo now
  std::map<std::string, std::vector<std::string>> hosts;

  void Know(const std::string &name, const std::vector<std::string> &addresses);
  void Release();
  // Waits until no thread is in getaddrinfo, and then removes all names. Destroying a reactor does
  // not wait for such threads.
  void Reset();
};

Names &TheNames();

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_NAMES_H_
