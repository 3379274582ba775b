// Destroying an io_uring poller cancels the operations in flight and waits only for their
// completions. Each further attempt would take 10 ms, and there are up to 100.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

class UringDestroyTest : public ContractTest {
 protected:
  void TearDown() override {
    ResetUring();
    Destroy();
  }

  void ExpectFewWaits() {
    ResetUring();
    Destroy();
    EXPECT_LE(CountUring().waits, 5u);
  }
};

TEST_P(UringDestroyTest, WhatReceivesAndWhatIsWatchedEndsWithinFewWaits) {
  const Connection receiving = Connect();
  const Connection watched = Connect();
  evnet_poller_recv_start(poller(), receiving.handle);
  evnet_poller_recv_start(poller(), watched.handle);
  loop().Turn(0);
  evnet_poller_recv_stop(poller(), watched.handle);
  loop().Turn(0);
  ExpectFewWaits();
}

TEST_P(UringDestroyTest, ASendThatIsStillQueuedLeavesWithinFewWaits) {
  const Connection connection = Connect();
  loop().Turn(0);
  uint8_t *const scratch = evnet_poller_scratch(poller());
  scratch[0] = 'x';
  const iovec piece = {scratch, 1};
  ASSERT_EQ(evnet_poller_send(poller(), connection.handle, &piece, 1), -EINPROGRESS);
  ExpectFewWaits();
  EXPECT_EQ(connection.peer->Receive(1), "x");
}

INSTANTIATE_TEST_SUITE_P(Backends, UringDestroyTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringDestroyTest);

}  // namespace
}  // namespace evnet_testing
