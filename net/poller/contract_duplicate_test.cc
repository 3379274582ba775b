// The poller's contract: detaching and aborting a connection whose descriptor has a duplicate.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class DuplicateTest : public ContractTest {
 protected:
  void SetUp() override {
    if (!GetParam().real_descriptors) GTEST_SKIP() << "it has no descriptors";
    ContractTest::SetUp();
  }

  void AwaitDetach(evnet_handle handle) {
    ASSERT_TRUE(loop().RunUntil([=] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  }

  // The end that a peer sees after an abort.
  Peer::End AbortedEnd() const { return GetParam().is_tcp() ? Peer::End::kReset : Peer::End::kEnd; }
};

TEST_P(DuplicateTest, IsCloseOnExecAndTheSameSocket) {
  Connection connection = Connect();
  const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
  ASSERT_GE(duplicate, 0);
  EXPECT_NE(duplicate, connection.descriptor);
  EXPECT_TRUE(fcntl(duplicate, F_GETFD) & FD_CLOEXEC);
  ASSERT_EQ(send(duplicate, "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(connection.peer->Receive(1), "x");
  EXPECT_EQ(close(duplicate), 0);
}

TEST_P(DuplicateTest, AReservedHandleHasNoDescriptorAndNoDuplicate) {
  evnet_handle handle;
  ASSERT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &handle), 0);
  EXPECT_EQ(evnet_poller_descriptor(poller(), handle), -EBADF);
  EXPECT_EQ(evnet_poller_duplicate(poller(), handle), -EBADF);
}

TEST_P(DuplicateTest, ADetachSendsTheEndAllTheSame) {
  for (const bool receiving : {false, true}) {
    Connection connection = Connect();
    if (receiving) evnet_poller_recv_start(poller(), connection.handle);
    loop().Turn(0);
    const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
    ASSERT_GE(duplicate, 0);
    ASSERT_EQ(Send(connection.handle, "last"), 4);
    evnet_poller_detach(poller(), connection.handle);
    AwaitDetach(connection.handle);
    EXPECT_EQ(connection.peer->Receive(4), "last");
    EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
    EXPECT_EQ(close(duplicate), 0);
  }
}

TEST_P(DuplicateTest, AnAbortResetsAllTheSame) {
  for (const bool receiving : {false, true}) {
    Connection connection = Connect();
    if (receiving) evnet_poller_recv_start(poller(), connection.handle);
    loop().Turn(0);
    const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
    ASSERT_GE(duplicate, 0);
    evnet_poller_abort(poller(), connection.handle);
    AwaitDetach(connection.handle);
    EXPECT_EQ(connection.peer->ReceiveEnd(), AbortedEnd());
    EXPECT_EQ(close(duplicate), 0);
  }
}

TEST_P(DuplicateTest, DestroyingThePollerSendsTheEndAllTheSame) {
  Connection connection = Connect();
  const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
  ASSERT_GE(duplicate, 0);
  Destroy();
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  EXPECT_EQ(close(duplicate), 0);
}

// The code that opened the socket may have another descriptor of it.
TEST_P(DuplicateTest, AnAdoptedConnectionEndsThoughItsMakerKeepsIt) {
  for (const bool abort : {false, true}) {
    PlainListener listener(fixture().Loopback());
    const std::unique_ptr<Peer> peer = fixture().Connect(listener.address(), {});
    const int accepted = listener.Accept();
    const int makers = dup(accepted);
    ASSERT_GE(makers, 0);
    evnet_socket_kind kind = {};
    kind.transport = GetParam().transport;
    evnet_handle handle;
    ASSERT_EQ(evnet_poller_adopt(poller(), accepted, &kind, &handle), 0);
    if (abort) {
      evnet_poller_abort(poller(), handle);
    } else {
      evnet_poller_detach(poller(), handle);
    }
    AwaitDetach(handle);
    EXPECT_EQ(peer->ReceiveEnd(), abort ? AbortedEnd() : Peer::End::kEnd);
    EXPECT_EQ(close(makers), 0);
  }
}

// A reused slot does not inherit the duplicate mark of its last connection.
TEST_P(DuplicateTest, TheNextConnectionOfTheSlotHasNone) {
  uint32_t index = 0;
  for (const bool duplicates : {true, false}) {
    Connection connection = AttachUnix();
    if (duplicates) index = connection.handle.index;
    EXPECT_EQ(connection.handle.index, index);
    const int duplicate = duplicates ? evnet_poller_duplicate(poller(), connection.handle)
                                     : fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 0);
    ASSERT_GE(duplicate, 0);
    evnet_poller_detach(poller(), connection.handle);
    AwaitDetach(connection.handle);
    // Only shutdown(2) ends the connection for its other descriptors.
    char byte;
    const ssize_t got = recv(duplicate, &byte, 1, MSG_DONTWAIT);
    EXPECT_EQ(got, duplicates ? 0 : -1);
    EXPECT_EQ(close(duplicate), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, DuplicateTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
