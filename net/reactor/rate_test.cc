// Rate limits of connections and groups, on a clock that the test advances.
#include "net/reactor/rate.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr uint64_t kRate = 32000;  // 1000 bytes in 1/32 s
constexpr uint64_t kBurst = 2000;

evnet_rate Sending(uint64_t bytes_per_s = kRate, uint64_t burst_bytes = kBurst) {
  evnet_rate rate = {};
  rate.send_bytes_per_s = bytes_per_s;
  rate.send_burst_bytes = burst_bytes;
  return rate;
}

evnet_rate Receiving(uint64_t bytes_per_s = kRate, uint64_t burst_bytes = kBurst) {
  evnet_rate rate = {};
  rate.receive_bytes_per_s = bytes_per_s;
  rate.receive_burst_bytes = burst_bytes;
  return rate;
}

class Rate : public ::testing::Test {
 protected:
  Rate() { TheKernel().StopClock(); }

  // The limit begins in on_open, before evnet receives anything.
  Harness::Pair Connect(const evnet_rate &rate) {
    h.on.open = [&rate](evnet_conn *conn) {
      EXPECT_EQ(evnet_conn_set_rate(conn, &rate), 0);
      return EVNET_NONE;
    };
    Harness::Pair pair = h.Connect();
    h.on.open = nullptr;
    return pair;
  }
  // Lets time pass in steps of 5 ms. After each, `bytes` returns how many bytes have passed. They
  // never exceed the bucket's bound, and are `total` in the end, without much delay.
  void Pass(const std::function<size_t()> &bytes, size_t total, uint64_t rate = kRate,
            uint64_t burst = kBurst, Place place = Place::Here()) {
    const ::testing::ScopedTrace trace(place.file, place.line, "called here");
    uint64_t ms = 0;
    const uint64_t ms_max = (total > burst ? (total - burst) * 1000 / rate : 0) + 100;
    for (h.Turns(3); bytes() < total && ms <= ms_max; h.Turns(3)) {
      ASSERT_LE(bytes(), burst + rate * ms / 1000) << ms << " ms";
      TheKernel().Advance(5);
      ms += 5;
    }
    EXPECT_EQ(bytes(), total) << ms << " ms";
    if (total > burst) {
      EXPECT_GE(ms, (total - burst) * 1000 / rate);
    }
  }
  size_t Received(const Harness::Pair &pair) { return h.Of(pair).received.size(); }
  uint64_t Throttled() { return h.Stats().connections_throttled; }

  Harness h;
};

TEST_F(Rate, SendsTheBurstAndThenAtTheRate) {
  h.Start();
  Harness::Pair pair = Connect(Sending());
  const std::string data = Pattern(20000);
  Write(pair.conn, data);
  std::string got;
  Pass(
      [&] {
        got += pair.client.Read();
        return got.size();
      },
      data.size());
  EXPECT_TRUE(got == data);
  EXPECT_EQ(Throttled(), 0u);
}

TEST_F(Rate, ReceivesTheBurstAndThenAtTheRate) {
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  const std::string data = Pattern(20000);
  pair.client.Write(data);
  Pass([&] { return Received(pair); }, data.size());
  EXPECT_TRUE(h.Of(pair).received == data);
}

TEST_F(Rate, DoesNotReceiveTheFewBytesOfEachTurn) {
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  pair.client.Write(Pattern(20000));
  for (int ms = 0; ms < 200; ms++) {
    h.Turns(1);
    TheKernel().Advance(1);
  }
  EXPECT_GE(Received(pair), 7000u);
  EXPECT_LE(h.Of(pair).Count("data"), 12) << "one for each 1/32 s, and some for the burst";
}

TEST_F(Rate, SmallWritesAreLimitedTogether) {
  h.Start();
  Harness::Pair pair = Connect(Sending());
  std::string data;
  for (int i = 0; i < 500; i++) {
    data += Pattern(17, static_cast<uint32_t>(i));
    Write(pair.conn, Pattern(17, static_cast<uint32_t>(i)));
  }
  std::string got;
  Pass(
      [&] {
        got += pair.client.Read();
        return got.size();
      },
      data.size());
  EXPECT_TRUE(got == data);
}

TEST_F(Rate, FilesAreLimitedToo) {
  h.Start();
  Harness::Pair pair = Connect(Sending());
  const std::string data = Pattern(9000);
  FILE *file = tmpfile();
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(write(fileno(file), data.data(), data.size()), static_cast<ssize_t>(data.size()));
  Write(pair.conn, "head");
  EXPECT_EQ(evnet_conn_sendfile(pair.conn, fileno(file), 0, 9000), 9000);
  Write(pair.conn, "tail");
  std::string got;
  Pass(
      [&] {
        got += pair.client.Read();
        return got.size();
      },
      data.size() + 8);
  EXPECT_TRUE(got == "head" + data + "tail");
  fclose(file);
}

TEST_F(Rate, BothDirectionsHaveTheirOwnBucket) {
  h.Start();
  evnet_rate rate = Sending(1000, 10);
  rate.receive_bytes_per_s = kRate;
  rate.receive_burst_bytes = kBurst;
  Harness::Pair pair = Connect(rate);
  Write(pair.conn, Pattern(1000));
  pair.client.Write(Pattern(10000));
  Pass([&] { return Received(pair); }, 10000);
  EXPECT_GT(evnet_conn_outbound_bytes(pair.conn), 0u);
}

TEST_F(Rate, AFullBucketIsUsedAfterSilence) {
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  pair.client.Write(Pattern(kBurst));
  h.Until([&] { return Received(pair) == kBurst; });
  TheKernel().Advance(60000);
  h.Settle();
  pair.client.Write(Pattern(3 * kBurst));
  h.Settle();
  EXPECT_EQ(Received(pair), 2 * kBurst) << "no more than the burst has been saved";
}

TEST_F(Rate, AFastEchoBelowTheRateIsNeverHeldBack) {
  h.on.data = [](evnet_conn *conn) {
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  evnet_rate rate = Receiving();
  rate.send_bytes_per_s = kRate;
  rate.send_burst_bytes = kBurst;
  Harness::Pair pair = Connect(rate);
  for (int i = 0; i < 100; i++) {
    pair.client.Write("0123456789");
    EXPECT_EQ(h.ReadExactly(&pair.client, 10), "0123456789");
    EXPECT_EQ(Throttled(), 0u);
    TheKernel().Advance(1);
  }
}

TEST_F(Rate, APauseAndALimitBothHaveToEnd) {
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  pair.client.Write(Pattern(kBurst + 500));
  h.Until([&] { return Received(pair) == kBurst; });
  h.Settle();
  EXPECT_EQ(Throttled(), 1u);
  evnet_conn_pause_reading(pair.conn);
  TheKernel().Advance(1000);
  h.Settle();
  EXPECT_EQ(Throttled(), 0u);
  EXPECT_EQ(Received(pair), kBurst) << "the pause goes on";
  evnet_conn_resume_reading(pair.conn);
  h.Until([&] { return Received(pair) == kBurst + 500; });
}

TEST_F(Rate, AResumeWhileTheLimitHoldsReadsNothing) {
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  pair.client.Write(Pattern(kBurst + 500));
  h.Until([&] { return Received(pair) == kBurst; });
  h.Settle();
  evnet_conn_pause_reading(pair.conn);
  evnet_conn_resume_reading(pair.conn);
  h.Settle();
  EXPECT_EQ(Received(pair), kBurst);
  TheKernel().Advance(1000);
  h.Until([&] { return Received(pair) == kBurst + 500; });
}

TEST_F(Rate, NoTimeoutOfTheConnectionRunsWhileALimitHoldsItBack) {
  h.options.linger_ms = EVNET_OFF;
  h.options.idle_timeout_ms = 50;
  h.options.read_timeout_ms = 50;
  h.options.write_timeout_ms = 50;
  h.Start();
  evnet_rate rate = Sending(10, 1);  // 100 ms for each byte
  rate.receive_bytes_per_s = 10;
  rate.receive_burst_bytes = 1;
  Harness::Pair pair = Connect(rate);
  Write(pair.conn, "01234");
  pair.client.Write("01234");
  std::string got;
  for (int i = 0; i < 100 && Received(pair) + got.size() < 10; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
    got += pair.client.Read();
    ASSERT_EQ(h.Of(pair).closed, 0) << i;
  }
  EXPECT_EQ(got, "01234");
  EXPECT_EQ(h.Of(pair).received, "01234");
  for (int i = 0; i < 30 && h.Of(pair).closed == 0; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
  }
  EXPECT_EQ(h.Of(pair).closed, 1) << "after the last byte it is idle";
}

TEST_F(Rate, ThePeersSilenceStillTimesOut) {
  h.options.linger_ms = EVNET_OFF;
  h.options.idle_timeout_ms = 50;
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  TheKernel().Advance(51);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_IDLE_TIMEOUT);
}

TEST_F(Rate, AClosingConnectionSendsItsOutputAtTheRate) {
  h.Start();
  Harness::Pair pair = Connect(Sending());
  const std::string data = Pattern(10000);
  Write(pair.conn, data);
  h.Close(pair.conn);
  std::string got;
  Pass(
      [&] {
        got += pair.client.Read();
        return got.size();
      },
      data.size());
  EXPECT_TRUE(got == data);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Rate, AClosingConnectionDiscardsInputWithoutALimit) {
  h.Start();
  Harness::Pair pair = Connect(Receiving(1000, 10));
  pair.client.Write(Pattern(50000));
  h.Until([&] { return Received(pair) == 10; });
  h.Settle();
  h.Close(pair.conn);
  h.Settle();
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Rate, AStopReadsTheRestAtTheRate) {
  h.options.linger_ms = EVNET_OFF;
  h.Start();
  Harness::Pair pair = Connect(Receiving());
  pair.client.Write(Pattern(10000));
  h.Until([&] { return Received(pair) == kBurst; });
  h.Settle();
  evnet_reactor_stop(h.reactor(), 60000);
  size_t received = 0;
  for (int i = 0; i < 100 && h.Of(pair).closed == 0 && received < 10000; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
    received = Received(pair);
  }
  EXPECT_EQ(received, 10000u);
  for (int i = 0; i < 100 && h.Of(pair).closed == 0; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
  }
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(Rate, TheDrainDeadlineOfAStopGoesOn) {
  h.Start();
  Harness::Pair pair = Connect(Sending(100, 10));
  Write(pair.conn, Pattern(10000));
  evnet_reactor_stop(h.reactor(), 500);
  h.Settle();
  TheKernel().Advance(501);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_DRAIN_DEADLINE);
}

TEST_F(Rate, AResetIsReportedWhileTheLimitHolds) {
  h.Start();
  Harness::Pair pair = Connect(Receiving(100, 10));
  pair.client.Write(Pattern(1000));
  h.Until([&] { return Received(pair) == 10; });
  h.Settle();
  pair.client.Reset();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -ECONNRESET);
  EXPECT_EQ(Throttled(), 0u);
}

TEST_F(Rate, RemovingALimitReleasesTheConnection) {
  h.Start();
  evnet_rate rate = Sending(1, 1);
  rate.receive_bytes_per_s = rate.receive_burst_bytes = 1;
  Harness::Pair pair = Connect(rate);
  Write(pair.conn, Pattern(1000));
  pair.client.Write(Pattern(1000));
  h.Settle();
  EXPECT_EQ(Throttled(), 1u);
  EXPECT_EQ(evnet_conn_set_rate(pair.conn, nullptr), 0);
  EXPECT_EQ(Throttled(), 0u);
  EXPECT_EQ(h.ReadExactly(&pair.client, 1000), Pattern(1000));
  h.Until([&] { return Received(pair) == 1000; });
}

TEST_F(Rate, AHigherLimitReleasesTheConnectionSoon) {
  h.Start();
  Harness::Pair pair = Connect(Sending(1, 1));
  Write(pair.conn, Pattern(1000));
  h.Settle();
  const evnet_rate higher = Sending(1000000, 1000);
  EXPECT_EQ(evnet_conn_set_rate(pair.conn, &higher), 0);
  std::string got;
  for (int i = 0; i < 10; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
    got += pair.client.Read();
  }
  EXPECT_EQ(got.size(), 1000u);
}

TEST_F(Rate, ALimitThatBeginsWithOutputQueuedAppliesToIt) {
  h.listen_options.send_buffer_bytes = 4608;
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.Start();
  Harness::Pair pair = h.Connect(4096);
  Write(pair.conn, Pattern(200000));
  h.Settle();
  const evnet_rate rate = Sending(1000, 10);
  EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), 0);
  for (int i = 0; i < 10; i++) {
    (void)pair.client.Read();
    h.Turns(2);
  }
  const size_t left = evnet_conn_outbound_bytes(pair.conn);
  for (int i = 0; i < 10; i++) {
    (void)pair.client.Read();
    h.Turns(2);
  }
  EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), left) << "time stands still";
  EXPECT_GT(left, 0u);
}

TEST_F(Rate, ARateThatIsTooLargeOrAClosingConnectionIsRefused) {
  h.Start();
  Harness::Pair pair = h.Connect();
  for (uint64_t evnet_rate::*field :
       {&evnet_rate::receive_bytes_per_s, &evnet_rate::send_bytes_per_s,
        &evnet_rate::receive_burst_bytes, &evnet_rate::send_burst_bytes}) {
    evnet_rate rate = Sending();
    rate.*field = EVNET_RATE_MAX;
    EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), 0);
    rate.*field = EVNET_RATE_MAX + 1;
    EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), -EINVAL);
    evnet_rate_group *group = nullptr;
    EXPECT_EQ(evnet_rate_group_create(h.reactor(), &rate, &group), -EINVAL);
  }
  h.Close(pair.conn);
  const evnet_rate rate = Sending();
  EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), -ENOTCONN);
  EXPECT_EQ(evnet_conn_set_rate_group(pair.conn, nullptr), -ENOTCONN);
}

TEST_F(Rate, TheNthAllocationThatFailsChangesNothing) {
  h.Start();
  for (size_t n = 1; n <= 2; n++) {
    Harness::Pair pair = h.Connect();
    h.Settle();
    h.allocator().fail_at(n, true);
    const evnet_rate rate = Sending(1, 1);
    EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), -ENOMEM) << n;
    evnet_rate_group *group = nullptr;
    EXPECT_EQ(evnet_rate_group_create(h.reactor(), &rate, &group), -ENOMEM) << n;
    h.allocator().fail_at(0, false);
    Write(pair.conn, "unlimited");
    EXPECT_EQ(h.ReadExactly(&pair.client, 9), "unlimited");
  }
}

TEST_F(Rate, ALimitThatBeginsLaterHoldsFromTheNextTurnOn) {
  h.Start();
  Harness::Pair pair = h.Connect();
  const evnet_rate rate = Receiving();
  EXPECT_EQ(evnet_conn_set_rate(pair.conn, &rate), 0);
  h.Settle();
  pair.client.Write(Pattern(20000));
  Pass([&] { return Received(pair); }, 20000);
}

class RateGroup : public Rate {
 protected:
  void Make(const evnet_rate &rate) {
    ASSERT_EQ(evnet_rate_group_create(h.reactor(), &rate, &group), 0);
  }
  void Join(int count) {
    h.on.open = [this](evnet_conn *conn) {
      EXPECT_EQ(evnet_conn_set_rate_group(conn, group), 0);
      return EVNET_NONE;
    };
    for (int i = 0; i < count; i++) pairs.push_back(h.Connect());
    h.on.open = nullptr;
  }
  size_t All() {
    size_t all = 0;
    for (const Harness::Pair &pair : pairs) all += Received(pair);
    return all;
  }

  evnet_rate_group *group = nullptr;
  std::vector<Harness::Pair> pairs;
};

TEST_F(RateGroup, MembersReceiveAtTheRateTogetherAndAlike) {
  h.Start();
  Make(Receiving());
  Join(8);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(20000));
  Pass([&] { return std::min<size_t>(All(), 40000); }, 40000);
  for (const Harness::Pair &pair : pairs) {
    EXPECT_GE(Received(pair), 3000u);
    EXPECT_LE(Received(pair), 5000u + kBurst + 1024u);
  }
}

TEST_F(RateGroup, MembersSendAtTheRateTogetherAndAlike) {
  h.Start();
  Make(Sending());
  Join(8);
  std::vector<size_t> got(pairs.size());
  for (Harness::Pair &pair : pairs) Write(pair.conn, Pattern(20000));
  Pass(
      [&] {
        size_t all = 0;
        for (size_t i = 0; i < pairs.size(); i++) {
          got[i] += pairs[i].client.Read().size();
          all += got[i];
        }
        return std::min<size_t>(all, 40000);
      },
      40000);
  for (const size_t bytes : got) {
    EXPECT_GE(bytes, 3000u);
    EXPECT_LE(bytes, 5000u + kBurst + 1024u);
  }
}

TEST_F(RateGroup, AMembersOwnLimitAppliesToo) {
  h.Start();
  Make(Receiving());
  Join(2);
  const evnet_rate own = Receiving(1000, 100);
  EXPECT_EQ(evnet_conn_set_rate(pairs[0].conn, &own), 0);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(10000));
  Pass([&] { return Received(pairs[1]); }, 10000);
  EXPECT_LE(Received(pairs[0]), 100u + 500u);
  EXPECT_GE(Received(pairs[0]), 200u);
}

// A member whose peer reads nothing must not hold the others back.
TEST_F(RateGroup, AStuckMemberTakesNothingFromTheOthers) {
  h.listen_options.send_buffer_bytes = 4608;
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.Start();
  Make(Sending(1000000, 100000));
  pairs.push_back(h.Connect(4096));
  pairs.push_back(h.Connect());
  for (const Harness::Pair &pair : pairs) {
    EXPECT_EQ(evnet_conn_set_rate_group(pair.conn, group), 0);
    Write(pair.conn, Pattern(300000));
  }
  size_t got = 0;
  h.Until([&] {
    TheKernel().Advance(1);
    got += pairs[1].client.Read().size();
    return got == 300000;
  });
  EXPECT_GT(evnet_conn_outbound_bytes(pairs[0].conn), 0u);
}

TEST_F(RateGroup, AnIdleMemberTakesNothingFromTheOthers) {
  h.Start();
  Make(Receiving());
  Join(20);
  pairs[7].client.Write(Pattern(10000));
  Pass([&] { return Received(pairs[7]); }, 10000);
}

TEST_F(RateGroup, ManyMembersTakeTurns) {
  h.Start();
  Make(Receiving(32000, 1000));
  Join(40);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(5000));
  for (int i = 0; i < 60; i++) {  // 3 s: 96,000 bytes, 2,400 for each
    TheKernel().Advance(50);
    h.Turns(4);
  }
  for (const Harness::Pair &pair : pairs) EXPECT_GE(Received(pair), 1000u);
}

TEST_F(RateGroup, LeavingItReleasesAMember) {
  h.Start();
  Make(Receiving(1, 1));
  Join(3);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(1000));
  h.Settle();
  EXPECT_EQ(Throttled(), 3u);
  EXPECT_EQ(evnet_conn_set_rate_group(pairs[1].conn, nullptr), 0);
  h.Until([&] { return Received(pairs[1]) == 1000; });
  EXPECT_EQ(Throttled(), 2u);
}

TEST_F(RateGroup, ItsEndReleasesAllMembers) {
  h.Start();
  Make(Receiving(1, 1));
  Join(3);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(1000));
  h.Settle();
  evnet_rate_group_destroy(group);
  evnet_rate_group_destroy(nullptr);
  h.Until([&] { return All() == 3000; });
  EXPECT_EQ(Throttled(), 0u);
}

TEST_F(RateGroup, AHigherRateOfTheGroupReleasesItsMembersSoon) {
  h.Start();
  Make(Receiving(1, 1));
  Join(3);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(1000));
  h.Settle();
  const evnet_rate higher = Receiving(1000000, 10000);
  EXPECT_EQ(evnet_rate_group_set_rate(group, &higher), 0);
  for (int i = 0; i < 10; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
  }
  EXPECT_EQ(All(), 3000u);
}

TEST_F(RateGroup, AMemberThatClosesWhileItWaitsLeavesIt) {
  h.Start();
  Make(Receiving());
  Join(3);
  for (Harness::Pair &pair : pairs) pair.client.Write(Pattern(5000));
  h.Settle();
  h.Abort(pairs[1].conn);
  h.Until([&] { return h.Of(pairs[1]).closed == 1; });
  for (int i = 0; i < 100; i++) {
    TheKernel().Advance(10);
    h.Turns(3);
  }
  EXPECT_EQ(Received(pairs[0]), 5000u);
  EXPECT_EQ(Received(pairs[2]), 5000u);
}

TEST_F(RateGroup, OneThatIsLeftIsFreedWithTheReactor) {
  h.Start();
  Make(Receiving());
  Join(2);
  h.Destroy();  // checks that no memory is left
}

}  // namespace
}  // namespace evnet_testing
