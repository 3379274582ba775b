// Calls by a callback of one connection on another one that is on the due list, is closed already,
// has events in the same batch, or has gathered bytes.
#include <errno.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Others : public ::testing::Test {
 protected:
  void Start(int count) {
    h.Start();
    for (int i = 0; i < count; i++) pairs.push_back(h.Connect());
    h.Settle();
  }
  evnet_conn *conn(size_t i) { return pairs[i].conn; }
  Record &Of(size_t i) { return h.Of(pairs[i]); }

  Harness h;
  std::vector<Harness::Pair> pairs;
};

TEST_F(Others, OneAbortedInTheSameBatchGetsNoMoreEvents) {
  // The first of the two to run aborts the other, whose data is already in the batch and must not
  // be presented.
  h.on.data = [&](evnet_conn *me) {
    TakeAll(me);
    for (size_t i = 0; i < pairs.size(); i++) {
      if (conn(i) != me) h.Abort(conn(i));
    }
    return EVNET_NONE;
  };
  Start(4);
  for (Harness::Pair &pair : pairs) pair.client.Write("x");
  h.Settle();
  int data = 0;
  for (size_t i = 0; i < 4; i++) data += Of(i).Count("data");
  EXPECT_EQ(data, 1);
  EXPECT_EQ(h.open_count(), 1u);
}

TEST_F(Others, OneClosedInTheSameBatchLosesItsInputAndItsEnd) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  h.on.data = [&](evnet_conn *me) {
    TakeAll(me);
    for (size_t i = 0; i < pairs.size(); i++) {
      if (conn(i) != me) h.Close(conn(i));
    }
    return EVNET_NONE;
  };
  Start(3);
  for (Harness::Pair &pair : pairs) {
    pair.client.Write("x");
    pair.client.Shutdown();
  }
  h.Settle();
  int data = 0;
  int ends = 0;
  for (size_t i = 0; i < 3; i++) {
    data += Of(i).Count("data");
    ends += Of(i).Count("half_close");
  }
  EXPECT_EQ(data, 1);
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(h.open_count(), 1u);
}

TEST_F(Others, ADescriptorNumberUsedAgainAtOnceGetsNothingOfItsFormerOwner) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  std::vector<Client> fresh;
  h.on.data = [&](evnet_conn *me) {
    if (me == conn(0)) {
      h.Abort(conn(1));
      h.Abort(conn(0));
    } else {
      h.Of(me).received += TakeAll(me);
    }
    return EVNET_NONE;
  };
  Start(2);
  const std::vector<int> before = TheKernel().accepted;
  // These clients wait in the backlog, so their connections get the next descriptor numbers that
  // become free.
  evnet_reactor_accept_pause(h.reactor());
  for (int i = 0; i < 2; i++) fresh.push_back(h.ConnectOnly());
  for (Client &client : fresh) client.Write("for the new one");
  pairs[0].client.Write("x");
  pairs[1].client.Write("for the old connection");
  pairs[1].client.Shutdown();
  h.Until([&] { return Of(0).closed == 1 && Of(1).closed == 1; });
  evnet_reactor_accept_resume(h.reactor());
  h.Until([&] { return h.open_count() == 2; });
  h.Settle();
  std::vector<int> after(TheKernel().accepted.begin() + 2, TheKernel().accepted.end());
  EXPECT_TRUE(std::find_first_of(after.begin(), after.end(), before.begin(), before.end()) !=
              after.end())
      << "the test's premise: a number was used again";
  for (const auto &each : h.records()) {
    if (each.second.closed == 0) {
      EXPECT_EQ(each.second.Story(), "open");
      EXPECT_EQ(each.second.received, "for the new one");
    }
  }
}

TEST_F(Others, OneAbortedInTheBatchThatBringsItsResetKeepsTheFirstReason) {
  h.on.data = [&](evnet_conn *me) {
    TakeAll(me);
    h.Abort(conn(1));
    return EVNET_NONE;
  };
  Start(2);
  h.Post([&] { evnet_conn_pause_reading(conn(1)); });
  h.Settle();
  pairs[0].client.Write("x");  // causes the first event of the batch
  pairs[1].client.Reset();
  h.Until([&] { return Of(1).closed == 1; });
  EXPECT_EQ(Of(1).reason, EVNET_REASON_ABORTED);
}

TEST_F(Others, ActsOnOneThatIsClosedAndAwaitsItsOnCloseAreHarmless) {
  h.options.linger_ms = EVNET_OFF;
  h.on.data = [&](evnet_conn *me) {
    TakeAll(me);
    if (me != conn(0)) return EVNET_NONE;
    h.Abort(conn(1));
    evnet_conn_abort(conn(1));
    evnet_conn_close(conn(1));
    evnet_conn_pause_reading(conn(1));
    evnet_conn_resume_reading(conn(1));
    evnet_conn_hold(conn(1));
    evnet_conn_release(conn(1));
    EXPECT_EQ(Write(conn(1), "x"), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(conn(1)), -ENOTCONN);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn(1)), 0u);
    EXPECT_EQ(evnet_conn_peek(conn(1)).size, 0u);
    return EVNET_NONE;
  };
  Start(2);
  pairs[0].client.Write("x");
  h.Until([&] { return Of(1).closed == 1; });
  EXPECT_EQ(Of(1).reason, EVNET_REASON_ABORTED);
}

// All four are on the due list. The second to run aborts the first and the third, and resumes the
// fourth once more.
TEST_F(Others, ActsOnThoseOnTheDueListBeforeAndBehindTheActor) {
  bool armed = false;
  h.on.data = [&](evnet_conn *me) {
    if (!armed) {
      evnet_conn_pause_reading(me);
      return EVNET_NONE;
    }
    TakeAll(me);
    if (me == conn(1)) {
      h.Abort(conn(0));  // has already run
      h.Abort(conn(2));  // is the next to run
      evnet_conn_pause_reading(conn(3));
      evnet_conn_resume_reading(conn(3));
    }
    return EVNET_NONE;
  };
  Start(4);
  for (Harness::Pair &pair : pairs) pair.client.Write("unread");
  h.Settle();
  armed = true;
  for (size_t i = 0; i < 4; i++) Of(i).events.clear();
  h.Post([&] {
    for (size_t i = 0; i < 4; i++) evnet_conn_resume_reading(conn(i));
  });
  h.Settle();
  EXPECT_EQ(Of(0).events, (std::vector<std::string>{"data", "close"}));
  EXPECT_EQ(Of(1).events, (std::vector<std::string>{"data"}));
  EXPECT_EQ(Of(2).events, (std::vector<std::string>{"close"}));
  EXPECT_EQ(Of(3).events, (std::vector<std::string>{"data"}));
}

TEST_F(Others, OnCloseMayEndTheNextOnTheList) {
  h.on.close = [&](evnet_conn *me, int) {
    for (size_t i = 0; i < pairs.size(); i++) {
      if (conn(i) != me && Of(i).closed == 0) h.Abort(conn(i));
    }
    return EVNET_NONE;
  };
  Start(5);
  h.Post([&] {
    h.Abort(conn(2));
    h.Abort(conn(3));
  });
  h.Settle();
  EXPECT_EQ(h.open_count(), 0u);
  EXPECT_EQ(h.Stats().connections_open, 0u);
}

TEST_F(Others, ADeadlineOfOneMayEndAnotherThatIsDueAtTheSameTime) {
  TheKernel().StopClock();
  h.options.idle_timeout_ms = 100;
  h.on.timeout = [&](evnet_conn *me, evnet_timeout) {
    for (size_t i = 0; i < pairs.size(); i++) {
      if (conn(i) != me) h.Abort(conn(i));
    }
    return EVNET_KEEP;
  };
  Start(3);
  TheKernel().Advance(101);
  h.Settle();
  EXPECT_EQ(h.open_count(), 1u);
}

using OthersDeathTest = Others;

TEST_F(OthersDeathTest, ATurnOrADestroyInsideACallbackIsAProgrammersError) {
  if (!SocketCallsAreSeen()) GTEST_SKIP() << "a child process cannot use its parent's ring";
  Start(1);
  h.on.data = [&](evnet_conn *) {
    EXPECT_EQ(evnet_reactor_turn(h.reactor(), 0), 1);
    return EVNET_NONE;
  };
  pairs[0].client.Write("x");
  EXPECT_DEATH(h.Settle(), "turning");
  // The child has read the first byte from the socket that both processes share.
  pairs[0].client.Write("x");
  h.on.data = [&](evnet_conn *) {
    evnet_reactor_destroy(h.reactor());
    return EVNET_NONE;
  };
  EXPECT_DEATH(h.Settle(), "turning");
  h.on.data = nullptr;
}

TEST_F(Others, AProxyWritesToTheOtherSideInOrder) {
  h.on.data = [&](evnet_conn *me) {
    Write(me == conn(0) ? conn(1) : conn(0), TakeAll(me));
    return EVNET_NONE;
  };
  Start(2);
  pairs[0].client.Write("ping");
  EXPECT_EQ(h.ReadExactly(&pairs[1].client, 4), "ping");
  pairs[1].client.Write(Pattern(100000));
  EXPECT_EQ(h.ReadExactly(&pairs[0].client, 100000), Pattern(100000));
}

TEST_F(Others, AHeldOneIsReleasedFromACallbackOfAnother) {
  h.on.data = [&](evnet_conn *me) {
    TakeAll(me);
    if (me == conn(0)) {
      evnet_conn_hold(me);
    } else {
      Write(conn(0), "the answer");
      evnet_conn_release(conn(0));
    }
    return EVNET_NONE;
  };
  Start(2);
  pairs[0].client.Write("question");
  pairs[0].client.Shutdown();
  h.Settle();
  EXPECT_EQ(Of(0).closed, 0);
  pairs[1].client.Write("go");
  EXPECT_EQ(h.ReadToEnd(&pairs[0].client), "the answer");
  h.Until([&] { return Of(0).closed == 1; });
  EXPECT_EQ(Of(0).reason, EVNET_REASON_PEER);
}

// Another connection's callback resumes reading, and the same batch brings the peer's FIN. The
// unread bytes must be presented first.
TEST_F(Others, UnreadBytesArePresentedBeforeAnEndThatComesInTheSameBatchAsTheResume) {
  for (bool half_close_set : {false, true}) {
    Harness g;
    evnet_conn *paused = nullptr;
    bool resumed = false;
    g.on.data = [&](evnet_conn *me) {
      if (me == paused && !resumed) {
        evnet_conn_pause_reading(me);
      } else if (me == paused) {
        g.Of(me).received += TakeAll(me);
      } else {
        TakeAll(me);
        resumed = true;
        evnet_conn_resume_reading(paused);
      }
      return EVNET_NONE;
    };
    if (half_close_set) g.on.half_close = [](evnet_conn *) { return EVNET_CLOSE; };
    g.Start();
    Harness::Pair waker = g.Connect();
    Harness::Pair pair = g.Connect();
    paused = pair.conn;
    pair.client.Write("unread");
    g.Settle();
    waker.client.Write("go");  // causes the first event of the batch
    pair.client.Shutdown();
    g.Until([&] { return g.Of(pair).closed == 1; });
    EXPECT_EQ(g.Of(pair).received, "unread");
    EXPECT_EQ(g.Of(pair).Story(), half_close_set ? "open half_close close" : "open close");
  }
}

TEST_F(Others, AnEndThatCameWithTheResumeWaitsForAnotherPause) {
  evnet_conn *paused = nullptr;
  int presented = 0;
  h.on.half_close = [](evnet_conn *) { return EVNET_CLOSE; };
  h.on.data = [&](evnet_conn *me) {
    if (me != paused) {
      TakeAll(me);
      evnet_conn_resume_reading(paused);
      return EVNET_NONE;
    }
    char byte;
    if (presented++ > 0) {
      EXPECT_EQ(evnet_conn_read(me, &byte, 1), 1u);
    }
    evnet_conn_pause_reading(me);
    return EVNET_NONE;
  };
  Start(2);
  paused = conn(1);
  pairs[1].client.Write("abc");
  h.Settle();
  pairs[0].client.Write("go");
  pairs[1].client.Shutdown();
  h.Settle();
  EXPECT_EQ(presented, 2);
  EXPECT_EQ(Of(1).Count("half_close"), 0) << "bytes are still unread";
  h.Post([&] { evnet_conn_resume_reading(paused); });
  h.Settle();
  EXPECT_EQ(presented, 3);
  EXPECT_EQ(Of(1).Count("half_close"), 0);
  h.Post([&] {
    EXPECT_EQ(evnet_conn_discard(paused, 100), 1u);
    evnet_conn_resume_reading(paused);
  });
  h.Until([&] { return Of(1).closed == 1; });
  EXPECT_EQ(Of(1).Count("half_close"), 1);
}

}  // namespace
}  // namespace evnet_testing
