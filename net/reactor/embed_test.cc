// A reactor inside another event loop, which here is poll(2).
#include "net/reactor/embed.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"
#include "net/reactor/watch.h"

namespace evnet_testing {
namespace {

class Embed : public ::testing::Test {
 protected:
  // Runs turns until the reactor may wait, and returns how long.
  int64_t Settle() {
    for (int i = 0; i < 50; i++) {
      const int64_t wait_ms = evnet_reactor_wait_ms(h.reactor());
      if (wait_ms != 0 && !Poll(0)) return wait_ms;
      h.Turn();
    }
    ADD_FAILURE() << "the reactor never waits";
    return 0;
  }
  // Returns whether the descriptor is readable within `wait_ms`.
  bool Poll(int64_t wait_ms) {
    const int descriptor = evnet_reactor_descriptor(h.reactor());
    EXPECT_GE(descriptor, 0);
    pollfd polled = {descriptor, POLLIN, 0};
    return poll(&polled, 1, wait_ms < 0 ? -1 : static_cast<int>(wait_ms)) > 0;
  }
  // The other loop: polls the descriptor only.
  bool Loop(const std::function<bool()> &done) {
    for (int i = 0; i < 10000 && !done(); i++) {
      const int64_t wait_ms = evnet_reactor_wait_ms(h.reactor());
      Poll(wait_ms < 0 || wait_ms > 20000 ? 20000 : wait_ms);
      if (h.Turn() == 0) break;
    }
    return done();
  }

  Harness h;
};

TEST_F(Embed, WaitsForTheDescriptorWhenNothingIsPending) {
  h.Start();
  EXPECT_EQ(Settle(), -1);
  EXPECT_EQ(Settle(), -1);
}

TEST_F(Embed, ServesConnectionsFromPollAlone) {
  h.on.data = [&](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  Settle();
  Client client = h.ConnectOnly();
  EXPECT_TRUE(Loop([&] { return h.open_count() == 1; }));
  std::string answer;
  for (int i = 0; i < 3; i++) {
    Settle();
    client.Write("ping");
    answer.clear();
    EXPECT_TRUE(Loop([&] {
      answer += client.Read();
      return answer == "ping";
    }));
  }
  EXPECT_EQ(Settle(), -1);
  client.Close();
  EXPECT_TRUE(Loop([&] { return h.open_count() == 0; }));
}

TEST_F(Embed, SendsMoreThanASocketHoldsFromPollAlone) {
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  Settle();
  const std::string data = Pattern(1 << 20);
  Write(pair.conn, data);
  std::string got;
  EXPECT_TRUE(Loop([&] {
    got += pair.client.Read();
    return got.size() == data.size();
  }));
  EXPECT_TRUE(got == data);
}

TEST_F(Embed, KnowsTimersToTheMillisecond) {
  TheKernel().StopClock();
  h.Start();
  EXPECT_EQ(Settle(), -1);
  evnet_timer timer = {};
  int calls = 0;
  evnet_timer_start(
      h.reactor(), &timer, 30, [](evnet_timer *, void *user) { ++*static_cast<int *>(user); },
      &calls);
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 30);
  TheKernel().Advance(29);
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 1);
  h.Turn();
  EXPECT_EQ(calls, 0);
  TheKernel().Advance(1);
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
  h.Turn();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Settle(), -1);
}

TEST_F(Embed, KnowsTimeoutsOfConnections) {
  TheKernel().StopClock();
  h.options.idle_timeout_ms = 50;
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Harness::Pair pair = h.Connect();
  const int64_t wait_ms = Settle();
  EXPECT_GT(wait_ms, 0);
  EXPECT_LE(wait_ms, 50);
  TheKernel().Advance(51);
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
  for (int i = 0; i < 10 && h.Of(pair).closed == 0; i++) h.Turn();
  EXPECT_EQ(h.Of(pair).closed, 1);
}

TEST_F(Embed, APostOfThisThreadIsDueNow) {
  h.Start();
  Settle();
  bool ran = false;
  h.Post([&] { ran = true; });
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
  h.Turn();
  EXPECT_TRUE(ran);
}

TEST_F(Embed, APostOfAnotherThreadMakesTheDescriptorReadable) {
  h.Start();
  for (int i = 0; i < 20; i++) {
    Settle();
    bool ran = false;
    std::thread poster([&] { h.Post([&] { ran = true; }); });
    EXPECT_TRUE(Poll(20000));
    poster.join();
    h.Turn();
    EXPECT_TRUE(ran);
  }
}

TEST_F(Embed, AStopOfAnotherThreadMakesTheDescriptorReadable) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Settle();
  std::thread stopper([&] { evnet_reactor_stop(h.reactor(), 5000); });
  EXPECT_TRUE(Poll(20000));
  stopper.join();
  EXPECT_TRUE(Loop([&] {
    pair.client.Read();
    if (pair.client.end() != End::kOpen) pair.client.Close();
    return h.Turn() == 0;
  }));
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
}

TEST_F(Embed, OutputWrittenBetweenTurnsIsDueNow) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Settle();
  Write(pair.conn, "x");
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
  h.Turn();
  EXPECT_EQ(h.ReadExactly(&pair.client, 1), "x");
}

TEST_F(Embed, ACloseBetweenTurnsIsDueNow) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Settle();
  h.Abort(pair.conn);
  EXPECT_EQ(evnet_reactor_wait_ms(h.reactor()), 0);
  h.Turn();
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(Settle(), -1);
}

TEST_F(Embed, AWatchMakesTheDescriptorReadable) {
  h.Start();
  const int counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  evnet_watcher watcher = {};
  int calls = 0;
  ASSERT_EQ(evnet_watch(
                h.reactor(), counter, EVNET_READABLE,
                [](evnet_watcher *, uint32_t, void *user) { ++*static_cast<int *>(user); }, &calls,
                &watcher),
            0);
  EXPECT_EQ(Settle(), -1);
  const uint64_t one = 1;
  ASSERT_EQ(write(counter, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  for (int i = 1; i <= 3; i++) {  // level-triggered, for the other loop too
    EXPECT_TRUE(evnet_reactor_wait_ms(h.reactor()) == 0 || Poll(20000));
    h.Turn();
  }
  EXPECT_GE(calls, 1);
  uint64_t value;
  ASSERT_EQ(read(counter, &value, sizeof value), static_cast<ssize_t>(sizeof value));
  EXPECT_EQ(Settle(), -1);
  evnet_watch_stop(&watcher);
  (void)close(counter);
}

TEST_F(Embed, AReactorServesInsideAnotherReactor) {
  Harness outer;
  h.Start();
  outer.Start();
  struct Both {
    Harness *inner;
    evnet_reactor *outer;
    evnet_watcher watcher;
  } both = {&h, outer.reactor(), {}};
  ASSERT_EQ(evnet_watch(
                outer.reactor(), evnet_reactor_descriptor(h.reactor()), EVNET_READABLE,
                [](evnet_watcher *, uint32_t events, void *user) {
                  if (events == EVNET_WATCH_ENDED) return;
                  static_cast<Both *>(user)->inner->Turn();
                },
                &both, &both.watcher),
            0);
  Client client = h.ConnectOnly();
  client.Write("hello");
  const auto received = [&] {
    return !h.records().empty() && h.records().begin()->second.received == "hello";
  };
  for (int i = 0; i < 200 && !received(); i++) {
    while (evnet_reactor_wait_ms(h.reactor()) == 0) h.Turn();
    outer.Turn(100);
  }
  EXPECT_TRUE(received());
  evnet_watch_stop(&both.watcher);
}

}  // namespace
}  // namespace evnet_testing
