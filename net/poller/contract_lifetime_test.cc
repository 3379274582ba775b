// The poller's contract: attaching, handles, detach and abort, destruction.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class LifetimeTest : public ContractTest {
 protected:
  bool RunUntilDetached(evnet_handle handle) {
    return loop().RunUntil([this, handle] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); });
  }

  void OpenWithHandles(uint32_t count) {
    evnet_poller_options options = {};
    options.handles_max = count;
    Open(options);
  }

  // Starts a send that blocks, because the socket is full.
  void BlockSend(const Connection &connection, evnet_send *send, iovec *piece) {
    SendUntilFull(connection.handle);
    static char byte[] = "x";
    *piece = {byte, 1};
    *send = {{piece}, 1};
    evnet_poller_send_start(poller(), connection.handle, send);
  }
};

// Allows one more descriptor each time, until the poller has all that it needs.
TEST_P(LifetimeTest, CreatingWithTooFewDescriptorsFailsAndLeavesNothing) {
  Destroy();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);  // the lowest free number
  ASSERT_GE(next, 0);
  close(next);
  int status = -EMFILE;
  for (int allowed = 0; allowed < 8 && status != 0; allowed++) {
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(next + allowed);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    const evnet_poller_options options = {};
    evnet_poller *poller = nullptr;
    status = GetParam().create(&options, &poller);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (status == 0) {
      evnet_poller_destroy(poller);
    } else {
      EXPECT_EQ(status, -EMFILE) << allowed;
    }
    const int after = dup(0);
    EXPECT_EQ(after, next) << "nothing is left open";
    close(after);
  }
  EXPECT_EQ(status, 0);
}

TEST_P(LifetimeTest, DetachEndsTheConnectionInOrder) {
  Connection connection = Connect();
  EXPECT_EQ(Send(connection.handle, "bye"), 3);
  evnet_poller_detach(poller(), connection.handle);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  EXPECT_EQ(connection.peer->Receive(100), "bye");
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
  EXPECT_EQ(loop().Story(connection.handle), "DETACH=0");
}

TEST_P(LifetimeTest, AbortResetsTheConnection) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix socket has no reset";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  evnet_poller_abort(poller(), connection.handle);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kReset);
  EXPECT_EQ(loop().Story(connection.handle), "DETACH=0");
}

TEST_P(LifetimeTest, AbortOfAUnixSocketIsAnEnd) {
  Connection connection = AttachUnix();
  evnet_poller_abort(poller(), connection.handle);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kEnd);
}

TEST_P(LifetimeTest, DetachCompletesAPendingSendOnceAndComesLast) {
  for (const bool abort : {false, true}) {
    Connection connection = Connect();
    evnet_send send;
    iovec piece;
    BlockSend(connection, &send, &piece);
    evnet_poller_recv_start(poller(), connection.handle);
    Settle();
    connection.peer->Send("too late");
    (abort ? evnet_poller_abort : evnet_poller_detach)(poller(), connection.handle);
    ASSERT_TRUE(RunUntilDetached(connection.handle));
    Settle();
    EXPECT_EQ(loop().Story(connection.handle), "SEND=-ECANCELED DETACH=0");
    EXPECT_EQ(connection.peer->ReceiveEnd(), Peer::End::kReset);  // because it had unread data
  }
}

TEST_P(LifetimeTest, DetachFromTheHandlerOfItsOwnSendComesOnce) {
  Connection connection = Connect();
  char byte[] = "x";
  const iovec piece = {byte, 1};
  const evnet_send send = {{&piece}, 1};
  connection.peer->Send("data");
  loop().OnEvent([&](const Event &event) {
    if (event.handle == connection.handle && event.op == EVNET_OP_SEND) {
      evnet_poller_detach(poller(), connection.handle);
    }
  });
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "SEND=1 DETACH=0");
}

// The second send waits for the next turn, while receiving continues in this turn.
TEST_P(LifetimeTest, DetachWhileASendWaitsForTheNextTurnComesOnce) {
  Connection connection = AttachUnix();
  evnet_poller_recv_start(poller(), connection.handle);
  loop().Turn(0);
  char byte[] = "x";
  const iovec piece = {byte, 1};
  const evnet_send send = {{&piece}, 1};
  connection.peer->Send("data");
  loop().OnEvent([&](const Event &event) {
    if (!(event.handle == connection.handle)) return;
    if (event.op == EVNET_OP_SEND && event.result >= 0) {
      evnet_poller_send_start(poller(), connection.handle, &send);
    }
    if (event.op == EVNET_OP_RECV) evnet_poller_detach(poller(), connection.handle);
  });
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  loop().OnEvent(nullptr);
  const size_t events = loop().events().size();
  loop().Turn(0);
  EXPECT_EQ(loop().events().size(), events);  // nor of another generation
  EXPECT_EQ(loop().Story(connection.handle), "SEND=1 RECV:data SEND=-ECANCELED DETACH=0");
  Connection first = AttachUnix();
  Connection second = AttachUnix();
  EXPECT_NE(first.handle.index, second.handle.index);
}

TEST_P(LifetimeTest, DetachFromTheHandlerOfItsOwnDataIsTheLastEvent) {
  evnet_poller_options options = {};
  options.recv_bytes_max = 4;
  Open(options);
  // A full read leaves data to receive; after the other, EOF follows.
  for (const bool full : {false, true}) {
    Connection connection = Connect();
    connection.peer->Send(full ? "12345678" : "123");
    connection.peer->ShutdownWrite();
    loop().OnEvent([&](const Event &event) {
      if (event.handle == connection.handle && event.op == EVNET_OP_RECV) {
        evnet_poller_detach(poller(), connection.handle);
      }
    });
    evnet_poller_recv_start(poller(), connection.handle);
    ASSERT_TRUE(RunUntilDetached(connection.handle));
    Settle();
    EXPECT_EQ(loop().Story(connection.handle), full ? "RECV:1234 DETACH=0" : "RECV:123 DETACH=0");
  }
}

TEST_P(LifetimeTest, DetachInAHandlerSuppressesLaterEventsOfTheBatch) {
  Connection a = Connect();
  Connection b = Connect();
  evnet_poller_recv_start(poller(), a.handle);
  evnet_poller_recv_start(poller(), b.handle);
  loop().Turn(0);
  loop().Clear();
  a.peer->Send("a");
  b.peer->Send("b");
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_RECV) return;
    evnet_poller_detach(poller(), event.handle == a.handle ? b.handle : a.handle);
  });
  ASSERT_TRUE(loop().RunUntil([&] { return loop().events().size() >= 2; }));
  loop().OnEvent(nullptr);
  Settle();
  const std::string both = loop().Story(a.handle) + "," + loop().Story(b.handle);
  EXPECT_TRUE(both == "RECV:a,DETACH=0" || both == "DETACH=0,RECV:b") << both;
}

TEST_P(LifetimeTest, TheSameNumberAttachedAgainInABatchSeesNothingOfTheOld) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
  Connection a = Connect();
  Connection b = Connect();
  Connection fresh = ConnectOnly();
  evnet_poller_recv_start(poller(), a.handle);
  evnet_poller_recv_start(poller(), b.handle);
  loop().Turn(0);
  loop().Clear();
  a.peer->Send("a");
  b.peer->Send("b");
  b.peer->ShutdownWrite();
  a.peer->ShutdownWrite();
  evnet_handle old = {};
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_RECV || old.generation != 0) return;
    const bool first = event.handle == a.handle;
    old = first ? b.handle : a.handle;
    const int number = first ? b.descriptor : a.descriptor;
    evnet_poller_detach(poller(), old);
    // With dup3, because the next free number need not be this one. A backend that closes later
    // still owns the number.
    if (fcntl(number, F_GETFD) != -1) return;
    ASSERT_EQ(dup3(fresh.descriptor, number, O_CLOEXEC), number);
    (void)close(fresh.descriptor);
    fresh.descriptor = number;
    fresh.handle = Attach(number);
    evnet_poller_recv_start(poller(), fresh.handle);
  });
  ASSERT_TRUE(loop().RunUntil([&] { return old.generation != 0; }));
  ASSERT_TRUE(RunUntilDetached(old));
  loop().OnEvent(nullptr);
  if (fresh.handle.generation == 0) {
    fresh.handle = Attach(fresh.descriptor);
    evnet_poller_recv_start(poller(), fresh.handle);
  }
  Settle();
  EXPECT_EQ(loop().Story(old), "DETACH=0");
  EXPECT_EQ(loop().Story(fresh.handle), "");
  fresh.peer->Send("mine");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(fresh.handle) == "mine"; }));
}

TEST_P(LifetimeTest, ADuplicateKeptOpenBringsNoMoreEvents) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  const int duplicate = evnet_poller_duplicate(poller(), connection.handle);
  ASSERT_GE(duplicate, 0);
  evnet_poller_detach(poller(), connection.handle);
  ASSERT_TRUE(RunUntilDetached(connection.handle));
  Settle();
  connection.peer->ShutdownWrite();  // the duplicate's socket sees this
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(30000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 30000000u);  // the wait did not even wake up
  EXPECT_EQ(loop().Story(connection.handle), "DETACH=0");
  (void)close(duplicate);
}

TEST_P(LifetimeTest, HandlesMaxRefusesAndTheDescriptorStaysTheCallers) {
  OpenWithHandles(2);
  int first = -1;
  int second = -1;
  int third = -1;
  const std::unique_ptr<Peer> peers[] = {fixture().UnixPair(&first), fixture().UnixPair(&second)};
  ASSERT_TRUE(peers[0] != nullptr && peers[1] != nullptr);
  const std::unique_ptr<Peer> last = fixture().UnixPair(&third);
  const evnet_handle a = Attach(first, EVNET_TRANSPORT_UNIX);
  const evnet_handle b = Attach(second, EVNET_TRANSPORT_UNIX);
  EXPECT_LT(a.index, 2u);
  EXPECT_LT(b.index, 2u);
  evnet_handle c = {};
  EXPECT_EQ(evnet_poller_attach(poller(), third, EVNET_TRANSPORT_UNIX, &c), -ENOBUFS);
  const size_t descriptors = fixture().OpenDescriptors();
  const evnet_address address = fixture().Loopback();
  EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &c), -ENOBUFS);
  EXPECT_EQ(fixture().OpenDescriptors(), descriptors);

  // The index is in use until DETACH.
  evnet_poller_detach(poller(), a);
  EXPECT_EQ(evnet_poller_attach(poller(), third, EVNET_TRANSPORT_UNIX, &c), -ENOBUFS);
  ASSERT_TRUE(RunUntilDetached(a));
  c = Attach(third, EVNET_TRANSPORT_UNIX);
  EXPECT_EQ(c.index, a.index);
  EXPECT_NE(c.generation, a.generation);
}

TEST_P(LifetimeTest, IndexesAreUsedAgainFirstInFirstOut) {
  constexpr uint32_t kHandles = 4;
  OpenWithHandles(kHandles);
  std::vector<std::unique_ptr<Peer>> peers;
  const auto attach = [&] {
    int descriptor = -1;
    peers.push_back(fixture().UnixPair(&descriptor));
    return Attach(descriptor, EVNET_TRANSPORT_UNIX);
  };
  std::vector<evnet_handle> handles;
  for (uint32_t i = 0; i < kHandles; i++) handles.push_back(attach());
  for (const uint32_t i : {2u, 0u, 3u}) {
    evnet_poller_detach(poller(), handles[i]);
    ASSERT_TRUE(RunUntilDetached(handles[i]));
  }
  for (const uint32_t i : {2u, 0u, 3u}) {
    const evnet_handle again = attach();
    EXPECT_EQ(again.index, handles[i].index);
    EXPECT_NE(again.generation, handles[i].generation);
  }
}

TEST_P(LifetimeTest, ManyDetachedInOneBatchEachCompleteOnce) {
  std::vector<Connection> connections;
  for (int i = 0; i < 50; i++) {
    connections.push_back(AttachUnix());
    evnet_poller_recv_start(poller(), connections.back().handle);
    connections.back().peer->Send("x");
  }
  bool detached = false;
  loop().OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_RECV || detached) return;
    detached = true;
    for (const Connection &connection : connections) {
      evnet_poller_detach(poller(), connection.handle);
    }
  });
  ASSERT_TRUE(loop().RunUntil([&] { return loop().events().size() >= 51; }));
  Settle();
  size_t detaches = 0;
  for (const Connection &connection : connections) {
    EXPECT_EQ(loop().Of(connection.handle).back().op, EVNET_OP_DETACH);
    detaches += loop().Of(connection.handle, EVNET_OP_DETACH).size();
  }
  EXPECT_EQ(detaches, connections.size());
}

TEST_P(LifetimeTest, DestroyClosesWhatIsAttachedAndLeaksNothing) {
  Destroy();
  FailingAllocator allocator;
  const size_t before = fixture().OpenDescriptors();
  evnet_poller_options options = {};
  options.allocator = allocator.get();
  Open(options);
  {
    Connection idle = Connect();
    Connection blocked = Connect();
    Connection detached = Connect();
    evnet_send send;
    iovec piece;
    BlockSend(blocked, &send, &piece);
    Listen();
    evnet_poller_recv_start(poller(), idle.handle);
    evnet_poller_detach(poller(), detached.handle);
    Destroy();
    EXPECT_EQ(idle.peer->ReceiveEnd(), Peer::End::kEnd);
    EXPECT_EQ(blocked.peer->ReceiveEnd(), Peer::End::kEnd);
    EXPECT_EQ(detached.peer->ReceiveEnd(), Peer::End::kEnd);
  }
  EXPECT_EQ(fixture().OpenDescriptors(), before);
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

TEST_P(LifetimeTest, DestroyAcceptsNull) { evnet_poller_destroy(nullptr); }

TEST_P(LifetimeTest, CreateFailsCleanlyAtEveryAllocation) {
  FailingAllocator allocator;
  evnet_poller_options options = {};
  options.allocator = allocator.get();
  const size_t before = fixture().OpenDescriptors();
  for (const bool forever : {false, true}) {
    size_t failures = 0;
    for (;; failures++) {
      allocator.fail_at(failures + 1, forever);
      evnet_poller *made = nullptr;
      const int status = GetParam().create(&options, &made);
      allocator.fail_at(0, false);
      if (status == 0) {
        evnet_poller_destroy(made);
        break;
      }
      EXPECT_EQ(status, -ENOMEM);
      EXPECT_EQ(made, nullptr);
      EXPECT_EQ(allocator.live_blocks(), 0u);
      EXPECT_EQ(fixture().OpenDescriptors(), before);
    }
    EXPECT_GT(failures, 0u);
    EXPECT_EQ(allocator.live_blocks(), 0u);
    EXPECT_EQ(fixture().OpenDescriptors(), before);
  }
}

TEST_P(LifetimeTest, AnotherSystemsBackendIsRefused) {
  int refused = 0;
  for (const evnet_backend backend : {EVNET_BACKEND_EPOLL, EVNET_BACKEND_KQUEUE}) {
    evnet_poller_options options = {};
    options.backend = backend;
    evnet_poller *made = nullptr;
    const int status = evnet_poller_create(&options, &made);
    if (status == 0) {
      evnet_poller_destroy(made);
      continue;
    }
    EXPECT_EQ(status, -ENOSYS);
    EXPECT_EQ(made, nullptr);
    refused++;
  }
  EXPECT_EQ(refused, 1);
}

TEST_P(LifetimeTest, MoreHandlesThanAnIndexHoldsAreRefused) {
  evnet_poller_options options = {};
  options.handles_max = (1 << 24) + 1;
  evnet_poller *made = nullptr;
  EXPECT_EQ(GetParam().create(&options, &made), -EINVAL);
}

INSTANTIATE_TEST_SUITE_P(Backends, LifetimeTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
