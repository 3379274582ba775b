// io_uring beyond its limits: a full submission queue, more completions than the ring holds, no
// free buffer. Nothing is lost, no operation waits forever, and nothing spins.
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

constexpr uint32_t kBuffers = 256;  // in the pool

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

  // Fills the queue, so that no operation finds a free entry.
  void FillQueue() {
    if (filler_.peer == nullptr) {
      filler_ = AttachUnix();
      evnet_poller_recv_start(poller(), filler_.handle);
    }
    FailSubmits({-EBUSY, 0, 1 << 20});
    const uint64_t before = CountUring().submits;
    while (CountUring().submits == before) evnet_poller_recv_stop(poller(), filler_.handle);
    evnet_poller_recv_start(poller(), filler_.handle);
  }

  // Expects that nothing is left to do: a wait lasts until its timeout.
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

  // Opens a poller with buffers of `bytes` bytes, so that little data needs many.
  void OpenWithRecvBytes(uint32_t bytes) {
    evnet_poller_options options = {};
    options.recv_bytes_max = bytes;
    Open(options);
  }

 private:
  Connection filler_ = {};
};

// Each flight keeps the buffer, and the flights may exceed the range of a small counter.
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

// Entries held back for a stopped socket are limited. An EOF does not count, because it can be
// found again.
TEST_P(UringPressureTest, AnEndBehindTheBytesThatStoppedItsSocketTakesNoPlace) {
  if (!RaiseDescriptorLimit(1400)) GTEST_SKIP() << "too few descriptors";
  OpenWithRecvBytes(100);
  std::vector<Connection> connections = AttachUnixPairs(600);
  loop().OnEvent([&](const Event &event) {
    // This is the second half of the message; the EOF follows it in the kernel's completions.
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

TEST_P(UringPressureTest, AWaitThatFailsWhileBytesAreHeldBackCanBeRepeated) {
  OpenWithRecvBytes(100);
  const Connection connection = AttachUnix();
  const std::string data = Pattern(300);
  connection.peer->Send(data);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, 100));
  EXPECT_EQ(loop().Data(connection.handle).size(), 100u);
  FailWaits({-EFAULT, 0, 2});
  for (int i = 0; i < 2; i++) EXPECT_EQ(evnet_poller_wait(poller(), 0), -EFAULT);
  ASSERT_TRUE(RunUntilData(connection.handle, data.size()));
  EXPECT_TRUE(loop().Data(connection.handle) == data);
}

TEST_P(UringPressureTest, AStoppedSocketLeavesTheOthersHalfTheBuffers) {
  OpenWithRecvBytes(100);
  const Connection stopped = Connect();
  const std::string data = Pattern(60000);
  stopped.peer->Send(data);
  loop().Clear();
  evnet_poller_recv_start(poller(), stopped.handle);
  // Its share is one buffer in each turn, and the kernel fills all of them.
  ASSERT_TRUE(loop().RunUntil([] { return CountUring().no_buffers > 0; }));
  evnet_poller_recv_stop(poller(), stopped.handle);
  for (uint32_t i = 0; i < kBuffers; i++) loop().Turn(0);  // at most one buffer in each turn
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

TEST_P(UringPressureTest, ManyStoppedSocketsGiveBackNoMoreThanIsTooMuch) {
  OpenWithRecvBytes(100);
  const std::vector<Connection> stopped = AttachUnixPairs(100);
  for (const Connection &connection : stopped) {
    connection.peer->Send(Pattern(300));
    evnet_poller_recv_start(poller(), connection.handle);
  }
  const auto told = [&] {
    size_t bytes = 0;
    for (const Connection &connection : stopped) bytes += loop().Data(connection.handle).size();
    return bytes;
  };
  size_t last_turn = 0;
  for (int i = 0; i < 50 && CountUring().no_buffers == 0; i++) {
    const size_t before = told();
    loop().Turn(1000000000);
    last_turn = told() - before;
  }
  ASSERT_GT(CountUring().no_buffers, 0u);
  // A reported buffer comes back with the next turn. At most the others are held back.
  const size_t held_max = kBuffers * 100 - last_turn;
  const size_t kept = kBuffers / 2 * 100;
  for (const Connection &connection : stopped) evnet_poller_recv_stop(poller(), connection.handle);
  const size_t told_before = told();
  for (int i = 0; i < 10; i++) loop().Turn(0);
  EXPECT_LE(told() - told_before, held_max > kept ? held_max - kept : 0);
}

// A socket that finds no buffer retries when the turn's buffers have come back. All are served in a
// few turns.
TEST_P(UringPressureTest, MoreReceiversThanBuffersAreServedInAFewTurns) {
  if (!RaiseDescriptorLimit(2200)) GTEST_SKIP() << "too few descriptors";
  const std::vector<Connection> connections = AttachUnixPairs(1000);
  std::vector<std::string> sent;
  for (const Connection &connection : connections) {
    sent.push_back(std::to_string(sent.size()) + Pattern(1000));
    connection.peer->Send(sent.back());
    evnet_poller_recv_start(poller(), connection.handle);
  }
  const uint64_t before = CountUring().waits;
  for (size_t i = 0; i < connections.size(); i++) {
    ASSERT_TRUE(RunUntilData(connections[i].handle, sent[i].size()));
    EXPECT_TRUE(loop().Data(connections[i].handle) == sent[i]);
  }
  EXPECT_GT(CountUring().no_buffers, 0u);
  EXPECT_LE(CountUring().waits - before, 20u);
  ExpectSleep();
}

// These sockets have indexes that make them share a limit of bytes.
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

// A queue of 1,024 is full, and the kernel takes nothing for a while. A quarter of the sockets
// receives, a quarter was stopped again, a quarter is detached, and a quarter was stopped and
// started.
TEST_P(UringPressureTest, AFullQueueLosesNothing) {
  if (!RaiseDescriptorLimit(3200)) GTEST_SKIP() << "too few descriptors";
  for (const int error : {0, EAGAIN, EBUSY, EINTR, ENOMEM}) {
    const std::vector<Connection> connections = AttachUnixPairs(1500);
    for (size_t i = 0; i < connections.size(); i++) {
      if (i % 8 < 4) evnet_poller_recv_start(poller(), connections[i].handle);
    }
    loop().Turn(0);  // half of the sockets have an operation in flight
    loop().Clear();
    FailSubmits({-error, 0, error == 0 ? 0 : 1 << 20});
    for (size_t i = 0; i < connections.size(); i++) {
      const evnet_handle handle = connections[i].handle;
      evnet_poller_recv_start(poller(), handle);
      if (i % 4 == 1 || i % 4 == 3) evnet_poller_recv_stop(poller(), handle);
      if (i % 4 == 2) evnet_poller_detach(poller(), handle);
      if (i % 4 == 3) evnet_poller_recv_start(poller(), handle);
    }
    EXPECT_GT(CountUring().submits, 0u);
    FailSubmits({0, 0, 0});
    loop().Turn(0);
    for (size_t i = 0; i < connections.size(); i++) {
      if (i % 4 != 2) connections[i].peer->Send("x");
    }
    Settle();
    for (size_t i = 0; i < connections.size(); i++) {
      const char *const stories[] = {"RECV:x", "", "DETACH=0", "RECV:x"};
      EXPECT_EQ(loop().Story(connections[i].handle), stories[i % 4]) << i;
    }
    for (size_t i = 0; i < connections.size(); i++) {
      if (i % 4 != 2) evnet_poller_detach(poller(), connections[i].handle);
    }
    Settle();
    for (const Connection &connection : connections) {
      EXPECT_EQ(loop().Of(connection.handle, EVNET_OP_DETACH).size(), 1u);
      EXPECT_EQ(loop().Of(connection.handle).back().op, EVNET_OP_DETACH);
    }
  }
}

TEST_P(UringPressureTest, AStopThatFoundNoPlaceStopsAllTheSame) {
  const Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  FillQueue();
  evnet_poller_recv_stop(poller(), connection.handle);
  FailSubmits({0, 0, 0});
  loop().Turn(0);
  loop().Clear();
  std::string sent;
  for (uint32_t i = 0; i < kBuffers; i++) {
    connection.peer->Send("x");
    sent += "x";
    loop().Turn(0);
  }
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, sent.size()));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:" + sent);
}

TEST_P(UringPressureTest, AnAcceptStopThatFoundNoPlaceStopsAllTheSame) {
  const evnet_handle listener = Listen();
  evnet_poller_accept_start(poller(), listener);
  loop().Turn(0);
  FillQueue();
  evnet_poller_accept_stop(poller(), listener);
  FailSubmits({0, 0, 0});
  loop().Turn(0);
  const size_t before = fixture().OpenDescriptors();
  const std::unique_ptr<Peer> waits = fixture().Connect(AddressOf(listener), {});
  Settle();
  EXPECT_EQ(fixture().OpenDescriptors(),
            before + 1);  // the connection's other end
  EXPECT_EQ(loop().Story(listener), "");
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilOp(listener, EVNET_OP_ACCEPT));
  evnet_poller_discard_descriptor(poller(), static_cast<int>(loop().Of(listener).back().result));
}

// Both sides have ended, but data precedes the EOF. So the hang-up is put off, and a detach comes
// first.
TEST_P(UringPressureTest, ADetachThatFoundNoPlaceDetachesWhatHasAHangupToTell) {
  const Connection connection = Connect();
  loop().Turn(0);
  EXPECT_EQ(evnet_poller_shutdown_write(poller(), connection.handle), 0);
  connection.peer->Send("x");
  connection.peer->ShutdownWrite();
  Settle();
  loop().OnEvent([&](const Event &event) {
    if (!(event.handle == connection.handle) || event.op != EVNET_OP_RECV || event.result) return;
    FillQueue();
    evnet_poller_detach(poller(), connection.handle);
  });
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
  FailSubmits({0, 0, 0});
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_DETACH));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:x RECV=0 DETACH=0");
}

// More flights than a turn or the queue has room for. The others are plain sends.
TEST_P(UringPressureTest, MoreSendsThanFlyInATurnAllArrive) {
  if (!RaiseDescriptorLimit(3200)) GTEST_SKIP() << "too few descriptors";
  const std::vector<Connection> connections = AttachUnixPairs(1500);
  for (const int error : {0, EAGAIN, EBUSY, EINTR, ENOMEM}) {
    Settle();
    loop().Clear();
    FailSubmits({-error, 0, error == 0 ? 0 : 1 << 20});
    std::vector<std::string> messages;
    std::vector<bool> flies;
    for (size_t i = 0; i < connections.size(); i++) {
      messages.push_back(std::to_string(i) + " of " + std::to_string(error));
      uint8_t *const scratch = evnet_poller_scratch(poller());
      memcpy(scratch, messages[i].data(), messages[i].size());
      const iovec piece = {scratch, messages[i].size()};
      const int64_t sent = evnet_poller_send(poller(), connections[i].handle, &piece, 1);
      flies.push_back(sent == -EINPROGRESS);
      EXPECT_EQ(sent, flies[i] ? -EINPROGRESS : static_cast<int64_t>(messages[i].size()));
    }
    EXPECT_EQ(std::count(flies.begin(), flies.end(), true), 1024);
    FailSubmits({0, 0, 0});
    Settle();
    for (size_t i = 0; i < connections.size(); i++) {
      EXPECT_EQ(loop().Story(connections[i].handle),
                flies[i] ? "SEND=" + std::to_string(messages[i].size()) : "");
      EXPECT_EQ(connections[i].peer->Receive(messages[i].size()), messages[i]);
    }
  }
}

// A handler that fills the queue submits the flights in it. Their completions are then read in the
// same turn, before they can be reported.
TEST_P(UringPressureTest, AFlightThatFailsInTheMiddleOfATurnIsToldInTheNext) {
  const Connection first = Connect();
  const Connection dead = AttachUnix();
  const Connection busy = Connect();
  evnet_poller_recv_start(poller(), first.handle);
  evnet_poller_recv_start(poller(), busy.handle);
  Settle();
  dead.peer->Close();
  loop().OnEvent([&](const Event &event) {
    if (!(event.handle == first.handle)) return;
    const iovec piece = {evnet_poller_scratch(poller()), 1};
    ASSERT_EQ(evnet_poller_send(poller(), dead.handle, &piece, 1), -EINPROGRESS);
    const uint64_t before = CountUring().submits;
    while (CountUring().submits == before) evnet_poller_recv_stop(poller(), busy.handle);
  });
  first.peer->Send("x");
  ASSERT_TRUE(RunUntilOp(dead.handle, EVNET_OP_SEND));
  EXPECT_EQ(loop().Of(dead.handle, EVNET_OP_SEND).front().result, -EPIPE);
}

// The kernel holds back completions that do not fit, and ends multishot operations. They include
// completions of failed sends, and these sends must not be taken for successful ones.
TEST_P(UringPressureTest, MoreCompletionsThanTheRingHoldsLoseNothing) {
  if (!RaiseDescriptorLimit(3200)) GTEST_SKIP() << "too few descriptors";
  std::vector<Connection> connections = AttachUnixPairs(1500);
  for (const Connection &connection : connections) {
    evnet_poller_recv_start(poller(), connection.handle);
  }
  Settle();
  loop().Clear();
  for (const Connection &connection : connections) connection.peer->Send("data");
  // Each stop is a cancel, and the kernel completes it when the queue is full again. So the turn
  // has nothing but completions.
  while (CountUring().most_queued < 8192) {
    for (const Connection &connection : connections) {
      evnet_poller_recv_stop(poller(), connection.handle);
    }
  }
  connections[0].peer->Close();
  uint8_t *const scratch = evnet_poller_scratch(poller());
  memcpy(scratch, "lost", 4);
  const iovec piece = {scratch, 4};
  EXPECT_EQ(evnet_poller_send(poller(), connections[0].handle, &piece, 1), -EINPROGRESS);
  for (size_t i = 1; i < connections.size(); i++) {
    evnet_poller_recv_stop(poller(), connections[i].handle);
    evnet_poller_recv_start(poller(), connections[i].handle);
  }
  Settle();
  EXPECT_GT(CountUring().overflows, 0u);
  EXPECT_EQ(loop().Of(connections[0].handle, EVNET_OP_SEND).size(), 1u);
  EXPECT_EQ(loop().Of(connections[0].handle, EVNET_OP_SEND).front().result, -EPIPE);
  for (size_t i = 1; i < connections.size(); i++) {
    EXPECT_EQ(loop().Story(connections[i].handle), "RECV:data");
  }
  ExpectSleep();
}

INSTANTIATE_TEST_SUITE_P(Backends, UringPressureTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringPressureTest);

}  // namespace
}  // namespace evnet_testing
