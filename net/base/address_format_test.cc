// Tests of formatting addresses as text, and of parsing that text.
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"
#include "net/base/testing/address_fixture.h"

namespace evnet_testing {
namespace {

TEST(AddressFormat, WritesEachKind) {
  const auto tcp = EVNET_TRANSPORT_TCP, udp = EVNET_TRANSPORT_UDP;
  EXPECT_EQ(Format(Ip4(tcp, kLoopback4, 9000)), "tcp://127.0.0.1:9000");
  EXPECT_EQ(Format(Ip4(udp, kAny4, 0)), "udp://0.0.0.0:0");
  EXPECT_EQ(Format(Ip6(tcp, kLoopback6, 65535)), "tcp://[::1]:65535");
  EXPECT_EQ(Format(Ip6(udp, kLoopback6, 1)), "udp://[::1]:1");
  EXPECT_EQ(Format(Ip6(tcp, kAny6, 1)), "tcp6://[::]:1");
  EXPECT_EQ(Format(Ip6(udp, kAny6, 1)), "udp6://[::]:1");
  evnet_address both = Ip6(udp, kAny6, 1);
  both.dual_stack = true;
  EXPECT_EQ(Format(both), "udp://[::]:1");
  evnet_address zone = Ip6(tcp, kLinkLocal, 1);
  zone.socket.ip6.sin6_scope_id = 4294967295;
  EXPECT_EQ(Format(zone), "tcp://[fe80::7%4294967295]:1");
}

TEST(AddressFormat, NoAddressIsNoneAndASocketWithoutANameIsEmpty) {
  evnet_address address = {};
  EXPECT_EQ(Format(address), "none");
  EXPECT_EQ(evnet_address_port(&address), 0);
  // accept(2) returns only the family for a Unix client that is not bound.
  address.socket.any.sa_family = AF_UNIX;
  address.transport = EVNET_TRANSPORT_UNIX;
  address.size = sizeof(sa_family_t);
  EXPECT_EQ(Format(address), "unix://");
  address.size = 0;
  EXPECT_EQ(Format(address), "unix://");
}

// A path of the maximum size has no terminating 0 byte (unix(7), BUGS).
TEST(AddressFormat, APathWithoutA0ByteEndsWithTheAddress) {
  evnet_address address = {};
  address.socket.any.sa_family = AF_UNIX;
  memset(address.socket.local.sun_path, 'p', kPathBytes);
  address.size = sizeof(sockaddr_un);
  EXPECT_EQ(Format(address), "unix://" + std::string(kPathBytes, 'p'));
}

// A program may keep addresses from its users in buffers of this size.
TEST(AddressFormat, TextBytesHoldTheLongestNameWithItsScheme) {
  const std::string text = "tcp6://" + std::string(255, 'x') + ":65535";
  evnet_address address = {};
  EXPECT_EQ(evnet_address_read(text.c_str(), &address, nullptr, 0), 1);
  EXPECT_LT(text.size(), static_cast<size_t>(EVNET_ADDRESS_TEXT_BYTES));
}

TEST(AddressFormat, ATextIsCutToItsSizeAndItsLengthIsTheWholes) {
  for (const char *whole :
       {"tcp://127.0.0.1:9000", "udp://[fe80::7%3]:80", "unix://@name", "unix:///run/a.sock"}) {
    const evnet_address address = Parse(whole).address;
    for (size_t size = 0; size <= strlen(whole) + 2; size++) {
      char text[EVNET_ADDRESS_TEXT_BYTES];
      memset(text, '#', sizeof text);
      EXPECT_EQ(evnet_address_format(&address, text, size), strlen(whole));
      EXPECT_EQ(text[size], '#');
      if (size > 0) {
        EXPECT_EQ(std::string(text), std::string(whole).substr(0, size - 1));
      }
    }
    EXPECT_EQ(evnet_address_format(&address, nullptr, 0), strlen(whole));
  }
}

TEST(AddressFormat, ParseReadsBackWhatFormatWrote) {
  const std::string longest(kPathBytes - 1, 'p');
  const std::string texts[] = {
      ":0",
      "tcp://:1",
      "tcp4://:2",
      "tcp6://:3",
      "udp://:4",
      "udp4://:5",
      "udp6://:6",
      "tcp://[::]:7",
      "tcp6://[::]:8",
      "udp6://[::]:9",
      "0.0.0.0:10",
      "1.2.3.4:65535",
      "tcp6://[::1]:11",
      "udp6://[2001:db8::1:0:0:1]:12",
      "[fe80::1%7]:13",
      "[ff02::1%1]:14",
      "udp://[1:2:3:4:5:6:7:8]:15",
      "[::ffff:1.2.3.4]:16",
      "[::1.2.3.4]:17",
      "[0:0:1::]:1",
      "[::1:0:0:0]:1",
      "[::1:0:0]:1",
      "[64:ff9b::1.2.3.4]:18",
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
      "[::%1]:19",
      "unix://a",
      "unix:///a/b",
      "unix://@a",
      "unix://@@",
      "unix://" + longest,
      "unix://@" + longest,
      "unix://a b:c/[d]",
  };
  for (const std::string &text : texts) {
    const Parsed first = Parse(text);
    ASSERT_EQ(first.status, 0) << first.message;
    const Parsed second = Parse(Format(first.address));
    ASSERT_EQ(second.status, 0) << second.message;
    ExpectSame(second.address, first.address);
    EXPECT_EQ(Format(second.address), Format(first.address));
  }
}

}  // namespace
}  // namespace evnet_testing
