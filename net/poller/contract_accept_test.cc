// The poller's contract: listening and accepting.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class AcceptTest : public ContractTest {
 protected:
  // Connects clients, which are then queued at the listener.
  std::vector<std::unique_ptr<Peer>> ConnectMany(evnet_handle listener, size_t count) {
    std::vector<std::unique_ptr<Peer>> clients;
    const evnet_address address = AddressOf(listener);
    while (clients.size() < count) clients.push_back(fixture().Connect(address, {}));
    return clients;
  }

  size_t Accepted(evnet_handle listener) { return loop().Of(listener, EVNET_OP_ACCEPT).size(); }

  void DiscardAccepted() {
    for (const Event &event : loop().events()) {
      if (event.op == EVNET_OP_ACCEPT && event.result >= 0) {
        evnet_poller_discard_descriptor(poller(), static_cast<int>(event.result));
      }
    }
  }
};

TEST_P(AcceptTest, TheNameIsTheBackends) {
  EXPECT_STREQ(evnet_poller_name(poller()), GetParam().name);
}

TEST_P(AcceptTest, DeliversAConnectionWithThePeersAddress) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  if (GetParam().is_tcp()) {
    EXPECT_NE(evnet_address_port(&address), 0);
  }
  evnet_poller_accept_start(poller(), listener);
  std::unique_ptr<Peer> client = fixture().Connect(address, {});
  ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
  const Event event = loop().Of(listener).front();
  ASSERT_GE(event.result, 0);
  EXPECT_TRUE(event.more);
  const evnet_address expected = client->LocalAddress();
  ASSERT_EQ(event.peer.size, expected.size);
  EXPECT_EQ(memcmp(&event.peer.socket, &expected.socket, expected.size), 0);
  EXPECT_EQ(event.peer.transport, GetParam().transport);
  DiscardAccepted();
}

TEST_P(AcceptTest, DescriptorsAreNonBlockingAndCloseOnExec) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
  const Connection connection = ConnectOnly();
  EXPECT_TRUE(fcntl(connection.descriptor, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(connection.descriptor, F_GETFD) & FD_CLOEXEC);
  evnet_poller_discard_descriptor(poller(), connection.descriptor);
}

TEST_P(AcceptTest, NothingIsAcceptedBeforeStart) {
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 1);
  Settle();
  EXPECT_EQ(Accepted(listener), 0u);
  evnet_poller_accept_start(poller(), listener);
  EXPECT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
  DiscardAccepted();
}

TEST_P(AcceptTest, StopInTheMiddleOfABatchHoldsAndStartTakesUpWhatWaits) {
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 3);
  loop().OnEvent([&](const Event &event) {
    if (event.handle == listener) evnet_poller_accept_stop(poller(), listener);
  });
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) >= 1; }));
  Settle();
  EXPECT_EQ(Accepted(listener), 1u);
  loop().OnEvent(nullptr);
  evnet_poller_accept_start(poller(), listener);  // no client connects, so there is no new edge
  EXPECT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 3; }));
  DiscardAccepted();
}

TEST_P(AcceptTest, StopAndStartInOneHandlerGoesOn) {
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 3);
  loop().OnEvent([&](const Event &event) {
    if (!(event.handle == listener)) return;
    evnet_poller_accept_stop(poller(), listener);
    evnet_poller_accept_start(poller(), listener);
  });
  evnet_poller_accept_start(poller(), listener);
  EXPECT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 3; }));
  DiscardAccepted();
}

// A connection leaves the backlog only by evnet_poller_accept, so the caller gets each descriptor.
TEST_P(AcceptTest, NoneLeavesTheBacklogButByAccept) {
  constexpr size_t kClients = 100;
  constexpr size_t kPlaces = 5;
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, kClients);
  loop().Turn(0);  // opens descriptors that the poller needs for itself
  const size_t before = GetParam().real_descriptors ? fixture().OpenDescriptors() : 0;
  loop().OnEvent([&](const Event &event) {
    if (event.handle == listener && Accepted(listener) == kPlaces)
      evnet_poller_accept_stop(poller(), listener);
  });
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == kPlaces; }));
  for (int i = 0; i < 5; i++) loop().Turn(1000000);
  EXPECT_EQ(Accepted(listener), kPlaces);
  if (GetParam().real_descriptors) {
    EXPECT_EQ(fixture().OpenDescriptors(), before + kPlaces);
  }
  DiscardAccepted();
}

// The caller decides whether there is a place for a connection. If it does not accept the
// connection, the connection stays queued.
TEST_P(AcceptTest, WhoTakesNoneIsAskedAgainWhenItStartsAgain) {
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 1);
  evnet_poller_accept_start(poller(), listener);
  bool asked = false;
  for (int i = 0; i < 1000 && !asked; i++) {
    ASSERT_GE(evnet_poller_wait(poller(), 5000000), 0);
    evnet_completion completion;
    while (evnet_poller_next(poller(), &completion)) {
      EXPECT_EQ(completion.op, EVNET_OP_ACCEPT);
      EXPECT_EQ(completion.result, 0);
      asked = true;
      evnet_poller_accept_stop(poller(), listener);
    }
  }
  ASSERT_TRUE(asked);
  evnet_address peer;
  EXPECT_EQ(evnet_poller_accept(poller(), listener, &peer), -EAGAIN) << "it is stopped";
  loop().Turn(0);
  EXPECT_EQ(Accepted(listener), 0u);
  evnet_poller_accept_start(poller(), listener);
  EXPECT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
  DiscardAccepted();
}

TEST_P(AcceptTest, AConnectionThatWasResetWhileItWaitedIsAcceptedWithItsAddress) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "Unix sockets have no reset";
  const evnet_handle listener = Listen();
  auto clients = ConnectMany(listener, 1);
  const evnet_address expected = clients[0]->LocalAddress();
  clients[0]->Reset();
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
  const Event event = loop().Of(listener).front();
  ASSERT_GE(event.result, 0);
  ASSERT_EQ(event.peer.size, expected.size);
  EXPECT_EQ(memcmp(&event.peer.socket, &expected.socket, expected.size), 0);
  const evnet_handle handle = Attach(static_cast<int>(event.result));
  evnet_poller_recv_start(poller(), handle);
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle).empty(); }));
  EXPECT_EQ(loop().Story(handle), "RECV=-ECONNRESET");
}

TEST_P(AcceptTest, ABurstIsAcceptedInBoundedTurnsWhileOthersAreServed) {
  constexpr size_t kClients = 300;
  Connection served = Connect();
  loop().Clear();
  evnet_poller_recv_start(poller(), served.handle);
  const evnet_handle listener = Listen();
  evnet_poller_accept_start(poller(), listener);
  const auto clients = ConnectMany(listener, kClients);
  served.peer->Send("x");
  ASSERT_TRUE(loop().RunUntil(
      [&] { return Accepted(listener) == kClients && loop().Data(served.handle) == "x"; }));
  const std::vector<Event> accepts = loop().Of(listener, EVNET_OP_ACCEPT);
  for (const Event &event : accepts) EXPECT_GE(event.result, 0);
  EXPECT_LT(loop().Of(served.handle).front().turn, accepts.back().turn);
  DiscardAccepted();
}

TEST_P(AcceptTest, AFloodAtOneListenerDoesNotStarveAnother) {
  constexpr size_t kClients = 600;
  const evnet_handle flooded = Listen();
  const evnet_handle other = Listen();
  const auto clients = ConnectMany(flooded, kClients);
  const auto lone = ConnectMany(other, 1);
  evnet_poller_accept_start(poller(), flooded);
  evnet_poller_accept_start(poller(), other);
  ASSERT_TRUE(
      loop().RunUntil([&] { return Accepted(flooded) == kClients && Accepted(other) == 1; }));
  // At most two turns after the first, however many turns the flood needs.
  EXPECT_LE(loop().Of(other).front().turn, loop().Of(flooded).front().turn + 2);
  EXPECT_LT(loop().Of(other).front().turn, loop().Of(flooded).back().turn);
  DiscardAccepted();
}

// Lowers RLIMIT_NOFILE so that no descriptor can be opened; a guard restores it.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &saved_), 0);
    const int lowest_free = dup(0);
    EXPECT_GE(lowest_free, 0);
    (void)close(lowest_free);
    rlimit none = saved_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &saved_), 0); }

 private:
  rlimit saved_;
};

TEST_P(AcceptTest, OutOfDescriptorsIsToldOnceAndDoesNotSpinAndPasses) {
  if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
  Connection served = Connect();
  evnet_poller_recv_start(poller(), served.handle);
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 2);
  loop().Turn(0);  // the registration's edge, before anything is armed
  loop().Clear();
  {
    const NoDescriptors none;
    evnet_poller_accept_start(poller(), listener);
    ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
    EXPECT_EQ(loop().Story(listener), "ACCEPT=-EMFILE");
    EXPECT_FALSE(loop().Of(listener).front().more);

    const uint64_t before = evnet_poller_now_ns(poller());
    loop().Turn(30000000);
    EXPECT_GE(evnet_poller_now_ns(poller()) - before, 30000000u);
    EXPECT_EQ(Accepted(listener), 1u);

    served.peer->Send("x");
    EXPECT_TRUE(loop().RunUntil([&] { return loop().Data(served.handle) == "x"; }));

    // A failed attempt is reported again.
    evnet_poller_accept_start(poller(), listener);
    ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 2; }));
    EXPECT_EQ(loop().Of(listener).back().result, -EMFILE);

    // One freed descriptor allows one connection; then the attempt fails as before.
    evnet_poller_detach(poller(), served.handle);
    ASSERT_TRUE(
        loop().RunUntil([&] { return !loop().Of(served.handle, EVNET_OP_DETACH).empty(); }));
    evnet_poller_accept_start(poller(), listener);
    ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 4; }));
    EXPECT_GE(loop().Of(listener)[2].result, 0);
    EXPECT_EQ(loop().Of(listener)[3].result, -EMFILE);
  }
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 5; }));
  EXPECT_GE(loop().Of(listener).back().result, 0);
  DiscardAccepted();
}

TEST_P(AcceptTest, ADiscardedConnectionSeesAResetOrOnUnixAnEnd) {
  const Connection connection = ConnectOnly();
  evnet_poller_discard_descriptor(poller(), connection.descriptor);
  EXPECT_EQ(connection.peer->ReceiveEnd(),
            GetParam().is_tcp() ? Peer::End::kReset : Peer::End::kEnd);
}

TEST_P(AcceptTest, NothingIsAcceptedAfterDetach) {
  const evnet_handle listener = Listen();
  const auto clients = ConnectMany(listener, 2);
  evnet_poller_accept_start(poller(), listener);
  loop().OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_ACCEPT && event.handle == listener) {
      evnet_poller_detach(poller(), listener);
    }
  });
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(listener, EVNET_OP_DETACH).empty(); }));
  Settle();
  const std::vector<Event> events = loop().Of(listener);
  EXPECT_EQ(events.back().op, EVNET_OP_DETACH);
  EXPECT_EQ(Accepted(listener), 1u);
  DiscardAccepted();
}

TEST_P(AcceptTest, AnAddressInUseIsRefused) {
  const evnet_address address = AddressOf(Listen());
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &second), -EADDRINUSE);
}

TEST_P(AcceptTest, AnAddressThatIsNotOursIsRefused) {
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("tcp://192.0.2.1:0", &address, nullptr, 0), 0);  // RFC 5737
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), -EADDRNOTAVAIL);
}

TEST_P(AcceptTest, AWildcardOfBothFamiliesTakesIp4) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "a Unix path has no family";
  evnet_address address = {};
  ASSERT_EQ(evnet_address_parse("tcp://:0", &address, nullptr, 0), 0);
  evnet_handle listener = {};
  ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &listener), 0);
  const evnet_address bound = AddressOf(listener);
  if (bound.socket.any.sa_family == AF_INET6) {
    EXPECT_TRUE(bound.dual_stack);
  }
  evnet_address target = fixture().Loopback();
  target.socket.ip4.sin_port = htons(evnet_address_port(&bound));
  std::unique_ptr<Peer> client = fixture().Connect(target, {});
  evnet_poller_accept_start(poller(), listener);
  EXPECT_TRUE(loop().RunUntil([&] { return Accepted(listener) == 1; }));
  DiscardAccepted();
}

INSTANTIATE_TEST_SUITE_P(Backends, AcceptTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
