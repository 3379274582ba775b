// Names are looked up in a table here, whatever the machine knows, and as slowly as a test wants:
// this file has a getaddrinfo of its own.
#include "net/reactor/resolver.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace {

#if defined(__has_feature)
constexpr bool kIsThreadSanitized = __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_THREAD__)
constexpr bool kIsThreadSanitized = true;
#else
constexpr bool kIsThreadSanitized = false;
#endif

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

constexpr int kThreads = 4;

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
    reactor_ = Create(kThreads);
  }

  evnet_reactor *Create(size_t threads_max) {
    evnet_reactor_options options = {};
    options.lookup_threads_max = threads_max;
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
    // The last thread may still be on its way out of getaddrinfo; it uses `names` no more.
  }

  void Destroy() {
    evnet_reactor_destroy(reactor_);
    reactor_ = nullptr;
  }

  evnet_lookup *LookUp(const char *text, Answer *answer) { return LookUp(reactor_, text, answer); }

  evnet_lookup *LookUp(evnet_reactor *reactor, const char *text, Answer *answer) {
    evnet_lookup *lookup = nullptr;
    EXPECT_EQ(evnet_resolver_look_up(reactor, text, Done, answer, &lookup), 0);
    EXPECT_EQ(answer->calls, 0);
    return lookup;
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

TEST_F(Resolver, GivesAllAddressesOnTheReactorLater) {
  Answer answer;
  LookUp("udp://both.test:80", &answer);
  RunUntil(answer);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.addresses,
            std::vector<std::string>({"udp://192.0.2.7:80", "udp://192.0.2.8:80"}));
  EXPECT_EQ(table_.thread_name.substr(0, 11), "evnet-name-");
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
  for (int i = 0; i < kThreads; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  Answer first, second;
  LookUp("first.test:80", &first);
  LookUp("second.test:80", &second);
  ASSERT_EQ(evnet_reactor_turn(reactor_, 20), 1);
  EXPECT_EQ(table_.Asked(), kThreads);
  // By one thread, one after the other.
  table_.ReleaseOne();
  RunUntil(first);
  RunUntil(second);
  EXPECT_EQ(table_.hosts[kThreads], "first.test");
  EXPECT_EQ(table_.hosts[kThreads + 1], "second.test");
  table_.Release();
}

// Four of them stopped all lookups of a reactor.
TEST_F(Resolver, AHundredSilentNamesDelayNoOther) {
  evnet_reactor *const reactor = Create(0);
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<evnet_lookup *> lookups;
  for (int i = 0; i < 100; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp(reactor, "slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(100);
  for (int i = 0; i < 50; i++) evnet_resolver_cancel(lookups[static_cast<size_t>(i)]);
  Answer fast;
  LookUp(reactor, "fast.test:80", &fast);
  RunUntil(reactor, fast);
  EXPECT_EQ(fast.status, 0);
  evnet_reactor_destroy(reactor);
}

TEST_F(Resolver, WhatWasCancelledCountsAsLongAsItHangs) {
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<evnet_lookup *> lookups;
  for (int i = 0; i < kThreads; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp("slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(kThreads);
  for (evnet_lookup *lookup : lookups) evnet_resolver_cancel(lookup);
  Answer next;
  LookUp("next.test:80", &next);
  ASSERT_EQ(evnet_reactor_turn(reactor_, 20), 1);
  EXPECT_EQ(table_.Asked(), kThreads);
  table_.ReleaseOne();
  RunUntil(next);
  EXPECT_EQ(table_.Asked(), kThreads + 1);
}

TEST_F(Resolver, EachReactorsBoundIsHeldAgainstTheLookupsOfAll) {
  evnet_reactor *const larger = Create(kThreads + 1);
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < kThreads; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp(i % 2 == 0 ? reactor_ : larger, "slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  Answer waits, passes;
  LookUp("waits.test:80", &waits);
  LookUp(larger, "passes.test:80", &passes);
  RunUntil(larger, passes);
  ASSERT_EQ(evnet_reactor_turn(reactor_, 20), 1);
  EXPECT_EQ(waits.calls, 0);
  table_.ReleaseOne();
  RunUntil(waits);
  evnet_reactor_destroy(larger);
}

TEST_F(Resolver, ReactorsTakeTurnsAtTheBound) {
  evnet_reactor *const other = Create(kThreads);
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < kThreads; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  Answer first, second, third;
  LookUp("first.test:80", &first);
  LookUp("third.test:80", &third);
  LookUp(other, "second.test:80", &second);
  table_.ReleaseOne();
  RunUntil(first);
  RunUntil(other, second);
  RunUntil(third);
  const size_t begin = kThreads;
  EXPECT_EQ(std::vector<std::string>(table_.hosts.begin() + begin, table_.hosts.end()),
            std::vector<std::string>({"first.test", "second.test", "third.test"}));
  evnet_reactor_destroy(other);
}

// How many threads of the pool there are now.
int ThreadCount() {
  int count = 0;
  DIR *const tasks = opendir("/proc/self/task");
  EXPECT_NE(tasks, nullptr);
  while (const dirent *task = readdir(tasks)) {
    std::ifstream name(std::string("/proc/self/task/") + task->d_name + "/comm");
    std::string text;
    if (std::getline(name, text) && text.substr(0, 11) == "evnet-name-") count++;
  }
  (void)closedir(tasks);
  return count;
}

void WaitForThreads(int count) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (ThreadCount() != count) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << ThreadCount();
    std::this_thread::yield();
  }
}

TEST_F(Resolver, ThreadsEndWhenTheyAreIdle) {
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < kThreads; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  table_.Release();
  for (const auto &answer : answers) RunUntil(*answer);
  WaitForThreads(0);
  Answer again;
  LookUp("again.test:80", &again);
  RunUntil(again);
}

TEST_F(Resolver, ThreadsEndWithTheLastReactor) {
  Answer answer;
  LookUp("fast.test:80", &answer);
  RunUntil(answer);
  Destroy();
  WaitForThreads(0);
}

TEST_F(Resolver, AChildOfAForkLooksUpNamesOfItsOwn) {
  if (kIsThreadSanitized) GTEST_SKIP() << "TSan ends a child that makes threads";
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer lets no child of a fork start a thread";
#endif
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < kThreads + 1; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    names = new Names;  // nobody waits in this one
    names->released = true;
    evnet_reactor *const reactor = Create(1);
    Answer answer;
    LookUp(reactor, "fast.test:80", &answer);
    RunUntil(reactor, answer);
    // And by the reactor that it has inherited, on which one lookup waited.
    Answer other;
    LookUp("fast.test:80", &other);
    RunUntil(*answers.back());
    RunUntil(other);
    _exit(answer.status == 0 && other.status == 0 && !HasFailure() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// The lookups that waited as the fork was made: a cancel is enough to have them go on.
TEST_F(Resolver, AChildOfAForkGoesOnWithWhatWaitedAfterACancel) {
  if (kIsThreadSanitized) GTEST_SKIP() << "TSan ends a child that makes threads";
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<evnet_lookup *> lookups;
  for (int i = 0; i < kThreads + 3; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp("slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(kThreads);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    names = new Names;
    names->released = true;
    evnet_resolver_cancel(lookups.back());
    RunUntil(*answers[kThreads]);
    RunUntil(*answers[kThreads + 1]);
    _exit(answers.back()->calls == 0 && !HasFailure() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Resolver, TooManyAreRefused) {
  std::vector<std::unique_ptr<Answer>> answers;
  const int count = kThreads + EVNET_RESOLVER_WAITING_MAX;
  for (int i = 0; i < count; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
    if (i < kThreads) table_.WaitAsked(i + 1);
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
  for (int i = 0; i < kThreads + 3; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp("slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(kThreads);
  evnet_resolver_cancel(lookups[0]);             // being asked for
  evnet_resolver_cancel(lookups[kThreads + 1]);  // waits in the middle
  evnet_resolver_cancel(lookups[kThreads + 2]);  // waits at the end
  Answer last;
  LookUp("last.test:80", &last);
  table_.Release();
  RunUntil(last);
  for (int i = 1; i <= kThreads; i++) RunUntil(*answers[static_cast<size_t>(i)]);
  EXPECT_EQ(table_.Asked(), kThreads + 2);
  EXPECT_EQ(answers[0]->calls, 0);
  EXPECT_EQ(answers[kThreads + 1]->calls, 0);
  EXPECT_EQ(answers[kThreads + 2]->calls, 0);
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
  for (int i = 0; i < kThreads + 1; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
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
