// Settings of a connection that override its reactor's options: timeouts, linger, water marks, and
// the action at the high mark.
#include <errno.h>

#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Limits : public ::testing::Test {
 protected:
  Limits() {
    TheKernel().StopClock();
    h.listen_options.send_buffer_bytes = 4608;
    h.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
    h.on.drain = [](evnet_conn *) { return EVNET_NONE; };
  }
  void Start() {
    h.Start();
    pair = h.Connect(4096);
  }
  void Advance(uint64_t ms) {
    TheKernel().Advance(ms);
    h.Settle();
  }
  bool Ended() { return EndedFor(&pair); }
  bool EndedFor(Harness::Pair *which) {
    h.Settle();
    which->client.Read();
    return which->client.end() != End::kOpen;
  }
  void SetTimeout(evnet_timeout which, int64_t timeout_ms) {
    h.Post([=] { EXPECT_EQ(evnet_conn_set_timeout(pair.conn, which, timeout_ms), 0); });
    h.Settle();
  }
  void Queue(size_t bytes) {
    h.Post([=] { Write(pair.conn, Pattern(bytes)); });
    h.Settle();
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Limits, ATimeoutOfItsOwnIsNobodyElses) {
  h.options.idle_timeout_ms = 1000;
  Start();
  Harness::Pair other = h.Connect();
  SetTimeout(EVNET_TIMEOUT_IDLE, 5000);
  Advance(1001);
  EXPECT_TRUE(EndedFor(&other));
  Advance(3998);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Limits, EachTimeoutCountsAnewFromTheCall) {
  for (evnet_timeout which :
       {EVNET_TIMEOUT_IDLE, EVNET_TIMEOUT_READ, EVNET_TIMEOUT_WRITE, EVNET_TIMEOUT_LIFETIME}) {
    Harness g;
    TheKernel().StopClock();
    g.listen_options.send_buffer_bytes = 4608;
    g.options.write_timeout_ms = EVNET_OFF;
    std::vector<evnet_timeout> told;
    g.on.timeout = [&](evnet_conn *, evnet_timeout each) {
      told.push_back(each);
      return EVNET_KEEP;
    };
    g.Start();
    Harness::Pair p = g.Connect(4096);
    if (which == EVNET_TIMEOUT_WRITE) g.Post([&] { Write(p.conn, Pattern(500000)); });
    g.Settle();
    TheKernel().Advance(60000);
    g.Settle();
    EXPECT_TRUE(told.empty());
    g.Post([&] { EXPECT_EQ(evnet_conn_set_timeout(p.conn, which, 1000), 0); });
    g.Settle();
    TheKernel().Advance(999);
    g.Settle();
    EXPECT_TRUE(told.empty()) << which;
    TheKernel().Advance(1);
    g.Settle();
    EXPECT_EQ(told, std::vector<evnet_timeout>({which}));
    p.client.Reset();
    g.Until([&] { return g.Of(p).closed == 1; });
  }
}

TEST_F(Limits, SetInOnOpenItHoldsFromTheStart) {
  h.on.open = [](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_READ, 1000), 0);
    return EVNET_NONE;
  };
  Start();
  Advance(999);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Limits, OffIsNoneAndZeroIsWhatTheOptionSays) {
  h.options.idle_timeout_ms = 1000;
  Start();
  SetTimeout(EVNET_TIMEOUT_IDLE, EVNET_OFF);
  Advance(100000);
  EXPECT_FALSE(Ended());
  SetTimeout(EVNET_TIMEOUT_IDLE, 0);
  Advance(999);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Limits, ShorterThanWhatIsArmedAlready) {
  h.options.idle_timeout_ms = 100000;
  Start();
  SetTimeout(EVNET_TIMEOUT_IDLE, 10);
  Advance(11);
  EXPECT_TRUE(Ended());
}

TEST_F(Limits, TheyStayWhileNothingElseNeedsTheRecord) {
  Start();
  SetTimeout(EVNET_TIMEOUT_IDLE, 1000);
  pair.client.Write("x");
  Queue(300000);
  EXPECT_EQ(h.ReadExactly(&pair.client, 300000).size(), 300000u);
  Advance(999);
  EXPECT_FALSE(Ended());
  Advance(2);
  EXPECT_TRUE(Ended());
}

TEST_F(Limits, ChangedInOnTimeoutAndKept) {
  h.options.idle_timeout_ms = 1000;
  int told = 0;
  h.on.timeout = [&](evnet_conn *conn, evnet_timeout) {
    told++;
    EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, 5000), 0);
    return EVNET_KEEP;
  };
  Start();
  Advance(1000);
  EXPECT_EQ(told, 1);
  Advance(4999);
  EXPECT_EQ(told, 1);
  Advance(1);
  EXPECT_EQ(told, 2);
}

TEST_F(Limits, LingerOfItsOwn) {
  h.options.linger_ms = 1000;
  Start();
  h.Post([&] {
    EXPECT_EQ(evnet_conn_set_linger(pair.conn, 5000), 0);
    h.Close(pair.conn);
  });
  h.Turn();
  h.Until([&] {
    struct evnet_tcp_info info = {};
    return evnet_conn_tcp_info(pair.conn, &info) == 0 && info.unacknowledged_bytes == 0;
  });
  Advance(4999);
  EXPECT_EQ(h.Of(pair).closed, 0);
  Advance(2);
  EXPECT_EQ(h.Of(pair).closed, 1);

  Harness::Pair second = h.Connect();
  h.Post([&] {
    EXPECT_EQ(evnet_conn_set_linger(second.conn, EVNET_OFF), 0);
    h.Close(second.conn);
  });
  h.Settle();
  EXPECT_EQ(h.Of(second).closed, 1);
}

TEST_F(Limits, MarksAreHeldAgainstWhatStandsQueued) {
  Start();
  Queue(300000);
  EXPECT_EQ(h.Of(pair).Story(), "open") << "the queue is far below the mark of the options";
  h.Post([&] { EXPECT_EQ(evnet_conn_set_water_marks(pair.conn, 100000, 0), 0); });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  h.Post([&] { EXPECT_EQ(evnet_conn_set_water_marks(pair.conn, 0, 0), 0); });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
}

TEST_F(Limits, TheLowMarkIsHalfTheHighOneUnlessGiven) {
  for (size_t low : {size_t{0}, size_t{10000}, size_t{100000}}) {
    Harness g;
    g.listen_options.send_buffer_bytes = 4608;
    size_t drained_at = 0;
    g.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
    g.on.drain = [&](evnet_conn *conn) {
      drained_at = evnet_conn_outbound_bytes(conn);
      return EVNET_NONE;
    };
    g.Start();
    Harness::Pair p = g.Connect(4096);
    g.Post([&] {
      EXPECT_EQ(evnet_conn_set_water_marks(p.conn, 100000, low), 0);
      Write(p.conn, Pattern(400000));
    });
    g.Settle();
    g.Until([&] {
      p.client.Read(1000);
      return drained_at > 0;
    });
    const size_t mark = low == 0 ? 50000 : low;
    EXPECT_LE(drained_at, mark);
    p.client.Reset();
    g.Until([&] { return g.Of(p).closed == 1; });
  }
}

TEST_F(Limits, TheHighActionIsTakenAtOnceAboveTheMark) {
  h.options.outbound_high_water_bytes = 100000;
  Start();
  Queue(300000);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  pair.client.Write("not yet");
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "");
  h.Post([&] { EXPECT_EQ(evnet_conn_set_high_action(pair.conn, EVNET_HIGH_NOTIFY), 0); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "not yet") << "EVNET_HIGH_NOTIFY must not stop reading";
  h.Post([&] { EXPECT_EQ(evnet_conn_set_high_action(pair.conn, EVNET_HIGH_STOP_READING), 0); });
  h.Settle();
  pair.client.Write(", later");
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "not yet");
  EXPECT_EQ(h.ReadExactly(&pair.client, 300000).size(), 300000u);
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "not yet, later");
  Queue(300000);
  h.Post([&] { EXPECT_EQ(evnet_conn_set_high_action(pair.conn, EVNET_HIGH_CLOSE), 0); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_HIGH_WATER);
}

TEST_F(Limits, WhatIsOutOfRangeChangesNothing) {
  h.options.read_turn_bytes_max = 1 << 16;
  h.options.outbound_bytes_max = 2 << 20;
  Start();
  evnet_conn *conn = pair.conn;
  EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, -2), -EINVAL);
  EXPECT_EQ(evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, EVNET_TIMEOUT_MS_MAX + 1), -EINVAL);
  EXPECT_EQ(evnet_conn_set_timeout(conn, static_cast<evnet_timeout>(EVNET_TIMEOUT_LIFETIME + 1), 1),
            -EINVAL);
  EXPECT_EQ(evnet_conn_set_linger(conn, -2), -EINVAL);
  EXPECT_EQ(evnet_conn_set_linger(conn, EVNET_TIMEOUT_MS_MAX + 1), -EINVAL);
  EXPECT_EQ(evnet_conn_set_water_marks(conn, 1000, 1001), -EINVAL);
  EXPECT_EQ(evnet_conn_set_water_marks(conn, (2 << 20) - (1 << 16) + 1, 0), -EINVAL);
  EXPECT_EQ(evnet_conn_set_water_marks(conn, (2 << 20) - (1 << 16), 0), 0);
  EXPECT_EQ(evnet_conn_set_high_action(conn, static_cast<evnet_high_action>(3)), -EINVAL);
}

TEST_F(Limits, ClosingItIsTooLate) {
  Start();
  h.Post([&] {
    h.Close(pair.conn);
    EXPECT_EQ(evnet_conn_set_timeout(pair.conn, EVNET_TIMEOUT_IDLE, 1), -ENOTCONN);
    EXPECT_EQ(evnet_conn_set_linger(pair.conn, 1), -ENOTCONN);
    EXPECT_EQ(evnet_conn_set_water_marks(pair.conn, 1, 1), -ENOTCONN);
    EXPECT_EQ(evnet_conn_set_high_action(pair.conn, EVNET_HIGH_CLOSE), -ENOTCONN);
  });
  h.Settle();
}

TEST_F(Limits, WithoutMemoryNothingChanges) {
  h.options.idle_timeout_ms = 1000;
  Start();
  for (size_t k = 1; k <= 2; k++) {
    h.allocator().fail_at(k, false);
    EXPECT_EQ(evnet_conn_set_timeout(pair.conn, EVNET_TIMEOUT_IDLE, 5000), -ENOMEM) << k;
    h.allocator().fail_at(0, false);
  }
  Advance(1001);
  EXPECT_TRUE(Ended());
}

}  // namespace
}  // namespace evnet_testing
