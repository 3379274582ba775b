// A reactor that looks names up in a table instead of the machine's resolver, and as slowly as a
// test wants. resolver_fixture.cc has the getaddrinfo for this.
#ifndef EVNET_NET_REACTOR_TESTING_RESOLVER_FIXTURE_H_
#define EVNET_NET_REACTOR_TESTING_RESOLVER_FIXTURE_H_

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/resolver.h"

namespace evnet_testing {

// Controls getaddrinfo, in which names "slow..." wait until Release.
struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  int released_once = 0;          // this many waiting calls may return, whichever they are
  int asking = 0;                 // calls that are in getaddrinfo now
  int asked = 0;                  // calls so far
  bool outlives_reactor = false;  // the answers exist until the reactor has ended
  std::vector<std::string> hosts;
  std::string thread_name;

  void Enter(const char *host) {
    std::unique_lock<std::mutex> lock(mutex);
    asked++;
    asking++;
    hosts.push_back(host);
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    thread_name = name;
    changed.notify_all();
    if (strncmp(host, "slow", 4) == 0) {
      changed.wait(lock, [&] { return released || released_once > 0; });
      if (!released) released_once--;
    }
    asking--;
    changed.notify_all();
  }

  void WaitAsked(int count) {
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return asked >= count; }));
  }

  void Release() {
    std::unique_lock<std::mutex> lock(mutex);
    released = true;
    changed.notify_all();
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return asking == 0; }));
  }

  void ReleaseOne() {
    std::lock_guard<std::mutex> lock(mutex);
    released_once++;
    changed.notify_all();
  }

  int Asked() {
    std::lock_guard<std::mutex> lock(mutex);
    return asked;
  }
};

extern Names *names;

constexpr int kThreads = 4;

struct Answer {
  int calls = 0;
  int status = 1;
  std::vector<std::string> addresses;
};

inline void Done(void *arg, int status, const evnet_address *addresses, size_t count) {
  // Most tests end before their reactor does, and their answers with them.
  if (status == -ESHUTDOWN && !names->outlives_reactor) return;
  Answer *answer = static_cast<Answer *>(arg);
  answer->calls++;
  answer->status = status;
  for (size_t i = 0; i < count; i++) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    evnet_address_format(&addresses[i], text, sizeof text);
    answer->addresses.push_back(text);
  }
}

class Resolver : public testing::Test {
 protected:
  Resolver() {
    names = &table_;
    reactor_ = Create(kThreads);
  }

  evnet_reactor *Create(size_t threads_max, size_t lookups_max = 0) {
    evnet_reactor_options options = {};
    options.lookup_threads_max = threads_max;
    options.lookups_max = lookups_max;
    options.logger.log = [](evnet_log_level, const char *message, void *user) {
      static_cast<Resolver *>(user)->log_.push_back(message);
    };
    options.logger.user = this;
    options.logger.level = EVNET_LOG_DEBUG;
    const evnet_handler handler = {};
    evnet_reactor *reactor = nullptr;
    EXPECT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor), 0);
    return reactor;
  }

  ~Resolver() override {
    Destroy();
    table_.Release();
    // The last thread may still be returning from getaddrinfo, but it does not use `names` any
    // more.
  }

  void Destroy() {
    evnet_reactor_destroy(reactor_);
    reactor_ = nullptr;
  }

  evnet_lookup *LookUp(const char *text, Answer *answer) { return LookUp(reactor_, text, answer); }

  evnet_lookup *LookUp(evnet_reactor *reactor, const char *text, Answer *answer) {
    evnet_lookup *lookup = nullptr;
    EXPECT_EQ(Begin(reactor, text, answer, &lookup), 0);
    EXPECT_EQ(answer->calls, 0);
    return lookup;
  }

  // Starts a lookup of the name in an address, such as "tcp://name.test:80".
  static int Begin(evnet_reactor *reactor, const char *text, Answer *answer,
                   evnet_lookup **out_lookup) {
    evnet_address address;
    evnet_host host;
    EXPECT_EQ(evnet_address_read_host(text, &address, &host, nullptr, 0), 1) << text;
    return evnet_resolver_look_up(reactor, &host, Done, answer, out_lookup);
  }

  void RunUntil(const Answer &answer) { RunUntil(reactor_, answer); }

  void RunUntil(evnet_reactor *reactor, const Answer &answer) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (answer.calls == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      ASSERT_EQ(evnet_reactor_turn(reactor, 10), 1);
    }
  }

  Names table_;
  std::vector<std::string> log_;
  evnet_reactor *reactor_ = nullptr;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_RESOLVER_FIXTURE_H_
