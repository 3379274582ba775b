// The poller's other system calls fail as their manual pages describe, or do less than requested.
// The linker (--wrap) replaces the calls.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/fault.h"

namespace {

using evnet_testing::Fault;

Fault epoll_create1_fault, eventfd_fault, epoll_ctl_fault, epoll_wait_fault, socket_fault,
    setsockopt_fault, bind_fault, listen_fault, mmap_fault, recv_fault, send_fault,
    getsockname_fault, getsockopt_fault, fcntl_fault;
bool interrupt_every_other = false;  // applies to recv and send
bool one_byte_recv = false;          // applies to Unix sockets
bool one_byte_send = false;
unsigned interrupts = 0;

bool Interrupted() {
  if (!interrupt_every_other || ++interrupts % 2 == 0) return false;
  errno = EINTR;
  return true;
}

size_t Cut(bool one_byte, size_t size) { return one_byte ? std::min<size_t>(size, 1) : size; }

}  // namespace

extern "C" {
EVNET_WRAP(int, epoll_create1, (int flags), (flags))
EVNET_WRAP(int, eventfd, (unsigned value, int flags), (value, flags))
EVNET_WRAP(int, epoll_ctl, (int epoll, int operation, int descriptor, epoll_event *event),
           (epoll, operation, descriptor, event))
EVNET_WRAP(int, epoll_wait, (int epoll, epoll_event *events, int count, int timeout_ms),
           (epoll, events, count, timeout_ms))
EVNET_WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
EVNET_WRAP(int, setsockopt,
           (int descriptor, int level, int name, const void *value, socklen_t size),
           (descriptor, level, name, value, size))
EVNET_WRAP(int, bind, (int descriptor, const sockaddr *address, socklen_t size),
           (descriptor, address, size))
EVNET_WRAP(int, listen, (int descriptor, int backlog), (descriptor, backlog))
EVNET_WRAP(int, getsockopt, (int descriptor, int level, int name, void *value, socklen_t *size),
           (descriptor, level, name, value, size))
EVNET_WRAP(int, getsockname, (int descriptor, sockaddr *address, socklen_t *size),
           (descriptor, address, size))

int __real_fcntl(int descriptor, int command, ...);
int __wrap_fcntl(int descriptor, int command, ...);
int __wrap_fcntl(int descriptor, int command, ...) {
  if (fcntl_fault.Strikes()) return -1;
  va_list arguments;
  va_start(arguments, command);
  void *const argument = va_arg(arguments, void *);  // an int is passed in the same way
  va_end(arguments);
  return __real_fcntl(descriptor, command, argument);
}

void *__real_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset) {
  if (mmap_fault.Strikes()) return MAP_FAILED;
  return __real_mmap(address, size, protection, flags, descriptor, offset);
}

ssize_t __real_recv(int descriptor, void *data, size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags) {
  if (recv_fault.Strikes() || Interrupted()) return -1;
  return __real_recv(descriptor, data, Cut(one_byte_recv, size), flags);
}

ssize_t __real_recvmsg(int descriptor, msghdr *message, int flags);
ssize_t __wrap_recvmsg(int descriptor, msghdr *message, int flags);
ssize_t __wrap_recvmsg(int descriptor, msghdr *message, int flags) {
  if (recv_fault.Strikes() || Interrupted()) return -1;
  if (!one_byte_recv) return __real_recvmsg(descriptor, message, flags);
  iovec piece = {message->msg_iov->iov_base, Cut(true, message->msg_iov->iov_len)};
  msghdr cut = *message;
  cut.msg_iov = &piece;
  const ssize_t got = __real_recvmsg(descriptor, &cut, flags);
  message->msg_flags = cut.msg_flags | MSG_CTRUNC;
  return got;
}

ssize_t __real_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags) {
  if (send_fault.Strikes() || Interrupted()) return -1;
  return __real_send(descriptor, data, Cut(one_byte_send, size), flags);
}

ssize_t __real_sendmsg(int descriptor, const msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const msghdr *message, int flags) {
  if (send_fault.Strikes() || Interrupted()) return -1;
  if (!one_byte_send) return __real_sendmsg(descriptor, message, flags);
  return __real_send(descriptor, message->msg_iov->iov_base, Cut(true, message->msg_iov->iov_len),
                     flags);
}
}

namespace evnet_testing {
namespace {

class SyscallFaultsTest : public ContractTest {
 protected:
  void TearDown() override {
    for (Fault *fault :
         {&epoll_create1_fault, &eventfd_fault, &epoll_ctl_fault, &epoll_wait_fault, &socket_fault,
          &setsockopt_fault, &bind_fault, &listen_fault, &mmap_fault, &recv_fault, &send_fault,
          &getsockname_fault, &getsockopt_fault, &fcntl_fault}) {
      *fault = {};
    }
    interrupt_every_other = one_byte_recv = one_byte_send = false;
  }

  bool RunUntilOp(evnet_handle handle, evnet_op op) {
    return loop().RunUntil([this, handle, op] { return !loop().Of(handle, op).empty(); });
  }

  // Sends `data`, three pieces at a time, alternately by send and send_start, until the peer has
  // received all of it.
  void ExpectDelivered(const Connection &connection, const std::string &data) {
    size_t sent = 0;
    iovec pieces[3];
    evnet_send send = {{pieces}, 3};
    const auto fill = [&] {
      const size_t part = std::max<size_t>((data.size() - sent) / 3, 1);
      send.count = 0;
      for (size_t at = sent; at < data.size() && send.count < 3; at += part) {
        pieces[send.count++] = {const_cast<char *>(data.data()) + at,
                                std::min(part, data.size() - at)};
      }
    };
    const auto go_on = [&] {
      if (sent == data.size()) return;
      fill();
      const int64_t taken = evnet_poller_send(poller(), connection.handle, pieces, send.count);
      ASSERT_GE(taken, 0);
      sent += static_cast<size_t>(taken);
      if (sent == data.size()) return;
      fill();
      evnet_poller_send_start(poller(), connection.handle, &send);
    };
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_SEND || !(event.handle == connection.handle)) return;
      ASSERT_GE(event.result, 0);
      sent += static_cast<size_t>(event.result);
      go_on();
    });
    go_on();
    std::string got;
    loop().RunUntil([&] {
      got += connection.peer->TryReceive();
      return got.size() >= data.size();
    });
    loop().OnEvent(nullptr);
    EXPECT_TRUE(got == data);
  }

  void ExpectReceived(const Connection &connection, const std::string &data) {
    evnet_poller_recv_start(poller(), connection.handle);
    connection.peer->Send(data);
    connection.peer->ShutdownWrite();
    ASSERT_TRUE(loop().RunUntil([&] {
      const std::vector<Event> events = loop().Of(connection.handle, EVNET_OP_RECV);
      return !events.empty() && !events.back().more;
    }));
    EXPECT_TRUE(loop().Data(connection.handle) == data);
  }
};

TEST_P(SyscallFaultsTest, CreateFailsCleanly) {
  const struct {
    Fault *fault;
    std::vector<int> errors;
  } cases[] = {{&epoll_create1_fault, {EMFILE, ENFILE, ENOMEM}},
               {&eventfd_fault, {EMFILE, ENFILE, ENODEV, ENOMEM}},
               {&epoll_ctl_fault, {ENOMEM, ENOSPC}},
               {&mmap_fault, {ENOMEM}}};
  const size_t before = fixture().OpenDescriptors();
  for (const auto &[fault, errors] : cases) {
    for (const int error : errors) {
      *fault = {0, 1, error};
      evnet_poller_options options = {};
      evnet_poller *made = nullptr;
      EXPECT_EQ(GetParam().create(&options, &made), -error);
      EXPECT_EQ(fault->count, 0);
      EXPECT_EQ(fixture().OpenDescriptors(), before);
    }
  }
}

TEST_P(SyscallFaultsTest, ListenFailsCleanlyAndCanBeTriedAgain) {
  const struct {
    Fault *fault;
    int calls;
    std::vector<int> errors;
  } cases[] = {
      {&socket_fault, 1, {EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT}},
      {&setsockopt_fault, 12, {ENOBUFS, ENOMEM, ENOPROTOOPT}},
      {&bind_fault, 1, {EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOMEM}},
      {&listen_fault, 1, {EADDRINUSE, EOPNOTSUPP}},
      {&epoll_ctl_fault, 1, {ENOMEM, ENOSPC}}};
  evnet_poller_options poller_options = {};
  poller_options.handles_max = 2;
  Open(poller_options);
  const evnet_address address = fixture().Loopback();
  evnet_listen_options options = {};
  options.send_buffer_bytes = options.receive_buffer_bytes = 10000;
  options.keepalive_idle_s = options.keepalive_interval_s = options.keepalive_count = 10;
  options.user_timeout_ms = options.notsent_lowat_bytes = 10000;
  options.fast_open_queue_max = options.defer_accept_s = 10;
  const size_t before = fixture().OpenDescriptors();
  evnet_handle handle = {};
  for (const bool used : {false, true}) {  // with a fresh index, and with a reused one
    for (const auto &[fault, calls, errors] : cases) {
      for (int call = 0; call < calls; call++) {
        for (const int error : errors) {
          *fault = {call, 1, error};
          EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &handle), -error);
          EXPECT_EQ(fault->count, 0) << error;
          EXPECT_EQ(fixture().OpenDescriptors(), before);
        }
      }
    }
    ASSERT_EQ(evnet_poller_listen(poller(), &address, &options, &handle), 0);
    EXPECT_EQ(handle.index, 0u);
    evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_DETACH));
    (void)used;
  }
}

TEST_P(SyscallFaultsTest, BindingADatagramSocketFailsCleanlyAndCanBeTriedAgain) {
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("udp://:0", &address, nullptr, 0), 0);
  evnet_listen_options options = {};
  options.send_buffer_bytes = options.receive_buffer_bytes = 10000;
  options.udp_broadcast = true;
  const size_t before = fixture().OpenDescriptors();
  evnet_handle handle = {};
  for (Fault *fault : {&mmap_fault, &epoll_ctl_fault}) {
    *fault = {0, 1, ENOMEM};
    EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &handle), -ENOMEM);
    EXPECT_EQ(fault->count, 0);
    EXPECT_EQ(fixture().OpenDescriptors(), before);
  }
  int calls = 0;
  int refused = 0;
  do {
    setsockopt_fault = {calls++, 1, ENOMEM};
    const size_t now = fixture().OpenDescriptors();
    const int status = evnet_poller_listen(poller(), &address, &options, &handle);
    if (status == 0) continue;  // the socket is used without that option
    EXPECT_EQ(status, -ENOMEM);
    EXPECT_EQ(fixture().OpenDescriptors(), now);
    refused++;
  } while (setsockopt_fault.count == 0 && calls < 20);
  EXPECT_GT(refused, 3);
  EXPECT_EQ(setsockopt_fault.count, 1) << "no call is left to fail";
}

TEST_P(SyscallFaultsTest, AKernelWithoutIp6ListensOnIp4) {
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("tcp://:0", &address, nullptr, 0), 0);
  socket_fault = {0, 1, EAFNOSUPPORT};
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), 0);
  const evnet_address bound = AddressOf(handle);
  EXPECT_EQ(bound.socket.any.sa_family, AF_INET);
  EXPECT_NE(evnet_address_port(&bound), 0);
  evnet_listen_options options = {};
  options.v6only = true;
  socket_fault = {0, 1, EAFNOSUPPORT};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &handle), -EAFNOSUPPORT);
}

TEST_P(SyscallFaultsTest, AttachFailsCleanlyAndTheDescriptorStaysTheCallers) {
  Connection connection = ConnectOnly();
  for (const int error : {ENOMEM, ENOSPC}) {
    epoll_ctl_fault = {0, 1, error};
    EXPECT_EQ(evnet_poller_attach(poller(), connection.descriptor, EVNET_TRANSPORT_TCP,
                                  &connection.handle),
              -error);
    EXPECT_NE(fcntl(connection.descriptor, F_GETFD), -1);
  }
  connection.handle = Attach(connection.descriptor);
  ExpectReceived(connection, "data");
}

TEST_P(SyscallFaultsTest, AdoptFailsCleanlyAndTheDescriptorStaysTheCallers) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  evnet_socket_kind kind = {};
  for (Fault *fault : {&getsockopt_fault, &getsockname_fault}) {
    *fault = {0, 1, ENOBUFS};
    EXPECT_EQ(evnet_poller_identify(poller(), ends[0], &kind), -ENOBUFS);
  }
  ASSERT_EQ(evnet_poller_identify(poller(), ends[0], &kind), 0);
  evnet_handle handle = {};
  for (const int call : {0, 1, 2, 3}) {
    fcntl_fault = {call, 1, EPERM};
    EXPECT_EQ(evnet_poller_adopt(poller(), ends[0], &kind, &handle), -EPERM);
    EXPECT_EQ(fcntl_fault.count, 0);
  }
  epoll_ctl_fault = {0, 1, ENOSPC};
  EXPECT_EQ(evnet_poller_adopt(poller(), ends[0], &kind, &handle), -ENOSPC);
  ASSERT_EQ(evnet_poller_adopt(poller(), ends[0], &kind, &handle), 0);
  EXPECT_EQ(Send(handle, "x"), 1);
  char byte = 0;
  EXPECT_EQ(read(ends[1], &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  (void)close(ends[1]);
}

TEST_P(SyscallFaultsTest, LocalAddressTellsItsError) {
  const evnet_handle listener = Listen();
  getsockname_fault = {0, 1, ENOBUFS};
  evnet_address address = {};
  EXPECT_EQ(evnet_poller_local_address(poller(), listener, &address), -ENOBUFS);
}

TEST_P(SyscallFaultsTest, AFailedWaitIsToldAndLosesNothing) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("data");
  epoll_wait_fault = {0, 1, EINTR};
  EXPECT_EQ(evnet_poller_wait(poller(), 0), 0);
  evnet_completion completion;
  EXPECT_FALSE(evnet_poller_next(poller(), &completion));
  epoll_wait_fault = {0, 1, EBADF};
  EXPECT_EQ(evnet_poller_wait(poller(), 0), -EBADF);
  EXPECT_FALSE(evnet_poller_next(poller(), &completion));
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
  EXPECT_EQ(loop().Data(connection.handle), "data");
}

TEST_P(SyscallFaultsTest, InterruptedCallsLoseNothing) {
  interrupt_every_other = true;
  for (const bool local : {false, true}) {
    const Connection connection = local ? AttachUnix() : Connect();
    ExpectDelivered(connection, Pattern(2000000));
    ExpectReceived(connection, Pattern(100000));
  }
}

TEST_P(SyscallFaultsTest, SendsOfOneByteLoseNothing) {
  for (const bool local : {false, true}) {
    const Connection connection = local ? AttachUnix() : Connect();
    one_byte_send = true;
    ExpectDelivered(connection, Pattern(1000));
    one_byte_send = false;
  }
}

// Each read is cut as if each byte had come with a descriptor. Not on TCP, where a short read
// proves that there is no more data (epoll(7)).
TEST_P(SyscallFaultsTest, UnixReadsCutToOneByteLoseNothing) {
  for (const bool was_stopped : {false, true}) {
    const Connection connection = AttachUnix();
    if (was_stopped) {  // epoll makes such a connection edge-triggered
      connection.peer->Send("x");
      loop().Turn(0);
      evnet_poller_recv_start(poller(), connection.handle);
      ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "x"; }));
      loop().Clear();
    }
    one_byte_recv = true;
    ExpectReceived(connection, Pattern(1000));
    one_byte_recv = false;
  }
}

TEST_P(SyscallFaultsTest, AFailedReadEndsTheConnectionWithItsReason) {
  for (const bool local : {false, true}) {
    for (const int error : {ECONNREFUSED, ECONNRESET, ENOMEM, ENOTCONN, ETIMEDOUT, EHOSTUNREACH}) {
      const Connection connection = local ? AttachUnix() : Connect();
      connection.peer->Send("x");
      evnet_poller_recv_start(poller(), connection.handle);
      recv_fault = {0, 1, error};
      ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
      recv_fault = {};
      const Event event = loop().Of(connection.handle).front();
      EXPECT_EQ(event.result, -error);
      EXPECT_FALSE(event.more);
    }
  }
}

TEST_P(SyscallFaultsTest, AFailedSendIsTold) {
  for (const int error : {ECONNRESET, ENOBUFS, ENOMEM, ENOTCONN, EPIPE, EHOSTUNREACH}) {
    const Connection connection = Connect();
    send_fault = {0, 1, error};
    EXPECT_EQ(Send(connection.handle, "x"), -error);
    char byte[] = "x";
    const iovec piece = {byte, 1};
    const evnet_send send = {{&piece}, 1};
    evnet_poller_send_start(poller(), connection.handle, &send);
    send_fault = {0, 1, error};
    ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_SEND));
    EXPECT_EQ(loop().Of(connection.handle, EVNET_OP_SEND).front().result, -error);
  }
}

// A blocked send on a Unix socket registers for the write event. If that fails, the send must not
// wait forever.
TEST_P(SyscallFaultsTest, ABlockedSendThatCannotBeWatchedIsTriedAgainOrTold) {
  for (const int failures : {1, 1 << 20}) {
    const Connection connection = AttachUnix();
    const std::string taken = SendUntilFull(connection.handle);
    char byte[] = "x";
    const iovec piece = {byte, 1};
    const evnet_send send = {{&piece}, 1};
    loop().Turn(0);
    epoll_ctl_fault = {0, failures, ENOMEM};
    evnet_poller_send_start(poller(), connection.handle, &send);
    loop().Turn(0);
    loop().Turn(0);
    epoll_ctl_fault = {};
    if (failures == 1) {
      EXPECT_EQ(loop().Story(connection.handle), "");
      EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
    }
    ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_SEND));
    EXPECT_EQ(loop().Story(connection.handle), failures == 1 ? "SEND=1" : "SEND=-ENOMEM");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, SyscallFaultsTest, ::testing::ValuesIn(TcpCallBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
