// The simulated kernel's network of datagrams: losses, full queues, groups, and the watch function.
#include <errno.h>

#include <set>
#include <string>
#include <vector>

#include "net/poller/testing/sim_datagrams_fixture.h"

namespace evnet_testing {
namespace {

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
        static const char *const names[] = {"taken", "refused", "reported"};
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
                       Format(server) + " to " + Format(*own) + " xxx\nreported " + Format(*own) +
                       " to " + Format(server) + " def\n");
}

TEST_F(SimDatagrams, MembersOfAGroupGetWhatIsSentToItAndAnswerFromTheirHost) {
  const evnet_handle member = Bind("udp4://:0");
  const evnet_handle stranger = Bind("udp4://:0");
  const evnet_address group = At(member, "239.1.2.3");
  const auto set = [&](evnet_handle handle, evnet_multicast_what what, const char *name = nullptr,
                       const evnet_address *which = nullptr) {
    const evnet_multicast setting = {what, which != nullptr ? which : &group, nullptr, name, 1};
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
  const evnet_multicast no_loop = {EVNET_MULTICAST_LOOP, nullptr, nullptr, nullptr, 0};
  EXPECT_EQ(evnet_poller_set_multicast(poller, stranger, &no_loop), 0);
  EXPECT_EQ(SendFrom(stranger, &group, "not here"), 1);
  EXPECT_EQ(set(member, EVNET_MULTICAST_LEAVE), 0);
  Send(client, group, "all");
  Settle();
  EXPECT_EQ(Datagrams(member).size(), 2u);
}

}  // namespace
}  // namespace evnet_testing
