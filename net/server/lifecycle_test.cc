// Creating, running, waiting and destroying a server, in every order.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

long ThreadId() { return syscall(SYS_gettid); }

TEST(Lifecycle, DestroyAcceptsNull) { evnet_server_destroy(nullptr); }

TEST(Lifecycle, DestroyWithoutStartLeavesNothing) {
  FailingAllocator allocator;
  evnet_options options = {};
  options.allocator = allocator.get();
  options.reactors = 3;
  const size_t descriptors = OpenDescriptors();
  const size_t threads = Threads();
  {
    Created server(Echo(), options);
    ASSERT_EQ(server.status(), 0);
    EXPECT_GT(allocator.live_blocks(), 0u);
    EXPECT_EQ(OpenDescriptors(), descriptors) << "nothing is opened before start";
    EXPECT_EQ(Threads(), threads);
  }
  EXPECT_EQ(allocator.live_blocks(), 0u);
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST(Lifecycle, StartStopWaitDestroyLeavesNothing) {
  FailingAllocator allocator;
  evnet_options options = {};
  options.allocator = allocator.get();
  options.reactors = 3;
  const size_t descriptors = OpenDescriptors();
  const size_t threads = Threads();
  {
    Server server(Echo(), options);
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
    EXPECT_EQ(server.Stop(0), 0);
  }
  EXPECT_EQ(allocator.live_blocks(), 0u);
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_TRUE(WaitUntil([&] { return Threads() == threads; }));
}

TEST(Lifecycle, AHundredServersInTurnLeaveNothing) {
  const size_t descriptors = OpenDescriptors();
  const size_t threads = Threads();
  for (int i = 0; i < 100; i++) {
    evnet_options options = {};
    options.reactors = 1 + i % 3;
    Server server(Echo(), options);
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_TRUE(WaitUntil([&] { return Threads() == threads; }));
}

TEST(Lifecycle, RunWithOneReactorIsTheCallersThreadAlone) {
  std::atomic<uint16_t> port{0};
  std::atomic<size_t> threads{0};
  Journal journal;
  Callbacks callbacks = Echo();
  const long caller = ThreadId();
  const auto here = [&] { journal.Add(ThreadId() == caller ? "caller's" : "another"); };
  callbacks.on_boot = [&](evnet_server *server) {
    here();
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server, 0, &address), 0);
    port = evnet_address_port(&address);
    return EVNET_NONE;
  };
  callbacks.on_open = [&](evnet_conn *) {
    here();
    threads = Threads();
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int) {
    here();
    return EVNET_SHUTDOWN;
  };
  callbacks.on_shutdown = [&](evnet_server *) { here(); };
  const size_t before = Threads();
  std::thread peer([&] {
    EXPECT_TRUE(WaitUntil([&] { return port != 0; }));
    Client client(port);
    EXPECT_EQ(client.Exchange("hello"), "hello");
  });
  Created server(callbacks, {});
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  peer.join();
  EXPECT_EQ(threads, before + 1) << "the client's thread only";
  EXPECT_EQ(journal.Count("caller's"), 4u);
  EXPECT_EQ(journal.Count("another"), 0u);
}

TEST(Lifecycle, StartRunsEachReactorOnAThreadOfItsOwn) {
  for (const int reactors : {1, 4}) {
    const size_t before = Threads();
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Echo(), options);
    EXPECT_EQ(Threads(), before + static_cast<size_t>(reactors));
    EXPECT_EQ(server.stats().reactors, static_cast<uint32_t>(reactors));
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_TRUE(WaitUntil([&] { return Threads() == before; }));
  }
}

TEST(Lifecycle, ASecondStartIsRefusedAndSaidInTheLog) {
  Server server;
  EXPECT_EQ(evnet_server_start(server.get()), -EALREADY);
  EXPECT_TRUE(server.log().Has("server already started")) << server.log().Text();
  EXPECT_EQ(evnet_server_run(server.get()), -EALREADY);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("still here"), "still here");
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(evnet_server_start(server.get()), -EALREADY) << "a server runs only once";
}

TEST(Lifecycle, WaitIsRefusedBeforeStartAndTheSecondTime) {
  Created never(Echo(), {});
  EXPECT_EQ(evnet_server_wait(never.get()), -EINVAL);
  Server server;
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(evnet_server_wait(server.get()), -EINVAL);
}

TEST(Lifecycle, WaitOnAThreadOfTheServerIsADeadlockSaidSo) {
  std::atomic<int> at_boot{0}, at_tick{0}, at_shutdown{0};
  std::atomic<int> others{0};
  evnet_server *server_of_all = nullptr;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    server_of_all = server;
    at_boot = evnet_server_wait(server);
    return EVNET_NONE;
  };
  callbacks.on_tick = [&](evnet_server *server, uint64_t *) {
    at_tick = evnet_server_wait(server);
    return EVNET_NONE;
  };
  callbacks.on_open = [&](evnet_conn *) {
    if (evnet_server_wait(server_of_all) == -EDEADLK) others++;
    return EVNET_NONE;
  };
  callbacks.on_shutdown = [&](evnet_server *server) { at_shutdown = evnet_server_wait(server); };
  evnet_options options = {};
  options.reactors = 3;
  Server server(callbacks, options);
  std::vector<Client> clients;
  for (int i = 0; i < 6; i++) clients.emplace_back(server.port());
  EXPECT_TRUE(WaitUntil([&] { return server.stats().connections_accepted == 6; }));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(at_boot, -EDEADLK);
  EXPECT_EQ(at_tick, -EDEADLK);
  EXPECT_EQ(at_shutdown, -EDEADLK);
  EXPECT_EQ(others, 6);
}

TEST(Lifecycle, WaitOnTheThreadOfRunIsADeadlockSaidSo) {
  int waited = 0;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    waited = evnet_server_wait(server);
    return EVNET_SHUTDOWN;
  };
  Created server(callbacks, {});
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  EXPECT_EQ(waited, -EDEADLK);
}

TEST(Lifecycle, AnAddressInUseIsRefusedByNameAndLeavesNothing) {
  Server first;
  const std::string taken = "tcp://127.0.0.1:" + std::to_string(first.port());
  for (const int reactors : {1, 3}) {
    FailingAllocator allocator;
    evnet_options options = {};
    options.reactors = reactors;
    options.allocator = allocator.get();
    const size_t descriptors = OpenDescriptors();
    const size_t threads = Threads();
    Journal journal;
    Callbacks callbacks;
    callbacks.on_boot = [&](evnet_server *) {
      journal.Add("on_boot");
      return EVNET_NONE;
    };
    callbacks.on_shutdown = [&](evnet_server *) { journal.Add("on_shutdown"); };
    for (const bool on_this_thread : {false, true}) {
      Created second(callbacks, options, {"tcp://127.0.0.1:0", taken});
      ASSERT_EQ(second.status(), 0);
      EXPECT_EQ(on_this_thread ? evnet_server_run(second.get()) : evnet_server_start(second.get()),
                -EADDRINUSE);
      EXPECT_TRUE(second.log().Has(taken)) << second.log().Text();
      EXPECT_TRUE(WaitUntil([&] { return Threads() == threads; })) << "all threads have ended";
      EXPECT_EQ(evnet_server_wait(second.get()), -EINVAL);
      EXPECT_EQ(evnet_server_start(second.get()), -EALREADY);
    }
    EXPECT_EQ(OpenDescriptors(), descriptors);
    EXPECT_EQ(allocator.live_blocks(), 0u);
    EXPECT_TRUE(journal.Lines().empty()) << "a server that did not start runs no callback";
  }
  Client client(first.port());
  EXPECT_EQ(client.Exchange("unharmed"), "unharmed");
}

TEST(Lifecycle, AnAddressIsFreeAgainAsSoonAsTheServerIsDestroyed) {
  std::string address = "tcp://127.0.0.1:0";
  for (int i = 0; i < 5; i++) {
    Server server(Echo(), {}, {address});
    ASSERT_NE(server.port(), 0) << server.log().Text();
    address = "tcp://127.0.0.1:" + std::to_string(server.port());
    // The server closes first, so its socket is in TIME_WAIT.
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
    evnet_server_stop(server.get(), 5000);
    EXPECT_EQ(client.ReceiveToEnd(), "");
    client.Close();
    EXPECT_EQ(server.Wait(), 0);
  }
}

TEST(Lifecycle, StoppedBeforeStartItStopsAsSoonAsItHasStarted) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *) {
    journal.Add("on_boot");
    return EVNET_NONE;
  };
  callbacks.on_shutdown = [&](evnet_server *) { journal.Add("on_shutdown"); };
  for (const int reactors : {1, 3}) {
    evnet_options options = {};
    options.reactors = reactors;
    Created server(callbacks, options);
    EXPECT_EQ(evnet_server_stop(server.get(), 1000), 0);
    ASSERT_EQ(evnet_server_start(server.get()), 0);
    EXPECT_EQ(evnet_server_wait(server.get()), 0);
  }
  EXPECT_EQ(journal.Lines(),
            (std::vector<std::string>{"on_boot", "on_shutdown", "on_boot", "on_shutdown"}));
}

TEST(Lifecycle, StopAfterTheEndIsHarmless) {
  Server server;
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(evnet_server_stop(server.get(), 0), 0);
  EXPECT_EQ(evnet_server_stop(server.get(), 5000), 0);
}

TEST(Lifecycle, ServeRunsUntilAStopAndReturnsZero) {
  Callbacks callbacks;
  callbacks.on_boot = [](evnet_server *server) {
    evnet_server_stop(server, 0);
    return EVNET_NONE;
  };
  const evnet_handler handler = callbacks.Handler();
  const char *const addresses[] = {"tcp://127.0.0.1:0"};
  EXPECT_EQ(evnet_serve(&handler, &callbacks, addresses, 1, nullptr), 0);
}

TEST(Lifecycle, ServePassesOnWhatCreateAndRunRefuse) {
  const evnet_handler handler = {};
  const char *const bad[] = {"tcp://127.0.0.1:port"};
  EXPECT_EQ(evnet_serve(&handler, nullptr, bad, 1, nullptr), EVNET_STATUS_ADDRESS);
  Server first;
  const std::string taken = "tcp://127.0.0.1:" + std::to_string(first.port());
  const char *const in_use[] = {taken.c_str()};
  EXPECT_EQ(evnet_serve(&handler, nullptr, in_use, 1, nullptr), -EADDRINUSE);
}

TEST(Lifecycle, ServeLogsByTheFunctionOfItsOptions) {
  const evnet_handler handler = {};
  const char *const bad[] = {"tcp://127.0.0.1:port"};
  evnet_options options = {};
  Log log;
  log.Attach(&options);
  EXPECT_EQ(evnet_serve(&handler, nullptr, bad, 1, &options), EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(log.Has("tcp://127.0.0.1:port")) << log.Text();
}

TEST(Lifecycle, SeveralServersRunInOneProcess) {
  Callbacks loud;
  loud.on_data = [](evnet_conn *conn) {
    Write(conn, Take(conn) + "!");
    return EVNET_NONE;
  };
  Server first;
  Server second(loud);
  Client of_first(first.port());
  Client of_second(second.port());
  of_first.SendAll("a");
  of_second.SendAll("b");
  EXPECT_EQ(of_first.Receive(1), "a");
  EXPECT_EQ(of_second.Receive(2), "b!");
  EXPECT_EQ(first.Stop(0), 0);
  of_second.SendAll("c");
  EXPECT_EQ(of_second.Receive(2), "c!");
}

TEST(Lifecycle, StatsAreZeroBeforeTheStartAndStayAfterTheEnd) {
  Created never(Echo(), {});
  EXPECT_EQ(never.stats().connections_accepted, 0u);
  EXPECT_EQ(never.stats().reactors, 0u);
  Server server;
  {
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
  EXPECT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(server.Stop(0), 0);
  const struct evnet_server_stats stats = server.stats();
  EXPECT_EQ(stats.connections_open, 0u);
  EXPECT_EQ(stats.connections_accepted, 1u);
  EXPECT_EQ(stats.connections_closed, 1u);
  EXPECT_EQ(stats.bytes_received, 5u);
  EXPECT_EQ(stats.bytes_sent, 5u);
  EXPECT_GT(stats.turns, 0u);
  const std::string backend = stats.backend;
  if (TestBackend() == EVNET_BACKEND_IO_URING) {
    EXPECT_EQ(backend, "io_uring");
  } else {
    EXPECT_TRUE(backend == "epoll" || backend == "kqueue") << backend;
  }
}

}  // namespace
}  // namespace evnet_testing
