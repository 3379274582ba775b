// The poller's contract: the options of listeners and connections, and their descriptors.
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

struct Option {
  const char *name;
  evnet_socket_option option;
  int level;
  int real_name;
  int value;
  int seen;         // as returned by getsockopt(2)
  bool everywhere;  // false: only Linux is sure to have it
};

// For TCP_USER_TIMEOUT and others, see tcp(7). Linux doubles the buffer sizes: socket(7).
const Option kOptions[] = {
    {"nodelay", EVNET_SOCKET_NODELAY, IPPROTO_TCP, TCP_NODELAY, 1, 1, true},
    {"keepalive", EVNET_SOCKET_KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE, 1, 1, true},
    {"idle", EVNET_SOCKET_KEEPALIVE_IDLE_S, IPPROTO_TCP, TCP_KEEPIDLE, 77, 77, false},
    {"interval", EVNET_SOCKET_KEEPALIVE_INTERVAL_S, IPPROTO_TCP, TCP_KEEPINTVL, 7, 7, false},
    {"count", EVNET_SOCKET_KEEPALIVE_COUNT, IPPROTO_TCP, TCP_KEEPCNT, 3, 3, false},
    {"user_timeout", EVNET_SOCKET_USER_TIMEOUT_MS, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234, 1234,
     false},
    {"notsent_lowat", EVNET_SOCKET_NOTSENT_LOWAT_BYTES, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384,
     16384, false},
    {"send_buffer", EVNET_SOCKET_SEND_BUFFER_BYTES, SOL_SOCKET, SO_SNDBUF, 20000, 40000, true},
    {"receive_buffer", EVNET_SOCKET_RECEIVE_BUFFER_BYTES, SOL_SOCKET, SO_RCVBUF, 30000, 60000,
     true},
    {"hops", EVNET_SOCKET_HOPS, IPPROTO_IP, IP_TTL, 9, 9, true},
    {"traffic_class", EVNET_SOCKET_TRAFFIC_CLASS, IPPROTO_IP, IP_TOS, 0xb8, 0xb8, true},
};

class OptionsTest : public ContractTest {
 protected:
  void SetUp() override {
    if (!GetParam().real_descriptors) GTEST_SKIP() << "no real descriptors";
    ContractTest::SetUp();
  }

  bool IsLinux() const { return strcmp(GetParam().name, "kqueue") != 0; }

  static int Get(int descriptor, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(descriptor, level, name, &value, &size), 0) << strerror(errno);
    return value;
  }

  // Returns the name of the option that listening refuses, or "" if it listens.
  std::string Refused(evnet_listen_options options, int *out_status) {
    const evnet_address address = fixture().Loopback();
    const char *name = "";
    options.out_refused = &name;
    evnet_handle handle = {};
    const size_t before = fixture().OpenDescriptors();
    *out_status = evnet_poller_listen(poller(), &address, &options, &handle);
    if (*out_status == 0) {
      evnet_poller_detach(poller(), handle);
    } else {
      EXPECT_EQ(fixture().OpenDescriptors(), before);
    }
    return name;
  }
};

TEST_P(OptionsTest, OfAConnectionAreSet) {
  const Connection connection = Connect();
  const int descriptor = evnet_poller_descriptor(poller(), connection.handle);
  EXPECT_EQ(descriptor, connection.descriptor);
  for (const Option &option : kOptions) {
    const int before = Get(descriptor, option.level, option.real_name);
    const int status =
        evnet_poller_set_option(poller(), connection.handle, option.option, option.value);
    const int after = Get(descriptor, option.level, option.real_name);
    if (!IsLinux() && !option.everywhere && status == -EOPNOTSUPP) {
      EXPECT_EQ(after, before) << option.name;
    } else {
      EXPECT_EQ(status, 0) << option.name;
      EXPECT_EQ(after, option.seen) << option.name;
    }
  }
  EXPECT_EQ(evnet_poller_set_option(poller(), connection.handle, EVNET_SOCKET_NODELAY, 0), 0);
  EXPECT_EQ(Get(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST_P(OptionsTest, OfAConnectionAreAllDifferentAndNoMore) {
  std::set<evnet_socket_option> all;
  for (const Option &option : kOptions) all.insert(option.option);
  const Connection connection = Connect();
  // TCP does not have it.
  EXPECT_EQ(evnet_poller_set_option(poller(), connection.handle, EVNET_SOCKET_BROADCAST, 1),
            -EOPNOTSUPP);
  EXPECT_TRUE(all.insert(EVNET_SOCKET_BROADCAST).second);
  EXPECT_EQ(all.size(), static_cast<size_t>(EVNET_SOCKET_OPTIONS));
  EXPECT_EQ(evnet_poller_set_option(poller(), connection.handle,
                                    static_cast<evnet_socket_option>(EVNET_SOCKET_OPTIONS), 1),
            -EOPNOTSUPP);
}

TEST_P(OptionsTest, AValueOutOfRangeIsInvalid) {
  const Connection connection = Connect();
  const auto set = [&](evnet_socket_option option, int value) {
    return evnet_poller_set_option(poller(), connection.handle, option, value);
  };
  for (const int hops : {-1, 0, 256}) EXPECT_EQ(set(EVNET_SOCKET_HOPS, hops), -EINVAL);
  for (const int bits : {-1, 256}) EXPECT_EQ(set(EVNET_SOCKET_TRAFFIC_CLASS, bits), -EINVAL);
  if (IsLinux()) {
    EXPECT_EQ(set(EVNET_SOCKET_KEEPALIVE_IDLE_S, 32768), -EINVAL);
    EXPECT_EQ(set(EVNET_SOCKET_KEEPALIVE_INTERVAL_S, 0), -EINVAL);
    EXPECT_EQ(set(EVNET_SOCKET_KEEPALIVE_COUNT, 128), -EINVAL);
    EXPECT_EQ(set(EVNET_SOCKET_USER_TIMEOUT_MS, -1), -EINVAL);
  }
}

TEST_P(OptionsTest, ADatagramSocketHasHopsAndTrafficClassOfBothFamiliesAndBroadcast) {
  for (const char *text : {"udp4://127.0.0.1:0", "udp://:0"}) {
    SCOPED_TRACE(text);
    const evnet_address address = ParseAddress(text);
    evnet_handle handle = {};
    ASSERT_EQ(evnet_poller_listen(poller(), &address, nullptr, &handle), 0);
    const int descriptor = evnet_poller_descriptor(poller(), handle);
    const auto set = [&](evnet_socket_option option, int value) {
      return evnet_poller_set_option(poller(), handle, option, value);
    };
    EXPECT_EQ(set(EVNET_SOCKET_HOPS, 5), 0);
    EXPECT_EQ(set(EVNET_SOCKET_TRAFFIC_CLASS, 0x20), 0);
    EXPECT_EQ(set(EVNET_SOCKET_BROADCAST, 1), 0);
    EXPECT_EQ(Get(descriptor, SOL_SOCKET, SO_BROADCAST), 1);
    EXPECT_EQ(set(EVNET_SOCKET_BROADCAST, 0), 0);
    EXPECT_EQ(Get(descriptor, SOL_SOCKET, SO_BROADCAST), 0);
    EXPECT_EQ(set(EVNET_SOCKET_NODELAY, 1), -EOPNOTSUPP);
    EXPECT_EQ(set(EVNET_SOCKET_KEEPALIVE, 1), -EOPNOTSUPP);
    const evnet_address own = AddressOf(handle);
    if (own.socket.any.sa_family == AF_INET || IsLinux()) {
      EXPECT_EQ(Get(descriptor, IPPROTO_IP, IP_TTL), 5);
      EXPECT_EQ(Get(descriptor, IPPROTO_IP, IP_TOS), 0x20);
    }
    if (own.socket.any.sa_family == AF_INET6) {
      EXPECT_EQ(Get(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 5);
      EXPECT_EQ(Get(descriptor, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
    }
    evnet_poller_detach(poller(), handle);
  }
}

TEST_P(OptionsTest, AUnixSocketHasOnlyBuffers) {
  const Connection connection = AttachUnix();
  for (const Option &option : kOptions) {
    const int status =
        evnet_poller_set_option(poller(), connection.handle, option.option, option.value);
    if (option.level == SOL_SOCKET && option.real_name != SO_KEEPALIVE) {
      EXPECT_EQ(status, 0) << option.name;
      EXPECT_EQ(Get(connection.descriptor, SOL_SOCKET, option.real_name), option.seen);
    } else {
      EXPECT_EQ(status, -EOPNOTSUPP) << option.name;
    }
  }
  EXPECT_EQ(Get(connection.descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
}

// Otherwise the options would have to be set after each accept.
TEST_P(OptionsTest, AcceptedSocketsHaveThemFromTheirListener) {
  evnet_listen_options options = {};
  options.send_buffer_bytes = 20000;
  options.receive_buffer_bytes = 30000;
  options.keepalive_idle_s = 77;
  if (IsLinux()) {
    options.keepalive_interval_s = 7;
    options.keepalive_count = 3;
    options.user_timeout_ms = 1234;
    options.notsent_lowat_bytes = 16384;
  }
  const Connection connection = ConnectOnly({}, &options);
  for (const Option &option : kOptions) {
    if (option.level == IPPROTO_IP) continue;  // the listener has no such option
    const bool set = IsLinux() || option.everywhere || option.real_name == TCP_KEEPIDLE;
    if (set) {
      EXPECT_EQ(Get(connection.descriptor, option.level, option.real_name), option.seen)
          << option.name;
    }
  }
  evnet_poller_discard_descriptor(poller(), connection.descriptor);
}

TEST_P(OptionsTest, ByDefaultOnlyNodelayIsSet) {
  for (const bool no_nodelay : {false, true}) {
    evnet_listen_options options = {};
    options.no_nodelay = no_nodelay;
    const Connection connection = ConnectOnly({}, &options);
    const int descriptor = connection.descriptor;
    const int fresh = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(Get(descriptor, IPPROTO_TCP, TCP_NODELAY), !no_nodelay);
    for (const Option &option : kOptions) {
      // Not the buffers, because the kernel grows a connection's buffers.
      if (option.level == IPPROTO_TCP && option.real_name != TCP_NODELAY) {
        EXPECT_EQ(Get(descriptor, IPPROTO_TCP, option.real_name),
                  Get(fresh, IPPROTO_TCP, option.real_name))
            << option.name;
      }
    }
    EXPECT_EQ(Get(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fresh);
    evnet_poller_discard_descriptor(poller(), descriptor);
  }
}

TEST_P(OptionsTest, OfAListenerAloneAreSetOrRefusedByName) {
  evnet_listen_options options = {};
  options.fast_open_queue_max = 17;
  options.defer_accept_s = 5;
  int status = 0;
  if (IsLinux()) {
    const evnet_handle listener = Listen(&options);
    const int descriptor = evnet_poller_descriptor(poller(), listener);
    EXPECT_EQ(Get(descriptor, IPPROTO_TCP, TCP_FASTOPEN), 17);
    // The kernel converts the time to retransmissions, and returns their total time: tcp(7).
    EXPECT_GE(Get(descriptor, IPPROTO_TCP, TCP_DEFER_ACCEPT), 5);
    const evnet_handle other = Listen();
    EXPECT_EQ(Get(evnet_poller_descriptor(poller(), other), IPPROTO_TCP, TCP_FASTOPEN), 0);
    EXPECT_EQ(Get(evnet_poller_descriptor(poller(), other), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
  } else {
    options.fast_open_queue_max = 0;
    EXPECT_EQ(Refused(options, &status), "defer_accept_s");
    EXPECT_EQ(status, -EOPNOTSUPP);
    options = {};
    options.bind_to_device = "lo";
    EXPECT_EQ(Refused(options, &status), "bind_to_device");
    EXPECT_EQ(status, -EOPNOTSUPP);
    options = {};
    options.user_timeout_ms = 1;
    EXPECT_EQ(Refused(options, &status), "user_timeout_ms");
    EXPECT_EQ(status, -EOPNOTSUPP);
  }
}

TEST_P(OptionsTest, ARefusedOneIsNamed) {
  if (!IsLinux()) GTEST_SKIP() << "the bounds are Linux's";
  const struct {
    const char *name;
    void (*set)(evnet_listen_options *options);
  } cases[] = {
      {"keepalive_idle_s", [](evnet_listen_options *o) { o->keepalive_idle_s = 32768; }},
      {"keepalive_interval_s", [](evnet_listen_options *o) { o->keepalive_interval_s = 32768; }},
      {"keepalive_count", [](evnet_listen_options *o) { o->keepalive_count = 128; }},
  };
  int status = 0;
  for (const auto &each : cases) {
    evnet_listen_options options = {};
    each.set(&options);
    EXPECT_EQ(Refused(options, &status), each.name);
    EXPECT_EQ(status, -EINVAL) << each.name;
  }
  EXPECT_EQ(Refused({}, &status), "");
  EXPECT_EQ(status, 0);
}

// Since Linux 5.7, any user may bind a socket to an interface if it is not bound to one yet
// (socket(7)).
TEST_P(OptionsTest, AListenerBoundToAnInterfaceAcceptsThere) {
  if (!IsLinux()) GTEST_SKIP() << "Linux's option";
  evnet_listen_options options = {};
  int status = 0;
  options.bind_to_device = "evnet-has-none";
  EXPECT_EQ(Refused(options, &status), "bind_to_device");
  if (status == -EPERM) GTEST_SKIP() << "SO_BINDTODEVICE is not permitted here";
  EXPECT_EQ(status, -ENODEV);
  options.bind_to_device = "lo";
  const Connection connection = ConnectOnly({}, &options);
  char device[IF_NAMESIZE] = "";
  socklen_t size = sizeof device;
  EXPECT_EQ(getsockopt(connection.descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, &size), 0);
  EXPECT_STREQ(device, "lo");
  evnet_poller_discard_descriptor(poller(), connection.descriptor);
}

TEST_P(OptionsTest, AWildcardTakesBothFamiliesUnlessV6Only) {
  evnet_address both = {};
  ASSERT_EQ(evnet_address_parse("tcp://:0", &both, nullptr, 0), 0);
  for (const bool v6only : {false, true}) {
    evnet_listen_options options = {};
    options.v6only = v6only;
    evnet_handle listener = {};
    ASSERT_EQ(evnet_poller_listen(poller(), &both, &options, &listener), 0);
    EXPECT_EQ(Get(evnet_poller_descriptor(poller(), listener), IPPROTO_IPV6, IPV6_V6ONLY), v6only);
    EXPECT_EQ(AddressOf(listener).dual_stack, !v6only);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, OptionsTest, ::testing::ValuesIn(TcpBackends()), BackendName);

}  // namespace
}  // namespace evnet_testing
