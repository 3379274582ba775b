// Callbacks that run for a long time before they start a timeout, on a clock that the test
// advances. The timeout counts from the call that starts it, not from the start of the callback.
#include <functional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class LateClock : public ::testing::Test {
 protected:
  LateClock() { TheKernel().StopClock(); }
  bool Ended() {
    h.Settle();
    pair.client.Read();
    return pair.client.end() != End::kOpen;
  }
  // on_data runs for 100 ms and then calls `act`.
  void WorkThen(std::function<void(evnet_conn *)> act) {
    h.on.data = [act = std::move(act)](evnet_conn *conn) {
      TakeAll(conn);
      TheKernel().Advance(100);
      act(conn);
      return EVNET_NONE;
    };
    h.Start();
    pair = h.Connect(4096);
    pair.client.Write("go");
    h.Until([&] { return h.Of(pair).Count("data") == 1; });
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(LateClock, ATimeoutThatIsSetCountsFromTheCall) {
  WorkThen([](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, 80), 0);
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_READ, 80), 0);
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_LIFETIME, 80), 0);
  });
  EXPECT_FALSE(Ended());
  TheKernel().Advance(79);
  EXPECT_FALSE(Ended());
  TheKernel().Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(LateClock, AKeptTimeoutCountsFromTheAnswer) {
  h.options.idle_timeout_ms = 80;
  h.on.timeout = [](evnet_conn *, evnet_timeout) {
    TheKernel().Advance(100);
    return EVNET_KEEP;
  };
  h.Start();
  pair = h.Connect();
  TheKernel().Advance(81);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("timeout 0"), 1);
}

TEST_F(LateClock, TheWriteTimeoutCountsFromTheWrite) {
  h.options.write_timeout_ms = 80;
  h.listen_options.send_buffer_bytes = 4608;
  WorkThen([](evnet_conn *conn) { Write(conn, Pattern(100000)); });
  h.Settle();
  TheKernel().Advance(79);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(h.ReadExactly(&pair.client, 100000), Pattern(100000));
}

TEST_F(LateClock, IdleCountsFromTheFlushOfWhatWasWritten) {
  h.options.idle_timeout_ms = 80;
  WorkThen([](evnet_conn *conn) { Write(conn, "x"); });
  EXPECT_FALSE(Ended());
  TheKernel().Advance(79);
  EXPECT_FALSE(Ended());
  TheKernel().Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(LateClock, IdleCountsFromTheEndOfOnOpen) {
  h.options.idle_timeout_ms = 80;
  h.on.open = [](evnet_conn *) {
    TheKernel().Advance(100);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  EXPECT_FALSE(Ended());
}

TEST_F(LateClock, OfEachConnectionThatACallbackWritesTo) {
  h.options.idle_timeout_ms = 80;
  std::vector<Harness::Pair> others;
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    TheKernel().Advance(70);
    for (const Harness::Pair &other : others) Write(other.conn, "news");
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  for (int i = 0; i < 50; i++) others.push_back(h.Connect());
  pair.client.Write("go");
  h.Until([&] { return h.Of(pair).Count("data") == 1; });
  TheKernel().Advance(70);
  h.Settle();
  EXPECT_EQ(h.open_count(), 51u);
}

TEST_F(LateClock, TheLongestCallbackCountsThoughItStartsATimer) {
  evnet_timer timer = {};
  WorkThen([&](evnet_conn *) {
    evnet_timer_start(
        h.reactor(), &timer, 1000, [](evnet_timer *, void *) {}, nullptr);
  });
  EXPECT_GE(h.Stats().longest_callback_ns, 100000000u);
  evnet_timer_stop(h.reactor(), &timer);
}

TEST_F(LateClock, TheLongestCallbackIsOneTimerOfThoseThatATurnRuns) {
  h.Start();
  h.Turn();
  evnet_timer timers[3] = {};
  for (evnet_timer &timer : timers) {
    evnet_timer_start(
        h.reactor(), &timer, 10, [](evnet_timer *, void *) { TheKernel().Advance(100); }, nullptr);
  }
  TheKernel().Advance(10);
  h.Turn();
  EXPECT_GE(h.Stats().longest_callback_ns, 100000000u);
  EXPECT_LT(h.Stats().longest_callback_ns, 200000000u);
}

TEST_F(LateClock, TheLongestCallbackCountsOnStopping) {
  h.on.stopping = [](evnet_conn *) { TheKernel().Advance(100); };
  h.Start();
  pair = h.Connect();
  evnet_reactor_stop(h.reactor(), 1000);
  h.Settle();
  EXPECT_GE(h.Stats().longest_callback_ns, 100000000u);
}

}  // namespace
}  // namespace evnet_testing
