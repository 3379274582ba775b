// The simulated kernel: UDP sockets, by the contract that the real ones keep
// (contract_datagram_test.cc), and what its network does.
#include <errno.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "net/poller/testing/sim_fixture.h"
#include "net/poller/testing/sim_udp.h"

namespace evnet_testing {
namespace {

std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  (void)evnet_address_format(&address, text, sizeof text);
  return text;
}

class SimDatagrams : public Sim {
 protected:
  evnet_address Parse(const std::string &text) {
    evnet_address parsed = {};
    EXPECT_EQ(evnet_address_parse(text.c_str(), &parsed, nullptr, 0), 0);
    return parsed;
  }

  evnet_handle Bind(const std::string &text = "udp://127.0.0.1:0") {
    if (sim == nullptr) Start();
    const evnet_address parsed = Parse(text);
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller, &parsed, nullptr, &handle), 0);
    return handle;
  }

  evnet_address AddressOf(evnet_handle handle) {
    evnet_address own = {};
    EXPECT_EQ(evnet_poller_local_address(poller, handle, &own), 0);
    return own;
  }

  evnet_address At(evnet_handle handle, const std::string &host) {
    const evnet_address own = AddressOf(handle);
    return Parse("udp://" + host + ":" + std::to_string(evnet_address_port(&own)));
  }

  evnet_sim_udp *Client(uint8_t host = 1) {
    evnet_sim_udp *client = nullptr;
    EXPECT_EQ(evnet_sim_udp_open(sim, host, &client), 0);
    return client;
  }

  void Send(evnet_sim_udp *client, const evnet_address &to, const std::string &data) {
    EXPECT_EQ(evnet_sim_udp_send(client, &to, data.data(), data.size()),
              static_cast<int64_t>(data.size()));
  }

  int64_t SendFrom(evnet_handle handle, const evnet_address *to, const std::string &data,
                   const evnet_address *from = nullptr) {
    iovec piece = {};
    piece.iov_base = const_cast<char *>(data.data());
    piece.iov_len = data.size();
    const evnet_datagram datagram = {&piece, 1, to, from};
    return evnet_poller_send_datagrams(poller, handle, &datagram, 1);
  }

  // All that the client has got: "one,two".
  std::string Received(evnet_sim_udp *client, evnet_address *from = nullptr) {
    std::string all;
    std::string block(70000, '\0');
    int64_t size;
    while ((size = evnet_sim_udp_receive(client, &block[0], block.size(), from)) >= 0) {
      if (!all.empty()) all += ",";
      all += block.substr(0, static_cast<size_t>(size));
    }
    EXPECT_EQ(size, -EAGAIN);
    return all;
  }

  std::vector<Event> Datagrams(evnet_handle handle) { return loop->Of(handle, EVNET_OP_DATAGRAM); }
};

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
  EXPECT_EQ(SendFrom(handle, nullptr, "to nobody"), 1);
  Settle();
  EXPECT_EQ(Story(handle), "DATAGRAM=-ECONNREFUSED RECV:still there");
  EXPECT_EQ(SendFrom(handle, nullptr, "to nobody"), 1);
  Settle();
  evnet_poller_recv_stop(poller, handle);
  EXPECT_EQ(SendFrom(handle, nullptr, "to nobody"), 1) << "the last one's was told by a DATAGRAM";
  Settle();
  EXPECT_EQ(SendFrom(handle, nullptr, "to nobody"), -ECONNREFUSED) << "nobody receives";
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

TEST_F(SimDatagrams, TheNetworkLosesDoublesAndReordersAsTheSeedWants) {
  options.delay_ns_max = 5 * kMs;
  options.faults.lost = options.faults.duplicated = options.faults.overtaking = 200;
  options.faults.one_shot = options.faults.short_recv = options.faults.deferred = 200;
  const evnet_handle handle = Bind();
  evnet_sim_udp *const client = Client();
  loop->OnEvent([&](const Event &event) {
    if (event.op == EVNET_OP_DATAGRAM && !event.more) evnet_poller_recv_start(poller, handle);
  });
  evnet_poller_recv_start(poller, handle);
  constexpr size_t kCount = 300;
  for (size_t i = 0; i < kCount; i++) Send(client, AddressOf(handle), std::to_string(i));
  Settle();
  std::multiset<size_t> came;
  bool reordered = false;
  for (const Event &event : Datagrams(handle)) {
    const size_t number = std::stoul(event.data);
    reordered = reordered || (!came.empty() && number < *came.rbegin());
    came.insert(number);
    EXPECT_LE(came.count(number), 2u);
  }
  evnet_sim_udp_stats stats;
  evnet_sim_udp_stats_of(sim, &stats);
  EXPECT_GT(stats.lost, 0u);
  EXPECT_GT(stats.duplicated, 0u);
  EXPECT_TRUE(reordered);
  EXPECT_EQ(stats.overflowed, 0u);
  EXPECT_EQ(kCount + stats.duplicated - stats.lost, stats.arrived);
  EXPECT_EQ(came.size(), stats.arrived);
  EXPECT_EQ(came.size(), stats.told);
}

TEST_F(SimDatagrams, AFullReceiveQueueLosesWhatComes) {
  const evnet_handle handle = Bind();
  options.buffer_bytes_min = options.buffer_bytes_max = 64 << 10;
  evnet_sim_udp *const client = Client();
  for (int i = 0; i < 70; i++) {
    Send(client, AddressOf(handle), std::string(1000, 'x'));
    Settle();
  }
  evnet_sim_udp_stats stats;
  evnet_sim_udp_stats_of(sim, &stats);
  EXPECT_EQ(stats.arrived, size_t{(64 << 10) / 1016});
  EXPECT_EQ(stats.overflowed, 70 - stats.arrived);
}

TEST_F(SimDatagrams, TheWatchHearsWhatIsTakenRefusedAndTold) {
  const evnet_handle handle = Bind("udp4://:0");
  evnet_poller_recv_start(poller, handle);
  std::string heard;
  evnet_sim_udp_set_watch(
      sim,
      [](void *user, const evnet_sim_udp_news *news) {
        static const char *const names[] = {"taken", "refused", "told"};
        *static_cast<std::string *>(user) +=
            std::string(names[news->event]) + " " + Format(*news->from) + " to " +
            Format(*news->to) + " " +
            std::string(reinterpret_cast<const char *>(news->data), news->size).substr(0, 3) + "\n";
      },
      &heard);
  evnet_sim_udp *const client = Client(9);
  const evnet_address *const own = evnet_sim_udp_address(client);
  const evnet_address server = At(handle, "127.0.0.1");
  EXPECT_EQ(SendFrom(handle, own, "abc"), 1);
  EXPECT_EQ(SendFrom(handle, own, std::string(65508, 'x')), -EMSGSIZE);
  Send(client, server, "def");
  Settle();
  EXPECT_EQ(heard, "taken " + Format(server) + " to " + Format(*own) + " abc\nrefused " +
                       Format(server) + " to " + Format(*own) + " xxx\ntold " + Format(*own) +
                       " to " + Format(server) + " def\n");
}

TEST_F(SimDatagrams, MembersOfAGroupGetWhatIsSentToItAndAnswerFromTheirHost) {
  const evnet_handle member = Bind("udp4://:0");
  const evnet_handle stranger = Bind("udp4://:0");
  const evnet_address group = At(member, "239.1.2.3");
  const auto set = [&](evnet_handle handle, evnet_multicast_what what, const char *name = nullptr,
                       const evnet_address *which = nullptr) {
    const evnet_multicast setting = {what, which != nullptr ? which : &group, name, 1};
    return evnet_poller_set_multicast(poller, handle, &setting);
  };
  const evnet_address host = At(member, "127.0.0.1");
  const evnet_address group6 = Parse("udp://[ff02::1]:9");
  EXPECT_EQ(set(member, EVNET_MULTICAST_JOIN, "lo"), 0);
  EXPECT_EQ(set(member, EVNET_MULTICAST_JOIN), -EADDRINUSE);
  EXPECT_EQ(set(member, EVNET_MULTICAST_JOIN, "none"), -ENODEV);
  EXPECT_EQ(set(member, EVNET_MULTICAST_JOIN, nullptr, &host), -EINVAL);
  EXPECT_EQ(set(member, EVNET_MULTICAST_JOIN, nullptr, &group6), -EAFNOSUPPORT);
  EXPECT_EQ(set(stranger, EVNET_MULTICAST_LEAVE), -EADDRNOTAVAIL);
  EXPECT_EQ(set(stranger, EVNET_MULTICAST_INTERFACE, "none"), -ENODEV);
  evnet_poller_recv_start(poller, member);
  evnet_poller_recv_start(poller, stranger);
  evnet_sim_udp *const client = Client();
  Send(client, group, "all");
  Settle();
  ASSERT_EQ(Datagrams(member).size(), 1u);
  EXPECT_EQ(Format(Datagrams(member)[0].local), "udp://127.0.0.1:0");
  EXPECT_TRUE(Datagrams(stranger).empty());
  EXPECT_EQ(SendFrom(stranger, &group, "own"), 1);
  Settle();
  EXPECT_EQ(Datagrams(member).size(), 2u);
  const evnet_multicast no_loop = {EVNET_MULTICAST_LOOP, nullptr, nullptr, 0};
  EXPECT_EQ(evnet_poller_set_multicast(poller, stranger, &no_loop), 0);
  EXPECT_EQ(SendFrom(stranger, &group, "not here"), 1);
  EXPECT_EQ(set(member, EVNET_MULTICAST_LEAVE), 0);
  Send(client, group, "all");
  Settle();
  EXPECT_EQ(Datagrams(member).size(), 2u);
}

// Who does not keep to the contract

TEST_F(SimDatagrams, ASecondAwaitRoomIsNoticed) {
  const evnet_handle handle = Bind();
  evnet_poller_await_room(poller, handle);
  evnet_poller_await_room(poller, handle);
  expected_failure = "await_room while it is under way";
}

TEST_F(SimDatagrams, ADatagramToNobodyIsNoticed) {
  const evnet_handle handle = Bind();
  EXPECT_EQ(SendFrom(handle, nullptr, "x"), -EINVAL);
  expected_failure = "a datagram of 1 pieces to nobody";
}

}  // namespace
}  // namespace evnet_testing
