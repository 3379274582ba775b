// The options of a connect: the source, the device and the socket options.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "net/poller/testing/connect_fixture.h"

namespace evnet_testing {
namespace {

TEST_P(ConnectTest, ItIsBoundToItsSource) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "only TCP has hosts";
  evnet_address source = ParseAddress("tcp://127.0.0.2:0");
  evnet_connect_options options = {};
  options.source = &source;
  evnet_handle accepted = {};
  const evnet_handle first = ConnectPair(&accepted, &options);
  evnet_address remote = {};
  ASSERT_EQ(evnet_poller_remote_address(poller(), accepted, &remote), 0);
  const uint16_t port = evnet_address_port(&remote);
  EXPECT_NE(port, 0);
  EXPECT_EQ(FormatAddress(remote), "tcp://127.0.0.2:" + std::to_string(port));
  Detach(first);
}

TEST_P(ConnectTest, APortOfTheCallersChoiceMayBeUsedAgainAtOnce) {
  if (!GetParam().is_tcp()) GTEST_SKIP() << "only TCP has ports";
  evnet_address source;
  {
    const PlainListener bound(ParseAddress("tcp://127.0.0.2:0"), -1);
    source = bound.address();
  }
  evnet_connect_options options = {};
  options.source = &source;
  for (int i = 0; i < 2; i++) {
    evnet_handle accepted = {};
    const evnet_handle handle = ConnectPair(&accepted, &options);
    evnet_address remote = {};
    ASSERT_EQ(evnet_poller_remote_address(poller(), accepted, &remote), 0);
    EXPECT_EQ(FormatAddress(remote), FormatAddress(source));
    // This end closes first, so it enters TIME_WAIT.
    Detach(handle);
    Detach(accepted);
    loop().Clear();
  }
}

TEST_P(ConnectTest, ASourceThatIsNotHereIsRefused) {
  const evnet_handle listener = Listen();
  const evnet_address source = ParseAddress("tcp://192.0.2.1:0");
  evnet_connect_options options = {};
  options.source = &source;
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_TCP);
  const evnet_address to = ParseAddress("tcp://127.0.0.1:1");
  EXPECT_EQ(ConnectNow(handle, to, &options), -EADDRNOTAVAIL);
  (void)listener;
}

TEST_P(ConnectTest, ItsOptionsAreSet) {
  evnet_connect_options options = {};
  options.send_buffer_bytes = 20000;
  options.receive_buffer_bytes = 30000;
  for (const bool no_nodelay : {false, true}) {
    options.no_nodelay = no_nodelay;
    evnet_handle accepted = {};
    const evnet_handle handle = ConnectPair(&accepted, &options);
    const int descriptor = evnet_poller_descriptor(poller(), handle);
    int value = 0;
    socklen_t size = sizeof value;
    ASSERT_EQ(getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &value, &size), 0);
    EXPECT_EQ(value, 2 * 20000);  // socket(7)
    ASSERT_EQ(getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &value, &size), 0);
    EXPECT_EQ(value, 2 * 30000);
    EXPECT_NE(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    if (!GetParam().is_tcp()) continue;
    ASSERT_EQ(getsockopt(descriptor, IPPROTO_TCP, 1 /* TCP_NODELAY */, &value, &size), 0);
    EXPECT_EQ(value != 0, !no_nodelay);
  }
}

TEST_P(ConnectTest, OptionsOfTcpAreSetOfTcpAlone) {
  evnet_connect_options options = {};
  options.keepalive_idle_s = 77;
  options.notsent_lowat_bytes = 16384;
  evnet_handle accepted = {};
  const evnet_handle handle = ConnectPair(&accepted, &options);
  const int descriptor = evnet_poller_descriptor(poller(), handle);
  int value = 0;
  socklen_t size = sizeof value;
  ASSERT_EQ(getsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
  EXPECT_EQ(value != 0, GetParam().is_tcp());
}

TEST_P(ConnectTest, ADeviceThatThereIsNotIsRefused) {
  evnet_connect_options options = {};
  options.bind_to_device = "evnet-none";
  const evnet_handle handle = Reserve(EVNET_TRANSPORT_TCP);
  const evnet_address to = ParseAddress("tcp://127.0.0.1:1");
  const int64_t status = ConnectNow(handle, to, &options);
  // macOS does not have the option.
  const bool has_none = std::string(GetParam().name) == "kqueue";
  EXPECT_EQ(status, has_none ? -EOPNOTSUPP : -ENODEV);
  const evnet_handle local = Reserve(EVNET_TRANSPORT_UNIX);
  EXPECT_EQ(ConnectNow(local, ParseAddress("unix://@evnet-x"), &options), -EOPNOTSUPP);
}

}  // namespace
}  // namespace evnet_testing
