// The arguments of evnet_dial: addresses, sources and options are accepted, or refused with a log
// line that names them.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/base/testing/temp_directory.h"
#include "net/reactor/testing/dial_fixture.h"

namespace evnet_testing {
namespace {

TEST_F(DialTest, ATextThatIsNoAddressIsRefusedAtOnceByName) {
  std::string log;
  LogTo(&log);
  harness.Start();
  for (const std::string address :
       {"", "tcp://", "127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", "http://x:80",
        "unix://", "tcp://[::1:80", "tcp://localhost:0", "udp://one.test:00", ":80", "tcp://:80",
        "tcp4://:80", "udp://:80"}) {
    log.clear();
    EXPECT_EQ(evnet_dial(harness.reactor(), address.c_str(), nullptr, nullptr),
              EVNET_STATUS_ADDRESS)
        << address;
    EXPECT_NE(log.find(address), std::string::npos) << log;
  }
  EXPECT_EQ(harness.records().size(), 0u);
}

TEST_F(DialTest, OptionsOutOfRangeAreRefusedAtOnceByName) {
  std::string log;
  LogTo(&log);
  harness.Start();
  evnet_dial_options options = {};
  const auto refused = [&](const std::string &name) {
    log.clear();
    EXPECT_EQ(evnet_dial(harness.reactor(), "tcp://127.0.0.1:1", &options, nullptr),
              EVNET_STATUS_OPTION);
    EXPECT_NE(log.find(name), std::string::npos) << log;
    options = {};
  };
  options.timeout_ms = -2;
  refused("timeout_ms");
  options.timeout_ms = int64_t{EVNET_TIMEOUT_MS_MAX} + 1;
  refused("timeout_ms");
  options.send_buffer_bytes = -2;
  refused("send_buffer_bytes");
  options.receive_buffer_bytes = -2;
  refused("receive_buffer_bytes");
  options.keepalive_idle_s = 32768;
  refused("keepalive_idle_s");
  options.keepalive_interval_s = 1;  // keepalive_idle_s is not set
  refused("keepalive_interval_s");
  options.keepalive_count = 128;
  refused("keepalive_count");
  options.user_timeout_ms = -2;
  refused("user_timeout_ms");
  options.notsent_lowat_bytes = -2;
  refused("notsent_lowat_bytes");
  options.nodelay = options.no_nodelay = true;
  refused("nodelay");
  options.bind_to_device = "sixteen-letters!";
  refused("bind_to_device");
  // The rule is the same as for servers.
  options.bind_to_device = "";
  refused("bind_to_device");
}

TEST_F(DialTest, TheLongestTimeoutIsTaken) {
  harness.Start();
  evnet_dial_options options = {};
  options.timeout_ms = EVNET_TIMEOUT_MS_MAX;
  const struct evnet_conn_id id = harness.Dial(harness.AddressText(), options);
  ASSERT_TRUE(UntilOpen(id));
}

TEST_F(DialTest, ASourceThatIsNoneIsRefusedAtOnceByName) {
  std::string log;
  LogTo(&log);
  harness.Start();
  evnet_dial_options options = {};
  for (const std::string source :
       {"nonsense", "name.test:0", "unix:///tmp/x", "unix://@x", "127.0.0.1"}) {
    options.source = source.c_str();
    log.clear();
    EXPECT_EQ(evnet_dial(harness.reactor(), "tcp://127.0.0.1:1", &options, nullptr),
              EVNET_STATUS_ADDRESS)
        << source;
    EXPECT_NE(log.find(source), std::string::npos) << log;
  }
  options.source = "unix:///tmp/x";
  EXPECT_EQ(evnet_dial(harness.reactor(), "unix://@y", &options, nullptr), EVNET_STATUS_ADDRESS);
}

TEST_F(DialTest, ItComesFromItsSource) {
  harness.Start();
  evnet_dial_options options = {};
  options.source = "127.0.0.9:0";
  const struct evnet_conn_id id = harness.Dial(harness.AddressText(), options);
  ASSERT_TRUE(harness.Until([&] { return harness.open_count() == 2; }));
  for (const auto &each : harness.records()) {
    if (each.second.dialled) continue;
    evnet_address remote = {};
    evnet_conn_remote_address(each.second.conn, &remote);
    EXPECT_EQ(FormatAddress(remote).substr(0, 16), "tcp://127.0.0.9:");
  }
  (void)id;
  options.source = "192.0.2.1:0";
  EXPECT_EQ(Fail(harness.AddressText(), options), -EADDRNOTAVAIL);
}

TEST_F(DialTest, AnAbstractNameIsASourceOfUnixSockets) {
  harness.Start();
  const TempDirectory directory;
  PlainListener listener("unix://" + directory.File("s"));
  const std::string name = "unix://@evnet-dial-test-" + std::to_string(getpid());
  evnet_dial_options options = {};
  options.source = name.c_str();
  const struct evnet_conn_id id = harness.Dial(listener.text(), options);
  const int peer = listener.Accept();
  evnet_address remote = {};
  remote.size = sizeof remote.socket;
  ASSERT_EQ(getpeername(peer, &remote.socket.any, &remote.size), 0);
  EXPECT_EQ(FormatAddress(remote), name);
  ASSERT_TRUE(UntilOpen(id));
  (void)close(peer);
}

TEST_F(DialTest, AddressesOfAnotherFamilyThanTheSourceAreLeftOut) {
  harness.Start();
  TheNames().Know("both.test", {"[::1]", "127.0.0.1"});
  TheNames().Know("six.test", {"[::1]"});
  evnet_dial_options options = {};
  options.source = "127.0.0.1:0";
  ASSERT_TRUE(UntilOpen(harness.Dial(At("both.test"), options)));
  EXPECT_EQ(Fail(At("six.test"), options), -EAFNOSUPPORT);
  EXPECT_EQ(Fail("tcp://[::1]:1", options), -EAFNOSUPPORT);
}

// Regression test: such a source excluded IPv4 addresses.
TEST_F(DialTest, ASourceWithoutAHostIsAnyAddressOfEitherFamily) {
  harness.Start();
  const PlainListener six("tcp6://[::1]:0");
  TheNames().Know("four.test", {"127.0.0.1"});
  for (const std::string source : {":0", "tcp://:0", "[::]:0"}) {
    evnet_dial_options options = {};
    options.source = source.c_str();
    for (const std::string &address : {harness.AddressText(), six.text(), At("four.test")}) {
      const struct evnet_conn_id id = harness.Dial(address, options);
      ASSERT_TRUE(UntilOpen(id)) << source << " " << address;
      harness.Close(harness.Of(id).conn);
    }
  }
  evnet_dial_options options = {};
  options.source = "0.0.0.0:0";
  EXPECT_EQ(Fail(six.text(), options), -EAFNOSUPPORT);
  options.source = "tcp6://:0";
  EXPECT_EQ(Fail(harness.AddressText(), options), -EAFNOSUPPORT);
}

TEST_F(DialTest, ASourceWithoutAHostKeepsItsPort) {
  harness.Start();
  uint16_t port = 0;
  {
    const PlainListener bound("tcp://127.0.0.1:0", -1);
    port = bound.port();
  }
  const std::string source = ":" + std::to_string(port);
  evnet_dial_options options = {};
  options.source = source.c_str();
  const struct evnet_conn_id id = harness.Dial(harness.AddressText(), options);
  ASSERT_TRUE(UntilOpen(id));
  evnet_address local = {};
  ASSERT_EQ(evnet_conn_local_address(harness.Of(id).conn, &local), 0);
  EXPECT_EQ(evnet_address_port(&local), port);
}

struct Socket {
  int keepalive = 0, idle = 0, user_timeout = 0, lowat = 0, nodelay = 0, send_buffer = 0;
};

int Get(int descriptor, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(descriptor, level, option, &value, &size), 0);
  return value;
}

Socket SocketOf(const evnet_conn *conn) {
  const int descriptor = evnet_conn_fd(conn);
  Socket seen;
  seen.keepalive = Get(descriptor, SOL_SOCKET, SO_KEEPALIVE);
  seen.idle = Get(descriptor, IPPROTO_TCP, TCP_KEEPIDLE);
  seen.user_timeout = Get(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT);
  seen.lowat = Get(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT);
  seen.nodelay = Get(descriptor, IPPROTO_TCP, TCP_NODELAY);
  seen.send_buffer = Get(descriptor, SOL_SOCKET, SO_SNDBUF);
  return seen;
}

// Regression test: the options applied only to accepted connections.
TEST_F(DialTest, TheReactorsSocketOptionsAreThoseOfDialledConnections) {
  harness.options.keepalive_idle_s = 10;
  harness.options.keepalive_count = 3;
  harness.options.user_timeout_ms = 7000;
  harness.options.notsent_lowat_bytes = 16384;
  harness.options.send_buffer_bytes = 65536;
  harness.options.no_nodelay = true;
  harness.Start();
  const struct evnet_conn_id id = harness.Dial(harness.AddressText());
  ASSERT_TRUE(UntilOpen(id));
  Socket seen = SocketOf(harness.Of(id).conn);
  EXPECT_EQ(seen.keepalive, 1);
  EXPECT_EQ(seen.idle, 10);
  EXPECT_EQ(seen.user_timeout, 7000);
  EXPECT_EQ(seen.lowat, 16384);
  EXPECT_EQ(seen.send_buffer, 2 * 65536);
  EXPECT_EQ(seen.nodelay, 0);
  // Options that concern only TCP do not prevent a dial to a Unix socket.
  const TempDirectory directory;
  PlainListener local("unix://" + directory.File("s"));
  ASSERT_TRUE(UntilOpen(harness.Dial(local.text())));
}

// The text belongs to the caller, which may free it when evnet_dial returns.
TEST_F(DialTest, ADeviceIsThatOfItsSocket) {
  harness.Start();
  evnet_dial_options options = {};
  std::string device = "evnet-has-none";
  options.bind_to_device = device.c_str();
  const int reason = Fail(harness.AddressText(), options);
  if (reason == -EPERM) GTEST_SKIP() << "SO_BINDTODEVICE is not permitted here";
  EXPECT_EQ(reason, -ENODEV);
  device = "lo";
  options.bind_to_device = device.c_str();
  const struct evnet_conn_id id = harness.Dial(harness.AddressText(), options);
  device = "gone";
  ASSERT_TRUE(UntilOpen(id));
  char seen[IF_NAMESIZE] = "";
  socklen_t size = sizeof seen;
  EXPECT_EQ(
      getsockopt(evnet_conn_fd(harness.Of(id).conn), SOL_SOCKET, SO_BINDTODEVICE, seen, &size), 0);
  EXPECT_STREQ(seen, "lo");
}

TEST_F(DialTest, ADialsOptionsMaySayOtherwise) {
  harness.options.keepalive_idle_s = 10;
  harness.options.keepalive_count = 3;
  harness.options.user_timeout_ms = 7000;
  harness.options.notsent_lowat_bytes = 16384;
  harness.options.send_buffer_bytes = 65536;
  harness.options.no_nodelay = true;
  harness.Start();
  const int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int lowat = Get(fresh, IPPROTO_TCP, TCP_NOTSENT_LOWAT);
  (void)close(fresh);
  evnet_dial_options options = {};
  options.keepalive_idle_s = EVNET_OFF;
  options.user_timeout_ms = EVNET_OFF;
  options.notsent_lowat_bytes = EVNET_OFF;
  options.send_buffer_bytes = 32768;
  options.nodelay = true;
  const struct evnet_conn_id none = harness.Dial(harness.AddressText(), options);
  ASSERT_TRUE(UntilOpen(none));
  Socket seen = SocketOf(harness.Of(none).conn);
  EXPECT_EQ(seen.keepalive, 0);
  EXPECT_EQ(seen.user_timeout, 0);
  EXPECT_EQ(seen.lowat, lowat);
  EXPECT_EQ(seen.send_buffer, 2 * 32768);
  EXPECT_EQ(seen.nodelay, 1);
  options = {};
  options.keepalive_idle_s = 20;
  options.user_timeout_ms = 1234;
  const struct evnet_conn_id other = harness.Dial(harness.AddressText(), options);
  ASSERT_TRUE(UntilOpen(other));
  seen = SocketOf(harness.Of(other).conn);
  EXPECT_EQ(seen.idle, 20);
  EXPECT_EQ(seen.user_timeout, 1234);
  EXPECT_EQ(seen.lowat, 16384);
}

}  // namespace
}  // namespace evnet_testing
