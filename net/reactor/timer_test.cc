// Timers of the layers above, on a clock that the test advances.
#include "net/reactor/timer.h"

#include <functional>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Timer : public ::testing::Test {
 protected:
  Timer() { TheKernel().StopClock(); }

  struct Each {
    evnet_timer timer = {};
    std::function<void()> run;
    int count = 0;
  };
  static void Expired(evnet_timer *timer, void *user) {
    Each *each = static_cast<Each *>(user);
    EXPECT_EQ(timer, &each->timer);
    each->count++;
    if (each->run) each->run();
  }
  void Run(Each *each, uint64_t delay_ms) {
    evnet_timer_start(h.reactor(), &each->timer, delay_ms, Expired, each);
  }
  void Stop(Each *each) { evnet_timer_stop(h.reactor(), &each->timer); }
  void Advance(uint64_t ms) {
    TheKernel().Advance(ms);
    h.Settle();
  }

  Harness h;
};

TEST_F(Timer, RunsOnceWhenItsTimeHasPassedAndNotBefore) {
  h.Start();
  h.Turn();
  Each a;
  Run(&a, 100);
  Advance(99);
  EXPECT_EQ(a.count, 0);
  Advance(1);
  EXPECT_EQ(a.count, 1);
  Advance(1000);
  EXPECT_EQ(a.count, 1);
}

TEST_F(Timer, OfZeroThatStartsItselfAgainRunsOnceATurn) {
  h.Start();
  Each a;
  a.run = [&] { Run(&a, 0); };
  Run(&a, 0);
  for (int i = 1; i <= 20; i++) {
    h.Turn();
    EXPECT_EQ(a.count, i);
  }
  Stop(&a);
}

TEST_F(Timer, OfZeroLetsConnectionsBeServed) {
  h.on.data = [](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  Each a;
  a.run = [&] { Run(&a, 0); };
  Run(&a, 0);
  Harness::Pair pair = h.Connect();
  pair.client.Write("x");
  EXPECT_EQ(h.ReadExactly(&pair.client, 1), "x");
  Stop(&a);
}

TEST_F(Timer, StoppedOnesDoNotRunAndStoppingTwiceIsHarmless) {
  h.Start();
  Each a;
  Stop(&a);
  Run(&a, 10);
  Stop(&a);
  Stop(&a);
  Advance(1000);
  EXPECT_EQ(a.count, 0);
}

TEST_F(Timer, OneStopsItselfAndAnotherOfTheSameMoment) {
  h.Start();
  Each a;
  Each b;
  a.run = [&] {
    Stop(&a);
    Stop(&b);
  };
  b.run = [&] {
    Stop(&a);
    Stop(&b);
  };
  Run(&a, 10);
  Run(&b, 10);
  Advance(20);
  EXPECT_EQ(a.count + b.count, 1);
}

TEST_F(Timer, StartedAgainItIsMoved) {
  h.Start();
  h.Turn();
  Each a;
  Run(&a, 100);
  Run(&a, 1000);
  Advance(999);
  EXPECT_EQ(a.count, 0);
  Advance(1);
  EXPECT_EQ(a.count, 1);
  Run(&a, 1000);
  Run(&a, 10);
  Advance(10);
  EXPECT_EQ(a.count, 2);
}

TEST_F(Timer, MayBeFreedInItsOwnCallback) {
  h.Start();
  Each *a = new Each;
  bool ran = false;
  a->run = [&] {
    ran = true;
    a->run = nullptr;
  };
  evnet_timer_start(
      h.reactor(), &a->timer, 5,
      [](evnet_timer *, void *user) {
        Each *each = static_cast<Each *>(user);
        const std::function<void()> run = each->run;
        run();
        delete each;
      },
      a);
  Advance(10);
  EXPECT_TRUE(ran);
}

TEST_F(Timer, FurtherAwayThanTheWheelReaches) {
  h.Start();
  h.Turn();
  Each a;
  Each never;
  const uint64_t day = 24 * 3600 * 1000ull;
  Run(&a, 100 * day);
  Run(&never, UINT64_MAX);
  for (int i = 0; i < 99; i++) Advance(day);
  EXPECT_EQ(a.count, 0);
  Advance(day - 1);
  EXPECT_EQ(a.count, 0);
  Advance(1);
  EXPECT_EQ(a.count, 1);
  Advance(1000 * day);
  EXPECT_EQ(never.count, 0);
  Stop(&never);
}

TEST_F(Timer, WritesFromATimerLeaveInTheSameTurn) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Each a;
  a.run = [&] { Write(pair.conn, "tick"); };
  Run(&a, 10);
  TheKernel().Advance(10);
  h.Turn();
  EXPECT_EQ(pair.client.Read(), "tick");
}

TEST_F(Timer, TheKernelsWaitEndsForIt) {
  ResetKernel();  // the real clock
  h.Start();
  Each a;
  a.run = [&] { evnet_reactor_stop(h.reactor(), 0); };
  Run(&a, 20);
  EXPECT_EQ(evnet_reactor_run(h.reactor()), 0);
  EXPECT_EQ(a.count, 1);
  EXPECT_LT(h.Stats().turns, 40u) << "the reactor must sleep between timers";
}

TEST_F(Timer, RepeatsAtItsPeriodUntilItIsStopped) {
  h.Start();
  h.Turn();
  Each a;
  evnet_timer_repeat(h.reactor(), &a.timer, 100, Expired, &a);
  for (int i = 1; i <= 5; i++) {
    Advance(99);
    EXPECT_EQ(a.count, i - 1);
    Advance(1);
    EXPECT_EQ(a.count, i);
  }
  Stop(&a);
  Advance(1000);
  EXPECT_EQ(a.count, 5);
}

TEST_F(Timer, RepeatingItKeepsItsMultiplesAndMakesUpForNothing) {
  h.Start();
  h.Turn();
  Each a;
  evnet_timer_repeat(h.reactor(), &a.timer, 100, Expired, &a);
  Advance(350);  // three periods have passed
  EXPECT_EQ(a.count, 1);
  Advance(49);
  EXPECT_EQ(a.count, 1);
  Advance(1);
  EXPECT_EQ(a.count, 2) << "the timer runs at 400 ms, not at 450 ms";
  Stop(&a);
}

TEST_F(Timer, RepeatingItMayStopItselfStartItselfOnceOrBeFreed) {
  h.Start();
  h.Turn();
  Each a, b;
  a.run = [&] { Stop(&a); };
  b.run = [&] { Run(&b, 300); };
  evnet_timer_repeat(h.reactor(), &a.timer, 10, Expired, &a);
  evnet_timer_repeat(h.reactor(), &b.timer, 10, Expired, &b);
  auto *freed = new evnet_timer();
  evnet_timer_repeat(
      h.reactor(), freed, 10,
      [](evnet_timer *timer, void *reactor) {
        evnet_timer_stop(static_cast<evnet_reactor *>(reactor), timer);
        delete timer;
      },
      h.reactor());
  for (int i = 0; i < 30; i++) Advance(10);
  EXPECT_EQ(a.count, 1);
  EXPECT_EQ(b.count, 1);
  Advance(10);
  EXPECT_EQ(b.count, 2);
  b.run = nullptr;
  Stop(&b);
}

TEST_F(Timer, APeriodOfZeroCountsAsOneMillisecond) {
  h.Start();
  h.Turn();
  Each a;
  evnet_timer_repeat(h.reactor(), &a.timer, 0, Expired, &a);
  h.Turns(10);
  EXPECT_EQ(a.count, 0);
  for (int i = 1; i <= 3; i++) {
    Advance(1);
    EXPECT_EQ(a.count, i);
  }
  Stop(&a);
}

}  // namespace
}  // namespace evnet_testing
