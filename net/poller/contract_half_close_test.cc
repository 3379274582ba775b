// The poller's contract: a peer that has ended its side and reads slowly. Output to it waits for
// room like any other, and no turn ends without work to do.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/file.h"

namespace evnet_testing {
namespace {

class HalfCloseTest : public ContractTest {
 protected:
  // Makes a connection that a few KiB fill.
  Connection ConnectSmall() {
    PeerOptions peer;
    peer.receive_buffer_bytes = 4096;
    evnet_listen_options listen = {};
    listen.send_buffer_bytes = 4096;
    return Connect(peer, &listen);
  }

  // Lets the peer end its side, and waits for the RECV that reports it.
  void EndOf(const Connection &connection) {
    evnet_poller_recv_start(poller(), connection.handle);
    connection.peer->ShutdownWrite();
    ASSERT_TRUE(
        loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_RECV).empty(); }));
    EXPECT_EQ(loop().Story(connection.handle), "RECV=0");
    loop().Clear();
  }

  void Start(evnet_handle handle, std::string *data) {
    piece_ = {&(*data)[0], data->size()};
    send_ = {{&piece_}, 1};
    evnet_poller_send_start(poller(), handle, &send_);
  }

  // Expects waits to last until their timeouts, except for a few that the kernel ends without a
  // reason.
  void ExpectQuiet() {
    constexpr int64_t kWaitNs = 10000000;
    constexpr int kWaits = 10;
    constexpr int kEndedMax = 3;
    int ended = 0;
    for (int i = 0; i < kWaits; i++) {
      const uint64_t before = evnet_poller_now_ns(poller());
      loop().Turn(kWaitNs);
      if (evnet_poller_now_ns(poller()) - before < kWaitNs) ended++;
    }
    EXPECT_LE(ended, kEndedMax) << "of " << kWaits;
  }

 private:
  iovec piece_ = {};
  evnet_send send_ = {};
};

TEST_P(HalfCloseTest, ABlockedSendDoesNotSpinWhenThePeerHasEndedItsSide) {
  for (const bool ends_first : {true, false}) {
    SCOPED_TRACE(ends_first);
    Connection connection = ConnectSmall();
    std::string taken = SendUntilFull(connection.handle);
    std::string rest = "the rest";
    if (ends_first) EndOf(connection);
    loop().Clear();
    Start(connection.handle, &rest);
    if (!ends_first) EndOf(connection);
    ExpectQuiet();
    EXPECT_EQ(loop().Story(connection.handle), "");
    EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
    ASSERT_TRUE(
        loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
    EXPECT_EQ(loop().Story(connection.handle), "SEND=8");
    EXPECT_EQ(connection.peer->Receive(rest.size()), rest);
    ExpectQuiet();

    // Once more, and with a socket that has room.
    loop().Clear();
    taken = SendUntilFull(connection.handle);
    Start(connection.handle, &rest);
    ExpectQuiet();
    EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
    ASSERT_TRUE(
        loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
    EXPECT_EQ(connection.peer->Receive(rest.size()), rest);
    loop().Clear();
    Start(connection.handle, &rest);
    ASSERT_TRUE(
        loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
    EXPECT_EQ(loop().Story(connection.handle), "SEND=8");
    EXPECT_EQ(connection.peer->Receive(rest.size()), rest);
  }
}

TEST_P(HalfCloseTest, MegabytesToAPeerThatHasEndedItsSideArriveInOrder) {
  Connection connection = ConnectSmall();
  EndOf(connection);
  const std::string all = Pattern(2 << 20);
  std::string rest;
  size_t sent = 0;
  const auto go_on = [&] {
    rest = all.substr(sent, 100000);
    Start(connection.handle, &rest);
  };
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_SEND || !(event.handle == connection.handle)) return;
    ASSERT_GT(event.result, 0);
    sent += static_cast<size_t>(event.result);
    if (sent < all.size()) go_on();
  });
  go_on();
  std::string got;
  ASSERT_TRUE(loop().RunUntil([&] {
    got += connection.peer->TryReceive();
    return got.size() >= all.size();
  }));
  EXPECT_TRUE(got == all);
}

TEST_P(HalfCloseTest, ABlockedFileDoesNotSpinWhenThePeerHasEndedItsSide) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
  Connection connection = ConnectSmall();
  const std::string taken = SendUntilFull(connection.handle);
  EndOf(connection);
  const TestFile file("the file's bytes");
  const evnet_file_range range = {file.descriptor(), 0, 16};
  evnet_send send = {};
  send.file = &range;
  evnet_poller_send_start(poller(), connection.handle, &send);
  ExpectQuiet();
  EXPECT_TRUE(connection.peer->Receive(taken.size()) == taken);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  EXPECT_EQ(loop().Story(connection.handle), "SEND=16");
  EXPECT_EQ(connection.peer->Receive(16), "the file's bytes");
}

TEST_P(HalfCloseTest, AResetAfterThePeersEndEndsABlockedSend) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  EndOf(connection);
  std::string rest = "x";
  Start(connection.handle, &rest);
  ExpectQuiet();
  connection.peer->Reset();
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  EXPECT_LT(loop().Of(connection.handle, EVNET_OP_SEND).front().result, 0);
}

TEST_P(HalfCloseTest, ADetachEndsASendThatWaitsForAPeerThatHasEndedItsSide) {
  Connection connection = ConnectSmall();
  SendUntilFull(connection.handle);
  EndOf(connection);
  std::string rest = "x";
  Start(connection.handle, &rest);
  ExpectQuiet();
  evnet_poller_detach(poller(), connection.handle);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_DETACH).empty(); }));
  EXPECT_EQ(loop().Story(connection.handle), "SEND=-ECANCELED DETACH=0");
}

TEST_P(HalfCloseTest, APausedConnectionDoesNotSpinWhenThePeerHasEndedItsSide) {
  Connection connection = ConnectSmall();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  evnet_poller_recv_stop(poller(), connection.handle);
  connection.peer->Send("unread");
  connection.peer->ShutdownWrite();
  loop().Clear();
  ExpectQuiet();
  EXPECT_EQ(loop().Story(connection.handle), "");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(
      loop().RunUntil([&] { return loop().Of(connection.handle, EVNET_OP_RECV).size() >= 2; }));
  EXPECT_EQ(loop().Story(connection.handle), "RECV:unread RECV=0");
  ExpectQuiet();
}

// Two connected UDP sockets. The first is attached to the poller, and the test has shut down its
// receiving side.
TEST_P(HalfCloseTest, AUdpSocketThatIsShutForReceivingDoesNotSpin) {
  if (!GetParam().is_tcp() || !GetParam().real_descriptors) GTEST_SKIP() << "once is enough";
  int ends[2];
  sockaddr_in names[2] = {};
  for (int i = 0; i < 2; i++) {
    ends[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT_GE(ends[i], 0);
    names[i].sin_family = AF_INET;
    names[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof names[i];
    sockaddr *name = reinterpret_cast<sockaddr *>(&names[i]);
    ASSERT_EQ(bind(ends[i], name, size), 0);
    ASSERT_EQ(getsockname(ends[i], name, &size), 0);
  }
  for (int i = 0; i < 2; i++) {
    const sockaddr *to = reinterpret_cast<const sockaddr *>(&names[1 - i]);
    ASSERT_EQ(connect(ends[i], to, sizeof names[i]), 0);
  }
  const evnet_handle handle = Attach(ends[0], EVNET_TRANSPORT_UDP);
  evnet_poller_recv_start(poller(), handle);
  ASSERT_EQ(shutdown(ends[0], SHUT_RD), 0);
  ExpectQuiet();
  // Linux receives datagrams nevertheless.
  for (const char *text : {"one", "two"}) {
    ASSERT_EQ(send(ends[1], text, 3, 0), 3);
    ASSERT_TRUE(loop().RunUntil([&] {
      const std::string data = loop().Data(handle);
      return data.size() >= 3 && data.substr(data.size() - 3) == text;
    }));
    ExpectQuiet();
  }
  EXPECT_EQ(loop().Data(handle), "onetwo");
  evnet_poller_recv_stop(poller(), handle);
  evnet_poller_recv_start(poller(), handle);
  ExpectQuiet();
  evnet_poller_detach(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  (void)close(ends[1]);
}

INSTANTIATE_TEST_SUITE_P(Backends, HalfCloseTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
