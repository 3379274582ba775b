#include "net/base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/testing/address_fixture.h"

namespace evnet_testing {
namespace {

TEST(AddressParse, EverySchemeWithANumericHost) {
  const auto tcp = EVNET_TRANSPORT_TCP, udp = EVNET_TRANSPORT_UDP;
  ExpectSame(Parse("127.0.0.1:9000").address, Ip4(tcp, kLoopback4, 9000));
  ExpectSame(Parse("tcp://127.0.0.1:9000").address, Ip4(tcp, kLoopback4, 9000));
  ExpectSame(Parse("tcp4://127.0.0.1:9000").address, Ip4(tcp, kLoopback4, 9000));
  ExpectSame(Parse("udp://127.0.0.1:9000").address, Ip4(udp, kLoopback4, 9000));
  ExpectSame(Parse("udp4://127.0.0.1:9000").address, Ip4(udp, kLoopback4, 9000));
  ExpectSame(Parse("[::1]:9000").address, Ip6(tcp, kLoopback6, 9000));
  ExpectSame(Parse("tcp://[::1]:9000").address, Ip6(tcp, kLoopback6, 9000));
  ExpectSame(Parse("tcp6://[::1]:9000").address, Ip6(tcp, kLoopback6, 9000));
  ExpectSame(Parse("udp://[::1]:9000").address, Ip6(udp, kLoopback6, 9000));
  ExpectSame(Parse("udp6://[::1]:9000").address, Ip6(udp, kLoopback6, 9000));
}

TEST(AddressParse, NoHostIsEveryAddressOfTheSchemesFamilies) {
  const auto tcp = EVNET_TRANSPORT_TCP, udp = EVNET_TRANSPORT_UDP;
  evnet_address both = Ip6(tcp, kAny6, 80);
  both.dual_stack = true;
  ExpectSame(Parse(":80").address, both);
  ExpectSame(Parse("tcp://:80").address, both);
  ExpectSame(Parse("tcp://[::]:80").address, both);
  both.transport = udp;
  ExpectSame(Parse("udp://:80").address, both);
  ExpectSame(Parse("tcp4://:80").address, Ip4(tcp, kAny4, 80));
  ExpectSame(Parse("udp4://:80").address, Ip4(udp, kAny4, 80));
  ExpectSame(Parse("tcp://0.0.0.0:80").address, Ip4(tcp, kAny4, 80));
  ExpectSame(Parse("tcp6://:80").address, Ip6(tcp, kAny6, 80));
  ExpectSame(Parse("udp6://:80").address, Ip6(udp, kAny6, 80));
  ExpectSame(Parse("tcp6://[::]:80").address, Ip6(tcp, kAny6, 80));
}

TEST(AddressParse, PortsFrom0To65535InDecimal) {
  EXPECT_EQ(Port(Parse(":0").address), 0);
  EXPECT_EQ(Port(Parse(":1").address), 1);
  EXPECT_EQ(Port(Parse(":258").address), 258);
  EXPECT_EQ(Port(Parse("1.2.3.4:65535").address), 65535);
  EXPECT_EQ(Port(Parse("[::1]:00080").address), 80);
}

TEST(AddressParse, AZoneIsANumberOrTheNameOfAnInterface) {
  evnet_address expected = Ip6(EVNET_TRANSPORT_TCP, kLinkLocal, 80);
  expected.socket.ip6.sin6_scope_id = 3;
  ExpectSame(Parse("[fe80::7%3]:80").address, expected);
  expected.socket.ip6.sin6_scope_id = 4294967295;
  ExpectSame(Parse("[fe80::7%4294967295]:80").address, expected);

  struct if_nameindex *interfaces = if_nameindex();
  ASSERT_NE(interfaces, nullptr);
  for (const struct if_nameindex *each = interfaces; each->if_index != 0; each++) {
    expected.socket.ip6.sin6_scope_id = each->if_index;
    ExpectSame(Parse("[fe80::7%" + std::string(each->if_name) + "]:80").address, expected);
  }
  if_freenameindex(interfaces);
}

// strtoul accepts signs and spaces, and converts "-18446744073709551615" to 1.
TEST(AddressParse, ANumericZoneIsDigitsOnly) {
  for (const char *zone : {"0", "+1", "-1", " 1", "1 ", "-18446744073709551615", "4294967296",
                           "18446744073709551617", "", "nosuchinterface", "1x"}) {
    const std::string text = "[fe80::7%" + std::string(zone) + "]:80";
    const Parsed parsed = Parse(text);
    EXPECT_EQ(parsed.status, EVNET_STATUS_ADDRESS) << text;
    EXPECT_TRUE(Contains(parsed.message, text)) << parsed.message;
    EXPECT_TRUE(Contains(parsed.message, "interface")) << parsed.message;
  }
}

// A socket for IPv6 only cannot be bound to an IPv4-mapped address, so it becomes an IPv4 address.
TEST(AddressParse, AnIp4AddressMappedIntoIp6IsTheIp4Address) {
  for (const char *text : {"[::ffff:127.0.0.1]:80", "tcp4://[::ffff:127.0.0.1]:80"}) {
    const Parsed parsed = Parse(text);
    EXPECT_EQ(parsed.status, 0) << parsed.message;
    ExpectSame(parsed.address, Ip4(EVNET_TRANSPORT_TCP, kLoopback4, 80));
  }
  EXPECT_EQ(Parse("udp6://[::ffff:127.0.0.1]:80").status, EVNET_STATUS_ADDRESS);
}

TEST(AddressParse, OnlyTheWholeWildcardTakesBothFamilies) {
  EXPECT_TRUE(Parse("[::0]:80").address.dual_stack);
  for (const char *text :
       {"[::1]:80", "[::1:0:0]:80", "[0:0:1::]:80", "[1::]:80", "[::1:0:0:0]:80"}) {
    const Parsed parsed = Parse(text);
    EXPECT_EQ(parsed.status, 0) << parsed.message;
    EXPECT_FALSE(parsed.address.dual_stack) << text;
  }
}

TEST(AddressParse, AUnixPathEndsWithA0Byte) {
  const Parsed parsed = Parse("unix:///run/a.sock");
  ASSERT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.address.transport, EVNET_TRANSPORT_UNIX);
  EXPECT_EQ(parsed.address.socket.local.sun_family, AF_UNIX);
  EXPECT_EQ(parsed.address.size, kPathOffset + strlen("/run/a.sock") + 1);
  EXPECT_STREQ(parsed.address.socket.local.sun_path, "/run/a.sock");
  EXPECT_STREQ(Parse("unix://a://b:c@d").address.socket.local.sun_path, "a://b:c@d");
  EXPECT_EQ(evnet_address_port(&parsed.address), 0);
}

TEST(AddressParse, AnAbstractNameEndsWithTheAddress) {
  const Parsed parsed = Parse("unix://@name");
  ASSERT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.address.size, kPathOffset + 5);
  EXPECT_EQ(memcmp(parsed.address.socket.local.sun_path, "\0name", 5), 0);
}

TEST(AddressParse, AUnixPathFillsTheAddressButForIts0Byte) {
  const std::string longest(kPathBytes - 1, 'p');
  const Parsed parsed = Parse("unix://" + longest);
  ASSERT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.address.size, sizeof(sockaddr_un));
  EXPECT_EQ(parsed.address.socket.local.sun_path, longest);
  EXPECT_EQ(Format(parsed.address), "unix://" + longest);

  const Parsed refused = Parse("unix://" + longest + "p");
  EXPECT_EQ(refused.status, EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(Contains(refused.message, "unix://" + longest.substr(0, 90))) << refused.message;
  EXPECT_TRUE(Contains(refused.message, std::to_string(kPathBytes) + " bytes")) << refused.message;
}

TEST(AddressParse, AnAbstractNameFillsTheAddress) {
  const std::string longest = "@" + std::string(kPathBytes - 1, 'n');
  const Parsed parsed = Parse("unix://" + longest);
  ASSERT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.address.size, sizeof(sockaddr_un));
  EXPECT_EQ(Format(parsed.address), "unix://" + longest);
  EXPECT_EQ(Parse("unix://" + longest + "n").status, EVNET_STATUS_ADDRESS);
}

TEST(AddressParse, TheKernelTakesUnixAddressesAtTheirBounds) {
  const std::string name = "@evnet-address-test-" + std::to_string(getpid()) + "-";
  const Parsed parsed = Parse("unix://" + name + std::string(kPathBytes - name.size(), 'n'));
  ASSERT_EQ(parsed.status, 0);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(bind(fd, &parsed.address.socket.any, parsed.address.size), 0) << strerror(errno);
  evnet_address bound = {};
  bound.transport = EVNET_TRANSPORT_UNIX;
  bound.size = sizeof bound.socket;
  EXPECT_EQ(getsockname(fd, &bound.socket.any, &bound.size), 0);
  ExpectSame(bound, parsed.address);
  close(fd);
}

TEST(AddressParse, AWrongAddressIsRefusedWithAMessageThatNamesIt) {
  const struct {
    const char *text, *reason;
  } cases[] = {
      {"", "port is missing"},
      {"localhost", "port is missing"},
      {"tcp://", "port is missing"},
      {"tcp://127.0.0.1", "port is missing"},
      {"127.0.0.1:", "port is missing"},
      {"[::1]", "port is missing"},
      {"[::1]80", "port is missing"},
      {"[::1]:", "port is missing"},
      {"unix:/path", "'unix:/' must be 'unix://'"},
      {"udp:/x:1", "'udp:/' must be 'udp://'"},
      {"tcp6:/[::1]:1", "'tcp6:/' must be 'tcp6://'"},
      {"udp:x", "'x' is not a number"},
      {":x", "'x' is not a number"},
      {":80x", "'80x' is not a number"},
      {":-1", "'-1' is not a number"},
      {":+1", "'+1' is not a number"},
      {": 1", "' 1' is not a number"},
      {":65536", "'65536' is not a number from 0 to 65535"},
      {":4294967296", "'4294967296' is not a number from 0 to 65535"},
      {":18446744073709551696", "not a number from 0 to 65535"},
      {"sctp://:80", "scheme"},
      {"TCP://:80", "scheme"},
      {"://:80", "scheme"},
      {"tcp5://:80", "scheme"},
      {"xtcp://:80", "scheme"},
      {"tcp://tcp://:80", "the host 'tcp://' has one ':' too many"},
      {"1.2.3.4:80:1", "the host '1.2.3.4:80' has one ':' too many"},
      {"udp:1.2.3.4:80", "the host 'udp:1.2.3.4' has one ':' too many"},
      {"name:80:", "the host 'name:80' has one ':' too many"},
      {":::::::::", "the host '::::::::' has one ':' too many"},
      {"::1:80", "brackets"},
      {"fe80::1%1:80", "brackets"},
      {"1:2:3:4:5:6:7:8", "brackets"},
      {"::ffff:1.2.3.4:80", "brackets"},
      {"[::1:80", "bracket is not closed"},
      {"[]:80", "not an IPv6 address"},
      {"[127.0.0.1]:80", "'127.0.0.1' is not an IPv6 address"},
      {"[localhost]:80", "'localhost' is not an IPv6 address"},
      {"[:::]:80", "not an IPv6 address"},
      {"[12345::]:80", "not an IPv6 address"},
      {"tcp4://[::1]:80", "an IPv6 address with tcp4://"},
      {"udp4://[::]:80", "an IPv6 address with udp4://"},
      {"tcp6://127.0.0.1:80", "an IPv4 address with tcp6://"},
      {"udp6://0.0.0.0:80", "an IPv4 address with udp6://"},
      {"localhost:80", "'localhost' is not an IP address"},
      {"127.1:80", "'127.1' is not an IP address"},
      {"256.0.0.1:80", "'256.0.0.1' is not an IP address"},
      {"1.2.3.4.5:80", "not an IP address"},
      {"127.0.0.1%1:80", "not an IP address"},
      {" 127.0.0.1:80", "not an IP address"},
      {"unix://", "path is missing"},
      {"unix://@", "abstract name is missing"},
  };
  for (const auto &each : cases) {
    const Parsed parsed = Parse(each.text);
    EXPECT_EQ(parsed.status, EVNET_STATUS_ADDRESS) << each.text;
    EXPECT_TRUE(Contains(parsed.message, "'" + std::string(each.text) + "'")) << parsed.message;
    EXPECT_TRUE(Contains(parsed.message, each.reason)) << parsed.message;
    EXPECT_EQ(parsed.message.find('\n'), std::string::npos);
  }
}

TEST(AddressParse, AHostOf256BytesIsTooLong) {
  EXPECT_TRUE(Contains(Parse(std::string(255, 'h') + ":80").message, "not an IP address"));
  EXPECT_TRUE(Contains(Parse(std::string(256, 'h') + ":80").message, "longer than 255"));
  EXPECT_TRUE(Contains(Parse("[" + std::string(256, 'h') + "]:80").message, "longer than 255"));
}

// The host is too long for an IPv6 address. The message contains the first 60 bytes of it.
TEST(AddressParse, AHostOfManyBytesWithAColonIsNoIp6Address) {
  for (const size_t size : {50, 100}) {
    const std::string host = std::string(size, 'h') + ":1";
    EXPECT_TRUE(Contains(Parse(host + ":80").message,
                         "the host '" + host.substr(0, 60) + "' has one ':' too many"))
        << Parse(host + ":80").message;
  }
}

TEST(AddressParse, TheAddressIsUntouchedOnError) {
  evnet_address before;
  memset(&before, 0x5A, sizeof before);
  for (const char *text : {":x", "[::1]80", "[::g]:80", "[::1%0]:80", "x:80", "unix://", "y://:1",
                           "tcp4://[::1]:1", "tcp6://1.2.3.4:1"}) {
    evnet_address address = before;
    EXPECT_EQ(evnet_address_parse(text, &address, nullptr, 0), EVNET_STATUS_ADDRESS);
    EXPECT_EQ(memcmp(&address, &before, sizeof before), 0) << text;
  }
}

TEST(AddressParse, TheMessageIsCutToItsSizeAndEndsWithA0Byte) {
  evnet_address address;
  char whole[EVNET_ADDRESS_MESSAGE_BYTES];
  ASSERT_LT(evnet_address_parse("1.2.3.4:x", &address, whole, sizeof whole), 0);
  for (size_t size = 0; size <= strlen(whole) + 2; size++) {
    char message[EVNET_ADDRESS_MESSAGE_BYTES];
    memset(message, '#', sizeof message);
    EXPECT_LT(evnet_address_parse("1.2.3.4:x", &address, message, size), 0);
    EXPECT_EQ(message[size], '#') << size;
    if (size > 0) {
      EXPECT_EQ(std::string(message), std::string(whole).substr(0, size - 1));
    }
  }
  EXPECT_LT(evnet_address_parse("1.2.3.4:x", &address, nullptr, 100), 0);
}

TEST(AddressParse, TheMessageBytesHoldEveryMessage) {
  const std::string names[] = {std::string(255, 'h'), std::string(63, 'h') + ".invalid"};
  const std::string texts[] = {
      names[0] + ":80",
      names[1] + ":80",
      "[" + names[0] + "]:80",
      "[::%" + names[0] + "]:80",
      ":" + std::string(300, '9'),
      ":" + std::string(300, 'x'),
      "unix://" + std::string(5000, 'p'),
      std::string(300, 's') + "://",
  };
  for (const std::string &text : texts) {
    for (const auto call : {evnet_address_parse, evnet_address_resolve}) {
      evnet_address address;
      char fits[EVNET_ADDRESS_MESSAGE_BYTES], large[1024];
      ASSERT_LT(call(text.c_str(), &address, fits, sizeof fits), 0);
      ASSERT_LT(call(text.c_str(), &address, large, sizeof large), 0);
      EXPECT_STREQ(fits, large);
      EXPECT_TRUE(Contains(large, text.substr(0, 100))) << large;
    }
  }
}

TEST(AddressResolve, TakesEverythingThatParseTakes) {
  for (const char *text : {"tcp://127.0.0.1:1", "udp6://[::1]:2", ":3", "tcp4://:4", "unix:///a",
                           "unix://@a", "[fe80::1%1]:5"}) {
    const Parsed resolved = Call(evnet_address_resolve, text);
    EXPECT_EQ(resolved.status, 0) << resolved.message;
    ExpectSame(resolved.address, Parse(text).address);
  }
}

TEST(AddressResolve, LocalhostIsTheLoopbackAddressOfTheSchemesFamily) {
  const Parsed ip4 = Call(evnet_address_resolve, "udp4://localhost:70");
  ASSERT_EQ(ip4.status, 0) << ip4.message;
  EXPECT_EQ(ip4.address.socket.ip4.sin_addr.s_addr & htonl(0xFF000000), htonl(0x7F000000));
  EXPECT_EQ(ip4.address.size, sizeof(sockaddr_in));
  EXPECT_EQ(ip4.address.transport, EVNET_TRANSPORT_UDP);
  EXPECT_EQ(evnet_address_port(&ip4.address), 70);

  const Parsed any = Call(evnet_address_resolve, "localhost:70");
  ASSERT_EQ(any.status, 0) << any.message;
  EXPECT_EQ(any.address.transport, EVNET_TRANSPORT_TCP);
  EXPECT_EQ(evnet_address_port(&any.address), 70);

  // On a machine without IPv6, this name may be unknown.
  const Parsed ip6 = Call(evnet_address_resolve, "tcp6://localhost:70");
  if (ip6.status == 0) {
    ExpectSame(ip6.address, Ip6(EVNET_TRANSPORT_TCP, kLoopback6, 70));
  } else {
    EXPECT_TRUE(Contains(ip6.message, "'localhost'"));
  }
}

TEST(AddressResolve, AnUnknownNameIsRefusedWithAMessageThatNamesIt) {
  // RFC 6761 section 6.4: names under .invalid do not exist.
  const Parsed parsed = Call(evnet_address_resolve, "tcp://no.such.host.invalid:80");
  // Without a name server the name cannot be looked up.
  EXPECT_TRUE(parsed.status == EVNET_STATUS_ADDRESS || parsed.status == EVNET_STATUS_LOOKUP)
      << evnet_status_name(parsed.status);
  EXPECT_TRUE(Contains(parsed.message, "'tcp://no.such.host.invalid:80'")) << parsed.message;
  EXPECT_TRUE(Contains(parsed.message, "host 'no.such.host.invalid': ")) << parsed.message;
}

// Addresses of the kernel

int FromSocket(const void *socket, size_t size, evnet_transport transport, evnet_address *out) {
  return evnet_address_from_socket(static_cast<const sockaddr *>(socket),
                                   static_cast<socklen_t>(size), transport, out);
}

TEST(AddressFromSocket, ReadsEachFamily) {
  evnet_address in6 = Ip6(EVNET_TRANSPORT_UDP, kLinkLocal, 81);
  in6.socket.ip6.sin6_scope_id = 9;
  evnet_address local = {};
  ASSERT_EQ(evnet_address_parse("unix://@name", &local, nullptr, 0), 0);
  for (const evnet_address &each : {Ip4(EVNET_TRANSPORT_TCP, kLoopback4, 80), in6, local}) {
    evnet_address out;
    EXPECT_EQ(FromSocket(&each.socket, each.size, each.transport, &out), 0);
    ExpectSame(out, each);
  }
}

TEST(AddressFromSocket, AnIp4MappedAddressIsAnIp4Address) {
  evnet_address mapped = Ip6(EVNET_TRANSPORT_TCP, kLoopback6, 80), out;
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.socket.ip6.sin6_addr), 1);
  EXPECT_EQ(FromSocket(&mapped.socket, mapped.size, EVNET_TRANSPORT_TCP, &out), 0);
  ExpectSame(out, Ip4(EVNET_TRANSPORT_TCP, kLoopback4, 80));
}

TEST(AddressFromSocket, RefusesOtherFamiliesAndSizesAndLeavesTheAddress) {
  const evnet_address before = Ip4(EVNET_TRANSPORT_TCP, kLoopback4, 80);
  evnet_address out = before, in6 = Ip6(EVNET_TRANSPORT_TCP, kLoopback6, 80), other = before;
  const auto tcp = EVNET_TRANSPORT_TCP, local = EVNET_TRANSPORT_UNIX;
  EXPECT_EQ(FromSocket(&before.socket, sizeof(sockaddr_in) - 1, tcp, &out), -EINVAL);
  EXPECT_EQ(FromSocket(&in6.socket, sizeof(sockaddr_in6) - 1, tcp, &out), -EINVAL);
  EXPECT_EQ(FromSocket(&before.socket, 0, tcp, &out), -EINVAL);
  EXPECT_EQ(FromSocket(&before.socket, before.size, local, &out), -EINVAL);
  other.socket.any.sa_family = AF_UNIX;
  EXPECT_EQ(FromSocket(&other.socket, sizeof(sockaddr_un) + 1, local, &out), -EINVAL);
  EXPECT_EQ(FromSocket(&other.socket, sizeof(sockaddr_un), tcp, &out), -EINVAL);
  other.socket.any.sa_family = AF_UNSPEC;
  EXPECT_EQ(FromSocket(&other.socket, sizeof other.socket, tcp, &out), -EAFNOSUPPORT);
  ExpectSame(out, before);
}

TEST(AddressResolve, AMalformedIp4AddressIsNotLookedUp) {
  for (const char *host : {"300.1.1.1", "127.1", "1.2.3.4.5", "1.2.3.4."}) {
    const Parsed parsed = Call(evnet_address_resolve, "tcp://" + std::string(host) + ":80");
    EXPECT_EQ(parsed.status, EVNET_STATUS_ADDRESS) << host;
    EXPECT_TRUE(Contains(parsed.message, "'" + std::string(host) + "' is not an IP address"))
        << parsed.message;
  }
}

TEST(AddressResolve, RefusesWhatIsWrongBesidesTheName) {
  EXPECT_EQ(Call(evnet_address_resolve, "localhost:65536").status, EVNET_STATUS_ADDRESS);
  EXPECT_EQ(Call(evnet_address_resolve, "[localhost]:80").status, EVNET_STATUS_ADDRESS);
}

TEST(AddressRead, LeavesANameToBeLookedUpAndReadsTheRestAtOnce) {
  const struct {
    const char *text;
    int status;
    evnet_transport transport;
  } cases[] = {
      {"tcp://host.test:80", 1, EVNET_TRANSPORT_TCP},
      {"host.test:80", 1, EVNET_TRANSPORT_TCP},
      {"udp4://host.test:53", 1, EVNET_TRANSPORT_UDP},
      {"tcp://127.0.0.1:80", 0, EVNET_TRANSPORT_TCP},
      {"udp://[::1]:53", 0, EVNET_TRANSPORT_UDP},
      {"unix:///run/x", 0, EVNET_TRANSPORT_UNIX},
      {"tcp://host.test", EVNET_STATUS_ADDRESS, EVNET_TRANSPORT_TCP},
      {"tcp://host.test:65536", EVNET_STATUS_ADDRESS, EVNET_TRANSPORT_TCP},
      {"http://host.test:80", EVNET_STATUS_ADDRESS, EVNET_TRANSPORT_TCP},
  };
  for (const auto &each : cases) {
    evnet_address address = {};
    char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
    EXPECT_EQ(evnet_address_read(each.text, &address, message, sizeof message), each.status)
        << each.text;
    EXPECT_EQ(address.transport, each.transport) << each.text;
    EXPECT_EQ(address.socket.any.sa_family == AF_UNSPEC, each.status != 0) << each.text;
    EXPECT_EQ(message[0] != '\0', each.status < 0) << each.text;
  }
}

}  // namespace
}  // namespace evnet_testing
