// The poller's contract: the data on a TCP connection. The expected values follow from the bytes
// that the test itself has sent and received, and from the ends that it has closed.
#include <errno.h>
#include <string.h>

#include <functional>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class TcpInfoTest : public ContractTest {
 protected:
  void SetUp() override {
    if (!GetParam().real_descriptors) GTEST_SKIP() << "no real sockets";
    ContractTest::SetUp();
  }

  bool IsLinux() const { return strcmp(GetParam().name, "kqueue") != 0; }

  evnet_tcp_info Info(evnet_handle handle) {
    // The initial value is not 0, so that a field that is not written shows.
    evnet_tcp_info info;
    memset(&info, 0xa5, sizeof info);
    EXPECT_EQ(evnet_poller_tcp_info(poller(), handle, &info), 0);
    return info;
  }

  // Runs turns until the kernel's data satisfies `done`.
  bool Until(evnet_handle handle, const std::function<bool(const evnet_tcp_info &)> &done) {
    return loop().RunUntil([&] { return done(Info(handle)); });
  }
  bool UntilState(evnet_handle handle, evnet_tcp_state state) {
    return Until(handle, [&](const evnet_tcp_info &info) { return info.state == state; });
  }
};

TEST_P(TcpInfoTest, AnExchangeHasARoundTripTimeAndNoLoss) {
  const Connection connection = Connect();
  EXPECT_EQ(Send(connection.handle, "question"), 8);
  EXPECT_EQ(connection.peer->Receive(8), "question");
  ASSERT_TRUE(Until(connection.handle,
                    [](const evnet_tcp_info &info) { return info.unacknowledged_bytes == 0; }));
  const evnet_tcp_info info = Info(connection.handle);
  EXPECT_EQ(info.state, EVNET_TCP_ESTABLISHED);
  EXPECT_GT(info.rtt_us, 0u);
  EXPECT_LT(info.rtt_us, 20'000'000u) << "the unit is a microsecond";
  EXPECT_GT(info.rtt_variance_us, 0u);
  // RFC 6298 section 2.3: the timeout is never below the round-trip time. Linux keeps it between
  // 200 ms and 120 s.
  EXPECT_GE(info.retransmit_timeout_us, 200'000u);
  EXPECT_LE(info.retransmit_timeout_us, 120'000'000u);
  EXPECT_EQ(info.timeouts_in_a_row, 0u);
  EXPECT_EQ(info.retransmitted_packets, 0u);
  // RFC 9293 section 3.7.1: the minimum of IPv4, and the maximum that one packet can hold.
  EXPECT_GE(info.segment_bytes_max, 536u);
  EXPECT_LE(info.segment_bytes_max, 65535u);
  EXPECT_GE(info.congestion_window_bytes, info.segment_bytes_max);
  EXPECT_EQ(info.congestion_window_bytes % info.segment_bytes_max, 0u);
  EXPECT_EQ(info.slow_start_threshold_bytes, UINT64_MAX);
  EXPECT_EQ(info.unsent_bytes, 0u);
  EXPECT_EQ(info.acknowledged_bytes, IsLinux() ? 8u : 0u);
  EXPECT_EQ(info.received_bytes, 0u);
  if (IsLinux()) {
    EXPECT_GT(info.rtt_min_us, 0u);
    EXPECT_LE(info.rtt_min_us, info.rtt_us);
    EXPECT_GT(info.delivery_rate_bytes_per_s, 0u);
  } else {
    EXPECT_EQ(info.rtt_min_us, 0u);
    EXPECT_EQ(info.delivery_rate_bytes_per_s, 0u);
  }
}

TEST_P(TcpInfoTest, WhatAPeerDoesNotReadStaysUnacknowledged) {
  PeerOptions options;
  options.receive_buffer_bytes = 4096;
  const Connection connection = Connect(options);
  const std::string taken = SendUntilFull(connection.handle);
  Settle();
  const evnet_tcp_info full = Info(connection.handle);
  EXPECT_GT(full.unacknowledged_bytes, 0u);
  EXPECT_LE(full.unacknowledged_bytes, taken.size());
  if (IsLinux()) {
    EXPECT_GT(full.unsent_bytes, 0u) << "the peer's window is closed";
    EXPECT_LE(full.unsent_bytes, full.unacknowledged_bytes);
    EXPECT_EQ(full.acknowledged_bytes + full.unacknowledged_bytes, taken.size());
    EXPECT_EQ(evnet_poller_unacked_bytes(poller(), connection.handle),
              static_cast<int64_t>(full.unacknowledged_bytes));
  }
  EXPECT_EQ(connection.peer->Receive(taken.size()), taken);
  ASSERT_TRUE(Until(connection.handle,
                    [](const evnet_tcp_info &info) { return info.unacknowledged_bytes == 0; }));
  const evnet_tcp_info drained = Info(connection.handle);
  EXPECT_EQ(drained.unsent_bytes, 0u);
  EXPECT_EQ(drained.acknowledged_bytes, IsLinux() ? taken.size() : 0u);
}

TEST_P(TcpInfoTest, WhatThePeerSentIsCountedThoughNobodyReadsIt) {
  const Connection connection = Connect();
  connection.peer->Send(Pattern(1000));
  ASSERT_TRUE(Until(connection.handle,
                    [](const evnet_tcp_info &info) { return info.received_bytes == 1000; }));
}

TEST_P(TcpInfoTest, TheStateIsThatOfTheConnection) {
  const evnet_handle listener = Listen();
  EXPECT_EQ(Info(listener).state, EVNET_TCP_LISTEN);
  EXPECT_EQ(Info(listener).unacknowledged_bytes, 0u);

  const Connection theirs = Connect();
  theirs.peer->ShutdownWrite();
  EXPECT_TRUE(UntilState(theirs.handle, EVNET_TCP_CLOSE_WAIT));

  const Connection ours = Connect();
  EXPECT_EQ(evnet_poller_shutdown_write(poller(), ours.handle), 0);
  EXPECT_TRUE(UntilState(ours.handle, EVNET_TCP_FIN_WAIT_2));

  const Connection reset = Connect();
  reset.peer->Reset();
  EXPECT_TRUE(UntilState(reset.handle, EVNET_TCP_CLOSED));
}

TEST_P(TcpInfoTest, OneThatHasNotBegunToConnectHasNone) {
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_reserve(poller(), EVNET_TRANSPORT_TCP, &handle), 0);
  evnet_tcp_info info = {};
  EXPECT_EQ(evnet_poller_tcp_info(poller(), handle, &info), -ENOTCONN);
  EXPECT_EQ(evnet_poller_unacked_bytes(poller(), handle), -ENOTCONN);
}

TEST_P(TcpInfoTest, OtherSocketsHaveNone) {
  evnet_tcp_info info = {};
  EXPECT_EQ(evnet_poller_tcp_info(poller(), AttachUnix().handle, &info), -EOPNOTSUPP);
  evnet_address udp = {};
  ASSERT_EQ(evnet_address_parse("udp://127.0.0.1:0", &udp, nullptr, 0), 0);
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &udp, nullptr, &handle), 0);
  EXPECT_EQ(evnet_poller_tcp_info(poller(), handle, &info), -EOPNOTSUPP);
  EXPECT_EQ(evnet_poller_unacked_bytes(poller(), handle), -EOPNOTSUPP);
}

INSTANTIATE_TEST_SUITE_P(Backends, TcpInfoTest, ::testing::ValuesIn(TcpBackends()), BackendName);

}  // namespace
}  // namespace evnet_testing
