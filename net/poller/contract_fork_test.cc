// The poller's contract in a process that forks: a child has every descriptor, and keeps it open.
//
// These are separate tests, because a process cannot undo that it has forked.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/poller/internal/fork.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

// A child process that does nothing until the end of the scope.
class Child {
 public:
  Child() : pid_(fork()) {
    while (pid_ == 0) (void)pause();
    EXPECT_GT(pid_, 0);
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;
  ~Child() {
    (void)kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }

 private:
  const pid_t pid_;
};

class ForkTest : public ContractTest {
 protected:
  void SetUp() override {
    if (!GetParam().real_descriptors) GTEST_SKIP() << "it has no descriptors";
    ContractTest::SetUp();
  }

  void AwaitDetach(evnet_handle handle) {
    ASSERT_TRUE(loop().RunUntil([=] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  }

  Peer::End AbortedEnd() const { return GetParam().is_tcp() ? Peer::End::kReset : Peer::End::kEnd; }
};

TEST_P(ForkTest, ADetachSendsTheEndWhileTheChildLives) {
  for (const bool receiving : {false, true}) {
    Connection connection = Connect();
    if (receiving) evnet_poller_recv_start(poller(), connection.handle);
    loop().Turn(0);
    const Child child;
    evnet_poller_detach(poller(), connection.handle);
    AwaitDetach(connection.handle);
    EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  }
}

TEST_P(ForkTest, AnAbortResetsWhileTheChildLives) {
  for (const bool receiving : {false, true}) {
    Connection connection = Connect();
    if (receiving) evnet_poller_recv_start(poller(), connection.handle);
    loop().Turn(0);
    const Child child;
    evnet_poller_abort(poller(), connection.handle);
    AwaitDetach(connection.handle);
    EXPECT_EQ(connection.peer->ReceiveEnd(), AbortedEnd());
  }
}

TEST_P(ForkTest, WhatIsDiscardedIsResetWhileTheChildLives) {
  Connection connection = ConnectOnly();
  const Child child;
  evnet_poller_discard_descriptor(poller(), connection.descriptor);
  EXPECT_EQ(connection.peer->ReceiveEnd(), AbortedEnd());
}

TEST_P(ForkTest, DestroyingThePollerSendsTheEndWhileTheChildLives) {
  Connection connection = Connect();
  const Child child;
  Destroy();
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
}

// The child may take over the listener.
TEST_P(ForkTest, ADetachedListenerGoesOnInTheChild) {
  evnet_address address = fixture().Loopback();
  evnet_handle listener;
  ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &listener), 0);
  address = AddressOf(listener);
  const Child child;
  const int mine = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(mine, 0);
  // Detaching removes a Unix listener's file. So connect before; the connection stays queued.
  ASSERT_EQ(connect(mine, &address.socket.any, address.size), 0);
  evnet_poller_detach(poller(), listener);
  AwaitDetach(listener);
  pollfd entry = {mine, POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, 0), 0) << "it was reset: the backlog is gone";
  EXPECT_EQ(close(mine), 0);
}

// The connection is still open in the child, but no event of it comes, because the registration is
// removed.
TEST_P(ForkTest, TheSlotAndTheNumberAreUsedAgainWithoutEventsOfTheOldOne) {
  Connection old = Connect();
  loop().Turn(0);
  const Child child;
  evnet_poller_detach(poller(), old.handle);
  AwaitDetach(old.handle);
  (void)old.peer->ReceiveEnd();
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  old.peer->Close();
  connection.peer->Send("hello");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle).size() >= 5; }));
  EXPECT_EQ(loop().Data(connection.handle), "hello");
  EXPECT_EQ(loop().Of(old.handle).size(), 1u) << "only its DETACH";
}

TEST(Fork, HappenedIsSeenByTheParentFromTheForkOn) {
  evnet_fork_watch();
  evnet_fork_watch();
  const Child child;
  EXPECT_TRUE(evnet_fork_has_happened());
  EXPECT_TRUE(evnet_fork_hold());
  evnet_fork_release();
}

// A signal handler that calls fork(2) may have interrupted a close.
TEST(Fork, OfTheThreadThatHoldsItDoesNotWaitForEver) {
  evnet_fork_watch();
  (void)evnet_fork_hold();
  const Child child;
  evnet_fork_release();
}

TEST(Fork, AChildOfAnotherThreadsHoldHoldsNothing) {
  evnet_fork_watch();
  std::atomic<bool> held{false}, done{false};
  std::thread holder([&] {
    (void)evnet_fork_hold();
    held = true;
    while (!done) std::this_thread::yield();
    evnet_fork_release();
  });
  while (!held) std::this_thread::yield();
  const pid_t pid = fork();
  if (pid == 0) {
    // Otherwise the child's own fork would wait for a thread that the child does not have.
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(0);
    int status = -1;
    _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? 0 : 1);
  }
  done = true;
  holder.join();
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, ForkTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
