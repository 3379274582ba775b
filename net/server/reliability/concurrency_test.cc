// Many simultaneous connections: the server serves all of them, and the listener's backlog delays
// none.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "gtest/gtest.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/server/server.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kSpareDescriptors = 100;
constexpr size_t kBurst = 1000;

class Concurrency : public testing::TestWithParam<int> {};

TEST_P(Concurrency, EveryConnectionOfManyEchoesAtOnce) {
  const size_t count = LongOr<size_t>(10000, 1000);
  if (RaiseDescriptorsMax() < count + kSpareDescriptors)
    GTEST_SKIP() << "this process may have " << RaiseDescriptorsMax() << " descriptors, and needs "
                 << count + kSpareDescriptors;
  evnet_options options = {};
  options.reactors = GetParam();
  const ChildServer server(0, options);
  const size_t idle_bytes = server.ResidentBytes();
  std::vector<Client> clients;
  for (size_t i = 0; i < count; i++) {
    clients.emplace_back(server.port());
    ASSERT_TRUE(clients.back().connected()) << "connection " << i;
  }
  Progress progress("concurrency", 3 * count, "echoes");
  for (size_t round = 0; round < 3; round++) {
    const auto seed = [&](size_t i) { return static_cast<uint32_t>(i * 3 + round); };
    for (size_t i = 0; i < count; i++) clients[i].SendAll(Pattern(100, seed(i)));
    for (size_t i = 0; i < count; i++) {
      ASSERT_EQ(clients[i].Receive(100), Pattern(100, seed(i)));
      progress.Add(1);
    }
  }
  const size_t bytes = server.ResidentBytes() - idle_bytes;
  printf("%zu connections: the server grew by %zu KiB, %zu bytes each\n", count, bytes >> 10,
         bytes / count);
}

INSTANTIATE_TEST_SUITE_P(Reactors, Concurrency, testing::Values(1, 3));

// If the backlog is full, the client's kernel retries the connection a second later (RFC 6298
// section 2.1: the first retransmission). The loop is busy in the meantime, so all connections have
// to fit into the backlog.
TEST(Burst, OfConnectsFindsRoomInTheQueueWhileTheLoopIsBusy) {
  int64_t queue_max = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> queue_max;
  if (queue_max < static_cast<int64_t>(kBurst))
    GTEST_SKIP() << "net.core.somaxconn is " << queue_max;
  RaiseDescriptorsMax();
  const int rounds = LongOr(20, 1);
  Progress progress("concurrency", static_cast<uint64_t>(rounds), "bursts");
  for (int round = 0; round < rounds; round++) {
    std::atomic<bool> go_on{false};
    Callbacks callbacks = Echo();
    callbacks.on_tick = [&](evnet_server *, uint64_t *) {
      EXPECT_TRUE(WaitUntil([&] { return go_on.load(); }));
      return EVNET_NONE;
    };
    Server server(callbacks);
    std::vector<Client> clients;
    int64_t slowest_ms = 0;
    for (size_t i = 0; i < kBurst; i++) {
      const int64_t began_ms = NowMs();
      clients.emplace_back(server.port());
      slowest_ms = std::max(slowest_ms, NowMs() - began_ms);
    }
    EXPECT_LT(slowest_ms, 900);
    go_on = true;
    for (Client &client : clients) client.SendAll("x");
    for (Client &client : clients) ASSERT_EQ(client.Receive(1), "x");
    progress.Add(1);
  }
}

}  // namespace
}  // namespace evnet_testing
