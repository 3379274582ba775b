// Multicast groups, through the public API of a server.
#include <errno.h>
#include <net/if.h>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// A group on `lo`, because every machine has `lo`.
const char kGroup[] = "239.1.2.3";

evnet_address GroupAt(uint16_t port) {
  return ParseAddress(std::string("udp://") + kGroup + ":" + std::to_string(port));
}

Callbacks Member() {
  Callbacks callbacks = Echo();
  callbacks.on_boot = [](evnet_server *server) {
    const evnet_address group = GroupAt(0);
    evnet_conn *socket = evnet_server_datagram_socket(server, 0);
    EXPECT_EQ(evnet_conn_join_group(socket, &group, "lo"), 0);
    EXPECT_EQ(evnet_conn_join_group(socket, &group, "lo"), -EADDRINUSE);
    return EVNET_NONE;
  };
  return callbacks;
}

void SendBy(UdpClient *client, const evnet_address &to, const std::string &data) {
  ip_mreqn lo = {};
  lo.imr_ifindex = static_cast<int>(if_nametoindex("lo"));
  ASSERT_TRUE(client->Set(IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
  client->Send(to, data);
}

TEST(UdpGroup, TwoServersOfAGroupBothGetAndAnswerEachDatagram) {
  const std::string group = std::string("udp://") + kGroup + ":";
  const Server first(Member(), {}, {group + "0"});
  const Server second(Member(), {}, {group + std::to_string(first.port())});
  UdpClient client;
  SendBy(&client, GroupAt(first.port()), "hello");
  for (int i = 0; i < 2; i++) EXPECT_EQ(client.Receive(), "hello");
}

TEST(UdpGroup, ASourceIsJoinedAndLeft) {
  Callbacks callbacks = Echo();
  const evnet_address group = GroupAt(0);
  const evnet_address source = ParseAddress("udp://127.0.0.1:0");
  callbacks.on_boot = [&](evnet_server *server) {
    evnet_conn *socket = evnet_server_datagram_socket(server, 0);
    EXPECT_EQ(evnet_conn_join_source(socket, &group, &source, "lo"), 0);
    EXPECT_EQ(evnet_conn_join_group(socket, &group, "lo"), -EADDRINUSE);
    EXPECT_EQ(evnet_conn_set_broadcast(socket, true), 0);
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    const std::string data = Take(conn);
    if (data == "leave") {
      EXPECT_EQ(evnet_conn_leave_source(conn, &group, &source, "lo"), 0);
      EXPECT_EQ(evnet_conn_leave_source(conn, &group, &source, "lo"), -EADDRNOTAVAIL);
    }
    Write(conn, data);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp4://:0"});
  UdpClient client;
  SendBy(&client, GroupAt(server.port()), "hello");
  EXPECT_EQ(client.Receive(), "hello");
  SendBy(&client, GroupAt(server.port()), "leave");
  EXPECT_EQ(client.Receive(), "leave");
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(UdpGroup, AfterLeavingOnlyWhatIsSentToTheHostComes) {
  Journal journal;
  Callbacks callbacks = Member();
  callbacks.on_data = [&](evnet_conn *conn) {
    const std::string data = Take(conn);
    journal.Add(data);
    const evnet_address group = GroupAt(0);
    if (data == "leave") {
      EXPECT_EQ(evnet_conn_leave_group(conn, &group, "lo"), 0);
      EXPECT_EQ(evnet_conn_leave_group(conn, &group, "lo"), -EADDRNOTAVAIL);
      Write(conn, "left");
    }
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp4://:0"});
  UdpClient client;
  SendBy(&client, GroupAt(server.port()), "leave");
  EXPECT_EQ(client.Receive(), "left");
  SendBy(&client, GroupAt(server.port()), "to the group");
  client.Send(ParseAddress("udp://127.0.0.1:" + std::to_string(server.port())), "to the host");
  EXPECT_TRUE(journal.WaitFor("to the host"));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"leave", "to the host"}));
}

TEST(UdpGroup, AServerSendsToAGroupAsItWasTold) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const std::string port = Take(conn);
    EXPECT_EQ(evnet_conn_set_multicast_interface(conn, "evnet-has-none"), -ENODEV);
    EXPECT_EQ(evnet_conn_set_multicast_interface(conn, "lo"), 0);
    EXPECT_EQ(evnet_conn_set_multicast_hops(conn, 256), -EINVAL);
    EXPECT_EQ(evnet_conn_set_multicast_hops(conn, 7), 0);
    EXPECT_EQ(evnet_conn_set_multicast_loop(conn, true), 0);
    const evnet_address to = GroupAt(static_cast<uint16_t>(std::stoi(port)));
    EXPECT_EQ(evnet_conn_send_to(conn, &to, "news", 4), 4);
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {"udp://127.0.0.1:0"});
  UdpClient member("udp4://:0");
  ip_mreqn request = {};
  request.imr_multiaddr = GroupAt(0).socket.ip4.sin_addr;
  request.imr_ifindex = static_cast<int>(if_nametoindex("lo"));
  ASSERT_TRUE(member.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request));
  const evnet_address own = member.Address();
  UdpClient client;
  client.Send(server.address(), std::to_string(evnet_address_port(&own)));
  evnet_address from = {};
  EXPECT_EQ(member.Receive(&from), "news");
  EXPECT_EQ(FormatAddress(from), FormatAddress(server.address()));
}

void ExpectRefused(evnet_conn *conn, int status) {
  const evnet_address group = GroupAt(0);
  EXPECT_EQ(evnet_conn_join_group(conn, &group, "lo"), status);
  EXPECT_EQ(evnet_conn_leave_group(conn, &group, "lo"), status);
  EXPECT_EQ(evnet_conn_set_multicast_interface(conn, "lo"), status);
  EXPECT_EQ(evnet_conn_set_multicast_hops(conn, 1), status);
  EXPECT_EQ(evnet_conn_set_multicast_loop(conn, true), status);
}

TEST(UdpGroup, ConnectionsAndClosedSocketsHaveNone) {
  evnet_conn *socket = nullptr;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    socket = evnet_server_datagram_socket(server, 1);
    return EVNET_NONE;
  };
  callbacks.on_data = [](evnet_conn *conn) {
    ExpectRefused(conn, -EOPNOTSUPP);
    return EchoData(conn);
  };
  callbacks.on_shutdown = [&](evnet_server *) { ExpectRefused(socket, -ENOTCONN); };
  Server server(callbacks, {}, {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  client.Close();
  EXPECT_EQ(server.Stop(1000), 0);
}

}  // namespace
}  // namespace evnet_testing
