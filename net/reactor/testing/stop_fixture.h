// A reactor that stops, with a clock that only the test advances.
#ifndef EVNET_NET_REACTOR_TESTING_STOP_FIXTURE_H_
#define EVNET_NET_REACTOR_TESTING_STOP_FIXTURE_H_

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {

class Stop : public ::testing::Test {
 protected:
  Stop() {
    h.options.linger_ms = EVNET_OFF;
    h.on.stopping = [](evnet_conn *) {};
    TheKernel().StopClock();
  }
  void Run() {
    h.Until([&] { return h.Turn() == 0; });
    EXPECT_EQ(h.Turn(), 0);
  }

  Harness h;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_STOP_FIXTURE_H_
