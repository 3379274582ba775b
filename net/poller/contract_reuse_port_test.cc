// The poller's contract: several listeners, or UDP sockets, on one port.
#include <errno.h>

#include <set>

#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class ReusePortTest : public ContractTest {
 protected:
  // Returns the status of listening. On success, adds the handle to `handles`.
  int TryListen(const evnet_address &address, bool reuse_port) {
    evnet_listen_options options = {};
    options.reuse_port = reuse_port;
    options.out_refused = &refused;
    evnet_handle handle = {};
    const int status = evnet_poller_listen(poller(), &address, &options, &handle);
    if (status == 0) handles.push_back(handle);
    return status;
  }

  // Opens two sockets on one port. Returns their address.
  evnet_address ListenTwice(const std::string &text) {
    EXPECT_EQ(TryListen(ParseAddress(text), true), 0);
    const evnet_address bound = AddressOf(handles[0]);
    EXPECT_EQ(TryListen(bound, true), 0);
    EXPECT_EQ(FormatAddress(AddressOf(handles[1])), FormatAddress(bound));
    return bound;
  }

  size_t Count(size_t listener, evnet_op op) { return loop().Of(handles[listener], op).size(); }

  // Expects that all have arrived and, if the kernel spreads them, that both sockets received some.
  void ExpectAll(evnet_op op, size_t count) {
    ASSERT_TRUE(loop().RunUntil([&] { return Count(0, op) + Count(1, op) == count; }));
    if (!evnet_poller_spreads_port(poller())) return;
    EXPECT_GT(Count(0, op), 0u);
    EXPECT_GT(Count(1, op), 0u);
  }

  void DiscardAccepted() {
    for (const Event &event : loop().events()) {
      if (event.op == EVNET_OP_ACCEPT && event.result >= 0) {
        evnet_poller_discard_descriptor(poller(), static_cast<int>(event.result));
      }
    }
    loop().Clear();
  }

  std::vector<evnet_handle> handles;
  const char *refused = nullptr;
};

TEST_P(ReusePortTest, APortIsSharedOnlyWhenAllWhoHaveItSaySo) {
  for (const char *text : {"tcp://127.0.0.1:0", "tcp://:0", "udp://127.0.0.1:0", "udp://:0"}) {
    SCOPED_TRACE(text);
    handles.clear();
    const evnet_address shared = ListenTwice(text);
    EXPECT_EQ(TryListen(shared, false), -EADDRINUSE);
    ASSERT_EQ(TryListen(ParseAddress(text), false), 0);
    const evnet_address alone = AddressOf(handles.back());
    EXPECT_EQ(TryListen(alone, true), -EADDRINUSE);
    EXPECT_EQ(TryListen(alone, false), -EADDRINUSE);
    EXPECT_EQ(refused, nullptr);
  }
}

TEST_P(ReusePortTest, Port0IsNobodyElses) {
  // If ports were chosen at random from 28,232 that might be shared, 600 would all be different in
  // one of 600 runs.
  constexpr size_t kSockets = 600;
  for (const char *text : {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"}) {
    if (!evnet_poller_spreads_port(poller()) && ParseAddress(text).transport == EVNET_TRANSPORT_UDP)
      continue;  // the test's kqueue reports as macOS does, but Linux shares
    handles.clear();
    std::set<uint16_t> ports;
    for (size_t i = 0; i < kSockets; i++) {
      ASSERT_EQ(TryListen(ParseAddress(text), true), 0);
      const evnet_address bound = AddressOf(handles.back());
      ports.insert(evnet_address_port(&bound));
    }
    EXPECT_EQ(ports.size(), kSockets) << text;
    for (const evnet_handle &handle : handles) evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(loop().RunUntil([&] { return Count(kSockets - 1, EVNET_OP_DETACH) == 1; }));
  }
}

TEST_P(ReusePortTest, ConnectionsAreSpreadAndWhenOneClosesTheOtherGetsAll) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "Unix sockets refuse the option";
  // The chance that all 64 go to one listener is 2^-63.
  constexpr size_t kClients = 64;
  const evnet_address address = ListenTwice("tcp://127.0.0.1:0");
  for (const evnet_handle &handle : handles) evnet_poller_accept_start(poller(), handle);
  std::vector<std::unique_ptr<Peer>> clients;
  while (clients.size() < kClients) clients.push_back(fixture().Connect(address, {}));
  ExpectAll(EVNET_OP_ACCEPT, kClients);
  DiscardAccepted();

  evnet_poller_detach(poller(), handles[0]);
  ASSERT_TRUE(loop().RunUntil([&] { return Count(0, EVNET_OP_DETACH) == 1; }));
  for (size_t i = 0; i < kClients; i++) clients.push_back(fixture().Connect(address, {}));
  ASSERT_TRUE(loop().RunUntil([&] { return Count(1, EVNET_OP_ACCEPT) == kClients; }));
  DiscardAccepted();
}

TEST_P(ReusePortTest, DatagramsAreSpreadByTheirSenders) {
  constexpr size_t kSenders = 64;
  const evnet_address address = ListenTwice("udp://127.0.0.1:0");
  for (const evnet_handle &handle : handles) evnet_poller_recv_start(poller(), handle);
  std::vector<std::unique_ptr<UdpClient>> senders;
  for (size_t i = 0; i < kSenders; i++) {
    senders.push_back(std::make_unique<UdpClient>());
    for (int twice = 0; twice < 2; twice++) senders.back()->Send(address, std::to_string(i));
  }
  ExpectAll(EVNET_OP_DATAGRAM, 2 * kSenders);
  // All datagrams of one sender arrive at one socket.
  for (const Event &event : loop().Of(handles[0], EVNET_OP_DATAGRAM)) {
    size_t elsewhere = 0;
    for (const Event &other : loop().Of(handles[1], EVNET_OP_DATAGRAM)) {
      elsewhere += other.data == event.data;
    }
    EXPECT_EQ(elsewhere, 0u) << event.data;
  }
}

TEST_P(ReusePortTest, AUnixSocketIsRefusedItByName) {
  if (GetParam().is_tcp()) GTEST_SKIP() << "only for Unix sockets";
  const size_t before = fixture().OpenDescriptors();
  EXPECT_EQ(TryListen(fixture().Loopback(), true), -EOPNOTSUPP);
  EXPECT_STREQ(refused, "reuse_port");
  EXPECT_EQ(fixture().OpenDescriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Backends, ReusePortTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
