// The bytes that a stop still reads: from connections that are handed over, and from connections
// whose reading is stopped by their output.
#include <errno.h>

#include <string>
#include <utility>
#include <vector>

#include "net/reactor/testing/stop_fixture.h"

namespace evnet_testing {
namespace {

// Descriptors that were accepted elsewhere and are handed over while this reactor stops.
class StopHandOver : public Stop {
 protected:
  StopHandOver() {
    h.owner.context = this;
    h.owner.accepted = [](void *context, int descriptor, const evnet_address *peer, evnet_origin) {
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
    return evnet_reactor_open(h.reactor(), waiting[i].first, &waiting[i].second, {0, 0});
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
  // The hold is released while the reactor reads for the new connection. No connection may be
  // forgotten.
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

// Bytes that a client sent before the stop are read once the output that stopped reading has
// drained. All of them are read, though their output crosses the high mark repeatedly.
class StopLastRead : public Stop {
 protected:
  static constexpr size_t kAnswer = 1000;  // the reply to each byte
  StopLastRead() {
    h.listen_options.send_buffer_bytes = 4608;
    h.options.outbound_high_water_bytes = 20000;
    h.options.read_turn_bytes_max = 512;
  }
  void AnswerEachByte() {
    h.on.data = [](evnet_conn *conn) {
      const std::string in = TakeAll(conn);
      Write(conn, Pattern(in.size() * kAnswer));
      return EVNET_NONE;
    };
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
  AnswerEachByte();
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

// One send takes the output from above the high mark to zero. on_drain and the last read still come
// first.
TEST_F(StopLastRead, OfAConnectionThatDrainsInOneStepComesToo) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.listen_options.send_buffer_bytes = 1 << 20;
  AnswerEachByte();
  bool refuse = true;
  TheKernel().on_send = [&](int, size_t) -> ssize_t { return refuse ? -EAGAIN : kPass; };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write(std::string(100, 'a'));
  h.Settle();
  ASSERT_GT(evnet_conn_outbound_bytes(pair.conn), 20000u);
  refuse = false;
  pair.client.Write(
      std::string(300, 'b'));  // causes an event, because a simulated refusal has none
  evnet_reactor_stop(h.reactor(), 600000);
  RunReading(&pair.client);
  EXPECT_EQ(got.size(), 400 * kAnswer);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(StopLastRead, OfAnotherAlreadyFinishedDoesNotKeepItOpen) {
  AnswerEachByte();
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
  AnswerEachByte();
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
