// The signal handler, while other threads create and destroy servers between any two of its steps.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "gtest/gtest.h"
#include "net/server/internal/signal_steps.h"

namespace {

constexpr int kSignal = SIGUSR1;

evnet_server *Registered(int64_t drain_ms) {
  evnet_server *server = evnet_signal_server_create();
  EXPECT_EQ(evnet_server_stop_on_signal(server, kSignal, drain_ms), 0);
  return server;
}

// Runs a function on another thread before the handler's `step`-th step. The handler continues when
// the function has returned or waits for the handler.
class AtStep {
 public:
  AtStep(int step, std::function<void()> function) : step_(step), function_(std::move(function)) {
    current = this;
    evnet_signal_step = [] {
      if (current != nullptr && pthread_equal(pthread_self(), current->handlers_) != 0)
        current->Step();
    };
  }
  ~AtStep() {
    evnet_signal_step = nullptr;
    if (thread_.joinable()) thread_.join();
    current = nullptr;
  }
  AtStep(const AtStep &) = delete;
  AtStep &operator=(const AtStep &) = delete;

  bool reached() const { return count_ >= step_; }
  void Join() { thread_.join(); }

 private:
  void Step() {
    if (++count_ != step_) return;
    thread_ = std::thread([this] {
      function_();
      done_ = true;
    });
    for (int ms = 0; ms < 20 && !done_; ms++) {
      const timespec pause = {0, 1000000};
      nanosleep(&pause, nullptr);
    }
  }

  static AtStep *current;
  const pthread_t handlers_ = pthread_self();
  const int step_;
  int count_ = 0;
  std::function<void()> function_;
  std::thread thread_;
  std::atomic<bool> done_{false};
};

AtStep *AtStep::current = nullptr;

// The child process does not have the thread that runs the handler, so it must not wait for it.
TEST(SignalSteps, AChildForkedDuringTheHandlerMayDestroyTheServer) {
  for (int step = 1;; step++) {
    evnet_server *const server = Registered(1000);
    int status = -1;
    bool reached;
    {
      AtStep fork_there(step, [&] {
        const pid_t child = fork();
        if (child == 0) {
          (void)alarm(5);
          evnet_signal_server_destroy(server);
          _exit(0);
        }
        (void)waitpid(child, &status, 0);
      });
      evnet_signal_handle(kSignal);
      reached = fork_there.reached();
      if (reached) fork_there.Join();
    }
    evnet_signal_server_destroy(server);
    if (!reached) {
      EXPECT_GT(step, 5);
      break;
    }
    EXPECT_EQ(status, 0) << "at step " << step;
  }
}

TEST(SignalSteps, AServerThatComesDuringTheHandlerIsLeftAlone) {
  // Before its first step the handler has not read the number of registrations.
  for (int step = 2;; step++) {
    SCOPED_TRACE("step " + std::to_string(step));
    evnet_server *first = Registered(1000);
    evnet_server *other = Registered(1000);
    evnet_server *next = nullptr;
    bool reached;
    {
      AtStep at(step, [&] {
        std::thread destroyer([first] { evnet_signal_server_destroy(first); });
        next = Registered(2000);
        destroyer.join();
      });
      evnet_signal_handle(kSignal);
      reached = at.reached();
      if (reached) at.Join();
    }
    EXPECT_EQ(evnet_signal_server_stops(other), 1);
    if (!reached) {
      evnet_signal_server_destroy(first);
      evnet_signal_server_destroy(other);
      EXPECT_GT(step, 16) << "too few steps";
      break;
    }
    EXPECT_EQ(evnet_signal_server_stops(next), 0)
        << "stopped by a signal that came before the registration";
    evnet_signal_handle(kSignal);
    EXPECT_EQ(evnet_signal_server_stops(next), 1);
    EXPECT_EQ(evnet_signal_server_drain_ms(next), 2000) << "its first signal";
    EXPECT_EQ(evnet_signal_server_drain_ms(other), 0) << "its second";
    evnet_signal_server_destroy(next);
    evnet_signal_server_destroy(other);
  }
}

// The number 0 means no signal.
TEST(SignalSteps, TheNumberOfASignalIsNeverZero) {
  evnet_server *server = Registered(1000);
  evnet_signal_count_set(~0u);
  evnet_signal_handle(kSignal);
  EXPECT_EQ(evnet_signal_server_drain_ms(server), 1000);
  evnet_signal_handle(kSignal);
  EXPECT_EQ(evnet_signal_server_drain_ms(server), 0) << "the second signal";
  EXPECT_EQ(evnet_signal_server_stops(server), 2);
  evnet_signal_server_destroy(server);
}

TEST(SignalSteps, ServersComeAndGoUnderSignals) {
  std::atomic<bool> over{false};
  std::atomic<int> ready{0};
  ASSERT_NE(signal(kSignal, [](int) {}), SIG_ERR);
  std::thread makers[2];
  for (std::thread &maker : makers) {
    maker = std::thread([&] {
      ready++;
      for (int i = 0; i < 300; i++) {
        evnet_server *server = Registered(1000);
        evnet_signal_server_destroy(server);
      }
      while (!over) std::this_thread::yield();
    });
  }
  while (ready < 2) std::this_thread::yield();
  for (int i = 0; i < 2000; i++) ASSERT_EQ(pthread_kill(makers[i % 2].native_handle(), kSignal), 0);
  over = true;
  for (std::thread &maker : makers) maker.join();
  ASSERT_NE(signal(kSignal, SIG_DFL), SIG_ERR);
}

}  // namespace
