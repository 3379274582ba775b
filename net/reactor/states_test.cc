// The states of a connection: each edge of the picture in conn.h, and the reason that on_close
// gets.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

// More than any kernel takes while the peer does not read.
constexpr size_t kTooMuch = 12 << 20;

class States : public ::testing::Test {
 protected:
  // Makes a connection with output that its peer does not read.
  Harness::Pair ConnectBlocked() {
    Harness::Pair pair = h.Connect(4096);
    h.Post([&] { EXPECT_EQ(Write(pair.conn, Pattern(kTooMuch)), ssize_t{kTooMuch}); });
    h.Turns(2);
    EXPECT_GT(evnet_conn_outbound_bytes(pair.conn), 0u);
    return pair;
  }
  bool UntilClosed(const Harness::Pair &pair) {
    return h.Until([&] { return h.Of(pair).closed == 1; });
  }

  Harness h;
};

TEST_F(States, OpenToLingeringWhenNothingIsQueuedAndThePeerSeesTheEndAtOnce) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Close(pair.conn); });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "");
  EXPECT_EQ(pair.client.end(), End::kEnd);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0) << "the connection lingers until the peer's FIN";
  pair.client.Shutdown();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(States, OpenToFlushingDeliversEverythingThatWasQueuedThenTheEnd) {
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  h.Post([&] { h.Close(pair.conn); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(h.ReadToEnd(&pair.client), Pattern(kTooMuch));
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Close();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(States, FlushingToClosedOnTheWriteTimeoutWithAReset) {
  h.options.write_timeout_ms = 1000;
  TheKernel().StopClock();
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  h.Post([&] { h.Close(pair.conn); });
  h.Settle();
  TheKernel().Advance(999);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_WRITE_TIMEOUT);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(pair.client.end(), End::kReset);
}

TEST_F(States, FlushingToClosedOnTheFirstErrorOfTheKernel) {
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  h.Post([&] { h.Close(pair.conn); });
  h.Settle();
  pair.client.Reset();
  UntilClosed(pair);
  EXPECT_TRUE(h.Of(pair).reason == -ECONNRESET || h.Of(pair).reason == -EPIPE) << h.Of(pair).reason;
}

TEST_F(States, FlushingToClosedOnAbort) {
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  h.Post([&] { h.Close(pair.conn); });
  h.Post([&] { h.Abort(pair.conn); });
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_ABORTED);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(pair.client.end(), End::kReset);
}

TEST_F(States, LingeringThrowsInputAwayAndEndsAfterLingerMs) {
  h.options.linger_ms = 500;
  TheKernel().StopClock();
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Close(pair.conn); });
  h.Settle();
  for (int i = 0; i < 5; i++) {
    pair.client.Write("more unwanted input");
    h.Settle();
    TheKernel().Advance(99);  // input does not extend the time
  }
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(6);
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(h.Of(pair).received, "");
}

TEST_F(States, LingeringToClosedOnAbort) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Close(pair.conn); });
  h.Settle();
  h.Post([&] { h.Abort(pair.conn); });
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_ABORTED);
}

TEST_F(States, WithoutLingerClosesAsSoonAsAllIsSent) {
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "bye");
    h.Close(pair.conn);
  });
  UntilClosed(pair);
  EXPECT_EQ(h.ReadToEnd(&pair.client), "bye");
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

TEST_F(States, LingeringProtectsTheAnswerFromTheResetThatUnreadInputWouldCause) {
  h.on.data = [&](evnet_conn *conn) {
    Write(conn, "refused");
    return EVNET_CLOSE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("head");
  h.Turn();
  h.Turn();
  pair.client.Write(Pattern(100000));  // a body that is never presented
  EXPECT_EQ(h.ReadToEnd(&pair.client), "refused");
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Shutdown();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).Count("data"), 1);
}

TEST_F(States, ThePeersEndClosesByDefaultAfterTheAnswerIsDelivered) {
  h.on.data = [&](evnet_conn *conn) {
    EXPECT_EQ(Write(conn, TakeAll(conn)), 5);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("hello");
  pair.client.Shutdown();
  EXPECT_EQ(h.ReadToEnd(&pair.client), "hello");
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, ThePeersEndWithMuchQueuedDeliversAllOfIt) {
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  pair.client.Shutdown();
  h.Settle();
  EXPECT_EQ(h.ReadToEnd(&pair.client), Pattern(kTooMuch));
  EXPECT_EQ(pair.client.end(), End::kEnd);
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, OnHalfCloseLeavesItOpenForWriting) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("request");
  pair.client.Shutdown();
  h.Until([&] { return h.Of(pair).Count("half_close") == 1; });
  EXPECT_EQ(h.Of(pair).received, "request");
  h.Settle();
  h.Post([&] { Write(pair.conn, "late answer"); });
  EXPECT_EQ(h.ReadExactly(&pair.client, 11), "late answer");
  h.Post([&] { h.Close(pair.conn); });
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(h.Of(pair).Story(), "open half_close close");
}

TEST_F(States, AnAnswerOfCloseToHalfCloseCloses) {
  h.on.half_close = [](evnet_conn *conn) {
    Write(conn, "bye");
    return EVNET_CLOSE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Shutdown();
  EXPECT_EQ(h.ReadToEnd(&pair.client), "bye");
  UntilClosed(pair);
}

TEST_F(States, ShutdownWriteSendsTheEndBehindWhatIsQueuedAndReadingGoesOn) {
  h.Start();
  Harness::Pair pair = ConnectBlocked();
  h.Post([&] {
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
    EXPECT_EQ(Write(pair.conn, "x"), -EPIPE);
  });
  h.Settle();
  EXPECT_EQ(h.ReadToEnd(&pair.client), Pattern(kTooMuch));
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Write("still heard");
  h.Until([&] { return h.Of(pair).received == "still heard"; });
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Shutdown();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, ShutdownWriteTakesTheGatheredBytesAlong) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "last");
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
  });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "last");
  EXPECT_EQ(h.Of(pair).closed, 0);
}

TEST_F(States, CloseAfterShutdownWriteLingersWithoutASecondEnd) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
    h.Close(pair.conn);
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), -ENOTCONN);
  });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Close();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

// The handler shut down writing and paused with bytes unread. With the peer's FIN both directions
// have ended. The bytes came before the FIN and must still be presented.
TEST_F(States, UnreadBytesOutliveTheEndOfBothSides) {
  std::string got;
  h.on.data = [&](evnet_conn *conn) {
    if (got.empty() && h.Of(conn).Count("data") == 1) {
      evnet_conn_pause_reading(conn);
      EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
      return EVNET_NONE;
    }
    got += TakeAll(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("precious");
  h.Settle();
  pair.client.Shutdown();
  h.Settle();
  ASSERT_EQ(h.Of(pair).closed, 0);
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  UntilClosed(pair);
  EXPECT_EQ(got, "precious");
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, BothSidesEndedClosesWhatNobodyReadsAnyMore) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Shutdown();
  h.Until([&] { return h.Of(pair).Count("half_close") == 1; });
  h.Post([&] { EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0); });
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, BothSidesEndedClosesInTheOtherOrderToo) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0); });
  h.Settle();
  pair.client.Shutdown();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).Story(), "open half_close close");
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, BothSidesEndedWaitsForAHold) {
  for (bool peer_first : {true, false}) {
    Harness g;
    g.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
    g.Start();
    Harness::Pair pair = g.Connect();
    g.Post([&] { evnet_conn_hold(pair.conn); });
    if (peer_first) pair.client.Shutdown();
    g.Settle();
    g.Post([&] { EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0); });
    g.Settle();
    if (!peer_first) pair.client.Shutdown();
    g.Settle();
    EXPECT_EQ(g.Of(pair).closed, 0) << peer_first;
    g.Post([&] { evnet_conn_release(pair.conn); });
    g.Until([&] { return g.Of(pair).closed == 1; });
    EXPECT_EQ(g.Of(pair).Story(), "open half_close close");
    EXPECT_EQ(g.Of(pair).reason, EVNET_REASON_PEER);
  }
}

// Nothing is unread, but the FIN of a paused connection is still reported in order.
TEST_F(States, BothSidesEndedUnderAPauseIsToldWhenReadingResumes) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    evnet_conn_pause_reading(pair.conn);
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
  });
  h.Settle();
  pair.client.Shutdown();
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open");
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).Story(), "open half_close close");
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(States, AResetWhileLingeringDoesNotChangeTheReason) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { h.Close(pair.conn); });
  h.ReadToEnd(&pair.client);
  pair.client.Reset();
  UntilClosed(pair);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(States, WritesAfterCloseAreRefusedAndNotCounted) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "a");
    h.Close(pair.conn);
    EXPECT_EQ(Write(pair.conn, "b"), -ENOTCONN);
    EXPECT_GE(evnet_conn_flush(pair.conn), 0);
    h.Abort(pair.conn);
    EXPECT_EQ(Write(pair.conn, "c"), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(pair.conn), -ENOTCONN);
  });
  UntilClosed(pair);
  h.Settle();
  EXPECT_EQ(h.Stats().bytes_sent, 1u);
}

}  // namespace
}  // namespace evnet_testing
