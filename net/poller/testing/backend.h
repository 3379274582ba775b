// Which backend a test runs over, for fixtures above the poller: the one that EVNET_TEST_BACKEND
// names, which evnet_uring_test sets. A process that is told io_uring where the system refuses it
// skips all its tests, saying why.
#ifndef EVNET_NET_POLLER_TESTING_BACKEND_H_
#define EVNET_NET_POLLER_TESTING_BACKEND_H_

#include "net/poller/poller.h"

namespace evnet_testing {

// EVNET_BACKEND_AUTO when the environment names none.
evnet_backend TestBackend();

// What the kernel does in io_uring, no test can see, count or make fail by wrapping socket calls.
inline bool SocketCallsAreSeen() { return TestBackend() != EVNET_BACKEND_IO_URING; }

}  // namespace evnet_testing

// First in a test that needs to see them.
#define EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN() \
  if (!::evnet_testing::SocketCallsAreSeen()) GTEST_SKIP() << "io_uring makes no socket calls"

#endif  // EVNET_NET_POLLER_TESTING_BACKEND_H_
