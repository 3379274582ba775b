// Connecting: the results of CONNECT, their order, and the state of the handle afterwards.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/base/testing/udp_client.h"
#include "net/poller/testing/connect_fixture.h"

namespace evnet_testing {
namespace {

TEST_P(ConnectTest, BytesGoBothWaysOnceItIsConnected) {
  evnet_handle accepted = {};
  const evnet_handle handle = ConnectPair(&accepted);
  EXPECT_EQ(loop().Story(handle), "CONNECT=0");
  evnet_poller_recv_start(poller(), handle);
  evnet_poller_recv_start(poller(), accepted);
  EXPECT_EQ(Send(handle, "question"), 8);
  EXPECT_EQ(Send(accepted, "answer"), 6);
  ASSERT_TRUE(loop().RunUntil(
      [&] { return loop().Data(accepted) == "question" && loop().Data(handle) == "answer"; }));
  EXPECT_EQ(evnet_poller_shutdown_write(poller(), accepted), 0);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle).back().result == 0; }));
  EXPECT_EQ(loop().Story(handle), "CONNECT=0 RECV:answer RECV=0");
  Detach(handle);
}

TEST_P(ConnectTest, NothingIsToldFromInsideConnect) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  const evnet_handle handle = Reserve();
  bool begun = false;
  loop().OnEvent([&](const Event &) {
    if (begun) return;
    begun = true;
    evnet_poller_connect(poller(), handle, &address, nullptr);
  });
  // Any event serves.
  const evnet_handle other = Reserve();
  Detach(other);
  ASSERT_TRUE(RunUntilConnects(handle));
  EXPECT_GT(loop().Of(handle).front().turn, loop().Of(other).front().turn);
  EXPECT_EQ(loop().Story(handle), "CONNECT=0");
}

TEST_P(ConnectTest, BothEndsKnowTheirAddresses) {
  evnet_handle accepted = {};
  const evnet_handle handle = ConnectPair(&accepted);
  evnet_address local = {}, remote = {};
  ASSERT_EQ(evnet_poller_local_address(poller(), handle, &local), 0);
  ASSERT_EQ(evnet_poller_remote_address(poller(), accepted, &remote), 0);
  EXPECT_EQ(FormatAddress(local), FormatAddress(remote));
  ASSERT_EQ(evnet_poller_remote_address(poller(), handle, &remote), 0);
  ASSERT_EQ(evnet_poller_local_address(poller(), accepted, &local), 0);
  EXPECT_EQ(FormatAddress(remote), FormatAddress(local));
}

TEST_P(ConnectTest, WhatThePeerDidBeforeItIsToldIsNotLost) {
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle handle = Reserve();
  evnet_poller_connect(poller(), handle, &listener.address(), nullptr);
  const int peer = listener.Accept();
  ASSERT_EQ(write(peer, "early", 5), 5);
  (void)close(peer);
  ASSERT_TRUE(RunUntilConnects(handle));
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle).size() >= 3; }));
  EXPECT_EQ(loop().Story(handle).substr(0, 27), "CONNECT=0 RECV:early RECV=0");
}

TEST_P(ConnectTest, AnEndThatNobodyReadsIsTold) {
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle handle = Reserve();
  ASSERT_EQ(ConnectNow(handle, listener.address()), 0);
  const int peer = listener.Accept();
  const linger none = {1, 0};
  ASSERT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  (void)close(peer);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle).size() > 1; }));
  // A Unix socket has no reset, so the hang-up has no error.
  EXPECT_EQ(loop().Story(handle),
            GetParam().is_tcp() ? "CONNECT=0 HANGUP=-ECONNRESET" : "CONNECT=0 HANGUP=0");
}

TEST_P(ConnectTest, AnEndBeforeItIsToldIsToldThoughNobodyReads) {
  if (GetParam().is_tcp()) GTEST_SKIP() << "a reset before CONNECT is its result";
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle handle = Reserve();
  evnet_poller_connect(poller(), handle, &listener.address(), nullptr);
  (void)close(listener.Accept());
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle).size() > 1; }));
  EXPECT_EQ(loop().Story(handle), "CONNECT=0 HANGUP=0");
}

TEST_P(ConnectTest, WithoutAListenerItIsRefusedAndMayConnectAgain) {
  const size_t descriptors = fixture().OpenDescriptors();
  const evnet_handle handle = Reserve();
  {
    const PlainListener bound(fixture().Loopback(), -1);
    EXPECT_EQ(ConnectNow(handle, bound.address()), -ECONNREFUSED);
    EXPECT_EQ(ConnectNow(handle, bound.address()), -ECONNREFUSED);
  }
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
  const evnet_handle listener = Listen();
  EXPECT_EQ(ConnectNow(handle, AddressOf(listener)), 0);
  EXPECT_EQ(loop().Story(handle), "CONNECT=-ECONNREFUSED CONNECT=-ECONNREFUSED CONNECT=0");
  Detach(handle);
  Detach(listener);
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors);
}

TEST_P(ConnectTest, ItMayConnectAgainFromWhereTheFailureIsTold) {
  const PlainListener bound(fixture().Loopback(), -1);
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  const evnet_handle handle = Reserve();
  loop().OnEvent([&](const Event &event) {
    if (!(event.handle == handle) || event.op != EVNET_OP_CONNECT || event.result == 0) return;
    const size_t tries = loop().Of(handle, EVNET_OP_CONNECT).size();
    evnet_poller_connect(poller(), handle, tries < 3 ? &bound.address() : &address, nullptr);
  });
  evnet_poller_connect(poller(), handle, &bound.address(), nullptr);
  ASSERT_TRUE(RunUntilConnects(handle, 4));
  EXPECT_EQ(loop().Story(handle),
            "CONNECT=-ECONNREFUSED CONNECT=-ECONNREFUSED CONNECT=-ECONNREFUSED CONNECT=0");
}

TEST_P(ConnectTest, APathThatIsNotThereIsTold) {
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_UNIX);
  const evnet_address nowhere = ParseAddress("unix://" + directory_.File("nowhere"));
  EXPECT_EQ(ConnectNow(handle, nowhere), -ENOENT);
}

TEST_P(ConnectTest, AFullUnixBacklogIsToldAsSuch) {
  PlainListener listener(ParseAddress("unix://" + directory_.File("full")), 0);
  const evnet_handle first = Reserve(EVNET_TRANSPORT_UNIX);
  const evnet_handle second = Reserve(EVNET_TRANSPORT_UNIX);
  ASSERT_EQ(ConnectNow(first, listener.address()), 0);
  EXPECT_EQ(ConnectNow(second, listener.address()), -EAGAIN);
  const int peer = listener.Accept();
  EXPECT_EQ(ConnectNow(second, listener.address()), 0);
  (void)close(peer);
}

TEST_P(ConnectTest, AReservedHandleIsDetached) {
  const evnet_handle handle = Reserve();
  const evnet_handle aborted = Reserve();
  evnet_poller_abort(poller(), aborted);
  Detach(handle);
  EXPECT_EQ(loop().Story(handle), "DETACH=0");
  EXPECT_EQ(loop().Story(aborted), "DETACH=0");
}

TEST_P(ConnectTest, DetachedWhileItConnectsItTellsOnlyThat) {
  const size_t descriptors = fixture().OpenDescriptors();
  const PlainListener bound(fixture().Loopback(), -1);
  const PlainListener *listener = new PlainListener(fixture().Loopback(), 5);
  for (const evnet_address *address : {&bound.address(), &listener->address(), &Nowhere()}) {
    for (const bool submitted : {false, true}) {
      const evnet_handle handle = Reserve(address->transport);
      const evnet_handle aborted = Reserve(address->transport);
      evnet_poller_connect(poller(), handle, address, nullptr);
      evnet_poller_connect(poller(), aborted, address, nullptr);
      if (submitted && address == &Nowhere()) loop().Turn(0);
      evnet_poller_abort(poller(), aborted);
      Detach(handle);
      Settle();
      EXPECT_EQ(loop().Story(handle), "DETACH=0");
      EXPECT_EQ(loop().Story(aborted), "DETACH=0");
    }
  }
  delete listener;
  EXPECT_LE(fixture().OpenDescriptors(), descriptors + 3 + 2);  // Settle made two more
}

TEST_P(ConnectTest, AConnectThatIsStoppedIsToldAndMayBeginAgain) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket connects immediately";
  const evnet_handle listener = Listen();
  for (const bool submitted : {false, true}) {
    const evnet_handle handle = Reserve();
    evnet_poller_connect(poller(), handle, &Nowhere(), nullptr);
    if (submitted) loop().Turn(0);
    EXPECT_TRUE(loop().Of(handle).empty());
    evnet_poller_connect_stop(poller(), handle);
    evnet_poller_connect_stop(poller(), handle);
    ASSERT_TRUE(RunUntilConnects(handle));
    EXPECT_EQ(ConnectNow(handle, AddressOf(listener)), 0);
    EXPECT_EQ(loop().Story(handle), "CONNECT=-ECANCELED CONNECT=0");
    Detach(handle);
  }
}

TEST_P(ConnectTest, ToStopOneThatHasComeToSomethingChangesNothing) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  const evnet_handle handle = Reserve(GetParam().transport);
  evnet_poller_connect(poller(), handle, &address, nullptr);
  if (!GetParam().is_tcp()) evnet_poller_connect_stop(poller(), handle);
  ASSERT_TRUE(RunUntilConnects(handle));
  EXPECT_EQ(loop().Story(handle), "CONNECT=0");
}

TEST_P(ConnectTest, AnAbortedConnectionIsReset) {
  evnet_handle accepted = {};
  const evnet_handle handle = ConnectPair(&accepted);
  evnet_poller_recv_start(poller(), accepted);
  loop().Turn(0);
  evnet_poller_abort(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(accepted).empty(); }));
  EXPECT_EQ(loop().Of(accepted)[0].op, EVNET_OP_RECV);
  EXPECT_EQ(loop().Of(accepted)[0].result, GetParam().is_tcp() ? -ECONNRESET : 0);
}

TEST_P(ConnectTest, ASocketIsNotConnectedToItself) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "only TCP does that";
  uint16_t port;
  {
    const PlainListener bound(ParseAddress("tcp://127.0.0.1:0"), -1);
    port = evnet_address_port(&bound.address());
  }
  const evnet_address own = ParseAddress("tcp://127.0.0.1:" + std::to_string(port));
  evnet_connect_options options = {};
  options.source = &own;
  const evnet_handle handle = Reserve();
  EXPECT_EQ(ConnectNow(handle, own, &options), -ECONNREFUSED);
  EXPECT_EQ(loop().Story(handle), "CONNECT=-ECONNREFUSED");
}

TEST_P(ConnectTest, AMovedSocketIsTheOtherHandles) {
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle from = Reserve();
  const evnet_handle to = Reserve();
  ConnectAndMove(from, to, listener.address());
  const int peer = listener.Accept();
  evnet_poller_recv_start(poller(), to);
  EXPECT_EQ(Send(to, "question"), 8);
  char got[8] = {};
  EXPECT_EQ(read(peer, got, sizeof got), 8);
  ASSERT_EQ(write(peer, "answer", 6), 6);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(to) == "answer"; }));
  (void)close(peer);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(to).size() >= 2; }));
  EXPECT_EQ(loop().Story(from), "CONNECT=0");
  // The first handle is reserved again, as before its connect.
  EXPECT_EQ(ConnectNow(from, listener.address()), 0);
  Detach(from);
  Detach(to);
}

TEST_P(ConnectTest, WhatThePeerDidBeforeAMoveIsNotLost) {
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle from = Reserve();
  const evnet_handle to = Reserve();
  evnet_poller_connect(poller(), from, &listener.address(), nullptr);
  const int peer = listener.Accept();
  ASSERT_EQ(write(peer, "early", 5), 5);
  (void)close(peer);
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_CONNECT) return;
    EXPECT_EQ(evnet_poller_connect_move(poller(), from, to), 0);
    evnet_poller_recv_start(poller(), to);
  });
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(to).size() >= 2; }));
  EXPECT_EQ(loop().Story(to).substr(0, 17), "RECV:early RECV=0");
  EXPECT_EQ(loop().Story(from), "CONNECT=0");
}

TEST_P(ConnectTest, AResetOfAMovedSocketIsTold) {
  PlainListener listener(fixture().Loopback(), 5);
  const evnet_handle from = Reserve();
  const evnet_handle to = Reserve();
  ConnectAndMove(from, to, listener.address());
  const int peer = listener.Accept();
  const linger none = {1, 0};
  ASSERT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  (void)close(peer);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(to).empty(); }));
  EXPECT_EQ(loop().Story(to), GetParam().is_tcp() ? "HANGUP=-ECONNRESET" : "HANGUP=0");
  Detach(from);
}

TEST_P(ConnectTest, TheDescriptorZeroIsOneLikeOthers) {
  if (!GetParam().real_descriptors)
    GTEST_SKIP() << "its descriptors are not descriptors of this process";
  PlainListener listener(fixture().Loopback(), 5);
  const int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
  ASSERT_GE(saved, 0);
  (void)close(STDIN_FILENO);
  const evnet_handle handle = Reserve();
  EXPECT_EQ(ConnectNow(handle, listener.address()), 0);
  EXPECT_EQ(evnet_poller_descriptor(poller(), handle), STDIN_FILENO);
  Detach(handle);
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFD), -1);
  ASSERT_EQ(dup2(saved, STDIN_FILENO), STDIN_FILENO);
  (void)close(saved);
}

TEST_P(ConnectTest, NoMoreThanHandlesMaxAreReserved) {
  evnet_poller_options options = {};
  options.handles_max = 1;
  Open(options);
  const evnet_handle handle = Reserve();
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &second), -ENOBUFS);
  Detach(handle);
  EXPECT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &second), 0);
}

TEST_P(ConnectTest, WhatIsConnectingGoesWithThePoller) {
  const size_t descriptors = fixture().OpenDescriptors();
  {
    PlainListener listener(fixture().Loopback(), 5);
    evnet_poller_connect(poller(), Reserve(EVNET_TRANSPORT_TCP), &Nowhere(), nullptr);
    evnet_poller_connect(poller(), Reserve(), &listener.address(), nullptr);
    (void)Reserve();
    loop().Turn(0);
    Destroy();
  }
  EXPECT_LE(fixture().OpenDescriptors(),
            descriptors);  // less the poller's own and the Blackhole's
}

TEST_P(ConnectTest, ADatagramSocketHasOnePeer) {
  UdpClient peer, stranger;
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_UDP);
  ASSERT_EQ(ConnectNow(handle, peer.Address()), 0);
  evnet_poller_recv_start(poller(), handle);
  const std::string text = "question";
  const iovec piece = {const_cast<char *>(text.data()), text.size()};
  const evnet_datagram datagram = {&piece, 1, nullptr, nullptr};
  ASSERT_EQ(evnet_poller_send_datagrams(poller(), handle, &datagram, 1), 1);
  evnet_address from = {};
  EXPECT_EQ(peer.Receive(&from), "question");
  stranger.Send(from, "noise");
  peer.Send(from, "answer");
  peer.Send(from, "");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle, EVNET_OP_DATAGRAM).size() >= 2; }));
  const std::vector<Event> events = loop().Of(handle, EVNET_OP_DATAGRAM);
  EXPECT_EQ(events[0].data, "answer");
  EXPECT_EQ(events[1].data, "");
  EXPECT_EQ(events.size(), 2u);
  EXPECT_EQ(FormatAddress(events[0].peer), FormatAddress(peer.Address()));
  Detach(handle);
}

TEST_P(ConnectTest, ADatagramThatNobodyTakesIsToldOfItsSocket) {
  UdpClient peer;
  const evnet_address to = peer.Address();
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_UDP);
  ASSERT_EQ(ConnectNow(handle, to), 0);
  peer.Close();
  evnet_poller_recv_start(poller(), handle);
  loop().Turn(0);
  const evnet_datagram empty = {nullptr, 0, nullptr, nullptr};
  ASSERT_EQ(evnet_poller_send_datagrams(poller(), handle, &empty, 1), 1);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(handle).size() > 1; }));
  EXPECT_EQ(loop().Story(handle), "CONNECT=0 DATAGRAM=-ECONNREFUSED");
}

TEST_P(ConnectTest, ManyConnectAtOnce) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  evnet_poller_accept_start(poller(), listener);
  const size_t count = 1500;  // more than io_uring's queue holds
  std::vector<evnet_handle> handles;
  for (size_t i = 0; i < count; i++) {
    handles.push_back(Reserve());
    evnet_poller_connect(poller(), handles.back(), &address, nullptr);
    if (i % 100 == 99 && !GetParam().is_tcp()) loop().Turn(0);  // the backlog holds no more
  }
  size_t told = 0;
  ASSERT_TRUE(loop().RunUntil([&] {
    told = 0;
    for (const evnet_handle &handle : handles) told += loop().Of(handle).size();
    return told >= count;
  }));
  EXPECT_EQ(told, count);
  for (const evnet_handle &handle : handles) EXPECT_EQ(loop().Of(handle)[0].result, 0);
  for (const Event &event : loop().Of(listener, EVNET_OP_ACCEPT))
    if (event.result >= 0) (void)close(static_cast<int>(event.result));
}

INSTANTIATE_TEST_SUITE_P(Backends, ConnectTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
