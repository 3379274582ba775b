// The graceful stop of a reactor.
#include <errno.h>

#include <thread>

#include "net/reactor/testing/stop_fixture.h"

namespace evnet_testing {
namespace {

constexpr size_t kTooMuch = 12 << 20;

TEST_F(Stop, OfAnEmptyReactorIsDoneAtOnce) {
  h.Start();
  evnet_reactor_stop(h.reactor(), 5000);
  Run();
}

TEST_F(Stop, AcceptsNothingMore) {
  h.Start();
  evnet_reactor_stop(h.reactor(), 5000);
  Client late = h.ConnectOnly();
  Run();
  evnet_reactor_accept_resume(h.reactor());
  EXPECT_EQ(h.Stats().connections_opened, 0u);
}

TEST_F(Stop, RefusesAnotherListener) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { evnet_conn_hold(pair.conn); });
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  evnet_address address = h.address();
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &address, nullptr, &address), -ESHUTDOWN);
  h.Post([&] { evnet_conn_release(pair.conn); });
  Run();
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &address, nullptr, &address), -ESHUTDOWN);
}

// A turn may bring many events and no bytes. Bytes sent before the stop must still be read.
TEST_F(Stop, ReadsOnceMoreBehindAFullTurnOfOtherEvents) {
  h.options.linger_ms = 1 << 29;
  h.Start();
  std::vector<Harness::Pair> others;
  for (int i = 0; i < 600; i++) others.push_back(h.Connect());
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    for (Harness::Pair &other : others) h.Close(other.conn);
  });
  h.Settle();
  for (Harness::Pair &other : others) other.client.Close();
  pair.client.Write("sent before the stop");
  evnet_reactor_stop(h.reactor(), 5000);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(h.Of(pair).received, "sent before the stop");
  pair.client.Close();
  Run();
}

TEST_F(Stop, ReadsOnceMoreWhatTheKernelHolds) {
  h.options.read_turn_bytes_max = 4096;
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write(Pattern(100000));
  evnet_reactor_stop(h.reactor(), 5000);
  Run();
  EXPECT_EQ(h.Of(pair).received, Pattern(100000));
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(h.Of(pair).Story(), "open stopping close");
}

// A poller changes how it receives a large message over several turns. The stop may begin in any of
// them.
TEST_F(Stop, ReadsOnceMoreALargeMessageThatHasBegunToCome) {
  h.options.read_turn_bytes_max = 64 << 10;
  h.Start();
  for (int turns = 0; turns < 6; turns++) {
    for (const bool paused : {false, true}) {
      Harness own;
      own.options = h.options;
      own.Start();
      Harness::Pair pair = own.Connect();
      const std::string all = Pattern(300000);
      pair.client.Write(all.substr(0, 16384));
      if (paused) own.Post([&] { evnet_conn_pause_reading(pair.conn); });
      if (paused) own.Turn();
      if (paused) own.Post([&] { evnet_conn_resume_reading(pair.conn); });
      own.Turns(turns);
      pair.client.Write(all.substr(16384));
      evnet_reactor_stop(own.reactor(), 5000);
      own.Until([&] { return own.Turn() == 0; });
      EXPECT_TRUE(own.Of(pair).received == all)
          << own.Of(pair).received.size() << " bytes after " << turns << " turns";
    }
  }
}

TEST_F(Stop, TellsEachOpenConnectionOnceAndItsLastWordArrives) {
  h.on.stopping = [](evnet_conn *conn) { Write(conn, "bye"); };
  h.Start();
  std::vector<Harness::Pair> pairs;
  for (int i = 0; i < 5; i++) pairs.push_back(h.Connect());
  evnet_reactor_stop(h.reactor(), 5000);
  evnet_reactor_stop(h.reactor(), 5000);
  Run();
  for (Harness::Pair &pair : pairs) {
    EXPECT_EQ(h.Of(pair).Story(), "open stopping close");
    EXPECT_EQ(h.ReadToEnd(&pair.client), "bye");
    EXPECT_EQ(pair.client.end(), End::kEnd);
  }
}

TEST_F(Stop, WaitsForOutputToBeTaken) {
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] { Write(pair.conn, Pattern(kTooMuch)); });
  h.Turn();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  std::string got;
  h.Until([&] {
    got += pair.client.Read();
    return h.Turn() == 0;
  });
  got += pair.client.ReadRest();
  EXPECT_EQ(got.size(), kTooMuch);
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

TEST_F(Stop, WaitsForUnreadBytesToBeTaken) {
  h.on.data = [](evnet_conn *conn) {
    if (Peek(conn).back() == '.') TakeAll(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("half a fra");
  h.Settle();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Write("me.");
  Run();
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Stop, WaitsForUnreadBytesThatAPostedFunctionTakes) {
  h.on.data = [](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("unread");
  h.Settle();
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  h.Post([&] { EXPECT_EQ(TakeAll(pair.conn), "unread"); });
  Run();
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Stop, AtTheDeadlineTheRestIsReset) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { evnet_conn_hold(pair.conn); });
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  TheKernel().Advance(4999);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  Run();
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_DRAIN_DEADLINE);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(pair.client.end(), End::kReset);
}

TEST_F(Stop, TheDeadlineEndsALingerInAnOrderlyWayAndAFlushWithAReset) {
  h.options.linger_ms = 1 << 29;
  h.Start();
  Harness::Pair lingering = h.Connect();
  Harness::Pair flushing = h.Connect(4096);
  h.Post([&] {
    h.Close(lingering.conn);
    Write(flushing.conn, Pattern(kTooMuch));
    h.Close(flushing.conn);
  });
  h.Settle();
  evnet_reactor_stop(h.reactor(), 1000);
  h.Settle();
  TheKernel().Advance(1001);
  Run();
  EXPECT_EQ(h.Of(lingering).Story(), "open close")
      << "a lingering connection is not open, so it gets no on_stopping";
  EXPECT_EQ(h.Of(lingering).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(h.Of(flushing).reason, EVNET_REASON_DRAIN_DEADLINE);
}

TEST_F(Stop, WithoutTimeTellsAllAndResetsAll) {
  for (int64_t drain_ms : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    Harness g;
    g.on.stopping = [](evnet_conn *) {};
    g.Start();
    Harness::Pair idle = g.Connect();
    Harness::Pair held = g.Connect();
    g.Post([&] { evnet_conn_hold(held.conn); });
    g.Settle();
    evnet_reactor_stop(g.reactor(), drain_ms);
    g.Until([&] { return g.Turn() == 0; });
    EXPECT_EQ(g.Of(idle).Story(), "open stopping close");
    EXPECT_EQ(g.Of(idle).reason, EVNET_REASON_DRAIN_DEADLINE);
    idle.client.Read();
    EXPECT_EQ(idle.client.end(), End::kReset);
    EXPECT_EQ(g.Of(held).Story(), "open stopping close");
    EXPECT_EQ(g.Of(held).reason, EVNET_REASON_DRAIN_DEADLINE);
  }
}

// Cutting a stop short (drain 0) at any point resets the connections that have not closed yet. It
// never reports them as gracefully closed.
TEST_F(Stop, CutShortResetsAllThatHaveNotClosedYet) {
  for (int turns = 0; turns < 6; turns++) {
    Harness g;
    g.options.linger_ms = EVNET_OFF;
    g.on.stopping = [](evnet_conn *) {};
    g.Start();
    Harness::Pair pair = g.Connect();
    g.Settle();
    evnet_reactor_stop(g.reactor(), 5000);
    g.Turns(turns);
    const bool closed = g.Of(pair).closed > 0;
    evnet_reactor_stop(g.reactor(), 0);
    g.Until([&] { return g.Turn() == 0; });
    EXPECT_EQ(g.Of(pair).reason, closed ? EVNET_REASON_SHUTDOWN : EVNET_REASON_DRAIN_DEADLINE)
        << turns;
  }
}

TEST_F(Stop, TheEarlierDeadlineWins) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { evnet_conn_hold(pair.conn); });
  evnet_reactor_stop(h.reactor(), INT64_MAX);
  h.Settle();
  evnet_reactor_stop(h.reactor(), 1000);
  evnet_reactor_stop(h.reactor(), 100000);
  h.Settle();
  TheKernel().Advance(999);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  Run();
}

TEST_F(Stop, FromAnotherThreadEndsASleep) {
  ResetKernel();  // the real clock
  h.Start();
  std::thread stopper([&] { evnet_reactor_stop(h.reactor(), 5000); });
  EXPECT_EQ(evnet_reactor_run(h.reactor()), 0);
  stopper.join();
}

TEST_F(Stop, AnsweredByACallbackTakesTheDrainTimeOfTheOptions) {
  h.options.drain_ms = 1234;
  h.on.data = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    TakeAll(conn);
    return EVNET_SHUTDOWN;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("stop");
  h.Settle();
  TheKernel().Advance(1233);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  Run();
}

TEST_F(Stop, AnOwnerIsAskedInsteadOfTheReactor) {
  int asked = 0;
  h.owner.context = &asked;
  h.owner.shutdown = [](void *context) { ++*static_cast<int *>(context); };
  h.on.data = [](evnet_conn *conn) {
    TakeAll(conn);
    return EVNET_SHUTDOWN;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("stop");
  h.Settle();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(h.Turn(), 1);
}

}  // namespace
}  // namespace evnet_testing
