// Datagram sockets: each datagram is reported separately and whole, with its sender and local host.
#include <errno.h>

#include <algorithm>

#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class DatagramTest : public ContractTest {
 protected:
  evnet_handle Bind(const std::string &address = "udp://127.0.0.1:0",
                    const evnet_listen_options *options = nullptr) {
    const evnet_address parsed = ParseAddress(address);
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller(), &parsed, options, &handle), 0);
    return handle;
  }

  // Returns a socket's address with another host.
  evnet_address At(evnet_handle handle, const std::string &host) {
    const evnet_address own = AddressOf(handle);
    return ParseAddress("udp://" + host + ":" + std::to_string(evnet_address_port(&own)));
  }

  std::vector<Event> Datagrams(evnet_handle handle) { return loop().Of(handle, EVNET_OP_DATAGRAM); }

  bool RunUntilDatagrams(evnet_handle handle, size_t count) {
    return loop().RunUntil([&] { return Datagrams(handle).size() >= count; });
  }

  int64_t SendOne(evnet_handle handle, const evnet_address *to, const std::string &data,
                  const evnet_address *from = nullptr) {
    const iovec piece = {const_cast<char *>(data.data()), data.size()};
    const evnet_datagram datagram = {&piece, 1, to, from};
    return evnet_poller_send_datagrams(poller(), handle, &datagram, 1);
  }
};

INSTANTIATE_TEST_SUITE_P(All, DatagramTest, ::testing::ValuesIn(Backends()), BackendName);

TEST_P(DatagramTest, EachIsToldByItselfWithItsSender) {
  const evnet_handle handle = Bind();
  const evnet_address to = AddressOf(handle);
  EXPECT_EQ(to.transport, EVNET_TRANSPORT_UDP);
  evnet_poller_recv_start(poller(), handle);
  UdpClient sender, other;
  sender.Send(to, "one");
  sender.Send(to, "");
  other.Send(to, "three");
  ASSERT_TRUE(RunUntilDatagrams(handle, 3));
  const std::vector<Event> events = Datagrams(handle);
  EXPECT_EQ(events[0].data, "one");
  EXPECT_EQ(events[1].data, "");
  EXPECT_EQ(events[1].result, 0);
  EXPECT_EQ(events[2].data, "three");
  EXPECT_EQ(FormatAddress(events[0].peer), FormatAddress(sender.Address()));
  EXPECT_EQ(FormatAddress(events[2].peer), FormatAddress(other.Address()));
  for (const Event &event : events) {
    EXPECT_TRUE(event.more);
    EXPECT_FALSE(event.truncated);
    EXPECT_EQ(event.local.socket.any.sa_family, AF_UNSPEC);  // bound to one host
  }
}

TEST_P(DatagramTest, WhatCameBeforeRecvStartIsToldThen) {
  const evnet_handle handle = Bind();
  UdpClient sender;
  sender.Send(AddressOf(handle), "early");
  Settle();
  EXPECT_TRUE(Datagrams(handle).empty());
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilDatagrams(handle, 1));
  EXPECT_EQ(Datagrams(handle)[0].data, "early");
}

TEST_P(DatagramTest, TheLargestComeWholeByBothFamilies) {
  const std::pair<std::string, size_t> cases[] = {{"udp://127.0.0.1:0", 65507},
                                                  {"udp://[::1]:0", 65527}};
  for (const auto &[address, size] : cases) {
    SCOPED_TRACE(address);
    if (address == "udp://[::1]:0" && !HasIp6()) continue;
    evnet_listen_options options = {};
    options.send_buffer_bytes = options.receive_buffer_bytes = 1 << 20;
    const evnet_handle handle = Bind(address, &options);
    evnet_poller_recv_start(poller(), handle);
    UdpClient sender(address);
    const std::string data = Pattern(size);
    sender.Send(AddressOf(handle), data);
    ASSERT_TRUE(RunUntilDatagrams(handle, 1));
    EXPECT_TRUE(Datagrams(handle)[0].data == data);
    EXPECT_FALSE(Datagrams(handle)[0].truncated);
    const evnet_address back = sender.Address();
    EXPECT_EQ(SendOne(handle, &back, data), 1);
    EXPECT_TRUE(sender.Receive() == data);
    EXPECT_EQ(SendOne(handle, &back, data + "x"), -EMSGSIZE);
  }
}

TEST_P(DatagramTest, OneAboveTheBoundIsCutAndSaysSo) {
  evnet_poller_options options = {};
  options.datagram_bytes_max = 5;
  Open(options);
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller(), handle);
  UdpClient sender;
  for (const char *data : {"1234", "12345", "123456", ""}) sender.Send(AddressOf(handle), data);
  ASSERT_TRUE(RunUntilDatagrams(handle, 4));
  const std::vector<Event> events = Datagrams(handle);
  EXPECT_EQ(events[0].data, "1234");
  EXPECT_EQ(events[1].data, "12345");
  EXPECT_FALSE(events[1].truncated);
  EXPECT_EQ(events[2].data, "12345");
  EXPECT_TRUE(events[2].truncated);
  EXPECT_EQ(events[3].data, "");
  EXPECT_FALSE(events[3].truncated);
}

TEST_P(DatagramTest, ABatchIsSentInOrderEachToItsOwnAddress) {
  const evnet_handle handle = Bind();
  UdpClient first, second;
  const evnet_address to_first = first.Address();
  const evnet_address to_second = second.Address();
  std::string left = "two ";
  std::string right = "pieces";
  const iovec pieces[] = {{&left[0], left.size()}, {&right[0], right.size()}};
  const evnet_datagram datagrams[] = {{pieces, 1, &to_first, nullptr},
                                      {nullptr, 0, &to_second, nullptr},
                                      {pieces, 2, &to_first, nullptr},
                                      {pieces + 1, 1, &to_second, nullptr}};
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, datagrams, 4), 4);
  evnet_address from = {};
  EXPECT_EQ(first.Receive(&from), "two ");
  EXPECT_EQ(FormatAddress(from), FormatAddress(AddressOf(handle)));
  EXPECT_EQ(first.Receive(), "two pieces");
  EXPECT_EQ(second.Receive(), "");
  EXPECT_EQ(second.Receive(), "pieces");
}

TEST_P(DatagramTest, WhatTheKernelRefusesIsToldAndTheSocketGoesOn) {
  const evnet_handle handle = Bind();
  UdpClient sender;
  const evnet_address good = sender.Address();
  std::string data = "x";
  std::string large(65508, 'x');
  const iovec piece = {&data[0], data.size()};
  const iovec too_large = {&large[0], large.size()};
  const evnet_datagram datagrams[] = {
      {&piece, 1, &good, nullptr}, {&too_large, 1, &good, nullptr}, {&piece, 1, &good, nullptr}};
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, datagrams, 3), 1);
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, datagrams + 1, 2), -EMSGSIZE);
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, datagrams + 2, 1), 1);
  EXPECT_EQ(sender.Receive(), "x");
  EXPECT_EQ(sender.Receive(), "x");
}

TEST_P(DatagramTest, ASocketOfAllHostsTellsWhichWasAskedAndAnswersFromThere) {
  for (const char *all : {"udp4://:0", "udp://:0", "udp6://:0"}) {
    SCOPED_TRACE(all);
    const std::string scheme = all;
    if (scheme != "udp4://:0" && !HasIp6()) continue;
    const evnet_handle handle = Bind(all);
    evnet_poller_recv_start(poller(), handle);
    size_t count = 0;
    for (const char *host : {"127.0.0.1", "127.0.0.2", "[::1]"}) {
      const bool is_ip6 = host[0] == '[';
      if (is_ip6 ? scheme == "udp4://:0" : scheme == "udp6://:0") continue;
      SCOPED_TRACE(host);
      UdpClient sender(is_ip6 ? "udp://[::1]:0" : "udp://127.0.0.1:0");
      sender.Send(At(handle, host), host);
      ASSERT_TRUE(RunUntilDatagrams(handle, ++count));
      const Event event = Datagrams(handle).back();
      EXPECT_EQ(event.data, host);
      EXPECT_EQ(FormatAddress(event.peer), FormatAddress(sender.Address()));
      EXPECT_EQ(FormatAddress(event.local),
                FormatAddress(ParseAddress(std::string("udp://") + host + ":0")));
      EXPECT_EQ(SendOne(handle, &event.peer, "answer", &event.local), 1);
      evnet_address from = {};
      EXPECT_EQ(sender.Receive(&from), "answer");
      EXPECT_EQ(FormatAddress(from), FormatAddress(At(handle, host)));
    }
    evnet_poller_detach(poller(), handle);
  }
}

TEST_P(DatagramTest, ABurstComesInOrderAndInTurnsOfABatch) {
  evnet_listen_options options = {};
  options.receive_buffer_bytes = 4 << 20;
  const evnet_handle handle = Bind("udp://127.0.0.1:0", &options);
  const evnet_handle other = Bind();
  const int burst = 150;
  UdpClient sender;
  for (int i = 0; i < burst; i++) sender.Send(AddressOf(handle), std::to_string(i));
  sender.Send(AddressOf(other), "other");
  evnet_poller_recv_start(poller(), handle);
  evnet_poller_recv_start(poller(), other);
  ASSERT_TRUE(RunUntilDatagrams(handle, burst));
  ASSERT_TRUE(RunUntilDatagrams(other, 1));
  const std::vector<Event> events = Datagrams(handle);
  std::vector<int> of_turn;
  for (int i = 0; i < burst; i++) {
    EXPECT_EQ(events[static_cast<size_t>(i)].data, std::to_string(i));
    of_turn.resize(events[static_cast<size_t>(i)].turn + 1);
    of_turn[events[static_cast<size_t>(i)].turn]++;
  }
  EXPECT_LE(*std::max_element(of_turn.begin(), of_turn.end()), EVNET_DATAGRAMS_MAX);
  // No socket waits for the whole burst of another.
  EXPECT_LE(Datagrams(other)[0].turn, events[0].turn + 1);
  EXPECT_LT(Datagrams(other)[0].turn, events.back().turn);
}

TEST_P(DatagramTest, AfterABurstTheNextOneIsNotMissed) {
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller(), handle);
  UdpClient sender;
  for (const size_t count : {size_t{1}, size_t{64}, size_t{1}, size_t{65}, size_t{128}}) {
    loop().Clear();
    for (size_t i = 0; i < count; i++) sender.Send(AddressOf(handle), "x");
    ASSERT_TRUE(RunUntilDatagrams(handle, count));
    Settle();
    EXPECT_EQ(Datagrams(handle).size(), count);
  }
}

TEST_P(DatagramTest, DetachForgetsTheRestOfItsBatch) {
  const evnet_handle handle = Bind();
  const evnet_handle other = Bind();
  UdpClient sender;
  for (int i = 0; i < 10; i++) sender.Send(AddressOf(handle), std::to_string(i));
  sender.Send(AddressOf(other), "other");
  loop().OnEvent([&](const Event &event) {
    if (event.handle == handle && event.data == "3") evnet_poller_detach(poller(), handle);
  });
  evnet_poller_recv_start(poller(), handle);
  evnet_poller_recv_start(poller(), other);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  ASSERT_TRUE(RunUntilDatagrams(other, 1));
  EXPECT_EQ(Datagrams(handle).size(), 4u);
  EXPECT_EQ(loop().Of(handle).back().op, EVNET_OP_DETACH);
}

TEST_P(DatagramTest, DetachOfAnotherKeepsTheBatch) {
  const evnet_handle handle = Bind();
  const evnet_handle other = Bind();
  UdpClient sender;
  for (int i = 0; i < 10; i++) sender.Send(AddressOf(handle), std::to_string(i));
  loop().OnEvent([&](const Event &event) {
    if (event.handle == handle && event.data == "3") evnet_poller_detach(poller(), other);
  });
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilDatagrams(handle, 10));
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(other, EVNET_OP_DETACH).empty(); }));
}

TEST_P(DatagramTest, AfterRecvStopOnlyItsBatchIsToldAndTheRestWhenItStartsAgain) {
  const evnet_handle handle = Bind();
  UdpClient sender;
  for (int i = 0; i < 100; i++) sender.Send(AddressOf(handle), std::to_string(i));
  loop().OnEvent([&](const Event &event) {
    if (event.handle == handle && event.data == "0") evnet_poller_recv_stop(poller(), handle);
  });
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilDatagrams(handle, 1));
  Settle();
  EXPECT_LE(Datagrams(handle).size(), size_t{EVNET_DATAGRAMS_MAX});
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilDatagrams(handle, 100));
  const std::vector<Event> events = Datagrams(handle);
  for (size_t i = 0; i < 100; i++) EXPECT_EQ(events[i].data, std::to_string(i));
}

// ICMP reports to a connected socket that its peer's port is closed.
TEST_P(DatagramTest, AnUnreachablePeerDoesNotEndASocket) {
  for (const std::string host : {"udp://127.0.0.1:0", "udp://[::1]:0"}) {
    SCOPED_TRACE(host);
    if (host == "udp://[::1]:0" && !HasIp6()) continue;
    UdpClient mine(host), peer(host);
    mine.Connect(peer.Address());
    const evnet_address own = mine.Address();
    const evnet_address where = peer.Address();
    const evnet_handle handle = Attach(mine.Release(), EVNET_TRANSPORT_UDP);
    evnet_poller_recv_start(poller(), handle);
    peer.Close();
    EXPECT_EQ(SendOne(handle, nullptr, "unreachable"), 1);
    ASSERT_TRUE(RunUntilDatagrams(handle, 1));
    EXPECT_EQ(Datagrams(handle)[0].result, -ECONNREFUSED);
    EXPECT_TRUE(Datagrams(handle)[0].more);
    UdpClient again(FormatAddress(where));
    again.Send(own, "still there");
    ASSERT_TRUE(RunUntilDatagrams(handle, 2));
    EXPECT_EQ(Datagrams(handle)[1].data, "still there");
    EXPECT_EQ(SendOne(handle, nullptr, "hello"), 1);
    EXPECT_EQ(again.Receive(), "hello");
  }
}

// Loopback delivers immediately, so a socket is full only if its buffer holds less than one
// datagram.
TEST_P(DatagramTest, AwaitRoomIsToldOnceWhileThereIsRoom) {
  const evnet_handle handle = Bind();
  evnet_poller_await_room(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_SEND).empty(); }));
  Settle();
  EXPECT_EQ(loop().Story(handle), "SEND=0");
  evnet_poller_await_room(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle, EVNET_OP_SEND).size() == 2; }));
}

TEST_P(DatagramTest, DetachAnswersWhoAwaitsRoom) {
  const evnet_handle handle = Bind();
  evnet_poller_await_room(poller(), handle);
  evnet_poller_detach(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(loop().Story(handle), "SEND=-ECANCELED DETACH=0");
}

TEST_P(DatagramTest, TwoCannotHaveTheSameAddress) {
  const evnet_handle handle = Bind();
  const evnet_address address = AddressOf(handle);
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &second), -EADDRINUSE);
}

TEST_P(DatagramTest, AnErrorNamesTheAddressOfItsDatagramOrTheOptionIsRefused) {
  evnet_poller_options poller_options = {};
  poller_options.udp_errors = true;
  Open(poller_options);
  const evnet_address own = ParseAddress("udp://127.0.0.1:0");
  evnet_listen_options options = {};
  const char *refused = "";
  options.out_refused = &refused;
  evnet_handle handle = {};
  const int status = evnet_poller_listen(poller(), &own, &options, &handle);
  if (Describe(GetParam()).find("kqueue") != std::string::npos) {
    EXPECT_EQ(status, -EOPNOTSUPP);
    EXPECT_STREQ(refused, "udp_errors");
    return;
  }
  ASSERT_EQ(status, 0);
  const evnet_address closed = UdpClient().Address();
  evnet_poller_recv_start(poller(), handle);
  ASSERT_EQ(SendOne(handle, &closed, "x"), 1);
  ASSERT_TRUE(RunUntilDatagrams(handle, 1));
  const Event event = Datagrams(handle)[0];
  EXPECT_EQ(event.result, -ECONNREFUSED);
  EXPECT_TRUE(event.more);
  EXPECT_EQ(FormatAddress(event.peer), FormatAddress(closed));
  UdpClient sender;
  sender.Send(AddressOf(handle), "hello");
  ASSERT_TRUE(RunUntilDatagrams(handle, 2));
  EXPECT_EQ(Datagrams(handle)[1].data, "hello");
}

TEST_P(DatagramTest, DestroyClosesWhatIsReceiving) {
  const size_t before = fixture().OpenDescriptors();
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller(), handle);
  evnet_poller_await_room(poller(), handle);
  UdpClient sender;
  sender.Send(AddressOf(handle), "x");
  loop().Turn(0);
  sender.Close();
  Open({});
  EXPECT_EQ(fixture().OpenDescriptors(), before);
}

}  // namespace
}  // namespace evnet_testing
