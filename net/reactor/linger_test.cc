// How long a closing connection waits for a peer that is still reading, and the limits of that
// wait, on a clock that the test advances.
#include <algorithm>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr size_t kBytes = 300000;

class Linger : public ::testing::Test {
 protected:
  Linger() { TheKernel().StopClock(); }

  // Closes a connection whose output the kernel has taken, so that it lingers. The peer's window is
  // small.
  void CloseWithBytesUnderWay() {
    h.listen_options.send_buffer_bytes = 2 * kBytes;
    h.Start();
    pair = h.Connect(4096);
    h.Post([&] {
      Write(pair.conn, Pattern(kBytes));
      h.Close(pair.conn);
    });
    h.Settle();
    ASSERT_EQ(h.Of(pair).closed, 0);
  }
  // The peer goes on reading, and it sends as well, so that a close(2) would reset the connection.
  void ReadAndSend(size_t bytes) {
    received += h.ReadExactly(&pair.client, std::min(bytes, kBytes - received.size()));
    pair.client.TryWrite("x");
    h.Settle();
  }

  Harness h;
  Harness::Pair pair;
  std::string received;
};

TEST_F(Linger, APeerThatReadsSlowlyGetsEverything) {
  CloseWithBytesUnderWay();
  for (int second = 0; received.size() < kBytes; second++) {
    ASSERT_LT(second, 100);
    TheKernel().Advance(1000);
    ReadAndSend(kBytes / 10);
  }
  EXPECT_EQ(received, Pattern(kBytes));
  EXPECT_EQ(h.Of(pair).closed, 0) << "the connection must wait for the peer's FIN";
  pair.client.Read();
  EXPECT_EQ(pair.client.end(), End::kEnd);
}

TEST_F(Linger, EndsLingerMsAfterTheLastByteWasAcknowledged) {
  CloseWithBytesUnderWay();
  TheKernel().Advance(2001);
  h.Settle();
  while (received.size() < kBytes) ReadAndSend(kBytes);
  TheKernel().Advance(1900);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(400);  // unacknowledged bytes are checked four times a second
  h.Settle();
  TheKernel().Advance(2001);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Linger, APeerThatTakesNothingIsGivenUpAfterTheWriteTimeout) {
  h.options.write_timeout_ms = 5000;
  CloseWithBytesUnderWay();
  for (int i = 0; i < 69; i++) {
    TheKernel().Advance(100);
    h.Settle();
  }
  EXPECT_EQ(h.Of(pair).closed, 0);
  for (int i = 0; i < 10; i++) {
    TheKernel().Advance(100);
    h.Settle();
  }
  EXPECT_EQ(h.Of(pair).closed, 1);
}

TEST_F(Linger, AfterEverythingWasAcknowledgedItIsLingerMsAndNoMore) {
  h.Start();
  pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "bye");
    h.Close(pair.conn);
  });
  h.Turn();
  h.Until([&] {
    struct evnet_tcp_info info = {};
    return evnet_conn_tcp_info(pair.conn, &info) == 0 && info.unacknowledged_bytes == 0;
  });
  TheKernel().Advance(1999);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 1);
}

TEST_F(Linger, TheLifetimeBoundsIt) {
  h.options.lifetime_ms = 3000;
  CloseWithBytesUnderWay();
  TheKernel().Advance(2001);
  ReadAndSend(1000);
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(1000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Linger, TheLifetimeBoundsFlushing) {
  h.options.lifetime_ms = 3000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  h.Post([&] {
    Write(pair.conn, Pattern(kBytes));
    h.Close(pair.conn);
  });
  h.Settle();
  TheKernel().Advance(2999);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(2);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LIFETIME);
}

}  // namespace
}  // namespace evnet_testing
