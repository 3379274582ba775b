// A system call that fails when a test wants it to. The linker (--wrap) replaces the real call.
#ifndef EVNET_NET_POLLER_TESTING_FAULT_H_
#define EVNET_NET_POLLER_TESTING_FAULT_H_

#include <errno.h>

namespace evnet_testing {

struct Fault {
  int after = 0;  // calls that still succeed
  int count = 0;  // calls that then fail
  int error = 0;

  bool Strikes() {
    if (count == 0) return false;
    if (after > 0) {
      after--;
      return false;
    }
    count--;
    errno = error;
    return true;
  }
};

}  // namespace evnet_testing

// Wraps a call that returns -1 and sets errno. The variable name##_fault controls it. Use it within
// extern "C".
#define EVNET_WRAP(result, name, parameters, arguments)                                \
  result __real_##name parameters;                                                     \
  result __wrap_##name parameters;                                                     \
  result __wrap_##name parameters {                                                    \
    return name##_fault.Strikes() ? static_cast<result>(-1) : __real_##name arguments; \
  }

#endif  // EVNET_NET_POLLER_TESTING_FAULT_H_
