// The number of system calls of a request. The linker (--wrap) replaces the calls to count them.
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace {

struct {
  int recv, recvmsg, recvmmsg, send, sendmsg, epoll_ctl, epoll_wait, read, write, getsockopt,
      setsockopt;
  int shutdown, connect;
} calls;

int last_timeout_ms;
int epoll_descriptor;  // of the last epoll_wait

}  // namespace

#define COUNT(result, name, parameters, arguments) \
  result __real_##name parameters;                 \
  result __wrap_##name parameters;                 \
  result __wrap_##name parameters {                \
    calls.name++;                                  \
    return __real_##name arguments;                \
  }

extern "C" {
COUNT(ssize_t, recv, (int descriptor, void *data, size_t size, int flags),
      (descriptor, data, size, flags))
COUNT(ssize_t, recvmsg, (int descriptor, msghdr *message, int flags), (descriptor, message, flags))
COUNT(int, recvmmsg,
      (int descriptor, mmsghdr *messages, unsigned count, int flags, timespec *timeout),
      (descriptor, messages, count, flags, timeout))
COUNT(ssize_t, send, (int descriptor, const void *data, size_t size, int flags),
      (descriptor, data, size, flags))
COUNT(ssize_t, sendmsg, (int descriptor, const msghdr *message, int flags),
      (descriptor, message, flags))
COUNT(int, epoll_ctl, (int epoll, int operation, int descriptor, epoll_event *event),
      (epoll, operation, descriptor, event))
int __real_epoll_wait(int epoll, epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_wait(int epoll, epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_wait(int epoll, epoll_event *events, int count, int timeout_ms) {
  calls.epoll_wait++;
  last_timeout_ms = timeout_ms;
  epoll_descriptor = epoll;
  // Bounded, because a wait without a limit would hang the test.
  return __real_epoll_wait(epoll, events, count, timeout_ms < 0 ? 0 : std::min(timeout_ms, 5));
}
COUNT(ssize_t, read, (int descriptor, void *data, size_t size), (descriptor, data, size))
COUNT(ssize_t, write, (int descriptor, const void *data, size_t size), (descriptor, data, size))
COUNT(int, shutdown, (int descriptor, int how), (descriptor, how))
COUNT(int, connect, (int descriptor, const sockaddr *address, socklen_t size),
      (descriptor, address, size))
COUNT(int, getsockopt, (int descriptor, int level, int name, void *value, socklen_t *size),
      (descriptor, level, name, value, size))
COUNT(int, setsockopt, (int descriptor, int level, int name, const void *value, socklen_t size),
      (descriptor, level, name, value, size))
}

namespace evnet_testing {
namespace {

class SyscallCountTest : public ContractTest {};

TEST_P(SyscallCountTest, ARequestCostsOneRecvAndOneSendAndOneWait) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);  // the registration's event
  const std::string request = Pattern(64);
  for (int i = 0; i < 10; i++) {
    connection.peer->Send(request);
    loop().Clear();
    calls = {};
    loop().Turn(1000000000);
    ASSERT_EQ(loop().Data(connection.handle), request);
    ASSERT_EQ(Send(connection.handle, request), 64);
    EXPECT_EQ(calls.epoll_wait, 1);
    EXPECT_EQ(calls.recv, 1);
    EXPECT_EQ(calls.recvmsg, 0);
    EXPECT_EQ(calls.send, 1);
    EXPECT_EQ(calls.sendmsg, 0);
    EXPECT_EQ(calls.epoll_ctl, 0);
    EXPECT_EQ(calls.read, 0);
    EXPECT_EQ(calls.write, 0);
    EXPECT_EQ(calls.getsockopt, 0);
    EXPECT_EQ(connection.peer->Receive(64), request);
  }
}

TEST_P(SyscallCountTest, SeveralPiecesAreOneSendmsg) {
  Connection connection = Connect();
  char data[] = "abc";
  const iovec pieces[] = {{data, 1}, {data + 1, 1}, {data + 2, 1}};
  calls = {};
  ASSERT_EQ(evnet_poller_send(poller(), connection.handle, pieces, 3), 3);
  EXPECT_EQ(calls.sendmsg, 1);
  EXPECT_EQ(calls.send, 0);
  EXPECT_EQ(calls.epoll_ctl, 0);
}

TEST_P(SyscallCountTest, StopAndStartCostNothing) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  calls = {};
  for (int i = 0; i < 10; i++) {
    evnet_poller_recv_stop(poller(), connection.handle);
    evnet_poller_recv_start(poller(), connection.handle);
  }
  EXPECT_EQ(calls.recv + calls.recvmsg + calls.epoll_ctl + calls.epoll_wait + calls.getsockopt, 0);
}

// Otherwise each message that the peer takes would be an event.
TEST_P(SyscallCountTest, AUnixSocketAsksForWriteEventsOnlyWhileASendIsBlocked) {
  Connection connection = AttachUnix();
  loop().Turn(0);
  calls = {};
  ASSERT_EQ(Send(connection.handle, "hello"), 5);
  EXPECT_EQ(connection.peer->Receive(5), "hello");
  epoll_event event;
  EXPECT_EQ(__real_epoll_wait(epoll_descriptor, &event, 1, 0), 0) << "it has woken no wait";
  EXPECT_EQ(calls.epoll_ctl, 0);
  const std::string taken = SendUntilFull(connection.handle);
  char byte[] = "x";
  const iovec piece = {byte, 1};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  EXPECT_EQ(calls.epoll_ctl, 1);
  EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  EXPECT_EQ(calls.epoll_ctl, 2);
  EXPECT_EQ(connection.peer->Receive(1), "x");
  EXPECT_EQ(__real_epoll_wait(epoll_descriptor, &event, 1, 0), 0);
}

// A level-triggered socket is reported while it is readable. If it is not read, one call ends that.
TEST_P(SyscallCountTest, AUnixSocketThatIsNotReadIsReportedOnceMoreAndNoLonger) {
  Connection connection = AttachUnix();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  evnet_poller_recv_stop(poller(), connection.handle);
  connection.peer->Send("hello");
  calls = {};
  for (int i = 0; i < 3; i++) loop().Turn(0);
  EXPECT_EQ(calls.epoll_ctl, 1);
  EXPECT_EQ(calls.recv + calls.recvmsg, 0);
  epoll_event event;
  EXPECT_EQ(__real_epoll_wait(epoll_descriptor, &event, 1, 0), 0);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "hello"; }));
  // The socket is edge-triggered now, so a read has to prove that nothing is left.
  connection.peer->Send("again");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "helloagain"; }));
  EXPECT_EQ(calls.epoll_ctl, 1);
  EXPECT_EQ(calls.recv, 0);
  EXPECT_EQ(calls.recvmsg, 2);
  EXPECT_EQ(__real_epoll_wait(epoll_descriptor, &event, 1, 0), 0);
}

// A socket with an EOF stays readable forever.
TEST_P(SyscallCountTest, AnEndThatIsKeptOpenIsReportedOnceMoreAndNoLonger) {
  for (const bool both_sides : {false, true}) {
    Connection connection = AttachUnix();
    evnet_poller_recv_start(poller(), connection.handle);
    loop().Turn(0);
    calls = {};
    if (both_sides) {
      connection.peer->Close();
    } else {
      connection.peer->ShutdownWrite();
    }
    for (int i = 0; i < 4; i++) loop().Turn(0);
    EXPECT_FALSE(loop().Of(connection.handle, EVNET_OP_RECV).empty());
    EXPECT_EQ(calls.epoll_ctl, 1);
    epoll_event event;
    EXPECT_EQ(__real_epoll_wait(epoll_descriptor, &event, 1, 0), 0);
    evnet_poller_detach(poller(), connection.handle);
    loop().Turn(0);
  }
}

TEST_P(SyscallCountTest, AConnectionCostsOneRegistrationCallAndOverUnixTwo) {
  for (const bool abort : {false, true}) {
    Connection connection = ConnectOnly();
    calls = {};
    connection.handle = Attach(connection.descriptor);
    EXPECT_EQ(calls.epoll_ctl, 1);
    if (abort) {
      evnet_poller_abort(poller(), connection.handle);
    } else {
      evnet_poller_detach(poller(), connection.handle);
    }
    ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(connection.handle).empty(); }));
    // close(2) removes an edge-triggered registration. A level-triggered one is removed explicitly,
    // because it must never be left.
    EXPECT_EQ(calls.epoll_ctl, GetParam().is_tcp() ? 1 : 2);
    EXPECT_EQ(calls.shutdown + calls.connect, 0);
    EXPECT_EQ(calls.setsockopt, abort ? 1 : 0);
  }
}

TEST_P(SyscallCountTest, WithADuplicateItIsUnregisteredAndShutDown) {
  Connection connection = Connect();
  const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
  ASSERT_GE(duplicate, 0);
  calls = {};
  evnet_poller_detach(poller(), connection.handle);
  EXPECT_EQ(calls.epoll_ctl, 1);
  EXPECT_EQ(calls.shutdown, 1);
  EXPECT_EQ(close(duplicate), 0);
}

// DETACH is ready without a wait, because the descriptor was closed by the detach.
TEST_P(SyscallCountTest, ADetachCompletesWithoutAWait) {
  Connection connection = Connect();
  loop().Turn(0);
  evnet_poller_detach(poller(), connection.handle);
  calls = {};
  evnet_completion completion;
  ASSERT_TRUE(evnet_poller_next(poller(), &completion));
  EXPECT_EQ(completion.op, EVNET_OP_DETACH);
  EXPECT_EQ(completion.handle.index, connection.handle.index);
  EXPECT_FALSE(evnet_poller_next(poller(), &completion));
  EXPECT_EQ(calls.epoll_wait, 0);
}

// A connection inherits the options of its listener.
TEST_P(SyscallCountTest, AcceptingSetsNoOption) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no buffer size from its listener";
  evnet_listen_options options = {};
  options.send_buffer_bytes = options.receive_buffer_bytes = 20000;
  options.keepalive_idle_s = options.keepalive_interval_s = options.keepalive_count = 7;
  options.user_timeout_ms = options.notsent_lowat_bytes = 10000;
  calls = {};
  const evnet_handle listener = Listen(&options);
  EXPECT_EQ(calls.setsockopt, 10) << "SO_REUSEADDR, TCP_NODELAY, SO_KEEPALIVE, and those above";
  const auto peer = fixture().Connect(AddressOf(listener), {});
  calls = {};
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(listener, EVNET_OP_ACCEPT).empty(); }));
  (void)Attach(static_cast<int>(loop().Of(listener, EVNET_OP_ACCEPT).front().result));
  EXPECT_EQ(calls.setsockopt + calls.getsockopt, 0);
}

TEST_P(SyscallCountTest, ABatchOfDatagramsIsOneReceiveCall) {
  const evnet_address any = ParseAddress("udp://127.0.0.1:0");
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &any, nullptr, &handle), 0);
  evnet_poller_recv_start(poller(), handle);
  loop().Turn(0);
  UdpClient sender;
  for (const size_t count : {1, 2, 5}) {
    for (size_t i = 0; i < count; i++) sender.Send(AddressOf(handle), "x");
    loop().Clear();
    calls = {};
    loop().Turn(1000000000);
    loop().Turn(0);
    EXPECT_EQ(loop().Of(handle, EVNET_OP_DATAGRAM).size(), count);
    EXPECT_EQ(calls.recvmmsg, 1);
    EXPECT_EQ(calls.recvmsg, 0);
  }
}

TEST_P(SyscallCountTest, TimeoutsAreRoundedUpAndCut) {
  const struct {
    int64_t timeout_ns;
    int timeout_ms;
  } cases[] = {{-1, -1},           {INT64_MIN, -1},     {0, 0}, {1, 1}, {1000000, 1}, {1000001, 2},
               {1999999999, 2000}, {INT64_MAX, INT_MAX}};
  for (const auto &[timeout_ns, timeout_ms] : cases) {
    loop().Turn(timeout_ns);
    EXPECT_EQ(last_timeout_ms, timeout_ms) << timeout_ns;
  }
}

TEST_P(SyscallCountTest, AWakeIsOneWriteAndNoRead) {
  calls = {};
  evnet_poller_wake(poller());
  loop().Turn(1000000000);
  EXPECT_EQ(calls.write, 1);
  EXPECT_EQ(calls.read, 0);
  EXPECT_EQ(calls.epoll_wait, 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, SyscallCountTest, ::testing::ValuesIn(SocketCallBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
