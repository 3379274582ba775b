// Datagrams that the kernel returns as one message (udp_gro) are reported one by one. On `lo`,
// datagrams that the poller sends by UDP_SEGMENT arrive merged.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace {

int received;  // messages
bool kernel_is_old;

}  // namespace

extern "C" {

int __real_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout);
int __wrap_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout);
int __real_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size);

int __wrap_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout) {
  const int got = __real_recvmmsg(descriptor, messages, count, flags, timeout);
  if (got > 0) received += got;
  return got;
}

int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size) {
  if (kernel_is_old && level == IPPROTO_UDP && name == UDP_GRO) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return __real_setsockopt(descriptor, level, name, value, size);
}
}

namespace evnet_testing {
namespace {

class MergedTest : public ContractTest {
 protected:
  void SetUp() override {
    received = 0;
    kernel_is_old = false;
    OpenMerging();
  }

  void OpenMerging(uint32_t datagram_bytes_max = 0) {
    evnet_poller_options options = {};
    options.udp_gro = true;
    options.datagram_bytes_max = datagram_bytes_max;
    Open(options);
  }

  evnet_handle Bind(const std::string &address = "udp://127.0.0.1:0") {
    const evnet_address parsed = ParseAddress(address);
    evnet_listen_options options = {};
    options.send_buffer_bytes = options.receive_buffer_bytes = 4 << 20;
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller(), &parsed, &options, &handle), 0);
    return handle;
  }

  void Send(evnet_handle from, const evnet_address &to, const std::vector<std::string> &all) {
    for (size_t sent = 0; sent < all.size();) {
      std::vector<iovec> pieces;
      for (size_t i = sent; i < all.size() && pieces.size() < EVNET_DATAGRAMS_MAX; i++)
        pieces.push_back({const_cast<char *>(all[i].data()), all[i].size()});
      std::vector<evnet_datagram> datagrams;
      for (const iovec &piece : pieces) datagrams.push_back({&piece, 1, &to, nullptr});
      const int64_t taken =
          evnet_poller_send_datagrams(poller(), from, datagrams.data(), datagrams.size());
      ASSERT_GT(taken, 0);
      sent += static_cast<size_t>(taken);
    }
  }

  std::vector<Event> Told(evnet_handle handle) { return loop().Of(handle, EVNET_OP_DATAGRAM); }

  bool RunUntilTold(evnet_handle handle, size_t count) {
    return loop().RunUntil([&] { return Told(handle).size() >= count; });
  }

  static std::vector<std::string> Numbers(size_t count, size_t size) {
    std::vector<std::string> all;
    for (size_t i = 0; i < count; i++) {
      all.push_back(std::to_string(i));
      all.back().resize(size, ' ');
    }
    return all;
  }
};

INSTANTIATE_TEST_SUITE_P(All, MergedTest, ::testing::ValuesIn(TcpBackends()), BackendName);

TEST_P(MergedTest, EachIsToldByItselfWithItsSenderAndTheHostThatWasAsked) {
  const evnet_handle sender = Bind();
  for (const char *address : {"udp://127.0.0.1:0", "udp4://:0", "udp://:0"}) {
    SCOPED_TRACE(address);
    if (address == std::string("udp://:0") && !HasIp6()) continue;
    const evnet_handle handle = Bind(address);
    evnet_poller_recv_start(poller(), handle);
    received = 0;
    std::vector<std::string> all = Numbers(30, 100);
    for (const size_t size : {size_t{50}, size_t{0}, size_t{60}, size_t{60}, size_t{7}})
      all.push_back(Pattern(size));
    const evnet_address own = AddressOf(handle);
    const evnet_address to =
        ParseAddress("udp://127.0.0.1:" + std::to_string(evnet_address_port(&own)));
    Send(sender, to, all);
    ASSERT_TRUE(RunUntilTold(handle, all.size()));
    const std::vector<Event> events = Told(handle);
    ASSERT_EQ(events.size(), all.size());
    for (size_t i = 0; i < all.size(); i++) {
      EXPECT_EQ(events[i].data, all[i]);
      EXPECT_EQ(events[i].result, static_cast<int64_t>(all[i].size()));
      EXPECT_TRUE(events[i].more);
      EXPECT_FALSE(events[i].truncated);
      EXPECT_EQ(FormatAddress(events[i].peer), FormatAddress(AddressOf(sender)));
      if (address == std::string("udp://127.0.0.1:0")) {
        EXPECT_EQ(events[i].local.socket.any.sa_family, AF_UNSPEC);
      } else {
        EXPECT_EQ(FormatAddress(events[i].local), "udp://127.0.0.1:0");
      }
    }
    // The messages: 30 datagrams and the shorter one after them, the empty one, the last three.
    EXPECT_EQ(received, 3);
  }
}

TEST_P(MergedTest, ByIp6Too) {
  if (!HasIp6()) GTEST_SKIP() << "no ::1 here";
  const evnet_handle sender = Bind("udp://[::1]:0");
  const evnet_handle handle = Bind("udp6://:0");
  evnet_poller_recv_start(poller(), handle);
  const std::vector<std::string> all = Numbers(20, 200);
  const evnet_address own = AddressOf(handle);
  Send(sender, ParseAddress("udp://[::1]:" + std::to_string(evnet_address_port(&own))), all);
  ASSERT_TRUE(RunUntilTold(handle, all.size()));
  for (size_t i = 0; i < all.size(); i++) {
    EXPECT_EQ(Told(handle)[i].data, all[i]);
    EXPECT_EQ(FormatAddress(Told(handle)[i].local), "udp://[::1]:0");
  }
  EXPECT_EQ(received, 1);
}

TEST_P(MergedTest, EachAboveTheBoundIsCutByItself) {
  OpenMerging(5);
  const evnet_handle sender = Bind();
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller(), handle);
  UdpClient client;
  Send(sender, AddressOf(handle), {"1234567", "abcdefg", "xyz", "12345", "1234"});
  client.Send(AddressOf(handle), "alone and long");
  client.Send(AddressOf(handle), "short");
  ASSERT_TRUE(RunUntilTold(handle, 7));
  const std::pair<std::string, bool> expected[] = {
      {"12345", true}, {"abcde", true}, {"xyz", false},  {"12345", false},
      {"1234", false}, {"alone", true}, {"short", false}};
  for (size_t i = 0; i < 7; i++) {
    EXPECT_EQ(Told(handle)[i].data, expected[i].first);
    EXPECT_EQ(Told(handle)[i].truncated, expected[i].second) << i;
  }
  EXPECT_EQ(received, 4);
}

TEST_P(MergedTest, TheLargestComeWhole) {
  const evnet_handle sender = Bind();
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller(), handle);
  const std::vector<std::string> all = {Pattern(65507), Pattern(32000), Pattern(32000),
                                        Pattern(65507)};
  Send(sender, AddressOf(handle), all);
  ASSERT_TRUE(RunUntilTold(handle, all.size()));
  for (size_t i = 0; i < all.size(); i++) EXPECT_TRUE(Told(handle)[i].data == all[i]) << i;
  EXPECT_EQ(received, 3);
}

TEST_P(MergedTest, ABurstComesInOrderAndInTurns) {
  const evnet_handle sender = Bind();
  const evnet_handle handle = Bind();
  const std::vector<std::string> all = Numbers(64 * 100, 20);
  Send(sender, AddressOf(handle), all);
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilTold(handle, all.size()));
  const std::vector<Event> events = Told(handle);
  for (size_t i = 0; i < all.size(); i++) ASSERT_EQ(events[i].data, all[i]);
  EXPECT_EQ(received, 100);
  std::vector<int> of_turn(events.back().turn + 1);
  for (const Event &event : events) of_turn[event.turn]++;
  EXPECT_LE(*std::max_element(of_turn.begin(), of_turn.end()), 4 * 64);
}

TEST_P(MergedTest, DetachForgetsTheRestOfAMessageAndStopDoesNot) {
  const evnet_handle sender = Bind();
  const evnet_handle detached = Bind();
  const evnet_handle stopped = Bind();
  const std::vector<std::string> all = Numbers(10, 8);
  loop().OnEvent([&](const Event &event) {
    if (event.data != all[3]) return;
    if (event.handle == detached) evnet_poller_detach(poller(), detached);
    if (event.handle == stopped) evnet_poller_recv_stop(poller(), stopped);
  });
  evnet_poller_recv_start(poller(), detached);
  Send(sender, AddressOf(detached), all);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(detached, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(Told(detached).size(), 4u);
  Send(sender, AddressOf(stopped), all);
  evnet_poller_recv_start(poller(), stopped);
  ASSERT_TRUE(RunUntilTold(stopped, 10));
  Send(sender, AddressOf(stopped), all);
  Settle();
  EXPECT_EQ(Told(stopped).size(), 10u);
  evnet_poller_recv_start(poller(), stopped);
  ASSERT_TRUE(RunUntilTold(stopped, 20));
  for (size_t i = 0; i < 20; i++) EXPECT_EQ(Told(stopped)[i].data, all[i % 10]);
}

TEST_P(MergedTest, AKernelWithoutItRefusesByName) {
  kernel_is_old = true;
  const size_t before = fixture().OpenDescriptors();
  const evnet_address address = ParseAddress("udp://127.0.0.1:0");
  const char *refused = "";
  evnet_listen_options options = {};
  options.out_refused = &refused;
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &handle), -EOPNOTSUPP);
  EXPECT_STREQ(refused, "udp_gro");
  EXPECT_EQ(fixture().OpenDescriptors(), before);
}

}  // namespace
}  // namespace evnet_testing
