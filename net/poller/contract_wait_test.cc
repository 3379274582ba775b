// The poller's contract: waiting, the clock, and wake-ups by other threads.
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

constexpr int64_t kMs = 1000000;
constexpr int64_t kLongNs = 20000 * kMs;  // only a failing test waits this long

class WaitTest : public ContractTest {
 protected:
  // Returns the duration of one turn.
  int64_t TimedTurn(int64_t timeout_ns) {
    const uint64_t before = evnet_poller_now_ns(poller());
    loop().Turn(timeout_ns);
    return static_cast<int64_t>(evnet_poller_now_ns(poller()) - before);
  }
};

TEST_P(WaitTest, TheTimeoutIsNotEarly) {
  for (const int64_t timeout_ns : {1 * kMs, 15 * kMs, 2 * kMs + 1}) {
    EXPECT_GE(TimedTurn(timeout_ns), timeout_ns);
  }
  EXPECT_TRUE(loop().events().empty());
}

TEST_P(WaitTest, ZeroOnlyLooks) { EXPECT_LT(TimedTurn(0), kLongNs / 2); }

TEST_P(WaitTest, WithoutALimitItWaitsForAWake) {
  for (const int64_t timeout_ns : {int64_t{-1}, INT64_MIN, INT64_MAX}) {
    const uint64_t until = evnet_poller_now_ns(poller()) + 15 * kMs;
    std::thread waker([&] {
      while (evnet_poller_now_ns(poller()) < until) std::this_thread::yield();
      evnet_poller_wake(poller());
    });
    loop().Turn(timeout_ns);
    EXPECT_GE(evnet_poller_now_ns(poller()), until);
    waker.join();
  }
}

TEST_P(WaitTest, TheClockGoesForward) {
  uint64_t last = evnet_poller_now_ns(poller());
  for (int i = 0; i < 1000; i++) {
    const uint64_t now = evnet_poller_now_ns(poller());
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST_P(WaitTest, WhatIsUnreportedComesWithinTheWaitsThatItNames) {
  constexpr int kConnections = 60;
  std::vector<Connection> connections;
  for (int i = 0; i < kConnections; i++) connections.push_back(Connect());
  for (const Connection &each : connections) evnet_poller_recv_start(poller(), each.handle);
  Settle();
  for (int round = 0; round < 3; round++) {
    for (const Connection &each : connections) each.peer->Send("x");
    loop().Clear();
    loop().Turn(0);
    for (uint32_t left = evnet_poller_unreported(poller()); left > 0; left--) {
      if (evnet_poller_unreported(poller()) == 0) break;
      connections[0].peer->Send("and more");
      loop().Turn(0);
    }
    for (const Connection &each : connections) EXPECT_NE(loop().Data(each.handle), "");
  }
  Settle();
  for (int i = 0; i < 3; i++) loop().Turn(0);
  EXPECT_EQ(evnet_poller_unreported(poller()), 0u);
}

TEST_P(WaitTest, AWakeBeforeWaitIsNotLost) {
  evnet_poller_wake(poller());
  EXPECT_LT(TimedTurn(kLongNs), kLongNs / 2);
  EXPECT_TRUE(loop().events().empty());
}

TEST_P(WaitTest, AWakeInAHandlerIsNotLost) {
  Connection connection = Connect();
  connection.peer->Send("x");
  loop().OnEvent([&](const Event &) { evnet_poller_wake(poller()); });
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "x"; }));
  EXPECT_LT(TimedTurn(kLongNs), kLongNs / 2);
}

TEST_P(WaitTest, WakesCoalesce) {
  for (int i = 0; i < 5; i++) evnet_poller_wake(poller());
  EXPECT_LT(TimedTurn(kLongNs), kLongNs / 2);
  EXPECT_GE(TimedTurn(15 * kMs), 15 * kMs);
}

TEST_P(WaitTest, NoWakeFromAnotherThreadIsLost) {
  constexpr int kRounds = 2000;
  std::atomic<int> asked{0};
  std::thread waker([&] {
    for (int answered = 0; answered < kRounds;) {
      if (asked.load() == answered) continue;
      answered++;
      evnet_poller_wake(poller());
    }
  });
  const uint64_t before = evnet_poller_now_ns(poller());
  for (int i = 0; i < kRounds; i++) {
    asked.fetch_add(1);
    loop().Turn(kLongNs);
  }
  waker.join();
  EXPECT_LT(static_cast<int64_t>(evnet_poller_now_ns(poller()) - before), kLongNs);
}

std::atomic<evnet_poller *> signalled_poller{nullptr};
std::atomic<int> errno_after_wake{0};
std::atomic<int> signal_count{0};

class SignalTest : public WaitTest {
 protected:
  void SetUp() override {
    WaitTest::SetUp();
    signalled_poller = poller();
    errno_after_wake = 0;
    signal_count = 0;
  }
  void TearDown() override { (void)sigaction(SIGUSR1, &saved_, nullptr); }

  void Handle(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    ASSERT_EQ(sigaction(SIGUSR1, &action, &saved_), 0);
  }

 private:
  struct sigaction saved_ = {};
};

TEST_P(SignalTest, AWakeFromAHandlerKeepsErrno) {
  Handle([](int) {
    errno = EDOM;
    evnet_poller_wake(signalled_poller);
    errno_after_wake = errno;
  });
  ASSERT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(errno_after_wake, EDOM);
  EXPECT_LT(TimedTurn(kLongNs), kLongNs / 2);
}

TEST_P(SignalTest, ASignalWithoutAWakeIsNoError) {
  Handle([](int) { signal_count++; });
  std::atomic<bool> stop{false};
  const pthread_t target = pthread_self();
  std::thread sender([&] {
    while (!stop) {
      (void)pthread_kill(target, SIGUSR1);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 50; i++) loop().Turn(1 * kMs);
  stop = true;
  sender.join();
  EXPECT_GT(signal_count, 0);
  EXPECT_TRUE(loop().events().empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, WaitTest, ::testing::ValuesIn(Backends()), BackendName);
INSTANTIATE_TEST_SUITE_P(Backends, SignalTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
