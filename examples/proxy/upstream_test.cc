#include "examples/proxy/upstream.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

constexpr upstream_use kUnused = {0, -1, false, false};

class Upstreams : public ::testing::Test {
 protected:
  ~Upstreams() override { upstreams_deinit(&set_); }
  void Make(upstream_balancing balancing, std::vector<const char *> addresses) {
    upstreams_init(&set_, balancing, 1000);
    for (const char *address : addresses) ASSERT_TRUE(upstreams_add(&set_, address));
  }
  // Returns the address of the choice; "" if there is none.
  std::string Choose(upstream_use *use, uint64_t source = 0) {
    const char *address = upstreams_choose(&set_, now_ms_, source, use);
    return address == nullptr ? "" : address;
  }
  // A connection that connects and stays.
  std::string Open(upstream_use *use, uint64_t source = 0) {
    std::string address = Choose(use, source);
    EXPECT_EQ(upstreams_connected(&set_, use), UPSTREAM_SAME);
    return address;
  }
  // A connection that comes and goes.
  std::string Pass(uint64_t source = 0) {
    upstream_use use = kUnused;
    std::string address = Open(&use, source);
    upstreams_finish(&set_, &use);
    return address;
  }
  // A connect that fails. Returns the time out; 0 if the state stays the same.
  uint64_t Fail(upstream_use *use) {
    uint64_t out_ms = 0;
    upstreams_failed(&set_, use, now_ms_, &out_ms);
    upstreams_finish(&set_, use);
    return out_ms;
  }
  // The first choice of a new connection fails.
  uint64_t FailOne() {
    upstream_use use = kUnused;
    Choose(&use);
    return Fail(&use);
  }

  upstreams set_;
  uint64_t now_ms_ = 5000;
};

TEST_F(Upstreams, RoundRobinTakesTurns) {
  Make(UPSTREAM_ROUND_ROBIN, {"a", "b", "c"});
  std::string order;
  for (int i = 0; i < 7; i++) order += Pass();
  EXPECT_EQ(order, "abcabca");
}

TEST_F(Upstreams, LeastConnectionsTakesTheLeastLoadedAndTurnsAmongEquals) {
  Make(UPSTREAM_LEAST_CONNECTIONS, {"a", "b", "c"});
  upstream_use uses[6];
  std::string order;
  for (upstream_use &use : uses) {
    use = kUnused;
    order += Open(&use);
  }
  EXPECT_EQ(order, "abcabc");
  upstreams_finish(&set_, &uses[1]);
  EXPECT_EQ(Pass(), "b");
  upstreams_finish(&set_, &uses[2]);
  upstreams_finish(&set_, &uses[5]);
  upstream_use use = kUnused;
  EXPECT_EQ(Open(&use), "c");
  EXPECT_EQ(set_.all[2].connections, 1U);
  order.clear();
  for (int i = 0; i < 4; i++) order += Pass();
  EXPECT_EQ(order, "bcbc") << "equals take turns though each goes before the next comes";
}

TEST_F(Upstreams, ConnectsInProgressCountAsConnections) {
  Make(UPSTREAM_LEAST_CONNECTIONS, {"a", "b"});
  upstream_use first = kUnused, second = kUnused, third = kUnused;
  EXPECT_EQ(Choose(&first), "a");
  EXPECT_EQ(Choose(&second), "b");
  upstreams_finish(&set_, &first);
  EXPECT_EQ(Choose(&third), "a");
}

TEST_F(Upstreams, ASourceStaysWithItsUpstreamAndSourcesAreSpreadEvenly) {
  Make(UPSTREAM_SOURCE_HASH, {"a", "b", "c"});
  std::map<std::string, int> counts;
  for (uint64_t source = 0; source < 3000; source++) {
    const std::string chosen = Pass(source);
    EXPECT_EQ(Pass(source), chosen);
    counts[chosen]++;
  }
  // The standard deviation is sqrt(3000 / 3 * 2 / 3): 26.
  for (const auto &count : counts) EXPECT_NEAR(count.second, 1000, 130) << count.first;
}

TEST_F(Upstreams, OnlySourcesOfAnUpstreamThatIsOutMove) {
  Make(UPSTREAM_SOURCE_HASH, {"a", "b", "c"});
  std::vector<std::string> before;
  for (uint64_t source = 0; source < 300; source++) before.push_back(Pass(source));
  upstream_use use = kUnused;
  uint64_t victim = 0;
  while (before[victim] != "b") victim++;
  EXPECT_EQ(Choose(&use, victim), "b");
  EXPECT_EQ(Fail(&use), 1000U);
  for (uint64_t source = 0; source < 300; source++) {
    if (before[source] == "b") {
      EXPECT_NE(Pass(source), "b");
    } else {
      EXPECT_EQ(Pass(source), before[source]);
    }
  }
  now_ms_ += 1000;
  uint64_t stranger = 0;
  while (before[stranger] == "b") stranger++;
  EXPECT_EQ(Pass(stranger), before[stranger]) << "its trial is a client of its own";
  use = kUnused;
  EXPECT_EQ(Choose(&use, victim), "b");
  EXPECT_EQ(upstreams_connected(&set_, &use), UPSTREAM_CAME_BACK);
  upstreams_finish(&set_, &use);
  for (uint64_t source = 0; source < 300; source++) EXPECT_EQ(Pass(source), before[source]);
}

TEST_F(Upstreams, AFailedConnectTakesAnUpstreamOutAndTheTimeDoublesUpToABound) {
  Make(UPSTREAM_ROUND_ROBIN, {"a", "b"});
  EXPECT_EQ(FailOne(), 1000U);
  for (const uint64_t out_ms : {2000U, 4000U, 8000U, 16000U, 32000U, 64000U, 64000U, 64000U}) {
    for (int i = 0; i < 5; i++) EXPECT_EQ(Pass(), "b");
    now_ms_ = set_.all[0].out_until_ms - 1;
    EXPECT_EQ(Pass(), "b");
    now_ms_++;
    EXPECT_EQ(FailOne(), out_ms);
  }
}

TEST_F(Upstreams, OneTrialBringsAnUpstreamBack) {
  Make(UPSTREAM_ROUND_ROBIN, {"a", "b"});
  EXPECT_EQ(FailOne(), 1000U);
  now_ms_ += 1000;
  upstream_use trial = kUnused;
  EXPECT_EQ(Choose(&trial), "a");
  for (int i = 0; i < 5; i++) EXPECT_EQ(Pass(), "b") << "there is one trial at a time";
  EXPECT_EQ(upstreams_connected(&set_, &trial), UPSTREAM_CAME_BACK);
  EXPECT_EQ(Pass(), "a");
  EXPECT_EQ(Pass(), "b");
  upstreams_finish(&set_, &trial);
  // The time begins anew.
  EXPECT_EQ(FailOne(), 1000U);
}

TEST_F(Upstreams, ACancelledTrialLeavesTheTrialToTheNextConnection) {
  Make(UPSTREAM_ROUND_ROBIN, {"a", "b"});
  EXPECT_EQ(FailOne(), 1000U);
  now_ms_ += 1000;
  upstream_use trial = kUnused;
  EXPECT_EQ(Choose(&trial), "a");
  upstreams_finish(&set_, &trial);
  trial = kUnused;
  EXPECT_EQ(Choose(&trial), "a");
  EXPECT_EQ(Fail(&trial), 2000U);
}

TEST_F(Upstreams, ConnectsThatFailTogetherCountOnce) {
  Make(UPSTREAM_ROUND_ROBIN, {"a"});
  upstream_use uses[3] = {kUnused, kUnused, kUnused};
  for (upstream_use &use : uses) EXPECT_EQ(Choose(&use), "a");
  EXPECT_EQ(Fail(&uses[0]), 1000U);
  EXPECT_EQ(Fail(&uses[1]), 0U);
  EXPECT_EQ(Fail(&uses[2]), 0U);
  EXPECT_EQ(set_.all[0].connections, 0U);
}

TEST_F(Upstreams, ARetryGetsEachUpstreamOnce) {
  Make(UPSTREAM_ROUND_ROBIN, {"a", "b", "c"});
  upstream_use use = kUnused;
  std::string order;
  for (std::string one; !(one = Choose(&use)).empty();) {
    order += one;
    Fail(&use);
  }
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(use.index, -1);
  upstreams_finish(&set_, &use);
}

TEST_F(Upstreams, IfAllAreOutTheOneThatReturnsFirstIsUsedAndItsFailureDoesNotProlongTheTime) {
  Make(UPSTREAM_LEAST_CONNECTIONS, {"a", "b"});
  EXPECT_EQ(FailOne(), 1000U);
  now_ms_ += 10;
  EXPECT_EQ(FailOne(), 1000U);
  for (int i = 0; i < 3; i++) {
    upstream_use use = kUnused;
    EXPECT_EQ(Choose(&use), "a");
    EXPECT_EQ(Fail(&use), 0U);
  }
  EXPECT_EQ(set_.all[0].out_until_ms, 6000U);
  upstream_use use = kUnused;
  EXPECT_EQ(Choose(&use), "a");
  EXPECT_EQ(upstreams_connected(&set_, &use), UPSTREAM_CAME_BACK);
  EXPECT_EQ(Pass(), "a");
}

TEST_F(Upstreams, ASetHasABound) {
  Make(UPSTREAM_ROUND_ROBIN, {});
  upstream_use use = kUnused;
  EXPECT_EQ(Choose(&use), "");
  for (int i = 0; i < UPSTREAMS_MAX; i++) EXPECT_TRUE(upstreams_add(&set_, "a"));
  EXPECT_FALSE(upstreams_add(&set_, "a"));
  int tried = 0;
  for (; !Choose(&use).empty(); tried++) Fail(&use);
  EXPECT_EQ(tried, UPSTREAMS_MAX);
}

}  // namespace
