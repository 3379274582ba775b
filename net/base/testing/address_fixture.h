// Helpers for tests of address parsing: short forms of addresses and of the calls.
#ifndef EVNET_NET_BASE_TESTING_ADDRESS_FIXTURE_H_
#define EVNET_NET_BASE_TESTING_ADDRESS_FIXTURE_H_

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"

namespace evnet_testing {

constexpr size_t kPathBytes = sizeof(sockaddr_un::sun_path);
constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// The results of one call.
struct Parsed {
  int status;
  evnet_address address;
  std::string message;
};

inline Parsed Call(int (*parse)(const char *, evnet_address *, char *, size_t),
                   const std::string &text) {
  Parsed out = {};
  char message[EVNET_ADDRESS_MESSAGE_BYTES] = "";
  out.status = parse(text.c_str(), &out.address, message, sizeof message);
  out.message = message;
  return out;
}

inline Parsed Parse(const std::string &text) { return Call(evnet_address_parse, text); }

inline std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  const size_t length = evnet_address_format(&address, text, sizeof text);
  EXPECT_EQ(length, strlen(text));
  return text;
}

inline uint16_t Port(const evnet_address &address) { return evnet_address_port(&address); }

inline bool Contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

inline evnet_address Ip4(evnet_transport transport, const uint8_t (&host)[4], uint16_t port) {
  evnet_address out = {};
  out.socket.ip4.sin_family = AF_INET;
  const uint8_t port_bytes[2] = {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
  memcpy(&out.socket.ip4.sin_port, port_bytes, 2);
  memcpy(&out.socket.ip4.sin_addr, host, 4);
  out.size = sizeof(sockaddr_in);
  out.transport = transport;
  return out;
}

inline evnet_address Ip6(evnet_transport transport, const uint8_t (&host)[16], uint16_t port) {
  evnet_address out = {};
  out.socket.ip6.sin6_family = AF_INET6;
  const uint8_t port_bytes[2] = {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
  memcpy(&out.socket.ip6.sin6_port, port_bytes, 2);
  memcpy(&out.socket.ip6.sin6_addr, host, 16);
  out.size = sizeof(sockaddr_in6);
  out.transport = transport;
  return out;
}

inline void ExpectSame(const evnet_address &actual, const evnet_address &expected) {
  EXPECT_EQ(actual.size, expected.size);
  EXPECT_EQ(actual.transport, expected.transport);
  EXPECT_EQ(actual.dual_stack, expected.dual_stack);
  EXPECT_EQ(memcmp(&actual.socket, &expected.socket, sizeof actual.socket), 0);
}

constexpr uint8_t kAny4[4] = {0, 0, 0, 0};
constexpr uint8_t kLoopback4[4] = {127, 0, 0, 1};
constexpr uint8_t kAny6[16] = {};
constexpr uint8_t kLoopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr uint8_t kLinkLocal[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_ADDRESS_FIXTURE_H_
