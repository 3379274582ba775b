#include "net/server/address_counts.h"

#include <arpa/inet.h>
#include <errno.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"

namespace {

int entropy_error;  // 0: none

}  // namespace

extern "C" {

int __real_getentropy(void *out, size_t size);
int __wrap_getentropy(void *out, size_t size);

int __wrap_getentropy(void *out, size_t size) {
  errno = entropy_error;
  return entropy_error != 0 ? -1 : __real_getentropy(out, size);
}

}  // extern "C"

namespace {

evnet_address Ip4(const char *host, uint16_t port = 1) {
  evnet_address address = {};
  address.socket.ip4.sin_family = AF_INET;
  address.socket.ip4.sin_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET, host, &address.socket.ip4.sin_addr), 1) << host;
  address.size = sizeof address.socket.ip4;
  return address;
}

evnet_address Ip6(const char *host, uint16_t port = 1) {
  evnet_address address = {};
  address.socket.ip6.sin6_family = AF_INET6;
  address.socket.ip6.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, host, &address.socket.ip6.sin6_addr), 1) << host;
  address.size = sizeof address.socket.ip6;
  return address;
}

class AddressCounts : public ::testing::Test {
 protected:
  AddressCounts() { EXPECT_EQ(evnet_address_counts_init(&counts_, allocator_.get()), 0); }
  ~AddressCounts() override {
    evnet_address_counts_deinit(&counts_);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  }

  int Add(const evnet_address &peer, size_t most = 1) {
    return evnet_address_counts_add(&counts_, &peer, most);
  }
  void Remove(const evnet_address &peer) { evnet_address_counts_remove(&counts_, &peer); }

  FailingAllocator allocator_;
  evnet_address_counts counts_;
};

TEST_F(AddressCounts, AnAddressHasSoManyAndNoMoreUntilOneGoes) {
  const evnet_address peer = Ip4("192.0.2.1");
  for (int i = 0; i < 3; i++) EXPECT_EQ(Add(peer, 3), 0);
  EXPECT_EQ(Add(peer, 3), -ENOBUFS);
  EXPECT_EQ(Add(Ip4("192.0.2.2"), 3), 0) << "another address";
  Remove(peer);
  EXPECT_EQ(Add(peer, 3), 0);
  EXPECT_EQ(Add(peer, 3), -ENOBUFS);
}

TEST_F(AddressCounts, ThePortDoesNotMatter) {
  EXPECT_EQ(Add(Ip4("192.0.2.1", 1)), 0);
  EXPECT_EQ(Add(Ip4("192.0.2.1", 2)), -ENOBUFS);
  EXPECT_EQ(Add(Ip6("2001:db8::1", 1)), 0);
  EXPECT_EQ(Add(Ip6("2001:db8::1", 2)), -ENOBUFS);
}

TEST_F(AddressCounts, AnIp6AddressCountsByItsFirst64Bits) {
  EXPECT_EQ(Add(Ip6("2001:db8:0:1::1")), 0);
  EXPECT_EQ(Add(Ip6("2001:db8:0:1:ffff:ffff:ffff:ffff")), -ENOBUFS);
  EXPECT_EQ(Add(Ip6("2001:db8:0:2::1")), 0);
  Remove(Ip6("2001:db8:0:1:8000::"));
  EXPECT_EQ(Add(Ip6("2001:db8:0:1::3")), 0);
}

TEST_F(AddressCounts, TheSameLinkLocalPrefixOfTwoLinksIsTwo) {
  evnet_address first = Ip6("fe80::1");
  evnet_address second = Ip6("fe80::2");
  first.socket.ip6.sin6_scope_id = 1;
  second.socket.ip6.sin6_scope_id = 2;
  EXPECT_EQ(Add(first), 0);
  EXPECT_EQ(Add(second), 0);
  EXPECT_EQ(Add(second), -ENOBUFS);
  Remove(first);
  EXPECT_EQ(Add(first), 0);
}

TEST_F(AddressCounts, AMappedIp4AddressIsThatAddress) {
  EXPECT_EQ(Add(Ip6("::ffff:192.0.2.1")), 0);
  EXPECT_EQ(Add(Ip4("192.0.2.1")), -ENOBUFS);
  EXPECT_EQ(Add(Ip6("::ffff:192.0.2.2")), 0) << "mapped addresses do not count as one /64";
}

TEST_F(AddressCounts, AnIp4AddressIsNoIp6PrefixOfTheSameBytes) {
  EXPECT_EQ(Add(Ip4("32.1.13.184")), 0);
  EXPECT_EQ(Add(Ip6("2001:db8::1")), 0);
}

TEST_F(AddressCounts, WhatHasNoAddressIsNotCounted) {
  evnet_address unix_peer = {};
  unix_peer.transport = EVNET_TRANSPORT_UNIX;
  unix_peer.socket.local.sun_family = AF_UNIX;
  for (const evnet_address &peer : {unix_peer, evnet_address{}, Ip4("0.0.0.0")}) {
    for (int i = 0; i < 3; i++) EXPECT_EQ(Add(peer), 0);
    for (int i = 0; i < 5; i++) Remove(peer);
  }
  EXPECT_EQ(counts_.used, 0u);
}

evnet_address Numbered(uint32_t number) {
  if (number % 3 == 0) return Ip6(("2001:db8::" + std::to_string(number % 10)).c_str());
  evnet_address address = Ip4("10.0.0.0");
  address.socket.ip4.sin_addr.s_addr = htonl(0x0a000000 + number);
  if (number % 3 == 1) return address;
  address = Ip6("2001:db8::1");
  address.socket.ip6.sin6_addr.s6_addr32[1] = htonl(number);
  return address;
}

// Returns the key of an address. It is computed from the text, while the table uses the bytes.
std::string NameOf(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  if (address.socket.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address.socket.ip4.sin_addr, text, sizeof text);
    return text;
  }
  evnet_address masked = address;
  for (int i = 8; i < 16; i++) masked.socket.ip6.sin6_addr.s6_addr[i] = 0;
  inet_ntop(AF_INET6, &masked.socket.ip6.sin6_addr, text, sizeof text);
  return text;
}

// Compares random operations with a map. The number of addresses grows and shrinks, so the table is
// resized.
TEST_F(AddressCounts, AgreesWithAMapWhateverComesAndGoes) {
  std::mt19937 random(7);
  std::map<std::string, size_t> model;
  std::vector<evnet_address> open;
  size_t capacity_most = 0;
  size_t refusals = 0;
  for (int step = 0; step < 200000; step++) {
    const bool swells = step / 25000 % 2 == 0;
    if (random() % 100 < (swells ? 60u : 40u)) {
      const evnet_address peer = Numbered(random() % 6000);
      const size_t most = 1 + random() % 4;
      size_t &count = model[NameOf(peer)];
      const int status = Add(peer, most);
      ASSERT_EQ(status, count < most ? 0 : -ENOBUFS) << step;
      if (status == 0) {
        count++;
        open.push_back(peer);
      } else {
        refusals++;
      }
      if (count == 0) model.erase(NameOf(peer));
    } else if (!open.empty()) {
      std::swap(open[random() % open.size()], open.back());
      const auto found = model.find(NameOf(open.back()));
      if (--found->second == 0) model.erase(found);
      Remove(open.back());
      open.pop_back();
    }
    ASSERT_EQ(counts_.used, model.size()) << step;
    ASSERT_LE(counts_.used, counts_.capacity / 2) << step;
    ASSERT_TRUE(counts_.capacity == 16 || counts_.used >= counts_.capacity / 8) << step;
    if (counts_.capacity > capacity_most) capacity_most = counts_.capacity;
  }
  EXPECT_GT(refusals, 100u);
  EXPECT_GE(capacity_most, 1024u);
  for (const evnet_address &peer : open) Remove(peer);
  EXPECT_EQ(counts_.used, 0u);
  EXPECT_EQ(counts_.capacity, 16u);
}

TEST(AddressCountsMemory, WithoutItNothingIsCountedAndNothingIsLost) {
  FailingAllocator allocator;
  evnet_address_counts counts;
  allocator.fail_at(1, false);
  EXPECT_EQ(evnet_address_counts_init(&counts, allocator.get()), -ENOMEM);
  EXPECT_EQ(allocator.live_blocks(), 0u);
  ASSERT_EQ(evnet_address_counts_init(&counts, allocator.get()), 0);
  allocator.fail_at(1, true);
  std::vector<evnet_address> open;
  int status = 0;
  for (uint32_t i = 1; status == 0; i += 3) {
    open.push_back(Numbered(i));
    status = evnet_address_counts_add(&counts, &open.back(), 1);
  }
  EXPECT_EQ(status, -ENOMEM);
  const evnet_address refused = open.back();
  open.pop_back();
  EXPECT_EQ(open.size(), 8u) << "half of the first table";
  for (const evnet_address &peer : open)
    EXPECT_EQ(evnet_address_counts_add(&counts, &peer, 1), -ENOBUFS) << "a refusal needs no memory";
  allocator.fail_at(0, false);
  EXPECT_EQ(evnet_address_counts_add(&counts, &refused, 1), 0);
  EXPECT_EQ(counts.capacity, 32u);
  evnet_address_counts_remove(&counts, &refused);
  allocator.fail_at(1, true);
  for (const evnet_address &peer : open) evnet_address_counts_remove(&counts, &peer);
  EXPECT_EQ(counts.used, 0u);
  EXPECT_EQ(counts.capacity, 32u) << "the table shrinks when there is memory";
  evnet_address_counts_deinit(&counts);
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

TEST(AddressCountsKey, WithoutEntropyNothingIsMade) {
  FailingAllocator allocator;
  evnet_address_counts counts;
  entropy_error = ENOSYS;
  EXPECT_EQ(evnet_address_counts_init(&counts, allocator.get()), -ENOSYS);
  entropy_error = 0;
  EXPECT_EQ(allocator.allocations(), 0u);
}

TEST_F(AddressCounts, ThreadsMayAddAndRemoveAtOnce) {
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 4; thread++) {
    threads.emplace_back([this, thread] {
      for (uint32_t i = 0; i < 5000; i++) {
        const evnet_address peer = Numbered((i * 7 + thread) % 50);
        if (Add(peer, 2) == 0) Remove(peer);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(counts_.used, 0u);
}

}  // namespace
