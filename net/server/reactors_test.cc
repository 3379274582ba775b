// Several reactors: the distribution of connections, and many simultaneous connections.
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// Sends each client the index of its reactor as one digit, and echoes from then on.
Callbacks Telling() {
  Callbacks callbacks = Echo();
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_get_id(conn).reactor));
    return EVNET_NONE;
  };
  return callbacks;
}

evnet_options Three(evnet_balancing balancer) {
  evnet_options options = {};
  options.reactors = 3;
  options.balancer = balancer;
  return options;
}

TEST(Reactors, RoundRobinGivesEachItsTurn) {
  Server server(Telling(), Three(EVNET_ROUND_ROBIN));
  std::string order;
  std::vector<Client> clients;
  for (int i = 0; i < 9; i++) {
    clients.emplace_back(server.port());
    order += clients.back().Receive(1);
  }
  EXPECT_EQ(order, "012012012");
}

TEST(Reactors, LeastConnectionsFillsTheGapsThatCloseLeaves) {
  Server server(Telling(), Three(EVNET_LEAST_CONNECTIONS));
  std::map<std::string, std::vector<Client>> clients;
  for (int i = 0; i < 9; i++) {
    Client client(server.port());
    const std::string reactor = client.Receive(1);
    clients[reactor].push_back(std::move(client));
  }
  for (const char *reactor : {"0", "1", "2"}) EXPECT_EQ(clients[reactor].size(), 3u);
  clients["1"].clear();
  ASSERT_TRUE(server.WaitForClosed(3));
  for (int i = 0; i < 3; i++) {
    Client client(server.port());
    EXPECT_EQ(client.Receive(1), "1");
    clients["1"].push_back(std::move(client));
  }
}

TEST(Reactors, SourceHashIsStableForAnAddressAndSpreadsAddresses) {
  Server server(Telling(), Three(EVNET_SOURCE_HASH));
  std::map<std::string, int> counts;
  for (int host = 1; host <= 30; host++) {
    ClientOptions from;
    from.source = "127.0.0." + std::to_string(host);
    std::string first;
    for (int i = 0; i < 3; i++) {
      Client client(server.port(), from);
      const std::string reactor = client.Receive(1);
      if (i == 0) first = reactor;
      EXPECT_EQ(reactor, first) << from.source;
    }
    counts[first]++;
  }
  for (const char *reactor : {"0", "1", "2"}) EXPECT_GT(counts[reactor], 0) << reactor;
}

TEST(Reactors, SourceHashIsKeyedAnewForEachServer) {
  // Two random keys choose the same reactors for 30 addresses once in 3^30 runs.
  std::string picks[2];
  for (std::string &pick : picks) {
    Server server(Telling(), Three(EVNET_SOURCE_HASH));
    for (int host = 1; host <= 30; host++) {
      ClientOptions from;
      from.source = "127.0.0." + std::to_string(host);
      Client client(server.port(), from);
      pick += client.Receive(1);
    }
  }
  EXPECT_NE(picks[0], picks[1]);
}

// An options.balance that records its arguments and calls `choose`.
struct Chooser {
  std::function<size_t(const std::vector<uint64_t> &, size_t)> choose;
  Journal journal;
  std::thread::id thread;

  void Attach(evnet_options *options, Callbacks *callbacks) {
    callbacks->on_boot = [this](evnet_server *) {
      thread = std::this_thread::get_id();
      return EVNET_NONE;
    };
    options->balance_user = this;
    options->balance = [](const uint64_t *loads, size_t count, const evnet_address *peer,
                          size_t listener_index, void *user) {
      auto *self = static_cast<Chooser *>(user);
      EXPECT_EQ(self->thread, std::this_thread::get_id()) << "runs on reactor 0's thread";
      std::string line =
          std::to_string(listener_index) + " " + std::to_string(evnet_address_port(peer)) + ":";
      for (size_t i = 0; i < count; i++) line += " " + std::to_string(loads[i]);
      self->journal.Add(line);
      return self->choose(std::vector<uint64_t>(loads, loads + count), listener_index);
    };
  }
};

TEST(Reactors, TheUsersFunctionIsAskedForEachConnectionAndObeyed) {
  Chooser chooser;
  chooser.choose = [](const std::vector<uint64_t> &loads, size_t index) {
    // Connections of one address go to the last reactor. Connections of the other address go to the
    // first reactor with fewer than two connections.
    for (size_t i = 0; index == 1 && i < loads.size(); i++) {
      if (loads[i] < 2) return i;
    }
    return loads.size() - 1;
  };
  Callbacks callbacks = Telling();
  evnet_options options = Three(EVNET_ROUND_ROBIN);
  chooser.Attach(&options, &callbacks);
  Server server(callbacks, options, {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  std::vector<Client> clients;
  std::vector<std::string> asked;
  const auto connect = [&](size_t address, const std::string &loads) {
    clients.emplace_back(server.port(address));
    const evnet_address own = clients.back().LocalAddress();
    asked.push_back(std::to_string(address) + " " + std::to_string(evnet_address_port(&own)) +
                    ": " + loads);
    return clients.back().Receive(1);
  };
  EXPECT_EQ(connect(0, "0 0 0"), "2");
  EXPECT_EQ(connect(1, "0 0 1"), "0");
  EXPECT_EQ(connect(1, "1 0 1"), "0");
  EXPECT_EQ(connect(1, "2 0 1"), "1");
  EXPECT_EQ(connect(0, "2 1 1"), "2");
  EXPECT_EQ(chooser.journal.Lines(), asked);
  clients[1].Close();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(connect(1, "1 1 2"), "0");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(Reactors, OfTheUsersFunctionTheRemainderCounts) {
  const std::vector<size_t> answers = {3, 4, 5, 301, SIZE_MAX - 1, SIZE_MAX};
  size_t next = 0;
  Chooser chooser;
  chooser.choose = [&](const std::vector<uint64_t> &, size_t) { return answers[next++]; };
  Callbacks callbacks = Telling();
  evnet_options options = Three(EVNET_SOURCE_HASH);
  chooser.Attach(&options, &callbacks);
  Server server(callbacks, options);
  std::string order;
  std::vector<Client> clients;
  for (size_t i = 0; i < answers.size(); i++) {
    clients.emplace_back(server.port());
    order += clients.back().Receive(1);
  }
  // 2^64 - 1 is a multiple of 3.
  EXPECT_EQ(order, "012120");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(Reactors, TheUsersFunctionIsNotAskedWhereThereIsNoChoice) {
  Chooser chooser;
  chooser.choose = [](const std::vector<uint64_t> &, size_t) { return size_t{1}; };
  Callbacks callbacks = Telling();
  evnet_options options = {};
  chooser.Attach(&options, &callbacks);
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_EQ(client.Receive(1), "0");
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_TRUE(chooser.journal.Lines().empty());
}

TEST(Reactors, CallbacksOfAConnectionComeOnOneThread) {
  Callbacks callbacks;
  const auto check = [](evnet_conn *conn) {
    auto *thread = static_cast<std::thread::id *>(evnet_conn_user(conn));
    EXPECT_EQ(*thread, std::this_thread::get_id());
  };
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_set_user(conn, new std::thread::id(std::this_thread::get_id()));
    return EVNET_NONE;
  };
  callbacks.on_data = [=](evnet_conn *conn) {
    check(conn);
    return EchoData(conn);
  };
  callbacks.on_close = [=](evnet_conn *conn, int) {
    check(conn);
    delete static_cast<std::thread::id *>(evnet_conn_user(conn));
    return EVNET_NONE;
  };
  Server server(callbacks, Three(EVNET_ROUND_ROBIN));
  std::vector<Client> clients;
  for (int i = 0; i < 30; i++) clients.emplace_back(server.port());
  for (Client &client : clients) EXPECT_EQ(client.Exchange("hello"), "hello");
}

TEST(Reactors, AThousandConnectionsAtOnceAllEcho) {
  Server server(Echo(), Three(EVNET_LEAST_CONNECTIONS));
  std::vector<Client> clients;
  for (int i = 0; i < 1000; i++) clients.emplace_back(server.port());
  for (size_t round = 0; round < 3; round++) {
    for (size_t i = 0; i < clients.size(); i++) {
      clients[i].SendAll(Pattern(100, static_cast<uint32_t>(i * 3 + round)));
    }
    for (size_t i = 0; i < clients.size(); i++) {
      ASSERT_EQ(clients[i].Receive(100), Pattern(100, static_cast<uint32_t>(i * 3 + round)));
    }
  }
  // A client may receive the echo before the server has counted it.
  EXPECT_TRUE(WaitUntil([&] { return server.stats().bytes_sent == 300000u; }));
  EXPECT_EQ(server.stats().bytes_received, 300000u);
  EXPECT_EQ(server.stats().connections_open, 1000u);
}

TEST(Reactors, TwoThousandConnectsAndClosesLeaveEverythingBalanced) {
  for (const int reactors : {1, 3}) {
    const size_t descriptors = OpenDescriptors();
    std::atomic<int> opened{0}, closed{0};
    Callbacks callbacks = Echo();
    callbacks.on_open = [&](evnet_conn *) {
      opened++;
      return EVNET_NONE;
    };
    callbacks.on_close = [&](evnet_conn *, int) {
      closed++;
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = reactors;
    Server server(callbacks, options);
    const size_t idle = OpenDescriptors();
    for (int i = 0; i < 1000; i++) {
      Client client(server.port());
      if (i % 4 != 0) {
        ASSERT_EQ(client.Exchange("x"), "x");
      }
      if (i % 4 < 2) client.Reset();
    }
    // A connection that is reset before it is accepted may never open.
    ASSERT_TRUE(WaitUntil([&] {
      const struct evnet_server_stats stats = server.stats();
      return stats.connections_open == 0 && stats.connections_closed >= 750 &&
             OpenDescriptors() == idle;
    }));
    EXPECT_EQ(server.stats().connections_accepted, server.stats().connections_closed);
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_EQ(opened, closed);
    server.Destroy();
    EXPECT_EQ(OpenDescriptors(), descriptors);
  }
}

TEST(Reactors, StartedAndStoppedUnderLoadManyTimesLeavesNothing) {
  const size_t descriptors = OpenDescriptors();
  const size_t threads = Threads();
  for (int round = 0; round < 30; round++) {
    std::atomic<int> balance{0};
    Callbacks callbacks = Echo();
    callbacks.on_open = [&](evnet_conn *) {
      balance++;
      return EVNET_NONE;
    };
    callbacks.on_close = [&](evnet_conn *, int) {
      balance--;
      return EVNET_NONE;
    };
    Server server(callbacks, Three(EVNET_ROUND_ROBIN));
    std::vector<Client> clients;
    for (int i = 0; i < 20; i++) {
      clients.emplace_back(server.port());
      clients.back().TrySend(Pattern(10000));
    }
    // At this moment connections are being accepted, handed over and served.
    EXPECT_EQ(server.Stop(round % 2 ? 0 : 20), 0);
    EXPECT_EQ(balance, 0);
    EXPECT_EQ(server.stats().connections_open, 0u);
  }
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_TRUE(WaitUntil([&] { return Threads() == threads; }));
}

}  // namespace
}  // namespace evnet_testing
