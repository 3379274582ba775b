// io_uring's operations end with every error that they can end with, immediately or later. Nothing
// is lost, or only that one connection ends with its reason and the others continue.
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

constexpr uint32_t kLarge = 32 << 10;  // a message of this size makes its socket POLLED

class UringFaultsTest : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    bystander_ = Connect();
    evnet_poller_recv_start(poller(), bystander_.handle);
    loop().Turn(0);
  }

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

  // Expects that, without faults, the bystander is served and the connection can be detached.
  void ExpectOnlyThisOneEnded(const Connection &connection) {
    ResetUring();
    bystander_.peer->Send("x");
    ASSERT_TRUE(RunUntilData(bystander_.handle, 1));
    EXPECT_EQ(loop().Story(bystander_.handle), "RECV:x");
    Detach(connection.handle);
    EXPECT_EQ(loop().Of(connection.handle).back().op, EVNET_OP_DETACH);
    loop().Clear();
  }

  void Detach(evnet_handle handle) {
    evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_DETACH));
  }

  // Makes a connection that has received `messages` messages of one byte, or is about to receive
  // its first.
  Connection Receiving(int messages) {
    Connection connection = Connect();
    loop().Clear();
    if (messages > 0) evnet_poller_recv_start(poller(), connection.handle);
    for (int i = 1; i <= messages; i++) {
      connection.peer->Send("m");
      RunUntilData(connection.handle, static_cast<size_t>(i));
    }
    return connection;
  }

  // Ends the operation that the connection has in flight. If it has none, ends the one that it
  // starts first.
  void Fail(UringOp op, int result, bool armed) {
    if (armed) {
      EndArmed({op, result, 0, 1, NotTheBystander()});
    } else {
      FailSubmitted({op, result, 0, 1, NotTheBystander()});
    }
  }

  std::function<bool(int)> NotTheBystander() {
    const int descriptor = bystander_.descriptor;
    return [descriptor](int other) { return other != descriptor; };
  }

  // Sends from lent memory, and runs until SEND.
  void Fly(const Connection &connection, const std::string &data) {
    uint8_t *const scratch = evnet_poller_scratch(poller());
    memcpy(scratch, data.data(), data.size());
    const iovec piece = {scratch, data.size()};
    const size_t before = loop().Of(connection.handle, EVNET_OP_SEND).size();
    ASSERT_EQ(evnet_poller_send(poller(), connection.handle, &piece, 1), -EINPROGRESS);
    ASSERT_TRUE(loop().RunUntil(
        [&] { return loop().Of(connection.handle, EVNET_OP_SEND).size() > before; }));
  }

  // Makes a connection that now receives large messages: its next operation is a poll.
  Connection ReceivingLarge() {
    Connection connection = Connect();
    evnet_poller_recv_start(poller(), connection.handle);
    const std::string data = Pattern(4 * kLarge);
    connection.peer->Send(data);
    RunUntilData(connection.handle, data.size());
    loop().Turn(0);
    loop().Turn(0);
    loop().Clear();
    return connection;
  }

  Connection bystander_;
};

TEST_P(UringFaultsTest, AFailedReceiveEndsTheConnectionWithItsReason) {
  for (const int error : {EBADF, ECONNREFUSED, ECONNRESET, EFAULT, EHOSTUNREACH, EINVAL, EIO,
                          ENOMEM, ENOTCONN, ETIMEDOUT}) {
    for (const int messages : {0, 1, 3}) {
      const Connection connection = Receiving(messages);
      Fail(UringOp::kRecv, -error, messages > 0);
      evnet_poller_recv_start(poller(), connection.handle);
      ASSERT_TRUE(loop().RunUntil([&] {
        const auto events = loop().Of(connection.handle, EVNET_OP_RECV);
        return !events.empty() && !events.back().more;
      }));
      EXPECT_EQ(loop().Of(connection.handle, EVNET_OP_RECV).back().result, -error);
      EXPECT_EQ(loop().Data(connection.handle), std::string(static_cast<size_t>(messages), 'm'));
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

TEST_P(UringFaultsTest, AReceiveThatPassesIsTriedAgain) {
  for (const int error : {EAGAIN, ECANCELED, EINTR, ENOBUFS}) {
    for (const int messages : {0, 1, 3}) {
      const Connection connection = Receiving(messages);
      Fail(UringOp::kRecv, -error, messages > 0);
      evnet_poller_recv_start(poller(), connection.handle);
      connection.peer->Send("more");
      ASSERT_TRUE(RunUntilData(connection.handle, 4 + static_cast<size_t>(messages)));
      EXPECT_EQ(loop().Story(connection.handle),
                "RECV:" + std::string(static_cast<size_t>(messages), 'm') + "more");
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

TEST_P(UringFaultsTest, AnErrorThatOvertakesAStopIsAHangup) {
  for (const int error : {ECONNRESET, ETIMEDOUT}) {
    const Connection connection = Receiving(1);
    evnet_poller_recv_stop(poller(), connection.handle);
    Fail(UringOp::kRecv, -error, true);
    FailSubmitted({UringOp::kCancel, -ENOENT});
    ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
    EXPECT_EQ(loop().Story(connection.handle),
              std::string("RECV:m HANGUP=-") + evnet_status_name(-error));
    ExpectOnlyThisOneEnded(connection);
  }
}

TEST_P(UringFaultsTest, ALargeReceiversFailedPollLosesNothingOrIsTold) {
  for (const int error : {ECANCELED, ENOMEM, EINVAL, EBADF}) {
    for (const bool armed : {true, false}) {
      const Connection connection = ReceivingLarge();
      if (!armed) {
        evnet_poller_recv_stop(poller(), connection.handle);
        loop().Turn(0);
      }
      Fail(UringOp::kReady, -error, armed);
      evnet_poller_recv_start(poller(), connection.handle);
      loop().Turn(0);
      loop().Turn(0);
      const std::string data = Pattern(3 * kLarge);
      if (error == ECANCELED) {
        connection.peer->Send(data);
        ASSERT_TRUE(RunUntilData(connection.handle, data.size()));
        EXPECT_TRUE(loop().Data(connection.handle) == data);
      } else {
        ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
        EXPECT_EQ(loop().Of(connection.handle).back().result, -error);
        EXPECT_FALSE(loop().Of(connection.handle).back().more);
      }
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

TEST_P(UringFaultsTest, ADatagramSocketsFailedPollIsReportedAndStartTriesAgain) {
  const evnet_address address = ParseAddress("udp://127.0.0.1:0");
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), 0);
  FailSubmitted({UringOp::kReady, -ENOMEM});
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_DATAGRAM));
  EXPECT_EQ(loop().Of(handle).front().result, -ENOMEM);
  EXPECT_FALSE(loop().Of(handle).front().more);
  ResetUring();
  loop().Clear();
  UdpClient().Send(AddressOf(handle), "one");
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_DATAGRAM));
  EXPECT_EQ(loop().Of(handle).front().data, "one");
}

TEST_P(UringFaultsTest, AConnectsFailedPollIsToldOrPassedOver) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  for (const int error : {ENOMEM, EINVAL, ECANCELED}) {
    evnet_handle handle = {};
    ASSERT_EQ(evnet_poller_reserve(poller(), EVNET_TRANSPORT_TCP, &handle), 0);
    FailSubmitted({UringOp::kOut, -error, 0, 1, NotTheBystander()});
    evnet_poller_connect(poller(), handle, &address, nullptr);
    ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_CONNECT));
    EXPECT_EQ(loop().Of(handle).front().result, error == ECANCELED ? 0 : -error);
    if (error != ECANCELED) {
      // The handle is still reserved.
      loop().Clear();
      evnet_poller_connect(poller(), handle, &address, nullptr);
      ASSERT_TRUE(RunUntilOp(handle, EVNET_OP_CONNECT));
      EXPECT_EQ(loop().Story(handle), "CONNECT=0");
    }
    Detach(handle);
  }
}

TEST_P(UringFaultsTest, AFailedFlightIsToldAndGivesBackItsBytes) {
  for (const int error : {EACCES, ECONNRESET, EHOSTUNREACH, EIO, ENOBUFS, ENOMEM, ENOTCONN, EPIPE,
                          ETIMEDOUT, EAGAIN, EINTR}) {
    for (const int after : {0, 2}) {
      const Connection connection = Connect();
      loop().Clear();
      FailSubmitted({UringOp::kSend, -error, after});
      for (int i = 0; i <= after; i++) ASSERT_NO_FATAL_FAILURE(Fly(connection, "bytes"));
      const bool passes = error == EAGAIN || error == EINTR;
      for (int i = 0; i < after; i++) EXPECT_EQ(loop().Of(connection.handle)[i].result, 5);
      EXPECT_EQ(loop().Of(connection.handle).back().result, passes ? 0 : -error);
      EXPECT_EQ(loop().Of(connection.handle).back().rest, "bytes");
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

TEST_P(UringFaultsTest, AFlightCutShortGivesBackItsRest) {
  for (const int taken : {1, 3, 4}) {
    const Connection connection = Connect();
    loop().Clear();
    FailSubmitted({UringOp::kSend, taken});
    ASSERT_NO_FATAL_FAILURE(Fly(connection, "bytes"));
    EXPECT_EQ(loop().Of(connection.handle).back().result, taken);
    const std::string rest = loop().Of(connection.handle).back().rest;
    EXPECT_EQ(connection.peer->Receive(static_cast<size_t>(taken)) + rest, "bytes");
    ExpectOnlyThisOneEnded(connection);
  }
}

TEST_P(UringFaultsTest, AFailedPollForRoomLosesNothingOrIsTold) {
  for (const int error : {ECANCELED, ENOMEM, EINVAL, EBADF}) {
    for (const bool armed : {true, false}) {
      const Connection connection = Connect();
      loop().Clear();
      std::string expected = SendUntilFull(connection.handle);
      char last[] = "the last";
      const iovec piece = {last, 8};
      const evnet_send send = {{&piece}, 1};
      if (!armed) Fail(UringOp::kOut, -error, false);
      evnet_poller_send_start(poller(), connection.handle, &send);
      loop().Turn(0);
      if (armed) Fail(UringOp::kOut, -error, true);
      loop().Turn(0);
      loop().Turn(0);
      if (error == ECANCELED) {
        EXPECT_EQ(loop().Story(connection.handle), "");
        EXPECT_TRUE(connection.peer->Receive(expected.size()) == expected);
        ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_SEND));
        EXPECT_EQ(loop().Story(connection.handle), "SEND=8");
      } else {
        ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_SEND));
        EXPECT_EQ(loop().Of(connection.handle).back().result, -error);
      }
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

TEST_P(UringFaultsTest, AWatchForHangupsThatEndsWatchesOnOrIsTold) {
  for (const int result : {-ECANCELED, -ENOMEM, -EINVAL, -EBADF, static_cast<int>(POLLRDHUP)}) {
    for (const bool armed : {true, false}) {
      const Connection connection = Connect();
      loop().Clear();
      if (!armed) Fail(UringOp::kHangup, result, false);
      loop().Turn(0);
      if (armed) Fail(UringOp::kHangup, result, true);
      loop().Turn(0);
      loop().Turn(0);
      if (result == -ECANCELED || result > 0) {
        EXPECT_EQ(loop().Story(connection.handle), "");
        connection.peer->Reset();
        ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
        EXPECT_EQ(loop().Story(connection.handle), "HANGUP=-ECONNRESET");
      } else {
        ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
        EXPECT_EQ(loop().Of(connection.handle).back().result, result);
      }
      ExpectOnlyThisOneEnded(connection);
    }
  }
}

// The peer's EOF is not a hang-up while this side is open, even if the watch has ended.
TEST_P(UringFaultsTest, AWatchThatEndsTellsNoEndOfTheOtherSide) {
  const Connection connection = Connect();
  loop().Clear();
  loop().Turn(0);
  connection.peer->ShutdownWrite();
  Settle();
  Fail(UringOp::kHangup, -ECANCELED, true);
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_RECV));
  EXPECT_EQ(loop().Story(connection.handle), "RECV=0");
  ExpectOnlyThisOneEnded(connection);
}

// The kernel reports the hang-up while more than a turn's share of bytes is unread. Then the
// handler stops receiving, so no later event would report the hang-up.
TEST_P(UringFaultsTest, AHangupThatCameWhileReceivingIsToldOnceStopped) {
  const size_t share = 20000;
  evnet_poller_options options = {};
  options.recv_bytes_max = share;
  Open(options);
  const Connection connection = Connect();
  loop().Turn(0);  // armed with a watch from here on
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send(Pattern(2 * share));
  ASSERT_TRUE(RunUntilData(connection.handle, 2 * share));
  loop().Turn(0);
  loop().Clear();
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_RECV && loop().Data(event.handle).size() == 2 * share) {
      evnet_poller_recv_stop(poller(), event.handle);
    }
  });
  connection.peer->Send(Pattern(2 * share));
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilOp(connection.handle, EVNET_OP_HANGUP));
  EXPECT_EQ(loop().Of(connection.handle).back().result, -ECONNRESET);
  EXPECT_TRUE(loop().Data(connection.handle) == Pattern(2 * share));
}

TEST_P(UringFaultsTest, AWakeStillWakesWhenItsPollHasEnded) {
  for (const int result : {-ECANCELED, -ENOMEM, static_cast<int>(POLLIN)}) {
    EndArmed({UringOp::kWake, result});
    loop().Turn(0);
    loop().Turn(0);
    evnet_poller *const woken = poller();
    std::thread waker([woken] { evnet_poller_wake(woken); });
    EXPECT_GE(evnet_poller_wait(poller(), -1), 0);
    waker.join();
    evnet_completion completion;
    EXPECT_FALSE(evnet_poller_next(poller(), &completion));
  }
}

TEST_P(UringFaultsTest, WhatACancelSaysDoesNotMatter) {
  for (const int error : {ENOENT, EALREADY}) {
    const Connection connection = Receiving(1);
    FailSubmitted({UringOp::kCancel, -error});
    ExpectOnlyThisOneEnded(connection);
  }
}

TEST_P(UringFaultsTest, AWaitThatPassesLosesNothing) {
  for (const int error : {EAGAIN, EBUSY, EINTR, ETIME}) {
    const Connection connection = Receiving(1);
    FailWaits({-error, 0, 3});
    connection.peer->Send("x");
    for (int i = 0; i < 3; i++) loop().Turn(-1);
    ASSERT_TRUE(RunUntilData(connection.handle, 2));
    ExpectOnlyThisOneEnded(connection);
  }
}

TEST_P(UringFaultsTest, AnyOtherFailedWaitIsToldAndLosesNothing) {
  for (const int error : {EBADF, EBADFD, EBADR, EFAULT, EINVAL, ENXIO, EOPNOTSUPP}) {
    const Connection connection = Receiving(1);
    connection.peer->Send("x");
    FailWaits({-error});
    EXPECT_EQ(evnet_poller_wait(poller(), 0), -error);
    evnet_completion completion;
    EXPECT_FALSE(evnet_poller_next(poller(), &completion));
    ASSERT_TRUE(RunUntilData(connection.handle, 2));
    ExpectOnlyThisOneEnded(connection);
  }
}

// io_uring_enter(2), EBADR: the kernel dropped completions because memory ran out. It reports this
// once.
TEST_P(UringFaultsTest, LostCompletionsAreToldByTheNextWait) {
  const Connection connection = Receiving(1);
  FailSubmits({-EBADR});
  const uint64_t before = CountUring().submits;
  while (CountUring().submits == before) evnet_poller_recv_stop(poller(), connection.handle);
  EXPECT_EQ(evnet_poller_wait(poller(), 0), -EBADR);
}

TEST_P(UringFaultsTest, DestroyTriesAgainWhereTheKernelTakesNothing) {
  for (const int error : {EAGAIN, EBUSY, EINTR}) {
    Open({});
    const Connection connection = Receiving(1);
    ResetUring();
    FailWaits({-error, 0, 3});
    Destroy();
    EXPECT_GT(CountUring().waits, 3u);
    EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, UringFaultsTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringFaultsTest);

}  // namespace
}  // namespace evnet_testing
