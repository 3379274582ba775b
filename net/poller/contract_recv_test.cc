// The poller's contract: receiving, EOF, and connections that die.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class RecvTest : public ContractTest {
 protected:
  // Runs until the handle has had a completion of the operation.
  bool RunUntilOp(evnet_handle handle, evnet_op op) {
    return loop().RunUntil([this, handle, op] { return !loop().Of(handle, op).empty(); });
  }

  // Runs until the handle has had a RECV without `more`.
  bool RunUntilRecvEnds(evnet_handle handle) {
    return loop().RunUntil([this, handle] {
      const std::vector<Event> events = loop().Of(handle, EVNET_OP_RECV);
      return !events.empty() && !events.back().more;
    });
  }

  bool RunUntilData(evnet_handle handle, const std::string &expected) {
    const bool came =
        loop().RunUntil([&] { return loop().Data(handle).size() >= expected.size(); });
    EXPECT_TRUE(loop().Data(handle) == expected);
    return came;
  }

  // Returns the story without a final HANGUP=0. A Unix peer that closes also hangs up, which may be
  // reported immediately.
  std::string StoryOfRecv(evnet_handle handle) {
    const std::string story = loop().Story(handle);
    return story.substr(0, story.find(" HANGUP=0"));
  }

  // Checks the result that reports a reset after EOF.
  void ExpectResetResult(int64_t result) {
    if (GetParam().is_tcp()) {
      EXPECT_LT(result, 0);
    } else {
      EXPECT_EQ(result, 0) << "a Unix socket has no reset";
    }
  }

  // Returns the bytes that a handle received in each turn.
  std::vector<size_t> BytesPerTurn(evnet_handle handle) {
    std::vector<size_t> bytes;
    uint64_t turn = 0;
    for (const Event &event : loop().Of(handle, EVNET_OP_RECV)) {
      if (event.turn != turn) bytes.push_back(0);
      turn = event.turn;
      bytes.back() += event.data.size();
    }
    return bytes;
  }

  void OpenWithRecvBytes(uint32_t bytes) {
    evnet_poller_options options = {};
    options.recv_bytes_max = bytes;
    Open(options);
  }
};

TEST_P(RecvTest, BytesArrive) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  for (const char *message : {"one", "two", "three"}) {
    loop().Clear();
    connection.peer->Send(message);
    ASSERT_TRUE(RunUntilData(connection.handle, message));
    EXPECT_TRUE(loop().Of(connection.handle).back().more);
  }
}

TEST_P(RecvTest, BytesThatCameBeforeAttachArrive) {
  Connection connection = ConnectOnly();
  connection.peer->Send("early");
  connection.handle = Attach(connection.descriptor);
  evnet_poller_recv_start(poller(), connection.handle);
  EXPECT_TRUE(RunUntilData(connection.handle, "early"));
}

TEST_P(RecvTest, DataAndEndInOneEventAreBothDeliveredInOrder) {
  Connection connection = Connect();
  connection.peer->Send("last words");
  connection.peer->ShutdownWrite();
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:last words RECV=0");
}

TEST_P(RecvTest, DataAndEndWhileArmedAreBothDelivered) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  connection.peer->Send("last words");
  connection.peer->Close();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(StoryOfRecv(connection.handle), "RECV:last words RECV=0");
}

TEST_P(RecvTest, AnEndAloneIsDelivered) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  connection.peer->ShutdownWrite();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV=0");
}

TEST_P(RecvTest, MuchDataAndEndArriveWhole) {
  OpenWithRecvBytes(1000);
  Connection connection = Connect();
  const std::string data = Pattern(10500);
  connection.peer->Send(data);
  connection.peer->ShutdownWrite();
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_TRUE(loop().Data(connection.handle) == data);
  EXPECT_EQ(loop().Of(connection.handle).back().result, 0);
  for (const size_t bytes : BytesPerTurn(connection.handle)) EXPECT_LE(bytes, 1000u);
}

TEST_P(RecvTest, ReadsOfExactlyTheLimitLoseNothing) {
  OpenWithRecvBytes(512);
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  for (const size_t size : {512u, 1024u, 511u, 513u}) {
    loop().Clear();
    const std::string data = Pattern(size);
    connection.peer->Send(data);
    ASSERT_TRUE(RunUntilData(connection.handle, data));
  }
  connection.peer->Send(Pattern(512));
  connection.peer->ShutdownWrite();
  loop().Clear();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_TRUE(loop().Data(connection.handle) == Pattern(512));
}

TEST_P(RecvTest, ReadsOfOneByteLoseNothing) {
  OpenWithRecvBytes(1);
  Connection connection = Connect();
  connection.peer->Send("a byte at a time");
  connection.peer->ShutdownWrite();
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:a byte at a time RECV=0");
}

TEST_P(RecvTest, AGreatSenderLeavesTheOthersTheirTurn) {
  OpenWithRecvBytes(1024);
  Connection great = Connect();
  Connection small = Connect();
  const std::string data = Pattern(64 * 1024);
  great.peer->Send(data);
  small.peer->Send("x");
  loop().Clear();
  evnet_poller_recv_start(poller(), great.handle);
  evnet_poller_recv_start(poller(), small.handle);
  ASSERT_TRUE(RunUntilData(great.handle, data));
  ASSERT_EQ(loop().Data(small.handle), "x");
  EXPECT_LE(loop().Of(small.handle).front().turn, loop().Of(great.handle).front().turn + 1);
  for (const size_t bytes : BytesPerTurn(great.handle)) EXPECT_LE(bytes, 1024u);
}

TEST_P(RecvTest, BytesThatCameWhileStoppedAreReportedAtOnce) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("first");
  ASSERT_TRUE(RunUntilData(connection.handle, "first"));
  evnet_poller_recv_stop(poller(), connection.handle);
  connection.peer->Send("second");
  Settle();
  EXPECT_EQ(loop().Data(connection.handle), "first");
  evnet_poller_recv_start(poller(), connection.handle);
  EXPECT_TRUE(RunUntilData(connection.handle, "firstsecond"));
}

TEST_P(RecvTest, StopInAHandlerSuppressesTheRestOfTheBatch) {
  if (!GetParam().recv_stop_is_exact) GTEST_SKIP() << "completions may be under way";
  Connection a = Connect();
  Connection b = Connect();
  a.peer->Send("a");
  b.peer->Send("b");
  loop().Clear();
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_RECV) return;
    if (event.handle == a.handle) evnet_poller_recv_stop(poller(), b.handle);
    if (event.handle == b.handle) evnet_poller_recv_stop(poller(), a.handle);
  });
  evnet_poller_recv_start(poller(), a.handle);
  evnet_poller_recv_start(poller(), b.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().events().empty(); }));
  Settle();
  EXPECT_EQ(loop().Data(a.handle).size() + loop().Data(b.handle).size(), 1u);
  loop().OnEvent(nullptr);
  evnet_poller_recv_start(poller(), a.handle);
  evnet_poller_recv_start(poller(), b.handle);
  EXPECT_TRUE(RunUntilData(a.handle, "a"));
  EXPECT_TRUE(RunUntilData(b.handle, "b"));
}

TEST_P(RecvTest, StopBetweenDataAndEndKeepsTheEnd) {
  if (!GetParam().recv_stop_is_exact) GTEST_SKIP() << "completions may be under way";
  Connection connection = Connect();
  connection.peer->Send("data");
  connection.peer->ShutdownWrite();
  loop().OnEvent([&](const Event &event) {
    if (event.handle == connection.handle) evnet_poller_recv_stop(poller(), connection.handle);
  });
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, "data"));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data");
  loop().OnEvent(nullptr);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data RECV=0");
}

TEST_P(RecvTest, AResetWhileArmedIsToldOnce) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "RECV=-ECONNRESET");
}

TEST_P(RecvTest, DataInFrontOfAResetIsDelivered) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  connection.peer->Send("data");
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data RECV=-ECONNRESET");
}

TEST_P(RecvTest, AResetWhileStoppedIsToldAtOnceAsHangup) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  Connection connection = Connect();
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "HANGUP=-ECONNRESET");
}

TEST_P(RecvTest, AResetWhileStoppedWithDataInFrontIsToldAtOnce) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  evnet_poller_recv_stop(poller(), connection.handle);
  connection.peer->Send("data");
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  EXPECT_EQ(loop().Story(connection.handle), "HANGUP=-ECONNRESET");
}

TEST_P(RecvTest, StopInTheHandlerOfDataInFrontOfAResetTellsTheHangup) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  if (!GetParam().recv_stop_is_exact) GTEST_SKIP() << "completions may be under way";
  Connection connection = Connect();
  connection.peer->Send("data");
  connection.peer->Reset();
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_RECV && event.handle == connection.handle) {
      evnet_poller_recv_stop(poller(), connection.handle);
    }
  });
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data HANGUP=-ECONNRESET");
}

// EOF disarms recv, so a later reset has to be reported as HANGUP. Otherwise a connection that only
// prepares a response would never learn that its peer is gone.
TEST_P(RecvTest, AResetBehindAnEndIsToldAsHangup) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  connection.peer->Send("data");
  connection.peer->ShutdownWrite();
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  if (loop().Of(connection.handle).back().result == 0) {
    ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
    ExpectResetResult(loop().Of(connection.handle).back().result);
  }
}

TEST_P(RecvTest, AResetAfterTheEndIsToldAsHangup) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->ShutdownWrite();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  ExpectResetResult(loop().Of(connection.handle, EVNET_OP_HANGUP).front().result);
}

TEST_P(RecvTest, AnEndWhileStoppedIsNotToldAndFollowsTheData) {
  Connection connection = Connect();
  connection.peer->Send("data");
  connection.peer->ShutdownWrite();
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data RECV=0");
}

TEST_P(RecvTest, BothEndsWhileStoppedAreNotToldBeforeTheData) {
  Connection connection = Connect();
  ASSERT_EQ(evnet_poller_shutdown_write(poller(), connection.handle), 0);
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  connection.peer->Send("data");
  connection.peer->ShutdownWrite();
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:data RECV=0 HANGUP=0");
}

TEST_P(RecvTest, BothEndsWhileStoppedWithoutDataAreTold) {
  Connection connection = Connect();
  ASSERT_EQ(evnet_poller_shutdown_write(poller(), connection.handle), 0);
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  connection.peer->ShutdownWrite();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "HANGUP=0");
}

TEST_P(RecvTest, ADeadConnectionDoesNotSpin) {
  Connection connection = Connect();
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  Settle();
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(30000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 30000000u);
}

TEST_P(RecvTest, UrgentDataLosesNoLaterBytes) {
  Connection connection = Connect();
  connection.peer->Send("before");
  connection.peer->SendUrgent('!');
  connection.peer->Send("after");
  evnet_poller_recv_start(poller(), connection.handle);
  EXPECT_TRUE(RunUntilData(connection.handle, "beforeafter"));
  connection.peer->SendUrgent('!');
  connection.peer->Send(" more");
  EXPECT_TRUE(RunUntilData(connection.handle, "beforeafter more"));
  connection.peer->Send(" end");
  connection.peer->ShutdownWrite();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:beforeafter more end RECV=0");
}

TEST_P(RecvTest, UnixBytesAndEndArrive) {
  Connection connection = AttachUnix();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("one");
  ASSERT_TRUE(RunUntilData(connection.handle, "one"));
  connection.peer->Send("two");
  connection.peer->Close();
  ASSERT_TRUE(RunUntilRecvEnds(connection.handle));
  EXPECT_EQ(StoryOfRecv(connection.handle), "RECV:onetwo RECV=0");
}

// A Unix socket does not ask for write events, but its hang-up is reported.
TEST_P(RecvTest, AUnixPeersCloseWhileStoppedIsToldAsHangup) {
  Connection connection = AttachUnix();
  connection.peer->Close();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "HANGUP=0");
}

TEST_P(RecvTest, UnixControlMessagesThatSplitReadsLeaveNothingBehind) {
  const size_t before = fixture().OpenDescriptors();
  Connection connection = AttachUnix();
  connection.peer->Send("a");
  connection.peer->SendWithControl("b");
  connection.peer->Send("c");
  connection.peer->SendWithControl("d");
  connection.peer->Send("e");
  evnet_poller_recv_start(poller(), connection.handle);
  EXPECT_TRUE(RunUntilData(connection.handle, "abcde"));
  // Descriptors that came with the bytes are closed.
  EXPECT_EQ(fixture().OpenDescriptors(), before + 2);
}

TEST_P(RecvTest, SplitReadsDoNotLiftTheTurnsBound) {
  OpenWithRecvBytes(1000);
  Connection connection = AttachUnix();
  std::string all;
  for (int i = 0; i < 10; i++) {
    const std::string data = Pattern(600);
    connection.peer->SendWithControl(data);
    all += data;
  }
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, all));
  for (const size_t bytes : BytesPerTurn(connection.handle)) EXPECT_LE(bytes, 1000u);
}

bool IsAligned(const void *data) {
  return reinterpret_cast<uintptr_t>(data) % EVNET_BLOCK_ALIGNMENT == 0;
}

// The kernel's copies to or from memory with another alignment may take several times as long.
TEST_P(RecvTest, ReceivedBytesAndTheScratchBlockBeginOnACacheLine) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "a simulated kernel copies nothing";
  FailingAllocator allocator;  // its memory is aligned no better than malloc's
  evnet_poller_options options = {};
  options.allocator = allocator.get();
  options.recv_bytes_max = 1001;
  Open(options);
  EXPECT_TRUE(IsAligned(evnet_poller_scratch(poller())));
  const Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  for (int i = 0; i < 5; i++) {
    connection.peer->Send("hello");
    bool received = false;
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_RECV || event.result <= 0) return;
      EXPECT_TRUE(IsAligned(loop().data())) << "message " << i;
      received = true;
    });
    ASSERT_TRUE(loop().RunUntil([&] { return received; }));
  }
  Destroy();  // before the allocator is destroyed
}

INSTANTIATE_TEST_SUITE_P(Backends, RecvTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
