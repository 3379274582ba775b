// Datagrams that are passed to the kernel as one message: the messages, the datagrams that a plain
// receiver gets, and the fallback if the kernel does not take such messages. The tests run in a
// network namespace, so that `lo` may have the MTU of other networks.
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include <functional>
#include <random>

#include "net/base/testing/net_namespace.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace {

// A message as it was passed to the kernel.
struct Message {
  size_t bytes;
  unsigned int segment_bytes;  // 0: it is one datagram
};

std::vector<Message> messages;  // messages that the kernel took
int calls;
// Called before each call. Returns how many messages the call may take, or the negative errno with
// which it fails.
std::function<int(const std::vector<Message> &messages)> intervene;
bool kernel_is_old;

Message Describe(const msghdr &header) {
  Message message = {};
  for (size_t i = 0; i < header.msg_iovlen; i++) message.bytes += header.msg_iov[i].iov_len;
  msghdr reading = header;
  for (cmsghdr *control = CMSG_FIRSTHDR(&reading); control != nullptr;
       control = CMSG_NXTHDR(&reading, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_SEGMENT) continue;
    uint16_t bytes;
    memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
    message.segment_bytes = bytes;
  }
  return message;
}

}  // namespace

extern "C" {

int __real_sendmmsg(int descriptor, mmsghdr *sent, unsigned int count, int flags);
int __wrap_sendmmsg(int descriptor, mmsghdr *sent, unsigned int count, int flags);
int __real_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size);

int __wrap_sendmmsg(int descriptor, mmsghdr *sent, unsigned int count, int flags) {
  calls++;
  std::vector<Message> asked;
  for (unsigned int i = 0; i < count; i++) asked.push_back(Describe(sent[i].msg_hdr));
  const int allowed = intervene ? intervene(asked) : INT_MAX;
  if (allowed < 0) {
    errno = -allowed;
    return -1;
  }
  if (count > static_cast<unsigned int>(allowed)) count = static_cast<unsigned int>(allowed);
  const int taken = __real_sendmmsg(descriptor, sent, count, flags);
  for (int i = 0; i < taken; i++) messages.push_back(asked[static_cast<size_t>(i)]);
  return taken;
}

int __wrap_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size) {
  if (kernel_is_old && level == IPPROTO_UDP && name == UDP_SEGMENT) {
    errno = ENOPROTOOPT;
    return -1;
  }
  return __real_getsockopt(descriptor, level, name, value, size);
}
}

namespace evnet_testing {
namespace {

// Datagrams to send, and the memory that they point to.
struct Outgoing {
  explicit Outgoing(size_t expected) {
    pieces.reserve(expected);
    data.reserve(expected);
    datagrams.reserve(expected);
  }
  void Add(const evnet_address *to, const std::string &bytes, const evnet_address *from = nullptr) {
    ASSERT_LT(data.size(), data.capacity());
    data.push_back(bytes);
    pieces.push_back({&data.back()[0], data.back().size()});
    datagrams.push_back({&pieces.back(), 1, to, from});
  }

  std::vector<std::string> data;
  std::vector<iovec> pieces;
  std::vector<evnet_datagram> datagrams;
};

class SegmentsTest : public ContractTest {
 protected:
  static void SetUpTestSuite() { in_namespace_ = EnterNetNamespace(); }

  void SetUp() override {
    ContractTest::SetUp();
    Forget();
  }
  ~SegmentsTest() override { Forget(); }

  void Forget() {
    messages.clear();
    calls = 0;
    intervene = nullptr;
    kernel_is_old = false;
  }

  static bool in_namespace() { return in_namespace_; }

  evnet_handle Bind(const std::string &address = "udp://127.0.0.1:0") {
    const evnet_address parsed = ParseAddress(address);
    evnet_listen_options options = {};
    options.send_buffer_bytes = 4 << 20;
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller(), &parsed, &options, &handle), 0);
    return handle;
  }

  int64_t SendOnce(evnet_handle handle, const Outgoing &outgoing, size_t from = 0) {
    return evnet_poller_send_datagrams(poller(), handle, outgoing.datagrams.data() + from,
                                       outgoing.datagrams.size() - from);
  }

  // Sends all datagrams, with as many calls as needed.
  void SendAll(evnet_handle handle, const Outgoing &outgoing) {
    for (size_t sent = 0; sent < outgoing.datagrams.size();) {
      const int64_t taken = SendOnce(handle, outgoing, sent);
      ASSERT_GT(taken, 0);
      sent += static_cast<size_t>(taken);
    }
  }

  // Returns `count` different datagrams of one size.
  Outgoing Alike(const evnet_address *to, size_t count, size_t size) {
    Outgoing outgoing(count);
    for (size_t i = 0; i < count; i++) outgoing.Add(to, Text(size));
    return outgoing;
  }
  std::string Text(size_t size) {
    std::string text = std::to_string(sequence_++) + " ";
    text.resize(size, 'x');
    return text;
  }

  void ExpectReceived(UdpClient *client, const Outgoing &outgoing) {
    for (const std::string &data : outgoing.data) ASSERT_TRUE(client->Receive() == data);
    EXPECT_FALSE(client->Readable(0));
  }

  // Returns the messages passed since the last call, each as "SEGMENT/BYTES" or "BYTES".
  std::string Handed() {
    std::string text;
    for (const Message &message : messages) {
      if (!text.empty()) text += " ";
      if (message.segment_bytes > 0) text += std::to_string(message.segment_bytes) + "/";
      text += std::to_string(message.bytes);
    }
    messages.clear();
    return text;
  }

 private:
  static bool in_namespace_;
  size_t sequence_ = 100;
};

bool SegmentsTest::in_namespace_ = false;

INSTANTIATE_TEST_SUITE_P(All, SegmentsTest, ::testing::ValuesIn(TcpBackends()), BackendName);

TEST_P(SegmentsTest, AlikeOnesAreOneMessageAndArriveOneByOne) {
  const evnet_handle handle = Bind();
  UdpClient client;
  const evnet_address to = client.Address();
  const Outgoing outgoing = Alike(&to, 64, 100);
  EXPECT_EQ(SendOnce(handle, outgoing), 64);
  ExpectReceived(&client, outgoing);
  EXPECT_EQ(Handed(), "100/6400");
}

TEST_P(SegmentsTest, AShorterOneIsTheLastOfItsMessage) {
  const evnet_handle handle = Bind();
  UdpClient client;
  const evnet_address to = client.Address();
  Outgoing outgoing(8);
  for (const size_t size : {50, 50, 40, 40, 60, 0, 30, 30}) outgoing.Add(&to, Pattern(size));
  EXPECT_EQ(SendOnce(handle, outgoing), 8);
  ExpectReceived(&client, outgoing);
  EXPECT_EQ(Handed(), "50/140 40 60 0 30/60");
}

TEST_P(SegmentsTest, TogetherTheyAreNotLongerThanTheLargest) {
  const evnet_handle handle = Bind();
  UdpClient client;
  const evnet_address to = client.Address();
  Outgoing outgoing(7);
  for (const size_t size : {32753, 32753, 32754, 32753, 21835, 21836, 21836})
    outgoing.Add(&to, Pattern(size));
  SendAll(handle, outgoing);
  ExpectReceived(&client, outgoing);
  EXPECT_EQ(Handed(), "32753/65506 32754 32753/54588 21836/43672");
}

TEST_P(SegmentsTest, OthersDestinationsAndSourcesAreOtherMessages) {
  const evnet_handle handle = Bind("udp4://:0");
  UdpClient first, second;
  const evnet_address to_first = first.Address();
  const evnet_address to_first_again = first.Address();
  const evnet_address to_second = second.Address();
  const evnet_address from = ParseAddress("udp://127.0.0.2:0");
  Outgoing outgoing(7);
  outgoing.Add(&to_first, "aaaa");
  outgoing.Add(&to_first_again, "bbbb");
  outgoing.Add(&to_second, "cccc");
  outgoing.Add(&to_first, "dddd");
  outgoing.Add(&to_first, "eeee", &from);
  outgoing.Add(&to_first, "ffff", &from);
  outgoing.Add(&to_first, "gggg");
  EXPECT_EQ(SendOnce(handle, outgoing), 7);
  for (const char *data : {"aaaa", "bbbb", "dddd", "eeee", "ffff", "gggg"}) {
    evnet_address sender = {};
    EXPECT_EQ(first.Receive(&sender), data);
    const bool is_from = data[0] == 'e' || data[0] == 'f';
    EXPECT_EQ(sender.socket.ip4.sin_addr.s_addr, htonl(is_from ? 0x7f000002 : 0x7f000001));
  }
  EXPECT_EQ(second.Receive(), "cccc");
  EXPECT_EQ(Handed(), "4/8 4 4 4/8 4");
}

TEST_P(SegmentsTest, AnIp6SocketSendsThemByBothFamilies) {
  const evnet_handle handle = Bind("udp://:0");
  const evnet_address from4 = ParseAddress("udp://127.0.0.2:0");
  const evnet_address from6 = ParseAddress("udp://[::1]:0");
  for (const bool is_ip6 : {false, true}) {
    UdpClient client(is_ip6 ? "udp://[::1]:0" : "udp://127.0.0.1:0");
    const evnet_address to = client.Address();
    Outgoing outgoing(3);
    for (const char *data : {"aaaa", "bbbb", "cc"})
      outgoing.Add(&to, data, is_ip6 ? &from6 : &from4);
    EXPECT_EQ(SendOnce(handle, outgoing), 3);
    ExpectReceived(&client, outgoing);
    EXPECT_EQ(Handed(), "4/10");
  }
}

TEST_P(SegmentsTest, WhateverIsSentArrivesWholeAndInOrder) {
  const evnet_handle handle = Bind();
  std::mt19937 random(4711);
  const auto below = [&](size_t bound) { return static_cast<size_t>(random()) % bound; };
  for (int round = 0; round < 100; round++) {
    UdpClient clients[2];
    const evnet_address to[] = {clients[0].Address(), clients[1].Address()};
    std::vector<std::string> expected[2];
    Outgoing outgoing(150);
    const size_t count = 1 + below(150);
    const size_t size_max = round % 2 == 0 ? 4 : 2000;
    size_t size = below(size_max);
    size_t which = 0;
    for (size_t i = 0; i < count; i++) {
      if (below(4) == 0) size = below(size_max);
      if (below(8) == 0) which = below(2);
      outgoing.Add(&to[which], Text(size));
      expected[which].push_back(outgoing.data.back());
    }
    SendAll(handle, outgoing);
    for (size_t i = 0; i < 2; i++) {
      for (const std::string &data : expected[i]) ASSERT_TRUE(clients[i].Receive() == data);
      ASSERT_FALSE(clients[i].Readable(0));
    }
  }
  for (const Message &message : messages) {
    if (message.segment_bytes == 0) continue;
    EXPECT_GT(message.bytes, message.segment_bytes);
    EXPECT_LE(message.bytes, 65507u);
    EXPECT_LE(message.bytes, 64 * message.segment_bytes);
  }
}

TEST_P(SegmentsTest, APartOfABatchIsCountedInDatagrams) {
  const evnet_handle handle = Bind();
  UdpClient client;
  const evnet_address to = client.Address();
  Outgoing outgoing(9);
  for (const size_t size : {5, 5, 5, 6, 6, 7, 8, 8, 8}) outgoing.Add(&to, Pattern(size));
  intervene = [](const std::vector<Message> &) { return 2; };
  EXPECT_EQ(SendOnce(handle, outgoing), 5);
  intervene = [](const std::vector<Message> &) { return -EAGAIN; };
  EXPECT_EQ(SendOnce(handle, outgoing, 5), 0);
  intervene = nullptr;
  EXPECT_EQ(SendOnce(handle, outgoing, 5), 4);
  ExpectReceived(&client, outgoing);
  EXPECT_EQ(Handed(), "5/15 6/12 7 8/24");
}

// A kernel fails this way if it cannot cut messages up for a certain card.
TEST_P(SegmentsTest, WhereTheKernelDoesNotTakeThemTheyGoOneByOneFromThenOn) {
  for (const int error : {EIO, EINVAL, EMSGSIZE}) {
    SCOPED_TRACE(strerror(error));
    const evnet_handle handle = Bind();
    UdpClient client;
    const evnet_address to = client.Address();
    int refused = 0;
    intervene = [&](const std::vector<Message> &asked) {
      for (size_t i = 0; i < asked.size(); i++) {
        if (asked[i].segment_bytes == 0) continue;
        if (i > 0) return static_cast<int>(i);
        refused++;
        return -error;
      }
      return INT_MAX;
    };
    Outgoing outgoing(12);
    for (const size_t size : {9, 9, 7, 7, 7, 9, 9, 9, 20, 30, 9, 9}) outgoing.Add(&to, Text(size));
    SendAll(handle, outgoing);
    ExpectReceived(&client, outgoing);
    const std::string one_by_one = "9 9 7 7 7 9 9 9 20 30 9 9";
    EXPECT_EQ(Handed(), one_by_one);
    // If the size may have been the cause, smaller datagrams are tried, too.
    EXPECT_EQ(refused, error == EIO ? 1 : 2);
    SendAll(handle, outgoing);
    ExpectReceived(&client, outgoing);
    EXPECT_EQ(Handed(), one_by_one);
    EXPECT_EQ(refused, error == EIO ? 1 : 2);
    // Another socket is tried separately.
    const evnet_handle another = Bind();
    intervene = nullptr;
    SendAll(another, outgoing);
    ExpectReceived(&client, outgoing);
    EXPECT_EQ(Handed(), "9/25 7/14 9/27 20 30/39 9");
  }
}

// A datagram that cannot be sent by itself does not end sending several as one.
TEST_P(SegmentsTest, OneThatCannotBeSentAtAllIsToldAndTheOthersStayTogether) {
  const evnet_handle handle = Bind("udp4://:0");
  UdpClient client;
  const evnet_address to = client.Address();
  intervene = [](const std::vector<Message> &) { return -EINVAL; };
  const Outgoing outgoing = Alike(&to, 10, 10);
  EXPECT_EQ(SendOnce(handle, outgoing), -EINVAL);
  EXPECT_EQ(calls, 2);
  intervene = [](const std::vector<Message> &) { return -EACCES; };
  EXPECT_EQ(SendOnce(handle, outgoing), -EACCES);
  EXPECT_EQ(calls, 3);
  intervene = nullptr;
  EXPECT_EQ(SendOnce(handle, outgoing), 10);
  ExpectReceived(&client, outgoing);
  EXPECT_EQ(Handed(), "10/100");
}

TEST_P(SegmentsTest, WhatAPathWouldBreakUpGoesOneByOne) {
  if (!in_namespace()) GTEST_SKIP() << "no `lo` of its own";
  SetMtu("lo", 1500);
  const evnet_handle handle = Bind();
  UdpClient client;
  const evnet_address to = client.Address();
  // IPv4's header has 20 bytes, UDP's has 8.
  for (const size_t size : {1472, 1473, 3000, 1472}) {
    SCOPED_TRACE(size);
    const Outgoing outgoing = Alike(&to, 3, size);
    SendAll(handle, outgoing);
    ExpectReceived(&client, outgoing);
    const std::string one = std::to_string(size);
    EXPECT_EQ(Handed(), size == 1472 ? "1472/4416" : one + " " + one + " " + one);
  }
  SetMtu("lo", 65536);
}

TEST_P(SegmentsTest, ByOptionAndOnAnOldKernelNoneAreJoined) {
  for (const bool by_option : {false, true}) {
    evnet_poller_options options = {};
    options.no_udp_segmentation = by_option;
    kernel_is_old = !by_option;
    Open(options);
    const evnet_handle handle = Bind();
    UdpClient client;
    const evnet_address to = client.Address();
    const Outgoing outgoing = Alike(&to, 3, 10);
    EXPECT_EQ(SendOnce(handle, outgoing), 3);
    ExpectReceived(&client, outgoing);
    EXPECT_EQ(Handed(), "10 10 10");
  }
}

}  // namespace
}  // namespace evnet_testing
