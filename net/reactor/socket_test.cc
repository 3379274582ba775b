// A connection's socket: its options, its descriptor, and a duplicate of the descriptor.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/poller/testing/sim.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Socket : public ::testing::Test {
 protected:
  void SetUp() override {
    h.Start();
    pair = h.Connect();
    ASSERT_NE(pair.conn, nullptr);
  }

  int Get(int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(evnet_conn_fd(pair.conn), level, name, &value, &size), 0);
    return value;
  }
  int Tcp(int name) { return Get(IPPROTO_TCP, name); }
  bool Ended() {
    h.Settle();
    pair.client.Read();
    return pair.client.end() != End::kOpen;
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Socket, NodelayIsSwitched) {
  EXPECT_EQ(evnet_conn_set_nodelay(pair.conn, false), 0);
  EXPECT_EQ(Tcp(TCP_NODELAY), 0);
  EXPECT_EQ(evnet_conn_set_nodelay(pair.conn, true), 0);
  EXPECT_EQ(Tcp(TCP_NODELAY), 1);
}

TEST_F(Socket, KeepaliveIsSetLeftAsItIsAndSwitchedOff) {
  const int interval_before = Tcp(TCP_KEEPINTVL);
  EXPECT_EQ(evnet_conn_set_keepalive(pair.conn, 60, 0, 5), 0);
  EXPECT_EQ(Get(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Tcp(TCP_KEEPIDLE), 60);
  EXPECT_EQ(Tcp(TCP_KEEPINTVL), interval_before);
  EXPECT_EQ(Tcp(TCP_KEEPCNT), 5);
  EXPECT_EQ(evnet_conn_set_keepalive(pair.conn, EVNET_OFF, 0, 0), 0);
  EXPECT_EQ(Get(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(Tcp(TCP_KEEPIDLE), 60);
  EXPECT_EQ(evnet_conn_set_keepalive(pair.conn, 0, 10, 0), 0);
  EXPECT_EQ(Get(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Tcp(TCP_KEEPIDLE), 60);
  EXPECT_EQ(Tcp(TCP_KEEPINTVL), 10);
  EXPECT_EQ(Tcp(TCP_KEEPCNT), 5);
  EXPECT_EQ(evnet_conn_set_keepalive(pair.conn, 32767, 32767, 127), 0) << "the bounds themselves";
}

TEST_F(Socket, KeepaliveOutOfRangeChangesNothing) {
  ASSERT_EQ(evnet_conn_set_keepalive(pair.conn, 60, 10, 5), 0);
  const int bad[][3] = {{32768, 1, 1}, {-2, 1, 1}, {1, 32768, 1},     {1, -1, 1},
                        {1, 1, 128},   {1, 1, -1}, {EVNET_OFF, -1, 1}};
  for (const auto &each : bad) {
    EXPECT_EQ(evnet_conn_set_keepalive(pair.conn, each[0], each[1], each[2]), -EINVAL);
    EXPECT_EQ(Get(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(Tcp(TCP_KEEPIDLE), 60);
    EXPECT_EQ(Tcp(TCP_KEEPINTVL), 10);
    EXPECT_EQ(Tcp(TCP_KEEPCNT), 5);
  }
}

TEST_F(Socket, HopsAndTrafficClassAreSet) {
  EXPECT_EQ(evnet_conn_set_hops(pair.conn, 3), 0);
  EXPECT_EQ(Get(IPPROTO_IP, IP_TTL), 3);
  EXPECT_EQ(evnet_conn_set_traffic_class(pair.conn, 0xb8), 0);
  EXPECT_EQ(Get(IPPROTO_IP, IP_TOS), 0xb8);
  for (const int bad : {-1, 0, 256}) EXPECT_EQ(evnet_conn_set_hops(pair.conn, bad), -EINVAL);
  for (const int bad : {-1, 256}) EXPECT_EQ(evnet_conn_set_traffic_class(pair.conn, bad), -EINVAL);
  EXPECT_EQ(evnet_conn_set_broadcast(pair.conn, true), -EOPNOTSUPP);
}

TEST_F(Socket, TheUserTimeoutIsSetAndTakenBack) {
  EXPECT_EQ(evnet_conn_set_user_timeout(pair.conn, 1234), 0);
  EXPECT_EQ(Tcp(TCP_USER_TIMEOUT), 1234);
  for (const int64_t bad : {int64_t{-2}, int64_t{EVNET_TIMEOUT_MS_MAX} + 1, INT64_MAX}) {
    EXPECT_EQ(evnet_conn_set_user_timeout(pair.conn, bad), -EINVAL);
    EXPECT_EQ(Tcp(TCP_USER_TIMEOUT), 1234);
  }
  EXPECT_EQ(evnet_conn_set_user_timeout(pair.conn, EVNET_OFF), 0);
  EXPECT_EQ(Tcp(TCP_USER_TIMEOUT), 0);
  EXPECT_EQ(evnet_conn_set_user_timeout(pair.conn, EVNET_TIMEOUT_MS_MAX), 0);
  EXPECT_EQ(Tcp(TCP_USER_TIMEOUT), EVNET_TIMEOUT_MS_MAX);
}

TEST_F(Socket, NotsentLowatIsSetAndTakenBack) {
  EXPECT_EQ(evnet_conn_set_notsent_lowat(pair.conn, 16384), 0);
  EXPECT_EQ(Tcp(TCP_NOTSENT_LOWAT), 16384);
  EXPECT_EQ(evnet_conn_set_notsent_lowat(pair.conn, -1), -EINVAL);
  EXPECT_EQ(Tcp(TCP_NOTSENT_LOWAT), 16384);
  EXPECT_EQ(evnet_conn_set_notsent_lowat(pair.conn, 0), 0);
  EXPECT_EQ(Tcp(TCP_NOTSENT_LOWAT), 0);
}

TEST_F(Socket, BuffersAreSetEachByItself) {
  const int receive_before = Get(SOL_SOCKET, SO_RCVBUF);
  EXPECT_EQ(evnet_conn_set_buffers(pair.conn, 20000, 0), 0);
  EXPECT_EQ(Get(SOL_SOCKET, SO_SNDBUF), 40000);  // doubled: socket(7)
  EXPECT_EQ(Get(SOL_SOCKET, SO_RCVBUF), receive_before);
  EXPECT_EQ(evnet_conn_set_buffers(pair.conn, 0, 30000), 0);
  EXPECT_EQ(Get(SOL_SOCKET, SO_SNDBUF), 40000);
  EXPECT_EQ(Get(SOL_SOCKET, SO_RCVBUF), 60000);
  EXPECT_EQ(evnet_conn_set_buffers(pair.conn, -1, 10000), -EINVAL);
  EXPECT_EQ(evnet_conn_set_buffers(pair.conn, 10000, -1), -EINVAL);
  EXPECT_EQ(Get(SOL_SOCKET, SO_SNDBUF), 40000);
  EXPECT_EQ(Get(SOL_SOCKET, SO_RCVBUF), 60000);
}

// on_close may still use the socket, to read what the kernel knows of the ended connection.
TEST_F(Socket, TheDescriptorIsThereUntilOnCloseReturns) {
  int error = -1;
  h.on.close = [&](evnet_conn *conn, int) {
    tcp_info info = {};
    socklen_t size = sizeof info;
    error = getsockopt(evnet_conn_fd(conn), IPPROTO_TCP, TCP_INFO, &info, &size);
    EXPECT_EQ(evnet_conn_set_nodelay(conn, false), 0);
    return EVNET_NONE;
  };
  h.Abort(pair.conn);
  h.Settle();
  EXPECT_EQ(error, 0);
  EXPECT_TRUE(Ended());
}

TEST_F(Socket, ItsTcpInfoIsToldWhileItIsOpenAndOnceMoreInOnClose) {
  evnet_tcp_info info = {};
  ASSERT_EQ(evnet_conn_tcp_info(pair.conn, &info), 0);
  EXPECT_EQ(info.state, EVNET_TCP_ESTABLISHED);
  EXPECT_GT(info.rtt_us, 0u);
  pair.client.Write("12345");
  ASSERT_TRUE(h.Until([&] { return h.Of(pair).received == "12345"; }));
  ASSERT_EQ(evnet_conn_tcp_info(pair.conn, &info), 0);
  EXPECT_EQ(info.received_bytes, 5u);
  int status = -1;
  h.on.close = [&](evnet_conn *conn, int) {
    status = evnet_conn_tcp_info(conn, &info);
    return EVNET_NONE;
  };
  pair.client.Reset();
  ASSERT_TRUE(h.Until([&] { return h.Of(pair).closed == 1; }));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(info.state, EVNET_TCP_CLOSED);
  EXPECT_EQ(info.received_bytes, 5u);
}

TEST_F(Socket, ADuplicateIsTheCallersAndOutlivesTheConnection) {
  const int duplicate = evnet_conn_dup(pair.conn);
  ASSERT_GE(duplicate, 0);
  EXPECT_NE(duplicate, evnet_conn_fd(pair.conn));
  EXPECT_TRUE(fcntl(duplicate, F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(Write(pair.conn, "from evnet, "), 12);
  h.Close(pair.conn);
  EXPECT_TRUE(h.Until([&] { return Ended(); })) << "the duplicate must not delay the FIN";
  pair.client.Shutdown();
  EXPECT_TRUE(h.Until([&] { return h.Of(pair).closed == 1; }));
  h.Settle();
  int type = 0;
  socklen_t size = sizeof type;
  EXPECT_EQ(getsockopt(duplicate, SOL_SOCKET, SO_TYPE, &type, &size), 0);
  EXPECT_EQ(type, SOCK_STREAM);
  char byte;
  EXPECT_EQ(recv(duplicate, &byte, 1, MSG_DONTWAIT), 0) << "the socket has been shut down";
  Harness::Pair next = h.Connect();
  EXPECT_NE(evnet_conn_fd(next.conn), duplicate);
  EXPECT_EQ(close(duplicate), 0);
}

TEST_F(Socket, AnAbortResetsThePeerThoughThereIsADuplicate) {
  const int duplicate = evnet_conn_dup(pair.conn);
  ASSERT_GE(duplicate, 0);
  evnet_conn_abort(pair.conn);
  EXPECT_TRUE(h.Until([&] { return Ended(); }));
  EXPECT_EQ(pair.client.end(), End::kReset);
  EXPECT_EQ(close(duplicate), 0);
}

TEST_F(Socket, WithoutADescriptorLeftThereIsNoDuplicate) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const int status = evnet_conn_dup(pair.conn);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status, -EMFILE);
}

// A simulated socket has options but no descriptor.
TEST(SimulatedSocket, RemembersOptionsAndHasNoDescriptor) {
  const evnet_sim_options sim_options = {};
  evnet_sim *sim = evnet_sim_create(&sim_options);
  evnet_handler handler = {};
  handler.on_open = [](evnet_conn *conn, void *user) {
    EXPECT_EQ(evnet_conn_set_nodelay(conn, true), 0);
    EXPECT_EQ(evnet_conn_set_keepalive(conn, 60, 0, 5), 0);
    EXPECT_EQ(evnet_conn_fd(conn), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_dup(conn), -EOPNOTSUPP);
    *static_cast<bool *>(user) = true;
    return EVNET_NONE;
  };
  bool opened = false;
  evnet_reactor_options options = {};
  options.kernel = evnet_sim_kernel(sim);
  evnet_reactor *reactor = nullptr;
  ASSERT_EQ(evnet_reactor_create(&handler, &opened, &options, &reactor), 0);
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("tcp4://127.0.0.1:0", &address, nullptr, 0), 0);
  ASSERT_EQ(evnet_reactor_listen(reactor, &address, nullptr, &address), 0);
  evnet_reactor_accept_resume(reactor);
  evnet_sim_socket *client = nullptr;
  ASSERT_EQ(evnet_sim_connect(sim, evnet_address_port(&address), 1, &client), 0);
  for (int i = 0; i < 100 && !opened; i++) {
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + 1000000);
    ASSERT_EQ(evnet_reactor_turn(reactor, 0), 1);
  }
  EXPECT_TRUE(opened);
  EXPECT_EQ(evnet_sim_option(client, EVNET_SOCKET_NODELAY), 1);
  EXPECT_EQ(evnet_sim_option(client, EVNET_SOCKET_KEEPALIVE), 1);
  EXPECT_EQ(evnet_sim_option(client, EVNET_SOCKET_KEEPALIVE_IDLE_S), 60);
  EXPECT_EQ(evnet_sim_option(client, EVNET_SOCKET_KEEPALIVE_INTERVAL_S), 0);
  EXPECT_EQ(evnet_sim_option(client, EVNET_SOCKET_KEEPALIVE_COUNT), 5);
  evnet_reactor_destroy(reactor);
  EXPECT_EQ(evnet_sim_failure(sim), nullptr);
  evnet_sim_destroy(sim);
}

}  // namespace
}  // namespace evnet_testing
