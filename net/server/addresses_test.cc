// The addresses that a server listens at, and the two addresses of a connection.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

std::string Format(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

// Returns why ::1 cannot be used on this machine; empty if it can.
std::string WhyNoIp6() {
  const int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::string("socket(AF_INET6): ") + strerror(errno);
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  std::string why;
  if (bind(descriptor, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) {
    why = std::string("bind([::1]:0): ") + strerror(errno);
  }
  close(descriptor);
  return why;
}

evnet_address Ip6Loopback(uint16_t port) {
  evnet_address address = {};
  address.socket.ip6.sin6_family = AF_INET6;
  address.socket.ip6.sin6_addr = in6addr_loopback;
  address.socket.ip6.sin6_port = htons(port);
  address.size = sizeof address.socket.ip6;
  return address;
}

TEST(Addresses, EverySpellingOfAnIp4AddressIsServed) {
  for (const char *text : {"tcp://127.0.0.1:0", "tcp4://127.0.0.1:0", "127.0.0.1:0", "tcp4://:0",
                           "tcp://localhost:0"}) {
    SCOPED_TRACE(text);
    Server server(Echo(), {}, {text});
    const evnet_address bound = server.address();
    if (bound.socket.any.sa_family != AF_INET) continue;  // localhost may be ::1
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST(Addresses, EverySpellingOfAnIp6AddressIsServed) {
  const std::string why = WhyNoIp6();
  if (!why.empty()) GTEST_SKIP() << why;
  for (const char *text : {"tcp://[::1]:0", "tcp6://[::1]:0", "[::1]:0", "tcp6://:0"}) {
    SCOPED_TRACE(text);
    Server server(Echo(), {}, {text});
    Client client(Ip6Loopback(server.port()));
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST(Addresses, AnEmptyHostTakesBothFamilies) {
  Server server(Echo(), {}, {"tcp://:0"});
  Client over_ip4(server.port());
  EXPECT_EQ(over_ip4.Exchange("four"), "four");
  const std::string why = WhyNoIp6();
  if (!why.empty()) GTEST_SKIP() << "the IPv6 half: " << why;
  Client over_ip6(Ip6Loopback(server.port()));
  EXPECT_EQ(over_ip6.Exchange("six"), "six");
}

TEST(Addresses, SeveralAreServedAtOnceAndEachConnectionKnowsItsOwn) {
  std::vector<std::string> texts = {"tcp://127.0.0.1:0", "127.0.0.1:0", "tcp4://127.0.0.1:0"};
  if (WhyNoIp6().empty()) texts.push_back("tcp6://[::1]:0");
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_listener_index(conn)));
    return EVNET_NONE;
  };
  for (const int reactors : {1, 2}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(callbacks, options, texts);
    for (size_t i = 0; i < texts.size(); i++) {
      for (int twice = 0; twice < 2; twice++) {
        Client client(i < 3 ? server.address(i) : Ip6Loopback(server.port(i)));
        EXPECT_EQ(client.Receive(1), std::to_string(i));
      }
    }
    EXPECT_NE(server.port(0), server.port(1));
  }
}

TEST(Addresses, SixtyFourAreServed) {
  Server server(Echo(), {}, std::vector<std::string>(64, "tcp://127.0.0.1:0"));
  Client client(server.port(63));
  EXPECT_EQ(client.Exchange("last"), "last");
}

TEST(Addresses, TheRealPortIsKnownFromOnBootOn) {
  std::string at_boot;
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server, 0, &address), 0);
    at_boot = Format(address);
    return EVNET_NONE;
  };
  Created created(callbacks, {});
  evnet_address address;
  EXPECT_EQ(evnet_server_address(created.get(), 0, &address), -ENOTCONN) << "not bound yet";
  EXPECT_EQ(evnet_server_address(created.get(), 1, &address), -EINVAL);
  ASSERT_EQ(evnet_server_start(created.get()), 0);
  EXPECT_EQ(Format(created.address()), at_boot);
  EXPECT_EQ(at_boot, "tcp://127.0.0.1:" + std::to_string(created.port()));
  EXPECT_NE(created.port(), 0);
  EXPECT_EQ(evnet_server_address(created.get(), 1, &address), -EINVAL);
  EXPECT_TRUE(created.log().Has("listening on " + at_boot)) << created.log().Text();
  evnet_server_stop(created.get(), 0);
  EXPECT_EQ(evnet_server_wait(created.get()), 0);
}

TEST(Addresses, AConnectionKnowsBothItsEnds) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_address remote, local;
    evnet_conn_remote_address(conn, &remote);
    EXPECT_EQ(evnet_conn_local_address(conn, &local), 0);
    Write(conn, Format(remote) + " " + Format(local) + "\n");
    return EVNET_CLOSE;
  };
  Server server(callbacks, {}, {"tcp://127.0.0.1:0"});
  Client client(server.port());
  const std::string expected = Format(client.LocalAddress()) + " " + Format(client.RemoteAddress());
  EXPECT_EQ(client.ReceiveToEnd(), expected + "\n");
  const std::string why = WhyNoIp6();
  if (!why.empty()) GTEST_SKIP() << "the IPv6 half: " << why;
  Server server6(callbacks, {}, {"tcp6://[::1]:0"});
  Client client6(Ip6Loopback(server6.port()));
  const std::string expected6 =
      Format(client6.LocalAddress()) + " " + Format(client6.RemoteAddress());
  EXPECT_EQ(client6.ReceiveToEnd(), expected6 + "\n");
}

TEST(Addresses, ThePeersAddressOutlivesAReset) {
  std::string at_close;
  Callbacks callbacks;
  callbacks.on_close = [&](evnet_conn *conn, int reason) {
    EXPECT_EQ(reason, -ECONNRESET);
    evnet_address remote;
    evnet_conn_remote_address(conn, &remote);
    at_close = Format(remote);
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  const std::string expected = Format(client.LocalAddress());
  ASSERT_TRUE(server.WaitForOpen(1));
  client.Reset();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(at_close, expected);
}

// An address that is refused, and a part of the expected log line.
struct Refused {
  const char *text;
  int status;
};

TEST(Addresses, WhatCannotBeServedIsRefusedByName) {
  for (const Refused &refused : {Refused{"", EVNET_STATUS_ADDRESS},
                                 {"tcp://127.0.0.1", EVNET_STATUS_ADDRESS},
                                 {"tcp://127.0.0.1:65536", EVNET_STATUS_ADDRESS},
                                 {"tcp://127.0.0.1:-1", EVNET_STATUS_ADDRESS},
                                 {"tcp://127.0.0.1:http", EVNET_STATUS_ADDRESS},
                                 {"tcp://300.0.0.1:80", EVNET_STATUS_ADDRESS},
                                 {"tcp6://127.0.0.1:80", EVNET_STATUS_ADDRESS},
                                 {"tcp4://[::1]:80", EVNET_STATUS_ADDRESS},
                                 {"tcp://::1:80", EVNET_STATUS_ADDRESS},
                                 {"http://127.0.0.1:80", EVNET_STATUS_ADDRESS},
                                 {"udp://127.0.0.1", EVNET_STATUS_ADDRESS},
                                 {"unix://", EVNET_STATUS_ADDRESS},
                                 {"unix://@", EVNET_STATUS_ADDRESS}}) {
    SCOPED_TRACE(refused.text);
    Created server(Echo(), {}, {"tcp://127.0.0.1:0", refused.text});
    EXPECT_EQ(server.status(), refused.status);
    EXPECT_EQ(server.get(), nullptr);
    EXPECT_TRUE(server.log().Has(std::string("'") + refused.text + "'")) << server.log().Text();
  }
}

TEST(Addresses, MoreThanSixtyFourAreRefused) {
  Created server(Echo(), {}, std::vector<std::string>(65, "tcp://127.0.0.1:0"));
  EXPECT_EQ(server.status(), -EINVAL);
  EXPECT_TRUE(server.log().Has("65 addresses")) << server.log().Text();
}

TEST(Addresses, ANullOneIsRefusedByItsIndex) {
  Log log;
  evnet_options options = {};
  log.Attach(&options);
  const char *const addresses[] = {"tcp://127.0.0.1:0", nullptr};
  const evnet_handler handler = {};
  evnet_server *server = nullptr;
  EXPECT_EQ(evnet_server_create(&handler, nullptr, addresses, 2, &options, &server),
            EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(log.Has("address 1 is NULL")) << log.Text();
}

TEST(Addresses, AnAddressOfAnotherMachineCannotBeBound) {
  // No machine has an address of 192.0.2.0/24, which is reserved for documentation (RFC 5737).
  Created server(Echo(), {}, {"tcp://192.0.2.1:0"});
  ASSERT_EQ(server.status(), 0);
  EXPECT_EQ(evnet_server_start(server.get()), -EADDRNOTAVAIL);
  EXPECT_TRUE(server.log().Has("tcp://192.0.2.1:0")) << server.log().Text();
}

}  // namespace
}  // namespace evnet_testing
