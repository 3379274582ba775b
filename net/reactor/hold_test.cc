// Holds: an answer that is owed outlives the peer's end and an orderly stop.
#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Hold : public ::testing::Test {
 protected:
  Hold() {
    h.on.data = [&](evnet_conn *conn) {
      TakeAll(conn);
      evnet_conn_hold(conn);
      return EVNET_NONE;
    };
  }
  void Start() {
    h.Start();
    pair = h.Connect();
    pair.client.Write("question");
    h.Settle();
  }
  void Answer(const std::string &text) {
    Write(pair.conn, text);
    evnet_conn_release(pair.conn);
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Hold, ThePeersEndWaitsForTheLastRelease) {
  Start();
  pair.client.Write("another");
  h.Settle();
  pair.client.Shutdown();
  h.Settle();
  h.Post([&] { Answer("one"); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  h.Post([&] { Answer("two"); });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "onetwo");
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(Hold, AReleaseBeforeThePeersEndChangesNothing) {
  Start();
  h.Post([&] { Answer("a"); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Shutdown();
  h.Until([&] { return h.Of(pair).closed == 1; });
}

TEST_F(Hold, AStopWaitsForTheAnswerAndThenClosesAtOnce) {
  h.options.linger_ms = EVNET_OFF;
  TheKernel().StopClock();  // so that the deadline cannot be what ends it
  Start();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  // What the answer writes is gathered and still on its way when it is released.
  h.Post([&] { Answer("the answer"); });
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(h.ReadToEnd(&pair.client), "the answer");
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

TEST_F(Hold, AStopClosesSeveralThatAreAnsweredByOneFunction) {
  h.options.linger_ms = EVNET_OFF;
  TheKernel().StopClock();
  Start();
  Harness::Pair other = h.Connect();
  other.client.Write("question");
  h.Settle();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  h.Post([&] {
    Answer("one");
    Write(other.conn, "two");
    evnet_conn_release(other.conn);
  });
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(h.Of(other).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(h.ReadToEnd(&pair.client), "one");
  EXPECT_EQ(h.ReadToEnd(&other.client), "two");
}

TEST_F(Hold, AStopWaitsForTheAnswerOfAHalfClosedConnection) {
  h.options.linger_ms = EVNET_OFF;
  TheKernel().StopClock();
  Start();
  pair.client.Shutdown();
  h.Settle();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  h.Post([&] { Answer("late"); });
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "late");
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

TEST_F(Hold, DoesNotKeepAnAbortedConnection) {
  Start();
  h.Post([&] { h.Abort(pair.conn); });
  h.Until([&] { return h.Of(pair).closed == 1; });
}

using HoldDeathTest = Hold;

TEST_F(HoldDeathTest, AReleaseWithoutAHoldIsAProgrammersError) {
  h.on.data = nullptr;
  h.Start();
  pair = h.Connect();
  EXPECT_DEATH(evnet_conn_release(pair.conn), "holds");
}

TEST_F(HoldDeathTest, SoIsOneHoldTooMany) {
  h.Start();
  pair = h.Connect();
  for (int i = 0; i < 65535; i++) evnet_conn_hold(pair.conn);
  EXPECT_DEATH(evnet_conn_hold(pair.conn), "holds");
  for (int i = 0; i < 65535; i++) evnet_conn_release(pair.conn);
}

}  // namespace
}  // namespace evnet_testing
