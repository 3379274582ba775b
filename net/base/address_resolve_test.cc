// Tests of name lookup. This file defines getaddrinfo, which looks names up in a table, so the
// result does not depend on the machine.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/resource.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"

namespace {

int lookups = 0;
addrinfo last_hints = {};

// A list of one or two results, which outlives the call.
struct Results {
  Results() {
    ip4.sin_family = AF_INET;
    ip4.sin_addr.s_addr = htonl(0xC0000207);  // 192.0.2.7
    ip6.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, "fe80::7", &ip6.sin6_addr), 1);
    ip6.sin6_scope_id = 9;
    mapped.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, "::ffff:192.0.2.9", &mapped.sin6_addr), 1);
    other.ai_family = AF_INET6;
    other.ai_addr = reinterpret_cast<sockaddr *>(&mapped);
    other.ai_addrlen = sizeof mapped;
    first[0].ai_family = AF_INET;
    first[0].ai_addr = reinterpret_cast<sockaddr *>(&ip4);
    first[0].ai_addrlen = sizeof ip4;
    first[1].ai_family = AF_INET6;
    first[1].ai_addr = reinterpret_cast<sockaddr *>(&ip6);
    first[1].ai_addrlen = sizeof ip6;
  }

  sockaddr_in ip4 = {};
  sockaddr_in6 ip6 = {};
  sockaddr_in6 mapped = {};
  addrinfo first[2] = {};
  addrinfo other = {};
};

int freed = 0;

}  // namespace

extern "C" int getaddrinfo(const char *node, const char *, const addrinfo *hints,
                           addrinfo **results) {
  static Results table;
  lookups++;
  last_hints = *hints;
  table.first[0].ai_next = table.first[1].ai_next = nullptr;
  if (strcmp(node, "four.test") == 0) {
    *results = &table.first[0];
  } else if (strcmp(node, "six.test") == 0) {
    *results = &table.first[1];
  } else if (strcmp(node, "both.test") == 0) {
    table.first[1].ai_next = &table.first[0];
    *results = &table.first[1];
  } else if (strcmp(node, "mapped.test") == 0) {
    *results = &table.other;
  } else {
    return strcmp(node, "none.test") == 0 ? EAI_NONAME : EAI_AGAIN;
  }
  return 0;
}

extern "C" void freeaddrinfo(addrinfo *) { freed++; }

namespace {

evnet_address Resolve(const std::string &text, int expected = 0) {
  evnet_address out = {};
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
  EXPECT_EQ(evnet_address_resolve(text.c_str(), &out, message, sizeof message), expected)
      << message;
  return out;
}

std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

TEST(AddressResolveTable, AnIp4MappedAddressIsAnIp4Address) {
  EXPECT_EQ(Format(Resolve("mapped.test:80")), "tcp://192.0.2.9:80");
  Resolve("tcp6://mapped.test:80", EVNET_STATUS_ADDRESS);
}

// getaddrinfo reports "Name or service not known" if it cannot open its files.
TEST(AddressResolveTable, AShortageOfDescriptorsIsReportedAsThat) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Resolve("none.test:80", -EMFILE);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  Resolve("none.test:80", EVNET_STATUS_ADDRESS);
}

TEST(AddressResolveTable, GivesEachFamilyWithThePortAndTransportOfTheText) {
  EXPECT_EQ(Format(Resolve("four.test:80")), "tcp://192.0.2.7:80");
  EXPECT_EQ(Format(Resolve("udp4://four.test:81")), "udp://192.0.2.7:81");
  EXPECT_EQ(Format(Resolve("six.test:82")), "tcp://[fe80::7%9]:82");
  EXPECT_EQ(Format(Resolve("udp6://six.test:83")), "udp://[fe80::7%9]:83");
  EXPECT_EQ(Resolve("six.test:82").size, sizeof(sockaddr_in6));
  EXPECT_FALSE(Resolve("six.test:82").dual_stack);
}

TEST(AddressResolveTable, TheFirstResultIsTaken) {
  EXPECT_EQ(Format(Resolve("both.test:80")), "tcp://[fe80::7%9]:80");
}

TEST(AddressResolveTable, AllResultsComeInTheirOrder) {
  evnet_address out[3];
  ASSERT_EQ(evnet_address_resolve_all("udp://both.test:80", out, 3, nullptr, 0), 2);
  EXPECT_EQ(Format(out[0]), "udp://[fe80::7%9]:80");
  EXPECT_EQ(Format(out[1]), "udp://192.0.2.7:80");
}

TEST(AddressResolveTable, NoMoreThanThereIsRoomFor) {
  evnet_address out[2] = {};
  EXPECT_EQ(evnet_address_resolve_all("both.test:80", out, 1, nullptr, 0), 1);
  EXPECT_EQ(Format(out[1]), "none");
}

TEST(AddressResolveTable, ANumberIsOneAddress) {
  evnet_address out[2] = {};
  EXPECT_EQ(evnet_address_resolve_all("192.0.2.8:80", out, 2, nullptr, 0), 1);
  EXPECT_EQ(Format(out[0]), "tcp://192.0.2.8:80");
  EXPECT_EQ(evnet_address_resolve_all("unix://x", out, 2, nullptr, 0), 1);
  EXPECT_EQ(Format(out[0]), "unix://x");
  EXPECT_EQ(evnet_address_resolve_all("none.test:80", out, 2, nullptr, 0), EVNET_STATUS_ADDRESS);
}

TEST(AddressResolveTable, AsksForTheFamilyOfTheScheme) {
  Resolve("tcp4://four.test:80");
  EXPECT_EQ(last_hints.ai_family, AF_INET);
  Resolve("tcp6://six.test:80");
  EXPECT_EQ(last_hints.ai_family, AF_INET6);
  Resolve("four.test:80");
  EXPECT_EQ(last_hints.ai_family, AF_UNSPEC);
}

TEST(AddressResolveTable, EveryResultIsFreed) {
  const int before = freed;
  Resolve("four.test:80");
  Resolve("six.test:80");
  EXPECT_EQ(freed, before + 2);
}

TEST(AddressResolveTable, NumbersAndParseNeverLookUp) {
  const int before = lookups;
  Resolve("192.0.2.7:80");
  Resolve("[::1]:80");
  Resolve(":80");
  Resolve("unix://four.test");
  evnet_address out;
  EXPECT_EQ(evnet_address_parse("four.test:80", &out, nullptr, 0), EVNET_STATUS_ADDRESS);
  EXPECT_EQ(lookups, before);
}

TEST(AddressResolveTable, AFailedLookupLeavesTheAddressAndNamesTheCause) {
  evnet_address before, address;
  memset(&before, 0x5A, sizeof before);
  for (const int error : {EAI_NONAME, EAI_AGAIN}) {
    address = before;
    char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
    const char *text = error == EAI_NONAME ? "udp://none.test:80" : "udp://again.test:80";
    EXPECT_EQ(evnet_address_resolve(text, &address, message, sizeof message),
              error == EAI_NONAME ? EVNET_STATUS_ADDRESS : EVNET_STATUS_LOOKUP);
    EXPECT_EQ(memcmp(&address, &before, sizeof before), 0);
    EXPECT_NE(std::string(message).find(text), std::string::npos) << message;
    EXPECT_NE(std::string(message).find(gai_strerror(error)), std::string::npos) << message;
  }
}

// The message "Temporary failure in name resolution" did not fit after a host of 100 bytes.
TEST(AddressResolveTable, TheLongestHostLeavesRoomForTheCause) {
  const std::string text = std::string(255, 'h') + ":80";
  evnet_address address;
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
  EXPECT_LT(evnet_address_resolve(text.c_str(), &address, message, sizeof message), 0);
  const std::string cause = gai_strerror(EAI_AGAIN), line = message;
  ASSERT_GE(line.size(), cause.size());
  EXPECT_EQ(line.substr(line.size() - cause.size()), cause) << line;
}

}  // namespace
