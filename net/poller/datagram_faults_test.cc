// Datagram sockets whose system calls fail. The linker (--wrap) replaces the calls. The faults are
// a sandbox that refuses the calls for many datagrams, and errors that last.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace {

struct Call {
  int count = 0;     // calls so far
  int failures = 0;  // the number of next calls that fail; -1: all
  int error = 0;
  int after = 0;  // calls that still succeed

  bool Fails() {
    count++;
    if (failures == 0) return false;
    if (after > 0) {
      after--;
      return false;
    }
    if (failures > 0) failures--;
    errno = error;
    return true;
  }
};

Call recvmmsg_call, sendmmsg_call, recvmsg_call, sendmsg_call, epoll_ctl_call;
bool full;  // sends fail with EAGAIN

bool SendFails(Call *call) {
  if (call->Fails()) return true;
  errno = EAGAIN;
  return full;
}

}  // namespace

extern "C" {
int __real_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout);
int __wrap_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout);
int __real_sendmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags);
int __wrap_sendmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags);
ssize_t __real_recvmsg(int descriptor, msghdr *message, int flags);
ssize_t __wrap_recvmsg(int descriptor, msghdr *message, int flags);
ssize_t __real_sendmsg(int descriptor, const msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const msghdr *message, int flags);
int __real_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event);

int __wrap_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout) {
  if (recvmmsg_call.Fails()) return -1;
  return __real_recvmmsg(descriptor, messages, count, flags, timeout);
}

int __wrap_sendmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags) {
  if (SendFails(&sendmmsg_call)) return -1;
  return __real_sendmmsg(descriptor, messages, count, flags);
}

ssize_t __wrap_recvmsg(int descriptor, msghdr *message, int flags) {
  if (recvmsg_call.Fails()) return -1;
  return __real_recvmsg(descriptor, message, flags);
}

ssize_t __wrap_sendmsg(int descriptor, const msghdr *message, int flags) {
  if (SendFails(&sendmsg_call)) return -1;
  return __real_sendmsg(descriptor, message, flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event) {
  if (epoll_ctl_call.Fails()) return -1;
  return __real_epoll_ctl(epoll, operation, descriptor, event);
}
}

namespace evnet_testing {
namespace {

class DatagramFaultsTest : public ContractTest {
 protected:
  ~DatagramFaultsTest() override {
    recvmmsg_call = sendmmsg_call = recvmsg_call = sendmsg_call = epoll_ctl_call = {};
    full = false;
  }

  evnet_handle Bind() {
    const evnet_address address = ParseAddress("udp://127.0.0.1:0");
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), 0);
    return handle;
  }

  std::vector<Event> Datagrams(evnet_handle handle) { return loop().Of(handle, EVNET_OP_DATAGRAM); }

  bool RunUntilDatagrams(evnet_handle handle, size_t count) {
    return loop().RunUntil([&] { return Datagrams(handle).size() >= count; });
  }

  // Sends `count` datagrams to one address in one call.
  int64_t SendMany(evnet_handle handle, const evnet_address &to, size_t count) {
    std::string byte = "x";
    const iovec piece = {&byte[0], 1};
    const std::vector<evnet_datagram> datagrams(count, {&piece, 1, &to, nullptr});
    return evnet_poller_send_datagrams(poller(), handle, datagrams.data(), count);
  }
};

INSTANTIATE_TEST_SUITE_P(All, DatagramFaultsTest, ::testing::ValuesIn(TcpBackends()), BackendName);

TEST_P(DatagramFaultsTest, WhereASandboxRefusesRecvmmsgEachIsReceivedByItself) {
  for (const int error : {ENOSYS, EPERM}) {
    Open({});
    recvmmsg_call = {0, -1, error};
    const evnet_handle handle = Bind();
    UdpClient sender;
    std::string expected, received;
    for (int i = 0; i < 200; i++) {
      const std::string text = std::to_string(i);
      sender.Send(AddressOf(handle), text);
      expected += text + " ";
    }
    evnet_poller_recv_start(poller(), handle);
    ASSERT_TRUE(RunUntilDatagrams(handle, 200));
    for (const Event &event : Datagrams(handle)) received += event.data + " ";
    EXPECT_EQ(received, expected);
    EXPECT_EQ(recvmmsg_call.count, 1);  // it is not tried again
    sender.Send(AddressOf(handle), "later");
    ASSERT_TRUE(RunUntilDatagrams(handle, 201));
    EXPECT_EQ(recvmmsg_call.count, 1);
  }
}

TEST_P(DatagramFaultsTest, WhereASandboxRefusesSendmmsgEachIsSentByItself) {
  for (const int error : {ENOSYS, EPERM}) {
    evnet_poller_options options = {};
    options.no_udp_segmentation = error == EPERM;
    Open(options);
    sendmmsg_call = {0, -1, error};
    const evnet_handle handle = Bind();
    UdpClient receiver;
    const evnet_address to = receiver.Address();
    EXPECT_EQ(SendMany(handle, to, 5), 5);
    EXPECT_EQ(SendMany(handle, to, 1), 1);
    for (int i = 0; i < 6; i++) EXPECT_EQ(receiver.Receive(), "x");
    EXPECT_EQ(sendmmsg_call.count, 2) << "one is refused, and one checks the reason";
  }
}

TEST_P(DatagramFaultsTest, AnInterruptedCallIsTriedAgain) {
  for (const bool singly : {false, true}) {
    Open({});
    const evnet_handle handle = Bind();
    UdpClient client;
    if (singly) recvmmsg_call = sendmmsg_call = {0, -1, ENOSYS};
    (singly ? recvmsg_call : recvmmsg_call) = {0, 1, EINTR};
    (singly ? sendmsg_call : sendmmsg_call) = {0, 1, EINTR};
    EXPECT_EQ(SendMany(handle, client.Address(), 2), 2);
    EXPECT_EQ(client.Receive(), "x");
    client.Send(AddressOf(handle), "one");
    evnet_poller_recv_start(poller(), handle);
    ASSERT_TRUE(RunUntilDatagrams(handle, 1));
    EXPECT_EQ(Datagrams(handle)[0].data, "one");
  }
}

TEST_P(DatagramFaultsTest, OfManySentByThemselvesThoseBeforeAFailureCount) {
  const evnet_handle handle = Bind();
  UdpClient receiver;
  sendmmsg_call = {0, -1, ENOSYS};
  sendmsg_call = {0, 1, EHOSTUNREACH, 2};
  const evnet_address to = receiver.Address();
  std::string bytes[] = {"a", "bb", "ccc", "dddd"};  // different sizes, so that none are joined
  std::vector<iovec> pieces;
  std::vector<evnet_datagram> datagrams;
  for (std::string &each : bytes) pieces.push_back({&each[0], each.size()});
  for (const iovec &piece : pieces) datagrams.push_back({&piece, 1, &to, nullptr});
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, datagrams.data(), 4), 2);
  EXPECT_EQ(evnet_poller_send_datagrams(poller(), handle, &datagrams[2], 2), 2);
  for (const std::string &each : bytes) EXPECT_EQ(receiver.Receive(), each);
}

TEST_P(DatagramFaultsTest, WithoutMemoryNoSocketIsBoundAndTheNextOneIs) {
  for (size_t n = 1;; n++) {
    FailingAllocator allocator;
    evnet_poller_options options = {};
    options.allocator = allocator.get();
    Open(options);
    const size_t descriptors = fixture().OpenDescriptors();
    const evnet_address address = ParseAddress("udp://127.0.0.1:0");
    evnet_handle handle = {};
    allocator.fail_at(n, false);
    const int status = evnet_poller_listen(poller(), &address, nullptr, &handle);
    const bool failed = allocator.failures() > 0;
    EXPECT_EQ(status, failed ? -ENOMEM : 0);
    if (failed) {
      EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
      EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), 0);
    }
    Destroy();
    EXPECT_EQ(allocator.live_blocks(), 0u);
    if (!failed) break;
    ASSERT_LT(n, 20u);
  }
}

// A firewall refuses a single datagram this way. The call for many is still used for the others.
TEST_P(DatagramFaultsTest, ADatagramThatIsRefusedDoesNotEndTheCallForMany) {
  const evnet_handle handle = Bind();
  UdpClient receiver;
  const evnet_address to = receiver.Address();
  sendmmsg_call = {0, 1, EPERM};
  EXPECT_EQ(SendMany(handle, to, 1), -EPERM);
  EXPECT_EQ(SendMany(handle, to, 2), 2);
  EXPECT_EQ(receiver.Receive(), "x");
  EXPECT_EQ(sendmsg_call.count, 0) << "the call for many is no longer used";
}

TEST_P(DatagramFaultsTest, AFullSocketUnderASandboxIsFull) {
  const evnet_handle handle = Bind();
  UdpClient receiver;
  const evnet_address to = receiver.Address();
  sendmmsg_call = {0, -1, EPERM};
  sendmsg_call = {0, 1, EAGAIN};
  EXPECT_EQ(SendMany(handle, to, 1), 0);
  EXPECT_EQ(SendMany(handle, to, 2), 2);
}

TEST_P(DatagramFaultsTest, AnErrorOfAnEarlierDatagramComesBeforeThoseThatFollow) {
  const evnet_handle handle = Bind();
  UdpClient sender;
  for (const int error : {ECONNREFUSED, EHOSTUNREACH, EPERM}) {
    loop().Clear();
    recvmmsg_call = {0, 1, error};
    recvmsg_call = {0, 1, error};
    sender.Send(AddressOf(handle), "one");
    sender.Send(AddressOf(handle), "two");
    evnet_poller_recv_start(poller(), handle);
    ASSERT_TRUE(RunUntilDatagrams(handle, 3));
    const std::vector<Event> events = Datagrams(handle);
    EXPECT_EQ(events[0].result, -error);
    EXPECT_TRUE(events[0].more);
    EXPECT_EQ(events[1].data, "one");
    EXPECT_EQ(events[2].data, "two");
    evnet_poller_recv_stop(poller(), handle);
  }
}

// Each poll of such a socket would report it as ready, although nothing can be received.
TEST_P(DatagramFaultsTest, AnErrorThatLastsEndsReceivingUntilItIsStartedAgain) {
  const evnet_handle handle = Bind();
  UdpClient sender;
  for (const int error : {ENOMEM, ENOSYS, EACCES, EINVAL, EBADF}) {
    loop().Clear();
    recvmmsg_call = {0, -1, error};
    recvmsg_call = {0, -1, error};
    sender.Send(AddressOf(handle), "kept");
    evnet_poller_recv_start(poller(), handle);
    ASSERT_TRUE(RunUntilDatagrams(handle, 1));
    EXPECT_EQ(Datagrams(handle)[0].result, -error);
    EXPECT_FALSE(Datagrams(handle)[0].more);
    const int calls = recvmmsg_call.count;
    EXPECT_LE(calls, 8);
    Settle();
    EXPECT_EQ(Datagrams(handle).size(), 1u);
    EXPECT_EQ(recvmmsg_call.count, calls);
    recvmmsg_call = recvmsg_call = {};
    evnet_poller_recv_start(poller(), handle);
    ASSERT_TRUE(RunUntilDatagrams(handle, 2));
    EXPECT_EQ(Datagrams(handle)[1].data, "kept");
    evnet_poller_recv_stop(poller(), handle);
  }
}

TEST_P(DatagramFaultsTest, ASocketDetachedWithAnErrorToReportReportsNothing) {
  const evnet_handle handle = Bind();
  const evnet_handle other = Bind();
  UdpClient sender;
  recvmmsg_call = {0, 1, ECONNREFUSED};
  sender.Send(AddressOf(handle), "one");
  evnet_poller_recv_start(poller(), handle);
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_DATAGRAM) evnet_poller_detach(poller(), handle);
  });
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(loop().Of(handle).size(), 2u);
  loop().OnEvent(nullptr);
  sender.Send(AddressOf(other), "other");
  evnet_poller_recv_start(poller(), other);
  ASSERT_TRUE(RunUntilDatagrams(other, 1));
  EXPECT_EQ(Datagrams(other)[0].data, "other");
}

// Only epoll registers for room.
TEST_P(DatagramFaultsTest, RoomThatCannotBeWaitedForIsTriedAgainOrReported) {
  if (std::string(GetParam().name) != "epoll") GTEST_SKIP() << "only epoll does this";
  for (const int failures : {1, -1}) {
    const evnet_handle handle = Bind();
    UdpClient receiver;
    full = true;
    EXPECT_EQ(SendMany(handle, receiver.Address(), 1), 0);
    epoll_ctl_call = {0, failures, ENOMEM};
    evnet_poller_await_room(poller(), handle);
    ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_SEND).empty(); }));
    EXPECT_EQ(loop().Story(handle), failures == 1 ? "SEND=0" : "SEND=-ENOMEM");
    epoll_ctl_call = {};
    full = false;
    EXPECT_EQ(SendMany(handle, receiver.Address(), 1), 1);
  }
}

}  // namespace
}  // namespace evnet_testing
