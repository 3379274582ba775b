// The statistics of a reactor: times, states of connections, bytes, and the size of the structure.
// The clock is one that the test advances.
#include "net/reactor/stats.h"

#include <stddef.h>
#include <string.h>

#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr uint64_t kMs = 1000000;

class ReactorStats : public ::testing::Test {
 protected:
  ReactorStats() { TheKernel().StopClock(); }
  // Makes every wait in the kernel last for `ms`.
  static void WaitsLast(uint64_t ms) {
    TheKernel().on_wait = [ms] {
      TheKernel().Advance(ms);
      return 0;
    };
  }
  Harness h;
};

TEST(CallbackBuckets, AreTwoForEachPowerOfTwo) {
  EXPECT_EQ(evnet_callback_bucket_ns(0), 4096u);
  EXPECT_EQ(evnet_callback_bucket_ns(1), 6144u);
  EXPECT_EQ(evnet_callback_bucket_ns(2), 8192u);
  EXPECT_EQ(evnet_callback_bucket_ns(30), 134217728u);
  EXPECT_EQ(evnet_callback_bucket_ns(31), UINT64_MAX);
  EXPECT_EQ(evnet_callback_bucket_ns(SIZE_MAX), UINT64_MAX);
  for (size_t i = 3; i < 31; i++)
    EXPECT_EQ(evnet_callback_bucket_ns(i), 2 * evnet_callback_bucket_ns(i - 2)) << i;
}

TEST_F(ReactorStats, ACallbackCountsInTheBucketOfItsTime) {
  static const uint64_t times_ms[] = {0, 1, 3, 100, 134, 135, 5000};
  h.on.data = [](evnet_conn *conn) {
    TheKernel().Advance(times_ms[std::stoul(TakeAll(conn))]);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  for (size_t i = 0; i < sizeof times_ms / sizeof *times_ms; i++) {
    h.Settle();
    const struct evnet_reactor_stats before = h.Stats();
    pair.client.Write(std::to_string(i));
    h.Until([&] { return h.Of(pair).Count("data") == static_cast<int>(i + 1); });
    const struct evnet_reactor_stats after = h.Stats();
    EXPECT_EQ(after.callbacks_ns - before.callbacks_ns, times_ms[i] * kMs);
    size_t bucket = 0;
    while (times_ms[i] * kMs >= evnet_callback_bucket_ns(bucket)) bucket++;
    if (bucket > 0) {
      EXPECT_EQ(after.callback_counts[bucket] - before.callback_counts[bucket], 1u) << i;
    }
    EXPECT_GE(std::accumulate(after.callback_counts, after.callback_counts + bucket + 1, 0u),
              std::accumulate(before.callback_counts, before.callback_counts + bucket + 1, 0u) + 1);
  }
  EXPECT_EQ(h.Stats().idle_ns, 0u);
}

TEST_F(ReactorStats, WaitsThatMaySleepAreIdleTimeAndNoCallbacks) {
  h.Start();
  h.Turns(4);
  WaitsLast(300);
  const uint64_t before_ns = h.Stats().idle_ns;
  for (int i = 0; i < 3; i++) EXPECT_EQ(h.Turn(1), 1);
  EXPECT_EQ(h.Stats().idle_ns - before_ns, 900 * kMs);
  EXPECT_EQ(h.Stats().callbacks_ns, 0u);
  EXPECT_EQ(h.Stats().longest_callback_ns, 0u);
}

TEST_F(ReactorStats, AWaitThatOnlyPollsIsNotIdleTime) {
  h.Start();
  WaitsLast(300);
  h.Turns(4);
  EXPECT_EQ(h.Stats().idle_ns, 0u);
}

TEST_F(ReactorStats, TimeBetweenTurnsIsNotIdleTime) {
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  TheKernel().Advance(5000);
  pair.client.Write("x");
  EXPECT_EQ(h.Turn(-1), 1);
  EXPECT_EQ(h.Stats().idle_ns, 0u);
}

TEST_F(ReactorStats, ABusyPollIsNotIdleTime) {
  h.options.busy_poll_us = EVNET_BUSY_POLL_US_MAX;
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Settle();
  pair.client.Write("x");
  h.Until([&] { return h.Of(pair).received == "x"; });
  WaitsLast(100);
  const uint64_t before_ns = h.Stats().idle_ns;
  for (int i = 0; i < 5; i++) EXPECT_EQ(h.Turn(1), 1);
  EXPECT_EQ(h.Stats().idle_ns, before_ns);
}

TEST_F(ReactorStats, CountConnectionsByState) {
  h.options.write_timeout_ms = 1000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  Harness::Pair flushing = h.Connect(4096);
  Harness::Pair lingering = h.Connect();
  Harness::Pair open = h.Connect();
  Write(flushing.conn, Pattern(1 << 20));
  h.Close(flushing.conn);
  h.Close(lingering.conn);
  h.Settle();
  EXPECT_EQ(h.Stats().connections_open, 3u);
  EXPECT_EQ(h.Stats().connections_flushing, 1u);
  EXPECT_EQ(h.Stats().connections_lingering, 1u);
  TheKernel().Advance(1001);
  lingering.client.Close();
  h.Until([&] { return h.open_count() == 1; });
  EXPECT_EQ(h.Stats().connections_open, 1u);
  EXPECT_EQ(h.Stats().connections_flushing, 0u);
  EXPECT_EQ(h.Stats().connections_lingering, 0u);
}

TEST_F(ReactorStats, ADialCountsUntilItHasConnected) {
  h.Start();
  const struct evnet_conn_id id = h.Dial(h.AddressText());
  EXPECT_EQ(h.Stats().connections_dialling, 1u);
  h.Until([&] { return h.Of(id).opened == 1; });
  EXPECT_EQ(h.Stats().connections_dialling, 0u);
  const struct evnet_conn_id cancelled = h.Dial(h.AddressText());
  EXPECT_EQ(h.Stats().connections_dialling, 1u);
  EXPECT_EQ(evnet_close(h.reactor(), cancelled), 0);
  EXPECT_EQ(h.Stats().connections_dialling, 0u);
}

TEST_F(ReactorStats, InboundBytesAreThoseThatOnDataLeaves) {
  h.on.data = [](evnet_conn *conn) {
    evnet_conn_discard(conn, 1);
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair first = h.Connect();
  Harness::Pair second = h.Connect();
  first.client.Write(std::string(100, 'x'));
  second.client.Write(std::string(50, 'x'));
  h.Until([&] { return h.Of(first).Count("data") + h.Of(second).Count("data") == 2; });
  EXPECT_EQ(h.Stats().inbound_bytes, 99u + 49u);
  EXPECT_EQ(evnet_conn_discard(first.conn, 9), 9u);
  EXPECT_EQ(h.Stats().inbound_bytes, 90u + 49u);
  h.Abort(first.conn);
  h.Settle();
  EXPECT_EQ(h.Stats().inbound_bytes, 49u);
  EXPECT_EQ(evnet_conn_discard(second.conn, SIZE_MAX), 49u);
  EXPECT_EQ(h.Stats().inbound_bytes, 0u);
}

TEST_F(ReactorStats, OutboundBytesAreThoseThatTheKernelDidNotTake) {
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  std::vector<Harness::Pair> pairs;
  for (int i = 0; i < 2; i++) pairs.push_back(h.Connect(4096));
  const auto queued = [&] {
    size_t bytes = 0;
    for (const Harness::Pair &pair : pairs) bytes += evnet_conn_outbound_bytes(pair.conn);
    return bytes;
  };
  for (const Harness::Pair &pair : pairs) Write(pair.conn, Pattern(500000));
  h.Settle();
  EXPECT_GT(queued(), 500000u);
  EXPECT_EQ(h.Stats().outbound_bytes, queued());
  EXPECT_EQ(h.ReadExactly(&pairs[0].client, 100000).size(), 100000u);
  h.Settle();
  EXPECT_EQ(h.Stats().outbound_bytes, queued());
  EXPECT_EQ(h.ReadExactly(&pairs[0].client, 400000).size(), 400000u);
  h.Settle();
  EXPECT_EQ(h.Stats().outbound_bytes, evnet_conn_outbound_bytes(pairs[1].conn));
  h.Abort(pairs[1].conn);
  h.Settle();
  EXPECT_EQ(h.Stats().outbound_bytes, 0u);
}

TEST_F(ReactorStats, AnOlderProgramGetsTheFieldsThatItKnows) {
  h.Start();
  Harness::Pair pair = h.Connect();
  // The structure as it was before it began to grow.
  constexpr size_t kOld = offsetof(struct evnet_reactor_stats, connections_dialling);
  struct evnet_reactor_stats stats;
  memset(&stats, 0xee, sizeof stats);
  EXPECT_EQ(evnet_reactor_copy_stats(h.reactor(), kOld, &stats), kOld);
  EXPECT_EQ(stats.connections_open, 1u);
  EXPECT_EQ(stats.longest_callback_ns, 0u);
  const auto *bytes = reinterpret_cast<const uint8_t *>(&stats);
  for (size_t i = kOld; i < sizeof stats; i++) ASSERT_EQ(bytes[i], 0xee) << i;
}

TEST_F(ReactorStats, ANewerProgramGetsZerosBeyondTheFieldsOfTheLibrary) {
  h.Start();
  Harness::Pair pair = h.Connect();
  struct {
    struct evnet_reactor_stats stats;
    uint64_t later[4];
  } newer;
  memset(&newer, 0xee, sizeof newer);
  EXPECT_EQ(evnet_reactor_copy_stats(h.reactor(), sizeof newer, &newer.stats), sizeof newer.stats);
  EXPECT_EQ(newer.stats.connections_open, 1u);
  for (const uint64_t field : newer.later) EXPECT_EQ(field, 0u);
}

TEST_F(ReactorStats, TheLoopsClockStandsStillDuringACallback) {
  std::vector<uint64_t> times;
  h.on.data = [&](evnet_conn *conn) {
    TakeAll(conn);
    times.push_back(evnet_reactor_now_ms(evnet_conn_reactor(conn)));
    TheKernel().Advance(100);
    times.push_back(evnet_reactor_now_ms(evnet_conn_reactor(conn)));
    return EVNET_NONE;
  };
  h.Start();
  Harness::Pair pair = h.Connect();
  pair.client.Write("x");
  h.Until([&] { return h.Of(pair).Count("data") == 1; });
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0], times[1]);
  EXPECT_EQ(evnet_reactor_now_ms(h.reactor()), times[0] + 100);
}

TEST_F(ReactorStats, ATimersRemainingTimeFallsToZeroAndIsNoneAfterIt) {
  h.Start();
  h.Turn();
  evnet_timer timer = {};
  EXPECT_EQ(evnet_timer_remaining_ms(h.reactor(), &timer), -1);
  evnet_timer_start(
      h.reactor(), &timer, 100, [](evnet_timer *, void *) {}, nullptr);
  EXPECT_EQ(evnet_timer_remaining_ms(h.reactor(), &timer), 100);
  TheKernel().Advance(40);
  h.Turn();
  EXPECT_EQ(evnet_timer_remaining_ms(h.reactor(), &timer), 60);
  evnet_timer_start(
      h.reactor(), &timer, UINT64_MAX, [](evnet_timer *, void *) {}, nullptr);
  EXPECT_EQ(evnet_timer_remaining_ms(h.reactor(), &timer), INT64_MAX);
  int64_t during = -2;
  struct Seen {
    Harness *h;
    int64_t *during;
  } seen = {&h, &during};
  evnet_timer_repeat(
      h.reactor(), &timer, 10,
      [](evnet_timer *self, void *user) {
        auto *to = static_cast<Seen *>(user);
        *to->during = evnet_timer_remaining_ms(to->h->reactor(), self);
      },
      &seen);
  TheKernel().Advance(13);
  h.Turn();
  EXPECT_EQ(during, 7) << "of a repeating timer it is the time until the next call";
  evnet_timer_stop(h.reactor(), &timer);
  EXPECT_EQ(evnet_timer_remaining_ms(h.reactor(), &timer), -1);
}

}  // namespace
}  // namespace evnet_testing
