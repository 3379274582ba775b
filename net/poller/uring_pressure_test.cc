// io_uring with more to do than fits: a full submission queue, more completions than the ring
// holds, no buffer left. Nothing is lost, nobody waits for ever, and nothing spins.
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kBuffers = 256;  // of the pool

bool RaiseDescriptorLimit(rlim_t descriptors) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (limit.rlim_cur >= descriptors) return true;
  limit.rlim_cur = std::min(descriptors, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= descriptors;
}

class UringPressureTest : public ContractTest {
 protected:
  void TearDown() override {
    ResetUring();
    Destroy();
  }

  bool RunUntilOp(evnet_handle handle, evnet_op op) {
    return loop().RunUntil([this, handle, op] { return !loop().Of(handle, op).empty(); });
  }

  bool RunUntilData(evnet_handle handle, size_t bytes) {
    return loop().RunUntil([&] { return loop().Data(handle).size() >= bytes; });
  }

  std::vector<Connection> AttachUnixPairs(int count) {
    std::vector<Connection> made;
    for (int i = 0; i < count; i++) made.push_back(AttachUnix());
    return made;
  }

  // Nothing is left to do: a wait lasts as long as it may.
  void ExpectSleep() {
    Settle();
    loop().Turn(0);
    const uint64_t before = evnet_poller_now_ns(poller());
    const uint64_t waits = CountUring().waits;
    while (evnet_poller_now_ns(poller()) - before < 20000000) loop().Turn(20000000);
    EXPECT_LE(CountUring().waits - waits, 10u);
  }

  void ExpectAtMostATurn(evnet_handle handle, size_t bytes) {
    std::map<uint64_t, size_t> turns;
    for (const Event &event : loop().Of(handle)) turns[event.turn] += event.data.size();
    for (const auto &[turn, told] : turns) EXPECT_LE(told, bytes) << "in turn " << turn;
  }

  // Buffers of so many bytes, so that little data needs many.
  void OpenWithRecvBytes(uint32_t bytes) {
    evnet_poller_options options = {};
    options.recv_bytes_max = bytes;
    Open(options);
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

// What is held back for a stopped socket has a bound, and an end needs none of it: it can be found
// again.
TEST_P(UringPressureTest, AnEndBehindTheBytesThatStoppedItsSocketTakesNoPlace) {
  if (!RaiseDescriptorLimit(1400)) GTEST_SKIP() << "too few descriptors";
  OpenWithRecvBytes(100);
  std::vector<Connection> connections = AttachUnixPairs(600);
  loop().OnEvent([&](const Event &event) {
    // The second half of the message, with the end behind it in the kernel's completions.
    if (event.op == EVNET_OP_RECV && event.data.size() == 50) {
      evnet_poller_recv_stop(poller(), event.handle);
    }
  });
  for (Connection &connection : connections) {
    connection.peer->Send(std::string(150, 'x'));
    connection.peer->ShutdownWrite();
    evnet_poller_recv_start(poller(), connection.handle);
    ASSERT_TRUE(RunUntilData(connection.handle, 150));
    loop().Turn(0);
  }
  for (const Connection &connection : connections) {
    EXPECT_EQ(loop().Story(connection.handle), "RECV:" + std::string(150, 'x'));
  }
  loop().Clear();
  for (const Connection &connection : connections) {
    evnet_poller_recv_start(poller(), connection.handle);
    ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
    EXPECT_EQ(loop().Story(connection.handle), "RECV=0");
  }
}

TEST_P(UringPressureTest, AStoppedSocketLeavesTheOthersHalfTheBuffers) {
  OpenWithRecvBytes(100);
  const Connection stopped = Connect();
  const std::string data = Pattern(60000);
  stopped.peer->Send(data);
  loop().Clear();
  evnet_poller_recv_start(poller(), stopped.handle);
  // Its share is one buffer a turn; the kernel fills them all.
  ASSERT_TRUE(loop().RunUntil([] { return CountUring().no_buffers > 0; }));
  evnet_poller_recv_stop(poller(), stopped.handle);
  for (uint32_t i = 0; i < kBuffers; i++) loop().Turn(0);  // one buffer a turn at most
  const std::vector<Connection> others = AttachUnixPairs(100);
  const uint64_t without_buffer = CountUring().no_buffers;
  for (const Connection &other : others) {
    other.peer->Send("x");
    evnet_poller_recv_start(poller(), other.handle);
  }
  for (const Connection &other : others) ASSERT_TRUE(RunUntilData(other.handle, 1));
  EXPECT_EQ(CountUring().no_buffers, without_buffer);
  const size_t told = loop().Data(stopped.handle).size();
  ExpectSleep();
  evnet_poller_recv_start(poller(), stopped.handle);
  ASSERT_TRUE(RunUntilData(stopped.handle, data.size()));
  EXPECT_TRUE(loop().Data(stopped.handle) == data);
  EXPECT_GE(data.size() - told, kBuffers / 2 * 100);
  ExpectAtMostATurn(stopped.handle, 100);
}

// Their places in the table are such that they share a bound of bytes.
TEST_P(UringPressureTest, AStoppedSocketHoldsUpNoOtherThatSharesItsBound) {
  if (!RaiseDescriptorLimit(2400)) GTEST_SKIP() << "too few descriptors";
  OpenWithRecvBytes(100);
  const std::vector<Connection> connections = AttachUnixPairs(1025);
  const Connection &stopped = connections.front();
  const Connection &other = connections.back();
  ASSERT_EQ((other.handle.index - stopped.handle.index) % 1024, 0u);
  for (const Connection *connection : {&stopped, &other}) {
    connection->peer->Send(std::string(350, 'x'));
    evnet_poller_recv_start(poller(), connection->handle);
  }
  loop().OnEvent([&](const Event &event) {
    if (event.handle == stopped.handle) evnet_poller_recv_stop(poller(), stopped.handle);
  });
  ASSERT_TRUE(RunUntilData(other.handle, 350));
  ExpectSleep();
  loop().OnEvent(nullptr);
  evnet_poller_recv_start(poller(), stopped.handle);
  ASSERT_TRUE(RunUntilData(stopped.handle, 350));
}

INSTANTIATE_TEST_SUITE_P(Backends, UringPressureTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringPressureTest);

}  // namespace
}  // namespace evnet_testing
