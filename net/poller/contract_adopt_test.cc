// Sockets that were opened outside evnet: they are identified, and they work.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/base/testing/listener.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class AdoptTest : public ContractTest {
 protected:
  // Opens a blocking, inheritable socket, as other programs do.
  static int Open(int family, int type) { return socket(family, type, 0); }

  struct Adopted : evnet_socket_kind {
    evnet_handle handle;
  };

  Adopted Adopt(int descriptor) {
    Adopted adopted = {};
    EXPECT_EQ(evnet_poller_identify(poller(), descriptor, &adopted), 0);
    EXPECT_EQ(evnet_poller_adopt(poller(), descriptor, &adopted, &adopted.handle), 0);
    return adopted;
  }

  // Expects that the caller keeps the descriptor, unchanged.
  void ExpectRefused(int descriptor, int status) {
    evnet_socket_kind kind = {};
    EXPECT_EQ(evnet_poller_identify(poller(), descriptor, &kind), status);
    EXPECT_EQ(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(close(descriptor), 0);
  }

  void Detach(evnet_handle handle) {
    evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(loop().RunUntil([=] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  }
};

TEST_P(AdoptTest, AConnectedSocketIsOne) {
  PlainListener listener(fixture().Loopback());
  const evnet_address &to = listener.address();
  const int descriptor = Open(to.socket.any.sa_family, SOCK_STREAM);
  ASSERT_EQ(connect(descriptor, &to.socket.any, to.size), 0);
  const int peer = listener.Accept();
  const Adopted adopted = Adopt(descriptor);
  EXPECT_FALSE(adopted.is_listener);
  EXPECT_EQ(adopted.transport, GetParam().transport);
  EXPECT_NE(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  evnet_poller_recv_start(poller(), adopted.handle);
  ASSERT_EQ(send(peer, "in", 2, 0), 2);
  EXPECT_EQ(Send(adopted.handle, "out"), 3);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(adopted.handle) == "in"; }));
  char text[4] = "";
  ASSERT_EQ(recv(peer, text, 3, 0), 3);
  EXPECT_STREQ(text, "out");
  Detach(adopted.handle);
  EXPECT_EQ(recv(peer, text, 1, 0), 0);
  (void)close(peer);
}

TEST_P(AdoptTest, AListeningSocketAccepts) {
  const TempDirectory directory;
  const std::string path = directory.File("socket");
  PlainListener listener(GetParam().is_tcp() ? "tcp://127.0.0.1:0" : "unix://" + path);
  const Adopted adopted = Adopt(dup(listener.descriptor()));
  EXPECT_TRUE(adopted.is_listener);
  EXPECT_EQ(adopted.transport, GetParam().transport);
  evnet_poller_accept_start(poller(), adopted.handle);
  const std::unique_ptr<Peer> peer = fixture().Connect(listener.address(), {});
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(adopted.handle, EVNET_OP_ACCEPT).empty(); }));
  const int accepted = static_cast<int>(loop().Of(adopted.handle).front().result);
  const evnet_handle handle = Attach(accepted);
  EXPECT_EQ(Send(handle, "hello"), 5);
  EXPECT_EQ(peer->Receive(5), "hello");
  Detach(adopted.handle);
  Detach(handle);
  // The owner of the file does not change.
  EXPECT_EQ(access(path.c_str(), F_OK) == 0, !GetParam().is_tcp());
}

TEST_P(AdoptTest, AConnectedUdpSocketIsOne) {
  UdpClient peer;
  const evnet_address to = peer.Address();
  const int descriptor = Open(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(connect(descriptor, &to.socket.any, to.size), 0);
  const Adopted adopted = Adopt(descriptor);
  EXPECT_EQ(adopted.transport, EVNET_TRANSPORT_UDP);
  evnet_poller_recv_start(poller(), adopted.handle);
  peer.Send(AddressOf(adopted.handle), "datagram");
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(adopted.handle).empty(); }));
  EXPECT_EQ(loop().Data(adopted.handle), "datagram");
}

TEST_P(AdoptTest, AnEndOfAPairIsAConnection) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Adopted adopted = Adopt(pair[0]);
  EXPECT_EQ(adopted.transport, EVNET_TRANSPORT_UNIX);
  evnet_poller_recv_start(poller(), adopted.handle);
  ASSERT_EQ(send(pair[1], "x", 1, 0), 1);
  (void)close(pair[1]);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(adopted.handle).size() >= 2; }));
  EXPECT_EQ(loop().Data(adopted.handle), "x");
}

// Attaching a descriptor twice would make the second close hit an unrelated file.
TEST_P(AdoptTest, WhatThePollerHasAlreadyIsRefused) {
  const auto expect_refused = [&](int descriptor) {
    evnet_socket_kind kind = {};
    evnet_handle handle = {};
    ASSERT_EQ(evnet_poller_identify(poller(), descriptor, &kind), 0);
    EXPECT_EQ(evnet_poller_adopt(poller(), descriptor, &kind, &handle), -EEXIST);
    if (kind.is_listener) return;
    EXPECT_EQ(evnet_poller_attach(poller(), descriptor, kind.transport, &handle), -EEXIST);
  };
  // First adopted sockets: a connection, a listener, a UDP socket. Then an accepted connection and
  // a listener of the poller.
  PlainListener listener(fixture().Loopback());
  const evnet_address &to = listener.address();
  const int connected = Open(to.socket.any.sa_family, SOCK_STREAM);
  ASSERT_EQ(connect(connected, &to.socket.any, to.size), 0);
  const Adopted adopted = Adopt(connected);
  expect_refused(connected);
  const Adopted adopted_listener = Adopt(dup(listener.descriptor()));
  expect_refused(evnet_poller_descriptor(poller(), adopted_listener.handle));
  const Connection accepted = Connect();
  expect_refused(evnet_poller_descriptor(poller(), accepted.handle));
  expect_refused(evnet_poller_descriptor(poller(), Listen()));

  // A closed number may be adopted again, and so may another descriptor of the same socket.
  const int other = dup(connected);
  const Adopted again = Adopt(other);
  Detach(adopted.handle);
  ASSERT_EQ(dup2(other, connected), connected);
  const Adopted reused = Adopt(connected);
  Detach(again.handle);
  Detach(reused.handle);
}

TEST_P(AdoptTest, WhatIsNoneIsRefusedAndLeftAlone) {
  int pair[2];
  ASSERT_EQ(pipe(pair), 0);
  ExpectRefused(pair[0], -ENOTSOCK);
  (void)close(pair[1]);
  evnet_socket_kind kind = {};
  EXPECT_EQ(evnet_poller_identify(poller(), pair[1], &kind), -EBADF);
  EXPECT_EQ(evnet_poller_identify(poller(), -1, &kind), -EBADF);
  ExpectRefused(Open(AF_INET, SOCK_STREAM), -ENOTCONN);
  ExpectRefused(Open(AF_INET, SOCK_DGRAM), -ENOTCONN);
  ExpectRefused(Open(AF_UNIX, SOCK_STREAM), -ENOTCONN);
  ExpectRefused(Open(AF_UNIX, SOCK_DGRAM), -ESOCKTNOSUPPORT);
  ExpectRefused(Open(AF_UNIX, SOCK_SEQPACKET), -ESOCKTNOSUPPORT);
  ExpectRefused(Open(AF_NETLINK, SOCK_RAW), -EAFNOSUPPORT);
}

TEST_P(AdoptTest, AtHandlesMaxItIsRefusedAndStaysTheCallers) {
  evnet_poller_options options = {};
  options.handles_max = 1;
  ContractTest::Open(options);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  Adopt(pair[0]);
  evnet_socket_kind kind = {};
  kind.transport = EVNET_TRANSPORT_UNIX;
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_adopt(poller(), pair[1], &kind, &handle), -ENOBUFS);
  EXPECT_EQ(close(pair[1]), 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, AdoptTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
