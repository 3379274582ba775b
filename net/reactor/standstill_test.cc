// Time passes while the reactor stands still (a slow callback, SIGSTOP, a suspended machine), on a
// clock that the test advances. Events that the kernel had before a deadline count, even if the
// reactor sees them later.
#include <sys/resource.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Standstill : public ::testing::Test {
 protected:
  Standstill() { TheKernel().StopClock(); }
  void ExpectServedAfterAMinute() {
    h.Start();
    Harness::Pair pair = h.Connect();
    pair.client.Write("x");
    TheKernel().Advance(60000);
    h.Settle();
    EXPECT_EQ(h.Of(pair).received, "x");
    pair.client.Read();
    EXPECT_EQ(pair.client.end(), End::kOpen);
  }

  Harness h;
};

TEST_F(Standstill, BytesThatCameBeforeTheIdleTimeoutAreServed) {
  h.options.idle_timeout_ms = 1000;
  ExpectServedAfterAMinute();
}

TEST_F(Standstill, BytesThatCameBeforeTheReadTimeoutAreServed) {
  h.options.read_timeout_ms = 1000;
  ExpectServedAfterAMinute();
}

TEST_F(Standstill, OfASlowCallbackCostsNoOtherConnection) {
  h.options.idle_timeout_ms = 1000;
  h.on.data = [&](evnet_conn *conn) {
    if (TakeAll(conn) == "slow") TheKernel().Advance(1500);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair slow = h.Connect();
  Harness::Pair other = h.Connect();
  slow.client.Write("slow");
  h.Until([&] { return h.Of(slow).Count("data") == 1; });
  other.client.Write("x");  // in the kernel before the reactor checks deadlines again
  h.Settle();
  EXPECT_EQ(h.Of(other).Count("data"), 1);
  other.client.Read();
  EXPECT_EQ(other.client.end(), End::kOpen);
}

TEST_F(Standstill, RoomForQueuedOutputCountsAsProgress) {
  h.options.write_timeout_ms = 1000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  h.Post([&] { Write(pair.conn, Pattern(100000)); });
  h.Settle();
  // The peer reads all bytes that the kernel has, so there is room when the reactor continues.
  std::string received;
  for (int i = 0; i < 20; i++) received += pair.client.Read();
  TheKernel().Advance(60000);
  h.Turns(3);
  EXPECT_EQ(h.Of(pair).closed, 0);
  received += h.ReadExactly(&pair.client, 100000 - received.size());
  EXPECT_EQ(received, Pattern(100000));
}

TEST_F(Standstill, AFinishedConnectOpensHoweverLate) {
  h.Start();
  evnet_dial_options options = {};
  options.timeout_ms = 1000;
  const struct evnet_conn_id id = h.Dial(h.AddressText(), options);  // no turn has accepted it yet
  TheKernel().Advance(60000);
  h.Until([&] { return h.Of(id).opened == 1; });
  EXPECT_EQ(h.Of(id).closed, 0);
}

TEST_F(Standstill, OfThousandsNoneIsClosedWhoseBytesHaveCome) {
  // More events than one wait reports: 512 with epoll, about twenty with io_uring. Each connection
  // takes two descriptors.
  const size_t wanted = TestBackend() == EVNET_BACKEND_IO_URING ? 400 : 2000;
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const size_t count = std::min<size_t>(wanted, limit.rlim_max / 2 - 100);
  h.options.idle_timeout_ms = 10000;
  h.Start();
  std::vector<Harness::Pair> pairs;
  for (size_t i = 0; i < count; i++) pairs.push_back(h.Connect());
  for (Harness::Pair &pair : pairs) pair.client.Write("x");
  TheKernel().Advance(60000);
  h.Turns(200);
  size_t served = 0;
  for (Harness::Pair &pair : pairs) served += h.Of(pair).received == "x";
  EXPECT_EQ(served, count);
  EXPECT_EQ(h.open_count(), count);
}

TEST_F(Standstill, ASilentConnectionIsClosedThoughOthersNeverStop) {
  h.options.idle_timeout_ms = 1000;
  h.Start();
  Harness::Pair silent = h.Connect();
  Harness::Pair busy = h.Connect();
  TheKernel().Advance(999);
  h.Settle();
  TheKernel().Advance(60000);
  // Each wait finds an event, so the kernel always has more to report.
  for (int i = 0; i < 40; i++) {
    busy.client.Write("x");
    h.Turn();
  }
  silent.client.Read();
  EXPECT_EQ(silent.client.end(), End::kEnd);
  busy.client.Read();
  EXPECT_EQ(busy.client.end(), End::kOpen);
}

TEST_F(Standstill, ASilentConnectionIsClosedInTheTurnThatLooks) {
  h.options.idle_timeout_ms = 1000;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  TheKernel().Advance(1001);
  for (int i = 0; i < 3; i++) h.Turn();
  pair.client.Read();
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

// Standstill beyond the deadline of a stop.
class StandstillInAStop : public Standstill {
 protected:
  StandstillInAStop() {
    h.options.linger_ms = EVNET_OFF;
    h.listen_options.send_buffer_bytes = 4608;
  }
  void Run() {
    h.Until([&] { return h.Turn() == 0; });
  }
};

TEST_F(StandstillInAStop, QueuedOutputThatTheKernelHasRoomForIsDelivered) {
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  std::string answer;
  while (evnet_conn_outbound_bytes(pair.conn) == 0 && answer.size() < 1000000) {
    h.Post([&] { Write(pair.conn, std::string(1000, 'a')); });
    h.Settle();
    answer += std::string(1000, 'a');
  }
  ASSERT_GT(evnet_conn_outbound_bytes(pair.conn), 0u);
  evnet_reactor_stop(h.reactor(), 1000);
  h.Settle();
  std::string received;
  for (int i = 0; i < 20; i++) received += pair.client.Read();
  TheKernel().Advance(60000);
  Run();
  received += pair.client.ReadRest();
  EXPECT_EQ(received.size(), answer.size());
  EXPECT_EQ(pair.client.end(), End::kEnd);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(StandstillInAStop, BytesThatHadComeAreAnswered) {
  h.on.data = [](evnet_conn *conn) {
    Write(conn, "answer to " + TakeAll(conn));
    return EVNET_NONE;
  };
  h.on.stopping = [](evnet_conn *) {};
  for (int turns = 0; turns < 3; turns++) {
    Harness g;
    TheKernel().StopClock();
    g.on = h.on;
    g.options = h.options;
    g.Start();
    Harness::Pair pair = g.Connect();
    pair.client.Write("this");
    evnet_reactor_stop(g.reactor(), 1000);
    g.Turns(turns);
    TheKernel().Advance(60000);
    g.Until([&] { return g.Turn() == 0; });
    EXPECT_EQ(pair.client.ReadRest(), "answer to this");
    EXPECT_EQ(pair.client.end(), End::kEnd);
    EXPECT_EQ(g.Of(pair).Story(), "open stopping close");
    EXPECT_EQ(g.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  }
}

TEST_F(StandstillInAStop, AConnectionThatIsNotDoneIsResetAfterOneLook) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { evnet_conn_hold(pair.conn); });
  evnet_reactor_stop(h.reactor(), 1000);
  h.Settle();
  TheKernel().Advance(60000);
  for (int i = 0; i < 4; i++) h.Turn();
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_DRAIN_DEADLINE);
  Run();
}

TEST_F(StandstillInAStop, EndsThoughAClientNeverStopsSending) {
  h.Start();
  Harness::Pair held = h.Connect();
  Harness::Pair busy = h.Connect();
  h.Post([&] { evnet_conn_hold(held.conn); });
  evnet_reactor_stop(h.reactor(), 1000);
  h.Settle();
  TheKernel().Advance(60000);
  for (int i = 0; i < 40 && h.Of(held).closed == 0; i++) {
    busy.client.TryWrite("x");
    h.Turn();
  }
  EXPECT_EQ(h.Of(held).reason, EVNET_REASON_DRAIN_DEADLINE);
  Run();
}

}  // namespace
}  // namespace evnet_testing
