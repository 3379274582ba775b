// A server's statistics, in total and for each reactor.
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

struct evnet_reactor_stats Of(const Server &server, uint32_t index = 0) {
  struct evnet_reactor_stats stats = {};
  EXPECT_EQ(evnet_server_get_reactor_stats(server.get(), index, &stats), 0);
  return stats;
}

TEST(Stats, EachCloseIsCountedByItsReason) {
  evnet_options options = {};
  options.inbound_bytes_max = 1000;
  options.idle_timeout_ms = 50;
  options.linger_ms = EVNET_OFF;
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string request = Take(conn).substr(0, 1);
    if (request == "c") return EVNET_CLOSE;
    if (request == "a") evnet_conn_abort(conn);
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  const auto ask = [&](const std::string &request) {
    Client client(server.port());
    client.SendAll(request);
    client.ReceiveToEnd();
  };
  ask("c");
  ask("c");
  ask("a");
  ask("");  // waits for the reply
  Client(server.port()).ShutdownWrite();
  Client resetting(server.port());
  // If the client reset before the accept, the server might never open the connection.
  ASSERT_TRUE(WaitUntil([&] { return Of(server).connections_opened == 6; }));
  resetting.Reset();
  ASSERT_TRUE(server.WaitForClosed(6));
  const struct evnet_reactor_stats stats = Of(server);
  EXPECT_EQ(stats.connections_opened, 6u);
  EXPECT_EQ(stats.connections_closed, 6u);
  EXPECT_EQ(stats.closed_locally, 3u);
  EXPECT_EQ(stats.closed_by_timeout, 1u);
  EXPECT_EQ(stats.closed_by_peer + stats.closed_by_error, 2u);
  EXPECT_GE(stats.closed_by_peer, 1u);
}

TEST(Stats, LimitsAndStopsAreReasonsToo) {
  evnet_options options = {};
  options.inbound_bytes_max = 1000;
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *) { return EVNET_NONE; };  // consumes no bytes
  Server server(callbacks, options);
  Client overflowing(server.port());
  overflowing.SendAll(Pattern(2000));
  ASSERT_TRUE(server.WaitForClosed(1));
  Client open(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  EXPECT_EQ(server.Stop(5000), 0);
  EXPECT_EQ(Of(server).closed_by_limit, 1u);
  EXPECT_EQ(Of(server).closed_by_stop, 1u);
}

TEST(Stats, OfReactorsAreTheirOwnAndTheSumIsTheServers) {
  evnet_options options = {};
  options.reactors = 3;
  Server server(Echo(), options);
  for (int i = 0; i < 6; i++) {
    Client client(server.port());
    EXPECT_EQ(client.Exchange("0123456789"), "0123456789");
  }
  ASSERT_TRUE(server.WaitForClosed(6));
  for (uint32_t i = 0; i < 3; i++) {
    EXPECT_EQ(Of(server, i).connections_opened, 2u);
    EXPECT_EQ(Of(server, i).bytes_received, 20u);
    EXPECT_EQ(Of(server, i).bytes_sent, 20u);
  }
  EXPECT_EQ(server.stats().bytes_sent, 60u);
  struct evnet_reactor_stats stats;
  EXPECT_EQ(evnet_server_get_reactor_stats(server.get(), 3, &stats), -EINVAL);
}

TEST(Stats, BeforeTheStartThereIsNoReactor) {
  Created created(Echo(), {});
  struct evnet_reactor_stats stats;
  EXPECT_EQ(evnet_server_get_reactor_stats(created.get(), 0, &stats), -ENOTCONN);
}

TEST(Stats, ThePostsOfABlockedReactorStandInItsMailbox) {
  std::atomic<bool> inside{false}, go{false};
  Callbacks callbacks;
  evnet_reactor *reactor = nullptr;
  callbacks.on_data = [&](evnet_conn *conn) {
    Take(conn);
    reactor = evnet_conn_reactor(conn);
    inside = true;
    EXPECT_TRUE(WaitUntil([&] { return go.load(); }));
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("x");
  ASSERT_TRUE(WaitUntil([&] { return inside.load(); }));
  const struct evnet_reactor_stats before = Of(server);
  for (int i = 0; i < 100; i++) Post(reactor, [] {});
  EXPECT_GT(Of(server).mailbox_bytes, 100u);
  EXPECT_EQ(Of(server).wakes, before.wakes) << "the reactor does not sleep";
  go = true;
  EXPECT_TRUE(WaitUntil([&] { return Of(server).messages >= before.messages + 100; }));
  EXPECT_TRUE(WaitUntil([&] { return Of(server).mailbox_bytes == 0; }));
}

TEST(Stats, WakesAreCoalesced) {
  Server server(Echo());
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  std::atomic<evnet_reactor *> reactor{nullptr};
  const uint64_t before = Of(server).messages;
  // Four threads post simultaneously to a reactor that mostly sleeps.
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    reactor = evnet_conn_reactor(conn);
    return EVNET_NONE;
  };
  Server target(callbacks);
  Client other(target.port());
  ASSERT_TRUE(WaitUntil([&] { return reactor.load() != nullptr; }));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; i++) Post(reactor, [] {});
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_TRUE(WaitUntil([&] { return Of(target).messages >= 20000; }));
  EXPECT_LE(Of(target).wakes, Of(target).turns) << "at most one wake for each sleep";
  EXPECT_EQ(Of(server).messages, before) << "these messages belong to another server";
}

TEST(Stats, TheLongestCallbackIsEachReactorsOwn) {
  constexpr uint64_t kBlockNs = 500000000;
  evnet_options options = {};
  options.reactors = 3;
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    if (evnet_conn_get_id(conn).reactor == 1) {
      const int64_t end = NowMs() + 500;
      while (NowMs() < end) {
      }
    }
    evnet_conn_write(conn, "done", 4);
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  for (int i = 0; i < 3; i++) {  // the reactors one after the other
    Client client(server.port());
    client.SendAll("x");
    EXPECT_EQ(client.Receive(4), "done");
  }
  EXPECT_EQ(server.Stop(5000), 0);
  const uint64_t blocked = Of(server, 1).longest_callback_ns;
  EXPECT_GE(blocked, kBlockNs - 1000000);
  EXPECT_GT(Of(server, 0).longest_callback_ns, 0u);
  EXPECT_LT(Of(server, 0).longest_callback_ns, blocked);
  EXPECT_LT(Of(server, 2).longest_callback_ns, blocked);
  EXPECT_EQ(server.stats().longest_callback_ns, blocked);
}

TEST(Stats, TheLongestCallbackMayBeOneOfTheServersOrOfARequest) {
  constexpr int64_t kBlockMs = 60;
  enum { kBoot, kTick, kShutdown, kDone, kCount };
  for (int which = 0; which < kCount; which++) {
    const auto block = [which](int callback) {
      const int64_t end = NowMs() + kBlockMs;
      while (callback == which && NowMs() < end) {
      }
    };
    Callbacks callbacks;
    callbacks.on_boot = [&](evnet_server *) {
      block(kBoot);
      return EVNET_NONE;
    };
    callbacks.on_tick = [&](evnet_server *, uint64_t *) {
      block(kTick);
      return EVNET_NONE;
    };
    callbacks.on_shutdown = [&](evnet_server *) { block(kShutdown); };
    Server server(callbacks);
    const struct evnet_conn_id nobody = {0, 0, 1};
    std::atomic<bool> done{false};
    struct Request {
      std::function<void(int)> block;
      std::atomic<bool> *done;
    } request = {block, &done};
    ASSERT_EQ(evnet_async_wake(
                  server.get(), nobody,
                  [](struct evnet_conn_id, int, void *user) {
                    static_cast<Request *>(user)->block(kDone);
                    *static_cast<Request *>(user)->done = true;
                  },
                  &request),
              0);
    EXPECT_TRUE(WaitUntil([&] { return done.load(); }));
    EXPECT_EQ(server.Stop(5000), 0);
    EXPECT_GE(server.stats().longest_callback_ns, (kBlockMs - 1) * 1000000u) << which;
  }
}

TEST(Stats, AnOlderProgramGetsTheFieldsThatItKnows) {
  Server server(Echo());
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  // The structure as it was before it began to grow.
  constexpr size_t kOld = offsetof(struct evnet_server_stats, connections_dialling);
  struct evnet_server_stats stats;
  memset(&stats, 0xee, sizeof stats);
  EXPECT_EQ(evnet_server_copy_stats(server.get(), kOld, &stats), kOld);
  EXPECT_EQ(stats.connections_open, 1u);
  EXPECT_EQ(stats.reactors, 1u);
  EXPECT_STREQ(stats.backend, server.stats().backend);
  const auto *bytes = reinterpret_cast<const uint8_t *>(&stats);
  for (size_t i = kOld; i < sizeof stats; i++) ASSERT_EQ(bytes[i], 0xee) << i;
  struct evnet_reactor_stats one;
  EXPECT_EQ(evnet_server_copy_reactor_stats(server.get(), 0, 8, &one), 8);
  EXPECT_EQ(one.connections_open, 1u);
  EXPECT_EQ(evnet_server_copy_reactor_stats(server.get(), 1, 8, &one), -EINVAL);
}

TEST(Stats, ANewerProgramGetsZerosBeyondTheFieldsOfTheLibrary) {
  Server server(Echo());
  struct {
    struct evnet_server_stats stats;
    uint64_t later[4];
  } newer;
  memset(&newer, 0xee, sizeof newer);
  EXPECT_EQ(evnet_server_copy_stats(server.get(), sizeof newer, &newer.stats), sizeof newer.stats);
  EXPECT_EQ(newer.stats.reactors, 1u);
  for (const uint64_t field : newer.later) EXPECT_EQ(field, 0u);
}

TEST(Stats, OfOneConnectionAreToldByTheKernelOnTcpAlone) {
  std::atomic<int> status{1};
  evnet_tcp_info info = {};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    const std::string request = Take(conn);
    status = evnet_conn_tcp_info(conn, &info);
    evnet_conn_write(conn, request.data(), request.size());
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  UdpClient udp;
  udp.Send(server.address(1), "datagram");
  EXPECT_EQ(udp.Receive(), "datagram");
  EXPECT_EQ(status, -EOPNOTSUPP);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("0123456789"), "0123456789");
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(info.state, EVNET_TCP_ESTABLISHED);
  EXPECT_GT(info.rtt_us, 0u);
  EXPECT_EQ(info.received_bytes, 10u);
}

}  // namespace
}  // namespace evnet_testing
