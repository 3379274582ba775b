// io_uring with more to do than fits: a full submission queue, more completions than the ring
// holds, no buffer left. Nothing is lost, nobody waits for ever, and nothing spins.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

class UringPressureTest : public ContractTest {
 protected:
  void TearDown() override {
    ResetUring();
    Destroy();
  }

  bool RunUntilOp(evnet_handle handle, evnet_op op) {
    return loop().RunUntil([this, handle, op] { return !loop().Of(handle, op).empty(); });
  }

  std::vector<Connection> AttachUnixPairs(int count) {
    std::vector<Connection> made;
    for (int i = 0; i < count; i++) made.push_back(AttachUnix());
    return made;
  }
};

// Each flight keeps the buffer, and there may be more of them than a small counter counts.
TEST_P(UringPressureTest, AMessageSentOnToManyReachesAllUnchanged) {
  const Connection source = Connect();
  const std::vector<Connection> others = AttachUnixPairs(400);
  evnet_poller_recv_start(poller(), source.handle);
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_RECV) return;
    for (const Connection &other : others) {
      const iovec piece = {const_cast<uint8_t *>(loop().data()), event.data.size()};
      EXPECT_EQ(evnet_poller_send(poller(), other.handle, &piece, 1), -EINPROGRESS);
    }
  });
  for (int i = 0; i < 3; i++) {
    const std::string message = Pattern(3000 + i);
    source.peer->Send(message);
    for (const Connection &other : others) {
      ASSERT_TRUE(RunUntilOp(other.handle, EVNET_OP_SEND));
      EXPECT_EQ(loop().Story(other.handle), "SEND=" + std::to_string(message.size()));
      EXPECT_TRUE(other.peer->Receive(message.size()) == message);
    }
    loop().Clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, UringPressureTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringPressureTest);

}  // namespace
}  // namespace evnet_testing
