// Names are looked up in a table here, whatever the machine knows, and as slowly as a test wants:
// this file has a getaddrinfo of its own.
#include "net/reactor/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace {

// What getaddrinfo does here: "slow..." waits until Release.
struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  int released_once = 0;  // so many of them, whichever
  int asking = 0;         // in getaddrinfo now
  int asked = 0;          // ever
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

Names *names;

}  // namespace

extern "C" int getaddrinfo(const char *node, const char *, const addrinfo *, addrinfo **results) {
  names->Enter(node);
  if (strcmp(node, "none.test") == 0) return EAI_NONAME;
  static sockaddr_in ip4[2];
  static addrinfo found[2];
  static const bool ready = [] {
    for (int i = 0; i < 2; i++) {
      ip4[i].sin_family = AF_INET;
      ip4[i].sin_addr.s_addr = htonl(0xC0000207 + static_cast<uint32_t>(i));  // 192.0.2.7, .8
      found[i].ai_family = AF_INET;
      found[i].ai_addr = reinterpret_cast<sockaddr *>(&ip4[i]);
      found[i].ai_addrlen = sizeof ip4[i];
    }
    found[0].ai_next = &found[1];
    return true;
  }();
  EXPECT_TRUE(ready);
  *results = &found[0];
  return 0;
}

extern "C" void freeaddrinfo(addrinfo *) {}

namespace {

struct Answer {
  int calls = 0;
  int status = 1;
  std::vector<std::string> addresses;
};

void Done(void *arg, int status, const evnet_address *addresses, size_t count) {
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
    evnet_reactor_options options = {};
    options.logger.log = [](evnet_log_level, const char *message, void *user) {
      static_cast<Resolver *>(user)->log_.push_back(message);
    };
    options.logger.user = this;
    const evnet_handler handler = {};
    EXPECT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor_), 0);
  }

  ~Resolver() override {
    Destroy();
    table_.Release();
    // The last thread may still be on its way out of getaddrinfo; it uses `names` no more.
  }

  void Destroy() {
    evnet_reactor_destroy(reactor_);
    reactor_ = nullptr;
  }

  evnet_lookup *LookUp(const char *text, Answer *answer) {
    evnet_lookup *lookup = nullptr;
    EXPECT_EQ(evnet_resolver_look_up(reactor_, text, Done, answer, &lookup), 0);
    EXPECT_EQ(answer->calls, 0);
    return lookup;
  }

  void RunUntil(const Answer &answer) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (answer.calls == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      ASSERT_EQ(evnet_reactor_turn(reactor_, 10), 1);
    }
  }

  Names table_;
  std::vector<std::string> log_;
  evnet_reactor *reactor_ = nullptr;
};

TEST_F(Resolver, GivesAllAddressesOnTheReactorLater) {
  Answer answer;
  LookUp("udp://both.test:80", &answer);
  RunUntil(answer);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.addresses,
            std::vector<std::string>({"udp://192.0.2.7:80", "udp://192.0.2.8:80"}));
  EXPECT_EQ(table_.thread_name, "evnet-resolve-0");
}

TEST_F(Resolver, ANameThatThereIsNotFailsAndTheLogNamesIt) {
  Answer answer;
  LookUp("none.test:80", &answer);
  RunUntil(answer);
  EXPECT_EQ(answer.status, EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(answer.addresses.empty());
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_NE(log_[0].find("none.test:80"), std::string::npos) << log_[0];
  // Peers may be who says which names: the log is not flooded.
  Answer again;
  LookUp("none.test:80", &again);
  RunUntil(again);
  EXPECT_EQ(log_.size(), 1u);
}

TEST_F(Resolver, ATextThatIsNoAddressFailsToo) {
  Answer answer;
  LookUp("both.test", &answer);
  RunUntil(answer);
  EXPECT_EQ(answer.status, EVNET_STATUS_ADDRESS);
  EXPECT_EQ(table_.Asked(), 0);
}

TEST_F(Resolver, ASlowNameDelaysNoOther) {
  Answer slow, fast;
  LookUp("slow.test:80", &slow);
  table_.WaitAsked(1);
  LookUp("fast.test:80", &fast);
  RunUntil(fast);
  EXPECT_EQ(slow.calls, 0);
  table_.Release();
  RunUntil(slow);
  EXPECT_EQ(slow.status, 0);
}

TEST_F(Resolver, ThreadsAreBoundedAndTheRestWaitsInOrder) {
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < EVNET_RESOLVER_THREADS_MAX; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(EVNET_RESOLVER_THREADS_MAX);
  Answer first, second;
  LookUp("first.test:80", &first);
  LookUp("second.test:80", &second);
  ASSERT_EQ(evnet_reactor_turn(reactor_, 20), 1);
  EXPECT_EQ(table_.Asked(), EVNET_RESOLVER_THREADS_MAX);
  // By one thread, one after the other.
  table_.ReleaseOne();
  RunUntil(first);
  RunUntil(second);
  EXPECT_EQ(table_.hosts[EVNET_RESOLVER_THREADS_MAX], "first.test");
  EXPECT_EQ(table_.hosts[EVNET_RESOLVER_THREADS_MAX + 1], "second.test");
  table_.Release();
}

TEST_F(Resolver, TooManyAreRefused) {
  std::vector<std::unique_ptr<Answer>> answers;
  const int count = EVNET_RESOLVER_THREADS_MAX + EVNET_RESOLVER_WAITING_MAX;
  for (int i = 0; i < count; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
    if (i < EVNET_RESOLVER_THREADS_MAX) table_.WaitAsked(i + 1);
  }
  Answer refused;
  evnet_lookup *lookup = nullptr;
  EXPECT_EQ(evnet_resolver_look_up(reactor_, "slow.test:80", Done, &refused, &lookup), -EAGAIN);
  EXPECT_EQ(lookup, nullptr);
  table_.Release();
  for (const auto &answer : answers) RunUntil(*answer);
  EXPECT_EQ(refused.calls, 0);
}

TEST_F(Resolver, NothingIsToldOfWhatWasCancelled) {
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<evnet_lookup *> lookups;
  for (int i = 0; i < EVNET_RESOLVER_THREADS_MAX + 3; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp("slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(EVNET_RESOLVER_THREADS_MAX);
  evnet_resolver_cancel(lookups[0]);                               // being asked for
  evnet_resolver_cancel(lookups[EVNET_RESOLVER_THREADS_MAX + 1]);  // waits in the middle
  evnet_resolver_cancel(lookups[EVNET_RESOLVER_THREADS_MAX + 2]);  // waits at the end
  Answer last;
  LookUp("last.test:80", &last);
  table_.Release();
  RunUntil(last);
  for (int i = 1; i <= EVNET_RESOLVER_THREADS_MAX; i++) RunUntil(*answers[static_cast<size_t>(i)]);
  EXPECT_EQ(table_.Asked(), EVNET_RESOLVER_THREADS_MAX + 2);
  EXPECT_EQ(answers[0]->calls, 0);
  EXPECT_EQ(answers[EVNET_RESOLVER_THREADS_MAX + 1]->calls, 0);
  EXPECT_EQ(answers[EVNET_RESOLVER_THREADS_MAX + 2]->calls, 0);
}

TEST_F(Resolver, WhatHasBeenAnsweredCanStillBeCancelled) {
  Answer answer, next;
  evnet_lookup *lookup = LookUp("fast.test:80", &answer);
  table_.WaitAsked(1);
  table_.Release();
  evnet_resolver_cancel(lookup);  // its message is in the mailbox, or about to be
  LookUp("next.test:80", &next);
  RunUntil(next);
  EXPECT_EQ(answer.calls, 0);
}

TEST_F(Resolver, AReactorGoesWithoutWaitingForASlowName) {
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < EVNET_RESOLVER_THREADS_MAX + 1; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(EVNET_RESOLVER_THREADS_MAX);
  Destroy();
  for (const auto &answer : answers) EXPECT_EQ(answer->calls, 0);
}

TEST_F(Resolver, AnAnswerThatComesAsTheReactorGoesIsNotTold) {
  Answer answer;
  LookUp("fast.test:80", &answer);
  table_.WaitAsked(1);
  table_.Release();
  Destroy();
  EXPECT_EQ(answer.calls, 0);
}

TEST_F(Resolver, AnEndedReactorLooksUpNothing) {
  evnet_reactor_stop(reactor_, 0);
  while (evnet_reactor_turn(reactor_, -1) > 0) {
  }
  Answer answer;
  evnet_lookup *lookup = nullptr;
  EXPECT_EQ(evnet_resolver_look_up(reactor_, "both.test:80", Done, &answer, &lookup), -ESHUTDOWN);
}

}  // namespace
