// The completions of an io_uring socket after it was stopped, and after it is started again.
#include <algorithm>
#include <map>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

constexpr size_t kShare = 256 << 10;  // of a turn; the default

class UringStopTest : public ContractTest {
 protected:
  void TearDown() override {
    ResetUring();
    Destroy();
  }

  bool RunUntilData(evnet_handle handle, size_t bytes) {
    return loop().RunUntil([&] { return loop().Data(handle).size() >= bytes; });
  }

  size_t MostInATurn(evnet_handle handle) {
    std::map<uint64_t, size_t> turns;
    size_t most = 0;
    for (const Event &event : loop().Of(handle)) {
      most = std::max(most, turns[event.turn] += event.data.size());
    }
    return most;
  }
};

TEST_P(UringStopTest, ASocketStoppedByItsFirstBytesBringsNoMoreUntilStarted) {
  evnet_listen_options listen = {};
  listen.receive_buffer_bytes = 4 << 20;
  const Connection connection = Connect({}, &listen);
  std::string sent;
  const std::string chunk = Pattern(100000);
  for (size_t took = 1; took > 0 && sent.size() < 20u << 20; sent.append(chunk, 0, took)) {
    took = connection.peer->TrySend(chunk);
  }
  loop().OnEvent([&](const Event &event) {
    if (event.handle == connection.handle) evnet_poller_recv_stop(poller(), event.handle);
  });
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, 1));
  Settle();
  EXPECT_GT(CountUring().most_queued, 50u);  // the first enter brought at least this many buffers
  EXPECT_EQ(loop().Of(connection.handle).size(), 1u);
  loop().OnEvent(nullptr);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, sent.size()));
  EXPECT_TRUE(loop().Data(connection.handle) == sent);
  EXPECT_LE(MostInATurn(connection.handle), kShare);
}

TEST_P(UringStopTest, ATurnBringsASocketItsShareInAsManyBuffersAsThatTakes) {
  constexpr size_t kBytes = 100000;  // seven buffers
  evnet_listen_options listen = {};
  listen.receive_buffer_bytes = 4 << 20;
  const Connection connection = Connect({}, &listen);
  const std::string data = Pattern(kBytes);
  connection.peer->Send(data);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(RunUntilData(connection.handle, kBytes));
  EXPECT_TRUE(loop().Data(connection.handle) == data);
  EXPECT_GT(MostInATurn(connection.handle), kBytes / 2);
}

// A stopped socket is polled before each receive, so a stop takes effect immediately and no data
// waits in buffers.
TEST_P(UringStopTest, ASocketThatWasStoppedReceivesOneByOneUntilALittleIsEnough) {
  const Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("x");
  ASSERT_TRUE(RunUntilData(connection.handle, 1));
  evnet_poller_recv_stop(poller(), connection.handle);
  Settle();
  loop().Clear();
  ResetUring();
  const std::string data = Pattern(100000);
  connection.peer->Send(data);
  // The socket is stopped after every completion, and started for the next.
  loop().OnEvent([&](const Event &event) { evnet_poller_recv_stop(poller(), event.handle); });
  for (size_t events = 1; loop().Data(connection.handle).size() < data.size(); events++) {
    evnet_poller_recv_start(poller(), connection.handle);
    ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(connection.handle).size() >= events; }));
    for (int i = 0; i < 3; i++) loop().Turn(0);
    ASSERT_EQ(loop().Of(connection.handle).size(), events);
  }
  EXPECT_TRUE(loop().Data(connection.handle) == data);
  EXPECT_EQ(CountUring().recvs, 0u);
  loop().OnEvent(nullptr);
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("x");
  ASSERT_TRUE(RunUntilData(connection.handle, data.size() + 1));
  loop().Turn(0);
  EXPECT_EQ(CountUring().recvs, 1u);
}

// The bytes that are held back before the EOF are reported when other sockets need buffers. If the
// socket is stopped in its first turn, the EOF is not held back. If it is stopped in its second
// turn, the EOF is, too.
TEST_P(UringStopTest, AHangupPutOffForHeldBytesIsToldBehindThem) {
  for (const size_t before_stop : {100u, 200u}) {
    evnet_poller_options options = {};
    options.recv_bytes_max = 100;
    Open(options);
    const Connection dead = Connect();
    const Connection great = Connect();
    EXPECT_EQ(evnet_poller_shutdown_write(poller(), dead.handle), 0);
    dead.peer->Send(std::string(350, 'x'));
    dead.peer->ShutdownWrite();
    loop().Clear();
    loop().OnEvent([&](const Event &event) {
      if (event.handle == dead.handle && event.op == EVNET_OP_RECV &&
          loop().Data(dead.handle).size() >= before_stop) {
        evnet_poller_recv_stop(poller(), event.handle);
      }
    });
    evnet_poller_recv_start(poller(), dead.handle);
    ASSERT_TRUE(RunUntilData(dead.handle, before_stop));
    Settle();
    EXPECT_EQ(loop().Data(dead.handle).size(), before_stop);
    great.peer->Send(Pattern(20000));
    evnet_poller_recv_start(poller(), great.handle);
    ASSERT_TRUE(RunUntilData(great.handle, 300));
    evnet_poller_recv_stop(poller(), great.handle);
    ASSERT_TRUE(RunUntilData(dead.handle, 350));
    for (int i = 0; i < 5; i++) loop().Turn(0);
    EXPECT_EQ(loop().Story(dead.handle), "RECV:" + std::string(350, 'x') + " HANGUP=0");
  }
}

// Another socket's handler starts the socket between two of its entries. The first entry was
// already passed in that turn, and the second waits for it.
TEST_P(UringStopTest, HeldBytesStayInOrderWhenTheirSocketIsStartedBetweenThem) {
  evnet_poller_options options = {};
  options.recv_bytes_max = 100;
  Open(options);
  const Connection first = Connect();
  const Connection second = Connect();
  const Connection sender = Connect();
  const std::string data = Pattern(300);
  first.peer->Send(data.substr(0, 200));
  second.peer->Send(data);
  evnet_poller_recv_start(poller(), first.handle);
  evnet_poller_recv_start(poller(), second.handle);
  loop().Clear();
  loop().Turn(0);  // 100 bytes reported of each; held back: 100 of the first, 200 of the second
  ASSERT_EQ(loop().Data(first.handle).size(), 100u);
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_SEND) evnet_poller_recv_stop(poller(), first.handle);
    if (event.handle == second.handle && loop().Data(second.handle).size() == 300) {
      evnet_poller_recv_start(poller(), first.handle);
    }
  });
  first.peer->Send(data.substr(200));
  const iovec piece = {evnet_poller_scratch(poller()), 1};
  ASSERT_EQ(evnet_poller_send(poller(), sender.handle, &piece, 1), -EINPROGRESS);
  loop().Turn(0);  // reports 100 of the second, then holds back 100 of the first
  ASSERT_TRUE(RunUntilData(first.handle, 300));
  EXPECT_TRUE(loop().Data(first.handle) == data);
}

// These buffers are in the kernel's completions, or were held back in the turn before.
TEST_P(UringStopTest, BuffersOfDetachedSocketsComeBack) {
  evnet_poller_options options = {};
  options.recv_bytes_max = 100;
  for (const bool held : {false, true}) {
    Open(options);
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_RECV) return;
      if (held) {
        evnet_poller_recv_stop(poller(), event.handle);
      } else {
        evnet_poller_detach(poller(), event.handle);
      }
    });
    for (int i = 0; i < 100; i++) {
      const Connection connection = AttachUnix();
      connection.peer->Send(Pattern(500));
      evnet_poller_recv_start(poller(), connection.handle);
      ASSERT_TRUE(RunUntilData(connection.handle, 100));
      if (held) evnet_poller_detach(poller(), connection.handle);
    }
    loop().OnEvent(nullptr);
    const Connection last = AttachUnix();
    last.peer->Send("x");
    evnet_poller_recv_start(poller(), last.handle);
    ASSERT_TRUE(RunUntilData(last.handle, 1));
    EXPECT_EQ(CountUring().no_buffers, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, UringStopTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringStopTest);

}  // namespace
}  // namespace evnet_testing
