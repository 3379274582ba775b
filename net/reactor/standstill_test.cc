// Time passes while the reactor stands still (a slow callback, SIGSTOP, a suspended machine), on a
// clock that the test moves: what had come by then counts, however late it is looked at.
#include <sys/resource.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Standstill : public ::testing::Test {
 protected:
  Standstill() { TheKernel().StopClock(); }

  Harness h;
};

TEST_F(Standstill, BytesThatCameBeforeTheIdleTimeoutAreServed) {
  h.options.idle_timeout_ms = 1000;
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("x");
  TheKernel().Advance(60000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "x");
  pair.client.Read();
  EXPECT_EQ(pair.client.end(), End::kOpen);
}

TEST_F(Standstill, BytesThatCameBeforeTheReadTimeoutAreServed) {
  h.options.read_timeout_ms = 1000;
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("x");
  TheKernel().Advance(60000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).received, "x");
  pair.client.Read();
  EXPECT_EQ(pair.client.end(), End::kOpen);
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
  other.client.Write("x");  // in the kernel before the reactor looks at its deadlines again
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
  // The peer reads all that the kernel has, so there is room when the reactor goes on.
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
  const struct evnet_conn_id id = h.Dial(h.AddressText(), options);  // before any accept
  TheKernel().Advance(60000);
  h.Until([&] { return h.Of(id).opened == 1; });
  EXPECT_EQ(h.Of(id).closed, 0);
}

TEST_F(Standstill, OfThousandsNoneIsClosedWhoseBytesHaveCome) {
  // More than one wait brings: 512 of epoll, some twenty of io_uring. Two descriptors each.
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
  // Every wait finds something, so the kernel is never without more to report.
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

}  // namespace
}  // namespace evnet_testing
