// Looking up names: each lookup is answered once, in time, and none delays another.
#include "net/reactor/resolver.h"

#include <errno.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/reactor/testing/resolver_fixture.h"

namespace evnet_testing {
namespace {

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
  EXPECT_EQ(log_[0].find("cannot look up host 'none.test': "), 0u) << log_[0];
  // A peer may choose the names, so the log must not be flooded.
  Answer again;
  LookUp("none.test:80", &again);
  RunUntil(again);
  EXPECT_EQ(log_.size(), 1u);
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
  // One thread runs them one after the other.
  table_.ReleaseOne();
  RunUntil(first);
  RunUntil(second);
  EXPECT_EQ(table_.hosts[kThreads], "first.test");
  EXPECT_EQ(table_.hosts[kThreads + 1], "second.test");
  table_.Release();
}

// Regression test: four silent names blocked all lookups of a reactor.
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

TEST_F(Resolver, TooManyAreRefused) {
  std::vector<std::unique_ptr<Answer>> answers;
  constexpr int kLookups = kThreads + 3;
  evnet_reactor *const reactor = Create(kThreads, kLookups);
  evnet_lookup *last = nullptr;
  for (int i = 0; i < kLookups; i++) {
    answers.push_back(std::make_unique<Answer>());
    last = LookUp(reactor, "slow.test:80", answers.back().get());
  }
  Answer refused;
  evnet_lookup *lookup = nullptr;
  EXPECT_EQ(Begin(reactor, "slow.test:80", &refused, &lookup), -EAGAIN);
  EXPECT_EQ(lookup, nullptr);
  evnet_resolver_cancel(last);
  answers.pop_back();
  Answer next;
  LookUp(reactor, "slow.test:80", &next);
  table_.Release();
  for (const auto &answer : answers) RunUntil(reactor, *answer);
  RunUntil(reactor, next);
  EXPECT_EQ(refused.calls, 0);
  evnet_reactor_destroy(reactor);
}

TEST_F(Resolver, NothingIsToldOfWhatWasCancelled) {
  std::vector<std::unique_ptr<Answer>> answers;
  std::vector<evnet_lookup *> lookups;
  for (int i = 0; i < kThreads + 3; i++) {
    answers.push_back(std::make_unique<Answer>());
    lookups.push_back(LookUp("slow.test:80", answers.back().get()));
  }
  table_.WaitAsked(kThreads);
  evnet_resolver_cancel(lookups[0]);             // is running
  evnet_resolver_cancel(lookups[kThreads + 1]);  // is waiting in the middle of the queue
  evnet_resolver_cancel(lookups[kThreads + 2]);  // is waiting at the end of the queue
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
  evnet_resolver_cancel(lookup);  // its message is in the mailbox, or is about to be
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
  table_.outlives_reactor = true;
  Destroy();
  for (const auto &answer : answers) {
    EXPECT_EQ(answer->calls, 1);
    EXPECT_EQ(answer->status, -ESHUTDOWN);
  }
}

TEST_F(Resolver, AnAnswerThatComesAsTheReactorGoesIsNotTold) {
  Answer answer;
  LookUp("fast.test:80", &answer);
  table_.WaitAsked(1);
  table_.Release();
  table_.outlives_reactor = true;
  Destroy();
  EXPECT_EQ(answer.calls, 1);
  EXPECT_EQ(answer.status, -ESHUTDOWN);
}

TEST_F(Resolver, AnEndedReactorLooksUpNothing) {
  evnet_reactor_stop(reactor_, 0);
  while (evnet_reactor_turn(reactor_, -1) > 0) {
  }
  Answer answer;
  evnet_lookup *lookup = nullptr;
  EXPECT_EQ(Begin(reactor_, "both.test:80", &answer, &lookup), -ESHUTDOWN);
}

}  // namespace
}  // namespace evnet_testing
