// The simulated kernel's handles and clock, the replay of a seed, and the detection of contract
// violations.
#include <errno.h>

#include <string>
#include <vector>

#include "net/poller/testing/sim_fixture.h"

namespace evnet_testing {
namespace {

// Handles and descriptors

// The bytes of a send that a test starts.
struct Rest {
  Rest() {
    piece.iov_base = bytes;
    piece.iov_len = 4;
    send.pieces = &piece;
    send.count = 1;
  }
  Rest(const Rest &) = delete;

  char bytes[5] = "rest";
  iovec piece = {};
  evnet_send send = {};
};

TEST_F(Sim, AnIndexIsUsedAgainOnlyAfterItsDetachAndThenIsAnother) {
  options.faults.late_close = 500;
  Start();
  Pair first = Connect();
  evnet_poller_detach(poller, first.handle);
  Pair second = Connect();  // its turns report the DETACH, too
  EXPECT_EQ(second.handle.index, first.handle.index);
  EXPECT_NE(second.handle.generation, first.handle.generation);
}

TEST_F(Sim, TheLowestFreeDescriptorIsUsedAtOnce) {
  Start();
  Pair first = Connect();
  Pair second = Connect();
  EXPECT_EQ(second.descriptor, first.descriptor + 1);
  evnet_poller_detach(poller, first.handle);
  Pair third = Connect();
  EXPECT_EQ(third.descriptor, first.descriptor);
}

TEST_F(Sim, KnowsNoUnixSockets) {
  Start();
  evnet_address path = {};
  ASSERT_EQ(evnet_address_parse("unix:///tmp/socket", &path, nullptr, 0), 0);
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_listen(poller, &path, nullptr, &handle), -EOPNOTSUPP);
  const Pair pair = Connect();
  evnet_credentials credentials = {};
  EXPECT_EQ(evnet_poller_peer_credentials(poller, pair.handle, &credentials), -EOPNOTSUPP);
}

TEST_F(Sim, KnowsNothingOfRoundTripsAndWindows) {
  Start();
  const Pair pair = Connect();
  evnet_tcp_info info = {};
  EXPECT_EQ(evnet_poller_tcp_info(poller, pair.handle, &info), -EOPNOTSUPP);
}

TEST_F(Sim, TellsThePeersAddressUntilTheConnectionIsDead) {
  Start();
  const Pair pair = Connect();
  evnet_address peer = {};
  ASSERT_EQ(evnet_poller_remote_address(poller, pair.handle, &peer), 0);
  EXPECT_EQ(evnet_address_port(&peer), evnet_sim_port(pair.client));
  EXPECT_EQ(evnet_poller_remote_address(poller, listener, &peer), -ENOTCONN);
  evnet_sim_reset(pair.client);
  Settle();
  EXPECT_EQ(evnet_poller_remote_address(poller, pair.handle, &peer), -ENOTCONN);
}

TEST_F(Sim, ASendUnderWayCompletesBeforeDetachWhichIsLast) {
  options.buffer_bytes_min = options.buffer_bytes_max = 4;
  Start();
  Pair pair = Connect();
  ASSERT_EQ(Send(pair, "fill"), 4);
  Rest rest;
  evnet_poller_send_start(poller, pair.handle, &rest.send);
  evnet_poller_detach(poller, pair.handle);
  Settle();
  EXPECT_EQ(Story(pair), "SEND=-ECANCELED DETACH=0");
}

TEST_F(Sim, OptionsAreRememberedAndThereIsNeitherDescriptorNorGroup) {
  Start();
  Pair pair = Connect();
  for (int option = 0; option < EVNET_SOCKET_OPTIONS; option++) {
    const auto which = static_cast<evnet_socket_option>(option);
    EXPECT_EQ(evnet_sim_option(pair.client, option), 0);
    EXPECT_EQ(evnet_poller_set_option(poller, pair.handle, which, option + 10), 0);
    EXPECT_EQ(evnet_poller_set_option(poller, listener, which, 1), 0);
    EXPECT_EQ(evnet_poller_set_option(poller, pair.handle, which, -1), -EINVAL);
    EXPECT_EQ(evnet_sim_option(pair.client, option), option + 10);
  }
  const auto none = static_cast<evnet_socket_option>(EVNET_SOCKET_OPTIONS);
  EXPECT_EQ(evnet_poller_set_option(poller, pair.handle, none, 1), -EOPNOTSUPP);
  EXPECT_EQ(evnet_poller_descriptor(poller, pair.handle), -EOPNOTSUPP);
  const evnet_multicast hops = {EVNET_MULTICAST_HOPS, nullptr, nullptr, nullptr, 1};
  EXPECT_EQ(evnet_poller_set_multicast(poller, pair.handle, &hops), -EOPNOTSUPP);
}

// Time

TEST_F(Sim, AWaitNotesWhenItWantsToGoOn) {
  Start();
  loop->Turn(5 * static_cast<int64_t>(kMs));
  EXPECT_FALSE(evnet_sim_is_runnable(sim, 0));
  const uint64_t next = evnet_sim_next_ns(sim);
  EXPECT_GE(next, evnet_sim_now_ns(sim) + 5 * kMs);
  EXPECT_LE(next, evnet_sim_now_ns(sim) + 6 * kMs) << "rounded up by 1 ms at most";
  evnet_sim_advance(sim, next);
  EXPECT_TRUE(evnet_sim_is_runnable(sim, 0));
  EXPECT_EQ(evnet_poller_now_ns(poller), next);
  loop->Turn(-1);
  EXPECT_FALSE(evnet_sim_is_runnable(sim, 0));
  EXPECT_EQ(evnet_sim_next_ns(sim), UINT64_MAX);
  evnet_poller_wake(poller);
  EXPECT_TRUE(evnet_sim_is_runnable(sim, 0));
  loop->Turn(-1);
  EXPECT_TRUE(evnet_sim_is_runnable(sim, 0)) << "that wait ended immediately";
  loop->Turn(-1);
  EXPECT_FALSE(evnet_sim_is_runnable(sim, 0)) << "a wake is used up";
}

// One run that uses every random choice.
uint64_t HashOf(uint64_t seed) {
  evnet_sim_options options = {};
  options.seed = seed;
  options.delay_ns_max = 10 * kMs;
  options.buffer_bytes_min = 1;
  options.buffer_bytes_max = 100;
  options.faults.short_recv = options.faults.short_send = options.faults.deferred = 300;
  evnet_sim *sim = evnet_sim_create(&options);
  evnet_poller_options poller_options = {};
  poller_options.kernel = evnet_sim_kernel(sim);
  evnet_poller *poller;
  EXPECT_EQ(evnet_poller_create(&poller_options, &poller), 0);
  evnet_address address;
  EXPECT_EQ(evnet_address_parse("tcp4://127.0.0.1:80", &address, nullptr, 0), 0);
  evnet_handle listener;
  EXPECT_EQ(evnet_poller_listen(poller, &address, nullptr, &listener), 0);
  evnet_poller_accept_start(poller, listener);
  Loop loop(poller);
  loop.OnEvent([&](const Event &event) {
    if (event.op != EVNET_OP_ACCEPT) return;
    evnet_handle handle;
    EXPECT_EQ(
        evnet_poller_attach(poller, static_cast<int>(event.result), EVNET_TRANSPORT_TCP, &handle),
        0);
    evnet_poller_recv_start(poller, handle);
  });
  std::vector<evnet_sim_socket *> clients(5);
  for (evnet_sim_socket *&client : clients) EXPECT_EQ(evnet_sim_connect(sim, 80, 1, &client), 0);
  for (int i = 0; i < 200; i++) {
    (void)evnet_sim_write(clients[evnet_sim_below(sim, 5)], "abcdefgh", 8);
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
    loop.Turn(0);
  }
  EXPECT_EQ(evnet_sim_failure(sim), nullptr);
  const uint64_t hash = evnet_sim_trace_hash(sim);
  evnet_poller_destroy(poller);
  evnet_sim_destroy(sim);
  return hash;
}

TEST(SimReplay, ASeedReplaysExactlyAndAnotherIsAnother) {
  EXPECT_EQ(HashOf(1), HashOf(1));
  EXPECT_NE(HashOf(1), HashOf(2));
}

// Violations of the contract

TEST_F(Sim, AStaleHandleIsNoticed) {
  Start();
  Pair first = Connect();
  evnet_poller_detach(poller, first.handle);
  Connect();
  evnet_poller_recv_start(poller, first.handle);
  expected_failure =
      "poller 0: recv_start on a handle (1, generation 1) that is stale: its "
      "generation is another's";
}

TEST_F(Sim, ASecondDetachIsNoticed) {
  Start();
  Pair pair = Connect();
  evnet_poller_detach(poller, pair.handle);
  evnet_poller_abort(poller, pair.handle);
  expected_failure = "poller 0: abort on a handle (1, generation 1) that was detached";
}

TEST_F(Sim, ASendBehindTheEndIsNoticed) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(evnet_poller_shutdown_write(poller, pair.handle), 0);
  EXPECT_EQ(Send(pair, "x"), -EPIPE);
  expected_failure = "send after shutdown_write";
}

TEST_F(Sim, BytesThatChangeBeforeTheirSendAreNoticed) {
  options.buffer_bytes_min = options.buffer_bytes_max = 4;
  Start();
  Pair pair = Connect();
  ASSERT_EQ(Send(pair, "fill"), 4);
  Rest rest;
  evnet_poller_send_start(poller, pair.handle, &rest.send);
  rest.bytes[0] = 'b';
  Settle();
  expected_failure = "the bytes of a send_start changed before its SEND";
}

TEST_F(Sim, AWaitBeforeNextHasReturnedFalseIsNoticed) {
  Start();
  evnet_sim_socket *client;
  ASSERT_EQ(TryConnect(&client), 0);
  ASSERT_EQ(evnet_poller_wait(poller, 0), 0);
  ASSERT_EQ(evnet_poller_wait(poller, 0), 0);
  expected_failure = "wait before next has returned false";
}

}  // namespace
}  // namespace evnet_testing
