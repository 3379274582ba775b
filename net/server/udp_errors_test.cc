// Errors of the datagrams that a server's UDP socket has sent (options.udp_errors).
#include <errno.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

struct Reported {
  int status;
  std::string peer, reporter;
};

class UdpErrors : public testing::Test {
 protected:
  // A server that sends each datagram back, and keeps the errors.
  Callbacks Reporting() {
    Callbacks callbacks;
    callbacks.on_boot = [this](evnet_server *server) {
      const evnet_conn *socket = evnet_server_datagram_socket(server, 0);
      if (socket != nullptr) id_ = evnet_conn_get_id(socket);
      return EVNET_NONE;
    };
    callbacks.on_data = [](evnet_conn *conn) {
      Write(conn, Take(conn));
      return EVNET_NONE;
    };
    callbacks.on_datagram_error = [this](evnet_conn *conn, const evnet_datagram_error *error) {
      EXPECT_EQ(evnet_conn_inbound_bytes(conn), 0u);
      std::lock_guard<std::mutex> lock(mutex_);
      reported_.push_back({error->status, FormatAddress(*error->peer),
                           error->reporter != nullptr ? FormatAddress(*error->reporter) : "none"});
      count_++;
    };
    return callbacks;
  }

  static evnet_options On() {
    evnet_options options = {};
    options.udp_errors = true;
    return options;
  }

  std::vector<Reported> All() {
    std::lock_guard<std::mutex> lock(mutex_);
    return reported_;
  }

  int SendTo(const Server &server, const evnet_address &to, const std::string &data) const {
    return evnet_async_send_to(server.get(), id_, &to, data.data(), data.size(), nullptr, nullptr);
  }

  std::atomic<size_t> count_{0};
  evnet_conn_id id_ = {};  // of the server's socket

 private:
  std::mutex mutex_;
  std::vector<Reported> reported_;
};

// Returns an address whose port no socket has.
evnet_address Closed(const std::string &host = "udp://127.0.0.1:0") {
  UdpClient client(host);
  return client.Address();
}

TEST_F(UdpErrors, AClosedPortIsReportedWithItsAddressAndTheSocketGoesOn) {
  Server server(Reporting(), On(), {"udp://127.0.0.1:0"});
  const evnet_address closed = Closed();
  ASSERT_EQ(SendTo(server, closed, "x"), 0);
  ASSERT_TRUE(WaitUntil([&] { return count_ == 1; }));
  const Reported first = All()[0];
  EXPECT_EQ(first.status, -ECONNREFUSED);
  EXPECT_EQ(first.peer, FormatAddress(closed));
  EXPECT_EQ(first.reporter, "udp://127.0.0.1:0");
  UdpClient client;
  client.Send(server.address(0), "hello");
  EXPECT_EQ(client.Receive(), "hello");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST_F(UdpErrors, OfBothFamiliesAreReportedByADualStackSocket) {
  if (!HasIp6()) GTEST_SKIP() << "no IPv6";
  Server server(Reporting(), On(), {"udp://:0"});
  const evnet_address four = Closed(), six = Closed("udp://[::1]:0");
  ASSERT_EQ(SendTo(server, four, "x"), 0);
  ASSERT_EQ(SendTo(server, six, "x"), 0);
  ASSERT_TRUE(WaitUntil([&] { return count_ == 2; }));
  std::vector<std::string> peers;
  for (const Reported &each : All()) {
    EXPECT_EQ(each.status, -ECONNREFUSED);
    peers.push_back(each.peer);
  }
  std::sort(peers.begin(), peers.end());
  EXPECT_EQ(peers, std::vector<std::string>({FormatAddress(four), FormatAddress(six)}));
}

// The kernel returns the error of an earlier datagram from a send to another address.
TEST_F(UdpErrors, OfOnePeerCostNoDatagramToAnother) {
  constexpr int kRounds = 300;
  Server server(Reporting(), On(), {"udp://127.0.0.1:0"});
  const evnet_address closed = Closed();
  UdpClient client;
  const evnet_address to = client.Address();
  for (int i = 0; i < kRounds; i++) {
    ASSERT_EQ(SendTo(server, closed, "lost"), 0);
    ASSERT_EQ(SendTo(server, to, std::to_string(i)), 0);
    ASSERT_EQ(client.Receive(), std::to_string(i));
  }
  EXPECT_EQ(server.stats().datagrams_dropped, 0u);
  EXPECT_TRUE(WaitUntil([&] { return count_ > 0; }));
}

TEST_F(UdpErrors, AFloodOfThemDelaysNoOtherPeer) {
  evnet_options options = On();
  options.no_udp_segmentation = true;  // each datagram causes a message of its own
  Server server(Reporting(), options, {"udp://127.0.0.1:0"});
  const evnet_address closed = Closed();
  for (int i = 0; i < 2000; i++) ASSERT_EQ(SendTo(server, closed, "lost"), 0);
  UdpClient client;
  client.Send(server.address(0), "hello");
  EXPECT_EQ(client.Receive(), "hello");
  EXPECT_TRUE(WaitUntil([&] { return count_ >= 40; }));
  for (const Reported &each : All()) ASSERT_EQ(each.peer, FormatAddress(closed));
  // The kernel limits ICMP to 1,000 messages a second, after the first 50 (icmp(7)). Nothing is left
  // that would wake the server.
  uint64_t turns = 0;
  EXPECT_TRUE(WaitUntil([&] {
    const uint64_t before = turns;
    turns = server.stats().turns;
    return turns == before;
  }));
}

TEST_F(UdpErrors, TheCallbackMaySend) {
  UdpClient watcher;
  const evnet_address to = watcher.Address();
  Callbacks callbacks;
  callbacks.on_boot = Reporting().on_boot;
  callbacks.on_datagram_error = [&](evnet_conn *conn, const evnet_datagram_error *error) {
    const std::string line = FormatAddress(*error->peer);
    EXPECT_EQ(evnet_conn_send_to(conn, &to, line.data(), line.size()),
              static_cast<ssize_t>(line.size()));
  };
  Server server(callbacks, On(), {"udp://127.0.0.1:0"});
  const evnet_address closed = Closed();
  ASSERT_EQ(SendTo(server, closed, "x"), 0);
  EXPECT_EQ(watcher.Receive(), FormatAddress(closed));
}

TEST_F(UdpErrors, WithoutTheOptionNoneIsReported) {
  Server server(Reporting(), {}, {"udp://127.0.0.1:0"});
  for (int i = 0; i < 10; i++) ASSERT_EQ(SendTo(server, Closed(), "x"), 0);
  UdpClient client;
  client.Send(server.address(0), "hello");
  EXPECT_EQ(client.Receive(), "hello");
  EXPECT_EQ(count_, 0u);
}

// A dialled socket has one peer, so its error ends the connection.
TEST_F(UdpErrors, ADialledSocketClosesAsWithoutTheOption) {
  std::atomic<int> reason{0};
  Callbacks callbacks = Reporting();
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, "x");
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  Server server(callbacks, On(), {"tcp://127.0.0.1:0"});
  ASSERT_EQ(
      evnet_server_dial(server.get(), FormatAddress(Closed()).c_str(), nullptr, nullptr, nullptr),
      0);
  ASSERT_TRUE(WaitUntil([&] { return reason != 0; }));
  EXPECT_EQ(reason, -ECONNREFUSED);
  EXPECT_EQ(count_, 0u);
}

}  // namespace
}  // namespace evnet_testing
