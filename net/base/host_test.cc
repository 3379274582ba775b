// Hosts without a scheme and a port. This file replaces getnameinfo by a table.
#include "net/base/host.h"

#include <netdb.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/testing/address_fixture.h"

namespace {

std::string name_found;  // empty: getnameinfo fails
int flags_asked = 0;

}  // namespace

extern "C" int getnameinfo(const sockaddr *, socklen_t, char *host, socklen_t size, char *,
                           socklen_t, int flags) {
  flags_asked = flags;
  if (name_found.empty()) return EAI_NONAME;
  if (name_found.size() >= size) return EAI_OVERFLOW;
  memcpy(host, name_found.c_str(), name_found.size() + 1);
  return 0;
}

namespace evnet_testing {
namespace {

evnet_host Wanted(int family, uint16_t port = 80, evnet_transport transport = EVNET_TRANSPORT_TCP) {
  evnet_host host = {};
  host.family = family;
  host.port = port;
  host.transport = transport;
  return host;
}

struct Read {
  int status;
  evnet_host host;
  evnet_address address;
  std::string message;
};

Read ReadHost(const std::string &text, const evnet_host &wanted) {
  Read out = {0, wanted, {}, ""};
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
  out.status = evnet_host_read(text.c_str(), &out.host, &out.address, message, sizeof message);
  out.message = message;
  return out;
}

evnet_address Address(const std::string &text) {
  evnet_address out = {};
  EXPECT_EQ(evnet_address_parse(text.c_str(), &out, nullptr, 0), 0) << text;
  return out;
}

TEST(HostRead, ANumberBecomesAnAddressWithThePortAndTransport) {
  const struct {
    const char *text;
    const char *address;
  } cases[] = {
      {"192.0.2.7", "udp://192.0.2.7:53"},
      {"::1", "udp://[::1]:53"},
      {"fe80::1%7", "udp://[fe80::1%7]:53"},
      {"::ffff:192.0.2.7", "udp://192.0.2.7:53"},
  };
  for (const auto &each : cases) {
    const Read read = ReadHost(each.text, Wanted(AF_UNSPEC, 53, EVNET_TRANSPORT_UDP));
    EXPECT_EQ(read.status, 0) << each.text;
    EXPECT_EQ(Format(read.address), each.address);
    EXPECT_FALSE(read.address.dual_stack);
  }
}

TEST(HostRead, ANameIsKeptAndNotLookedUp) {
  for (const std::string &name :
       {std::string("db"), std::string("a.test."), std::string(255, 'x'), std::string("a b/c")}) {
    const Read read = ReadHost(name, Wanted(AF_INET6, 5432));
    EXPECT_EQ(read.status, 1) << name;
    EXPECT_EQ(read.host.name, name);
    EXPECT_EQ(read.host.family, AF_INET6);
    EXPECT_EQ(read.host.port, 5432);
    EXPECT_EQ(read.address.socket.any.sa_family, AF_UNSPEC);
  }
}

TEST(HostRead, ARefusalNamesTheHostAndTheReason) {
  const struct {
    std::string text;
    int family;
    const char *message;
  } cases[] = {
      {"", AF_UNSPEC, "host '': the host is missing"},
      {std::string(256, 'x'), AF_UNSPEC, "the host is longer than 255 bytes"},
      {"[::1]", AF_UNSPEC, "host '[::1]': an IPv6 address must be without brackets"},
      {"a:80", AF_UNSPEC, "host 'a:80': 'a:80' is not an IPv6 address"},
      {"fe80::1%no-such", AF_UNSPEC, "there is no interface 'no-such'"},
      {"192.0.2.7", AF_INET6, "an IPv4 address, but an IPv6 address is required"},
      {"::1", AF_INET, "an IPv6 address, but an IPv4 address is required"},
  };
  for (const auto &each : cases) {
    const Read read = ReadHost(each.text, Wanted(each.family));
    EXPECT_EQ(read.status, EVNET_STATUS_ADDRESS) << each.text;
    EXPECT_TRUE(Contains(read.message, each.message)) << read.message;
    EXPECT_EQ(read.address.socket.any.sa_family, AF_UNSPEC);
  }
}

TEST(HostAccept, SetsTheTransportAndThePortUnlessThereIsOne) {
  evnet_address out = {};
  const evnet_host host = Wanted(AF_UNSPEC, 80, EVNET_TRANSPORT_UDP);
  const evnet_address without = Address("192.0.2.7:0");
  ASSERT_TRUE(evnet_host_accept(&host, &without, &out));
  EXPECT_EQ(Format(out), "udp://192.0.2.7:80");
  const evnet_address with = Address("[fe80::1%7]:8080");
  ASSERT_TRUE(evnet_host_accept(&host, &with, &out));
  EXPECT_EQ(Format(out), "udp://[fe80::1%7]:8080");
}

TEST(HostAccept, AMappedAddressIsAnIp4Address) {
  evnet_address mapped = Address("[::1]:0");
  const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7};
  memcpy(&mapped.socket.ip6.sin6_addr, bytes, sizeof bytes);
  evnet_address out = {};
  const evnet_host ip4 = Wanted(AF_INET);
  ASSERT_TRUE(evnet_host_accept(&ip4, &mapped, &out));
  EXPECT_EQ(Format(out), "tcp://192.0.2.7:80");
  const evnet_host ip6 = Wanted(AF_INET6);
  EXPECT_FALSE(evnet_host_accept(&ip6, &mapped, &out));
}

TEST(HostAccept, RefusesOtherFamiliesAndLeavesTheOutput) {
  const evnet_address before = Address("192.0.2.9:9");
  evnet_address out = before;
  const evnet_host ip6 = Wanted(AF_INET6);
  const evnet_host any = Wanted(AF_UNSPEC);
  const evnet_address ip4 = Address("192.0.2.7:0");
  const evnet_address local = Address("unix:///run/x");
  const evnet_address none = {};
  EXPECT_FALSE(evnet_host_accept(&ip6, &ip4, &out));
  EXPECT_FALSE(evnet_host_accept(&any, &local, &out));
  EXPECT_FALSE(evnet_host_accept(&any, &none, &out));
  EXPECT_EQ(Format(out), Format(before));
}

TEST(HostFormat, TheTextIsReadBackAsTheSameHost) {
  for (const char *text : {"tcp://a.test:80", "tcp4://a.test:0", "udp6://a.test:65535"}) {
    evnet_address address = {};
    evnet_host host = {};
    ASSERT_EQ(evnet_address_read_host(text, &address, &host, nullptr, 0), 1);
    char formatted[EVNET_ADDRESS_TEXT_BYTES];
    EXPECT_EQ(evnet_host_format(&host, formatted, sizeof formatted), strlen(text));
    EXPECT_STREQ(formatted, text);
  }
}

TEST(HostFindName, GivesThePlainNameOnly) {
  const evnet_address address = Address("192.0.2.7:80");
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
  char name[EVNET_HOST_BYTES] = "unchanged";
  name_found = "";
  EXPECT_EQ(evnet_host_find_name(&address, name, message, sizeof message), EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(Contains(message, "192.0.2.7")) << message;
  for (const char *hostile : {"a\nb.test", "<script>", "a/../b", "a b", "\xff.test"}) {
    name_found = hostile;
    EXPECT_EQ(evnet_host_find_name(&address, name, message, sizeof message), EVNET_STATUS_ADDRESS);
    EXPECT_TRUE(Contains(message, "the name is malformed")) << message;
    EXPECT_STREQ(name, "unchanged");
  }
  name_found = std::string(256, 'x');
  EXPECT_EQ(evnet_host_find_name(&address, name, message, sizeof message), EVNET_STATUS_ADDRESS);
  name_found = "a-1_b.Test";
  EXPECT_EQ(evnet_host_find_name(&address, name, message, sizeof message), 0);
  EXPECT_STREQ(name, "a-1_b.Test");
  EXPECT_EQ(flags_asked, NI_NAMEREQD);
}

TEST(HostNameIsPlain, OnlyWithLettersDigitsDotsHyphensAndUnderscores) {
  EXPECT_TRUE(evnet_host_name_is_plain("x"));
  EXPECT_TRUE(evnet_host_name_is_plain(std::string(255, 'x').c_str()));
  EXPECT_FALSE(evnet_host_name_is_plain(""));
  EXPECT_FALSE(evnet_host_name_is_plain(std::string(256, 'x').c_str()));
}

}  // namespace
}  // namespace evnet_testing
