// The address of a connection's peer is exactly the address that accept(2) returned.
#include <arpa/inet.h>
#include <string.h>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

evnet_address Ip6(const char *host, uint32_t zone) {
  evnet_address address = {};
  address.transport = EVNET_TRANSPORT_TCP;
  address.socket.ip6.sin6_family = AF_INET6;
  address.socket.ip6.sin6_port = htons(4711);
  address.socket.ip6.sin6_scope_id = zone;
  EXPECT_EQ(inet_pton(AF_INET6, host, &address.socket.ip6.sin6_addr), 1) << host;
  address.size = sizeof address.socket.ip6;
  return address;
}

// Returns the address that a connection reports which was accepted from `peer`.
evnet_address Told(Harness *h, const evnet_address &peer) {
  evnet_address told = {};
  h->on.open = [&](evnet_conn *conn) {
    evnet_conn_remote_address(conn, &told);
    return EVNET_CLOSE;
  };
  PlainListener listener;
  const Client client(listener.address());
  EXPECT_EQ(evnet_reactor_open(h->reactor(), listener.Accept(), &peer, {EVNET_LISTENER_NONE, 0}),
            0);
  h->Settle();
  return told;
}

TEST(Peer, AnIp6AddressAndItsZoneAreKeptAsTheyAre) {
  Harness h;
  h.on.open = [](evnet_conn *) { return EVNET_NONE; };
  h.Start();
  struct {
    const char *host;
    uint32_t zone;
  } const peers[] = {
      {"2001:db8::1", 0},
      {"fe80::1", 3},
      {"fe80::1", UINT32_MAX},
      {"fe80:1:2:3:4:5:6:7", 0},
      {"fe80:1:2:3:4:5:6:7", 0x04030201},
      {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0xfffefdfc},
      {"fec0:1:2:3::1", 5},
  };
  for (const auto &peer : peers) {
    const evnet_address given = Ip6(peer.host, peer.zone);
    const evnet_address told = Told(&h, given);
    EXPECT_EQ(FormatAddress(told), FormatAddress(given));
    EXPECT_EQ(told.size, given.size);
    EXPECT_EQ(memcmp(&told.socket.ip6, &given.socket.ip6, sizeof given.socket.ip6), 0)
        << FormatAddress(given);
  }
}

}  // namespace
}  // namespace evnet_testing
