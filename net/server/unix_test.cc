// A server on Unix stream sockets, from its clients' point of view.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"
#include "net/base/testing/rights_client.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
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

class Unix : public testing::Test {
 protected:
  std::string text(const std::string &name = "socket") const {
    return "unix://" + directory_.File(name);
  }
  // Returns an abstract address that no other test uses.
  std::string Name() const { return "unix://@" + directory_.path(); }

  // Only Linux has abstract names. The stand-in for kqueue acts like another system.
  bool HasAbstractNames() const {
    Created probe(Echo(), {}, {Name()});
    const int status = evnet_server_start(probe.get());
    if (status < 0) return false;
    evnet_server_stop(probe.get(), 0);
    return evnet_server_wait(probe.get()) == 0;
  }

  const TempDirectory directory_;
};

TEST_F(Unix, IsServedBesideEveryOtherKindOfAddress) {
  std::vector<std::string> texts = {"tcp://127.0.0.1:0",
                                    "tcp4://127.0.0.1:0",
                                    "udp://127.0.0.1:0",
                                    "udp4://:0",
                                    text(),
                                    "127.0.0.1:0",
                                    "tcp://:0"};
  const bool has_ip6 = HasIp6();
  if (HasAbstractNames()) texts.push_back(Name());
  if (has_ip6) {
    for (const char *text : {"tcp6://[::1]:0", "udp6://[::1]:0"}) texts.push_back(text);
  }
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_listener_index(conn)) + Take(conn));
    return EVNET_NONE;
  };
  for (const int reactors : {1, 3}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(callbacks, options, texts);
    for (size_t i = 0; i < texts.size(); i++) {
      SCOPED_TRACE(texts[i]);
      evnet_address address = server.address(i);
      EXPECT_EQ(address.transport, ParseAddress(texts[i]).transport);
      // The address is a wildcard, so the client connects to one of the hosts.
      if (texts[i] == "tcp://:0" || texts[i] == "udp4://:0") {
        address = ParseAddress(texts[i].substr(0, 3) +
                               "://127.0.0.1:" + std::to_string(evnet_address_port(&address)));
      }
      if (address.transport == EVNET_TRANSPORT_UDP) {
        UdpClient client(address.socket.any.sa_family == AF_INET6 ? "udp://[::1]:0"
                                                                  : "udp://127.0.0.1:0");
        client.Send(address, "hello");
        EXPECT_EQ(client.Receive(), std::to_string(i) + "hello");
        continue;
      }
      Client client(address);
      client.SendAll("hello");
      EXPECT_EQ(client.Receive(6), std::to_string(i) + "hello");
    }
    EXPECT_EQ(server.Stop(5000), 0);
  }
  EXPECT_TRUE(directory_.Names().empty());
  if (!has_ip6) GTEST_SKIP() << "without tcp6 and udp6: no ::1 here";
}

TEST_F(Unix, AnswersAndEndsAfterTheClientsEnd) {
  for (const int reactors : {1, 2}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Echo(), options, {text()});
    Client client(server.address());
    EXPECT_EQ(client.Exchange("hello"), "hello");
    client.SendAll("last words");
    client.ShutdownWrite();
    EXPECT_EQ(client.ReceiveToEnd(), "last words");
    EXPECT_EQ(client.end(), Client::End::kEnd);
    ASSERT_TRUE(server.WaitForClosed(1));
    EXPECT_EQ(server.Stop(1000), 0);
  }
}

TEST_F(Unix, SendsAMegabyteToOneThatReadsOnlyAfterItsEnd) {
  Server server(Echo(), {}, {text()});
  const std::string data = Pattern(1 << 20);
  Client client(server.address());
  client.SendAll(data);
  client.ShutdownWrite();
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_F(Unix, Sends64MegabytesBackWhileTheyCome) {
  Server server(Echo(), {}, {text()});
  Client client(server.address());
  const std::string data = Pattern(64 << 20);
  EXPECT_TRUE(client.Exchange(data) == data);
}

TEST_F(Unix, AStopDeliversWhatIsQueued) {
  Server server(Echo(), {}, {text()});
  const std::string data = Pattern(1 << 20);
  Client client(server.address());
  client.SendAll(data);
  evnet_server_stop(server.get(), 20000);
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
}

TEST_F(Unix, AnAbortIsAnEnd) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    evnet_conn_abort(conn);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {text()});
  Client client(server.address());
  client.SendAll("x");
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_F(Unix, AddressesOfEachKindAreServedTogether) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_listener_index(conn)));
    return EVNET_NONE;
  };
  std::vector<std::string> texts = {"tcp://127.0.0.1:0", text("a"), text("b")};
  {
    Created probe(Echo(), {}, {"unix://@" + directory_.path()});
    const int status = evnet_server_start(probe.get());
    if (status == 0) {
      EXPECT_EQ(Format(probe.address()), "unix://@" + directory_.path());
      evnet_server_stop(probe.get(), 0);
      EXPECT_EQ(evnet_server_wait(probe.get()), 0);
      texts.push_back("unix://@" + directory_.path());
    } else {
      EXPECT_EQ(status, -EOPNOTSUPP);
      EXPECT_TRUE(probe.log().Has("only Linux supports abstract names")) << probe.log().Text();
    }
  }
  Server server(callbacks, {}, texts);
  for (size_t i = 0; i < texts.size(); i++) {
    Client client(server.address(i));
    EXPECT_EQ(client.Receive(1), std::to_string(i));
    if (i > 0) {
      EXPECT_EQ(Format(server.address(i)), texts[i]);
    }
  }
}

TEST_F(Unix, AConnectionKnowsBothItsEndsToItsLast) {
  Journal journal;
  Callbacks callbacks = Echo();
  const auto note = [&](evnet_conn *conn) {
    evnet_address remote, local;
    evnet_conn_remote_address(conn, &remote);
    EXPECT_EQ(evnet_conn_local_address(conn, &local), 0);
    EXPECT_EQ(remote.transport, EVNET_TRANSPORT_UNIX);
    EXPECT_EQ(local.transport, EVNET_TRANSPORT_UNIX);
    journal.Add(Format(remote) + " " + Format(local));
  };
  callbacks.on_open = [&](evnet_conn *conn) {
    note(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *conn, int) {
    note(conn);
    return EVNET_NONE;
  };
  for (const int reactors : {1, 2}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(callbacks, options, {text()});
    { Client unnamed(server.address()); }
    EXPECT_TRUE(journal.WaitFor("unix:// " + text(), 2u * static_cast<size_t>(reactors)));
    ClientOptions named;
    named.path = directory_.File("client" + std::to_string(reactors));
    { Client client(server.address(), named); }
    EXPECT_TRUE(journal.WaitFor("unix://" + named.path + " " + text(), 2));
  }
}

TEST_F(Unix, AConnectionKnowsWhoMadeItAndATcpOneDoesNot) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_credentials peer = {};
    const int status = evnet_conn_peer_credentials(conn, &peer);
    if (status == 0) {
      EXPECT_EQ(peer.user, geteuid());
      EXPECT_EQ(peer.group, getegid());
      EXPECT_TRUE(peer.process == getpid() || peer.process == 0);
    }
    journal.Add(evnet_status_name(status));
    return EVNET_CLOSE;
  };
  Server server(callbacks, {}, {text(), "tcp://127.0.0.1:0"});
  Client local(server.address(0));
  EXPECT_EQ(local.ReceiveToEnd(), "");
  Client over_ip(server.port(1));
  EXPECT_EQ(over_ip.ReceiveToEnd(), "");
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"OK", "EOPNOTSUPP"}));
}

TEST_F(Unix, ItsReceiveBufferIsRefusedAndTheSendBufferStaysAsItWas) {
  const auto send_bytes = [](const evnet_conn *conn) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(evnet_conn_fd(conn), SOL_SOCKET, SO_SNDBUF, &value, &size), 0);
    return value;
  };
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    const int before = send_bytes(conn);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 0, 30000), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 20000, 30000), -EOPNOTSUPP);
    EXPECT_EQ(send_bytes(conn), before);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 20000, 0), 0);
    EXPECT_NE(send_bytes(conn), before);
    return EVNET_NONE;
  };
  const Server server(callbacks, {}, {text()});
  Client client(server.address());
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

TEST_F(Unix, DescriptorsThatClientsSendAreClosed) {
  constexpr size_t kDescriptors = 100;
  Server server(Echo(), {}, {text()});
  Client client(server.address());
  EXPECT_EQ(client.Exchange("hello"), "hello");
  const size_t before = OpenDescriptors();
  const std::vector<int> descriptors(kDescriptors, client.descriptor());
  for (int round = 0; round < 100; round++) {
    // io_uring receives large pieces in another way.
    std::string data = Pattern(round < 70 ? 100 : 60000, static_cast<uint32_t>(round));
    ASSERT_EQ(SendRights(client.descriptor(), data, descriptors), static_cast<ssize_t>(data.size()))
        << strerror(errno);
    client.SendAll("after them");
    data += "after them";
    ASSERT_TRUE(client.Receive(data.size()) == data);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(Unix, AClientThatNeverReadsIsBoundedAndLosesNothing) {
  evnet_options options = {};
  options.outbound_high_water_bytes = 256 << 10;
  Server server(Echo(), options, {text()});
  Client client(server.address());
  const std::string data = Pattern(32 << 20);
  const size_t sent = client.SendUntilBlocked(data);
  // The bound covers two socket buffers, the high water mark and the replies of one turn.
  EXPECT_LT(sent, size_t{4} << 20);
  client.ShutdownWrite();
  EXPECT_TRUE(client.ReceiveToEnd() == data.substr(0, sent));
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_F(Unix, ConnectionsMaxPausesAcceptingUntilOneCloses) {
  evnet_options options = {};
  options.connections_max = 2;
  Server server(Echo(), options, {text()});
  Client first(server.address());
  Client second(server.address());
  EXPECT_EQ(first.Exchange("1"), "1");
  EXPECT_EQ(second.Exchange("2"), "2");
  Client third(server.address());
  third.SendAll("3");
  EXPECT_FALSE(third.Readable(50));
  first.Close();
  EXPECT_EQ(third.Receive(1), "3");
}

TEST_F(Unix, EachBalancingGivesEveryReactorItsShare) {
  for (const evnet_balancing balancing :
       {EVNET_ROUND_ROBIN, EVNET_LEAST_CONNECTIONS, EVNET_SOURCE_HASH}) {
    SCOPED_TRACE(balancing);
    Callbacks callbacks;
    callbacks.on_open = [](evnet_conn *conn) {
      Write(conn, std::to_string(evnet_conn_get_id(conn).reactor));
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = 3;
    options.balancer = balancing;
    Server server(callbacks, options, {text()});
    std::vector<Client> clients;
    std::string seen;
    for (int i = 0; i < 6; i++) {
      clients.emplace_back(server.address());
      seen += clients.back().Receive(1);
    }
    for (const char reactor : {'0', '1', '2'}) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), reactor), 2) << seen;
    }
  }
}

}  // namespace
}  // namespace evnet_testing
