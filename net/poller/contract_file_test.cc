// The poller's contract: sending a range of a file.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/file.h"

namespace evnet_testing {
namespace {

constexpr size_t kShare = 256 << 10;

class FileTest : public ContractTest {
 protected:
  // Makes a connection that a few KiB fill.
  Connection ConnectSmall() {
    PeerOptions peer;
    peer.receive_buffer_bytes = 4096;
    evnet_listen_options listen = {};
    listen.send_buffer_bytes = 4096;
    return Connect(peer, &listen);
  }

  void Start(evnet_handle handle, const TestFile &file, int64_t offset, size_t size) {
    range_ = {file.descriptor(), offset, size};
    send_.file = &range_;
    send_.count = 0;
    evnet_poller_send_start(poller(), handle, &send_);
  }

  // Starts one send and returns its result.
  int64_t SendFile(evnet_handle handle, const TestFile &file, int64_t offset, size_t size) {
    loop().Clear();
    Start(handle, file, offset, size);
    if (!loop().RunUntil([&] { return loop().Of(handle, EVNET_OP_SEND).size() == 1; })) return 0;
    EXPECT_FALSE(loop().Of(handle, EVNET_OP_SEND).front().more);
    return loop().Of(handle, EVNET_OP_SEND).front().result;
  }

  // Sends a range with as many sends as needed, while the peer reads. Returns the bytes that the
  // peer received.
  std::string Transfer(const Connection &connection, const TestFile &file, int64_t offset,
                       size_t size) {
    size_t sent = 0;
    std::string got;
    const auto go_on = [&] {
      Start(connection.handle, file, offset + static_cast<int64_t>(sent),
            std::min(kShare, size - sent));
    };
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_SEND || !(event.handle == connection.handle)) return;
      ASSERT_GT(event.result, 0);
      ASSERT_LE(static_cast<size_t>(event.result), range_.size);
      sent += static_cast<size_t>(event.result);
      if (sent < size) go_on();
    });
    go_on();
    loop().RunUntil([&] {
      got += connection.peer->TryReceive();
      return got.size() >= size;
    });
    loop().OnEvent(nullptr);
    return got;
  }

 private:
  evnet_file_range range_ = {};
  evnet_send send_ = {};
};

TEST_P(FileTest, ARangeIsSentFromItsOffset) {
  Connection connection = Connect();
  const TestFile file(Pattern(10000));
  EXPECT_EQ(SendFile(connection.handle, file, 0, 10), 10);
  EXPECT_EQ(SendFile(connection.handle, file, 9000, 1000), 1000);
  EXPECT_EQ(connection.peer->Receive(1010),
            Pattern(10000).substr(0, 10) + Pattern(10000).substr(9000));
}

TEST_P(FileTest, ThePositionIsNeitherUsedNorMoved) {
  Connection connection = Connect();
  const TestFile file("0123456789");
  ASSERT_EQ(lseek(file.descriptor(), 7, SEEK_SET), 7);
  EXPECT_EQ(SendFile(connection.handle, file, 2, 3), 3);
  EXPECT_EQ(connection.peer->Receive(3), "234");
  EXPECT_EQ(lseek(file.descriptor(), 0, SEEK_CUR), 7);
}

TEST_P(FileTest, GoesBehindTheBytesSentBeforeIt) {
  Connection connection = Connect();
  const TestFile file("file");
  EXPECT_EQ(Send(connection.handle, "head "), 5);
  EXPECT_EQ(SendFile(connection.handle, file, 0, 4), 4);
  EXPECT_EQ(Send(connection.handle, " tail"), 5);
  EXPECT_EQ(connection.peer->Receive(14), "head file tail");
}

TEST_P(FileTest, MegabytesThroughASmallSocketArriveInOrder) {
  Connection connection = ConnectSmall();
  const std::string data = Pattern(1 << 20);
  EXPECT_TRUE(Transfer(connection, TestFile(data), 0, data.size()) == data);
}

TEST_P(FileTest, MegabytesThroughAUnixSocketArriveInOrder) {
  Connection connection = AttachUnix();
  const std::string data = Pattern(3 << 20);
  EXPECT_TRUE(Transfer(connection, TestFile(data), 1, data.size() - 1) == data.substr(1));
}

TEST_P(FileTest, BeyondFourGibibytesIsSentToo) {
  Connection connection = Connect();
  const TestFile file;
  const int64_t offset = int64_t{5} << 30;
  file.Write(offset, "far");  // a sparse file
  EXPECT_EQ(SendFile(connection.handle, file, offset, 3), 3);
  EXPECT_EQ(connection.peer->Receive(3), "far");
}

TEST_P(FileTest, AFullSocketCompletesWhenThePeerReads) {
  for (const bool local : {false, true}) {
    Connection connection = local ? AttachUnix() : ConnectSmall();
    const std::string taken = SendUntilFull(connection.handle);
    loop().Clear();
    const TestFile file("the rest");
    Start(connection.handle, file, 0, 8);
    Settle();
    EXPECT_EQ(loop().Story(connection.handle), "");
    EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
    ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(connection.handle).empty(); }));
    EXPECT_EQ(loop().Story(connection.handle), "SEND=8");
    EXPECT_EQ(connection.peer->Receive(8), "the rest");
  }
}

TEST_P(FileTest, ABlockedOneDoesNotSpin) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  const TestFile file("x");
  Start(connection.handle, file, 0, 1);
  Settle();
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(30000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 30000000u);
}

TEST_P(FileTest, WhatIsThereOfAFileThatEndsEarlyIsSentAndThenTold) {
  Connection connection = Connect();
  const TestFile file("short");
  EXPECT_EQ(SendFile(connection.handle, file, 0, 100), 5);
  EXPECT_EQ(SendFile(connection.handle, file, 5, 95), EVNET_REASON_FILE_SHORT);
  EXPECT_EQ(SendFile(connection.handle, file, 1000, 1), EVNET_REASON_FILE_SHORT);
  file.Truncate(0);
  EXPECT_EQ(SendFile(connection.handle, file, 0, 1), EVNET_REASON_FILE_SHORT);
  EXPECT_EQ(Send(connection.handle, "|"), 1) << "the socket can be used as before";
  EXPECT_EQ(connection.peer->Receive(6), "short|");
}

TEST_P(FileTest, WhatCannotBeReadIsToldAndTheSocketIsAsGoodAsBefore) {
  Connection connection = Connect();
  const int directory = open(".", O_RDONLY | O_DIRECTORY);
  ASSERT_GE(directory, 0);
  const evnet_file_range range = {directory, 0, 1};
  evnet_send send = {};
  send.file = &range;
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(connection.handle).empty(); }));
  EXPECT_LT(loop().Of(connection.handle).front().result, 0);
  EXPECT_NE(loop().Of(connection.handle).front().result, EVNET_REASON_FILE_SHORT);
  (void)close(directory);
  EXPECT_EQ(Send(connection.handle, "x"), 1);
  EXPECT_EQ(connection.peer->Receive(1), "x");
}

// Gives SIGPIPE its default action, which kills the process. Also checks this thread's signal mask
// and pending signals, which the library must not change.
class Sigpipe {
 public:
  Sigpipe() {
    struct sigaction deadly = {};
    deadly.sa_handler = SIG_DFL;
    EXPECT_EQ(sigaction(SIGPIPE, &deadly, &action_), 0);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask_), 0);
  }
  ~Sigpipe() {
    if (IsPending()) Take();
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &mask_, nullptr), 0);
    EXPECT_EQ(sigaction(SIGPIPE, &action_, nullptr), 0);
  }
  Sigpipe(const Sigpipe &) = delete;
  Sigpipe &operator=(const Sigpipe &) = delete;

  static void Block() {
    const sigset_t set = Set();
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
  }
  static bool IsBlocked() {
    sigset_t mask;
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
    return sigismember(&mask, SIGPIPE) == 1;
  }
  static bool IsPending() {
    sigset_t pending;
    EXPECT_EQ(sigpending(&pending), 0);
    return sigismember(&pending, SIGPIPE) == 1;
  }

 private:
  static sigset_t Set() {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    return set;
  }
  static void Take() {
    const sigset_t set = Set();
    int number = 0;
    (void)sigwait(&set, &number);
  }

  struct sigaction action_;
  sigset_t mask_;
};

TEST_P(FileTest, ToAResetPeerIsAnErrorAndNoSignal) {
  const Sigpipe sigpipe;
  const TestFile file("x");
  for (const bool blocked : {false, true}) {
    if (blocked) Sigpipe::Block();
    Connection connection = Connect();
    connection.peer->Reset();
    Settle();
    int64_t result = 0;
    for (int i = 0; i < 3; i++) result = SendFile(connection.handle, file, 0, 1);
    EXPECT_EQ(result, -EPIPE);
    EXPECT_EQ(Sigpipe::IsBlocked(), blocked);
    EXPECT_FALSE(Sigpipe::IsPending());
  }
}

TEST_P(FileTest, ASignalThatWasPendingBeforeStays) {
  const Sigpipe sigpipe;
  Sigpipe::Block();
  ASSERT_EQ(raise(SIGPIPE), 0);
  Connection connection = Connect();
  connection.peer->Reset();
  Settle();
  const TestFile file("x");
  int64_t result = 0;
  for (int i = 0; i < 3; i++) result = SendFile(connection.handle, file, 0, 1);
  EXPECT_EQ(result, -EPIPE);
  EXPECT_TRUE(Sigpipe::IsPending());
}

TEST_P(FileTest, AResetEndsABlockedOne) {
  const Sigpipe sigpipe;
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  loop().Clear();
  const TestFile file("x");
  Start(connection.handle, file, 0, 1);
  Settle();
  connection.peer->Reset();
  ASSERT_TRUE(
      loop().RunUntil([&] { return loop().Of(connection.handle, EVNET_OP_SEND).size() == 1; }));
  const int64_t result = loop().Of(connection.handle, EVNET_OP_SEND).front().result;
  EXPECT_TRUE(result == -ECONNRESET || result == -EPIPE) << result;
  EXPECT_FALSE(Sigpipe::IsPending());
}

TEST_P(FileTest, DetachGivesABlockedOneBackAndLeavesTheFileOpen) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  loop().Clear();
  const TestFile file("x");
  Start(connection.handle, file, 0, 1);
  Settle();
  evnet_poller_detach(poller(), connection.handle);
  ASSERT_TRUE(
      loop().RunUntil([&] { return loop().Of(connection.handle, EVNET_OP_DETACH).size() == 1; }));
  EXPECT_EQ(loop().Story(connection.handle), "SEND=-ECANCELED DETACH=0");
  EXPECT_GE(fcntl(file.descriptor(), F_GETFD), 0);
}

// A turn makes one send of a handle, however many files the handle sends.
TEST_P(FileTest, AHandleThatSendsFilesWithoutEndLeavesTheOthersTheirTurn) {
  Connection great = Connect();
  Connection small = Connect();
  evnet_poller_recv_start(poller(), small.handle);
  loop().Turn(0);
  const TestFile file("x");
  int sends = 0;
  int sends_before_small = -1;
  loop().OnEvent([&](const Event &event) {
    if (event.handle == small.handle) sends_before_small = sends;
    if (!(event.handle == great.handle)) return;
    if (++sends == 1) small.peer->Send("x");
    if (sends < 1000) Start(great.handle, file, 0, 1);
  });
  Start(great.handle, file, 0, 1);
  ASSERT_TRUE(loop().RunUntil([&] {
    great.peer->TryReceive();  // a Unix socket is full after some hundred sends
    return sends == 1000 && sends_before_small >= 0;
  }));
  EXPECT_LE(sends_before_small, 10);
}

INSTANTIATE_TEST_SUITE_P(Backends, FileTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
