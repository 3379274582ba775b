// A reactor that a test turns until a condition holds.
#ifndef EVNET_ADAPTERS_TESTING_LOOP_H_
#define EVNET_ADAPTERS_TESTING_LOOP_H_

#include <chrono>

#include "gtest/gtest.h"
#include "net/reactor/reactor.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {

class Loop {
 public:
  explicit Loop(evnet_backend backend = EVNET_BACKEND_AUTO) {
    evnet_handler handler = {};
    evnet_reactor_options options = {};
    options.backend = backend;
    EXPECT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor_), 0);
  }
  ~Loop() { Destroy(); }
  Loop(const Loop &) = delete;
  Loop &operator=(const Loop &) = delete;

  evnet_reactor *get() { return reactor_; }

  // Fails the test if the condition does not hold before the deadline.
  template <typename Condition>
  void Until(const Condition &condition) {
    const int64_t end_ms = NowMs() + std::chrono::milliseconds(kDeadline).count();
    while (!condition() && NowMs() < end_ms) ASSERT_EQ(evnet_reactor_turn(reactor_, 100), 1);
    EXPECT_TRUE(condition());
  }
  void Destroy() {
    evnet_reactor_destroy(reactor_);
    reactor_ = nullptr;
  }

 private:
  evnet_reactor *reactor_ = nullptr;
};

}  // namespace evnet_testing

#endif  // EVNET_ADAPTERS_TESTING_LOOP_H_
