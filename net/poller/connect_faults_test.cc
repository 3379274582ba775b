// Each system call of a connect fails as its manual page describes. The linker (--wrap) replaces
// the calls. CONNECT reports the error, nothing is left open, and the handle can connect again.
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/fault.h"

namespace {

using evnet_testing::Fault;

Fault socket_fault, setsockopt_fault, getsockopt_fault, bind_fault, connect_fault, epoll_ctl_fault,
    getpeername_fault, getsockname_fault;
int pending_error = 0;  // returned by SO_ERROR, once
int pending_after = 0;  // calls before that find no error
bool connects_at_once;  // connect(2) returns once it has finished

}  // namespace

extern "C" {
EVNET_WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
EVNET_WRAP(int, setsockopt,
           (int descriptor, int level, int name, const void *value, socklen_t size),
           (descriptor, level, name, value, size))
EVNET_WRAP(int, bind, (int descriptor, const sockaddr *address, socklen_t size),
           (descriptor, address, size))
EVNET_WRAP(int, getpeername, (int descriptor, sockaddr *address, socklen_t *size),
           (descriptor, address, size))
EVNET_WRAP(int, getsockname, (int descriptor, sockaddr *address, socklen_t *size),
           (descriptor, address, size))
EVNET_WRAP(int, epoll_ctl, (int epoll, int operation, int descriptor, epoll_event *event),
           (epoll, operation, descriptor, event))

int __real_connect(int descriptor, const sockaddr *address, socklen_t size);
int __wrap_connect(int descriptor, const sockaddr *address, socklen_t size);
int __wrap_connect(int descriptor, const sockaddr *address, socklen_t size) {
  if (connect_fault.Strikes()) return -1;
  const int status = __real_connect(descriptor, address, size);
  pollfd waited = {descriptor, POLLOUT, 0};
  const bool is_through =
      status != 0 && errno == EINPROGRESS && connects_at_once && poll(&waited, 1, 10000) == 1;
  return is_through ? 0 : status;
}

int __real_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size) {
  if (getsockopt_fault.Strikes()) return -1;
  const int status = __real_getsockopt(descriptor, level, name, value, size);
  if (status == 0 && level == SOL_SOCKET && name == SO_ERROR && pending_error != 0 &&
      pending_after-- == 0) {
    *static_cast<int *>(value) = pending_error;
    pending_error = pending_after = 0;
  }
  return status;
}
}

namespace evnet_testing {
namespace {

class ConnectFaultsTest : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    const evnet_handle listener = Listen();
    address_ = AddressOf(listener);
    descriptors_ = fixture().OpenDescriptors();
    ASSERT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &handle_), 0);
  }

  void TearDown() override {
    for (Fault *fault : {&socket_fault, &setsockopt_fault, &getsockopt_fault, &bind_fault,
                         &connect_fault, &epoll_ctl_fault, &getpeername_fault, &getsockname_fault})
      *fault = {};
    pending_error = pending_after = 0;
    connects_at_once = false;
  }

  void Connect(const evnet_connect_options *options = nullptr) {
    loop().Clear();
    evnet_poller_connect(poller(), handle_, &address_, options);
  }

  bool RunUntilConnect() {
    return loop().RunUntil([&] { return !loop().Of(handle_).empty(); });
  }

  void ExpectItFailsWith(int error, const evnet_connect_options *options = nullptr) {
    Connect(options);
    ASSERT_TRUE(RunUntilConnect());
    EXPECT_EQ(loop().Story(handle_), std::string("CONNECT=-") + evnet_status_name(-error));
    EXPECT_EQ(fixture().OpenDescriptors(), descriptors_);
  }

  // Also checks that the handle can be detached and leaves nothing.
  void ExpectItConnects() {
    TearDown();
    Connect();
    ASSERT_TRUE(RunUntilConnect());
    EXPECT_EQ(loop().Story(handle_), "CONNECT=0");
    evnet_poller_detach(poller(), handle_);
    ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle_, EVNET_OP_DETACH).empty(); }));
    EXPECT_EQ(fixture().OpenDescriptors(), descriptors_);
  }

  static bool IsUring() { return std::string(GetParam().name) == "io_uring"; }

  evnet_address address_ = {};
  evnet_handle handle_ = {};
  size_t descriptors_ = 0;
};

TEST_P(ConnectFaultsTest, WhatFailsAtOnceIsTold) {
  const struct {
    Fault *fault;
    std::vector<int> errors;
  } cases[] = {
      {&socket_fault, {EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM}},
      {&connect_fault,
       {EACCES, EPERM, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EINVAL}},
      {&epoll_ctl_fault, {ENOMEM, ENOSPC}},
  };
  for (const auto &each : cases) {
    if (each.fault == &epoll_ctl_fault && IsUring()) continue;
    for (const int error : each.errors) {
      *each.fault = {0, 1, error};
      ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(error));
    }
  }
  ExpectItConnects();
}

TEST_P(ConnectFaultsTest, AnOptionThatIsRefusedIsTold) {
  evnet_connect_options options = {};
  options.send_buffer_bytes = 10000;
  setsockopt_fault = {0, 1, ENOMEM};
  ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(ENOMEM, &options));
  ExpectItConnects();
}

TEST_P(ConnectFaultsTest, ASourceThatIsTakenIsTold) {
  const evnet_address source = GetParam().is_tcp() ? ParseAddress("tcp://127.0.0.1:0")
                                                   : ParseAddress("unix://@evnet-connect-faults");
  evnet_connect_options options = {};
  options.source = &source;
  for (const int error : {EADDRINUSE, EADDRNOTAVAIL, EACCES}) {
    bind_fault = {0, 1, error};
    ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(error, &options));
  }
  ExpectItConnects();
}

TEST_P(ConnectFaultsTest, WhatFailsLaterIsTold) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket connects immediately";
  for (const int error : {ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH}) {
    pending_error = error;
    ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(error));
  }
  ExpectItConnects();
}

TEST_P(ConnectFaultsTest, ALookAtTheResultThatFailsIsReported) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket connects immediately";
  for (Fault *fault : {&getsockopt_fault, &getpeername_fault, &getsockname_fault}) {
    *fault = {0, 1, ENOBUFS};
    ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(ENOBUFS));
  }
  // A reset comes between the first getsockopt(SO_ERROR) and getpeername(2).
  getpeername_fault = {0, 1, ENOTCONN};
  pending_error = ECONNRESET;
  pending_after = 1;
  ASSERT_NO_FATAL_FAILURE(ExpectItFailsWith(ECONNRESET));
  ExpectItConnects();
}

TEST_P(ConnectFaultsTest, ADatagramSocketThatCannotBeMadeIsReported) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "once is enough";
  const UdpClient peer;
  const evnet_address to = peer.Address();
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_reserve(poller(), EVNET_TRANSPORT_UDP, &handle), 0);
  evnet_connect_options options = {};
  options.udp_broadcast = true;
  const auto expect = [&](int error) {
    loop().Clear();
    evnet_poller_connect(poller(), handle, &to, &options);
    ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle).empty(); }));
    EXPECT_EQ(loop().Of(handle).front().op, EVNET_OP_CONNECT);
    EXPECT_EQ(loop().Of(handle).front().result, -error);
  };
  const size_t descriptors = fixture().OpenDescriptors();
  for (Fault *fault : {&socket_fault, &setsockopt_fault, &connect_fault}) {
    *fault = {0, 1, ENOBUFS};
    ASSERT_NO_FATAL_FAILURE(expect(ENOBUFS));
    EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
  }
  ASSERT_NO_FATAL_FAILURE(expect(0));
}

// Only epoll has a registration that the move has to change.
TEST_P(ConnectFaultsTest, AMoveThatFailsLeavesTheConnectionWhereItIs) {
  if (IsUring()) GTEST_SKIP() << "only epoll does this";
  Connect();
  ASSERT_TRUE(RunUntilConnect());
  ASSERT_EQ(loop().Story(handle_), "CONNECT=0");
  evnet_handle to = {};
  ASSERT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &to), 0);
  epoll_ctl_fault = {0, 1, ENOMEM};
  EXPECT_EQ(evnet_poller_connect_move(poller(), handle_, to), -ENOMEM);
  EXPECT_EQ(evnet_poller_descriptor(poller(), to), -EBADF);
  EXPECT_GE(evnet_poller_descriptor(poller(), handle_), 0);
  EXPECT_EQ(evnet_poller_connect_move(poller(), handle_, to), 0);
  EXPECT_GE(evnet_poller_descriptor(poller(), to), 0);
}

TEST_P(ConnectFaultsTest, AnInterruptedConnectGoesOn) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket connects immediately";
  // The kernel has not started the connect, so the poller only waits for it.
  connect_fault = {0, 1, EINTR};
  Connect();
  loop().Turn(0);
  evnet_poller_connect_stop(poller(), handle_);
  ASSERT_TRUE(RunUntilConnect());
  EXPECT_EQ(loop().Of(handle_).size(), 1u);
  EXPECT_EQ(loop().Of(handle_).front().op, EVNET_OP_CONNECT);
  EXPECT_LT(loop().Of(handle_).front().result, 0);
  ExpectItConnects();
}

// Some systems connect immediately over loopback.
TEST_P(ConnectFaultsTest, OneThatIsThroughWhenTheCallReturnsIsTold) {
  connects_at_once = true;
  Connect();
  ASSERT_TRUE(RunUntilConnect());
  EXPECT_EQ(loop().Story(handle_), "CONNECT=0");
  evnet_poller_detach(poller(), handle_);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle_, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors_);
}

TEST_P(ConnectFaultsTest, AFalseAlarmIsPassedOver) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket connects immediately";
  // The first check finds that the socket is not connected.
  getpeername_fault = {0, 1, ENOTCONN};
  Connect();
  loop().Turn(0);
  EXPECT_EQ(loop().Story(handle_), "");
  evnet_poller_connect_stop(poller(), handle_);
  ASSERT_TRUE(RunUntilConnect());
  EXPECT_EQ(loop().Story(handle_), "CONNECT=-ECANCELED");
  ExpectItConnects();
}

INSTANTIATE_TEST_SUITE_P(Backends, ConnectFaultsTest, ::testing::ValuesIn(AcceptCallBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
