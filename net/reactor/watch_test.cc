// Watches of descriptors that evnet does not own.
#include "net/reactor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0); }
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;
  ~Pipe() {
    CloseReader();
    CloseWriter();
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void Write(size_t bytes = 1) {
    const std::string data(bytes, 'x');
    ASSERT_EQ(write(ends_[1], data.data(), bytes), static_cast<ssize_t>(bytes));
  }
  ssize_t Read(size_t bytes = 1) {
    std::string data(bytes, 0);
    return read(ends_[0], &data[0], bytes);
  }
  void CloseReader() { Close(&ends_[0]); }
  void CloseWriter() { Close(&ends_[1]); }

 private:
  static void Close(int *descriptor) {
    if (*descriptor >= 0) (void)close(*descriptor);
    *descriptor = -1;
  }
  int ends_[2];
};

class Watch : public ::testing::Test {
 protected:
  struct Each {
    evnet_watcher watcher = {};
    std::vector<uint32_t> seen;
    std::function<void(uint32_t events)> run;
    bool ended() const { return !seen.empty() && seen.back() == EVNET_WATCH_ENDED; }
  };
  static void Ready(evnet_watcher *watcher, uint32_t events, void *user) {
    Each *each = static_cast<Each *>(user);
    EXPECT_EQ(watcher, &each->watcher);
    EXPECT_NE(events, 0u);
    EXPECT_FALSE(each->ended()) << "a call after the end";
    each->seen.push_back(events);
    if (each->run) each->run(events);
  }
  int Try(Each *each, int descriptor, uint32_t events = EVNET_READABLE) {
    return evnet_watch(h.reactor(), descriptor, events, Ready, each, &each->watcher);
  }
  void Run(Each *each, int descriptor, uint32_t events = EVNET_READABLE) {
    EXPECT_EQ(Try(each, descriptor, events), 0);
  }
  void StopReactor(int64_t drain_ms = 5000) {
    evnet_reactor_stop(h.reactor(), drain_ms);
    h.Until([&] { return h.Turn() == 0; });
  }

  Pipe pipe;
  Harness h;
};

TEST_F(Watch, CallsInEachTurnUntilTheDescriptorIsDrained) {
  h.Start();
  Each each;
  Run(&each, pipe.reader());
  h.Settle();
  EXPECT_TRUE(each.seen.empty());
  pipe.Write(3);
  h.Turns(3);
  EXPECT_EQ(each.seen, (std::vector<uint32_t>{1, 1, 1}));
  EXPECT_EQ(pipe.Read(3), 3);
  h.Settle();
  EXPECT_EQ(each.seen.size(), 3u);
  evnet_watch_stop(&each.watcher);
}

TEST_F(Watch, ACallbackThatReadsEndsASleep) {
  h.Start();
  Each each;
  each.run = [&](uint32_t) { EXPECT_EQ(pipe.Read(), 1); };
  Run(&each, pipe.reader());
  h.Settle();
  for (size_t i = 1; i <= 3; i++) {
    pipe.Write();
    h.Turn(20000);
    h.Settle();
    EXPECT_EQ(each.seen.size(), i);
  }
  evnet_watch_stop(&each.watcher);
}

TEST_F(Watch, StopsItselfInItsCallbackAndMayFreeItsMemory) {
  h.Start();
  auto *each = new Each;
  bool stopped = false;
  each->run = [&](uint32_t) {
    evnet_watch_stop(&each->watcher);
    stopped = true;
    std::function<void(uint32_t)> keep = std::move(each->run);
    delete each;
  };
  Run(each, pipe.reader());
  pipe.Write();
  EXPECT_TRUE(h.Until([&] { return stopped; }));
  h.Settle();
}

TEST_F(Watch, StartsAgainInItsCallback) {
  h.Start();
  Each each;
  each.run = [&](uint32_t) {
    evnet_watch_stop(&each.watcher);
    if (each.seen.size() < 3) Run(&each, pipe.reader());
  };
  Run(&each, pipe.reader());
  pipe.Write();
  h.Settle();
  EXPECT_EQ(each.seen.size(), 3u);
}

TEST_F(Watch, StoppedByAnotherCallbackOfTheTurnIsNotCalled) {
  h.Start();
  Pipe second;
  Each a, b;
  a.run = [&](uint32_t) { evnet_watch_stop(&b.watcher); };
  b.run = [&](uint32_t) { evnet_watch_stop(&a.watcher); };
  Run(&a, pipe.reader());
  Run(&b, second.reader());
  pipe.Write();
  second.Write();
  h.Turns(4);
  EXPECT_TRUE(a.seen.empty() != b.seen.empty());
  evnet_watch_stop(&a.watcher);
  evnet_watch_stop(&b.watcher);
}

TEST_F(Watch, StoppedByAConnectionsCallbackIsNotCalled) {
  Each each;
  h.on.data = [&](evnet_conn *conn) {
    evnet_watch_stop(&each.watcher);
    each.seen.clear();
    TakeAll(conn);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  Run(&each, pipe.reader());
  pipe.Write();
  pair.client.Write("x");
  EXPECT_TRUE(h.Until([&] { return each.watcher.reactor == nullptr; }));
  h.Settle();
  EXPECT_TRUE(each.seen.empty());
}

TEST_F(Watch, ChangesItsEventsInItsCallback) {
  h.Start();
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  Each each;
  each.run = [&](uint32_t events) {
    if (events & EVNET_WRITABLE) {
      EXPECT_EQ(evnet_watch_change(&each.watcher, EVNET_READABLE), 0);
    }
  };
  Run(&each, ends[0], EVNET_READABLE | EVNET_WRITABLE);
  h.Settle();
  EXPECT_EQ(each.seen, (std::vector<uint32_t>{EVNET_WRITABLE}));
  EXPECT_EQ(evnet_watch_change(&each.watcher, 0), -EINVAL);
  EXPECT_EQ(evnet_watch_change(&each.watcher, EVNET_WATCH_ERROR), -EINVAL);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  h.Turns(2);
  EXPECT_EQ(each.seen, (std::vector<uint32_t>{EVNET_WRITABLE, EVNET_READABLE, EVNET_READABLE}));
  evnet_watch_stop(&each.watcher);
  (void)close(ends[0]);
  (void)close(ends[1]);
}

TEST_F(Watch, ThatDoesNotRunIsStoppedAndChangedWithoutEffect) {
  h.Start();
  Each each;
  evnet_watch_stop(&each.watcher);
  EXPECT_EQ(evnet_watch_change(&each.watcher, EVNET_READABLE), 0);
  Run(&each, pipe.reader());
  evnet_watch_stop(&each.watcher);
  evnet_watch_stop(&each.watcher);
  EXPECT_EQ(evnet_watch_change(&each.watcher, EVNET_READABLE), 0);
  pipe.Write();
  h.Settle();
  EXPECT_TRUE(each.seen.empty());
}

TEST_F(Watch, ReportsTheEndAndTheErrorOfAPipe) {
  h.Start();
  Each reads, writes;
  Run(&reads, pipe.reader());
  pipe.CloseWriter();
  h.Turns(2);
  EXPECT_EQ(reads.seen, (std::vector<uint32_t>{EVNET_WATCH_HANGUP, EVNET_WATCH_HANGUP}));
  Pipe second;
  Run(&writes, second.writer(), EVNET_WRITABLE);
  second.CloseReader();
  h.Turn();
  ASSERT_FALSE(writes.seen.empty());
  EXPECT_TRUE(writes.seen.back() & EVNET_WATCH_ERROR);
  evnet_watch_stop(&reads.watcher);
  evnet_watch_stop(&writes.watcher);
}

TEST_F(Watch, IsRefusedWithTheReason) {
  h.Start();
  Each each;
  EXPECT_EQ(Try(&each, -1), -EBADF);
  EXPECT_EQ(Try(&each, pipe.reader(), 0), -EINVAL);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(Try(&each, null), -EPERM);
  (void)close(null);
  evnet_watch_stop(&each.watcher);
  Run(&each, pipe.reader());
  evnet_watch_stop(&each.watcher);
}

TEST_F(Watch, SurvivesTheFailureOfEachAllocation) {
  h.Start();
  std::vector<std::unique_ptr<Each>> all;
  for (int i = 0; i < 40; i++) {
    all.push_back(std::make_unique<Each>());
    h.allocator().fail_at(1, false);
    const int status = Try(all.back().get(), pipe.reader());
    h.allocator().fail_at(0, false);
    if (status == 0) continue;
    EXPECT_EQ(status, -ENOMEM);
    Run(all.back().get(), pipe.reader());
  }
  pipe.Write();
  h.Turn();
  for (auto &each : all) {
    EXPECT_EQ(each->seen.size(), 1u);
    evnet_watch_stop(&each->watcher);
  }
}

TEST_F(Watch, BusyDoesNotStarveConnectionsTimersOrPosts) {
  h.Start();
  Each each;
  pipe.Write();
  Run(&each, pipe.reader());
  Harness::Pair pair = h.Connect();
  bool posted = false, expired = false;
  h.Post([&] { posted = true; });
  evnet_timer timer = {};
  evnet_timer_start(
      h.reactor(), &timer, 1, [](evnet_timer *, void *user) { *static_cast<bool *>(user) = true; },
      &expired);
  pair.client.Write("x");
  EXPECT_TRUE(h.Until([&] { return h.Of(pair).received == "x" && posted && expired; }));
  h.Close(pair.conn);
  EXPECT_TRUE(h.Until([&] {
    pair.client.Read();
    if (pair.client.end() == End::kEnd) pair.client.Close();
    return h.Of(pair).closed == 1;
  }));
  evnet_watch_stop(&each.watcher);
}

TEST_F(Watch, BusyDoesNotKeepATimeoutWaiting) {
  TheKernel().StopClock();
  h.options.idle_timeout_ms = 1000;
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Each each;
  pipe.Write();
  Run(&each, pipe.reader());
  Harness::Pair pair = h.Connect();
  TheKernel().Advance(1001);
  h.Turns(8);
  EXPECT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_IDLE_TIMEOUT);
  evnet_watch_stop(&each.watcher);
}

// The end of the reactor

TEST_F(Watch, EndsWithTheReactorAfterTheLastConnection) {
  std::vector<std::string> order;
  h.on.close = [&](evnet_conn *, int) {
    order.push_back("close");
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  Each each;
  each.run = [&](uint32_t events) {
    if (events != EVNET_WATCH_ENDED) return;
    order.push_back("ended");
    EXPECT_EQ(Try(&each, pipe.reader()), -ESHUTDOWN);
    evnet_watch_stop(&each.watcher);  // no effect
  };
  Run(&each, pipe.reader());
  StopReactor();
  EXPECT_EQ(order, (std::vector<std::string>{"close", "ended"}));
  EXPECT_EQ(each.seen, (std::vector<uint32_t>{EVNET_WATCH_ENDED}));
  Each late;
  EXPECT_EQ(Try(&late, pipe.reader()), -ESHUTDOWN);
}

TEST_F(Watch, StillWorksWhileTheReactorDrains) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { evnet_conn_hold(pair.conn); });
  h.Settle();
  Each each;
  each.run = [&](uint32_t events) {
    if (events == EVNET_WATCH_ENDED) return;
    EXPECT_EQ(pipe.Read(), 1);
    Write(pair.conn, "answer");
    evnet_conn_release(pair.conn);
  };
  Run(&each, pipe.reader());
  evnet_reactor_stop(h.reactor(), 5000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  pipe.Write();
  h.Until([&] {
    pair.client.Shutdown();
    return h.Turn() == 0;
  });
  EXPECT_EQ(pair.client.ReadRest(), "answer");
  EXPECT_EQ(each.seen, (std::vector<uint32_t>{EVNET_READABLE, EVNET_WATCH_ENDED}));
}

TEST_F(Watch, ThatIsBusyDoesNotKeepAStopWaiting) {
  TheKernel().StopClock();
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  Each each;
  pipe.Write();
  Run(&each, pipe.reader());
  h.Settle();
  evnet_reactor_stop(h.reactor(), 5000);
  int turns = 0;  // the clock stands, so no deadline ends the stop
  while (turns < 50 && h.Turn() != 0) turns++;
  EXPECT_LT(turns, 50);
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_TRUE(each.ended());
}

TEST_F(Watch, EndsInDestroyWithoutAStop) {
  h.Start();
  Each a, b;
  a.run = [&](uint32_t) { evnet_watch_stop(&b.watcher); };
  b.run = [&](uint32_t) { evnet_watch_stop(&a.watcher); };
  Run(&a, pipe.reader());
  Run(&b, pipe.reader());
  h.Turn();
  h.Destroy();
  EXPECT_EQ(a.seen.size() + b.seen.size(), 1u) << "the first to end stops the other";
}

TEST_F(Watch, ClosesItsDuplicateWithTheReactor) {
  h.Start();
  Each each;
  Run(&each, pipe.reader());
  pipe.CloseReader();
  StopReactor();
  pollfd polled = {pipe.writer(), POLLOUT, 0};
  EXPECT_EQ(poll(&polled, 1, 0), 1);
  EXPECT_TRUE(polled.revents & POLLERR) << "the reader is still open";
}

TEST_F(Watch, AFunctionPostedAtTheEndFindsItEnded) {
  h.Start();
  Each each;
  Run(&each, pipe.reader());
  StopReactor();
  evnet_watch_stop(&each.watcher);
  EXPECT_EQ(evnet_watch_change(&each.watcher, EVNET_READABLE), 0);
  EXPECT_TRUE(each.ended());
}

// A callback may do what any callback may.
TEST_F(Watch, WritesToAConnectionLeaveWhenTheCallbackReturns) {
  h.Start();
  Harness::Pair pair = h.Connect();
  Each each;
  each.run = [&](uint32_t) {
    EXPECT_EQ(pipe.Read(), 1);
    Write(pair.conn, "x");
  };
  Run(&each, pipe.reader());
  pipe.Write();
  EXPECT_TRUE(h.Until([&] { return each.seen.size() == 1; }));
  EXPECT_EQ(h.ReadExactly(&pair.client, 1), "x");
  evnet_watch_stop(&each.watcher);
}

}  // namespace
}  // namespace evnet_testing
