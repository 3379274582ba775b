#include <errno.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/proxy_protocol/proxy_protocol.h"

namespace {

evnet_address Address(const std::string &text) {
  evnet_address address = {};
  if (text.empty()) return address;
  EXPECT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0) << text;
  return address;
}

evnet_proxy_header Header(int version, const std::string &source, const std::string &destination) {
  evnet_proxy_header header = {};
  header.version = version;
  header.source = Address(source);
  header.destination = Address(destination);
  return header;
}

std::string Write(const evnet_proxy_header &header, bool crc32c = false) {
  char bytes[EVNET_PROXY_HEADER_BYTES_MAX];
  const ssize_t size = evnet_proxy_write(&header, crc32c, bytes, sizeof bytes);
  EXPECT_GT(size, 0);
  return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
}

std::string Text(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

const char *const kPairs[][2] = {
    {"tcp://192.0.2.1:56324", "tcp://198.51.100.2:443"},
    {"tcp://[2001:db8::1]:1", "tcp://[::1]:65535"},
    {"udp://192.0.2.1:53", "udp://198.51.100.2:0"},
    {"udp://[2001:db8::1]:53", "udp://[::1]:1"},
    {"unix:///run/a", "unix://@abstract"},
};

TEST(ProxyWrite, WritesTheLineOfTheSpecification) {
  EXPECT_EQ(Write(Header(1, kPairs[0][0], kPairs[0][1])),
            "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
  EXPECT_EQ(Write(Header(1, kPairs[1][0], kPairs[1][1])), "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
}

TEST(ProxyWrite, WritesUnknownForAddressesThatALineCannotExpress) {
  for (const auto &header :
       {Header(1, kPairs[2][0], kPairs[2][1]), Header(1, kPairs[4][0], kPairs[4][1]),
        Header(1, "", ""), Header(1, "tcp://1.2.3.4:1", "tcp://[::1]:1"),
        Header(1, "tcp://1.2.3.4:1", "udp://1.2.3.4:1")}) {
    EXPECT_EQ(Write(header), "PROXY UNKNOWN\r\n");
  }
  evnet_proxy_header local = Header(1, kPairs[0][0], kPairs[0][1]);
  local.is_local = true;
  EXPECT_EQ(Write(local), "PROXY UNKNOWN\r\n");
}

TEST(ProxyWrite, WritesTheBytesOfTheSpecification) {
  EXPECT_EQ(Write(Header(2, kPairs[0][0], kPairs[0][1])),
            std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc"
                        "\x04\x01\xbb",
                        28));
  evnet_proxy_header local = Header(2, "", "");
  local.is_local = true;
  EXPECT_EQ(Write(local), std::string("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", 16));
}

TEST(ProxyWrite, KeepsTheFieldsOfAHeaderWithoutAddresses) {
  static const uint8_t field[] = {EVNET_PROXY_AUTHORITY, 0, 1, 'x'};
  for (const bool crc32c : {false, true}) {
    evnet_proxy_header header = Header(2, "", "");
    header.is_local = true;
    header.fields = {field, sizeof field};
    const std::string bytes = Write(header, crc32c);
    EXPECT_EQ(bytes[12], '\x21') << "a receiver discards the fields of LOCAL";
    evnet_proxy_header parsed;
    ASSERT_EQ(evnet_proxy_parse(bytes.data(), bytes.size(), &parsed),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_TRUE(parsed.is_local);
    ASSERT_GE(parsed.fields.size, sizeof field);
    EXPECT_EQ(memcmp(parsed.fields.data, field, sizeof field), 0);
  }
}

TEST(ProxyWrite, IsReadBackByParse) {
  for (const int version : {1, 2}) {
    for (const bool crc32c : {false, true}) {
      for (const auto &pair : kPairs) {
        const std::string bytes = Write(Header(version, pair[0], pair[1]), crc32c);
        evnet_proxy_header parsed;
        ASSERT_EQ(evnet_proxy_parse(bytes.data(), bytes.size(), &parsed),
                  static_cast<ssize_t>(bytes.size()));
        EXPECT_EQ(parsed.version, version);
        if (parsed.is_local) continue;  // version 1 of UDP and Unix
        EXPECT_EQ(Text(parsed.source), pair[0]);
        EXPECT_EQ(Text(parsed.destination), pair[1]);
      }
    }
  }
}

TEST(ProxyWrite, CopiesTheFieldsExceptPaddingAndTheOldChecksum) {
  uint8_t fields[64];
  size_t size = 0;
  const auto append = [&](int type, const std::string &value) {
    const evnet_bytes bytes = {reinterpret_cast<const uint8_t *>(value.data()), value.size()};
    EXPECT_EQ(
        evnet_proxy_append_field(fields, sizeof fields, &size, static_cast<uint8_t>(type), bytes),
        0);
  };
  append(EVNET_PROXY_CRC32C, "old!");
  append(EVNET_PROXY_AUTHORITY, "example.org");
  append(EVNET_PROXY_NOOP, "padding");
  append(EVNET_PROXY_ALPN, "");
  evnet_proxy_header header = Header(2, kPairs[0][0], kPairs[0][1]);
  header.fields = {fields, size};
  for (const bool crc32c : {false, true}) {
    const std::string bytes = Write(header, crc32c);
    evnet_proxy_header parsed;
    ASSERT_GT(evnet_proxy_parse(bytes.data(), bytes.size(), &parsed), 0);
    std::vector<int> types;
    uint8_t type;
    evnet_bytes value;
    while (evnet_proxy_next_field(&parsed.fields, &type, &value)) types.push_back(type);
    std::vector<int> expected = {EVNET_PROXY_AUTHORITY, EVNET_PROXY_ALPN};
    if (crc32c) expected.push_back(EVNET_PROXY_CRC32C);
    EXPECT_EQ(types, expected);
  }
}

TEST(ProxyWrite, RefusesWhatDoesNotFit) {
  char bytes[256];
  for (const auto &header : {Header(1, kPairs[0][0], kPairs[0][1]), Header(1, "", ""),
                             Header(2, kPairs[0][0], kPairs[0][1]), Header(2, "", "")}) {
    const ssize_t size = evnet_proxy_write(&header, true, bytes, sizeof bytes);
    ASSERT_GT(size, 0);
    for (ssize_t room = 0; room < size; room++) {
      EXPECT_EQ(evnet_proxy_write(&header, true, bytes, static_cast<size_t>(room)), -EMSGSIZE);
    }
    EXPECT_EQ(evnet_proxy_write(&header, true, bytes, static_cast<size_t>(size)), size);
  }
  evnet_proxy_header header = Header(3, "", "");
  EXPECT_EQ(evnet_proxy_write(&header, false, bytes, sizeof bytes), -EINVAL);
  header.version = 2;
  const uint8_t torn[] = {EVNET_PROXY_ALPN, 0, 5, 'h'};
  header.fields = {torn, sizeof torn};
  EXPECT_EQ(evnet_proxy_write(&header, false, bytes, sizeof bytes), -EINVAL);
  size_t size = 0;
  uint8_t small[5];
  const uint8_t value[] = {1, 2, 3};
  EXPECT_EQ(evnet_proxy_append_field(small, sizeof small, &size, 1, {value, 3}), -EMSGSIZE);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(evnet_proxy_append_field(small, sizeof small, &size, 1, {value, 2}), 0);
  EXPECT_EQ(evnet_proxy_append_field(small, sizeof small, &size, 1, {value, 0}), -EMSGSIZE);
  EXPECT_EQ(size, 5u);
}

}  // namespace
