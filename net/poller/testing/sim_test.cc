// The simulated kernel's connections: they follow TCP and the poller's contract.
#include <errno.h>

#include <string>
#include <vector>

#include "net/poller/testing/sim_fixture.h"

namespace evnet_testing {
namespace {

// Connecting

TEST_F(Sim, WithoutAListenerOrWithAFullQueueAConnectionIsRefused) {
  listen_options.backlog = 2;
  Start();
  evnet_sim_socket *client;
  EXPECT_EQ(evnet_sim_connect(sim, 1, 1, &client), -ECONNREFUSED);
  evnet_poller_accept_stop(poller, listener);
  EXPECT_EQ(TryConnect(&client), 0);
  EXPECT_EQ(TryConnect(&client), 0);
  EXPECT_EQ(TryConnect(&client), -ECONNREFUSED);
}

TEST_F(Sim, AListenerThatClosesResetsItsQueue) {
  Start();
  evnet_poller_accept_stop(poller, listener);
  Pair pair = {};
  ASSERT_EQ(TryConnect(&pair.client), 0);
  evnet_poller_detach(poller, listener);
  Settle();
  EXPECT_EQ(Read(pair), " ECONNRESET");
  EXPECT_EQ(loop->Story(listener), "DETACH=0");
}

TEST_F(Sim, APortIsSharedWithReusePortAloneAndTheSeedSpreadsWhatComes) {
  listen_options.reuse_port = true;
  std::string picks[2];
  for (std::string &pick : picks) {
    options.seed = 7;
    Start();
    evnet_handle second = {}, refused = {};
    const evnet_listen_options alone = {};
    EXPECT_EQ(evnet_poller_listen(poller, &address, &alone, &refused), -EADDRINUSE);
    ASSERT_EQ(evnet_poller_listen(poller, &address, &listen_options, &second), 0);
    EXPECT_TRUE(evnet_poller_spreads_port(poller));
    evnet_address udp = address;
    udp.transport = EVNET_TRANSPORT_UDP;
    EXPECT_EQ(evnet_poller_listen(poller, &udp, &listen_options, &refused), -EOPNOTSUPP);
    evnet_poller_accept_start(poller, second);
    for (int i = 0; i < 40; i++) {
      evnet_sim_socket *client;
      ASSERT_EQ(TryConnect(&client), 0);
      loop->Clear();
      Settle();
      ASSERT_EQ(loop->events().size(), 1u);
      pick += loop->events()[0].handle == second ? '2' : '1';
    }
    EXPECT_NE(pick.find('1'), std::string::npos);
    EXPECT_NE(pick.find('2'), std::string::npos);
    // After one listener closes, the other gets all connections.
    evnet_poller_detach(poller, listener);
    for (int i = 0; i < 5; i++) {
      evnet_sim_socket *client;
      ASSERT_EQ(TryConnect(&client), 0);
    }
    loop->Clear();
    Settle();
    EXPECT_EQ(loop->Of(second, EVNET_OP_ACCEPT).size(), 5u);
    EXPECT_EQ(Failure(), "");
    evnet_poller_destroy(poller);
    poller = nullptr;
    evnet_sim_destroy(sim);
    sim = nullptr;
  }
  EXPECT_EQ(picks[0], picks[1]);
}

TEST_F(Sim, AcceptWithoutADescriptorHasToBeStartedAgain) {
  options.faults.accept_failure = 500;
  Start();
  evnet_sim_socket *client;
  ASSERT_EQ(TryConnect(&client), 0);
  int failures = 0;
  for (int i = 0; i < 100 && loop->Of(listener).empty(); i++) {
    Settle();
    ASSERT_EQ(loop->Of(listener).size(), 1u);
    const Event event = loop->Of(listener)[0];
    if (event.result > 0) break;
    EXPECT_EQ(event.result, -EMFILE);
    EXPECT_FALSE(event.more);
    loop->Clear();
    Settle();
    EXPECT_EQ(loop->Story(listener), "") << "accepting is no longer armed";
    evnet_poller_accept_start(poller, listener);
    // Stops after 20 failures in a row, which fails the test.
    if (++failures == 20) break;
  }
  EXPECT_LT(failures, 20);
}

TEST_F(Sim, AttachFailsForWantOfMemoryAndTheDescriptorStaysTheCallers) {
  options.faults.attach_failure = 1000;
  Start();
  Pair pair = {};
  ASSERT_EQ(TryConnect(&pair.client), 0);
  Settle();
  const int descriptor = static_cast<int>(loop->Of(listener)[0].result);
  evnet_handle handle;
  EXPECT_EQ(evnet_poller_attach(poller, descriptor, EVNET_TRANSPORT_TCP, &handle), -ENOMEM);
  evnet_poller_discard_descriptor(poller, descriptor);
  Settle();
  EXPECT_EQ(Read(pair), " ECONNRESET");
}

// Bytes

TEST_F(Sim, BytesAndThenTheEndArriveBothWays) {
  Start();
  Pair pair = Connect();
  EXPECT_EQ(Write(pair, "hello"), 5);
  evnet_sim_shutdown_write(pair.client);
  EXPECT_EQ(Send(pair, "good"), 4);
  EXPECT_EQ(Send(pair, "bye"), 3);
  EXPECT_EQ(evnet_poller_shutdown_write(poller, pair.handle), 0);
  EXPECT_EQ(Read(pair), " EAGAIN") << "nothing arrives before its time";
  evnet_poller_recv_start(poller, pair.handle);
  Settle();
  EXPECT_EQ(Story(pair), "RECV:hello RECV=0 HANGUP=0");
  EXPECT_EQ(Read(pair), "goodbye END");
}

TEST_F(Sim, DelaysKeepTheOrderOfAConnectionButNotBetweenConnections) {
  options.delay_ns_max = 20 * kMs;
  options.seed = 7;
  Start();
  Pair a = Connect();
  Pair b = Connect();
  evnet_poller_recv_start(poller, a.handle);
  evnet_poller_recv_start(poller, b.handle);
  std::string sent;
  for (char c = 'a'; c <= 'z'; c++) {
    sent += c;
    ASSERT_EQ(Write(a, std::string(1, c)), 1);
    ASSERT_EQ(Write(b, std::string(1, c)), 1);
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
    loop->Turn(0);
  }
  Settle();
  EXPECT_EQ(loop->Data(a.handle), sent);
  EXPECT_EQ(loop->Data(b.handle), sent);
  bool a_ahead = false;
  bool b_ahead = false;
  size_t a_bytes = 0;
  size_t b_bytes = 0;
  for (const Event &event : loop->events()) {
    (event.handle == a.handle ? a_bytes : b_bytes) += event.data.size();
    a_ahead = a_ahead || a_bytes > b_bytes;
    b_ahead = b_ahead || b_bytes > a_bytes;
  }
  EXPECT_TRUE(a_ahead && b_ahead);
}

TEST_F(Sim, AFullBufferTakesAPartThenNothingThenASendGoesOn) {
  options.buffer_bytes_min = options.buffer_bytes_max = 8;
  Start();
  Pair pair = Connect();
  EXPECT_EQ(Send(pair, "0123456789"), 8);
  EXPECT_EQ(Send(pair, "89"), 0);
  Settle();
  EXPECT_EQ(Send(pair, "89abcdefgh"), 8) << "the first 8 have arrived";
  char rest[] = "gh";
  iovec piece = {};
  piece.iov_base = rest;
  piece.iov_len = 2;
  evnet_send send = {};
  send.pieces = &piece;
  send.count = 1;
  evnet_poller_send_start(poller, pair.handle, &send);
  Settle();
  EXPECT_EQ(Story(pair), "") << "the client has not read";
  EXPECT_EQ(Read(pair), "0123456789abcdef EAGAIN");
  Settle();
  EXPECT_EQ(Story(pair), "SEND=2");
  EXPECT_EQ(Read(pair), "gh EAGAIN");
  EXPECT_EQ(Write(pair, "0123456789"), 8);
  EXPECT_EQ(Write(pair, "x"), -EAGAIN);
}

TEST_F(Sim, ShortCallsLoseNothing) {
  options.faults.short_recv = options.faults.short_send = 700;
  options.faults.refused_send = 300;
  Start();
  Pair pair = Connect();
  evnet_poller_recv_start(poller, pair.handle);
  const std::string data(500, 'x');
  size_t sent = 0;
  bool was_short = false;
  bool was_refused = false;
  for (int i = 0; i < 1000 && sent < data.size(); i++) {
    const std::string next = data.substr(sent, 20);
    const int64_t part = Write(pair, next);
    was_refused = was_refused || part == -EAGAIN;
    if (part < 0) continue;
    was_short = was_short || static_cast<size_t>(part) < next.size();
    sent += static_cast<size_t>(part);
  }
  Settle();
  EXPECT_TRUE(was_short && was_refused);
  EXPECT_EQ(loop->Data(pair.handle), data);
  EXPECT_GT(loop->Of(pair.handle, EVNET_OP_RECV).size(), 1u);
}

TEST_F(Sim, LateBytesAreStillReportedAfterRecvStop) {
  options.faults.late_recv = 1000;
  Start();
  Pair pair = Connect();
  evnet_poller_recv_start(poller, pair.handle);
  ASSERT_EQ(Write(pair, "late"), 4);
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  evnet_poller_recv_stop(poller, pair.handle);
  ASSERT_EQ(Write(pair, "later"), 5);
  Settle();
  EXPECT_NE(loop->Data(pair.handle), "");
  EXPECT_EQ(std::string("late").find(loop->Data(pair.handle)), 0u);
  EXPECT_FALSE(loop->events()[0].more);
  evnet_poller_recv_start(poller, pair.handle);
  Settle();
  EXPECT_EQ(loop->Data(pair.handle), "latelater");
}

// Ends

TEST_F(Sim, AResetDestroysWhatWasNotReadOrNot) {
  for (const uint32_t keeps : {0, 1000}) {
    options.faults.reset_keeps_data = keeps;
    Start();
    Pair pair = Connect();
    ASSERT_EQ(Write(pair, "unread"), 6);
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
    evnet_sim_reset(pair.client);
    evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
    evnet_poller_recv_start(poller, pair.handle);
    Settle();
    const std::string reset = "RECV=-ECONNRESET";
    EXPECT_EQ(Story(pair), keeps ? "RECV:unread " + reset : reset);
    EXPECT_EQ(Send(pair, "x"), -EPIPE) << "the error was reported once";
    EXPECT_EQ(evnet_poller_shutdown_write(poller, pair.handle), -ENOTCONN);
    evnet_poller_destroy(poller);
    evnet_sim_destroy(sim);
    poller = nullptr;
    sim = nullptr;
  }
}

TEST_F(Sim, CloseWithUnreadBytesIsAReset) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(Write(pair, "unread"), 6);
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  evnet_poller_detach(poller, pair.handle);
  Settle();
  EXPECT_EQ(Read(pair), " ECONNRESET");
}

TEST_F(Sim, BytesForAClosedSocketAreAnsweredByAReset) {
  Start();
  Pair pair = Connect();
  EXPECT_EQ(Send(pair, "last words"), 10);
  evnet_poller_detach(poller, pair.handle);
  Settle();
  EXPECT_EQ(Write(pair, "too late"), 8);
  Settle();
  const std::string read = Read(pair);
  EXPECT_EQ(read, " EPIPE") << "EOF had arrived, and the reset dropped the rest";
}

TEST_F(Sim, AnAbortIsAReset) {
  Start();
  Pair pair = Connect();
  evnet_poller_abort(poller, pair.handle);
  Settle();
  EXPECT_EQ(Read(pair), " ECONNRESET");
  EXPECT_EQ(Story(pair), "DETACH=0");
}

TEST_F(Sim, AStoppedRecvHearsOfAResetButNotOfAMereEnd) {
  Start();
  Pair ends = Connect();
  Pair resets = Connect();
  ASSERT_EQ(Write(ends, "bytes in front"), 14);
  evnet_sim_shutdown_write(ends.client);
  evnet_sim_reset(resets.client);
  Settle();
  EXPECT_EQ(Story(ends), "");
  EXPECT_EQ(Story(resets), "HANGUP=-ECONNRESET");
  evnet_poller_recv_start(poller, ends.handle);
  Settle();
  EXPECT_EQ(Story(ends), "RECV:bytes in front RECV=0");
}

TEST_F(Sim, BothEndsTellAStoppedRecvWhenNothingIsLeftToRead) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(Write(pair, "x"), 1);
  evnet_sim_shutdown_write(pair.client);
  ASSERT_EQ(evnet_poller_shutdown_write(poller, pair.handle), 0);
  Settle();
  EXPECT_EQ(Story(pair), "") << "a byte precedes it";
  evnet_poller_recv_start(poller, pair.handle);
  Settle();
  EXPECT_EQ(Story(pair), "RECV:x RECV=0 HANGUP=0");
}

TEST_F(Sim, TheNetworkMayResetBothEnds) {
  options.faults.network_reset = 1000;
  Start();
  Pair pair = Connect();
  ASSERT_EQ(Write(pair, "x"), 1);
  Settle();
  EXPECT_EQ(Story(pair), "HANGUP=-ECONNRESET");
  EXPECT_EQ(Read(pair), " ECONNRESET");
}

}  // namespace
}  // namespace evnet_testing
