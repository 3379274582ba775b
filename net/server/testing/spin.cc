#include "net/server/testing/spin.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace evnet_testing {
namespace {

constexpr std::chrono::milliseconds kPeriod(20);
constexpr uint64_t kAllowed = 60;
constexpr uint64_t kAllowedPerMs = 2;

std::atomic<size_t> watch_threads{0};

}  // namespace

size_t WatchThreads() { return watch_threads; }

uint64_t SpinWatch::Allowed(int64_t elapsed_ms) {
  return kAllowed + kAllowedPerMs * static_cast<uint64_t>(elapsed_ms);
}

SpinWatch::SpinWatch(std::function<Activity()> look) : look_(std::move(look)) {
  // The watch's thread blocks all signals, so that the test's threads receive them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  watch_threads++;
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SpinWatch::~SpinWatch() { Stop(); }

uint64_t SpinWatch::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
    watch_threads--;
  }
  return most_;
}

void SpinWatch::Run() {
  using Clock = std::chrono::steady_clock;
  Activity before = look_();
  Clock::time_point since = Clock::now();
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_.wait_for(lock, kPeriod, [this] { return stop_; })) {
    const Activity now = look_();
    const Clock::time_point then = since;
    since = Clock::now();
    const int64_t elapsed_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(since - then).count();
    const uint64_t turns = now.turns - before.turns;
    const uint64_t allowed = Allowed(elapsed_ms);
    if (now.work == before.work && turns > allowed) most_ = std::max(most_, turns - allowed);
    before = now;
  }
}

}  // namespace evnet_testing
