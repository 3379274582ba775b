// The system refuses threads: wrapped functions (the linker's --wrap) fail. A server or a worker
// pool that cannot be created leaks nothing.
#include <errno.h>
#include <pthread.h>

#include <atomic>
#include <string>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/server/server.h"
#include "net/server/testing/server.h"
#include "net/server/workers.h"

namespace {

// The number of the call that fails, from 1 (0 for none), and its error.
struct Fault {
  std::atomic<int> calls{0};
  std::atomic<int> failing{0};
  std::atomic<int> error{0};

  void FailAt(int call, int with) {
    calls = 0;
    error = with;
    failing = call;
  }
  int Next() { return ++calls == failing ? error.load() : 0; }
};

Fault threads;

}  // namespace

extern "C" {

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *argument) {
  const int error = threads.Next();
  return error != 0 ? error : __real_pthread_create(thread, attributes, main, argument);
}

}  // extern "C"

namespace evnet_testing {
namespace {

class ThreadsFaults : public testing::Test {
 protected:
  ThreadsFaults() : descriptors_(OpenDescriptors()), threads_(Threads()) {}
  ~ThreadsFaults() override {
    threads.FailAt(0, 0);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
    EXPECT_EQ(OpenDescriptors(), descriptors_);
    EXPECT_TRUE(WaitUntil([this] { return Threads() == threads_; }));
  }

  FailingAllocator allocator_;

 private:
  const size_t descriptors_;
  const size_t threads_;
};

TEST_F(ThreadsFaults, AReactorWithoutAThreadEndsTheStartAndTheLogSaysWhich) {
  constexpr int kReactors = 3;
  for (const int error : {EAGAIN, EPERM}) {
    // The first thread is that of reactor 0.
    for (int reactor = 0; reactor < kReactors; reactor++) {
      evnet_options options = {};
      options.reactors = kReactors;
      options.allocator = allocator_.get();
      Created server(Echo(), options);
      ASSERT_EQ(server.status(), 0);
      threads.FailAt(reactor + 1, error);
      EXPECT_EQ(evnet_server_start(server.get()), -error);
      EXPECT_TRUE(
          server.log().Has("cannot create the thread of reactor " + std::to_string(reactor) + ": " +
                           (error == EAGAIN ? "a limit on threads" : evnet_status_message(-error))))
          << server.log().Text();
    }
  }
}

TEST_F(ThreadsFaults, APoolWithoutAThreadIsNotCreated) {
  const evnet_workers_options options = {3, 0, allocator_.get()};
  evnet_workers *workers = nullptr;
  for (const int thread : {1, 2, 3}) {
    threads.FailAt(thread, EAGAIN);
    EXPECT_EQ(evnet_workers_create(&options, &workers), -EAGAIN);
  }
}

TEST_F(ThreadsFaults, APoolWithoutOptionsHasFourThreads) {
  threads.FailAt(0, 0);
  evnet_workers *workers = nullptr;
  ASSERT_EQ(evnet_workers_create(nullptr, &workers), 0);
  EXPECT_EQ(threads.calls, 4);
  evnet_workers_destroy(workers);
}

}  // namespace
}  // namespace evnet_testing
