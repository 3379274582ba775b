// Connections that are refused at connections_max or at connections_per_address_max.
#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr char kHello[] = "hello";

bool IsServed(Client *client) { return client->Exchange(kHello) == kHello; }

// Returns whether the client was reset and received no bytes.
bool IsRefused(Client *client) {
  return client->ReceiveToEnd().empty() && client->end() == Client::End::kReset;
}

size_t Occurrences(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) count++;
  return count;
}

Client From(const std::string &source, uint16_t port) {
  ClientOptions options = {};
  options.source = source;
  return Client(port, options);
}

TEST(ConnectionsFull, RefuseResetsWhatIsBeyondAndTakesTheNextWhenOneHasClosed) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    evnet_options options = {};
    options.reactors = reactors;
    options.connections_max = 3;
    options.connections_full_action = EVNET_FULL_REFUSE;
    Server server(Echo(), options);
    std::vector<Client> served;
    for (int i = 0; i < 3; i++) {
      served.emplace_back(server.port());
      EXPECT_TRUE(IsServed(&served.back()));
    }
    for (int i = 0; i < 10; i++) {
      Client client(server.port());
      EXPECT_TRUE(IsRefused(&client));
    }
    EXPECT_EQ(server.stats().connections_refused, 10u);
    EXPECT_EQ(server.stats().connections_accepted, 3u);
    served[1].Close();
    ASSERT_TRUE(server.WaitForClosed(1));
    Client next(server.port());
    EXPECT_TRUE(IsServed(&next));
    for (const size_t i : {0, 2})
      EXPECT_TRUE(IsServed(&served[i])) << "the connection is not affected";
    EXPECT_EQ(server.stats().connections_refused, 10u);
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_TRUE(server.log().Has("': connections_max is reached (1 since the last report)"));
    EXPECT_EQ(Occurrences(server.log().Text(), "refused a connection"), 1u)
        << "a flood adds one line";
  }
}

TEST(ConnectionsPerAddress, OnesLimitIsNotAnothersAndACloseMakesRoom) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    evnet_options options = {};
    options.reactors = reactors;
    options.connections_per_address_max = 2;
    Server server(Echo(), options);
    const std::string first = "127.0.0.1";
    const std::string second = "127.0.0.2";
    std::vector<Client> clients;
    for (const std::string &source : {first, second, first, second}) {
      clients.push_back(From(source, server.port()));
      EXPECT_TRUE(IsServed(&clients.back()));
    }
    for (const std::string &source : {first, second, first}) {
      Client client = From(source, server.port());
      EXPECT_TRUE(IsRefused(&client)) << source;
    }
    EXPECT_EQ(server.stats().connections_refused, 3u);
    clients[0].Close();
    ASSERT_TRUE(server.WaitForClosed(1));
    Client other = From(second, server.port());
    EXPECT_TRUE(IsRefused(&other)) << "the first address has the place";
    Client next = From(first, server.port());
    EXPECT_TRUE(IsServed(&next));
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_TRUE(server.log().Has("refused a connection from 'tcp://127.0.0.1:"))
        << server.log().Text();
    EXPECT_TRUE(server.log().Has("': connections_per_address_max is reached (1 since"));
  }
}

// The address counts once for all listeners, and also in the form ::ffff:127.0.0.1.
TEST(ConnectionsPerAddress, AnAddressIsOneOnAllListenersAndOfBothFamilies) {
  evnet_options options = {};
  options.connections_per_address_max = 2;
  Server server(Echo(), options, {"tcp4://127.0.0.1:0", "tcp://:0", "tcp6://[::1]:0"});
  Client by_ip4(server.port(0));
  EXPECT_TRUE(IsServed(&by_ip4));
  Client by_both(server.port(1));
  EXPECT_TRUE(IsServed(&by_both));
  for (const size_t index : {0, 1}) {
    Client client(server.port(index));
    EXPECT_TRUE(IsRefused(&client)) << index;
  }
  Client ip6(server.address(2));
  EXPECT_TRUE(IsServed(&ip6)) << "::1 is another address";
  Client second_ip6(server.address(2));
  EXPECT_TRUE(IsServed(&second_ip6));
  Client third_ip6(server.address(2));
  EXPECT_TRUE(IsRefused(&third_ip6));
}

TEST(ConnectionsPerAddress, ZeroAndUnlimitedAreNoLimit) {
  for (const size_t most : {size_t{0}, EVNET_UNLIMITED}) {
    evnet_options options = {};
    options.connections_per_address_max = most;
    Server server(Echo(), options);
    std::vector<Client> clients;
    for (int i = 0; i < 50; i++) clients.emplace_back(server.port());
    for (Client &client : clients) EXPECT_TRUE(IsServed(&client));
    EXPECT_EQ(server.stats().connections_refused, 0u);
  }
}

// Each kind of close gives the place back.
TEST(ConnectionsPerAddress, EveryEndGivesThePlaceBack) {
  evnet_options options = {};
  options.reactors = 2;
  options.connections_per_address_max = 1;
  options.linger_ms = EVNET_OFF;
  Callbacks callbacks = Echo();
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_address peer;
    evnet_conn_remote_address(conn, &peer);
    return peer.socket.ip4.sin_addr.s_addr == htonl(0x7f000005) ? EVNET_CLOSE : EVNET_NONE;
  };
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string data = Take(conn);
    Write(conn, data);
    if (data == "abort") evnet_conn_abort(conn);
    return data == "close" ? EVNET_CLOSE : EVNET_NONE;
  };
  Server server(callbacks, options);
  uint64_t closed = 0;
  const auto again = [&](const std::string &source, const std::function<void(Client *)> &end) {
    for (int i = 0; i < 3; i++) {
      Client client = From(source, server.port());
      end(&client);
      ASSERT_TRUE(server.WaitForClosed(++closed)) << source;
    }
  };
  again("127.0.0.1", [](Client *client) { client->Close(); });
  again("127.0.0.2", [](Client *client) {
    EXPECT_TRUE(IsServed(client));  // a reset before accept(2) may cancel the connection
    client->Reset();
  });
  again("127.0.0.3", [](Client *client) {
    client->SendAll("abort");
    client->ReceiveToEnd();
  });
  again("127.0.0.4", [](Client *client) {
    client->SendAll("close");
    EXPECT_EQ(client->ReceiveToEnd(), "close");
  });
  again("127.0.0.5", [](Client *client) { client->ReceiveToEnd(); });
  EXPECT_EQ(server.stats().connections_refused, 0u);
}

TEST(ConnectionsPerAddress, StaysRightUnderAStormFromManyThreads) {
  evnet_options options = {};
  options.reactors = 3;
  options.connections_per_address_max = 2;
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *) {
    const int now = ++open;
    for (int before = most; now > before && !most.compare_exchange_weak(before, now);) {
    }
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int) {
    open--;
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; thread++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; i++) {
        Client client(server.port());
        client.TrySend(kHello);
        client.ShutdownWrite();
        client.ReceiveToEnd();
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  const auto stats = server.stats();
  EXPECT_EQ(stats.connections_accepted + stats.connections_refused, 300u);
  EXPECT_TRUE(server.WaitForClosed(stats.connections_accepted));
  Client last(server.port());
  EXPECT_TRUE(IsServed(&last)) << "all places are given back";
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_LE(most, 2);
  EXPECT_EQ(open, 0);
}

// With 8 addresses the table is half full and cannot grow, so only the ninth address is refused.
TEST(ConnectionsPerAddress, WithoutMemoryToCountAConnectionItIsRefused) {
  FailingAllocator allocator;
  evnet_options options = {};
  options.connections_per_address_max = 1;
  options.allocator = allocator.get();
  Server server(Echo(), options);
  std::vector<Client> clients;
  for (int i = 1; i <= 8; i++) {
    clients.push_back(From("127.0.0." + std::to_string(i), server.port()));
    EXPECT_TRUE(IsServed(&clients.back()));
  }
  allocator.fail_at(1, true);
  Client refused = From("127.0.0.9", server.port());
  EXPECT_TRUE(IsRefused(&refused));
  allocator.fail_at(0, false);
  EXPECT_EQ(server.stats().connections_refused, 1u);
  EXPECT_TRUE(server.log().Has("': out of memory")) << server.log().Text();
  Client next = From("127.0.0.9", server.port());
  EXPECT_TRUE(IsServed(&next));
}

}  // namespace
}  // namespace evnet_testing
