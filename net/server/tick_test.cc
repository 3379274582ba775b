// The callback on_tick: when it runs and when it does not.
#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// Keeps the thread busy.
void Work(int64_t ms) {
  const int64_t end = NowMs() + ms;
  while (NowMs() < end) {
  }
}

TEST(Tick, FirstComesRightAfterOnBootBeforeAnythingIsWaitedFor) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *) {
    journal.Add("boot");
    return EVNET_NONE;
  };
  callbacks.on_tick = [&](evnet_server *server, uint64_t *delay_ms) {
    EXPECT_EQ(*delay_ms, UINT64_MAX) << "the initial value means: never again";
    struct evnet_server_stats stats;
    evnet_server_get_stats(server, &stats);
    EXPECT_EQ(stats.turns, 0u);
    journal.Add("tick");
    return EVNET_SHUTDOWN;
  };
  Created server(callbacks, {});
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"boot", "tick"}));
}

TEST(Tick, ComesNeverAgainAfterTheGreatestDelay) {
  std::atomic<int> ticks{0};
  Callbacks callbacks = Echo();
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    ticks++;
    *delay_ms = UINT64_MAX;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  for (int i = 0; i < 100; i++) EXPECT_EQ(client.Exchange("turn"), "turn");
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(ticks, 1);
}

TEST(Tick, AVeryLongDelayIsNotTakenForAShortOne) {
  for (const uint64_t delay : {uint64_t{1} << 32, UINT64_MAX - 1, uint64_t{1} << 63}) {
    std::atomic<int> ticks{0};
    Callbacks callbacks = Echo();
    callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
      ticks++;
      *delay_ms = delay;
      return EVNET_NONE;
    };
    Server server(callbacks);
    Client client(server.port());
    for (int i = 0; i < 20; i++) EXPECT_EQ(client.Exchange("turn"), "turn");
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_EQ(ticks, 1) << delay;
  }
}

TEST(Tick, DelayZeroComesOnceATurnWithInputBetween) {
  std::atomic<uint64_t> ticks{0};
  Callbacks callbacks = Echo();
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    ticks++;
    *delay_ms = 0;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  for (int i = 0; i < 20; i++) EXPECT_EQ(client.Exchange("ping"), "ping");
  EXPECT_TRUE(WaitUntil([&] { return ticks > 1000; }));
  EXPECT_EQ(server.Stop(0), 0);
  // One tick comes before the first turn, and one turn at the end has no wait.
  EXPECT_LE(ticks, server.stats().turns + 2);
  EXPECT_GE(ticks + 2, server.stats().turns);
}

TEST(Tick, ComesAfterItsDelayCountedFromItsReturn) {
  std::vector<int64_t> began, returned;
  Callbacks callbacks;
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    began.push_back(NowMs());
    Work(30);
    returned.push_back(NowMs());
    if (began.size() == 5) return EVNET_SHUTDOWN;
    *delay_ms = 20;
    return EVNET_NONE;
  };
  Created server(callbacks, {});
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  ASSERT_EQ(began.size(), 5u);
  for (size_t i = 1; i < began.size(); i++) EXPECT_GE(began[i] - returned[i - 1], 19) << i;
}

TEST(Tick, ALateOneIsNotMadeUpFor) {
  // A callback blocks the loop for many periods. The missed ticks are not made up for.
  std::atomic<int> ticks{0};
  std::atomic<int> at_once{0};
  Callbacks callbacks;
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    ticks++;
    *delay_ms = 10;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    const int before = ticks;
    evnet_reactor *reactor = evnet_conn_reactor(conn);
    Work(100);
    // Count the ticks two turns later.
    Post(reactor,
         [&, reactor, before] { Post(reactor, [&, before] { at_once = ticks - before + 1; }); });
    return EchoData(conn);
  };
  Server server(callbacks);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  ASSERT_TRUE(WaitUntil([&] { return at_once > 0; }));
  EXPECT_LE(at_once - 1, 2);
}

TEST(Tick, ComesOnReactorZeroAloneWithSeveralReactors) {
  std::atomic<int> ticks{0};
  Callbacks callbacks;
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    ticks++;
    *delay_ms = UINT64_MAX;
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.reactors = 4;
  Server server(callbacks, options);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(ticks, 1);
}

TEST(Tick, GoesOnWhileTheServerDrains) {
  std::atomic<bool> stopping{false};
  std::atomic<int> while_stopping{0};
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  callbacks.on_stopping = [&](evnet_conn *) { stopping = true; };
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    if (stopping) while_stopping++;
    *delay_ms = 5;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  EXPECT_EQ(server.Stop(100), 0);
  EXPECT_GT(while_stopping, 2);
}

}  // namespace
}  // namespace evnet_testing
