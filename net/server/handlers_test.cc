// Several handlers in one server: one for each address, dial and adopted socket; the callbacks of
// each reactor; servers without addresses.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

evnet_options WithReactors(int reactors) {
  evnet_options options = {};
  options.reactors = reactors;
  return options;
}

// Answers each request with a name in front of it.
Callbacks Named(const std::string &name) {
  Callbacks callbacks;
  callbacks.on_data = [=](evnet_conn *conn) {
    Write(conn, name + Take(conn));
    return EVNET_NONE;
  };
  return callbacks;
}

// Adds the server's callbacks to a journal, as "NAME boot".
Callbacks Journalled(Journal *journal, const std::string &name) {
  Callbacks callbacks;
  callbacks.on_boot = [=](evnet_server *) {
    journal->Add(name + " boot");
    return EVNET_NONE;
  };
  callbacks.on_reactor_boot = [=](evnet_reactor *) {
    journal->Add(name + " reactor_boot");
    return EVNET_NONE;
  };
  callbacks.on_tick = [=](evnet_server *, uint64_t *) {
    journal->Add(name + " tick");
    return EVNET_NONE;
  };
  callbacks.on_reactor_shutdown = [=](evnet_reactor *) {
    journal->Add(name + " reactor_shutdown");
  };
  callbacks.on_shutdown = [=](evnet_server *) { journal->Add(name + " shutdown"); };
  return callbacks;
}

// Addresses

TEST(AddressHandlers, EachAddressHasItsOwnOrTheServers) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    const Callbacks own = Named("own "), other = Named("other ");
    Server server(Named("server "), WithReactors(reactors),
                  {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", "udp://127.0.0.1:0",
                   "tcp://127.0.0.1:0", "udp://127.0.0.1:0"},
                  {nullptr, &own, &own, &other});
    for (int round = 0; round < 3; round++) {  // on each reactor
      Client first(server.port(0)), second(server.port(1)), fourth(server.port(3));
      first.SendAll("x");
      EXPECT_EQ(first.Receive(8), "server x");
      second.SendAll("x");
      EXPECT_EQ(second.Receive(5), "own x");
      fourth.SendAll("x");
      EXPECT_EQ(fourth.Receive(7), "other x");
    }
    UdpClient client;
    evnet_address from = {};
    client.Send(server.address(2), "x");
    EXPECT_EQ(client.Receive(&from), "own x");
    client.Send(server.address(4), "x");
    EXPECT_EQ(client.Receive(&from), "server x");
  }
}

TEST(AddressHandlers, HoldOnEachReactorThatListens) {
  evnet_options options = WithReactors(3);
  options.reuse_port = true;
  const Callbacks own = Named("own ");
  std::mutex mutex;
  std::set<uint32_t> reactors;
  Callbacks counting = own;
  counting.on_open = [&](evnet_conn *conn) {
    std::lock_guard<std::mutex> lock(mutex);
    reactors.insert(evnet_conn_get_id(conn).reactor);
    return EVNET_NONE;
  };
  Server server(Named("server "), options, {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"},
                {nullptr, &counting});
  // The kernel distributes the connections by a hash, so a few hundred reach each reactor.
  for (int i = 0; i < 400; i++) {
    Client client(server.port(1));
    client.SendAll("x");
    ASSERT_EQ(client.Receive(5), "own x");
    std::lock_guard<std::mutex> lock(mutex);
    if (reactors.size() == 3) break;
  }
  EXPECT_EQ(reactors.size(), 3u);
}

TEST(AddressHandlers, TheServersCallbacksRunOnceForEachDifferentHandler) {
  Journal journal;
  const Callbacks own = Journalled(&journal, "own"), other = Journalled(&journal, "other");
  {
    Server server(Journalled(&journal, "server"), {},
                  std::vector<std::string>(5, "tcp://127.0.0.1:0"),
                  {&own, nullptr, &other, &own, nullptr});
    EXPECT_EQ(server.Stop(0), 0);
  }
  EXPECT_EQ(journal.Lines(),
            (std::vector<std::string>{
                "server boot", "own boot", "other boot", "server reactor_boot", "own reactor_boot",
                "other reactor_boot", "server tick", "own tick", "other tick",
                "other reactor_shutdown", "own reactor_shutdown", "server reactor_shutdown",
                "other shutdown", "own shutdown", "server shutdown"}));
}

TEST(AddressHandlers, EachHandlerHasItsOwnTicks) {
  Journal journal;
  Callbacks own, server_callbacks;
  own.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    journal.Add("own");
    *delay_ms = 1;
    return EVNET_NONE;
  };
  server_callbacks.on_tick = [&](evnet_server *, uint64_t *) {
    journal.Add("server");
    return EVNET_NONE;
  };
  Server server(server_callbacks, {}, {"tcp://127.0.0.1:0"}, {&own});
  EXPECT_TRUE(journal.WaitFor("own", 5));
  EXPECT_EQ(journal.Count("server"), 1u);
}

TEST(AddressHandlers, AShutdownFromAnyOfThemStopsTheServer) {
  Callbacks own;
  own.on_boot = [](evnet_server *) { return EVNET_SHUTDOWN; };
  Server server(Echo(), WithReactors(2), {"tcp://127.0.0.1:0"}, {&own});
  EXPECT_EQ(server.Wait(), 0);
}

// Reactors

TEST(ReactorCallbacks, RunOnceOnTheThreadOfEachReactor) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    Journal journal;
    std::mutex mutex;
    std::map<uint32_t, std::thread::id> booted, ended, served;
    Callbacks callbacks;
    std::atomic<bool> on_boot_returned{false};
    callbacks.on_boot = [&](evnet_server *server) {
      EXPECT_EQ(evnet_server_reactor_count(server), static_cast<uint32_t>(reactors));
      on_boot_returned = true;
      return EVNET_NONE;
    };
    callbacks.on_reactor_boot = [&](evnet_reactor *reactor) {
      EXPECT_TRUE(on_boot_returned);
      EXPECT_EQ(evnet_reactor_user(reactor), nullptr);
      evnet_reactor_set_user(reactor, reactor);
      const uint32_t index = evnet_reactor_index(reactor);
      EXPECT_EQ(evnet_server_reactor(evnet_reactor_server(reactor), index), reactor);
      std::lock_guard<std::mutex> lock(mutex);
      EXPECT_TRUE(booted.emplace(index, std::this_thread::get_id()).second);
      return EVNET_NONE;
    };
    callbacks.on_open = [&](evnet_conn *conn) {
      evnet_reactor *reactor = evnet_conn_reactor(conn);
      EXPECT_EQ(evnet_reactor_user(reactor), reactor) << "on_reactor_boot comes first";
      EXPECT_EQ(evnet_conn_server(conn), evnet_reactor_server(reactor));
      std::lock_guard<std::mutex> lock(mutex);
      served[evnet_reactor_index(reactor)] = std::this_thread::get_id();
      return EVNET_NONE;
    };
    callbacks.on_close = [&](evnet_conn *conn, int) {
      std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(ended.count(evnet_reactor_index(evnet_conn_reactor(conn))), 0u);
      return EVNET_NONE;
    };
    callbacks.on_reactor_shutdown = [&](evnet_reactor *reactor) {
      EXPECT_EQ(evnet_reactor_user(reactor), reactor);
      struct evnet_reactor_stats stats;
      evnet_reactor_get_stats(reactor, &stats);
      EXPECT_EQ(stats.connections_open, 0u);
      std::lock_guard<std::mutex> lock(mutex);
      EXPECT_TRUE(ended.emplace(evnet_reactor_index(reactor), std::this_thread::get_id()).second);
    };
    callbacks.on_shutdown = [&](evnet_server *) {
      std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(ended.size(), static_cast<size_t>(reactors));
    };
    Server server(callbacks, WithReactors(reactors));
    {
      std::vector<Client> clients;
      for (int i = 0; i < 2 * reactors; i++) clients.emplace_back(server.port());
      ASSERT_TRUE(server.WaitForOpen(static_cast<uint64_t>(2 * reactors)));
    }
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_EQ(served.size(), static_cast<size_t>(reactors));
    EXPECT_EQ(served, booted);
    EXPECT_EQ(served, ended);
  }
}

TEST(ReactorCallbacks, DoNotRunIfTheServerDoesNotStart) {
  Journal journal;
  PlainListener taken;
  Created server(Journalled(&journal, "server"), WithReactors(3), {taken.text()});
  ASSERT_EQ(server.status(), 0);
  EXPECT_EQ(Status(evnet_server_start(server.get())), -EADDRINUSE);
  server.Destroy();
  EXPECT_EQ(journal.Lines(), std::vector<std::string>{});
}

TEST(ReactorCallbacks, RunInAServerThatIsStoppedBeforeItStarts) {
  Journal journal;
  Created server(Journalled(&journal, "server"), WithReactors(2));
  evnet_server_stop(server.get(), 0);
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  EXPECT_EQ(journal.Count("server reactor_boot"), 2u);
  EXPECT_EQ(journal.Count("server reactor_shutdown"), 2u);
}

TEST(ReactorCallbacks, AShutdownFromOneStopsTheServer) {
  Callbacks callbacks;
  callbacks.on_reactor_boot = [](evnet_reactor *reactor) {
    return evnet_reactor_index(reactor) == 2 ? EVNET_SHUTDOWN : EVNET_NONE;
  };
  Server server(callbacks, WithReactors(3));
  EXPECT_EQ(server.Wait(), 0);
}

TEST(ReactorCallbacks, MayDial) {
  PlainListener listener;
  const std::string to = listener.text();
  Callbacks callbacks;
  callbacks.on_reactor_boot = [&](evnet_reactor *reactor) {
    EXPECT_EQ(evnet_dial(reactor, to.c_str(), nullptr, nullptr), 0);
    return EVNET_NONE;
  };
  Server server(callbacks, WithReactors(3), {});
  std::vector<int> accepted;
  for (int i = 0; i < 3; i++) accepted.push_back(listener.Accept());
  EXPECT_TRUE(server.WaitForOpen(3));
  for (const int descriptor : accepted) EXPECT_EQ(close(descriptor), 0);
}

// Dials and adopted sockets

TEST(DialHandlers, TheServersDialCopiesTheHandler) {
  Server target(Named("target "));
  const std::string to = "tcp://127.0.0.1:" + std::to_string(target.port());
  Journal journal;
  Callbacks own;
  own.on_open = [](evnet_conn *conn) {
    Write(conn, "x");
    return EVNET_NONE;
  };
  own.on_data = [&](evnet_conn *conn) {
    journal.Add(Take(conn));
    return EVNET_CLOSE;
  };
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *) {
    ADD_FAILURE() << "the handler of the server";
    return EVNET_NONE;
  };
  Server server(callbacks, WithReactors(3), {});
  for (int i = 0; i < 6; i++) {
    evnet_handler handler = own.Handler();
    evnet_dial_options options = {};
    options.handler = &handler;
    options.user = &own;
    ASSERT_EQ(evnet_server_dial(server.get(), to.c_str(), &options, nullptr, nullptr), 0);
    handler = {};  // it is borrowed for the call only
  }
  EXPECT_TRUE(journal.WaitFor("target x", 6));
  EXPECT_TRUE(server.WaitForClosed(6));
}

TEST(AdoptHandlers, TheConnectionsOfAnAdoptedListenerHaveItsHandlerOnEachReactor) {
  PlainListener listener;
  std::mutex mutex;
  std::set<uint32_t> reactors;
  Callbacks own = Named("own ");
  own.on_open = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_listener_index(conn), -1);
    std::lock_guard<std::mutex> lock(mutex);
    reactors.insert(evnet_conn_get_id(conn).reactor);
    return EVNET_NONE;
  };
  Callbacks callbacks;
  callbacks.on_reactor_boot = [&](evnet_reactor *reactor) {
    if (evnet_reactor_index(reactor) > 0) return EVNET_NONE;
    const evnet_handler handler = own.Handler();
    evnet_adopt_options options = {};
    options.handler = &handler;
    options.user = &own;
    const int descriptor = fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0);
    EXPECT_EQ(evnet_adopt_with(reactor, descriptor, &options, nullptr), 0);
    return EVNET_NONE;
  };
  Server server(callbacks, WithReactors(3), {});
  for (int i = 0; i < 6; i++) {
    Client client(listener.address());
    client.SendAll("x");
    EXPECT_EQ(client.Receive(5), "own x");
  }
  std::lock_guard<std::mutex> lock(mutex);
  EXPECT_EQ(reactors.size(), 3u);
}

// Servers without addresses

TEST(NoAddresses, AServerRunsUntilItIsStopped) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    Journal journal;
    Server server(Journalled(&journal, "server"), WithReactors(reactors), {});
    EXPECT_TRUE(journal.WaitFor("server tick"));
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server.get(), 0, &address), -EINVAL);
    EXPECT_EQ(evnet_server_dup_listener(server.get(), 0), -EINVAL);
    EXPECT_EQ(evnet_server_datagram_socket(server.get(), 0), nullptr);
    EXPECT_EQ(server.stats().reactors, static_cast<uint32_t>(reactors));
    EXPECT_EQ(server.Stop(60000), 0);
    EXPECT_EQ(journal.Count("server shutdown"), 1u);
  }
}

TEST(NoAddresses, EvnetServeAcceptsNone) {
  evnet_handler handler = {};
  handler.on_boot = [](evnet_server *, void *) { return EVNET_SHUTDOWN; };
  EXPECT_EQ(evnet_serve(&handler, nullptr, nullptr, 0, nullptr), 0);
}

TEST(NoAddresses, DialsAreDistributedAndAStopDrainsThem) {
  Server target(Echo());
  const std::string to = "tcp://127.0.0.1:" + std::to_string(target.port());
  std::mutex mutex;
  std::set<uint32_t> reactors;
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    std::lock_guard<std::mutex> lock(mutex);
    reactors.insert(evnet_conn_get_id(conn).reactor);
    return EVNET_NONE;
  };
  callbacks.on_stopping = [&](evnet_conn *conn) {
    if (evnet_conn_user(conn) != nullptr) return;
    evnet_conn_hold(conn);
    Write(conn, "last words");
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    journal.Add(Take(conn));
    evnet_conn_release(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *conn, int reason) {
    journal.Add(std::string(evnet_conn_user(conn) != nullptr ? "background " : "") +
                evnet_status_name(reason));
    return EVNET_NONE;
  };
  Server server(callbacks, WithReactors(3), {});
  int mark = 0;
  for (int i = 0; i < 6; i++) {
    evnet_dial_options options = {};
    options.background = i >= 3;
    options.conn_user = options.background ? &mark : nullptr;
    ASSERT_EQ(evnet_server_dial(server.get(), to.c_str(), &options, nullptr, nullptr), 0);
  }
  ASSERT_TRUE(server.WaitForOpen(6));
  // A connection counts as open before its on_open has returned.
  EXPECT_TRUE(WaitUntil([&] {
    std::lock_guard<std::mutex> lock(mutex);
    return reactors.size() == 3;
  }));
  EXPECT_EQ(server.Stop(60000), 0);
  EXPECT_EQ(journal.Count("last words"), 3u);
  const std::vector<std::string> lines = journal.Lines();
  ASSERT_EQ(lines.size(), 9u);
  for (size_t i = 6; i < 9; i++) EXPECT_EQ(lines[i], "background EVNET_REASON_SHUTDOWN");
}

}  // namespace
}  // namespace evnet_testing
