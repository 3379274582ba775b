// The threads that look names up: when they end, and their state after a fork.
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/base/testing/sanitizers.h"
#include "net/reactor/testing/resolver_fixture.h"

namespace evnet_testing {
namespace {

// Returns the number of threads that the pool has now.
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
  std::vector<std::unique_ptr<Answer>> answers;
  for (int i = 0; i < kThreads + 1; i++) {
    answers.push_back(std::make_unique<Answer>());
    LookUp("slow.test:80", answers.back().get());
  }
  table_.WaitAsked(kThreads);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    names = new Names;  // no thread waits in this table
    names->released = true;
    evnet_reactor *const reactor = Create(1);
    Answer answer;
    LookUp(reactor, "fast.test:80", &answer);
    RunUntil(reactor, answer);
    // The child also uses the reactor that it inherited, on which one lookup was waiting.
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

// Lookups that were waiting during the fork continue in the child once one of them is cancelled.
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

}  // namespace
}  // namespace evnet_testing
