// Functions posted to a reactor: order, wakes, bounds, fairness, and the end of the reactor.
#include <errno.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Post : public ::testing::Test {
 protected:
  Harness h;
};

TEST_F(Post, RunsInOrder) {
  h.Start();
  std::vector<int> ran;
  for (int i = 0; i < 100; i++) h.Post([&, i] { ran.push_back(i); });
  EXPECT_TRUE(ran.empty());
  h.Turn();
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; i++) EXPECT_EQ(ran[i], i);
}

TEST_F(Post, ToAReactorThatIsAwakeAsksForNoWake) {
  h.Start();
  for (int i = 0; i < 3; i++) h.Post([] {});
  h.Turn();
  EXPECT_EQ(h.Stats().wakes, 0u);
}

TEST_F(Post, FromAPostedFunctionRunsInALaterTurn) {
  h.Start();
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 5) h.Post(again);
  };
  h.Post(again);
  for (int i = 1; i <= 5; i++) {
    h.Turn();
    EXPECT_EQ(depth, i);
  }
}

TEST_F(Post, AFloodStarvesNoConnection) {
  h.on.data = [](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  int ran = 0;
  for (int i = 0; i < 5000; i++) h.Post([&] { ran++; });
  pair.client.Write("x");
  h.Turn();
  ASSERT_EQ(ran, 1024);
  for (int expected : {2048, 3072, 4096}) {
    h.Turn(-1);  // does not sleep while messages are left
    ASSERT_EQ(ran, expected);
    if (expected == 2048) {
      // A completion-based kernel sends it during this turn's wait.
      EXPECT_EQ(pair.client.Read(), "x");
    }
  }
  h.Turn();
  EXPECT_EQ(ran, 5000);
}

TEST_F(Post, KeepsItsOrderOverTheBoundOfATurn) {
  h.Start();
  std::vector<int> ran;
  for (int i = 0; i < 2000; i++) h.Post([&, i] { ran.push_back(i); });
  h.Turn();
  for (int i = 2000; i < 3000; i++) h.Post([&, i] { ran.push_back(i); });
  h.Turns(4);
  ASSERT_EQ(ran.size(), 3000u);
  for (int i = 0; i < 3000; i++) ASSERT_EQ(ran[i], i);
}

TEST_F(Post, WakesASleepingReactorFromAnotherThread) {
  h.Start();
  std::atomic<int> ran{0};
  std::thread poster([&] {
    for (int i = 0; i < 200; i++) {
      EXPECT_EQ(
          evnet_reactor_post(
              h.reactor(), [](void *user) { ++*static_cast<std::atomic<int> *>(user); }, &ran),
          0);
      // Post the next function only after this one has run, so that the reactor is asleep or about
      // to sleep.
      while (ran.load() == i) std::this_thread::yield();
    }
    evnet_reactor_stop(h.reactor(), 0);
  });
  EXPECT_EQ(evnet_reactor_run(h.reactor()), 0);
  poster.join();
  EXPECT_EQ(ran.load(), 200);
}

TEST_F(Post, FromManyThreadsEachInItsOrderAndEachOnce) {
  h.Start();
  constexpr int kThreads = 4;
  constexpr int kEach = 20000;
  struct Item {
    std::vector<int> *seen;
    int value;
  };
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::vector<Item>> items(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    for (int i = 0; i < kEach; i++) items[t].push_back({&seen[t], i});
    threads.emplace_back([&, t] {
      for (Item &item : items[t]) {
        ASSERT_EQ(evnet_reactor_post(
                      h.reactor(),
                      [](void *user) {
                        Item *each = static_cast<Item *>(user);
                        each->seen->push_back(each->value);
                      },
                      &item),
                  0);
      }
    });
  }
  h.Until([&] {
    for (const auto &each : seen) {
      if (each.size() < kEach) return false;
    }
    return true;
  });
  for (std::thread &thread : threads) thread.join();
  for (const auto &each : seen) {
    ASSERT_EQ(each.size(), size_t{kEach});
    for (int i = 0; i < kEach; i++) ASSERT_EQ(each[i], i);
  }
}

TEST_F(Post, IsRefusedAboveTheBoundAndTakenAgainAfterwards) {
  h.options.mailbox_bytes_max = 1000;
  h.Start();
  int accepted = 0;
  int ran = 0;
  int status;
  while ((status = evnet_reactor_post(
              h.reactor(), [](void *user) { ++*static_cast<int *>(user); }, &ran)) == 0) {
    accepted++;
  }
  EXPECT_EQ(status, -ENOBUFS);
  EXPECT_GT(accepted, 5);
  h.Turn();
  EXPECT_EQ(ran, accepted);
  EXPECT_EQ(evnet_reactor_post(
                h.reactor(), [](void *) {}, nullptr),
            0);
}

TEST_F(Post, WithoutMemoryNothingIsTaken) {
  h.Start();
  h.allocator().fail_at(1, false);
  EXPECT_EQ(evnet_reactor_post(
                h.reactor(), [](void *) { FAIL(); }, nullptr),
            -ENOMEM);
  h.Turns(2);
}

TEST_F(Post, WhatWasAcceptedRunsAtTheEndAndWhatComesLaterIsRefused) {
  h.Start();
  int ran = 0;
  int refused = 0;
  evnet_reactor_stop(h.reactor(), 0);
  for (int i = 0; i < 5000; i++) {
    h.Post([&] {
      ran++;
      // At the end of the reactor a function may still post, but the post is refused.
      if (evnet_reactor_post(
              h.reactor(), [](void *) {}, nullptr) == -ESHUTDOWN)
        refused++;
    });
  }
  while (h.Turn() == 1) {
  }
  EXPECT_EQ(ran, 5000);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(evnet_reactor_post(
                h.reactor(), [](void *) {}, nullptr),
            -ESHUTDOWN);
  EXPECT_EQ(h.Turn(), 0);
}

TEST_F(Post, RunsAtDestroyWithoutATurn) {
  h.Start();
  int ran = 0;
  for (int i = 0; i < 3000; i++) h.Post([&] { ran++; });
  h.Destroy();
  EXPECT_EQ(ran, 3000);
}

TEST_F(Post, WhileThreadsPostTheEndLosesNothing) {
  for (int round = 0; round < 20; round++) {
    Harness g;
    g.Start();
    std::atomic<int> accepted{0};
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; t++) {
      threads.emplace_back([&] {
        for (;;) {
          const int status = evnet_reactor_post(
              g.reactor(), [](void *user) { ++*static_cast<std::atomic<int> *>(user); }, &ran);
          if (status == -ESHUTDOWN) return;
          if (status == 0) accepted++;
        }
      });
    }
    g.Turns(3);
    evnet_reactor_stop(g.reactor(), 0);
    EXPECT_EQ(evnet_reactor_run(g.reactor()), 0);
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(ran.load(), accepted.load());
  }
}

class PostAfter : public Post {
 protected:
  PostAfter() { TheKernel().StopClock(); }
  void PostAfterMs(uint64_t delay_ms, int number) {
    steps_.push_back(std::make_unique<Step>(Step{&ran, number}));
    ASSERT_EQ(evnet_reactor_post_after(
                  h.reactor(), delay_ms,
                  [](void *user) {
                    auto *step = static_cast<Step *>(user);
                    step->ran->push_back(step->number);
                  },
                  steps_.back().get()),
              0);
  }
  void Advance(uint64_t ms) {
    TheKernel().Advance(ms);
    h.Settle();
  }

  struct Step {
    std::vector<int> *ran;
    int number;
  };
  std::vector<int> ran;

 private:
  std::vector<std::unique_ptr<Step>> steps_;
};

TEST_F(PostAfter, RunsWhenItsTimeHasCome) {
  h.Start();
  h.Turn();
  PostAfterMs(200, 2);
  PostAfterMs(100, 1);
  PostAfterMs(0, 0);
  h.Settle();
  EXPECT_EQ(ran, std::vector<int>({0}));
  Advance(99);
  EXPECT_EQ(ran, std::vector<int>({0}));
  Advance(1);
  EXPECT_EQ(ran, std::vector<int>({0, 1}));
  Advance(100);
  EXPECT_EQ(ran, std::vector<int>({0, 1, 2}));
}

TEST_F(PostAfter, RunsAtTheEndIfThatComesFirstAndThenNoMoreAreTaken) {
  h.Start();
  for (int i = 0; i < 3; i++) PostAfterMs(1000000, i);
  h.Settle();
  PostAfterMs(1000000, 3);  // this one is still in the mailbox
  evnet_reactor_stop(h.reactor(), 1000);
  h.Until([&] { return h.Turn() == 0; });
  EXPECT_EQ(ran.size(), 4u);
  EXPECT_EQ(evnet_reactor_post_after(
                h.reactor(), 0, [](void *) {}, nullptr),
            -ESHUTDOWN);
}

// The allocator detects writes to a function that has run. Its timer must no longer be linked to
// the other timers.
TEST_F(PostAfter, RunAtTheEndEachMayStartATimerOfTheSameMoment) {
  struct Each {
    evnet_reactor *reactor = nullptr;
    evnet_timer timer = {};
  };
  Each all[4];
  h.Start();
  h.Turn();
  for (Each &each : all) {
    each.reactor = h.reactor();
    ASSERT_EQ(evnet_reactor_post_after(
                  h.reactor(), 1000,
                  [](void *user) {
                    Each *self = static_cast<Each *>(user);
                    evnet_timer_start(
                        self->reactor, &self->timer, 1000, [](evnet_timer *, void *) { FAIL(); },
                        nullptr);
                  },
                  &each),
              0);
  }
  h.Settle();
  evnet_reactor_stop(h.reactor(), 0);
  h.Until([&] { return h.Turn() == 0; });
}

TEST_F(PostAfter, AnyOfManyMayBeTheNextToRun) {
  h.Start();
  h.Turn();
  for (int i = 0; i < 100; i++) PostAfterMs(static_cast<uint64_t>(i * 37 % 100 + 1), i);
  h.Settle();
  for (int i = 0; i < 100; i++) Advance(1);
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; i++) EXPECT_EQ(ran[static_cast<size_t>(i)] * 37 % 100, i);
}

TEST_F(PostAfter, WithoutMemoryNothingIsTaken) {
  h.Start();
  h.allocator().fail_at(1, false);
  EXPECT_EQ(evnet_reactor_post_after(
                h.reactor(), 1, [](void *) {}, nullptr),
            -ENOMEM);
}

}  // namespace
}  // namespace evnet_testing
