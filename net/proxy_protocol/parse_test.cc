#include <errno.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/proxy_protocol/crc32c.h"
#include "net/proxy_protocol/proxy_protocol.h"

namespace {

const char kSignature[] = "\r\n\r\n\0\r\nQUIT\n";

std::string Text(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

ssize_t Parse(const std::string &bytes, evnet_proxy_header *out) {
  // The copy has no byte after the end, so that AddressSanitizer sees a read beyond it.
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return evnet_proxy_parse(copy.data(), copy.size(), out);
}

ssize_t Parse(const std::string &bytes) {
  evnet_proxy_header header;
  return Parse(bytes, &header);
}

std::string Size(size_t size) {
  return {static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
}

std::string Field(int type, const std::string &value) {
  return std::string(1, static_cast<char>(type)) + Size(value.size()) + value;
}

// A header of version 2.
std::string V2(int command, int family, const std::string &rest) {
  std::string bytes(kSignature, 12);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  return bytes + Size(rest.size()) + rest;
}

const std::string kIp4("\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb", 12);

void ExpectWhole(const std::string &bytes) {
  for (size_t size = 0; size < bytes.size(); size++) {
    EXPECT_EQ(Parse(bytes.substr(0, size)), 0) << "after " << size << " bytes of " << bytes;
  }
  EXPECT_EQ(Parse(bytes), static_cast<ssize_t>(bytes.size())) << bytes;
  EXPECT_EQ(Parse(bytes + "GET / HTTP/1.1\r\n"), static_cast<ssize_t>(bytes.size())) << bytes;
}

TEST(ProxyParse, ReadsTheAddressesOfALine) {
  const struct {
    const char *line;
    const char *source;
    const char *destination;
  } cases[] = {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "tcp://192.0.2.1:56324",
       "tcp://198.51.100.2:443"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "tcp://255.255.255.255:65535",
       "tcp://255.255.255.255:65535"},
      {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "tcp://0.0.0.0:0", "tcp://0.0.0.0:0"},
      {"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "tcp://[2001:db8::1]:1", "tcp://[::1]:2"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "tcp://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
       "tcp://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
  };
  for (const auto &each : cases) {
    evnet_proxy_header header;
    ExpectWhole(each.line);
    ASSERT_GT(Parse(each.line, &header), 0);
    EXPECT_EQ(header.version, 1);
    EXPECT_FALSE(header.is_local);
    EXPECT_EQ(Text(header.source), each.source);
    EXPECT_EQ(Text(header.destination), each.destination);
    EXPECT_EQ(header.fields.size, 0u);
  }
}

TEST(ProxyParse, IgnoresTheRestOfAnUnknownLine) {
  for (const char *line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 whatever 1\r\n"}) {
    evnet_proxy_header header;
    ExpectWhole(line);
    ASSERT_GT(Parse(line, &header), 0);
    EXPECT_TRUE(header.is_local);
    EXPECT_EQ(header.source.socket.any.sa_family, AF_UNSPEC);
    EXPECT_EQ(header.destination.socket.any.sa_family, AF_UNSPEC);
  }
}

TEST(ProxyParse, RefusesALineThatIsNotExactlyAsSpecified) {
  const std::string null(1, '\0');
  for (const std::string &line : {
           std::string("GET / HTTP/1.1\r\n"),
           std::string("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXYTCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXY \r\n"),
           std::string("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXY UNKNOWNX\r\n"),
           std::string("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"),
           std::string("PROXY TCP4 1.2.3.4 1.2.3.4 999999 2\r\n"),
           std::string("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n"),
           std::string("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
           std::string("PROXY TCP4 ::1 ::1 1 2\r\n"),
           std::string("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
           std::string("PROXY TCP6 ::1%lo ::1 1 2\r\n"),
           "PROXY TCP4 1.2.3.4" + null + " 1.2.3.4 1 2\r\n",
           "PROXY UNKNOWN" + null + "\r\n",
           "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n",
       }) {
    EXPECT_EQ(Parse(line), -EPROTO) << line;
  }
  // 107 bytes is the longest line.
  ExpectWhole("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n");
  EXPECT_EQ(Parse("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), -EPROTO);
  EXPECT_EQ(Parse(std::string(107, 'x')), -EPROTO);
}

TEST(ProxyParse, RefusesOtherProtocolsFromTheirFirstBytes) {
  EXPECT_EQ(Parse("G"), -EPROTO);
  EXPECT_EQ(Parse("\x16\x03\x01"), -EPROTO);
  EXPECT_EQ(Parse("\r\n\r\nG"), -EPROTO);
  EXPECT_EQ(Parse("PRI * HTTP/2.0\r\n"), -EPROTO);
}

TEST(ProxyParse, ReadsTheAddressesOfEachFamily) {
  std::string ip6(36, '\0');
  ip6[15] = 1;
  ip6[31] = 2;
  ip6[33] = 80;
  ip6[35] = 90;
  std::string path(216, '\0');
  path.replace(0, 6, "/run/a");
  path.replace(108, 3, std::string("\0ab", 3));
  const struct {
    int family;
    std::string addresses;
    const char *source;
    const char *destination;
  } cases[] = {
      {0x11, kIp4, "tcp://192.0.2.1:56324", "tcp://198.51.100.2:443"},
      {0x12, kIp4, "udp://192.0.2.1:56324", "udp://198.51.100.2:443"},
      {0x21, ip6, "tcp://[::1]:80", "tcp://[::2]:90"},
      {0x22, ip6, "udp://[::1]:80", "udp://[::2]:90"},
      {0x31, path, "unix:///run/a", "unix://@ab"},
      {0x32, path, "unix:///run/a", "unix://@ab"},
  };
  for (const auto &each : cases) {
    for (const std::string &fields : {std::string(), Field(0x04, "pad")}) {
      const std::string bytes = V2(0x21, each.family, each.addresses + fields);
      evnet_proxy_header header;
      ExpectWhole(bytes);
      const std::vector<char> copy(bytes.begin(), bytes.end());
      ASSERT_GT(evnet_proxy_parse(copy.data(), copy.size(), &header), 0);
      EXPECT_EQ(header.version, 2);
      EXPECT_FALSE(header.is_local);
      EXPECT_EQ(Text(header.source), each.source);
      EXPECT_EQ(Text(header.destination), each.destination);
      EXPECT_EQ(header.fields.size, fields.size());
    }
  }
}

TEST(ProxyParse, KeepsAPathThatFillsItsPlace) {
  const std::string path = "/" + std::string(107, 'p');
  evnet_proxy_header header;
  ASSERT_GT(Parse(V2(0x21, 0x31, path + path), &header), 0);
  EXPECT_EQ(Text(header.source), "unix://" + path);
}

TEST(ProxyParse, LeavesTheAddressesOutOfLocalAndUnspecifiedHeaders) {
  for (const std::string &bytes :
       {V2(0x20, 0x00, ""), V2(0x20, 0x11, kIp4), V2(0x20, 0xff, "anything"), V2(0x20, 0x11, ""),
        V2(0x21, 0x00, ""), V2(0x21, 0x00, Field(0x04, "pad"))}) {
    evnet_proxy_header header;
    ExpectWhole(bytes);
    ASSERT_GT(Parse(bytes, &header), 0);
    EXPECT_TRUE(header.is_local);
    EXPECT_EQ(header.source.socket.any.sa_family, AF_UNSPEC);
  }
}

TEST(ProxyParse, RefusesAHeaderAsSoonAsOneByteIsWrong) {
  const std::string valid = V2(0x21, 0x11, kIp4);
  for (size_t i = 0; i < 12; i++) {
    std::string bytes = valid.substr(0, i + 1);
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    EXPECT_EQ(Parse(bytes), -EPROTO) << i;
  }
  for (const int command : {0x00, 0x11, 0x22, 0x2f, 0x31, 0xff})
    EXPECT_EQ(Parse(V2(command, 0x11, kIp4).substr(0, 13)), -EPROTO) << command;
  for (const int family : {0x01, 0x10, 0x13, 0x14, 0x23, 0x33, 0x41, 0xff})
    EXPECT_EQ(Parse(V2(0x21, family, kIp4).substr(0, 14)), -EPROTO) << family;
  EXPECT_EQ(Parse(V2(0x21, 0x11, kIp4.substr(1)).substr(0, 16)), -EPROTO);
  EXPECT_EQ(Parse(V2(0x21, 0x21, kIp4)), -EPROTO);
  EXPECT_EQ(Parse(V2(0x21, 0x31, kIp4)), -EPROTO);
}

TEST(ProxyParse, RefusesAHeaderThatIsTooLong) {
  const size_t room = EVNET_PROXY_HEADER_BYTES_MAX - 16 - kIp4.size() - 3;
  ExpectWhole(V2(0x21, 0x11, kIp4 + Field(0x04, std::string(room, '\0'))));
  const std::string longer = V2(0x21, 0x11, kIp4 + Field(0x04, std::string(room + 1, '\0')));
  EXPECT_EQ(Parse(longer), -EMSGSIZE);
  EXPECT_EQ(Parse(longer.substr(0, 16)), -EMSGSIZE);
}

TEST(ProxyParse, PresentsTheFieldsInOrder) {
  const std::string bytes = V2(
      0x21, 0x11,
      kIp4 + Field(EVNET_PROXY_ALPN, "h2") + Field(EVNET_PROXY_AUTHORITY, "") + Field(0xee, "own"));
  evnet_proxy_header header;
  ASSERT_GT(evnet_proxy_parse(bytes.data(), bytes.size(), &header), 0);
  std::vector<std::string> found;
  uint8_t type;
  evnet_bytes value;
  while (evnet_proxy_next_field(&header.fields, &type, &value)) {
    found.push_back(std::to_string(type) + "=" +
                    std::string(reinterpret_cast<const char *>(value.data), value.size));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"1=h2", "2=", "238=own"}));
}

TEST(ProxyParse, RefusesFieldsThatDoNotFillTheHeader) {
  for (const std::string &fields :
       {std::string("\x01"), std::string("\x01\x00", 2), std::string("\x01\x00\x01", 3),
        Field(0x01, "h2") + "x", Field(0x05, std::string(129, 'u'))}) {
    EXPECT_EQ(Parse(V2(0x21, 0x11, kIp4 + fields)), -EPROTO);
    EXPECT_EQ(Parse(V2(0x21, 0x00, fields)), -EPROTO);
  }
  ExpectWhole(V2(0x21, 0x11, kIp4 + Field(0x05, std::string(128, 'u'))));
}

TEST(ProxyParse, VerifiesTheChecksum) {
  std::string bytes = V2(0x21, 0x11,
                         kIp4 + Field(EVNET_PROXY_CRC32C, std::string(4, '\0')) +
                             Field(EVNET_PROXY_AUTHORITY, "example.org"));
  const uint32_t crc = evnet_crc32c(0, bytes.data(), bytes.size());
  for (int i = 0; i < 4; i++) bytes[31 + i] = static_cast<char>(crc >> (24 - 8 * i));
  ExpectWhole(bytes);
  for (size_t i = 16; i < bytes.size(); i++) {
    if (i == 28) continue;  // with another type, the field is not a checksum
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_LT(Parse(changed), 0) << i;
  }
  EXPECT_EQ(Parse(V2(0x21, 0x11, kIp4 + Field(EVNET_PROXY_CRC32C, "abc"))), -EPROTO);
}

TEST(ProxyParse, ChangesNothingOnAnError) {
  evnet_proxy_header header = {};
  header.version = 77;
  EXPECT_EQ(Parse("PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n", &header), -EPROTO);
  EXPECT_EQ(Parse("PROXY TCP4 1.2", &header), 0);
  EXPECT_EQ(Parse(V2(0x21, 0x11, kIp4 + "x"), &header), -EPROTO);
  EXPECT_EQ(header.version, 77);
}

}  // namespace
