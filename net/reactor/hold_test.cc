// Holds: a connection that owes a reply outlives the peer's FIN and a graceful stop.
#include <errno.h>

#include <thread>

#include "gtest/gtest.h"
#include "net/reactor/hold.h"
#include "net/reactor/internal/conn.h"
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
  TheKernel().StopClock();  // the deadline cannot end the stop
  Start();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  // The reply is gathered or still being sent when the hold is released.
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

TEST_F(Hold, EachOfAHundredThousandPipelinedRequestsMayBeOwedItsAnswer) {
  int owed = 0;
  h.on.data = [&](evnet_conn *conn) {
    for (size_t i = TakeAll(conn).size(); i > 0; i--) {
      EXPECT_EQ(evnet_conn_hold(conn), 0);
      owed++;
    }
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  constexpr int kRequests = 100000;
  for (int sent = 0; sent < kRequests; h.Turn())
    sent += static_cast<int>(pair.client.TryWrite(std::string(kRequests - sent, '?')));
  ASSERT_TRUE(h.Until([&] { return owed == kRequests; }));
  pair.client.Shutdown();
  h.Settle();
  for (; owed > 1; owed--) evnet_conn_release(pair.conn);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0) << "one answer is still owed";
  evnet_conn_release(pair.conn);
  ASSERT_TRUE(h.Until([&] { return h.Of(pair).closed == 1; }));
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(Hold, BeyondTheLargestCountIsAnErrorThatAddsNone) {
  h.options.holds_max = EVNET_UNLIMITED;
  Start();
  pair.conn->holds = UINT32_MAX - 1;
  EXPECT_EQ(evnet_conn_hold(pair.conn), 0);
  EXPECT_EQ(evnet_conn_hold(pair.conn), -EOVERFLOW);
  EXPECT_EQ(pair.conn->holds, UINT32_MAX);
  pair.conn->holds = 1;
}

// A connection that may owe at most two replies. Each unread byte is a request.
class HoldsMax : public Hold {
 protected:
  HoldsMax() {
    h.options.holds_max = 2;
    h.on.data = [this](evnet_conn *conn) {
      while (evnet_conn_inbound_bytes(conn) > 0 && owed < 2) {
        received += Peek(conn)[0];
        evnet_conn_discard(conn, 1);
        EXPECT_EQ(evnet_conn_hold(conn), 0);
        owed++;
      }
      return EVNET_NONE;
    };
  }
  void Answer() {
    owed--;
    evnet_conn_release(pair.conn);
  }

  int owed = 0;
  std::string received;
};

TEST_F(HoldsMax, StopsReadingUntilAnAnswerIsGiven) {
  h.on.data = [&](evnet_conn *conn) {
    received += TakeAll(conn);
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  for (const char *request : {"a", "b", "c"}) {
    pair.client.Write(request);
    h.Settle();
  }
  EXPECT_EQ(received, "ab");
  evnet_conn_release(pair.conn);
  ASSERT_TRUE(h.Until([&] { return received == "abc"; }));
  pair.client.Write("d");
  h.Settle();
  EXPECT_EQ(received, "abc");
  evnet_conn_release(pair.conn);
  ASSERT_TRUE(h.Until([&] { return received == "abcd"; }));
}

TEST_F(HoldsMax, WhatTheCallbackLeavesUnreadIsPresentedAgainAfterEachAnswer) {
  h.Start();
  pair = h.Connect();
  pair.client.Write("abcde");
  pair.client.Shutdown();
  h.Settle();
  EXPECT_EQ(received, "ab");
  for (const char *next : {"abc", "abcd", "abcde"}) {
    h.Post([&] { Answer(); });
    ASSERT_TRUE(h.Until([&] { return received == next; }));
    h.Settle();
    EXPECT_EQ(received, next);
  }
  EXPECT_EQ(h.Of(pair).closed, 0);
  h.Post([&] { Answer(); });
  h.Post([&] { Answer(); });
  ASSERT_TRUE(h.Until([&] { return h.Of(pair).closed == 1; }));
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(HoldsMax, IsNoOverflowThoughInboundBytesMaxAreUnread) {
  h.options.inbound_bytes_max = 10;
  h.Start();
  pair = h.Connect();
  pair.client.Write(std::string(1000, 'x'));
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(received, "xx");
  h.on.data = [](evnet_conn *conn) {
    TakeAll(conn);
    return EVNET_NONE;
  };
  h.Post([&] { Answer(); });
  ASSERT_TRUE(h.Until([&] { return evnet_conn_inbound_bytes(pair.conn) == 0; }));
  evnet_conn_release(pair.conn);
}

TEST_F(HoldsMax, DoesNotEndAPauseOfTheUser) {
  h.Start();
  pair = h.Connect();
  pair.client.Write("abc");
  h.Settle();
  evnet_conn_pause_reading(pair.conn);
  h.Post([&] { Answer(); });
  h.Settle();
  EXPECT_EQ(received, "ab");
  evnet_conn_resume_reading(pair.conn);
  ASSERT_TRUE(h.Until([&] { return received == "abc"; }));
}

TEST_F(HoldsMax, AStopWaitsForTheRequestsBehindTheBound) {
  h.options.linger_ms = EVNET_OFF;
  TheKernel().StopClock();
  h.Start();
  pair = h.Connect();
  pair.client.Write("abc");
  h.Settle();
  pair.client.Write("d");
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  for (int i = 0; i < 4; i++) {
    h.Post([&] { Answer(); });
    h.Turns(4);
  }
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(received, "abcd");
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

// Holds as objects

class TakenHold : public ::testing::Test {
 protected:
  TakenHold() {
    h.on.data = [&](evnet_conn *conn) {
      TakeAll(conn);
      EXPECT_EQ(evnet_hold_take(conn, &hold), 0);
      return EVNET_NONE;
    };
  }
  // A connection with a hold, whose peer has ended.
  void Start() {
    h.Start();
    pair = h.Connect();
    pair.client.Write("question");
    ASSERT_TRUE(h.Until([&] { return hold != nullptr; }));
    pair.client.Shutdown();
    h.Settle();
    EXPECT_EQ(h.Of(pair).closed, 0);
    const struct evnet_conn_id id = evnet_hold_id(hold), expected = evnet_conn_get_id(pair.conn);
    EXPECT_EQ(id.index, expected.index);
    EXPECT_EQ(id.generation, expected.generation);
  }
  bool UntilClosed() {
    return h.Until([&] { return h.Of(pair).closed == 1; });
  }

  Harness h;
  Harness::Pair pair;
  evnet_hold *hold = nullptr;
};

TEST_F(TakenHold, IsReleasedByAnotherThread) {
  Start();
  std::thread([&] { evnet_hold_release(hold); }).join();
  ASSERT_TRUE(UntilClosed());
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(TakenHold, IsReleasedWithoutMemoryAndWithAFullMailbox) {
  h.options.mailbox_bytes_max = 1;
  Start();
  EXPECT_LT(evnet_reactor_post(
                h.reactor(), [](void *) {}, nullptr),
            0);
  h.allocator().fail_at(1, true);
  evnet_hold_release(hold);
  h.allocator().fail_at(0, false);
  ASSERT_TRUE(UntilClosed());
}

TEST_F(TakenHold, IsReleasedAfterItsConnectionHasClosed) {
  Start();
  h.Abort(pair.conn);
  ASSERT_TRUE(UntilClosed());
  evnet_hold_release(hold);
  h.Settle();  // its memory is freed, as Harness::Destroy checks
}

TEST_F(TakenHold, IsReleasedAfterItsReactorHasEnded) {
  Start();
  evnet_reactor_stop(h.reactor(), 0);
  while (h.Turn() > 0) {
  }
  evnet_hold_release(hold);
}

TEST_F(TakenHold, IsReleasedWhileItsReactorEnds) {
  Start();
  h.on.close = [&](evnet_conn *, int) {
    evnet_hold_release(hold);
    return EVNET_NONE;
  };
  evnet_reactor_stop(h.reactor(), 0);
  while (h.Turn() > 0) {
  }
}

TEST_F(TakenHold, IsNotTakenIfMemoryRunsOut) {
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    h.allocator().fail_at(1, false);
    EXPECT_EQ(evnet_hold_take(conn, &hold), -ENOMEM);
    h.allocator().fail_at(0, false);
    EXPECT_EQ(evnet_conn_holds(conn), 0u);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write("question");
  pair.client.Shutdown();
  ASSERT_TRUE(UntilClosed());
  evnet_hold_release(nullptr);
}

TEST_F(TakenHold, IsNotTakenAboveTheLargestCount) {
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    conn->holds = UINT32_MAX;
    EXPECT_EQ(evnet_hold_take(conn, &hold), -EOVERFLOW);
    conn->holds = 0;
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write("question");
  pair.client.Shutdown();
  ASSERT_TRUE(UntilClosed());
}

}  // namespace
}  // namespace evnet_testing
