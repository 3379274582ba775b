// The poller's contract: sending, and shutting down the outgoing direction.
#include <errno.h>
#include <signal.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class SendTest : public ContractTest {
 protected:
  // Makes a connection that a few KiB fill.
  Connection ConnectSmall() {
    PeerOptions peer;
    peer.receive_buffer_bytes = 4096;
    evnet_listen_options listen = {};
    listen.send_buffer_bytes = 4096;
    return Connect(peer, &listen);
  }

  bool RunUntilSends(evnet_handle handle, size_t count) {
    return loop().RunUntil(
        [this, handle, count] { return loop().Of(handle, EVNET_OP_SEND).size() == count; });
  }

  // Sends a piece of the poller's own memory. Returns the bytes taken, whether reported immediately
  // or later.
  int64_t SendLent(evnet_handle handle, const iovec &piece) {
    const int64_t taken = evnet_poller_send(poller(), handle, &piece, 1);
    EXPECT_EQ(evnet_poller_sending_bytes(poller(), handle),
              taken == -EINPROGRESS ? piece.iov_len : 0u);
    if (taken != -EINPROGRESS) return taken;
    const size_t before = loop().Of(handle, EVNET_OP_SEND).size();
    EXPECT_TRUE(RunUntilSends(handle, before + 1));
    EXPECT_EQ(evnet_poller_sending_bytes(poller(), handle), 0u);
    return loop().Of(handle, EVNET_OP_SEND).back().result;
  }

  // Sends all of `data` by send and send_start, in pieces of at most `chunk`, while the peer reads.
  // Returns the bytes that the peer received.
  std::string Transfer(Connection &connection, const std::string &data, size_t chunk) {
    size_t sent = 0;
    std::string got;
    iovec piece = {};
    evnet_send send = {{&piece}, 1};
    const auto start = [&] {
      while (sent < data.size()) {
        const size_t size = std::min(chunk, data.size() - sent);
        piece = {const_cast<char *>(data.data()) + sent, size};
        const int64_t taken = evnet_poller_send(poller(), connection.handle, &piece, 1);
        ASSERT_GE(taken, 0);
        sent += static_cast<size_t>(taken);
        if (static_cast<size_t>(taken) < size) {
          piece = {const_cast<char *>(data.data()) + sent, size - static_cast<size_t>(taken)};
          evnet_poller_send_start(poller(), connection.handle, &send);
          return;
        }
      }
    };
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_SEND || !(event.handle == connection.handle)) return;
      ASSERT_GT(event.result, 0);
      ASSERT_LE(static_cast<size_t>(event.result), piece.iov_len);
      sent += static_cast<size_t>(event.result);
      start();
    });
    start();
    loop().RunUntil([&] {
      got += connection.peer->TryReceive();
      return got.size() >= data.size();
    });
    loop().OnEvent(nullptr);
    return got;
  }
};

TEST_P(SendTest, WhatFitsIsTakenAtOnce) {
  Connection connection = Connect();
  EXPECT_EQ(Send(connection.handle, "hello"), 5);
  EXPECT_EQ(connection.peer->Receive(5), "hello");
}

TEST_P(SendTest, ManyPiecesGoInOrder) {
  Connection connection = Connect();
  std::string data = Pattern(EVNET_SEND_PIECES_MAX * (EVNET_SEND_PIECES_MAX + 1) / 2);
  std::vector<iovec> pieces;
  size_t offset = 0;
  for (size_t size = 1; size <= EVNET_SEND_PIECES_MAX; size++) {
    pieces.push_back({&data[offset], size});
    offset += size;
  }
  ASSERT_EQ(pieces.size(), static_cast<size_t>(EVNET_SEND_PIECES_MAX));
  ASSERT_EQ(evnet_poller_send(poller(), connection.handle, pieces.data(), pieces.size()),
            static_cast<int64_t>(data.size()));
  EXPECT_TRUE(connection.peer->Receive(data.size()) == data);
}

TEST_P(SendTest, TheScratchBlockCanBeSent) {
  Connection connection = Connect();
  for (const char fill : {'a', 'b'}) {
    uint8_t *scratch = evnet_poller_scratch(poller());
    const std::string data(EVNET_POLLER_SCRATCH_BYTES, fill);
    std::copy(data.begin(), data.end(), scratch);
    const iovec piece = {scratch, EVNET_POLLER_SCRATCH_BYTES};
    EXPECT_EQ(SendLent(connection.handle, piece), EVNET_POLLER_SCRATCH_BYTES);
    EXPECT_TRUE(connection.peer->Receive(data.size()) == data);
  }
}

TEST_P(SendTest, TheReceivedBytesCanBeSentBack) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("echo");
  evnet_completion completion;
  int64_t sent = -1;
  for (int turn = 0; sent < 0 && turn < 1000; turn++) {
    ASSERT_GE(evnet_poller_wait(poller(), 5000000), 0);
    while (evnet_poller_next(poller(), &completion)) {
      if (completion.op == EVNET_OP_SEND) {
        EXPECT_EQ(sent, -EINPROGRESS);
        sent = completion.result;
        continue;
      }
      ASSERT_EQ(completion.op, EVNET_OP_RECV);
      const iovec piece = {const_cast<uint8_t *>(completion.data),
                           static_cast<size_t>(completion.result)};
      sent = evnet_poller_send(poller(), connection.handle, &piece, 1);
    }
  }
  EXPECT_EQ(sent, 4);
  EXPECT_EQ(connection.peer->Receive(4), "echo");
}

// Sends all of the scratch block, filled with `data`. Returns true if the send is pending.
bool SendScratch(evnet_poller *poller, evnet_handle handle, const std::string &data,
                 int64_t *out_taken) {
  uint8_t *scratch = evnet_poller_scratch(poller);
  std::copy(data.begin(), data.end(), scratch);
  const iovec piece = {scratch, data.size()};
  *out_taken = evnet_poller_send(poller, handle, &piece, 1);
  return *out_taken == -EINPROGRESS;
}

TEST_P(SendTest, WhatTheKernelDoesNotTakeOfLentMemoryIsGivenBack) {
  Connection connection = ConnectSmall();
  const std::string data = Pattern(EVNET_POLLER_SCRATCH_BYTES);
  int64_t taken = 0;
  bool flies = SendScratch(poller(), connection.handle, data, &taken);
  if (flies) {
    ASSERT_TRUE(RunUntilSends(connection.handle, 1));
    const Event sent = loop().Of(connection.handle, EVNET_OP_SEND).back();
    taken = sent.result;
    EXPECT_EQ(sent.rest, data.substr(static_cast<size_t>(taken)));
  }
  ASSERT_GT(taken, 0);
  ASSERT_LT(static_cast<size_t>(taken), data.size()) << "the test's premise";
  std::string got;
  loop().RunUntil([&] {
    got += connection.peer->TryReceive();
    return got.size() >= static_cast<size_t>(taken);
  });
  EXPECT_EQ(got, data.substr(0, static_cast<size_t>(taken)));
  // A full socket takes nothing.
  int64_t more = 0;
  while (!SendScratch(poller(), connection.handle, data, &more) && more > 0) {
  }
  if (more != -EINPROGRESS) return;
  for (size_t sends = 2;; sends++) {
    ASSERT_LT(sends, 1000u);
    ASSERT_TRUE(RunUntilSends(connection.handle, sends));
    const Event sent = loop().Of(connection.handle, EVNET_OP_SEND).back();
    EXPECT_EQ(sent.rest, data.substr(static_cast<size_t>(sent.result)));
    if (sent.result == 0) return;
    (void)SendScratch(poller(), connection.handle, data, &more);
  }
}

// More than the poller has scratch at one time. The bytes must be right, whether they are lent or
// not.
TEST_P(SendTest, ManyScratchBlocksInOneTurnAreAllSent) {
  std::vector<Connection> connections;
  for (int i = 0; i < 40; i++) connections.push_back(Connect());
  const auto bytes_of = [](size_t i) { return Pattern(60000 + i).substr(i); };
  for (int round = 0; round < 3; round++) {
    size_t flying = 0;
    for (size_t i = 0; i < connections.size(); i++) {
      int64_t taken = 0;
      if (SendScratch(poller(), connections[i].handle, bytes_of(i), &taken)) {
        flying++;
      } else {
        ASSERT_EQ(taken, 60000);
      }
    }
    loop().Clear();
    loop().Turn(0);
    for (size_t i = 0; i < connections.size(); i++) {
      for (const Event &sent : loop().Of(connections[i].handle, EVNET_OP_SEND)) {
        EXPECT_EQ(sent.result, 60000);
        flying--;
      }
      EXPECT_EQ(connections[i].peer->Receive(60000), bytes_of(i));
    }
    EXPECT_EQ(flying, 0u) << "each SEND comes with the wait that sent it";
  }
}

TEST_P(SendTest, ADetachWaitsForLentMemoryThatIsUnderWay) {
  Connection connection = Connect();
  int64_t taken = 0;
  const bool flies = SendScratch(poller(), connection.handle, "last words", &taken);
  evnet_poller_detach(poller(), connection.handle);
  ASSERT_TRUE(
      loop().RunUntil([&] { return loop().Of(connection.handle, EVNET_OP_DETACH).size() == 1; }));
  EXPECT_EQ(loop().Story(connection.handle), flies ? "SEND=10 DETACH=0" : "DETACH=0");
  EXPECT_EQ(connection.peer->Receive(10), "last words");
}

TEST_P(SendTest, AFullSocketTakesNothingAndSendStartCompletesWhenThePeerReads) {
  Connection connection = ConnectSmall();
  const std::string taken = SendUntilFull(connection.handle);
  EXPECT_EQ(Send(connection.handle, "x"), 0);
  loop().Clear();
  std::string rest = "the rest";
  const iovec piece = {&rest[0], rest.size()};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
  ASSERT_TRUE(RunUntilSends(connection.handle, 1));
  EXPECT_EQ(loop().Story(connection.handle), "SEND=8");
  EXPECT_FALSE(loop().Of(connection.handle).front().more);
  EXPECT_EQ(connection.peer->Receive(rest.size()), rest);
}

TEST_P(SendTest, ABlockedSendDoesNotSpin) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  std::string rest = "x";
  const iovec piece = {&rest[0], rest.size()};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  Settle();
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(30000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 30000000u);
}

TEST_P(SendTest, SendStartOnASocketWithRoomCompletes) {
  Connection connection = Connect();
  std::string data = "message";
  const iovec pieces[] = {{&data[0], 3}, {&data[3], 4}};
  const evnet_send send = {{pieces}, 2};
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(RunUntilSends(connection.handle, 1));
  EXPECT_EQ(loop().Story(connection.handle), "SEND=7");
  EXPECT_EQ(connection.peer->Receive(7), data);
}

TEST_P(SendTest, AShortSendStartTellsHowMuch) {
  Connection connection = ConnectSmall();
  std::string data = Pattern(4 << 20);
  const iovec piece = {&data[0], data.size()};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(RunUntilSends(connection.handle, 1));
  const int64_t sent = loop().Of(connection.handle, EVNET_OP_SEND).front().result;
  ASSERT_GT(sent, 0);
  if (sent == static_cast<int64_t>(data.size()))
    return;  // a completion kernel may wait until all is sent
  EXPECT_TRUE(connection.peer->Receive(static_cast<size_t>(sent)) ==
              data.substr(0, static_cast<size_t>(sent)));
}

TEST_P(SendTest, MegabytesThroughASmallSocketArriveInOrder) {
  Connection connection = ConnectSmall();
  const std::string data = Pattern(1 << 20);
  EXPECT_TRUE(Transfer(connection, data, 10000) == data);
}

TEST_P(SendTest, MegabytesThroughAUnixSocketArriveInOrder) {
  Connection connection = AttachUnix();
  const std::string data = Pattern(3 << 20);
  EXPECT_TRUE(Transfer(connection, data, 100000) == data);
}

TEST_P(SendTest, BothDirectionsAtOnce) {
  Connection connection = ConnectSmall();
  evnet_poller_recv_start(poller(), connection.handle);
  const std::string data = Pattern(200000);
  SendUntilFull(connection.handle);
  std::string rest = "x";
  const iovec piece = {&rest[0], rest.size()};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  size_t offset = 0;
  ASSERT_TRUE(loop().RunUntil([&] {
    offset += connection.peer->TrySend(data.substr(offset));
    return loop().Data(connection.handle).size() == data.size();
  }));
  EXPECT_TRUE(loop().Data(connection.handle) == data);
  EXPECT_TRUE(loop().Of(connection.handle, EVNET_OP_SEND).empty());
}

TEST_P(SendTest, AHandleThatSendsWithoutEndLeavesTheOthersTheirTurn) {
  Connection great = Connect();
  Connection small = Connect();
  evnet_poller_recv_start(poller(), small.handle);
  loop().Turn(0);
  loop().Clear();
  std::string data = "x";
  const iovec piece = {&data[0], data.size()};
  const evnet_send send = {{&piece}, 1};
  int sends = 0;
  int sends_before_small = -1;
  loop().OnEvent([&](const Event &event) {
    if (event.handle == small.handle) sends_before_small = sends;
    if (!(event.handle == great.handle)) return;
    if (++sends == 1) small.peer->Send("x");
    if (sends < 1000) evnet_poller_send_start(poller(), great.handle, &send);
  });
  evnet_poller_send_start(poller(), great.handle, &send);
  ASSERT_TRUE(loop().RunUntil([&] {
    great.peer->TryReceive();  // a Unix socket is full after some hundred sends
    return sends == 1000 && sends_before_small >= 0;
  }));
  EXPECT_LE(sends_before_small, 10);
}

TEST_P(SendTest, ToAResetPeerIsAnErrorAndNoSignal) {
  struct sigaction saved;
  struct sigaction fatal = {};
  fatal.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &fatal, &saved), 0);
  Connection connection = Connect();
  connection.peer->Reset();
  Settle();
  int64_t sent = 0;
  for (int i = 0; i < 3; i++) sent = Send(connection.handle, "x");
  EXPECT_EQ(sent, -EPIPE);
  ASSERT_EQ(sigaction(SIGPIPE, &saved, nullptr), 0);
}

TEST_P(SendTest, AResetEndsABlockedSend) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  std::string rest = "x";
  const iovec piece = {&rest[0], rest.size()};
  const evnet_send send = {{&piece}, 1};
  evnet_poller_send_start(poller(), connection.handle, &send);
  Settle();
  connection.peer->Reset();
  ASSERT_TRUE(RunUntilSends(connection.handle, 1));
  const int64_t result = loop().Of(connection.handle, EVNET_OP_SEND).front().result;
  EXPECT_TRUE(result == -ECONNRESET || result == -EPIPE) << result;
}

TEST_P(SendTest, SendStartToADeadPeerCompletesWithAnError) {
  for (const bool local : {false, true}) {
    const Connection connection = local ? AttachUnix() : Connect();
    connection.peer->Close();
    Settle();
    (void)Send(connection.handle, "x");  // TCP replies to the first send with a reset
    Settle();
    loop().Clear();
    std::string data = "x";
    const iovec piece = {&data[0], data.size()};
    const evnet_send send = {{&piece}, 1};
    evnet_poller_send_start(poller(), connection.handle, &send);
    ASSERT_TRUE(RunUntilSends(connection.handle, 1));
    EXPECT_LT(loop().Of(connection.handle, EVNET_OP_SEND).front().result, 0);
  }
}

TEST_P(SendTest, ShutdownWriteEndsOurSideBehindTheDataAndTheirsGoesOn) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  EXPECT_EQ(Send(connection.handle, "bye"), 3);
  ASSERT_EQ(evnet_poller_shutdown_write(poller(), connection.handle), 0);
  EXPECT_EQ(connection.peer->Receive(100), "bye");
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  EXPECT_EQ(Send(connection.handle, "x"), -EPIPE);
  connection.peer->Send("still here");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "still here"; }));
}

TEST_P(SendTest, ShutdownWriteOfADeadConnectionIsRefused) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "the kernel allows it on a Unix socket";
  Connection connection = Connect();
  connection.peer->Reset();
  Settle();
  EXPECT_EQ(evnet_poller_shutdown_write(poller(), connection.handle), -ENOTCONN);
}

INSTANTIATE_TEST_SUITE_P(Backends, SendTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
