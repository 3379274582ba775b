// The number of system calls for a request, counted by wrapped functions (the linker's --wrap).
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

// Calls of the server's thread.
struct Calls {
  std::atomic<int> recv{0}, recvmsg{0}, send{0}, sendmsg{0}, epoll_ctl{0}, epoll_wait{0}, clock{0};
  std::atomic<int> accept4{0},
      of_accepted{0};  // of_accepted: system calls that query or set up an accepted socket
  void Clear() {
    recv = recvmsg = send = sendmsg = epoll_ctl = epoll_wait = clock = 0;
    accept4 = of_accepted = 0;
  }
} calls;

thread_local bool counted = false;

void Count(std::atomic<int> *calls_of) {
  if (counted) (*calls_of)++;
}

}  // namespace

extern "C" {

ssize_t __real_recv(int, void *, size_t, int);
ssize_t __real_recvmsg(int, struct msghdr *, int);
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __real_sendmsg(int, const struct msghdr *, int);
int __real_epoll_ctl(int, int, int, struct epoll_event *);
int __real_epoll_wait(int, struct epoll_event *, int, int);
int __real_clock_gettime(clockid_t, struct timespec *);
int __real_accept4(int, struct sockaddr *, socklen_t *, int);
int __real_setsockopt(int, int, int, const void *, socklen_t);
int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_getsockname(int, struct sockaddr *, socklen_t *);
int __real_getpeername(int, struct sockaddr *, socklen_t *);

ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags) {
  Count(&calls.recv);
  return __real_recv(descriptor, data, size, flags);
}
ssize_t __wrap_recvmsg(int descriptor, struct msghdr *message, int flags) {
  Count(&calls.recvmsg);
  return __real_recvmsg(descriptor, message, flags);
}
ssize_t __wrap_send(int descriptor, const void *data, size_t size, int flags) {
  Count(&calls.send);
  return __real_send(descriptor, data, size, flags);
}
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags) {
  Count(&calls.sendmsg);
  return __real_sendmsg(descriptor, message, flags);
}
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event) {
  Count(&calls.epoll_ctl);
  return __real_epoll_ctl(epoll, operation, descriptor, event);
}
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms) {
  Count(&calls.epoll_wait);
  return __real_epoll_wait(epoll, events, count, timeout_ms);
}
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
  Count(&calls.clock);
  return __real_clock_gettime(clock, time);
}

int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags) {
  Count(&calls.accept4);
  return __real_accept4(descriptor, address, size, flags);
}
int __wrap_setsockopt(int descriptor, int level, int name, const void *value, socklen_t size) {
  Count(&calls.of_accepted);
  return __real_setsockopt(descriptor, level, name, value, size);
}
int __wrap_getsockopt(int descriptor, int level, int name, void *value, socklen_t *size) {
  Count(&calls.of_accepted);
  return __real_getsockopt(descriptor, level, name, value, size);
}
int __wrap_getsockname(int descriptor, struct sockaddr *address, socklen_t *size) {
  Count(&calls.of_accepted);
  return __real_getsockname(descriptor, address, size);
}
int __wrap_getpeername(int descriptor, struct sockaddr *address, socklen_t *size) {
  Count(&calls.of_accepted);
  return __real_getpeername(descriptor, address, size);
}

}  // extern "C"

namespace evnet_testing {
namespace {

constexpr int kRounds = 50;

// A server of 64-byte requests that replies to each request with one write, and a connection that
// has already exchanged bytes.
class CallCount : public testing::Test {
 protected:
  void Begin(const evnet_options &options = {}, const std::string &address = "tcp://127.0.0.1:0") {
    Callbacks callbacks;
    callbacks.on_open = [](evnet_conn *) {
      counted = true;
      return EVNET_NONE;
    };
    callbacks.on_data = [](evnet_conn *conn) {
      while (evnet_conn_inbound_bytes(conn) >= 64) {
        const evnet_bytes request = evnet_conn_next(conn, 64);
        evnet_conn_write(conn, request.data, request.size);
      }
      return EVNET_NONE;
    };
    server_ = std::make_unique<Server>(callbacks, options, std::vector<std::string>{address});
    client_ = std::make_unique<Client>(server_->address());
    for (int i = 0; i < 3; i++) Ask(1);
  }

  static void ExpectOneRecvAndOneSendEachRound() {
    EXPECT_EQ(calls.recv, kRounds);
    EXPECT_EQ(calls.send, kRounds);
    EXPECT_EQ(calls.sendmsg, 0);
    EXPECT_EQ(calls.epoll_ctl, 0);
    EXPECT_LE(calls.epoll_wait, kRounds + 1);
  }

  // Sends `count` requests in one send.
  void Ask(size_t count) {
    const std::string requests = Pattern(64 * count);
    client_->SendAll(requests);
    ASSERT_EQ(client_->Receive(requests.size()), requests);
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(CallCount, ARequestCostsOneRecvAndOneSendAndNoEpollCtl) {
  Begin();
  calls.Clear();
  for (int i = 0; i < kRounds; i++) Ask(1);
  ExpectOneRecvAndOneSendEachRound();
}

TEST_F(CallCount, OverAUnixSocketARequestCostsOneRecvAndOneSend) {
  const TempDirectory directory;
  Begin({}, "unix://" + directory.File("socket"));
  calls.Clear();
  for (int i = 0; i < kRounds; i++) Ask(i % 2 == 0 ? 1 : 16);
  ExpectOneRecvAndOneSendEachRound();
  EXPECT_EQ(calls.recvmsg, 0);
  EXPECT_EQ(server_->Stop(0), 0);
}

TEST_F(CallCount, SixteenPipelinedRequestsCostTheSame) {
  Begin();
  calls.Clear();
  for (int i = 0; i < kRounds; i++) Ask(16);
  ExpectOneRecvAndOneSendEachRound();
}

TEST_F(CallCount, TheClockIsReadAFewTimesATurnWhateverTheTimeouts) {
  evnet_options options = {};
  options.idle_timeout_ms = options.read_timeout_ms = options.lifetime_ms = 60000;
  Begin(options);
  calls.Clear();
  for (int i = 0; i < kRounds; i++) Ask(16);
  EXPECT_LE(calls.clock, 3 * (kRounds + 1));
  EXPECT_EQ(calls.recv, kRounds);
  EXPECT_EQ(calls.send, kRounds);
}

TEST_F(CallCount, WithoutTimeoutsTheClockIsReadTwiceATurn) {
  evnet_options options = {};
  options.idle_timeout_ms = options.read_timeout_ms = options.lifetime_ms = EVNET_OFF;
  Begin(options);
  calls.Clear();
  for (int i = 0; i < kRounds; i++) Ask(16);
  EXPECT_LE(calls.clock, 2 * (kRounds + 1));
}

TEST_F(CallCount, AConnectionIsRegisteredOnceInItsLife) {
  Begin();
  calls.Clear();
  {
    Client client(server_->port());
    const std::string data = Pattern(4 << 20);  // enough for blocked sends and pauses
    client.SendAll(data);
    client.ShutdownWrite();
    client.Receive(data.size() / 64 * 64);
    client.ReceiveToEnd();
  }
  ASSERT_TRUE(server_->WaitForClosed(1));
  EXPECT_EQ(server_->Stop(0), 0);
  // One call adds the connection, and the stop removes the listener. close(2) removes the
  // connection.
  EXPECT_LE(calls.epoll_ctl, 2);
}

TEST_F(CallCount, AnAcceptedConnectionIsNeitherAskedNorSetAnything) {
  for (const bool reuse_port : {false, true}) {
    evnet_options options = {};
    options.keepalive_idle_s = 60;  // inherited from the listener, so no call is needed
    options.reuse_port = reuse_port;
    Begin(options);
    calls.Clear();
    for (int i = 0; i < kRounds; i++) {
      Client client(server_->port());
      client.SendAll(Pattern(64));
      ASSERT_EQ(client.Receive(64).size(), 64u);
    }
    ASSERT_TRUE(server_->WaitForClosed(kRounds));
    // One call returns the connection, and another returns EAGAIN.
    EXPECT_LE(calls.accept4, 2 * kRounds);
    EXPECT_EQ(calls.of_accepted, 0);
    EXPECT_LE(calls.epoll_ctl, kRounds);
    EXPECT_EQ(calls.send, kRounds);
    // A connection needs three waits: for its connect, its request and its FIN. Closing its handle
    // needs no other wait. Sometimes a wait returns although the last event has covered everything.
    EXPECT_LT(calls.epoll_wait, 4 * kRounds);
  }
}

TEST_F(CallCount, WritesThatWerePostedLeaveTogether) {
  Callbacks callbacks;
  evnet_server *server = nullptr;
  callbacks.on_boot = [&](evnet_server *booted) {
    server = booted;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    counted = true;
    Take(conn);
    for (int i = 0; i < 10; i++) {
      EXPECT_EQ(
          evnet_async_write(server, evnet_conn_get_id(conn), "0123456789", 10, nullptr, nullptr),
          0);
    }
    return EVNET_NONE;
  };
  server_ = std::make_unique<Server>(callbacks);
  client_ = std::make_unique<Client>(server_->port());
  calls.Clear();
  client_->SendAll("go");
  EXPECT_EQ(client_->Receive(100).size(), 100u);
  EXPECT_EQ(server_->Stop(5000), 0);
  EXPECT_EQ(calls.send + calls.sendmsg, 1);
}

}  // namespace
}  // namespace evnet_testing
