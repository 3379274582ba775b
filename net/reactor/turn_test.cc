// Single turns: a turn that ran user code returns, and bytes written between two turns are sent in
// the next turn.
#include <chrono>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr int64_t kLongMs = 20000;

class TurnByHand : public ::testing::Test {
 protected:
  // Runs turns that may each wait for a long time, until `done`. Returns whether none of them
  // waited.
  bool EndsSoon(const bool &done) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 100 && !done; i++) h.Turn(kLongMs);
    const auto took = std::chrono::steady_clock::now() - start;
    return done && took < std::chrono::milliseconds(kLongMs);
  }

  Harness h;
};

TEST_F(TurnByHand, OneThatRanATimerReturns) {
  h.Start();
  bool done = false;
  evnet_timer timer = {};
  evnet_timer_start(
      h.reactor(), &timer, 5, [](evnet_timer *, void *user) { *static_cast<bool *>(user) = true; },
      &done);
  EXPECT_TRUE(EndsSoon(done));
}

TEST_F(TurnByHand, OneThatRanAPostedFunctionReturns) {
  h.Start();
  bool done = false;
  h.Post([&] { done = true; });
  EXPECT_TRUE(EndsSoon(done));
}

TEST_F(TurnByHand, OneThatRanOnCloseReturns) {
  bool done = false;
  h.on.close = [&](evnet_conn *, int) {
    done = true;
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Abort(pair.conn);
  EXPECT_TRUE(EndsSoon(done));
}

TEST_F(TurnByHand, WhatWasWrittenBetweenTwoTurnsLeavesWithTheNext) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  Write(pair.conn, "x");
  h.Turn();
  EXPECT_EQ(pair.client.Read(), "x");
}

TEST_F(TurnByHand, ThatWriteTellsOfAPeerThatIsGone) {
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Reset();
  Write(pair.conn, "x");
  EXPECT_TRUE(h.Until([&] { return h.Of(pair).closed == 1; }));
}

}  // namespace
}  // namespace evnet_testing
