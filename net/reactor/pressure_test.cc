// Back-pressure: the water marks, their effect on reading, and that on_pressure and on_drain
// alternate.
#include <errno.h>

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Pressure : public ::testing::Test {
 protected:
  Pressure() {
    h.options.outbound_high_water_bytes = 100000;
    h.options.read_turn_bytes_max = 1 << 16;
    h.listen_options.send_buffer_bytes = 4608;
    h.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
    h.on.drain = [](evnet_conn *) { return EVNET_NONE; };
  }
  void Start() {
    h.Start();
    pair = h.Connect(4096);
  }
  // Writes until `queued` bytes are pending.
  void Queue(size_t queued) {
    const size_t standing = evnet_conn_outbound_bytes(pair.conn);
    ASSERT_LT(standing, queued);
    const std::string data = Pattern(queued - standing);
    ASSERT_EQ(Write(pair.conn, data), static_cast<ssize_t>(data.size()));
  }
  // Fills the socket, so that all further bytes are queued.
  void Fill() {
    h.Post([&] {
      while (evnet_conn_outbound_bytes(pair.conn) == 0) Write(pair.conn, Pattern(kFill));
    });
    h.Turn();
  }
  // The client reads until at most `queued` bytes are queued.
  void ReadDownTo(size_t queued) {
    h.Until([&] {
      pair.client.Read(1000);
      return evnet_conn_outbound_bytes(pair.conn) <= queued;
    });
  }

  static constexpr size_t kFill = 5000;
  Harness h;
  Harness::Pair pair;
};

TEST_F(Pressure, OnceAtTheHighMarkAndOnceAtTheLowOne) {
  Start();
  Fill();
  h.Post([&] { Queue(99999); });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open");
  h.Post([&] {
    Queue(100000);  // a producer that writes up to the mark waits for on_drain from here on
    Queue(150000);
  });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  ReadDownTo(60000);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure") << "the low mark is half of the high one";
  h.Post([&] { Queue(120000); });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure") << "the queue did not drain in between";
  ReadDownTo(50000);
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
  h.Post([&] { Queue(100001); });
  h.Turns(2);
  ReadDownTo(0);
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain pressure drain");
}

// Holds for writes and marks of any size.
TEST_F(Pressure, AProducerThatWritesUpToTheMarkIsToldWhenToGoOn) {
  h.options.outbound_high_water_bytes = 10000;
  Start();
  h.Post([&] {
    while (evnet_conn_outbound_bytes(pair.conn) < 10000) Write(pair.conn, Pattern(100));
  });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  ReadDownTo(0);
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
}

// Over io_uring the bytes that one callback gathered are still being sent when the next callback of
// the turn writes.
TEST_F(Pressure, WhatIsUnderWayCountsTowardsTheMark) {
  Start();
  h.Post([&] { Write(pair.conn, Pattern(4000)); });
  h.Post([&] {
    while (evnet_conn_outbound_bytes(pair.conn) < 100000) Write(pair.conn, Pattern(500));
  });
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  ReadDownTo(0);
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
}

// Regression test: over io_uring a write of leased bytes could fly as a whole and count as pending.
TEST_F(Pressure, OneLargeWriteThatTheKernelTakesIsNotPending) {
  h.options.outbound_high_water_bytes = 5000;
  h.listen_options.send_buffer_bytes = 1 << 20;
  constexpr size_t kSize = 8000;  // arrives in one piece, so that on_data has it as a lease
  size_t pending = 0;
  h.on.data = [&](evnet_conn *conn) {
    const evnet_bytes bytes = evnet_conn_peek(conn);
    if (bytes.size < kSize) return EVNET_NONE;
    evnet_conn_write(conn, bytes.data, bytes.size);
    pending = evnet_conn_outbound_bytes(conn);
    evnet_conn_discard(conn, bytes.size);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write(Pattern(kSize));
  EXPECT_EQ(h.ReadExactly(&pair.client, kSize), Pattern(kSize));
  EXPECT_EQ(pending, 0u);
  EXPECT_EQ(h.Of(pair).Story(), "open");
}

TEST_F(Pressure, NoDrainWithoutPressure) {
  Start();
  Fill();
  h.Post([&] { Queue(99999); });
  h.Turns(2);
  ReadDownTo(0);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open");
}

TEST_F(Pressure, ACustomLowMark) {
  h.options.outbound_low_water_bytes = 100000;
  Start();
  Fill();
  h.Post([&] { Queue(110000); });
  h.Turns(2);
  ReadDownTo(100000);
  h.Turns(2);
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
}

TEST_F(Pressure, ReadingStopsBetweenTheMarksAndUnreadBytesAreThenPresentedAgain) {
  bool take = false;
  h.on.data = [&](evnet_conn *conn) {
    if (take) h.Of(conn).received += TakeAll(conn);
    return EVNET_NONE;
  };
  Start();
  pair.client.Write("first ");
  h.Settle();
  ASSERT_EQ(h.Of(pair).Count("data"), 1);
  Fill();
  h.Post([&] { Queue(100001); });
  h.Turns(2);
  pair.client.Write("second");
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("data"), 1) << "reading is stopped";
  take = true;
  ReadDownTo(50000);
  h.Until([&] { return h.Of(pair).received == "first second"; });
}

TEST_F(Pressure, AUsersPauseOutlivesTheDrain) {
  Start();
  Fill();
  h.Post([&] {
    Queue(100001);
    evnet_conn_pause_reading(pair.conn);
  });
  h.Turns(2);
  pair.client.Write("x");
  ReadDownTo(0);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("drain"), 1);
  EXPECT_EQ(h.Of(pair).Count("data"), 0);
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Until([&] { return h.Of(pair).received == "x"; });
}

TEST_F(Pressure, TheHighMarkOutlivesAUsersResume) {
  Start();
  Fill();
  h.Post([&] {
    Queue(100001);
    evnet_conn_pause_reading(pair.conn);
    evnet_conn_resume_reading(pair.conn);
  });
  pair.client.Write("x");
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("data"), 0);
}

TEST_F(Pressure, NotifyKeepsReading) {
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  Start();
  Fill();
  h.Post([&] { Queue(100001); });
  pair.client.Write("x");
  h.Until([&] { return h.Of(pair).received == "x"; });
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
}

TEST_F(Pressure, CloseResetsAtTheCrossingAndNothingElseIsTold) {
  h.options.outbound_high_action = EVNET_HIGH_CLOSE;
  Start();
  Fill();
  h.Post([&] { Queue(100001); });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).Story(), "open close");
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_HIGH_WATER);
  h.ReadToEnd(&pair.client);
  EXPECT_EQ(pair.client.end(), End::kReset);
}

// The queue falls to the low mark and crosses the high mark again before on_drain could run. If
// on_drain came after the second on_pressure, the handler would believe that the queue is short.
TEST_F(Pressure, ACrossingBeforeADrainWasToldIsNotToldInTheWrongOrder) {
  const auto refuse = [](int, size_t) -> ssize_t { return -EAGAIN; };
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.listen_options.send_buffer_bytes = 1 << 20;  // takes the whole queue in one send
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u) << "the test's premise";
    TheKernel().on_send = refuse;
    Write(conn, Pattern(120000));
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  TheKernel().on_send = refuse;
  h.Post([&] { Queue(120000); });
  h.Turns(2);
  ASSERT_EQ(h.Of(pair).Story(), "open pressure");
  // One event, writable and readable: the send completes, and then the reply to "go" fills the
  // queue again.
  TheKernel().on_send = nullptr;
  pair.client.Write("go");
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open pressure") << "the queue is above the mark";
  TheKernel().on_send = nullptr;
  h.on.data = [](evnet_conn *conn) {
    TakeAll(conn);
    return EVNET_NONE;
  };
  pair.client.Write("x");
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
}

TEST_F(Pressure, CrossedAgainInOnPressureADrainThatWasNotToldIsNoDrain) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.options.outbound_low_water_bytes = 100000;
  const auto refuse = [](int, size_t) -> ssize_t { return -EAGAIN; };
  std::string came;
  h.on.data = [&](evnet_conn *conn) {
    const std::string data = TakeAll(conn);
    if (conn == pair.conn) {
      came += data;
    } else {
      Queue(100001);
    }
    return EVNET_NONE;
  };
  h.on.pressure = [&](evnet_conn *) {
    EXPECT_LE(evnet_conn_outbound_bytes(pair.conn), 100000u)
        << "the test's premise: it has drained";
    TheKernel().on_send = refuse;
    Queue(150000);
    return EVNET_NONE;
  };
  Start();
  Harness::Pair other = h.Connect();
  TheKernel().on_send = refuse;
  h.Post([&] { Queue(1000); });
  h.Turns(2);
  // One turn: on_data of the other connection crosses the mark, and then a pending send completes.
  TheKernel().on_send = nullptr;
  other.client.Write("x");
  pair.client.Write("go");
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open pressure");
  EXPECT_EQ(came, "") << "reading must stay stopped";
  TheKernel().on_send = nullptr;
  h.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
  pair.client.Write("x");  // causes an event, because the refusal was only simulated
  ReadDownTo(0);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open pressure drain");
  EXPECT_EQ(came, "gox");
}

TEST_F(Pressure, IsToldInTurnsUnderRandomTraffic) {
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.options.outbound_high_water_bytes = 3000;
  std::mt19937 random(3);
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    Write(conn, Pattern(below(8) == 0 ? below(20000) : 1));
    return EVNET_NONE;
  };
  Start();
  TheKernel().on_send = [&](int, size_t size) -> ssize_t {
    return below(4) == 0 ? -EAGAIN : static_cast<ssize_t>(1 + below(static_cast<uint32_t>(size)));
  };
  for (int i = 0; i < 3000; i++) {
    pair.client.TryWrite("x");
    pair.client.Read(below(8000) + 1);
    h.Turn();
  }
  std::string last = "drain";
  for (const std::string &event : h.Of(pair).events) {
    if (event != "pressure" && event != "drain") continue;
    ASSERT_NE(event, last);
    last = event;
  }
  EXPECT_GT(h.Of(pair).Count("pressure"), 50);
  EXPECT_GT(h.Of(pair).Count("drain"), 50);
}

TEST_F(Pressure, ASlowReaderCostsNoMoreThanTheMarkAndOneTurn) {
  h.options.outbound_high_water_bytes = 50000;
  h.options.read_turn_bytes_max = 20000;
  size_t most = 0;
  h.on.data = [&](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    most = std::max(most, evnet_conn_outbound_bytes(conn));
    return EVNET_NONE;
  };
  Start();
  const std::string data = Pattern(1 << 16);
  for (int i = 0; i < 200; i++) {
    pair.client.TryWrite(data);
    h.Turn();
  }
  EXPECT_GT(most, 50000u);
  EXPECT_LE(most, 70000u);
}

}  // namespace
}  // namespace evnet_testing
