// Listeners given by names. The server listens at all addresses of a name, with one index and one
// port. This file replaces getaddrinfo by a table. Wrapped bind(2) and socket(2) (the linker's
// --wrap) fail as on a system without IPv6, or as for a port in use.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

std::map<std::string, std::vector<std::string>> hosts;

// Called before each bind(2) and socket(2). They return 0, or the errno with which the call fails.
std::function<int(const sockaddr *address)> on_bind;
std::function<int(int family)> on_socket;

}  // namespace

extern "C" {
int __real_bind(int descriptor, const sockaddr *address, socklen_t size);
int __wrap_bind(int descriptor, const sockaddr *address, socklen_t size);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

int __wrap_bind(int descriptor, const sockaddr *address, socklen_t size) {
  const int error = on_bind ? on_bind(address) : 0;
  errno = error;
  return error != 0 ? -1 : __real_bind(descriptor, address, size);
}

int __wrap_socket(int family, int type, int protocol) {
  const int error = on_socket ? on_socket(family) : 0;
  errno = error;
  return error != 0 ? -1 : __real_socket(family, type, protocol);
}

int getaddrinfo(const char *node, const char *, const addrinfo *hints, addrinfo **results) {
  const auto known = hosts.find(node);
  if (known == hosts.end()) return EAI_NONAME;
  addrinfo *first = nullptr;
  for (auto host = known->second.rbegin(); host != known->second.rend(); ++host) {
    auto *const address = new evnet_address(evnet_testing::ParseAddress("tcp://" + *host + ":0"));
    const int family = address->socket.any.sa_family;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != family) {
      delete address;
      continue;
    }
    auto *const found = new addrinfo();
    found->ai_family = family;
    found->ai_addr = &address->socket.any;
    found->ai_addrlen = address->size;
    found->ai_canonname = reinterpret_cast<char *>(address);
    found->ai_next = first;
    first = found;
  }
  *results = first;
  return first == nullptr ? EAI_NONAME : 0;
}

void freeaddrinfo(addrinfo *results) {
  while (results != nullptr) {
    addrinfo *const next = results->ai_next;
    delete reinterpret_cast<evnet_address *>(results->ai_canonname);
    delete results;
    results = next;
  }
}
}

namespace evnet_testing {
namespace {

bool IsHost(const sockaddr *address, const std::string &host) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    sockaddr_in ip4;
    memcpy(&ip4, address, sizeof ip4);
    inet_ntop(AF_INET, &ip4.sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 ip6;
    memcpy(&ip6, address, sizeof ip6);
    inet_ntop(AF_INET6, &ip6.sin6_addr, text, sizeof text);
  }
  return host == text;
}

evnet_address At(const std::string &scheme, const std::string &host, uint16_t port) {
  return ParseAddress(scheme + "://" + host + ":" + std::to_string(port));
}

class Names : public ::testing::Test {
 protected:
  Names() {
    // The only IPv6 address that every machine with IPv6 has is ::1.
    all_ = {"127.0.0.1", "127.0.0.2"};
    if (HasIp6()) all_.insert(all_.begin(), "[::1]");
    hosts = {{"all.test", all_}, {"two.test", {"127.0.0.1", "127.0.0.2"}}};
  }
  ~Names() override {
    on_bind = nullptr;
    on_socket = nullptr;
    hosts.clear();
  }

  // ::1 comes first, as in most /etc/hosts files, even if this machine does not have it.
  static void KnowBoth() { hosts["both.test"] = {"[::1]", "127.0.0.1"}; }

  std::vector<std::string> all_;
};

TEST_F(Names, ATcpListenerIsServedAtAllAddressesUnderOneIndexAndPort) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_listener_index(conn)));
    return EVNET_NONE;
  };
  for (const bool reuse_port : {false, true}) {
    for (const int reactors : {1, 2}) {
      evnet_options options = {};
      options.reactors = reactors;
      options.reuse_port = reuse_port;
      const Server server(callbacks, options,
                          {"tcp://127.0.0.3:0", "tcp://all.test:0", "tcp://127.0.0.4:0"});
      EXPECT_EQ(FormatAddress(server.address(1)),
                FormatAddress(At("tcp", all_[0], server.port(1))));
      for (const std::string &host : all_) {
        SCOPED_TRACE(host);
        Client client(At("tcp", host, server.port(1)));
        EXPECT_EQ(client.Receive(1), "1");
        EXPECT_TRUE(
            server.log().Has("listening on tcp://" + host + ":" + std::to_string(server.port(1))));
      }
      Client last(server.address(2));
      EXPECT_EQ(last.Receive(1), "2");
    }
  }
}

TEST_F(Names, AUdpListenerIsServedAtAllAddressesAndAnswersFromTheOneAsked) {
  const Server server(Echo(), {}, {"udp://all.test:0"});
  for (const std::string &host : all_) {
    SCOPED_TRACE(host);
    UdpClient client(host == "[::1]" ? "udp://[::1]:0" : "udp://127.0.0.1:0");
    const evnet_address asked = At("udp", host, server.port());
    client.Send(asked, "hello");
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), "hello");
    EXPECT_EQ(FormatAddress(from), FormatAddress(asked));
  }
}

TEST_F(Names, AGivenPortIsBoundAtAllAddresses) {
  uint16_t port;
  {
    const Server before(Echo(), {}, {"tcp://two.test:0"});
    port = before.port();
  }
  const Server server(Echo(), {}, {"tcp://two.test:" + std::to_string(port)});
  for (const char *host : {"127.0.0.1", "127.0.0.2"}) {
    Client client(At("tcp", host, port));
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST_F(Names, AFamilyThatTheSystemDoesNotHaveIsLeftOutWithALineInTheLog) {
  KnowBoth();
  for (const bool by_socket : {false, true}) {
    if (by_socket) {
      on_bind = nullptr;
      on_socket = [](int family) { return family == AF_INET6 ? EAFNOSUPPORT : 0; };
    } else {
      on_bind = [](const sockaddr *to) { return to->sa_family == AF_INET6 ? EADDRNOTAVAIL : 0; };
    }
    for (const char *scheme : {"tcp", "udp"}) {
      const Server server(Echo(), {}, {std::string(scheme) + "://both.test:0"});
      EXPECT_EQ(FormatAddress(server.address()),
                FormatAddress(At(scheme, "127.0.0.1", server.port())));
      EXPECT_TRUE(server.log().Has(std::string("skipping address '") + scheme +
                                   "://[::1]:0' of a name: this machine has "
                                   "no IPv6"))
          << server.log().Text();
    }
  }
}

TEST_F(Names, WhereNoAddressIsLeftTheStartFails) {
  hosts["six.test"] = {"[::1]", "[::2]"};
  on_bind = [](const sockaddr *to) { return to->sa_family == AF_INET6 ? EADDRNOTAVAIL : 0; };
  const Created created(Echo(), {}, {"tcp://127.0.0.1:0", "tcp://six.test:0"});
  ASSERT_EQ(created.status(), 0);
  EXPECT_EQ(evnet_server_start(created.get()), -EAFNOSUPPORT);
  EXPECT_TRUE(created.log().Has("cannot listen on 'tcp://[::1]:0': ")) << created.log().Text();
}

TEST_F(Names, OneAddressOfAFamilyThatTheSystemDoesNotHaveFailsTheStart) {
  on_socket = [](int family) { return family == AF_INET6 ? EAFNOSUPPORT : 0; };
  const Created created(Echo(), {}, {"tcp://[::1]:0"});
  EXPECT_EQ(evnet_server_start(created.get()), -EAFNOSUPPORT);
  EXPECT_TRUE(created.log().Has("cannot listen on 'tcp://[::1]:0': ")) << created.log().Text();
}

TEST_F(Names, ASystemWithoutIp4ServesTheOtherFamily) {
  if (!HasIp6()) GTEST_SKIP() << "this machine has no IPv6";
  KnowBoth();
  on_socket = [](int family) { return family == AF_INET ? EAFNOSUPPORT : 0; };
  const Server server(Echo(), {}, {"tcp://both.test:0"});
  EXPECT_EQ(FormatAddress(server.address()), FormatAddress(At("tcp", "[::1]", server.port())));
  EXPECT_TRUE(server.log().Has("of a name: this machine has no IPv4 addresses"))
      << server.log().Text();
}

TEST_F(Names, WhatReactor0LeavesOutNoReactorBinds) {
  KnowBoth();
  on_socket = [](int family) { return family == AF_INET6 ? EAFNOSUPPORT : 0; };
  evnet_options options = {};
  options.reactors = 3;
  options.reuse_port = true;
  const Server server(Echo(), options, {"tcp://both.test:0"});
  const std::string log = server.log().Text();
  EXPECT_NE(log.find("skipping address"), std::string::npos) << log;
  EXPECT_EQ(log.find("skipping address"), log.rfind("skipping address")) << log;
  for (int i = 0; i < 10; i++) {
    Client client(At("tcp", "127.0.0.1", server.port()));
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST_F(Names, WhatReactor0HasBoundAnotherOneMayNotLeaveOut) {
  if (!HasIp6()) GTEST_SKIP() << "this machine has no IPv6";
  KnowBoth();
  std::atomic<int> sockets{0};
  on_socket = [&](int family) { return family == AF_INET6 && ++sockets > 1 ? EAFNOSUPPORT : 0; };
  evnet_options options = {};
  options.reactors = 2;
  options.reuse_port = true;
  const Created created(Echo(), options, {"tcp://both.test:0"});
  EXPECT_EQ(evnet_server_start(created.get()), -EAFNOSUPPORT);
  EXPECT_FALSE(created.log().Has("skipping address")) << created.log().Text();
}

// The system has IPv4, so the address is a configuration error and must not be left out.
TEST_F(Names, AnAddressOfAnotherMachineFailsTheStart) {
  hosts["other.test"] = {"127.0.0.1", "192.0.2.1"};
  on_bind = [](const sockaddr *to) { return IsHost(to, "192.0.2.1") ? EADDRNOTAVAIL : 0; };
  const Created created(Echo(), {}, {"tcp://other.test:0"});
  EXPECT_EQ(evnet_server_start(created.get()), -EADDRNOTAVAIL);
  EXPECT_TRUE(created.log().Has("cannot listen on 'tcp://192.0.2.1:")) << created.log().Text();
}

TEST_F(Names, WhereAChosenPortIsTakenAtAnotherAddressTheNextIsTried) {
  for (const char *scheme : {"tcp", "udp"}) {
    int taken = 3;
    on_bind = [&](const sockaddr *to) {
      return IsHost(to, "127.0.0.2") && taken > 0 && taken-- > 0 ? EADDRINUSE : 0;
    };
    Server server(Echo(), {}, {std::string(scheme) + "://two.test:0", "tcp://127.0.0.1:0"});
    EXPECT_EQ(taken, 0);
    EXPECT_FALSE(server.log().Has("error")) << server.log().Text();
    EXPECT_EQ(server.log().Text().find("in use"), std::string::npos) << server.log().Text();
    for (const char *host : {"127.0.0.1", "127.0.0.2"}) {
      if (std::string(scheme) == "tcp") {
        Client client(At("tcp", host, server.port()));
        EXPECT_EQ(client.Exchange("hello"), "hello");
      } else {
        UdpClient client;
        client.Send(At("udp", host, server.port()), "hello");
        EXPECT_EQ(client.Receive(), "hello");
      }
    }
    Client client(server.port(1));
    EXPECT_EQ(client.Exchange("other"), "other");
    EXPECT_EQ(server.Stop(0), 0);
  }
}

TEST_F(Names, APortThatIsAlwaysTakenFailsTheStartAfterSomeTries) {
  for (const char *port : {"0", "1"}) {
    int tries = 0;
    on_bind = [&](const sockaddr *to) {
      if (!IsHost(to, "127.0.0.2")) {
        // An unprivileged process cannot bind port 1.
        return port[0] == '1' && IsHost(to, "127.0.0.1") ? EADDRINUSE : 0;
      }
      tries++;
      return EADDRINUSE;
    };
    const Created created(Echo(), {}, {std::string("tcp://two.test:") + port});
    EXPECT_EQ(evnet_server_start(created.get()), -EADDRINUSE);
    EXPECT_LE(tries, 16);
    const std::string log = created.log().Text();
    EXPECT_EQ(log.find("in use"), log.rfind("in use")) << log;
    EXPECT_NE(log.find("in use"), std::string::npos) << log;
  }
}

TEST_F(Names, WhatANameHasTwiceIsBoundOnce) {
  hosts["twice.test"] = {"127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.1"};
  const Server server(Echo(), {}, {"tcp://twice.test:0"});
  Client client(At("tcp", "127.0.0.2", server.port()));
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

// Each socket accepts connections of its own family only, because each address has one family.
TEST_F(Names, AllAddressesOfBothFamiliesAreBoundTogether) {
  if (!HasIp6()) GTEST_SKIP() << "no IPv6 here";
  const std::vector<std::string> both = {"[::]", "0.0.0.0"};
  hosts["any.test"] = both;
  hosts["yna.test"] = {both.rbegin(), both.rend()};
  for (const char *text : {"tcp://any.test:0", "tcp://yna.test:0"}) {
    const Server server(Echo(), {}, {text});
    for (const char *host : {"[::1]", "127.0.0.1"}) {
      Client client(At("tcp", host, server.port()));
      EXPECT_EQ(client.Exchange("hello"), "hello") << text << host;
    }
  }
  for (const char *text : {"udp://any.test:0", "udp://yna.test:0"}) {
    const Server server(Echo(), {}, {text});
    UdpClient client;
    client.Send(At("udp", "127.0.0.1", server.port()), "hello");
    EXPECT_EQ(client.Receive(), "hello") << text;
  }
}

TEST_F(Names, SixtyFourNamesOfTwoAddressesAreServedAndNotMore) {
  std::vector<std::string> texts(64, "tcp://two.test:0");
  {
    const Server server(Echo(), {}, texts);
    Client client(At("tcp", "127.0.0.2", server.port(63)));
    EXPECT_EQ(client.Exchange("last"), "last");
  }
  hosts["three.test"] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
  texts.back() = "tcp://three.test:0";
  const Created created(Echo(), {}, texts);
  EXPECT_EQ(created.status(), -ENOBUFS);
  EXPECT_TRUE(created.log().Has("address 'tcp://three.test:0': more than 128 addresses"))
      << created.log().Text();
}

TEST_F(Names, AStopClosesAllOfThem) {
  Server server(Echo(), {}, {"tcp://two.test:0"});
  const uint16_t port = server.port();
  EXPECT_EQ(server.Stop(0), 0);
  const Server again(
      Echo(), {},
      {"tcp://127.0.0.1:" + std::to_string(port), "tcp://127.0.0.2:" + std::to_string(port)});
  EXPECT_EQ(again.port(1), port);
}

}  // namespace
}  // namespace evnet_testing
