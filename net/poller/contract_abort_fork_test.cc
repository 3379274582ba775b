// An abort whose descriptor is closed only after a fork(2): over io_uring a receive may be in
// flight until the next wait.
//
// This is a separate test, because it needs a process that has not forked yet.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/poller/internal/fork.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class AbortForkTest : public ContractTest {};

TEST_P(AbortForkTest, AForkBetweenTheAbortAndTheCloseLeavesItAReset) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "it has no descriptors";
  if (!GetParam().is_tcp()) GTEST_SKIP() << "it has no reset";
  if (evnet_fork_has_happened()) GTEST_SKIP() << "the process has forked";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  evnet_poller_abort(poller(), connection.handle);
  const pid_t child = fork();
  while (child == 0) (void)pause();
  ASSERT_GT(child, 0);
  EXPECT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kReset);
  (void)kill(child, SIGKILL);
  (void)waitpid(child, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, AbortForkTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
