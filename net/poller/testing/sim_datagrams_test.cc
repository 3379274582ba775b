// The simulated kernel's UDP sockets. The tests mirror those of real sockets
// (contract_datagram_test.cc).
#include <errno.h>

#include <algorithm>
#include <string>
#include <vector>

#include "net/poller/testing/sim_datagrams_fixture.h"

namespace evnet_testing {
namespace {

TEST_F(SimDatagrams, EachIsToldByItselfWithItsSender) {
  const evnet_handle handle = Bind();
  const evnet_address to = AddressOf(handle);
  EXPECT_EQ(to.transport, EVNET_TRANSPORT_UDP);
  evnet_poller_recv_start(poller, handle);
  evnet_sim_udp *const sender = Client(1);
  evnet_sim_udp *const other = Client(2);
  Send(sender, to, "one");
  Send(sender, to, "");
  Send(other, to, "three");
  Settle();
  const std::vector<Event> events = Datagrams(handle);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].data, "one");
  EXPECT_EQ(events[1].result, 0);
  EXPECT_EQ(events[2].data, "three");
  EXPECT_EQ(Format(events[0].peer), Format(*evnet_sim_udp_address(sender)));
  EXPECT_EQ(Format(events[2].peer), Format(*evnet_sim_udp_address(other)));
  for (const Event &event : events) {
    EXPECT_TRUE(event.more);
    EXPECT_FALSE(event.truncated);
    EXPECT_EQ(event.local.socket.any.sa_family, AF_UNSPEC);  // it is bound to one host
  }
}

TEST_F(SimDatagrams, WhatCameBeforeRecvStartIsToldThen) {
  const evnet_handle handle = Bind();
  Send(Client(), AddressOf(handle), "early");
  Settle();
  EXPECT_TRUE(Datagrams(handle).empty());
  evnet_poller_recv_start(poller, handle);
  Settle();
  ASSERT_EQ(Datagrams(handle).size(), 1u);
  EXPECT_EQ(Datagrams(handle)[0].data, "early");
}

TEST_F(SimDatagrams, TheLargestComesWholeAndALargerOneIsRefused) {
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller, handle);
  evnet_sim_udp *const client = Client();
  const std::string data(65507, 'x');
  Send(client, AddressOf(handle), data);
  Settle();
  ASSERT_EQ(Datagrams(handle).size(), 1u);
  EXPECT_TRUE(Datagrams(handle)[0].data == data);
  EXPECT_EQ(SendFrom(handle, evnet_sim_udp_address(client), data), 1);
  Settle();
  EXPECT_TRUE(Received(client) == data);
  EXPECT_EQ(SendFrom(handle, evnet_sim_udp_address(client), data + "x"), -EMSGSIZE);
}

TEST_F(SimDatagrams, OneAboveTheBoundIsCutAndSaysSo) {
  datagram_bytes_max = 5;
  const evnet_handle handle = Bind();
  evnet_poller_recv_start(poller, handle);
  evnet_sim_udp *const client = Client();
  for (const char *data : {"1234", "12345", "123456", ""}) Send(client, AddressOf(handle), data);
  Settle();
  const std::vector<Event> events = Datagrams(handle);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].data, "12345");
  EXPECT_FALSE(events[1].truncated);
  EXPECT_EQ(events[2].data, "12345");
  EXPECT_TRUE(events[2].truncated);
  EXPECT_EQ(events[3].data, "");
  EXPECT_FALSE(events[3].truncated);
}

TEST_F(SimDatagrams, ABatchIsSentInOrderEachToItsOwnAddress) {
  const evnet_handle handle = Bind();
  evnet_sim_udp *const first = Client(1);
  evnet_sim_udp *const second = Client(2);
  std::string left = "two ";
  std::string right = "pieces";
  const iovec pieces[] = {{&left[0], left.size()}, {&right[0], right.size()}};
  const evnet_datagram datagrams[] = {{pieces, 1, evnet_sim_udp_address(first), nullptr},
                                      {nullptr, 0, evnet_sim_udp_address(second), nullptr},
                                      {pieces, 2, evnet_sim_udp_address(first), nullptr},
                                      {pieces + 1, 1, evnet_sim_udp_address(second), nullptr}};
  EXPECT_EQ(evnet_poller_send_datagrams(poller, handle, datagrams, 4), 4);
  Settle();
  evnet_address from = {};
  EXPECT_EQ(Received(first, &from), "two ,two pieces");
  EXPECT_EQ(Format(from), Format(AddressOf(handle)));
  char none;
  EXPECT_EQ(evnet_sim_udp_receive(second, &none, 0, nullptr), 0);
  EXPECT_EQ(Received(second), "pieces");
}

TEST_F(SimDatagrams, WhatIsRefusedIsToldAndTheSocketGoesOn) {
  const evnet_handle handle = Bind();
  evnet_sim_udp *const client = Client();
  const evnet_address *const good = evnet_sim_udp_address(client);
  std::string data = "x";
  std::string large(65508, 'x');
  const iovec piece = {&data[0], data.size()};
  const iovec too_large = {&large[0], large.size()};
  const evnet_datagram datagrams[] = {
      {&piece, 1, good, nullptr}, {&too_large, 1, good, nullptr}, {&piece, 1, good, nullptr}};
  EXPECT_EQ(evnet_poller_send_datagrams(poller, handle, datagrams, 3), 1);
  EXPECT_EQ(evnet_poller_send_datagrams(poller, handle, datagrams + 1, 2), -EMSGSIZE);
  EXPECT_EQ(evnet_poller_send_datagrams(poller, handle, datagrams + 2, 1), 1);
  Settle();
  EXPECT_EQ(Received(client), "x,x");
}

TEST_F(SimDatagrams, ASocketOfAllHostsTellsWhichWasAskedAndAnswersFromThere) {
  for (const char *all : {"udp4://:0", "udp://:0"}) {
    SCOPED_TRACE(all);
    const evnet_handle handle = Bind(all);
    evnet_poller_recv_start(poller, handle);
    size_t count = 0;
    for (const char *host : {"127.0.0.1", "127.0.0.2"}) {
      evnet_sim_udp *const client = Client(7);
      Send(client, At(handle, host), host);
      Settle();
      ASSERT_EQ(Datagrams(handle).size(), ++count);
      const Event event = Datagrams(handle).back();
      EXPECT_EQ(event.data, host);
      EXPECT_EQ(Format(event.local), "udp://" + std::string(host) + ":0");
      EXPECT_EQ(SendFrom(handle, &event.peer, "answer", &event.local), 1);
      Settle();
      evnet_address from = {};
      EXPECT_EQ(Received(client, &from), "answer");
      EXPECT_EQ(Format(from), Format(At(handle, host)));
    }
  }
}

TEST_F(SimDatagrams, ABurstComesInOrderInTurnsOfABatchAndNobodyWaitsForIt) {
  const evnet_handle handle = Bind();
  const evnet_handle other = Bind();
  const int burst = 150;
  evnet_sim_udp *const client = Client();
  for (int i = 0; i < burst; i++) Send(client, AddressOf(handle), std::to_string(i));
  Send(client, AddressOf(other), "other");
  evnet_poller_recv_start(poller, handle);
  evnet_poller_recv_start(poller, other);
  Settle();
  const std::vector<Event> events = Datagrams(handle);
  ASSERT_EQ(events.size(), size_t{burst});
  std::vector<int> of_turn;
  for (size_t i = 0; i < events.size(); i++) {
    EXPECT_EQ(events[i].data, std::to_string(i));
    of_turn.resize(events[i].turn + 1);
    of_turn[events[i].turn]++;
  }
  EXPECT_EQ(*std::max_element(of_turn.begin(), of_turn.end()), EVNET_DATAGRAMS_MAX);
  ASSERT_EQ(Datagrams(other).size(), 1u);
  EXPECT_EQ(Datagrams(other)[0].turn, events[0].turn);
}

TEST_F(SimDatagrams, DetachForgetsTheRestOfItsBatch) {
  const evnet_handle handle = Bind();
  const evnet_handle other = Bind();
  evnet_sim_udp *const client = Client();
  for (int i = 0; i < 10; i++) Send(client, AddressOf(handle), std::to_string(i));
  Send(client, AddressOf(other), "other");
  loop->OnEvent([&](const Event &event) {
    if (event.handle == handle && event.data == "3") evnet_poller_detach(poller, handle);
  });
  evnet_poller_recv_start(poller, handle);
  evnet_poller_recv_start(poller, other);
  Settle();
  EXPECT_EQ(Story(handle), "RECV:0123 DETACH=0");
  EXPECT_EQ(Datagrams(other).size(), 1u);
}

TEST_F(SimDatagrams, AfterRecvStopOnlyItsBatchIsToldAndTheRestWhenItStartsAgain) {
  const evnet_handle handle = Bind();
  evnet_sim_udp *const client = Client();
  for (int i = 0; i < 100; i++) Send(client, AddressOf(handle), std::to_string(i));
  loop->OnEvent([&](const Event &event) {
    if (event.handle == handle && event.data == "0") evnet_poller_recv_stop(poller, handle);
  });
  evnet_poller_recv_start(poller, handle);
  Settle();
  EXPECT_EQ(Datagrams(handle).size(), size_t{EVNET_DATAGRAMS_MAX});
  evnet_poller_recv_start(poller, handle);
  Settle();
  const std::vector<Event> events = Datagrams(handle);
  ASSERT_EQ(events.size(), 100u);
  for (size_t i = 0; i < 100; i++) EXPECT_EQ(events[i].data, std::to_string(i));
}

TEST_F(SimDatagrams, AnUnreachablePeerDoesNotEndASocket) {
  Start();
  evnet_sim_udp *const peer = Client();
  const int descriptor = evnet_sim_udp_dial(sim, peer);
  ASSERT_GE(descriptor, 0);
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_attach(poller, descriptor, EVNET_TRANSPORT_UDP, &handle), 0);
  evnet_address where = {};
  ASSERT_EQ(evnet_poller_remote_address(poller, handle, &where), 0);
  EXPECT_EQ(Format(where), Format(*evnet_sim_udp_address(peer)));
  evnet_poller_recv_start(poller, handle);
  EXPECT_EQ(SendFrom(handle, nullptr, "hello"), 1);
  Settle();
  EXPECT_EQ(Received(peer), "hello");
  Send(peer, AddressOf(handle), "still there");
  Send(Client(), AddressOf(handle), "a stranger's");
  evnet_sim_udp_close(peer);
  EXPECT_EQ(SendFrom(handle, nullptr, "unreachable"), 1);
  Settle();
  EXPECT_EQ(Story(handle), "DATAGRAM=-ECONNREFUSED RECV:still there");
  EXPECT_EQ(SendFrom(handle, nullptr, "unreachable"), 1);
  Settle();
  evnet_poller_recv_stop(poller, handle);
  EXPECT_EQ(SendFrom(handle, nullptr, "unreachable"), 1)
      << "a DATAGRAM has reported the last error";
  Settle();
  EXPECT_EQ(SendFrom(handle, nullptr, "unreachable"), -ECONNREFUSED) << "receiving is stopped";
}

TEST_F(SimDatagrams, AFullSocketTellsOnceWhenThereIsRoom) {
  options.buffer_bytes_min = options.buffer_bytes_max = 100;
  const evnet_handle handle = Bind();
  evnet_sim_udp *const client = Client();
  const evnet_address *const to = evnet_sim_udp_address(client);
  EXPECT_EQ(SendFrom(handle, to, std::string(99, 'a')), 1);
  EXPECT_EQ(SendFrom(handle, to, "b"), 0);
  evnet_poller_await_room(poller, handle);
  loop->Turn(0);
  EXPECT_EQ(Story(handle), "");
  Settle();
  EXPECT_EQ(Story(handle), "SEND=0");
  EXPECT_EQ(SendFrom(handle, to, "b"), 1);
}

TEST_F(SimDatagrams, DetachAnswersWhoAwaitsRoom) {
  const evnet_handle handle = Bind();
  evnet_poller_await_room(poller, handle);
  evnet_poller_detach(poller, handle);
  Settle();
  EXPECT_EQ(Story(handle), "SEND=-ECANCELED DETACH=0");
}

TEST_F(SimDatagrams, TwoCannotHaveTheSameAddress) {
  const evnet_handle handle = Bind();
  evnet_handle second = {};
  for (const char *host : {"127.0.0.1", ""}) {
    const evnet_address again = At(handle, host);
    EXPECT_EQ(evnet_poller_listen(poller, &again, nullptr, &second), -EADDRINUSE) << host;
  }
  const evnet_address own = At(handle, "127.0.0.1");
  evnet_poller_detach(poller, handle);
  EXPECT_EQ(evnet_poller_listen(poller, &own, nullptr, &second), 0) << "it is closed by now";
}

// Violations of the contract

TEST_F(SimDatagrams, ASecondAwaitRoomIsNoticed) {
  const evnet_handle handle = Bind();
  evnet_poller_await_room(poller, handle);
  evnet_poller_await_room(poller, handle);
  expected_failure = "await_room while it is under way";
}

TEST_F(SimDatagrams, ADatagramToNobodyIsNoticed) {
  const evnet_handle handle = Bind();
  EXPECT_EQ(SendFrom(handle, nullptr, "x"), -EINVAL);
  expected_failure = "a datagram of 1 pieces to no address";
}

}  // namespace
}  // namespace evnet_testing
