// The limit connections_max, and a process that runs out of descriptors.
#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

TEST(ConnectionsMax, PausesAcceptingUntilOneCloses) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    evnet_options options = {};
    options.connections_max = 4;
    options.reactors = reactors;
    std::atomic<uint64_t> most{0};
    std::atomic<int> open{0};
    Callbacks callbacks = Echo();
    callbacks.on_open = [&](evnet_conn *) {
      const uint64_t now = static_cast<uint64_t>(++open);
      if (now > most) most = now;
      return EVNET_NONE;
    };
    callbacks.on_close = [&](evnet_conn *, int) {
      open--;
      return EVNET_NONE;
    };
    Server server(callbacks, options);
    std::vector<Client> clients;
    for (int i = 0; i < 12; i++) {
      clients.emplace_back(server.port());
      clients.back().SendAll("hello");
    }
    // The kernel returns connections in order, so the server serves the first four, and one more
    // after each close.
    for (size_t gone = 0; gone + 4 <= clients.size(); gone++) {
      for (size_t i = gone == 0 ? 0 : gone + 3; i < gone + 4; i++) {
        EXPECT_EQ(clients[i].Receive(5), "hello");
      }
      if (gone + 4 < clients.size()) {
        EXPECT_FALSE(clients[gone + 4].Readable(20)) << "the client waits in the backlog";
      }
      clients[gone].Close();
    }
    // A place is free when on_close begins, so another reactor may open a connection during
    // on_close.
    EXPECT_GE(most, 4u);
    EXPECT_LE(most, reactors == 1 ? 4u : 5u);
    EXPECT_EQ(server.stats().connections_accepted, 12u);
  }
}

TEST(ConnectionsMax, SurvivesAStormOfShortConnections) {
  for (const int reactors : {1, 3}) {
    evnet_options options = {};
    options.connections_max = 3;
    options.reactors = reactors;
    Server server(Echo(), options);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; thread++) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; i++) {
          Client client(server.port());
          EXPECT_EQ(client.Exchange("hello"), "hello");
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT_TRUE(server.WaitForClosed(300));
    EXPECT_EQ(server.stats().connections_open, 0u);
  }
}

// A dial on any reactor may take the place that a client waits for. It never exceeds the limit, and
// it never causes a refusal of a client.
TEST(ConnectionsMax, DialsOnAllReactorsNeitherExceedItNorHaveAClientRefused) {
  constexpr uint64_t kMax = 3;
  constexpr int kClients = 4;
  constexpr int kRounds = 25;
  Server upstream;
  const std::string to = "tcp://127.0.0.1:" + std::to_string(upstream.port());
  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> most{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    const uint64_t now = ++open;
    uint64_t before = most;
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
    return evnet_conn_listener_index(conn) < 0 ? EVNET_CLOSE : EVNET_NONE;
  };
  std::atomic<bool> dialled{false};
  callbacks.on_close = [&](evnet_conn *conn, int) {
    open--;
    if (evnet_conn_listener_index(conn) < 0) dialled = false;
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.connections_max = kMax;
  options.reactors = 3;
  Server server(callbacks, options);
  std::atomic<bool> done{false};
  std::thread dials([&] {
    const auto refused = [](struct evnet_conn_id, int status, void *user) {
      if (status < 0) *static_cast<std::atomic<bool> *>(user) = false;
    };
    // Dial one connection at a time, because more dials would take every place before a client.
    while (!done) {
      dialled = true;
      EXPECT_EQ(evnet_server_dial(server.get(), to.c_str(), nullptr, refused, &dialled), 0);
      ASSERT_TRUE(WaitUntil([&] { return !dialled; }));
    }
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; i++) {
    clients.emplace_back([&] {
      for (int round = 0; round < kRounds; round++) {
        Client client(server.port());
        EXPECT_EQ(client.Exchange("hello"), "hello");
      }
    });
  }
  for (std::thread &client : clients) client.join();
  done = true;
  dials.join();
  // The two other reactors may be inside on_close, where the place is already free.
  EXPECT_LE(most, kMax + 2);
  EXPECT_EQ(server.stats().connections_refused, 0u);
}

TEST(ConnectionsMax, AStopWhilePausedEnds) {
  evnet_options options = {};
  options.connections_max = 1;
  options.reactors = 2;
  Server server(Echo(), options);
  Client first(server.port());
  EXPECT_EQ(first.Exchange("x"), "x");
  Client waiting(server.port());
  EXPECT_EQ(server.Stop(100), 0);
  waiting.ReceiveToEnd();
  EXPECT_EQ(waiting.end(), Client::End::kReset) << "a connection in the backlog is reset";
}

TEST(OutOfDescriptors, TheRestIsServedAtNoCostAndAcceptingGoesOnWhenOneIsFree) {
  for (const int reactors : {1, 2}) {
    SCOPED_TRACE(reactors);
    evnet_options options = {};
    options.reactors = reactors;
    const ChildServer server(OpenDescriptors() + 20, options);
    std::vector<Client> clients;
    for (int i = 0; i < 40; i++) {
      clients.emplace_back(server.port());
      clients.back().SendAll("x");
    }
    // The server serves the first clients; the others wait in the backlog.
    size_t served = 0;
    while (served < clients.size() && clients[served].Readable(served < 5 ? 5000 : 300)) {
      EXPECT_EQ(clients[served++].Receive(1), "x");
    }
    ASSERT_GT(served, 5u);
    ASSERT_LT(served, 35u);

    // Each new client causes a listener event that the server cannot handle.
    const int64_t before_ms = server.CpuMs();
    for (int i = 0; i < 20; i++) {
      clients.emplace_back(server.port());
      EXPECT_FALSE(clients[served].Readable(100));
    }
    const int64_t cpu_ms = server.CpuMs() - before_ms;
    EXPECT_LT(cpu_ms, 100) << "of 2000 ms";
    RecordProperty("cpu_ms_of_2000_with_" + std::to_string(reactors), static_cast<int>(cpu_ms));

    for (size_t i = 0; i < served; i++) EXPECT_EQ(clients[i].Exchange("served"), "served");
    clients[0].Close();
    EXPECT_TRUE(clients[served].Readable(1000)) << "accepted within a second";
    EXPECT_EQ(clients[served].Receive(1), "x");
  }
}

}  // namespace
}  // namespace evnet_testing
