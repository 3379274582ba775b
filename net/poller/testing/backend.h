// The backend that a test runs over, for fixtures above the poller. The environment variable
// EVNET_TEST_BACKEND names it; evnet_uring_test sets the variable. If it names io_uring and the
// system refuses io_uring, all tests are skipped with a message.
#ifndef EVNET_NET_POLLER_TESTING_BACKEND_H_
#define EVNET_NET_POLLER_TESTING_BACKEND_H_

#include "net/poller/poller.h"

namespace evnet_testing {

// Returns EVNET_BACKEND_AUTO if the environment names no backend.
evnet_backend TestBackend();

// Whether wrapped socket calls see the backend's operations. The kernel runs io_uring's operations,
// so tests cannot see, count or fail them by wrapping socket calls.
inline bool SocketCallsAreSeen() { return TestBackend() != EVNET_BACKEND_IO_URING; }

}  // namespace evnet_testing

// The first statement of a test that wraps socket calls.
#define EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN() \
  if (!::evnet_testing::SocketCallsAreSeen()) GTEST_SKIP() << "io_uring makes no socket calls"

#endif  // EVNET_NET_POLLER_TESTING_BACKEND_H_
