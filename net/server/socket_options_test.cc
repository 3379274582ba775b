// The server options that set socket options. The tests read them with getsockopt(2) on connections
// and listeners, or observe their effect.
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "gtest/gtest.h"
#include "net/server/dial.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

struct Seen {
  const char *name;
  int level;
  int option;
};

const Seen kSeen[] = {
    {"nodelay", IPPROTO_TCP, TCP_NODELAY},
    {"keepalive", SOL_SOCKET, SO_KEEPALIVE},
    {"keepalive_idle_s", IPPROTO_TCP, TCP_KEEPIDLE},
    {"keepalive_interval_s", IPPROTO_TCP, TCP_KEEPINTVL},
    {"keepalive_count", IPPROTO_TCP, TCP_KEEPCNT},
    {"user_timeout_ms", IPPROTO_TCP, TCP_USER_TIMEOUT},
    {"notsent_lowat_bytes", IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {"send_buffer_bytes", SOL_SOCKET, SO_SNDBUF},
    {"receive_buffer_bytes", SOL_SOCKET, SO_RCVBUF},
};

int Get(int descriptor, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(descriptor, level, option, &value, &size), 0);
  return value;
}

using Values = std::map<std::string, int>;

Values ValuesOf(int descriptor) {
  Values values;
  for (const Seen &seen : kSeen) values[seen.name] = Get(descriptor, seen.level, seen.option);
  return values;
}

// Returns the socket options of a connection in on_open, for a server with these options.
Values ValuesOfAConnection(const evnet_options &options) {
  Values values;
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    values = ValuesOf(evnet_conn_fd(conn));
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  EXPECT_EQ(server.Stop(0), 0);
  return values;
}

// Returns the descriptor of this process's listener with that port, or -1 if there is none.
int ListenerOf(uint16_t port) {
  int found = -1;
  DIR *directory = opendir("/proc/self/fd");
  while (const dirent *entry = readdir(directory)) {
    const int descriptor = atoi(entry->d_name);
    int listens = 0;
    socklen_t size = sizeof listens;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
      continue;
    evnet_address address = {};
    address.size = sizeof address.socket;
    if (getsockname(descriptor, &address.socket.any, &address.size) != 0) continue;
    if (evnet_address_port(&address) == port) found = descriptor;
  }
  closedir(directory);
  return found;
}

bool IsLinux() {
  static const std::string backend = Server().stats().backend;
  return backend != "kqueue";  // the stand-in for kqueue acts like macOS
}

// Expects that the server does not start. Returns the log.
std::string Refusal(const evnet_options &options, int status) {
  Created server(Echo(), options);
  EXPECT_EQ(server.status(), 0);
  EXPECT_EQ(evnet_server_start(server.get()), status);
  return server.log().Text();
}

TEST(SocketOptions, ByDefaultAConnectionHasTheSystemsButNodelay) {
  Values values = ValuesOfAConnection({});
  const int fresh = socket(AF_INET, SOCK_STREAM, 0);
  Values defaults = ValuesOf(fresh);
  close(fresh);
  defaults["nodelay"] = 1;
  for (const char *grows : {"send_buffer_bytes", "receive_buffer_bytes"}) {
    values.erase(grows);
    defaults.erase(grows);
  }
  EXPECT_EQ(values, defaults);
  EXPECT_EQ(values["keepalive"], 0);
  EXPECT_EQ(values["user_timeout_ms"], 0);
}

TEST(SocketOptions, AConnectionHasWhatTheServersOptionsSay) {
  evnet_options options = {};
  options.no_nodelay = true;
  options.send_buffer_bytes = 20000;
  options.receive_buffer_bytes = 30000;
  options.keepalive_idle_s = 77;
  options.keepalive_interval_s = 7;
  options.keepalive_count = 3;
  options.notsent_lowat_bytes = 16384;
  if (IsLinux()) options.user_timeout_ms = 1234;
  const Values expected = {
      {"nodelay", 0},
      {"keepalive", 1},
      {"keepalive_idle_s", 77},
      {"keepalive_interval_s", 7},
      {"keepalive_count", 3},
      {"user_timeout_ms", IsLinux() ? 1234 : 0},
      {"notsent_lowat_bytes", 16384},
      {"send_buffer_bytes", 40000},  // doubled: socket(7)
      {"receive_buffer_bytes", 60000},
  };
  EXPECT_EQ(ValuesOfAConnection(options), expected);
}

// In the past only accepted connections had the options.
TEST(SocketOptions, ADialledConnectionHasThemToo) {
  Values accepted, dialled;
  std::atomic<int> opened{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    (evnet_conn_listener_index(conn) < 0 ? dialled : accepted) = ValuesOf(evnet_conn_fd(conn));
    opened++;
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.no_nodelay = true;
  options.send_buffer_bytes = 20000;
  options.receive_buffer_bytes = 30000;
  options.keepalive_idle_s = 77;
  options.keepalive_interval_s = 7;
  options.keepalive_count = 3;
  options.notsent_lowat_bytes = 16384;
  if (IsLinux()) options.user_timeout_ms = 1234;
  Server server(callbacks, options);
  const std::string own = "tcp://127.0.0.1:" + std::to_string(server.port());
  ASSERT_EQ(evnet_server_dial(server.get(), own.c_str(), nullptr, nullptr, nullptr), 0);
  ASSERT_TRUE(WaitUntil([&] { return opened == 2; }));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(dialled, accepted);
  EXPECT_EQ(dialled["keepalive_idle_s"], 77);
}

TEST(SocketOptions, ADialledUdpSocketMayBroadcastWhereTheServerMay) {
  for (const bool may : {false, true}) {
    std::atomic<int> broadcast{-1};
    std::atomic<int> reason{0};
    Callbacks callbacks = Echo();
    callbacks.on_open = [&](evnet_conn *conn) {
      broadcast = Get(evnet_conn_fd(conn), SOL_SOCKET, SO_BROADCAST);
      return EVNET_NONE;
    };
    callbacks.on_close = [&](evnet_conn *, int status) {
      reason = status;
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.udp_broadcast = may;
    Server server(callbacks, options);
    const char *all = "udp://127.255.255.255:9";
    ASSERT_EQ(evnet_server_dial(server.get(), all, nullptr, nullptr, nullptr), 0);
    ASSERT_TRUE(WaitUntil([&] { return broadcast >= 0 || reason != 0; }));
    EXPECT_EQ(broadcast, may ? 1 : -1);
    EXPECT_EQ(reason, may ? 0 : -EACCES);
    EXPECT_EQ(server.Stop(0), 0);
  }
}

TEST(SocketOptions, OffIsTheDefaultOfKeepaliveAndUserTimeout) {
  evnet_options options = {};
  options.keepalive_idle_s = EVNET_OFF;
  options.user_timeout_ms = EVNET_OFF;
  Values values = ValuesOfAConnection(options);
  EXPECT_EQ(values["keepalive"], 0);
  EXPECT_EQ(values["user_timeout_ms"], 0);
}

TEST(SocketOptions, AListenerHasWhatTheServersOptionsSay) {
  if (!IsLinux()) GTEST_SKIP() << "Linux's options";
  for (const bool set : {false, true}) {
    evnet_options options = {};
    options.fast_open_queue_max = set ? 17 : 0;
    options.defer_accept_s = set ? 5 : 0;
    Server server(Echo(), options);
    const int listener = ListenerOf(server.port());
    ASSERT_GE(listener, 0);
    EXPECT_EQ(Get(listener, IPPROTO_TCP, TCP_FASTOPEN), set ? 17 : 0);
    if (set) {
      EXPECT_GE(Get(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 5);
    } else {
      EXPECT_EQ(Get(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    }
  }
}

// The kernel does not report a connection before it has received bytes.
TEST(SocketOptions, DeferAcceptWaitsForTheFirstBytes) {
  if (!IsLinux()) GTEST_SKIP() << "Linux's option";
  evnet_options options = {};
  options.defer_accept_s = 30;
  Server server(Echo(), options);
  Client silent(server.port());
  Client talks(server.port());
  EXPECT_EQ(talks.Exchange("x"), "x");
  EXPECT_EQ(server.stats().connections_accepted, 1u) << "the first of the two is not accepted";
  EXPECT_EQ(silent.Exchange("y"), "y");
  EXPECT_EQ(server.stats().connections_accepted, 2u);
}

// The kernel accepts few bytes at a time, but all bytes arrive.
TEST(SocketOptions, WithNotsentLowatEverythingArrives) {
  const std::string all = Pattern(4 << 20);
  evnet_options options = {};
  options.notsent_lowat_bytes = 8192;
  size_t held_most = 0;
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    Write(conn, all);
    held_most = all.size() - evnet_conn_outbound_bytes(conn);
    return EVNET_CLOSE;
  };
  Server server(callbacks, options);
  ClientOptions small = {};
  small.receive_buffer_bytes = 4096;
  Client client(server.port(), small);
  EXPECT_TRUE(client.ReceiveToEnd() == all);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_LT(held_most, size_t{1} << 20) << "evnet queues the rest";
}

TEST(SocketOptions, BindToDeviceIsCopiedAndHeld) {
  if (!IsLinux()) GTEST_SKIP() << "Linux's option";
  evnet_options options = {};
  std::string device = "lo";
  options.bind_to_device = device.c_str();
  Created server(Echo(), options);
  device = "--";
  ASSERT_EQ(server.status(), 0);
  const int status = evnet_server_start(server.get());
  // Since Linux 5.7 any user may bind a socket that is bound to no interface yet (socket(7)).
  if (status == -EPERM) GTEST_SKIP() << "SO_BINDTODEVICE is not permitted here";
  ASSERT_EQ(status, 0) << server.log().Text();
  char bound[IF_NAMESIZE] = "";
  socklen_t size = sizeof bound;
  EXPECT_EQ(getsockopt(ListenerOf(server.port()), SOL_SOCKET, SO_BINDTODEVICE, bound, &size), 0);
  EXPECT_STREQ(bound, "lo");
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  evnet_server_stop(server.get(), 0);
  EXPECT_EQ(evnet_server_wait(server.get()), 0);
}

TEST(SocketOptions, AnInterfaceThatThereIsNotIsNamedByItsOption) {
  if (!IsLinux()) GTEST_SKIP() << "Linux's option";
  evnet_options options = {};
  options.bind_to_device = "evnet-has-none";
  Created server(Echo(), options);
  const int status = evnet_server_start(server.get());
  if (status == -EPERM) GTEST_SKIP() << "SO_BINDTODEVICE is not permitted here";
  EXPECT_EQ(status, -ENODEV);
  EXPECT_TRUE(server.log().Has("cannot listen on 'tcp://127.0.0.1:0': option bind_to_device: "))
      << server.log().Text();
}

TEST(SocketOptions, WhatTheSystemHasNotIsRefusedByName) {
  if (IsLinux()) GTEST_SKIP() << "Linux has them all";
  const struct {
    const char *name;
    void (*set)(evnet_options *options);
  } cases[] = {
      {"user_timeout_ms", [](evnet_options *o) { o->user_timeout_ms = 1; }},
      {"fast_open_queue_max", [](evnet_options *o) { o->fast_open_queue_max = 1; }},
      {"defer_accept_s", [](evnet_options *o) { o->defer_accept_s = 1; }},
      {"bind_to_device", [](evnet_options *o) { o->bind_to_device = "lo"; }},
  };
  for (const auto &each : cases) {
    evnet_options options = {};
    each.set(&options);
    const std::string text = Refusal(options, -EOPNOTSUPP);
    EXPECT_NE(text.find(std::string("option ") + each.name + ": "), std::string::npos) << text;
  }
}

TEST(SocketOptions, V6OnlyTakesIp6Alone) {
  for (const bool v6only : {false, true}) {
    evnet_options options = {};
    options.v6only = v6only;
    Server server(Echo(), options, {"tcp://:0"});
    evnet_address ip6 = {};
    const std::string text = "tcp://[::1]:" + std::to_string(server.port());
    ASSERT_EQ(evnet_address_parse(text.c_str(), &ip6, nullptr, 0), 0);
    Client client(ip6);
    EXPECT_EQ(client.Exchange("x"), "x");
    // With v6only the listener does not use the port for IPv4, so it is free.
    sockaddr_in ip4 = {};
    ip4.sin_family = AF_INET;
    ip4.sin_port = htons(server.port());
    const int other = socket(AF_INET, SOCK_STREAM, 0);
    const int bound = bind(other, reinterpret_cast<sockaddr *>(&ip4), sizeof ip4);
    const bool other_user = bound != 0 && v6only;  // another process uses the port by chance
    EXPECT_TRUE(other_user || (bound == 0) == v6only);
    close(other);
    char name[EVNET_ADDRESS_TEXT_BYTES];
    const evnet_address listener = server.address();
    evnet_address_format(&listener, name, sizeof name);
    EXPECT_EQ(std::string(name).rfind(v6only ? "tcp6://" : "tcp://", 0), 0u) << name;
  }
}

}  // namespace
}  // namespace evnet_testing
