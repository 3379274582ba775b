// A getaddrinfo(3) of the tests' own: names are looked up in a table, whatever the machine knows.
#ifndef EVNET_NET_REACTOR_TESTING_NAMES_H_
#define EVNET_NET_REACTOR_TESTING_NAMES_H_

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace evnet_testing {

// What getaddrinfo knows; it answers "slow.test" after Release only.
struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  int asking = 0;  // in getaddrinfo now
  std::map<std::string, std::vector<std::string>> hosts;

  void Know(const std::string &name, const std::vector<std::string> &addresses);
  void Release();
  // Waits until no thread is in getaddrinfo, which a reactor does not do when it is destroyed, and
  // forgets all names.
  void Reset();
};

Names &TheNames();

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_NAMES_H_
