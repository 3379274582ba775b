#include "net/poller/testing/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

class SkipWhereRefused : public ::testing::Environment {
 public:
  void SetUp() override {
    if (TestBackend() != EVNET_BACKEND_IO_URING) return;
    evnet_poller_options options = {};
    options.backend = EVNET_BACKEND_IO_URING;
    evnet_poller *poller = nullptr;
    const int status = evnet_poller_create(&options, &poller);
    if (status == -ENOSYS || status == -EPERM) {
      GTEST_SKIP() << evnet_poller_create_message(options.backend, status);
    }
    ASSERT_EQ(status, 0);
    evnet_poller_destroy(poller);
  }
};

::testing::Environment *const skip_where_refused =
    ::testing::AddGlobalTestEnvironment(new SkipWhereRefused);

}  // namespace

evnet_backend TestBackend() {
  const char *name = getenv("EVNET_TEST_BACKEND");
  if (name == nullptr) return EVNET_BACKEND_AUTO;
  if (strcmp(name, "epoll") == 0) return EVNET_BACKEND_EPOLL;
  if (strcmp(name, "io_uring") == 0) return EVNET_BACKEND_IO_URING;
  if (strcmp(name, "kqueue") == 0) return EVNET_BACKEND_KQUEUE;
  ADD_FAILURE() << "EVNET_TEST_BACKEND names no backend: " << name;
  return EVNET_BACKEND_AUTO;
}

}  // namespace evnet_testing
