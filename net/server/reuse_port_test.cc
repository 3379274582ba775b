// The option reuse_port (SO_REUSEPORT): a listener for each reactor, and several servers on a port.
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/backend.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr int kReactors = 3;

// Returns whether this kernel distributes connections among the listeners of a port.
bool Spreads() {
  evnet_poller_options options = {};
  options.backend = TestBackend();
  evnet_poller *poller = nullptr;
  EXPECT_EQ(evnet_poller_create(&options, &poller), 0);
  const bool spreads = evnet_poller_spreads_port(poller);
  evnet_poller_destroy(poller);
  return spreads;
}

evnet_options ReusePort(int reactors = kReactors) {
  evnet_options options = {};
  options.reactors = reactors;
  options.reuse_port = true;
  return options;
}

// Sends each client the index of its reactor and of the address, and echoes from then on.
Callbacks Telling() {
  Callbacks callbacks = Echo();
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_get_id(conn).reactor) +
                    std::to_string(evnet_conn_listener_index(conn)));
    return EVNET_NONE;
  };
  return callbacks;
}

std::string Tcp(uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

// Returns whether the server accepted the connection: it echoes a byte and does not reset.
bool IsServed(Client *client) {
  return client->TrySend("x") == 1 && client->Readable(20000) && client->TryReceive() == "x";
}

TEST(ReusePort, IsOffByDefaultAndBothHaveToSayIt) {
  for (const bool first : {false, true}) {
    for (const bool second : {false, true}) {
      if (first && second) continue;
      SCOPED_TRACE(first ? "the first has it" : second ? "the second has it" : "neither has it");
      evnet_options options = {};
      options.reuse_port = first;
      const Server server(Echo(), options);
      options.reuse_port = second;
      Created other(Echo(), options, {Tcp(server.port())});
      ASSERT_EQ(other.status(), 0);
      EXPECT_EQ(evnet_server_start(other.get()), -EADDRINUSE);
      EXPECT_TRUE(other.log().Has("'" + Tcp(server.port()) + "'")) << other.log().Text();
    }
  }
}

TEST(ReusePort, EveryReactorGetsSomeOf400Connections) {
  constexpr size_t kClients = 400;
  evnet_options options = ReusePort();
  options.pin_reactors = true;
  Server server(Telling(), options);
  std::map<std::string, size_t> counts;
  std::vector<Client> clients;
  for (size_t i = 0; i < kClients; i++) {
    clients.emplace_back(server.port());
    counts[clients.back().Receive(2).substr(0, 1)]++;
  }
  ASSERT_EQ(counts.size(), static_cast<size_t>(kReactors));
  for (const auto &count : counts) {
    // The mean is 133. A fair distribution gives a reactor fewer than 70 once in 10^11 runs.
    EXPECT_GE(count.second, 70u) << "reactor " << count.first;
  }
  for (Client &client : clients) EXPECT_EQ(client.Exchange("hello"), "hello");
  EXPECT_EQ(server.stats().connections_open, kClients);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, OfSeveralAddressesEachHasOnePortOnAllReactors) {
  const std::vector<std::string> texts = {"tcp://127.0.0.1:0", "tcp://:0", "udp://127.0.0.1:0",
                                          "tcp4://127.0.0.1:0", "tcp://127.0.0.1:0"};
  Server server(Telling(), ReusePort(), texts);
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < texts.size(); i++) {
    EXPECT_TRUE(server.log().Has("listening on "));
    if (i == 2) continue;  // its UDP port may equal one of the TCP ports
    ports.push_back(server.port(i));
    for (int k = 0; k < 30; k++) {
      Client client(server.port(i));
      EXPECT_EQ(client.Receive(2).substr(1), std::to_string(i));
    }
  }
  std::sort(ports.begin(), ports.end());
  EXPECT_EQ(std::unique(ports.begin(), ports.end()), ports.end());
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, TwoServersShareAPortAndTheOneThatStaysGetsAll) {
  if (!Spreads()) GTEST_SKIP() << "here one of several servers on a port gets all connections";
  Server stays(Echo(), ReusePort(2));
  std::vector<Client> clients;
  {
    Server goes(Echo(), ReusePort(2), {Tcp(stays.port())});
    for (int i = 0; i < 200; i++) clients.emplace_back(stays.port());
    ASSERT_TRUE(WaitUntil([&] {
      return stays.stats().connections_open + goes.stats().connections_open == clients.size();
    }));
    EXPECT_GT(stays.stats().connections_open, 0u);
    EXPECT_GT(goes.stats().connections_open, 0u);
    for (Client &client : clients) EXPECT_EQ(client.Exchange("x"), "x");
    // With empty backlogs the stop resets no client.
    EXPECT_EQ(goes.Stop(5000), 0);
  }
  for (int i = 0; i < 50; i++) {
    Client client(stays.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST(ReusePort, NothingIsAcceptedBeforeOnBootHasReturned) {
  std::vector<std::unique_ptr<Client>> clients;
  std::atomic<bool> booted{false};
  Callbacks callbacks = Telling();
  const auto tell = callbacks.on_open;
  callbacks.on_open = [&](evnet_conn *conn) {
    EXPECT_TRUE(booted);
    return tell(conn);
  };
  callbacks.on_boot = [&](evnet_server *server) {
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server, 0, &address), 0);
    // This many connections reach every reactor's listener almost surely.
    for (int i = 0; i < 60; i++)
      clients.push_back(std::make_unique<Client>(evnet_address_port(&address)));
    EXPECT_FALSE(clients.back()->Readable(100));
    for (const auto &client : clients) EXPECT_FALSE(client->Readable(0));
    booted = true;
    return EVNET_NONE;
  };
  Server server(callbacks, ReusePort());
  for (const auto &client : clients) EXPECT_EQ(client->Receive(2).size(), 2u);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, OnBootMayStopTheServer) {
  Callbacks callbacks = Echo();
  callbacks.on_boot = [](evnet_server *) { return EVNET_SHUTDOWN; };
  Server server(callbacks, ReusePort(), {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  EXPECT_EQ(server.Wait(), 0);
}

TEST(ReusePort, BeyondConnectionsMaxAllReactorsRefuse) {
  constexpr size_t kMost = 5;
  evnet_options options = ReusePort();
  options.connections_max = kMost;
  options.connections_full_action = EVNET_FULL_PAUSE;
  Server server(Echo(), options);
  std::vector<Client> clients;
  for (size_t i = 0; i < kMost; i++) {
    clients.emplace_back(server.port());
    EXPECT_EQ(clients.back().Exchange("in"), "in");
  }
  for (int i = 0; i < 30; i++) {
    Client refused(server.port());
    EXPECT_EQ(refused.ReceiveToEnd(), "");
    EXPECT_EQ(refused.end(), Client::End::kReset);
  }
  EXPECT_EQ(server.stats().connections_refused, 30u);
  clients.pop_back();
  ASSERT_TRUE(server.WaitForClosed(1));
  Client another(server.port());
  EXPECT_EQ(another.Exchange("in"), "in");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, ConnectionsMaxHoldsWhileReactorsAcceptAtOnce) {
  constexpr int kMost = 4;
  std::atomic<int> open{0}, most{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *) {
    const int now = ++open;
    int before = most;
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int) {
    open--;
    return EVNET_NONE;
  };
  evnet_options options = ReusePort();
  options.connections_max = kMost;
  Server server(callbacks, options);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; thread++) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; i++) {
        Client client(server.port());
        client.TrySend("x");
        client.Readable(20000);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(server.Stop(0), 0);
  // A place is free when on_close begins, so each other reactor may be inside an on_close.
  EXPECT_LE(most, kMost + kReactors - 1);
  EXPECT_EQ(open, 0);
  const struct evnet_server_stats stats = server.stats();
  EXPECT_EQ(stats.connections_open, 0u);
  EXPECT_EQ(stats.connections_accepted, stats.connections_closed);
}

TEST(ReusePort, ConnectionsPerAddressMaxHoldsForAllReactorsTogether) {
  evnet_options options = ReusePort();
  options.connections_per_address_max = 4;
  Server server(Echo(), options);
  std::vector<Client> clients;
  size_t served = 0;
  for (int i = 0; i < 40; i++) {
    clients.emplace_back(server.port());
    served += IsServed(&clients.back());
  }
  EXPECT_EQ(served, 4u);
  ClientOptions from;
  from.source = "127.0.0.2";
  Client other(server.port(), from);
  EXPECT_EQ(other.Exchange("x"), "x");
  EXPECT_EQ(server.stats().connections_refused, 36u);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, AStopClosesTheListenersOfAllReactorsAtOnce) {
  std::atomic<bool> held{false};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_conn_hold(conn);  // keeps the server draining until the test releases it
    held = true;
    return EVNET_NONE;
  };
  Server server(callbacks, ReusePort(), {"tcp://127.0.0.1:0"});
  Client client(server.port());
  ASSERT_TRUE(WaitUntil([&] { return held.load(); }));
  EXPECT_EQ(evnet_server_stop(server.get(), 60000), 0);
  // A socket without SO_REUSEPORT can bind the port only when no server listens on it.
  int status = -EADDRINUSE;
  EXPECT_TRUE(WaitUntil([&] {
    Created alone(Echo(), {}, {Tcp(server.port())});
    status = evnet_server_start(alone.get());
    if (status == 0) {
      Client served(server.port());
      EXPECT_EQ(served.Exchange("x"), "x");
      evnet_server_stop(alone.get(), 0);
      EXPECT_EQ(evnet_server_wait(alone.get()), 0);
    }
    return status == 0;
  })) << status;
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, EachReactorHasAUdpSocketWhichAnswersWhatItGot) {
  evnet_server *booted = nullptr;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    booted = server;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    const uint32_t reactor = evnet_conn_get_id(conn).reactor;
    EXPECT_EQ(evnet_server_reactor_datagram_socket(booted, reactor, 0), conn);
    EXPECT_EQ(evnet_server_reactor_datagram_socket(booted, reactor, 1), nullptr);
    Write(conn, std::to_string(reactor) + Take(conn));
    return EVNET_NONE;
  };
  Server server(callbacks, ReusePort(), {"udp4://:0"});
  const evnet_address asked = ParseAddress("udp://127.0.0.2:" + std::to_string(server.port()));
  std::map<std::string, int> counts;
  for (int i = 0; i < 100; i++) {
    UdpClient client;
    for (int twice = 0; twice < 2; twice++) {
      client.Send(asked, std::to_string(i));
      evnet_address from = {};
      const std::string answer = client.Receive(&from);
      EXPECT_EQ(answer.substr(1), std::to_string(i));
      EXPECT_EQ(FormatAddress(from), FormatAddress(asked));
      counts[answer.substr(0, 1)]++;
    }
  }
  EXPECT_EQ(counts.size(), Spreads() ? kReactors : 1u);
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(server.stats().datagrams_received, 200u);
  EXPECT_EQ(server.stats().datagrams_sent, 200u);
}

// Returns the id of each reactor's UDP socket. An id is all zero if the reactor has no socket.
std::vector<struct evnet_conn_id> UdpSockets(const Server &server) {
  std::vector<struct evnet_conn_id> ids(kReactors);
  std::atomic<int> told{0};
  for (uint32_t i = 0; i < kReactors; i++) {
    Post(evnet_server_reactor(server.get(), i), [&, i] {
      const evnet_conn *socket = evnet_server_reactor_datagram_socket(server.get(), i, 0);
      if (socket != nullptr) ids[i] = evnet_conn_get_id(socket);
      told++;
    });
  }
  EXPECT_TRUE(WaitUntil([&] { return told == kReactors; }));
  return ids;
}

TEST(ReusePort, DatagramsAreSentByEachSocketsId) {
  if (!Spreads()) GTEST_SKIP() << "here only reactor 0 has UDP sockets";
  Server server(Echo(), ReusePort(), {"udp://127.0.0.1:0"});
  UdpClient client;
  const evnet_address to = client.Address();
  for (const struct evnet_conn_id &id : UdpSockets(server)) {
    ASSERT_NE(id.generation, 0u);
    ASSERT_EQ(evnet_async_send_to(server.get(), id, &to, "later", 5, nullptr, nullptr), 0);
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), "later");
    EXPECT_EQ(FormatAddress(from), FormatAddress(server.address()));
  }
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, WithoutItUdpLivesOnReactor0) {
  evnet_options options = {};
  options.reactors = kReactors;
  Server server(Echo(), options, {"udp://127.0.0.1:0"});
  const std::vector<struct evnet_conn_id> ids = UdpSockets(server);
  EXPECT_NE(ids[0].generation, 0u);
  EXPECT_EQ(ids[1].generation + ids[2].generation, 0u);
  EXPECT_EQ(evnet_server_reactor_datagram_socket(server.get(), kReactors, 0), nullptr);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePort, OfAUnixAddressIsRefusedByAddressAndOption) {
  Created server(Echo(), ReusePort(), {"tcp://127.0.0.1:0", "unix:///tmp/evnet-never-made"});
  EXPECT_EQ(server.status(), EVNET_STATUS_OPTION);
  EXPECT_TRUE(server.log().Has("'unix:///tmp/evnet-never-made'")) << server.log().Text();
  EXPECT_TRUE(server.log().Has("option reuse_port")) << server.log().Text();
}

TEST(ReusePort, ABalancerIsNotAskedAndTheLogSaysSo) {
  if (!Spreads()) GTEST_SKIP() << "here the balancer is used";
  evnet_options options = ReusePort();
  options.balancer = EVNET_LEAST_CONNECTIONS;
  const Server by_name(Echo(), options);
  EXPECT_TRUE(by_name.log().Has("option balancer has no effect")) << by_name.log().Text();
  options.balance = [](const uint64_t *, size_t, const evnet_address *, size_t, void *) {
    ADD_FAILURE() << "balance was called";
    return size_t{0};
  };
  const Server by_function(Echo(), options);
  EXPECT_TRUE(by_function.log().Has("option balance has no effect")) << by_function.log().Text();
  Client client(by_function.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  const Server by_default(Echo(), ReusePort());
  EXPECT_FALSE(by_default.log().Has("has no effect")) << by_default.log().Text();
}

TEST(ReusePort, OfOneReactorServesAsWithoutIt) {
  Server server(Telling(), ReusePort(1), {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  Client client(server.port());
  EXPECT_EQ(client.Receive(2), "00");
  UdpClient datagrams;
  datagrams.Send(server.address(1), "hello");
  EXPECT_EQ(datagrams.Receive(), "hello");
  EXPECT_EQ(server.Stop(0), 0);
}

// reuse_port_by_cpu

// The CPUs that this process may use, in order.
std::vector<int> Cpus() {
  cpu_set_t set;
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

// Runs a function on a thread that is pinned to a CPU. On loopback the kernel handles a packet on
// the CPU that sends it.
void RunOn(int cpu, const std::function<void()> &function) {
  std::thread([&] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof set, &set), 0);
    function();
  }).join();
}

evnet_options ByCpu(int reactors) {
  evnet_options options = ReusePort(reactors);
  options.pin_reactors = options.reuse_port_by_cpu = true;
  return options;
}

// Whether the test runs over the kqueue stand-in, with the files of the BSDs.
bool IsOverKqueue() { return std::string(Server().stats().backend) == "kqueue"; }

TEST(ReusePortByCpu, TheCpuOfAPacketChoosesTheReactor) {
  if (IsOverKqueue()) GTEST_SKIP() << "SO_ATTACH_REUSEPORT_CBPF is an option of Linux";
  const std::vector<int> cpus = Cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU";
  const int reactors = static_cast<int>(std::min<size_t>(cpus.size(), 8));
  Callbacks callbacks = Telling();
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    Write(conn, std::to_string(evnet_conn_get_id(conn).reactor));
    return EVNET_NONE;
  };
  Server server(callbacks, ByCpu(reactors), {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  for (size_t i = 0; i < cpus.size() && i < 16; i++) {
    RunOn(cpus[i], [&] {
      const std::string expected = std::to_string(static_cast<int>(i) % reactors);
      for (int k = 0; k < 10; k++) {
        Client client(server.port());
        EXPECT_EQ(client.Receive(2), expected + "0") << "CPU " << cpus[i];
        UdpClient datagrams;
        datagrams.Send(server.address(1), "x");
        EXPECT_EQ(datagrams.Receive(), expected) << "CPU " << cpus[i];
      }
    });
  }
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePortByCpu, WithMoreReactorsThanCpusTheHashDistributesAndTheLogSaysSo) {
  if (IsOverKqueue()) GTEST_SKIP() << "SO_ATTACH_REUSEPORT_CBPF is an option of Linux";
  const size_t cpus = Cpus().size();
  if (cpus > 16) GTEST_SKIP() << "too many CPUs";
  Server server(Telling(), ByCpu(static_cast<int>(cpus) + 1));
  EXPECT_TRUE(server.log().Has("option reuse_port_by_cpu has no effect")) << server.log().Text();
  std::set<std::string> reactors;
  for (int i = 0; i < 200; i++) reactors.insert(Client(server.port()).Receive(2));
  EXPECT_EQ(reactors.size(), cpus + 1);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(ReusePortByCpu, OfOneReactorHasNoEffect) {
  if (IsOverKqueue()) GTEST_SKIP() << "SO_ATTACH_REUSEPORT_CBPF is an option of Linux";
  Server server(Telling(), ByCpu(1));
  EXPECT_EQ(Client(server.port()).Receive(2), "00");
}

}  // namespace
}  // namespace evnet_testing
