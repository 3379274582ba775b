// The orderly end of a reactor.
#include <errno.h>

#include <thread>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr size_t kTooMuch = 12 << 20;

class Stop : public ::testing::Test {
 protected:
  Stop() {
    h.options.linger_ms = EVNET_OFF;
    h.on.stopping = [](evnet_conn *) {};
    TheKernel().StopClock();
  }
  void Run() {
    h.Until([&] { return h.Turn() == 0; });
    EXPECT_EQ(h.Turn(), 0);
  }

  Harness h;
};

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

// A turn may bring much and none of it bytes; what was sent before the stop is read all the same.
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

// Whichever turn of the changes in how it is received the stop falls into.
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
  EXPECT_EQ(h.Of(lingering).Story(), "open close") << "it is not open: not told";
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

// At no step of a stop does the end of its time close anybody as if there were more.
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

// Descriptors that were accepted elsewhere and handed over while this reactor stops.
class StopHandOver : public Stop {
 protected:
  StopHandOver() {
    h.owner.context = this;
    h.owner.accepted = [](void *context, int descriptor, const evnet_address *peer, uint8_t) {
      static_cast<StopHandOver *>(context)->waiting.push_back({descriptor, *peer});
    };
  }
  Client Accept() {
    const size_t before = waiting.size();
    Client client = h.ConnectOnly();
    h.Until([&] { return waiting.size() > before; });
    return client;
  }
  int Open(size_t i) {
    return evnet_reactor_open(h.reactor(), waiting[i].first, &waiting[i].second, 0);
  }
  std::vector<std::pair<int, evnet_address>> waiting;
};

TEST_F(StopHandOver, GetsItsBytesReadAndItsOnStopping) {
  h.Start();
  Client a = Accept();
  Client b = Accept();
  ASSERT_EQ(Open(0), 0);
  h.Settle();
  evnet_conn *held = h.records().begin()->second.conn;
  h.Post([&] { evnet_conn_hold(held); });
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  b.Write("sent before the stop");
  ASSERT_EQ(Open(1), 0);
  // The hold ends while the reactor reads for the newcomer: nobody must be forgotten.
  h.Post([&] { evnet_conn_release(held); });
  Run();
  ASSERT_EQ(h.records().size(), 2u);
  for (const auto &each : h.records()) {
    EXPECT_EQ(each.second.Story(), "open stopping close");
    EXPECT_EQ(each.second.reason, EVNET_REASON_SHUTDOWN);
  }
  EXPECT_EQ(h.records().rbegin()->second.received, "sent before the stop");
}

TEST_F(StopHandOver, AfterTheEndIsRefusedAndReset) {
  h.Start();
  Client a = Accept();
  evnet_reactor_stop(h.reactor(), 0);
  Run();
  EXPECT_EQ(Open(0), -ESHUTDOWN);
  a.Read();
  EXPECT_EQ(a.end(), End::kReset);
}

TEST_F(StopHandOver, AfterTheDeadlineIsClosedToo) {
  h.Start();
  Client a = Accept();
  Client b = Accept();
  ASSERT_EQ(Open(0), 0);
  h.Post([&] { evnet_conn_hold(h.records().begin()->second.conn); });
  evnet_reactor_stop(h.reactor(), 0);
  h.Post([&] { EXPECT_EQ(Open(1), 0); });
  Run();
  EXPECT_EQ(h.records().begin()->second.reason, EVNET_REASON_DRAIN_DEADLINE);
  EXPECT_EQ(h.records().rbegin()->second.reason, EVNET_REASON_DRAIN_DEADLINE);
  EXPECT_EQ(h.records().rbegin()->second.Story(), "open stopping close");
}

// What a client had sent before the stop is read when the output that keeps reading stopped has
// drained: all of it, over the mark again and again.
class StopLastRead : public Stop {
 protected:
  static constexpr size_t kAnswer = 1000;  // to each byte
  StopLastRead() {
    h.listen_options.send_buffer_bytes = 4608;
    h.options.outbound_high_water_bytes = 20000;
    h.options.read_turn_bytes_max = 512;
  }
  void RunReading(Client *client) {
    h.Until([&] {
      got += client->Read();
      return h.Turn() == 0;
    });
    got += client->ReadRest();
  }
  std::string got;
};

TEST_F(StopLastRead, OfAConnectionAboveTheHighMarkComesWhenItHasDrained) {
  h.on.data = [&](evnet_conn *conn) {
    const std::string in = TakeAll(conn);
    Write(conn, Pattern(in.size() * kAnswer));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  pair.client.Write(std::string(100, 'a'));
  h.Settle();
  ASSERT_GT(evnet_conn_outbound_bytes(pair.conn), 20000u);
  pair.client.Write(std::string(5000, 'b'));
  evnet_reactor_stop(h.reactor(), 600000);
  RunReading(&pair.client);
  EXPECT_EQ(got.size(), 5100 * kAnswer);
  EXPECT_EQ(pair.client.end(), End::kEnd);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(h.Of(pair).Count("stopping"), 1);
}

// From above the high mark to nothing in one send: on_drain and the last read come first all the
// same.
TEST_F(StopLastRead, OfAConnectionThatDrainsInOneStepComesToo) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.listen_options.send_buffer_bytes = 1 << 20;
  h.on.data = [&](evnet_conn *conn) {
    const std::string in = TakeAll(conn);
    Write(conn, Pattern(in.size() * kAnswer));
    return EVNET_NONE;
  };
  bool refuse = true;
  TheKernel().on_send = [&](int, size_t) -> ssize_t { return refuse ? -EAGAIN : kPass; };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write(std::string(100, 'a'));
  h.Settle();
  ASSERT_GT(evnet_conn_outbound_bytes(pair.conn), 20000u);
  refuse = false;
  pair.client.Write(
      std::string(300, 'b'));  // an event, as a refusal that was forced has none to come
  evnet_reactor_stop(h.reactor(), 600000);
  RunReading(&pair.client);
  EXPECT_EQ(got.size(), 400 * kAnswer);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(StopLastRead, OfAnotherAlreadyFinishedDoesNotKeepItOpen) {
  h.on.data = [&](evnet_conn *conn) {
    const std::string in = TakeAll(conn);
    Write(conn, Pattern(in.size() * kAnswer));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pressed = h.Connect(4096);
  Harness::Pair held = h.Connect();
  h.Post([&] { evnet_conn_hold(held.conn); });
  pressed.client.Write(std::string(100, 'a'));
  h.Settle();
  evnet_reactor_stop(h.reactor(), 600000);
  h.Settle();
  ASSERT_EQ(h.Of(pressed).closed, 0);
  h.Post([&] { evnet_conn_release(held.conn); });
  h.Until([&] { return h.Of(held).closed == 1; });
  RunReading(&pressed.client);
  EXPECT_EQ(got.size(), 100 * kAnswer);
}

TEST_F(StopLastRead, OfAHandlerThatPausesByItselfComesWhenItResumesInOnDrain) {
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.on.data = [&](evnet_conn *conn) {
    const std::string in = TakeAll(conn);
    Write(conn, Pattern(in.size() * kAnswer));
    return EVNET_NONE;
  };
  h.on.pressure = [](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  h.on.drain = [](evnet_conn *conn) {
    evnet_conn_resume_reading(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  pair.client.Write(std::string(100, 'a'));
  h.Settle();
  pair.client.Write(std::string(700, 'b'));
  evnet_reactor_stop(h.reactor(), 600000);
  RunReading(&pair.client);
  EXPECT_EQ(got.size(), 800 * kAnswer);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(StopLastRead, OfAClientThatNeverStopsSendingEndsAtTheDeadline) {
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    Write(conn, Pattern(30000));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  pair.client.Write(std::string(5000, 'a'));
  h.Settle();
  evnet_reactor_stop(h.reactor(), 1000);
  h.Until([&] {
    pair.client.Read();
    pair.client.TryWrite(std::string(5000, 'a'));
    TheKernel().Advance(1);
    return h.Turn() == 0;
  });
  EXPECT_EQ(h.Of(pair).closed, 1);
}

}  // namespace
}  // namespace evnet_testing
