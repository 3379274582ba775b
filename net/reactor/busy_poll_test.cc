// A reactor with busy_poll_us polls for a while before it sleeps.
#include <chrono>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class BusyPoll : public ::testing::Test {
 protected:
  BusyPoll() {
    TheKernel().StopClock();  // a busy poll lasts until Advance
    h.options.busy_poll_us = 5000;
  }
  // Returns whether a turn that may wait for 50 ms does so.
  bool Sleeps() {
    const auto start = std::chrono::steady_clock::now();
    h.Turn(50);
    return std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(40);
  }
  void Quieten() {
    h.Settle();
    TheKernel().Advance(6);
  }

  Harness h;
};

TEST_F(BusyPoll, LooksAgainForSoLongAfterBytesCame) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Quieten();
  EXPECT_TRUE(Sleeps());
  pair.client.Write("x");
  h.Until([&] { return h.Of(pair).received == "x"; });
  for (int i = 0; i < 4; i++) EXPECT_FALSE(Sleeps());
  TheKernel().Advance(4);
  EXPECT_FALSE(Sleeps());
  TheKernel().Advance(1);
  EXPECT_TRUE(Sleeps());
}

TEST_F(BusyPoll, AndAfterSomethingWasPosted) {
  h.Start();
  Quieten();
  EXPECT_TRUE(Sleeps());
  bool ran = false;
  h.Post([&] { ran = true; });
  EXPECT_FALSE(Sleeps());
  EXPECT_TRUE(ran);
  EXPECT_FALSE(Sleeps());
  TheKernel().Advance(5);
  EXPECT_TRUE(Sleeps());
}

TEST_F(BusyPoll, IsOffByDefault) {
  h.options.busy_poll_us = 0;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  EXPECT_TRUE(Sleeps());
}

}  // namespace
}  // namespace evnet_testing
