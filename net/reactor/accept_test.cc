// Accepting: the path of a connection from the backlog to on_open, and recovery after the system
// ran out of descriptors or memory.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Accept : public ::testing::Test {
 protected:
  Harness h;
};

TEST_F(Accept, IsPausedAtFirstAndTriesAtOnceWhenResumed) {
  h.Start();
  evnet_reactor_accept_pause(h.reactor());
  Client client = h.ConnectOnly();
  h.Settle();
  EXPECT_EQ(h.open_count(), 0u);
  evnet_reactor_accept_pause(h.reactor());
  evnet_reactor_accept_resume(h.reactor());
  evnet_reactor_accept_resume(h.reactor());
  h.Until([&] { return h.open_count() == 1; });
}

TEST_F(Accept, KnowsThePeer) {
  h.Start();
  Harness::Pair pair = h.Connect();
  evnet_address remote;
  evnet_conn_remote_address(pair.conn, &remote);
  EXPECT_EQ(evnet_address_port(&remote), pair.client.port());
  EXPECT_EQ(remote.socket.ip4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  evnet_address local;
  ASSERT_EQ(evnet_conn_local_address(pair.conn, &local), 0);
  EXPECT_EQ(evnet_address_port(&local), evnet_address_port(&h.address()));
  EXPECT_EQ(evnet_conn_listener_index(pair.conn), 0);
  EXPECT_EQ(evnet_conn_reactor(pair.conn), h.reactor());
  EXPECT_EQ(evnet_conn_user(pair.conn), nullptr);
  evnet_conn_set_user(pair.conn, &h);
  EXPECT_EQ(evnet_conn_user(pair.conn), &h);
}

TEST_F(Accept, ThePeersAddressOutlivesItsReset) {
  h.Start();
  Harness::Pair pair = h.Connect();
  const uint16_t port = pair.client.port();
  uint16_t seen = 0;
  h.on.close = [&](evnet_conn *conn, int) {
    evnet_address remote;
    evnet_conn_remote_address(conn, &remote);
    seen = evnet_address_port(&remote);
    return EVNET_NONE;
  };
  pair.client.Reset();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(seen, port);
}

TEST_F(Accept, RemembersIp6PeersAndTheirZones) {
  h.owner.accepted = [](void *context, int descriptor, const evnet_address *, evnet_origin origin) {
    Harness *self = static_cast<Harness *>(context);
    evnet_address peer = {};
    EXPECT_EQ(evnet_address_parse(
                  origin.listener_index == 0 ? "tcp://[fe80::1234%7]:99" : "tcp://[2001:db8::1]:9",
                  &peer, nullptr, 0),
              0);
    EXPECT_EQ(evnet_reactor_open(self->reactor(), descriptor, &peer, {EVNET_LISTENER_NONE, 0}), 0);
  };
  h.owner.context = &h;
  h.Start();
  Harness::Pair pair = h.Connect();
  evnet_address remote;
  evnet_conn_remote_address(pair.conn, &remote);
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&remote, text, sizeof text);
  evnet_address expected = {};
  ASSERT_EQ(evnet_address_parse("tcp://[fe80::1234%7]:99", &expected, nullptr, 0), 0);
  EXPECT_EQ(memcmp(&remote.socket.ip6, &expected.socket.ip6, sizeof remote.socket.ip6), 0) << text;
  EXPECT_EQ(evnet_conn_listener_index(pair.conn), -1);
}

TEST_F(Accept, IdsDifferForEveryConnectionAndCarryTheReactorsIndex) {
  h.owner.reactor_index = 7;
  h.Start();
  uint64_t last = 0;
  for (int i = 0; i < 5; i++) {
    Harness::Pair pair = h.Connect();
    const struct evnet_conn_id id = evnet_conn_get_id(pair.conn);
    EXPECT_EQ(id.reactor, 7u);
    EXPECT_GT(id.generation, last);
    last = id.generation;
    pair.client.Close();
    h.Until([&] { return h.Of(pair).closed == 1; });
  }
}

class AcceptStarved : public Accept, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override { EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN(); }
};

TEST_P(AcceptStarved, IsTriedAgainAfterATenthOfASecondAndDoesNotSpin) {
  TheKernel().StopClock();
  h.on.data = [](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair served = h.Connect();
  TheKernel().on_accept = [] { return -GetParam(); };
  Client client = h.ConnectOnly();
  h.Until([&] { return TheKernel().accepts >= 3; });  // one accept more than before
  const size_t accepts = TheKernel().accepts;
  TheKernel().Advance(99);
  h.Turns(100);
  EXPECT_EQ(TheKernel().accepts, accepts);
  served.client.Write("still served");
  EXPECT_EQ(h.ReadExactly(&served.client, 12), "still served");
  TheKernel().Advance(2);
  h.Turns(100);
  EXPECT_EQ(TheKernel().accepts, accepts + 1);
  TheKernel().on_accept = nullptr;
  h.Turns(10);
  EXPECT_EQ(h.open_count(), 1u);
  TheKernel().Advance(101);
  h.Until([&] { return h.open_count() == 2; });
}

TEST_P(AcceptStarved, APauseAndResumeMeanwhileDoNotHurryIt) {
  TheKernel().StopClock();
  h.Start();
  TheKernel().on_accept = [] { return -GetParam(); };
  Client client = h.ConnectOnly();
  h.Until([&] { return TheKernel().accepts >= 1; });
  h.Settle();
  const size_t accepts = TheKernel().accepts;
  evnet_reactor_accept_pause(h.reactor());
  evnet_reactor_accept_resume(h.reactor());
  h.Turns(10);
  EXPECT_EQ(TheKernel().accepts, accepts);
  TheKernel().on_accept = nullptr;
  evnet_reactor_accept_pause(h.reactor());
  TheKernel().Advance(200);
  h.Turns(10);
  EXPECT_EQ(h.open_count(), 0u) << "accepting is paused";
  evnet_reactor_accept_resume(h.reactor());
  h.Until([&] { return h.open_count() == 1; });
}

TEST_P(AcceptStarved, AStopWhileItWaitsIsNoProblem) {
  TheKernel().StopClock();
  h.Start();
  TheKernel().on_accept = [] { return -GetParam(); };
  Client client = h.ConnectOnly();
  h.Until([&] { return TheKernel().accepts >= 1; });
  evnet_reactor_stop(h.reactor(), 5000);
  h.Until([&] { return h.Turn() == 0; });
}

INSTANTIATE_TEST_SUITE_P(Errors, AcceptStarved, ::testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM));

class AcceptPasses : public AcceptStarved {};

TEST_P(AcceptPasses, OverWhatConcernsOneConnectionOnly) {
  h.Start();
  int failures = 3;
  TheKernel().on_accept = [&] { return failures-- > 0 ? -GetParam() : 0; };
  Client client = h.ConnectOnly();
  h.Until([&] { return h.open_count() == 1; });
}

INSTANTIATE_TEST_SUITE_P(Errors, AcceptPasses,
                         ::testing::Values(ECONNABORTED, EINTR, EPERM, EPROTO, ENETDOWN,
                                           ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
                                           ENETUNREACH, ETIMEDOUT));

TEST_F(Accept, AboveConnectionsMaxTheNewcomerIsResetAndTheOthersAreServed) {
  h.options.connections_max = 2;
  h.Start();
  Harness::Pair a = h.Connect();
  Harness::Pair b = h.Connect();
  Client c = h.ConnectOnly();
  h.Until([&] {
    c.Read();
    return c.end() == End::kReset;
  });
  EXPECT_EQ(h.open_count(), 2u);
  a.client.Close();
  h.Until([&] { return h.Of(a).closed == 1; });
  Harness::Pair d = h.Connect();
  EXPECT_EQ(h.open_count(), 2u);
}

TEST_F(Accept, AThousandChurnAtTheLimitUsesEachSlotAgain) {
  h.options.connections_max = 2;
  h.Start();
  for (int i = 0; i < 3000; i++) {
    Harness::Pair pair = h.Connect();
    h.Post([&] { h.Abort(pair.conn); });
    h.Until([&] { return h.Of(pair).closed == 1; });
  }
  EXPECT_EQ(h.Stats().connections_opened, 3000u);
  EXPECT_EQ(h.Stats().connections_open, 0u);
}

TEST_F(Accept, ListenIsBounded) {
  h.Start();
  evnet_address loopback = {};
  ASSERT_EQ(evnet_address_parse("tcp4://127.0.0.1:0", &loopback, nullptr, 0), 0);
  evnet_address bound;
  for (int i = 1; i < EVNET_LISTENERS_MAX; i++) {
    ASSERT_EQ(evnet_reactor_listen(h.reactor(), &loopback, nullptr, &bound), i);
  }
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &loopback, nullptr, &bound), -ENOBUFS);
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &h.address(), nullptr, &bound), -ENOBUFS);
}

TEST_F(Accept, AnAddressInUseIsRefused) {
  h.Start();
  evnet_address bound;
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &h.address(), nullptr, &bound), -EADDRINUSE);
  Harness::Pair pair = h.Connect();
}

// The listener exists by then, and its DETACH comes in a later turn.
TEST_F(Accept, AListenerWhoseAddressCannotBeAskedIsGivenUpInAnOrderlyWay) {
  h.Start();
  evnet_address loopback = {};
  ASSERT_EQ(evnet_address_parse("tcp4://127.0.0.1:0", &loopback, nullptr, 0), 0);
  evnet_address bound;
  TheKernel().on_getsockname = [] { return -ENOBUFS; };
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &loopback, nullptr, &bound), -ENOBUFS);
  TheKernel().on_getsockname = nullptr;
  h.Settle();
  EXPECT_EQ(evnet_reactor_listen(h.reactor(), &loopback, nullptr, &bound), 1);
  Harness::Pair pair = h.Connect();
  evnet_reactor_stop(h.reactor(), 0);
  h.Until([&] { return h.Turn() == 0; });
}

}  // namespace
}  // namespace evnet_testing
