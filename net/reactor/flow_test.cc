// The inbound mark (evnet_conn_need) and notifications of producers (evnet_conn_notify_below).
#include "net/reactor/flow.h"

#include <errno.h>

#include <algorithm>
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr size_t kMark = 1000;

class Need : public ::testing::Test {
 protected:
  // Starts a reactor with the mark. on_data consumes nothing.
  void Start(size_t need) {
    h.options.inbound_high_water_bytes = kMark;
    h.on.open = [need](evnet_conn *conn) {
      EXPECT_EQ(evnet_conn_need(conn, need), 0);
      return EVNET_NONE;
    };
    h.on.data = [](evnet_conn *) { return EVNET_NONE; };
    h.Start();
    pair = h.Connect();
  }
  void Send(size_t bytes) { pair.client.Write(std::string(bytes, 'x')); }
  size_t Unread() const { return evnet_conn_inbound_bytes(pair.conn); }
  bool UntilUnread(size_t bytes, Place place = Place::Here()) {
    return h.Until([&] { return Unread() == bytes; }, place);
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Need, ReadingStopsAtTheMarkAndResumesBelowIt) {
  Start(kMark);
  Send(kMark);
  ASSERT_TRUE(UntilUnread(kMark));
  Send(4000);
  h.Settle();
  EXPECT_EQ(Unread(), kMark);
  EXPECT_EQ(evnet_conn_discard(pair.conn, 1), 1u);
  ASSERT_TRUE(UntilUnread(kMark - 1 + 4000));
  Send(1);
  h.Settle();
  EXPECT_EQ(Unread(), kMark - 1 + 4000);
}

TEST_F(Need, OnlyASufficientDiscardResumes) {
  Start(kMark);
  Send(2 * kMark);
  ASSERT_TRUE(UntilUnread(2 * kMark));
  Send(10);
  EXPECT_EQ(evnet_conn_discard(pair.conn, kMark), kMark);
  h.Settle();
  EXPECT_EQ(Unread(), kMark);
}

TEST_F(Need, WithoutOneTheMarkHasNoEffect) {
  Start(0);
  for (size_t sent = kMark; sent <= 5 * kMark; sent += kMark) {
    Send(kMark);
    ASSERT_TRUE(UntilUnread(sent));
  }
}

TEST_F(Need, AFrameAboveTheMarkArrivesWhole) {
  Start(kMark + 1);
  for (size_t sent = kMark; sent <= 5 * kMark; sent += kMark) {
    Send(kMark);
    ASSERT_TRUE(UntilUnread(sent));
  }
}

TEST_F(Need, AnotherNeedAppliesToBytesThatAreUnreadAlready) {
  Start(0);
  Send(2 * kMark);
  ASSERT_TRUE(UntilUnread(2 * kMark));
  EXPECT_EQ(evnet_conn_need(pair.conn, 10), 0);
  h.Settle();
  Send(1);
  h.Settle();
  EXPECT_EQ(Unread(), 2 * kMark) << "the mark is in effect";
  EXPECT_EQ(evnet_conn_need(pair.conn, 3 * kMark), 0);
  ASSERT_TRUE(UntilUnread(2 * kMark + 1)) << "it is not: the handler needs more";
}

TEST_F(Need, AtTheMarkTheBoundDoesNotEndTheConnection) {
  h.options.inbound_bytes_max = kMark;
  Start(10);
  Send(5 * kMark);
  ASSERT_TRUE(UntilUnread(5 * kMark));
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(evnet_conn_need(pair.conn, 0), 0);
  Send(1);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_INBOUND_OVERFLOW);
}

TEST_F(Need, APauseAtTheMarkEndsWithOneOnDataAndNoFurtherRead) {
  Start(kMark);
  Send(kMark);
  ASSERT_TRUE(UntilUnread(kMark));
  Send(1);
  evnet_conn_pause_reading(pair.conn);
  const int before = h.Of(pair).Count("data");
  evnet_conn_resume_reading(pair.conn);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("data"), before + 1);
  EXPECT_EQ(Unread(), kMark);
}

TEST_F(Need, AStopWaitsForTheHandlerAndThenReadsTheRest) {
  h.options.linger_ms = EVNET_OFF;
  Start(kMark);
  Send(kMark);
  ASSERT_TRUE(UntilUnread(kMark));
  Send(300);
  evnet_reactor_stop(h.reactor(), 60000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(evnet_conn_discard(pair.conn, kMark), kMark);
  ASSERT_TRUE(UntilUnread(300));
  EXPECT_EQ(evnet_conn_discard(pair.conn, 300), 300u);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Need, TheReadTimeoutRestsAtTheMarkAndTheIdleTimeoutDoesNot) {
  TheKernel().StopClock();
  h.options.linger_ms = EVNET_OFF;
  h.options.read_timeout_ms = 100;
  h.options.idle_timeout_ms = 500;
  Start(kMark);
  Send(kMark);
  ASSERT_TRUE(UntilUnread(kMark));
  TheKernel().Advance(499);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_IDLE_TIMEOUT);
}

TEST_F(Need, AResetIsReportedAtTheMark) {
  Start(kMark);
  Send(kMark);
  ASSERT_TRUE(UntilUnread(kMark));
  pair.client.Reset();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -ECONNRESET);
}

TEST_F(Need, OfAClosingConnectionIsRefused) {
  Start(kMark);
  h.Close(pair.conn);
  EXPECT_EQ(evnet_conn_need(pair.conn, 1), -ENOTCONN);
  EXPECT_EQ(evnet_conn_notify_below(pair.conn, 1), -ENOTCONN);
}

class Below : public ::testing::Test {
 protected:
  // Starts a reactor whose on_below runs `below`, with a client that reads slowly.
  void Start(std::function<void(evnet_conn *)> below = [](evnet_conn *) {}) {
    h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
    h.listen_options.send_buffer_bytes = 4608;
    h.on.below = [below](evnet_conn *conn) {
      below(conn);
      return EVNET_NONE;
    };
    h.Start();
    pair = h.Connect(4096);
  }
  size_t Queued() const { return evnet_conn_outbound_bytes(pair.conn); }
  int Calls() { return h.Of(pair).Count("below"); }
  void Notify(size_t bytes) { EXPECT_EQ(evnet_conn_notify_below(pair.conn, bytes), 0); }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Below, ComesOnceWhenOutputHasFallenBelow) {
  size_t queued = 0;
  Start([&](evnet_conn *conn) { queued = evnet_conn_outbound_bytes(conn); });
  Write(pair.conn, Pattern(500000));
  Notify(200000);
  h.Settle();
  EXPECT_EQ(Calls(), 0);
  h.ReadExactly(&pair.client, 200000);
  h.Settle();
  EXPECT_EQ(Calls(), 0);
  h.ReadExactly(&pair.client, 300000);
  h.Settle();
  EXPECT_EQ(Calls(), 1);
  EXPECT_LT(queued, 200000u);
  EXPECT_GT(queued, 0u);
}

TEST_F(Below, ComesAfterTheCallbackIfOutputIsBelowAlready) {
  int during = -1;
  h.on.data = [&](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
    during = h.Of(conn).Count("below");
    return EVNET_NONE;
  };
  Start();
  pair.client.Write("x");
  h.Until([&] { return Calls() == 1; });
  EXPECT_EQ(during, 0);
  EXPECT_EQ(h.ReadExactly(&pair.client, 1), "x");
  h.Settle();
  EXPECT_EQ(Calls(), 1);
}

TEST_F(Below, AProducerWritesPartByPart) {
  const std::string all = Pattern(1 << 20);
  size_t written = 0, most = 0;
  Start([&](evnet_conn *conn) {
    written += static_cast<size_t>(Write(conn, all.substr(written, 20000)));
    most = std::max(most, evnet_conn_outbound_bytes(conn));
    if (written == all.size()) return;
    EXPECT_EQ(evnet_conn_notify_below(conn, 30000), 0);
  });
  Notify(30000);
  EXPECT_EQ(h.ReadExactly(&pair.client, all.size()), all);
  EXPECT_LT(most, 50000u);
  EXPECT_EQ(Calls(), static_cast<int>((all.size() + 19999) / 20000));
}

TEST_F(Below, AStopLetsAProducerFinish) {
  const std::string all = Pattern(300000);
  size_t written = 0;
  Start([&](evnet_conn *conn) {
    written += static_cast<size_t>(Write(conn, all.substr(written, 20000)));
    if (written == all.size()) return;
    EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
  });
  Notify(1);
  evnet_reactor_stop(h.reactor(), 60000);
  EXPECT_EQ(h.ReadToEnd(&pair.client), all);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Below, AStopLetsAProducerFinishWhoseOutputTheKernelTakesAtOnce) {
  const std::string all = Pattern(30000);
  size_t written = 0;
  Start([&](evnet_conn *conn) {
    written += static_cast<size_t>(Write(conn, all.substr(written, 100)));
    if (written == all.size()) return;
    EXPECT_EQ(evnet_conn_notify_below(conn, 1), 0);
  });
  evnet_conn_hold(pair.conn);
  evnet_reactor_stop(h.reactor(), 60000);
  h.Settle();  // past the last read of the stop
  Notify(1);
  evnet_conn_release(pair.conn);
  EXPECT_EQ(h.ReadToEnd(&pair.client), all);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Below, AFurtherRequestReplacesTheFirstAndZeroCancels) {
  Start();
  Write(pair.conn, Pattern(300000));
  Notify(200000);
  Notify(1);
  h.ReadExactly(&pair.client, 250000);
  h.Settle();
  EXPECT_EQ(Calls(), 0) << "the first request was replaced";
  Notify(0);
  h.ReadExactly(&pair.client, 50000);
  h.Settle();
  EXPECT_EQ(Calls(), 0) << "the second was cancelled";
}

TEST_F(Below, ComesAfterTheOnDrainOfTheSameTurn) {
  h.on.pressure = h.on.drain = [](evnet_conn *) { return EVNET_NONE; };
  h.options.outbound_high_water_bytes = 100000;
  h.options.outbound_low_water_bytes = 1;
  Start();
  Write(pair.conn, Pattern(200000));
  Notify(2);
  h.ReadExactly(&pair.client, 200000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain below");
}

TEST_F(Below, AClosingConnectionGetsNone) {
  Start();
  Write(pair.conn, Pattern(300000));
  Notify(1);
  h.Close(pair.conn);
  h.ReadToEnd(&pair.client);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(Calls(), 0);
}

TEST_F(Below, WithoutMemoryTheRequestIsRefused) {
  Start();
  h.Settle();
  h.allocator().fail_at(1, true);
  EXPECT_EQ(evnet_conn_notify_below(pair.conn, 1), -ENOMEM);
  h.allocator().fail_at(0, false);
  h.Settle();
  EXPECT_EQ(Calls(), 0);
}

}  // namespace
}  // namespace evnet_testing
