// Timeouts of connections, on a clock that the test advances.
#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr uint64_t kDay = 24 * 3600 * 1000ull;

class Deadline : public ::testing::Test {
 protected:
  Deadline() { TheKernel().StopClock(); }
  void Start() {
    h.Start();
    pair = h.Connect();
  }
  void Advance(uint64_t ms) {
    TheKernel().Advance(ms);
    h.Settle();
  }
  void ExpectOpen() { EXPECT_EQ(h.Of(pair).closed, 0); }
  void ExpectClosed(int reason) {
    // Complete the close, which waits for the peer's FIN. These tests are not about lingering.
    pair.client.Read();
    pair.client.Close();
    h.Until([&] { return h.Of(pair).closed == 1; });
    EXPECT_EQ(evnet_status_name(h.Of(pair).reason), std::string(evnet_status_name(reason)));
  }
  // Returns whether evnet has started to close the connection, which the peer sees as EOF.
  bool Ended() {
    h.Settle();
    pair.client.Read();
    return pair.client.end() != End::kOpen;
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Deadline, IdleFromTheOpening) {
  h.options.idle_timeout_ms = 1000;
  Start();
  Advance(999);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
  ExpectClosed(EVNET_REASON_IDLE_TIMEOUT);
}

TEST_F(Deadline, IdleIsMovedByTrafficEitherWay) {
  h.options.idle_timeout_ms = 1000;
  Start();
  for (int i = 0; i < 5; i++) {
    Advance(900);
    pair.client.Write("in");
    h.Settle();
    Advance(900);
    h.Post([&] { Write(pair.conn, "out"); });
    h.Settle();
  }
  EXPECT_FALSE(Ended());
  Advance(999);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Deadline, ReadIsNotMovedByOutput) {
  h.options.read_timeout_ms = 1000;
  Start();
  Advance(600);
  h.Post([&] { Write(pair.conn, "out"); });
  h.Settle();
  Advance(300);
  pair.client.Write("in");
  h.Settle();
  Advance(999);
  EXPECT_FALSE(Ended());
  h.Post([&] { Write(pair.conn, "out"); });
  h.Settle();
  Advance(2);
  EXPECT_TRUE(Ended());
  ExpectClosed(EVNET_REASON_READ_TIMEOUT);
}

TEST_F(Deadline, ReadIsNotCountedWhileReadingIsStopped) {
  h.options.read_timeout_ms = 1000;
  Start();
  Advance(900);
  h.Post([&] { evnet_conn_pause_reading(pair.conn); });
  h.Settle();
  Advance(kDay);
  EXPECT_FALSE(Ended());
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Settle();
  Advance(998);
  EXPECT_FALSE(Ended()) << "the timeout must count from the resume";
  Advance(3);
  EXPECT_TRUE(Ended());
}

TEST_F(Deadline, ReadIsNotCountedAfterThePeersEnd) {
  h.options.read_timeout_ms = 1000;
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  Start();
  pair.client.Shutdown();
  h.Settle();
  Advance(10000);
  EXPECT_FALSE(Ended());
}

TEST_F(Deadline, WriteOnlyWithBytesQueuedAndMovedByEachThatIsTaken) {
  h.options.write_timeout_ms = 1000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  Advance(5000);
  EXPECT_FALSE(Ended()) << "nothing is queued";
  h.Post([&] { Write(pair.conn, Pattern(400000)); });
  h.Settle();
  for (int i = 0; i < 5; i++) {
    Advance(900);
    const uint64_t before = h.Stats().bytes_sent;
    h.Until([&] {
      pair.client.Read(8192);
      return h.Stats().bytes_sent > before;
    });
  }
  h.Settle();
  ExpectOpen();
  // The peer's window may let some bytes through before it is full.
  Advance(900);
  ExpectOpen();
  Advance(2000);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_WRITE_TIMEOUT);
}

TEST_F(Deadline, StartedByAPostedFunctionCountsFromNowHoweverLongThePauseBefore) {
  h.options.write_timeout_ms = 1000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  TheKernel().Advance(5000);  // between two turns
  h.Post([&] { Write(pair.conn, Pattern(400000)); });
  h.Settle();
  Advance(900);
  ExpectOpen();
  Advance(2000);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_WRITE_TIMEOUT);
}

TEST_F(Deadline, WriteStartsAnewWithEachTimeTheQueueFills) {
  h.options.write_timeout_ms = 1000;
  h.options.lifetime_ms = kDay;  // keeps the side record and its old times alive
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  for (int i = 0; i < 3; i++) {
    h.Post([&] { Write(pair.conn, Pattern(30000)); });
    h.Settle();
    Advance(900);
    EXPECT_EQ(h.ReadExactly(&pair.client, 30000).size(), 30000u);
    Advance(5000);
  }
  EXPECT_FALSE(Ended());
}

TEST_F(Deadline, LifetimeWhateverTheTraffic) {
  h.options.lifetime_ms = 1000;
  Start();
  for (int i = 0; i < 9; i++) {
    Advance(111);
    pair.client.Write("x");
    h.Settle();
  }
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
  ExpectClosed(EVNET_REASON_LIFETIME);
}

TEST_F(Deadline, KeepStartsEachAgain) {
  struct {
    int64_t evnet_reactor_options::*option;
    evnet_timeout which;
  } const cases[] = {{&evnet_reactor_options::idle_timeout_ms, EVNET_TIMEOUT_IDLE},
                     {&evnet_reactor_options::read_timeout_ms, EVNET_TIMEOUT_READ},
                     {&evnet_reactor_options::write_timeout_ms, EVNET_TIMEOUT_WRITE},
                     {&evnet_reactor_options::lifetime_ms, EVNET_TIMEOUT_LIFETIME}};
  for (const auto &each : cases) {
    Harness g;
    TheKernel().StopClock();
    g.options.*each.option = 1000;
    g.listen_options.send_buffer_bytes = 4608;
    bool keep = true;
    g.on.timeout = [&](evnet_conn *, evnet_timeout which) {
      EXPECT_EQ(which, each.which);
      return keep ? EVNET_KEEP : EVNET_NONE;
    };
    g.Start();
    Harness::Pair p = g.Connect(4096);
    if (each.which == EVNET_TIMEOUT_WRITE) {
      g.Post([&] { Write(p.conn, Pattern(500000)); });
    }
    g.Settle();
    for (int i = 1; i <= 3; i++) {
      TheKernel().Advance(999);
      g.Settle();
      EXPECT_EQ(g.Of(p).Count("timeout " + std::to_string(each.which)), i - 1);
      TheKernel().Advance(1);
      g.Settle();
      EXPECT_EQ(g.Of(p).Count("timeout " + std::to_string(each.which)), i);
    }
    keep = false;
    TheKernel().Advance(1001);
    g.Settle();
    if (each.which == EVNET_TIMEOUT_WRITE) {
      EXPECT_EQ(g.Of(p).reason, EVNET_REASON_WRITE_TIMEOUT);
    }
    p.client.Reset();
    g.Until([&] { return g.Of(p).closed == 1; });
    EXPECT_EQ(g.Of(p).Count("timeout " + std::to_string(each.which)), 4);
  }
}

TEST_F(Deadline, TheEarliestWinsAndKeepingOneDoesNotMoveTheOthers) {
  h.options.idle_timeout_ms = 300;
  h.options.read_timeout_ms = 500;
  h.options.lifetime_ms = 700;
  h.on.timeout = [](evnet_conn *, evnet_timeout) { return EVNET_KEEP; };
  Start();
  for (int i = 0; i < 100; i++) Advance(10);
  EXPECT_EQ(h.Of(pair).Story(), "open timeout 0 timeout 1 timeout 0 timeout 3 timeout 0 timeout 1");
}

TEST_F(Deadline, SeveralThatPassedTogetherAreToldOneByOne) {
  h.options.idle_timeout_ms = 300;
  h.options.read_timeout_ms = 300;
  h.options.lifetime_ms = 300;
  h.on.timeout = [](evnet_conn *, evnet_timeout) { return EVNET_KEEP; };
  Start();
  Advance(10000);  // as after a suspend of the machine
  EXPECT_EQ(h.Of(pair).events.size(), 4u) << h.Of(pair).Story();
}

TEST_F(Deadline, TheLongestThereIsAndOverTheWrapOf32Bits) {
  h.options.idle_timeout_ms = EVNET_TIMEOUT_MS_MAX;
  Start();
  uint64_t passed = 0;
  // Bytes arrive every twelve days for 200 days, so the 32-bit milliseconds wrap four times (49.7
  // days).
  while (passed < 200 * kDay) {
    Advance(12 * kDay);
    passed += 12 * kDay;
    pair.client.Write("x");
    h.Settle();
  }
  EXPECT_FALSE(Ended());
  Advance(EVNET_TIMEOUT_MS_MAX - 1);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Deadline, ShortOnesForAYearOneHourAtATime) {
  h.options.idle_timeout_ms = 2 * 3600 * 1000;
  h.options.read_timeout_ms = 2 * 3600 * 1000;
  Start();
  for (int hour = 0; hour < 365 * 24; hour++) {
    TheKernel().Advance(3600 * 1000);
    h.Turn();
    pair.client.TryWrite("x");
    h.Turn();
  }
  EXPECT_FALSE(Ended());
  Advance(2 * 3600 * 1000 + 1);
  EXPECT_TRUE(Ended());
}

TEST_F(Deadline, AConnectionAfterTwoMonthsWithoutOneGetsItsFullTime) {
  for (uint64_t days : {13, 25, 40, 50, 60, 75, 100}) {
    Harness g;
    TheKernel().StopClock();
    g.options.idle_timeout_ms = 1000;
    g.Start();
    g.Settle();
    TheKernel().Advance(days * kDay);
    Harness::Pair p = g.Connect();
    TheKernel().Advance(999);
    g.Settle();
    EXPECT_EQ(g.Of(p).closed, 0);
    p.client.Read();
    EXPECT_EQ(p.client.end(), End::kOpen) << days;
    TheKernel().Advance(2);
    g.Settle();
    p.client.Read();
    EXPECT_EQ(p.client.end(), End::kEnd) << days;
  }
}

TEST_F(Deadline, OffMeansOff) {
  h.options.write_timeout_ms = EVNET_OFF;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  h.Post([&] { Write(pair.conn, Pattern(300000)); });
  h.Settle();
  Advance(60 * kDay);
  ExpectOpen();
  EXPECT_EQ(h.ReadExactly(&pair.client, 300000).size(), 300000u);
}

TEST_F(Deadline, TheDefaultsAreThirtySecondsForWritingAndNoneElse) {
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  Advance(10 * kDay);
  EXPECT_FALSE(Ended());
  h.Post([&] { Write(pair.conn, Pattern(300000)); });
  h.Settle();
  Advance(29999);
  ExpectOpen();
  Advance(2);
  h.Until([&] { return h.Of(pair).closed == 1; });
}

TEST_F(Deadline, AnsweringShutdownStopsTheReactor) {
  h.options.idle_timeout_ms = 100;
  h.options.linger_ms = EVNET_OFF;
  h.on.timeout = [](evnet_conn *, evnet_timeout) { return EVNET_SHUTDOWN; };
  Start();
  TheKernel().Advance(101);
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_IDLE_TIMEOUT);
}

}  // namespace
}  // namespace evnet_testing
