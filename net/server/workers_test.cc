// The worker pool: the order of work, the bound of the queue, and the destruction.
#include "net/server/workers.h"

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/server/internal/worker_steps.h"

namespace {

// Blocks workers until it is opened.
class Gate {
 public:
  // Work that reports its arrival and waits for the gate.
  static void Pass(void *gate) { static_cast<Gate *>(gate)->Wait(); }

  void Open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void UntilInside(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  int passed() {
    std::lock_guard<std::mutex> lock(mutex_);
    return passed_;
  }

 private:
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    inside_++;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    passed_++;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
  int passed_ = 0;
};

evnet_workers *Create(int threads, size_t queue_max = 0) {
  const evnet_workers_options options = {threads, queue_max, nullptr};
  evnet_workers *workers = nullptr;
  EXPECT_EQ(evnet_workers_create(&options, &workers), 0);
  return workers;
}

TEST(Workers, RunEverythingThatWasTakenBeforeDestroyReturns) {
  for (int threads : {1, 3, 16}) {
    evnet_workers *workers = Create(threads, 10000);
    std::atomic<int> ran{0};
    for (int i = 0; i < 10000; i++) {
      ASSERT_EQ(evnet_workers_submit(
                    workers, [](void *count) { ++*static_cast<std::atomic<int> *>(count); }, &ran),
                0);
    }
    evnet_workers_destroy(workers);
    EXPECT_EQ(ran, 10000);
  }
}

TEST(Workers, BeginInTheOrderOfSubmission) {
  evnet_workers *workers = Create(1, 3);
  struct Step {
    std::vector<int> *order;
    int number;
  };
  std::vector<int> order;
  std::vector<Step> steps;
  for (int i = 0; i < 100; i++) steps.push_back({&order, i});
  for (Step &step : steps) {
    int status;
    do {
      status = evnet_workers_submit(
          workers,
          [](void *argument) {
            auto *self = static_cast<Step *>(argument);
            self->order->push_back(self->number);
          },
          &step);
      if (status == -EAGAIN) std::this_thread::yield();
    } while (status == -EAGAIN);
    ASSERT_EQ(status, 0);
  }
  evnet_workers_destroy(workers);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; i++) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Workers, AllThreadsWorkAtOnceAndAFullQueueSaysSo) {
  evnet_workers *workers = Create(3, 5);
  Gate gate;
  for (int i = 0; i < 3; i++) ASSERT_EQ(evnet_workers_submit(workers, Gate::Pass, &gate), 0);
  gate.UntilInside(3);
  for (size_t i = 0; i < 5; i++) {
    EXPECT_EQ(evnet_workers_queued(workers), i);
    ASSERT_EQ(evnet_workers_submit(workers, Gate::Pass, &gate), 0);
  }
  EXPECT_EQ(evnet_workers_submit(workers, Gate::Pass, &gate), -EAGAIN);
  EXPECT_EQ(evnet_workers_queued(workers), 5u);
  gate.Open();
  evnet_workers_destroy(workers);
  EXPECT_EQ(gate.passed(), 8);
}

TEST(Workers, WhatWorkSubmitsWhileItEndsIsRefused) {
  evnet_workers *workers = Create(1);
  struct Context {
    evnet_workers *workers;
    Gate gate;
    int status = 0;
  } context{workers, {}, 0};
  const auto submit = [](void *argument) {
    auto *self = static_cast<Context *>(argument);
    Gate::Pass(&self->gate);
    // evnet_workers_destroy has begun or is about to begin.
    do {
      self->status = evnet_workers_submit(
          self->workers, [](void *) {}, nullptr);
      std::this_thread::yield();
    } while (self->status == 0 || self->status == -EAGAIN);
  };
  ASSERT_EQ(evnet_workers_submit(workers, submit, &context), 0);
  context.gate.UntilInside(1);
  std::thread destroyer([&] { evnet_workers_destroy(workers); });
  context.gate.Open();
  destroyer.join();
  EXPECT_EQ(context.status, -ESHUTDOWN);
}

TEST(Workers, TakeNoSignalOfTheProcess) {
  evnet_workers *workers = Create(1);
  sigset_t mask;
  sigemptyset(&mask);
  ASSERT_EQ(
      evnet_workers_submit(
          workers,
          [](void *set) { pthread_sigmask(SIG_BLOCK, nullptr, static_cast<sigset_t *>(set)); },
          &mask),
      0);
  evnet_workers_destroy(workers);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGCHLD}) {
    EXPECT_EQ(sigismember(&mask, number), 1) << number;
  }
  EXPECT_EQ(sigismember(&mask, SIGSEGV), 0);
}

TEST(Workers, NumbersOutOfRangeAreRefused) {
  evnet_workers *workers = nullptr;
  for (const evnet_workers_options &options : {evnet_workers_options{-1, 0, nullptr},
                                               {EVNET_WORKERS_MAX + 1, 0, nullptr},
                                               {1, SIZE_MAX, nullptr}}) {
    EXPECT_EQ(evnet_workers_create(&options, &workers), -EINVAL);
  }
  evnet_workers_destroy(nullptr);
}

TEST(Workers, WithoutMemoryNothingIsLeft) {
  FailingAllocator allocator;
  const evnet_workers_options options = {2, 10, allocator.get()};
  size_t needed = 0;
  for (int status = -ENOMEM; status == -ENOMEM;) {
    allocator.fail_at(++needed, false);
    evnet_workers *workers = nullptr;
    status = evnet_workers_create(&options, &workers);
    allocator.fail_at(0, false);
    if (status == 0) evnet_workers_destroy(workers);
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }
  EXPECT_EQ(needed, 4u) << "three parts";
}

// The allocator detects writes to released memory.
TEST(Workers, DestroyTouchesNothingThatItHasReleased) {
  FailingAllocator allocator;
  const evnet_workers_options options = {2, 10, allocator.get()};
  evnet_workers *workers = nullptr;
  ASSERT_EQ(evnet_workers_create(&options, &workers), 0);
  evnet_workers_destroy(workers);
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

TEST(WorkersWithoutThreads, RunWhatIsTakenWhenItIsRunAndTheRestAtTheEnd) {
  const evnet_workers_options options = {2, 3, nullptr};
  evnet_workers *workers = nullptr;
  ASSERT_EQ(evnet_workers_create_stepped(&options, &workers), 0);
  std::string ran;
  const auto note = [](void *text) { static_cast<std::string *>(text)->append("x"); };
  evnet_work work = {};
  EXPECT_FALSE(evnet_workers_take(workers, &work));
  for (int i = 0; i < 3; i++) EXPECT_EQ(evnet_workers_submit(workers, note, &ran), 0);
  EXPECT_EQ(evnet_workers_submit(workers, note, &ran), -EAGAIN);
  ASSERT_TRUE(evnet_workers_take(workers, &work));
  EXPECT_EQ(evnet_workers_queued(workers), 2u);
  EXPECT_EQ(ran, "");
  work.work(work.argument);
  EXPECT_EQ(ran, "x");
  evnet_workers_destroy(workers);
  EXPECT_EQ(ran, "xxx");
}

TEST(Workers, FromManyThreadsEachIsRunOnce) {
  evnet_workers *workers = Create(4, 64);
  std::atomic<int> ran{0};
  std::vector<std::thread> submitters;
  for (int t = 0; t < 4; t++) {
    submitters.emplace_back([&] {
      for (int i = 0; i < 5000;) {
        int status = evnet_workers_submit(
            workers, [](void *count) { ++*static_cast<std::atomic<int> *>(count); }, &ran);
        if (status == 0) i++;
        if (status == -EAGAIN) std::this_thread::yield();
      }
    });
  }
  for (std::thread &submitter : submitters) submitter.join();
  evnet_workers_destroy(workers);
  EXPECT_EQ(ran, 20000);
}

}  // namespace
