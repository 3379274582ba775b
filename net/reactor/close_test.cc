// on_close is called exactly once, whatever ends the connection, and from any callback. The harness
// counts the calls.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr size_t kTooMuch = 12 << 20;

class Close : public ::testing::Test {
 protected:
  void Expect(const Harness::Pair &pair, int reason) {
    h.Until([&] { return h.Of(pair).closed == 1; });
    EXPECT_EQ(evnet_status_name(h.Of(pair).reason), std::string(evnet_status_name(reason)));
    h.Settle();
    EXPECT_EQ(h.Of(pair).opened, 1);
    EXPECT_EQ(h.Of(pair).closed, 1);
    EXPECT_EQ(h.Stats().connections_open, 0u);
    EXPECT_EQ(h.Stats().connections_closed, 1u);
  }
  void WriteTooMuch(evnet_conn *conn) {
    EXPECT_EQ(Write(conn, Pattern(kTooMuch)), ssize_t{kTooMuch});
  }

  Harness h;
};

TEST_F(Close, PeerEnds) {
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Close();
  Expect(pair, EVNET_REASON_PEER);
}

TEST_F(Close, PeerResetsWhileReading) {
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Reset();
  Expect(pair, -ECONNRESET);
}

TEST_F(Close, PeerResetsWhileReadingIsStopped) {
  h.on.open = [](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  pair.client.Reset();
  Expect(pair, -ECONNRESET);
}

TEST_F(Close, PeerResetsWhileStoppedWithBytesUnreadInTheKernel) {
  h.on.open = [](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("unread");
  h.Settle();
  pair.client.Reset();
  Expect(pair, -ECONNRESET);
}

TEST_F(Close, PeerResetsWithOutputQueued) {
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] { WriteTooMuch(pair.conn); });
  h.Settle();
  pair.client.Reset();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_TRUE(h.Of(pair).reason == -ECONNRESET || h.Of(pair).reason == -EPIPE);
}

TEST_F(Close, Locally) {
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Close(pair.conn); });
  Expect(pair, EVNET_REASON_LOCAL);
}

TEST_F(Close, ByAbort) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Abort(pair.conn); });
  Expect(pair, EVNET_REASON_ABORTED);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(pair.client.end(), End::kReset);
}

TEST_F(Close, ByOutboundOverflow) {
  h.options.outbound_high_water_bytes = 1 << 16;
  h.options.read_turn_bytes_max = 1 << 16;
  h.options.outbound_bytes_max = 1 << 20;
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] {
    EXPECT_EQ(Write(pair.conn, Pattern((1 << 20) + 1)), -ENOBUFS);
    EXPECT_EQ(Write(pair.conn, "x"), -ENOTCONN);
  });
  Expect(pair, EVNET_REASON_OUTBOUND_OVERFLOW);
}

TEST_F(Close, ByTheHighMarkWhenSoAsked) {
  h.options.outbound_high_action = EVNET_HIGH_CLOSE;
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] { WriteTooMuch(pair.conn); });
  Expect(pair, EVNET_REASON_HIGH_WATER);
}

TEST_F(Close, ByInboundOverflow) {
  h.options.inbound_bytes_max = 1000;
  h.options.linger_ms = EVNET_OFF;
  h.on.data = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write(Pattern(999));
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Write("!");
  Expect(pair, EVNET_REASON_INBOUND_OVERFLOW);
}

TEST_F(Close, ByAStopWithNothingToDo) {
  h.Start();
  Harness::Pair pair = h.Connect();
  evnet_reactor_stop(h.reactor(), 10000);
  h.Until([&] {
    return h.Of(pair).Count("close") == 0 && pair.client.Read().empty() &&
           pair.client.end() == End::kEnd;
  });
  pair.client.Close();
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Close, ByTheDeadlineOfAStop) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    evnet_conn_hold(pair.conn);
    evnet_reactor_stop(h.reactor(), 0);
  });
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_DRAIN_DEADLINE);
  EXPECT_EQ(h.Of(pair).closed, 1);
}

TEST_F(Close, ByDestroy) {
  h.Start();
  Harness::Pair a = h.Connect(4096);
  Harness::Pair b = h.Connect();
  Harness::Pair c = h.Connect();
  h.Post([&] {
    WriteTooMuch(a.conn);
    h.Close(b.conn);
    h.Abort(c.conn);
  });
  h.Turn();
  h.Destroy();
  EXPECT_EQ(h.Of(a).reason, EVNET_REASON_ABORTED);
  EXPECT_EQ(h.Of(a).closed, 1);
  EXPECT_EQ(h.Of(b).reason, EVNET_REASON_ABORTED);
  EXPECT_EQ(h.Of(c).reason, EVNET_REASON_ABORTED);
}

TEST_F(Close, ByDestroyWhenOnCloseActsOnOthersAndPosts) {
  std::vector<evnet_conn *> conns;
  int posted = 0;
  h.on.close = [&](evnet_conn *, int) {
    for (evnet_conn *other : conns) {
      if (h.Of(other).closed == 1) continue;
      evnet_conn_abort(other);
      EXPECT_EQ(Write(other, "x"), -ENOTCONN);
    }
    h.Post([&] { posted++; });
    return EVNET_SHUTDOWN;
  };
  h.Start();
  std::vector<Harness::Pair> pairs;
  for (int i = 0; i < 3; i++) {
    pairs.push_back(h.Connect());
    conns.push_back(pairs.back().conn);
  }
  h.Destroy();
  EXPECT_EQ(posted, 3) << "accepted posts must run, also at the end";
}

TEST_F(Close, WhenTheKernelRefusesToWaitEveryConnectionIsTold) {
  std::string log;
  h.options.logger.level = EVNET_LOG_ERROR;
  h.options.logger.user = &log;
  h.options.logger.log = [](evnet_log_level, const char *message, void *user) {
    *static_cast<std::string *>(user) += message;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  TheKernel().on_wait = [] { return -EINVAL; };
  EXPECT_EQ(evnet_reactor_run(h.reactor()), -EINVAL);
  EXPECT_NE(log.find("event loop"), std::string::npos) << log;
  EXPECT_NE(log.find(evnet_status_message(-EINVAL)), std::string::npos) << log;
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, -EINVAL);
  EXPECT_EQ(evnet_reactor_post(
                h.reactor(), [](void *) {}, nullptr),
            -ESHUTDOWN);
}

// Ending a connection in each callback, in each way.

struct Way {
  const char *name;
  std::function<evnet_action(Harness *, evnet_conn *)> end;
  int reason;
};

std::vector<Way> Ways() {
  return {
      {"answer", [](Harness *, evnet_conn *) { return EVNET_CLOSE; }, EVNET_REASON_LOCAL},
      {"close",
       [](Harness *h, evnet_conn *conn) {
         h->Close(conn);
         return EVNET_NONE;
       },
       EVNET_REASON_LOCAL},
      {"close twice and answer",
       [](Harness *h, evnet_conn *conn) {
         h->Close(conn);
         h->Close(conn);
         return EVNET_CLOSE;
       },
       EVNET_REASON_LOCAL},
      {"abort",
       [](Harness *h, evnet_conn *conn) {
         h->Abort(conn);
         return EVNET_NONE;
       },
       EVNET_REASON_ABORTED},
      {"abort, close, abort",
       [](Harness *h, evnet_conn *conn) {
         h->Abort(conn);
         h->Close(conn);
         h->Abort(conn);
         return EVNET_CLOSE;
       },
       EVNET_REASON_ABORTED},
  };
}

class CloseInside : public ::testing::TestWithParam<size_t> {
 protected:
  CloseInside() : way(Ways()[GetParam()]) { h.options.linger_ms = EVNET_OFF; }
  // Ends the connection in the first call only.
  evnet_action End(evnet_conn *conn) { return calls++ == 0 ? way.end(&h, conn) : EVNET_NONE; }
  void Expect(const Harness::Pair &pair, int reason = 0) {
    h.Until([&] { return h.Of(pair).closed == 1; });
    h.Settle();
    EXPECT_EQ(h.Of(pair).closed, 1);
    EXPECT_EQ(h.Of(pair).reason, reason != 0 ? reason : way.reason);
    EXPECT_GE(calls, 1);
  }

  Harness h;
  const Way way;
  int calls = 0;
};

TEST_P(CloseInside, OnOpen) {
  h.on.open = [&](evnet_conn *conn) { return End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  Expect(pair);
  EXPECT_EQ(h.Of(pair).Story(), "open close");
}

TEST_P(CloseInside, OnData) {
  h.on.data = [&](evnet_conn *conn) { return End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("x");
  Expect(pair);
}

TEST_P(CloseInside, OnDataWithBytesWrittenAndMoreToCome) {
  h.on.data = [&](evnet_conn *conn) {
    Write(conn, "answer");
    return End(conn);
  };
  h.options.read_turn_bytes_max = 512;
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write(Pattern(5000));
  Expect(pair);
  EXPECT_EQ(h.Of(pair).Count("data"), 1);
}

TEST_P(CloseInside, OnHalfClose) {
  h.on.half_close = [&](evnet_conn *conn) { return End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Shutdown();
  Expect(pair);
}

TEST_P(CloseInside, OnTimeoutKeepsTheReasonThatCameFirst) {
  h.options.idle_timeout_ms = 10;
  TheKernel().StopClock();
  h.on.timeout = [&](evnet_conn *conn, evnet_timeout) { return End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  TheKernel().Advance(11);
  Expect(pair, std::string(way.name) == "answer" ? EVNET_REASON_IDLE_TIMEOUT : way.reason);
}

TEST_P(CloseInside, OnPressureAndOnDrain) {
  h.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
  h.on.drain = [&](evnet_conn *conn) { return End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] { EXPECT_GT(Write(pair.conn, Pattern(kTooMuch)), 0); });
  h.Until([&] {
    pair.client.Read(1 << 20);
    return h.Of(pair).closed == 1;
  });
  Expect(pair);

  calls = 0;
  h.on.pressure = [&](evnet_conn *conn) { return End(conn); };
  Harness::Pair other = h.Connect(4096);
  h.Post([&] { EXPECT_GT(Write(other.conn, Pattern(kTooMuch)), 0); });
  h.Until([&] {
    other.client.Read(1 << 20);
    return h.Of(other).closed == 1;
  });
  Expect(other);
  EXPECT_EQ(h.Of(other).Story(), "open pressure close");
}

TEST_P(CloseInside, OnPrewrite) {
  if (std::string(way.name) == "answer") GTEST_SKIP() << "it has no answer";
  h.on.prewrite = [&](evnet_conn *conn) { (void)End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { Write(pair.conn, "x"); });
  Expect(pair);
}

TEST_P(CloseInside, OnStopping) {
  h.on.stopping = [&](evnet_conn *conn) { (void)End(conn); };
  h.Start();
  Harness::Pair pair = h.Connect();
  evnet_reactor_stop(h.reactor(), 10000);
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason,
            std::string(way.name) == "answer" ? EVNET_REASON_SHUTDOWN : way.reason);
}

TEST_P(CloseInside, OnClose) {
  h.on.close = [&](evnet_conn *conn, int) {
    evnet_conn_pause_reading(conn);
    evnet_conn_resume_reading(conn);
    EXPECT_EQ(Write(conn, "x"), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(conn), -ENOTCONN);
    EXPECT_EQ(evnet_conn_shutdown_write(conn), -ENOTCONN);
    evnet_conn_hold(conn);
    evnet_conn_release(conn);
    evnet_address address;
    EXPECT_EQ(evnet_conn_local_address(conn, &address), 0) << "the descriptor is still open";
    return End(conn);
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Close();
  Expect(pair, EVNET_REASON_PEER);
}

INSTANTIATE_TEST_SUITE_P(Ways, CloseInside, ::testing::Range(size_t{0}, Ways().size()));

}  // namespace
}  // namespace evnet_testing
