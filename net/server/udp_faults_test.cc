// UDP sockets while the system refuses to receive, to receive many datagrams in one call, or to
// wait for room. Wrapped recvmmsg(2), recvmsg(2), sendmmsg(2) and epoll_ctl(2) fail (the linker's
// --wrap).
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>
#include <string>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/server.h"

namespace {

std::atomic<int> batch_error{0};   // errno of recvmmsg and sendmmsg; 0 for none
std::atomic<int> single_error{0};  // errno of recvmsg
std::atomic<int> send_error{0};    // errno of sendmmsg
std::atomic<int> change_error{0};  // errno of epoll_ctl with EPOLL_CTL_MOD
std::atomic<int> failed_calls{0};

bool Fails(int error) {
  if (error == 0) return false;
  failed_calls++;
  errno = error;
  return true;
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

int __wrap_recvmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags,
                    timespec *timeout) {
  if (Fails(batch_error)) return -1;
  return __real_recvmmsg(descriptor, messages, count, flags, timeout);
}

int __wrap_sendmmsg(int descriptor, mmsghdr *messages, unsigned int count, int flags) {
  if (Fails(batch_error) || Fails(send_error)) return -1;
  return __real_sendmmsg(descriptor, messages, count, flags);
}

int __real_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event);

int __wrap_epoll_ctl(int epoll, int operation, int descriptor, epoll_event *event) {
  if (operation == EPOLL_CTL_MOD && Fails(change_error)) return -1;
  return __real_epoll_ctl(epoll, operation, descriptor, event);
}

ssize_t __wrap_recvmsg(int descriptor, msghdr *message, int flags) {
  if (Fails(single_error)) return -1;
  return __real_recvmsg(descriptor, message, flags);
}
}

namespace evnet_testing {
namespace {

class UdpFaults : public ::testing::Test {
 protected:
  void TearDown() override {
    batch_error = single_error = send_error = change_error = failed_calls = 0;
  }
};

TEST_F(UdpFaults, ASandboxThatRefusesTheCallsForManyIsServedByTheOthers) {
  for (const int error : {ENOSYS, EPERM}) {
    batch_error = error;
    failed_calls = 0;
    Server server(Echo(), {}, {"udp://127.0.0.1:0"});
    UdpClient client;
    for (int i = 0; i < 100; i++) client.Send(server.address(), std::to_string(i));
    for (int i = 0; i < 100; i++) EXPECT_EQ(client.Receive(), std::to_string(i));
    EXPECT_EQ(server.Stop(0), 0);
    // One recvmmsg, one sendmmsg, and one sendmmsg that probes if the system supports the call.
    EXPECT_EQ(failed_calls, 3);
    EXPECT_EQ(server.stats().datagrams_dropped, 0u);
    EXPECT_EQ(server.stats().datagrams_sent, 100u);
  }
}

TEST_F(UdpFaults, ASocketThatCannotBeReceivedFromIsTriedAgainInPausesAndLoggedOnce) {
  Server server(Echo(), {}, {"udp://127.0.0.1:0"});
  UdpClient client;
  const int64_t begin_ms = NowMs();
  batch_error = single_error = ENOMEM;
  client.Send(server.address(), "hello");
  EXPECT_TRUE(WaitUntil([] { return failed_calls >= 8; })) << "the call is retried";
  const uint64_t turns = server.stats().turns;
  EXPECT_FALSE(client.Readable(300));
  const int64_t took_ms = NowMs() - begin_ms;
  EXPECT_LE(server.stats().turns - turns, static_cast<uint64_t>(took_ms / 100 + 2) * 3);
  batch_error = single_error = 0;
  EXPECT_EQ(client.Receive(), "hello");
  EXPECT_EQ(server.Stop(0), 0);
  const std::string log = server.log().Text();
  const std::string line = "cannot receive on '" + FormatAddress(server.address()) + "': ";
  EXPECT_NE(log.find(line), std::string::npos) << log;
  if (took_ms < EVNET_LOG_LIMIT_MS) {
    EXPECT_EQ(log.find(line), log.rfind(line)) << log;
  }
}

// The kernel would not report that there is room.
TEST_F(UdpFaults, WhereRoomCannotBeWaitedForQueuedDatagramsAreDroppedAndTheSocketGoesOn) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    (void)Take(conn);
    for (const char *answer : {"a", "bb", "ccc"}) Write(conn, answer);
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.backend = EVNET_BACKEND_EPOLL;
  const Server server(callbacks, options, {"udp://127.0.0.1:0"});
  UdpClient client;
  send_error = EAGAIN;
  change_error = ENOMEM;
  client.Send(server.address(), "x");
  EXPECT_TRUE(WaitUntil([&] { return server.stats().datagrams_dropped == 3; }));
  send_error = change_error = 0;
  client.Send(server.address(), "y");
  for (const char *answer : {"a", "bb", "ccc"}) EXPECT_EQ(client.Receive(), answer);
  // The client may receive before the server counts.
  EXPECT_TRUE(WaitUntil([&] { return server.stats().datagrams_sent == 3; }));
}

TEST_F(UdpFaults, AServerStopsWhileASocketCannotBeReceivedFrom) {
  Server server(Echo(), {}, {"udp://127.0.0.1:0"});
  UdpClient client;
  batch_error = single_error = ENOMEM;
  client.Send(server.address(), "hello");
  EXPECT_TRUE(WaitUntil([] { return failed_calls >= 4; }));
  EXPECT_EQ(server.Stop(5000), 0);
}

TEST_F(UdpFaults, ADialledSocketThatCannotBeReceivedFromIsClosedWithTheReason) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    batch_error = single_error = ENOMEM;
    EXPECT_EQ(evnet_conn_send_to(conn, nullptr, "x", 1), -EISCONN);
    journal.Add("open");
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int reason) {
    journal.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  const Server server(callbacks);
  UdpClient peer, other;
  const std::string address = FormatAddress(peer.Address());
  evnet_dial_options options = {};
  const std::string source = FormatAddress(other.Address());
  other.Close();
  options.source = source.c_str();
  EXPECT_EQ(evnet_server_dial(server.get(), address.c_str(), &options, nullptr, nullptr), 0);
  ASSERT_TRUE(journal.WaitFor("open"));
  peer.Send(ParseAddress(source), "hello");
  EXPECT_TRUE(journal.WaitFor("ENOMEM"));
}

}  // namespace
}  // namespace evnet_testing
