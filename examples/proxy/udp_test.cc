// Tests of the proxy's UDP sessions. The clients and the upstreams are plain sockets.
#include "net/base/testing/udp_client.h"

#include <memory>
#include <string>
#include <vector>

#include "examples/proxy/fixture.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

class Udp : public ProxyProcess {
 protected:
  void Start(std::vector<std::string> options, const std::vector<const UdpClient *> &upstreams,
             const std::string &address = "udp://127.0.0.1:0") {
    for (const UdpClient *upstream : upstreams)
      options.push_back("--upstream=" + FormatAddress(upstream->Address()));
    options.push_back("--reactors=2");
    Run(options, address);
    proxy = ParseAddress("udp://127.0.0.1:" + std::to_string(port));
  }

  // Sends a question and an answer. Returns the address that the upstream received it from.
  std::string Exchange(UdpClient *client, UdpClient *upstream, const std::string &question) {
    client->Send(proxy, question);
    evnet_address session = {}, from = {};
    EXPECT_EQ(upstream->Receive(&session), question);
    upstream->Send(session, "re: " + question);
    EXPECT_EQ(client->Receive(&from), "re: " + question);
    EXPECT_EQ(FormatAddress(from), FormatAddress(proxy));
    return FormatAddress(session);
  }

  evnet_address proxy = {};
};

TEST_F(Udp, EachClientHasASessionOfItsOwn) {
  UdpClient upstream;
  Start({}, {&upstream});
  UdpClient first, second;
  const std::string session = Exchange(&first, &upstream, "1");
  EXPECT_NE(Exchange(&second, &upstream, "2"), session);
  for (int i = 0; i < 3; i++) EXPECT_EQ(Exchange(&first, &upstream, "3"), session);
  Stop();
}

TEST_F(Udp, DatagramsKeepTheirSizesAndTheirOrderFromTheFirstOn) {
  UdpClient upstream;
  Start({}, {&upstream});
  UdpClient client;
  const std::vector<std::string> sizes = {"", "a", Pattern(1472), Pattern(9000, 2), Pattern(60000)};
  for (const std::string &data : sizes) client.Send(proxy, data);
  evnet_address session = {};
  for (const std::string &data : sizes) EXPECT_TRUE(upstream.Receive(&session) == data);
  for (const std::string &data : sizes) upstream.Send(session, data);
  for (const std::string &data : sizes) EXPECT_TRUE(client.Receive() == data);
  Stop();
}

TEST_F(Udp, AnUpstreamMayReplyLateAndMoreThanOnce) {
  UdpClient upstream;
  Start({}, {&upstream});
  UdpClient first, second;
  evnet_address sessions[2] = {};
  first.Send(proxy, "1");
  EXPECT_EQ(upstream.Receive(&sessions[0]), "1");
  second.Send(proxy, "2");
  EXPECT_EQ(upstream.Receive(&sessions[1]), "2");
  for (const std::string reply : {"a", "b", "c"}) {
    upstream.Send(sessions[1], reply + "2");
    upstream.Send(sessions[0], reply + "1");
    EXPECT_EQ(first.Receive(), reply + "1");
    EXPECT_EQ(second.Receive(), reply + "2");
  }
  Stop();
}

TEST_F(Udp, ASessionEndsWhenItWasSilentForItsTime) {
  UdpClient upstream;
  Start({"--udp-session-ms=300"}, {&upstream});
  UdpClient client;
  const std::string session = Exchange(&client, &upstream, "1");
  const size_t open = Descriptors();
  EXPECT_TRUE(WaitUntil([&] { return Descriptors() < open; }));
  EXPECT_NE(Exchange(&client, &upstream, "3"), session);
  Stop();
}

TEST_F(Udp, SessionsAreBoundedAndThoseThatExistGoOn) {
  UdpClient upstream;
  Start({"--udp-sessions=2", "--udp-session-ms=300000"}, {&upstream});
  UdpClient first, second, third;
  const std::string session = Exchange(&first, &upstream, "1");
  Exchange(&second, &upstream, "2");
  third.Send(proxy, "3");
  EXPECT_EQ(Exchange(&first, &upstream, "4"), session) << "the third client's was dropped";
  EXPECT_FALSE(upstream.Readable(0));
  Stop();
}

TEST_F(Udp, AFreedPlaceGoesToTheNextClient) {
  UdpClient upstream;
  Start({"--udp-sessions=1", "--udp-session-ms=50"}, {&upstream});
  UdpClient first, second;
  Exchange(&first, &upstream, "1");
  EXPECT_TRUE(WaitUntil([&] {
    second.Send(proxy, "2");
    return upstream.Readable(20);
  }));
  Stop();
}

TEST_F(Udp, SessionsAreBalanced) {
  UdpClient a, b;
  Start({}, {&a, &b});
  UdpClient clients[4];
  for (int i = 0; i < 4; i++) Exchange(&clients[i], i % 2 == 0 ? &a : &b, std::to_string(i));
  Stop();
}

TEST_F(Udp, AnUpstreamWithAClosedPortIsOutAndComesBack) {
  UdpClient upstream;
  auto down = std::make_unique<UdpClient>();
  const std::string address = FormatAddress(down->Address());
  Start({"--out-ms=50", "--upstream=" + address}, {&upstream});
  down->Close();
  // The first client's datagram is lost, and the error ends its session.
  UdpClient client;
  client.Send(proxy, "lost");
  EXPECT_EQ(process->ErrLine(),
            "proxy: upstream '" + address + "' is out for 50 ms: connection refused");
  // A datagram that is the next trial is lost, too.
  EXPECT_TRUE(WaitUntil([&] {
    client.Send(proxy, "1");
    return upstream.Readable(20);
  }));
  UdpClient again("udp://" + address.substr(6));
  EXPECT_TRUE(WaitUntil([&] {
    UdpClient next;
    next.Send(proxy, "2");
    if (!again.Readable(20)) return false;
    evnet_address session = {};
    EXPECT_EQ(again.Receive(&session), "2");
    again.Send(session, "here");
    EXPECT_EQ(next.Receive(), "here");
    return true;
  }));
  std::string line;
  do {
    line = process->ErrLine();
  } while (line.find(" is out for ") != std::string::npos);
  EXPECT_EQ(line, "proxy: upstream '" + address + "' is back");
  Stop();
}

TEST_F(Udp, AReplyLeavesFromTheAddressThatTheClientSentTo) {
  UdpClient upstream;
  Start({}, {&upstream}, "udp4://:0");
  UdpClient client("udp://0.0.0.0:0");
  for (const char *host : {"127.0.0.1", "127.0.0.2"}) {
    proxy = ParseAddress("udp://" + std::string(host) + ":" + std::to_string(port));
    Exchange(&client, &upstream, host);
  }
  Stop();
}

TEST_F(Udp, OneProgramForwardsStreamsAndDatagrams) {
  UdpClient datagrams;
  PlainListener streams;
  Start({"--upstream=" + streams.text(), "tcp://127.0.0.1:0"}, {&datagrams});
  // The TCP address is the first one.
  evnet_address udp = ParseAddress("udp://127.0.0.1:" +
                                   std::to_string(PortOf(process->Line().replace(13, 3, "tcp"))));
  Client client(port);
  client.SendAll("stream");
  const int descriptor = streams.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 6), "stream");
  (void)close(descriptor);
  proxy = udp;
  UdpClient asking;
  Exchange(&asking, &datagrams, "datagram");
  client.Close();
  Stop();
}

}  // namespace
}  // namespace evnet_testing
