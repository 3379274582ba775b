// A server's statistics of time, on a clock that only the test advances.
#include <numeric>

#include "gtest/gtest.h"
#include "net/poller/testing/sim.h"
#include "net/server/internal/steps.h"
#include "net/server/server.h"

namespace {

constexpr uint64_t kMs = 1000000;

class StatsSimulated : public ::testing::Test {
 protected:
  StatsSimulated() {
    const evnet_sim_options sim_options = {};
    sim = evnet_sim_create(&sim_options);
    evnet_handler handler = {};
    handler.on_data = [](evnet_conn *conn, void *user) {
      auto *self = static_cast<StatsSimulated *>(user);
      (void)evnet_conn_discard(conn, SIZE_MAX);
      self->calls++;
      self->Pass(self->callback_ms);
      return EVNET_NONE;
    };
    const char *address = "tcp4://127.0.0.1:80";
    EXPECT_EQ(evnet_server_create(&handler, this, &address, 1, nullptr, &server), 0);
    EXPECT_EQ(evnet_server_boot(server, evnet_sim_kernel(sim)), 0);
  }
  ~StatsSimulated() override {
    (void)evnet_server_stop(server, 0);
    int status;
    while ((status = evnet_server_turn(server, 0)) > 0) {
    }
    EXPECT_EQ(status, 0);
    evnet_server_finish(server);
    evnet_server_destroy(server);
    EXPECT_EQ(evnet_sim_failure(sim), nullptr);
    evnet_sim_destroy(sim);
  }

  void Pass(uint64_t ms) { evnet_sim_advance(sim, evnet_sim_now_ns(sim) + ms * kMs); }
  // Sends a byte, whose on_data takes `ms`.
  void Request(evnet_sim_socket *client, uint64_t ms) {
    callback_ms = ms;
    const int before = calls;
    ASSERT_EQ(evnet_sim_write(client, "x", 1), 1);
    for (int i = 0; i < 100 && calls == before; i++) {
      Pass(1);
      ASSERT_EQ(evnet_server_turn(server, 0), 1);
    }
    ASSERT_EQ(calls, before + 1);
  }
  struct evnet_server_stats Stats() const {
    struct evnet_server_stats stats;
    evnet_server_get_stats(server, &stats);
    return stats;
  }

  evnet_sim *sim = nullptr;
  evnet_server *server = nullptr;
  uint64_t callback_ms = 0;
  int calls = 0;
};

TEST_F(StatsSimulated, TheLongestCallbackShowsWhoBlocksAndLeavesOutTheWaits) {
  evnet_sim_socket *client;
  ASSERT_EQ(evnet_sim_connect(sim, 80, 1, &client), 0);
  Request(client, 200);
  EXPECT_EQ(Stats().longest_callback_ns, 200 * kMs);
  ASSERT_EQ(evnet_server_turn(server, 0), 1);
  Pass(60000);
  Request(client, 0);
  EXPECT_EQ(Stats().longest_callback_ns, 200 * kMs);
  EXPECT_EQ(Stats().callbacks_ns, 200 * kMs);
  EXPECT_EQ(Stats().callback_counts[EVNET_CALLBACK_BUCKETS - 1], 1u);
}

TEST_F(StatsSimulated, EveryCallbackIsInOneBucket) {
  evnet_sim_socket *client;
  ASSERT_EQ(evnet_sim_connect(sim, 80, 1, &client), 0);
  for (uint64_t ms = 0; ms < 200; ms += 7) Request(client, ms);
  const struct evnet_server_stats stats = Stats();
  const uint64_t sum = std::accumulate(stats.callback_counts,
                                       stats.callback_counts + EVNET_CALLBACK_BUCKETS, uint64_t{0});
  EXPECT_GE(sum, static_cast<uint64_t>(calls));
  uint64_t long_ones = 0;
  for (size_t i = 0; i < EVNET_CALLBACK_BUCKETS; i++) {
    if (evnet_callback_bucket_ns(i) > 8 * kMs) long_ones += stats.callback_counts[i];
  }
  EXPECT_EQ(long_ones, static_cast<uint64_t>(calls) - 1) << "all but the one of 0 ms";
}

}  // namespace
