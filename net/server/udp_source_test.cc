// The source address of a datagram: of a reply to a broadcast or a group, and of a reply that is
// sent later. All tests use `lo`, because all addresses of 127.0.0.0/8 belong to the machine.
#include <errno.h>
#include <net/if.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/timer.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

const char kBroadcast[] = "127.255.255.255";
const char kGroup[] = "239.9.8.7";

evnet_address At(const Server &server, const std::string &host) {
  return ParseAddress("udp://" + host + ":" + std::to_string(server.port()));
}

uint16_t PortOf(const UdpClient &client) {
  const evnet_address address = client.Address();
  return evnet_address_port(&address);
}

bool IsOverKqueue() { return std::string(Server().stats().backend) == "kqueue"; }

// Returns wildcard addresses that accept IPv4 datagrams.
std::vector<std::string> AllHosts() {
  std::vector<std::string> addresses = {"udp4://:0"};
  if (HasIp6()) addresses.emplace_back("udp://:0");
  return addresses;
}

void AllowBroadcast(UdpClient *client) {
  const int one = 1;
  ASSERT_TRUE(client->Set(SOL_SOCKET, SO_BROADCAST, &one, sizeof one));
}

TEST(UdpSource, TheAnswerToABroadcastLeavesFromTheReceivingInterfacesAddress) {
  if (IsOverKqueue()) {
    GTEST_SKIP() << "macOS reports only the destination, which may be a subnet's broadcast address "
                    "(net/poller/internal/datagram_pktinfo_darwin.c)";
  }
  for (const std::string &address : AllHosts()) {
    SCOPED_TRACE(address);
    Journal journal;
    Callbacks callbacks;
    callbacks.on_data = [&](evnet_conn *conn) {
      evnet_address local = {};
      EXPECT_EQ(evnet_conn_local_address(conn, &local), 0);
      journal.Add(FormatAddress(local));
      return EchoData(conn);
    };
    const Server server(callbacks, {}, {address});
    UdpClient client;
    AllowBroadcast(&client);
    client.Send(At(server, kBroadcast), "hello");
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), "hello");
    EXPECT_EQ(FormatAddress(from), FormatAddress(At(server, "127.0.0.1")));
    EXPECT_EQ(journal.Lines(), std::vector<std::string>{FormatAddress(from)});
    EXPECT_EQ(server.stats().datagrams_dropped, 0u);
  }
}

TEST(UdpSource, TheAnswerToAnIp4GroupLeavesFromTheReceivingInterfacesAddress) {
  for (const std::string &address : AllHosts()) {
    SCOPED_TRACE(address);
    Callbacks callbacks = Echo();
    callbacks.on_boot = [](evnet_server *server) {
      const evnet_address group = ParseAddress(std::string("udp://") + kGroup + ":0");
      EXPECT_EQ(evnet_conn_join_group(evnet_server_datagram_socket(server, 0), &group, "lo"), 0);
      return EVNET_NONE;
    };
    const Server server(callbacks, {}, {address});
    UdpClient client;
    ip_mreqn lo = {};
    lo.imr_ifindex = static_cast<int>(if_nametoindex("lo"));
    ASSERT_TRUE(client.Set(IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
    client.Send(At(server, kGroup), "hello");
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), "hello");
    EXPECT_EQ(FormatAddress(from), FormatAddress(At(server, "127.0.0.1")));
  }
}

// Sends a datagram to the address that each received datagram contains.
Callbacks Forwarder() {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    const evnet_address to = ParseAddress(Take(conn));
    EXPECT_EQ(evnet_conn_send_to(conn, &to, "forwarded", 9), 9);
    return EVNET_NONE;
  };
  return callbacks;
}

TEST(UdpSource, ABroadcastWithoutItsOptionIsRefusedCountedAndLoggedOnce) {
  Server server(Forwarder(), {}, {"udp4://:0"});
  UdpClient client;
  for (int i = 0; i < 3; i++)
    client.Send(At(server, "127.0.0.1"), std::string("udp://") + kBroadcast + ":9");
  EXPECT_TRUE(WaitUntil([&] { return server.stats().datagrams_dropped == 3; }));
  client.Send(At(server, "127.0.0.1"), FormatAddress(client.Address()));
  EXPECT_EQ(client.Receive(), "forwarded");
  const std::string log = server.log().Text();
  const std::string line = "cannot send a datagram from '" + FormatAddress(server.address()) +
                           "' to 'udp://" + kBroadcast + ":9': ";
  EXPECT_NE(log.find(line), std::string::npos) << log;
  EXPECT_NE(log.find("option udp_broadcast"), std::string::npos) << log;
  EXPECT_EQ(log.find("cannot send"), log.rfind("cannot send")) << log;
}

TEST(UdpSource, OfRefusedDatagramsThereIsOneLineInTenSecondsForAllReactors) {
  evnet_options options = {};
  options.reactors = 4;
  options.reuse_port = true;
  const Server server(Forwarder(), options, {"udp4://:0"});
  constexpr uint64_t kClients = 60;  // enough that every reactor gets some
  for (uint64_t i = 0; i < kClients; i++) {
    UdpClient client;
    client.Send(At(server, "127.0.0.1"), std::string("udp://") + kBroadcast + ":9");
  }
  EXPECT_TRUE(WaitUntil([&] { return server.stats().datagrams_dropped == kClients; }));
  const std::string log = server.log().Text();
  EXPECT_NE(log.find("cannot send"), std::string::npos) << log;
  EXPECT_EQ(log.find("cannot send"), log.rfind("cannot send")) << log;
}

TEST(UdpSource, WithItsOptionABroadcastIsSent) {
  for (const std::string &address : AllHosts()) {
    SCOPED_TRACE(address);
    evnet_options options = {};
    options.udp_broadcast = true;
    const Server server(Forwarder(), options, {address});
    UdpClient hears("udp://0.0.0.0:0");
    const std::string port = std::to_string(PortOf(hears));
    UdpClient client;
    client.Send(At(server, "127.0.0.1"), std::string("udp://") + kBroadcast + ":" + port);
    EXPECT_EQ(hears.Receive(), "forwarded");
  }
}

// Keeps the addresses of a request, and replies later from a timer or another thread.
struct Question {
  evnet_timer timer = {};
  evnet_conn *conn = nullptr;
  evnet_address peer = {};
  evnet_address asked = {};
  bool names_host = false;

  void Keep(evnet_conn *from) {
    conn = from;
    evnet_conn_remote_address(from, &peer);
    EXPECT_EQ(evnet_conn_local_address(from, &asked), 0);
  }

  static void Answer(evnet_timer *, void *user) {
    const Question *of = static_cast<Question *>(user);
    const ssize_t sent = of->names_host
                             ? evnet_conn_send_from(of->conn, &of->asked, &of->peer, "late", 4)
                             : evnet_conn_send_to(of->conn, &of->peer, "late", 4);
    EXPECT_EQ(sent, 4);
  }
};

// The reply uses evnet_conn_send_from or evnet_conn_send_to. The latter works because the socket
// remembers the local addresses that its last peers used.
TEST(UdpSource, ALateAnswerLeavesFromTheHostThatWasAsked) {
  // The address of the server, and the host to which the request is sent.
  std::vector<std::pair<std::string, std::string>> cases;
  for (const std::string &address : AllHosts()) cases.emplace_back(address, "127.0.0.2");
  if (HasIp6()) cases.emplace_back("udp://:0", "[::1]");
  for (const auto &[address, host] : cases) {
    for (const bool names_host : {false, true}) {
      SCOPED_TRACE(address + " " + host + (names_host ? " by send_from" : " by send_to"));
      Question question;
      question.names_host = names_host;
      Callbacks callbacks;
      callbacks.on_data = [&](evnet_conn *conn) {
        question.Keep(conn);
        evnet_timer_start(evnet_conn_reactor(conn), &question.timer, 1, Question::Answer,
                          &question);
        return EVNET_NONE;
      };
      const Server server(callbacks, {}, {address});
      UdpClient client(host == "[::1]" ? "udp://[::1]:0" : "udp://127.0.0.1:0");
      client.Send(At(server, host), "question");
      evnet_address from = {};
      EXPECT_EQ(client.Receive(&from), "late");
      EXPECT_EQ(FormatAddress(from), FormatAddress(At(server, host)));
    }
  }
}

TEST(UdpSource, ALateAnswerByIdLeavesFromTheHostThatWasAsked) {
  for (const std::string &address : AllHosts()) {
    SCOPED_TRACE(address);
    Question question;
    struct evnet_conn_id id = {};
    Journal journal;
    Callbacks callbacks;
    callbacks.on_data = [&](evnet_conn *conn) {
      question.Keep(conn);
      id = evnet_conn_get_id(conn);
      journal.Add("asked");
      return EVNET_NONE;
    };
    const Server server(callbacks, {}, {address});
    UdpClient client;
    client.Send(At(server, "127.0.0.3"), "question");
    ASSERT_TRUE(journal.WaitFor("asked"));
    const auto done = [](struct evnet_conn_id, int status, void *user) {
      static_cast<Journal *>(user)->Add("done " + std::to_string(status));
    };
    EXPECT_EQ(evnet_async_send_from(server.get(), id, &question.asked, &question.peer, "late", 4,
                                    done, &journal),
              0);
    EXPECT_EQ(evnet_async_send_to(server.get(), id, &question.peer, "later", 5, done, &journal), 0);
    for (const char *expected : {"late", "later"}) {
      evnet_address from = {};
      EXPECT_EQ(client.Receive(&from), expected);
      EXPECT_EQ(FormatAddress(from), FormatAddress(At(server, "127.0.0.3")));
    }
    EXPECT_TRUE(journal.WaitFor("done 0", 2));
  }
}

TEST(UdpSource, SendFromChecksItsAddressesAndTakesAllHostsForNone) {
  UdpClient client;
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_address peer = {};
    evnet_conn_remote_address(conn, &peer);
    const evnet_address any4 = ParseAddress("udp://0.0.0.0:0");
    const evnet_address any6 = ParseAddress("udp://[::]:0");
    const evnet_address other_family = ParseAddress("udp://[::1]:0");
    evnet_address no_port = peer;
    no_port.socket.ip4.sin_port = 0;
    for (const evnet_address *from : {static_cast<const evnet_address *>(nullptr), &any4, &any6})
      EXPECT_EQ(evnet_conn_send_from(conn, from, &peer, "x", 1), 1);
    EXPECT_EQ(evnet_conn_send_from(conn, &other_family, &peer, "x", 1), -EAFNOSUPPORT);
    EXPECT_EQ(evnet_conn_send_from(conn, &any4, &no_port, "x", 1), -EINVAL);
    EXPECT_EQ(evnet_conn_send_from(conn, nullptr, &peer, "x", 65508), -EMSGSIZE);
    journal.Add("done");
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {"udp4://:0"});
  client.Send(At(server, "127.0.0.1"), "go");
  EXPECT_TRUE(journal.WaitFor("done"));
  for (int i = 0; i < 3; i++) EXPECT_EQ(client.Receive(), "x");
}

TEST(UdpSource, SendFromIsNotForConnections) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    const evnet_address address = ParseAddress("udp://127.0.0.1:9");
    journal.Add(evnet_status_name(
        static_cast<int>(evnet_conn_send_from(conn, &address, &address, "x", 1))));
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  const Client client(server.port());
  EXPECT_TRUE(journal.WaitFor("EOPNOTSUPP"));
  const std::string address = "udp://127.0.0.1:" + std::to_string(server.port(1));
  EXPECT_EQ(evnet_server_dial(server.get(), address.c_str(), nullptr, nullptr, nullptr), 0);
  EXPECT_TRUE(journal.WaitFor("EISCONN"));
}

TEST(UdpSource, ADialToABroadcastAddressWantsItsOption) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_write(conn, "dialled", 7), 7);
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int reason) {
    journal.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  const Server server(callbacks);
  UdpClient hears("udp://0.0.0.0:0");
  const std::string address =
      std::string("udp://") + kBroadcast + ":" + std::to_string(PortOf(hears));
  EXPECT_EQ(evnet_server_dial(server.get(), address.c_str(), nullptr, nullptr, nullptr), 0);
  EXPECT_TRUE(journal.WaitFor("EACCES"));
  evnet_dial_options options = {};
  options.udp_broadcast = true;
  EXPECT_EQ(evnet_server_dial(server.get(), address.c_str(), &options, nullptr, nullptr), 0);
  EXPECT_EQ(hears.Receive(), "dialled");
}

}  // namespace
}  // namespace evnet_testing
