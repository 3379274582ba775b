#include "net/balancer/balancer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

constexpr evnet_bytes kNoSource = {nullptr, 0};

evnet_bytes Source(const std::string &text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

size_t PickRound(evnet_balancer *balancer, size_t count) {
  return evnet_balancer_pick(balancer, nullptr, count, kNoSource);
}

size_t PickLeast(evnet_balancer *balancer, const std::vector<uint64_t> &loads) {
  return evnet_balancer_pick(balancer, loads.data(), loads.size(), kNoSource);
}

// An arbitrary fixed key, so that the tests below are deterministic.
constexpr evnet_hash_key kKey = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

size_t PickHash(const std::string &source, size_t count, const evnet_hash_key &key = kKey) {
  evnet_balancer balancer = {EVNET_SOURCE_HASH, 0, key};
  return evnet_balancer_pick(&balancer, nullptr, count, Source(source));
}

// An IPv4 address in network order.
std::string Ip4(uint32_t address) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(address >> shift);
  return bytes;
}

std::string Ip6(uint64_t high, uint64_t low) {
  return Ip4(static_cast<uint32_t>(high >> 32)) + Ip4(static_cast<uint32_t>(high)) +
         Ip4(static_cast<uint32_t>(low >> 32)) + Ip4(static_cast<uint32_t>(low));
}

TEST(Balancer, OfOneCandidateIsThatOne) {
  for (evnet_balancing balancing :
       {EVNET_ROUND_ROBIN, EVNET_LEAST_CONNECTIONS, EVNET_SOURCE_HASH}) {
    evnet_balancer balancer = {balancing, 0, kKey};
    uint64_t load = 7;
    for (int i = 0; i < 3; i++) {
      EXPECT_EQ(evnet_balancer_pick(&balancer, &load, 1, Source("peer")), 0u);
      EXPECT_EQ(balancer.next, 0u);
    }
  }
}

TEST(BalancerDeathTest, OfNoCandidateStopsTheProcess) {
  evnet_balancer balancer = {};
  EXPECT_DEATH(PickRound(&balancer, 0), "count > 0");
}

TEST(RoundRobin, OfZerosStartsWithTheFirstAndTakesEachInTurn) {
  evnet_balancer balancer = {};
  for (size_t i = 0; i < 20; i++) EXPECT_EQ(PickRound(&balancer, 5), i % 5);
}

TEST(RoundRobin, GoesOnWhenTheCountChanges) {
  evnet_balancer balancer = {};
  std::vector<size_t> picks;
  for (size_t count : {4, 4, 4, 2, 2, 2, 3, 3, 3, 1, 2, 2}) {
    picks.push_back(PickRound(&balancer, count));
    EXPECT_LT(balancer.next, count);
  }
  // After index 2 of 4 comes index 3. With a count of 2 it does not exist, so a new round starts.
  EXPECT_EQ(picks, (std::vector<size_t>{0, 1, 2, 0, 1, 0, 1, 2, 0, 0, 0, 1}));
}

TEST(LeastConnections, IsTheSmallestLoadWhereverItStands) {
  for (size_t smallest = 0; smallest < 9; smallest++) {
    for (size_t next = 0; next < 9; next++) {
      evnet_balancer balancer = {EVNET_LEAST_CONNECTIONS, next, {}};
      std::vector<uint64_t> loads(9, UINT64_MAX);
      loads[smallest] = UINT64_MAX - 1;
      EXPECT_EQ(PickLeast(&balancer, loads), smallest);
    }
  }
}

TEST(LeastConnections, AmongEqualsIsEachInTurn) {
  evnet_balancer balancer = {EVNET_LEAST_CONNECTIONS, 0, {}};
  std::vector<uint64_t> loads = {5, 2, 9, 2, 2, 7};
  for (int round = 0; round < 3; round++) {
    EXPECT_EQ(PickLeast(&balancer, loads), 1u);
    EXPECT_EQ(PickLeast(&balancer, loads), 3u);
    EXPECT_EQ(PickLeast(&balancer, loads), 4u);
  }
}

TEST(LeastConnections, KeepsLoadsWithinOneOfEachOtherWhileNoneCloses) {
  evnet_balancer balancer = {EVNET_LEAST_CONNECTIONS, 0, {}};
  std::vector<uint64_t> loads(7, 0);
  for (int i = 0; i < 1000; i++) {
    loads[PickLeast(&balancer, loads)]++;
    auto range = std::minmax_element(loads.begin(), loads.end());
    ASSERT_LE(*range.second - *range.first, 1u);
  }
}

TEST(LeastConnections, IsAMinimumUnderRandomLoadsAndCounts) {
  std::mt19937_64 random(1);
  evnet_balancer balancer = {EVNET_LEAST_CONNECTIONS, 0, {}};
  for (int i = 0; i < 10'000; i++) {
    std::vector<uint64_t> loads(1 + random() % 64);
    for (uint64_t &load : loads) load = random() % 8;
    size_t pick = PickLeast(&balancer, loads);
    ASSERT_LT(pick, loads.size());
    ASSERT_EQ(loads[pick], *std::min_element(loads.begin(), loads.end()));
    ASSERT_LT(balancer.next, loads.size());
  }
}

TEST(SourceHash, IsTheSameForOneSourceWhateverElseIsPicked) {
  evnet_balancer balancer = {EVNET_SOURCE_HASH, 0, kKey};
  for (size_t count = 1; count <= 64; count++) {
    size_t first = PickHash("2001:db8::1", count);
    for (uint32_t other = 0; other < 10; other++) {
      EXPECT_LT(evnet_balancer_pick(&balancer, nullptr, count, Source(Ip4(other))), count);
      EXPECT_EQ(evnet_balancer_pick(&balancer, nullptr, count, Source("2001:db8::1")), first);
    }
  }
}

TEST(SourceHash, WithoutASourceIsEachInTurn) {
  evnet_balancer balancer = {EVNET_SOURCE_HASH, 0, kKey};
  for (size_t i = 0; i < 12; i++) {
    EXPECT_EQ(evnet_balancer_pick(&balancer, nullptr, 3, kNoSource), i % 3);
    EXPECT_EQ(evnet_balancer_pick(&balancer, nullptr, 3, Source("peer")), PickHash("peer", 3));
  }
}

TEST(SourceHash, ReadsTheBytesWhereverTheyLie) {
  const std::string source = "an address of some length";
  for (size_t offset = 0; offset < 16; offset++) {
    std::string moved = std::string(offset, 'x') + source + "y";
    evnet_balancer balancer = {EVNET_SOURCE_HASH, 0, kKey};
    evnet_bytes bytes = {Source(moved).data + offset, source.size()};
    EXPECT_EQ(evnet_balancer_pick(&balancer, nullptr, 1000003, bytes), PickHash(source, 1000003));
  }
}

TEST(SourceHash, TakesAnEmptySource) {
  evnet_balancer balancer = {EVNET_SOURCE_HASH, 0, kKey};
  for (size_t count = 1; count <= 64; count++) {
    EXPECT_LT(evnet_balancer_pick(&balancer, nullptr, count, kNoSource), count);
  }
}

// Sources that were chosen to collide under one key do not collide under another.
TEST(SourceHash, AnotherKeySpreadsWhatWasChosenToMeet) {
  constexpr size_t kReactors = 8;
  std::vector<uint64_t> counts(kReactors);
  size_t chosen = 0;
  for (uint32_t i = 0; chosen < 4000; i++) {
    if (PickHash(Ip4(i), kReactors) != 3) continue;
    chosen++;
    counts[PickHash(Ip4(i), kReactors, {{kKey.words[0] ^ 1, kKey.words[1]}})]++;
  }
  // Each count is the mean, within four standard deviations of sqrt(4000 * 7) / 8 = 21.
  for (const uint64_t count : counts) EXPECT_NEAR(static_cast<double>(count), 500, 90);
}

// With 2^40 candidates, any two of two thousand sources collide by chance once in 500,000 trials.
constexpr size_t kPractically = size_t{1} << 40;

TEST(SourceHash, EveryByteAndTheLengthCount) {
  std::vector<size_t> picks;
  for (size_t size = 0; size <= 20; size++) {
    std::string zeros(size, '\0');
    picks.push_back(PickHash(zeros, kPractically));
    for (size_t bit = 0; bit < size * 8; bit++) {
      std::string other = zeros;
      other[bit / 8] = static_cast<char>(1 << bit % 8);
      picks.push_back(PickHash(other, kPractically));
    }
  }
  std::sort(picks.begin(), picks.end());
  EXPECT_EQ(std::adjacent_find(picks.begin(), picks.end()), picks.end());
}

// Returns by how many standard deviations the counts are more uneven than chance. This is the
// statistic of a chi-square test for equal shares, made nearly normal by Wilson and Hilferty's cube
// root (Proc. Nat. Acad. Sci. 17, 1931).
double Unevenness(const std::vector<uint64_t> &counts) {
  double total = 0;
  for (uint64_t count : counts) total += static_cast<double>(count);
  double expected = total / static_cast<double>(counts.size()), square = 0;
  for (uint64_t count : counts) {
    double off = static_cast<double>(count) - expected;
    square += off * off / expected;
  }
  double freedom = static_cast<double>(counts.size() - 1), variance = 2 / (9 * freedom);
  return (std::cbrt(square / freedom) - (1 - variance)) / std::sqrt(variance);
}

struct Population {
  const char *name;
  std::string (*source)(uint32_t i);
};

// Typical sets of addresses: consecutive ones, and ones that differ in a few bits at any position.
const Population kPopulations[] = {
    {"hosts of one network", [](uint32_t i) { return Ip4(0x0a000000 + i); }},
    {"networks, one host each", [](uint32_t i) { return Ip4((i << 12) + 1); }},
    {"every 256th address", [](uint32_t i) { return Ip4(0x0a000001 + (i << 8)); }},
    {"byte by byte the other way", [](uint32_t i) { return Ip4(__builtin_bswap32(i)); }},
    {"IPv6 hosts", [](uint32_t i) { return Ip6(0x20010db800000000, i); }},
    {"IPv6 networks", [](uint32_t i) { return Ip6(0x20010db800000000 + i, 1); }},
    {"IPv6 sites", [](uint32_t i) { return Ip6(0x2001000000000000 + (uint64_t{i} << 16), 1); }},
    {"IPv4 in IPv6", [](uint32_t i) { return Ip6(0, 0xffff0a000000 + i); }},
    {"text",
     [](uint32_t i) { return "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250); }},
};

TEST(SourceHash, GivesEachCandidateItsShareOfAnyPopulation) {
  constexpr uint32_t kSources = 1 << 16;
  for (const Population &population : kPopulations) {
    for (size_t count : {2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 24, 32, 48, 63, 64}) {
      std::vector<uint64_t> counts(count);
      for (uint32_t i = 0; i < kSources; i++) counts[PickHash(population.source(i), count)]++;
      // With 135 random counts, one exceeds 4.5 once in some 2000 runs. The hash is fixed, so the
      // result is the same in each run.
      EXPECT_LT(Unevenness(counts), 4.5) << population.name << " over " << count;
    }
  }
}

TEST(SourceHash, FlippedBitFlipsHalfOfTheBits) {
  constexpr int kTrials = 4000, kBits = 32;
  std::mt19937_64 random(7);
  for (size_t bit = 0; bit < 128; bit += 3) {
    std::vector<int> flips(kBits);
    for (int trial = 0; trial < kTrials; trial++) {
      std::string source = Ip6(random(), random()), other = source;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
      size_t difference =
          PickHash(source, size_t{1} << kBits) ^ PickHash(other, size_t{1} << kBits);
      for (int i = 0; i < kBits; i++) flips[static_cast<size_t>(i)] += difference >> i & 1;
    }
    for (int count : flips) {
      // Half of them, within six standard deviations of sqrt(trials) / 2.
      ASSERT_NEAR(count, kTrials / 2, 6 * std::sqrt(kTrials) / 2) << "bit " << bit;
    }
  }
}

}  // namespace
