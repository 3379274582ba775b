// Tests of the headers of the PROXY protocol that the proxy accepts and sends, also with haproxy as
// the counterpart.
#include <sys/wait.h>

#include <fstream>
#include <string>
#include <vector>

#include "examples/proxy/fixture.h"
#include "gtest/gtest.h"
#include "net/proxy_protocol/proxy_protocol.h"

namespace evnet_testing {
namespace {

constexpr char kHaproxy[] = "/usr/sbin/haproxy";

std::string Write(int version, const std::string &source, const std::string &destination,
                  bool is_local = false, const std::string &fields = "") {
  evnet_proxy_header header = {};
  header.version = version;
  header.is_local = is_local;
  header.source = ParseAddress(source);
  header.destination = ParseAddress(destination);
  header.fields = {reinterpret_cast<const uint8_t *>(fields.data()), fields.size()};
  std::string out(EVNET_PROXY_HEADER_BYTES_MAX, 0);
  const ssize_t size = evnet_proxy_write(&header, false, &out[0], out.size());
  EXPECT_GT(size, 0);
  out.resize(static_cast<size_t>(size));
  return out;
}

class Header : public ProxyProcess {
 protected:
  void Start(std::vector<std::string> options) {
    options.push_back("--upstream=" + upstream.text());
    Run(options);
  }

  // The client's end is a reset, or an end-of-stream if it has sent nothing more.
  static void ExpectEnded(Client *client) {
    EXPECT_EQ(client->ReceiveToEnd(), "");
    EXPECT_NE(client->end(), Client::End::kOpen);
  }

  PlainListener upstream;
};

TEST_F(Header, AnAcceptedHeaderIsNotForwardedAndTheBytesAfterItAre) {
  Start({"--accept-proxy"});
  for (const int version : {1, 2}) {
    for (const char *source : {"tcp://192.0.2.1:1234", "tcp://[2001:db8::1]:65535"}) {
      SCOPED_TRACE(source);
      Client client(port);
      client.SendAll(Write(version, source, source) + "question");
      client.ShutdownWrite();
      const int descriptor = upstream.Accept();
      EXPECT_EQ(ReadToEnd(descriptor), "question");
      SendAll(descriptor, "answer");
      (void)close(descriptor);
      EXPECT_EQ(client.ReceiveToEnd(), "answer");
      EXPECT_EQ(client.end(), Client::End::kEnd);
    }
  }
  Stop();
}

TEST_F(Header, AHeaderMayArriveByteByByte) {
  Start({"--accept-proxy", "--send-proxy"});
  for (const int version : {1, 2}) {
    const std::string header = Write(version, "tcp://192.0.2.1:1234", "tcp://192.0.2.2:80");
    Client client(port);
    for (const char byte : header) {
      client.SendAll(std::string(1, byte));
      client.WaitUntilDelivered();
    }
    client.SendAll("!");
    const int descriptor = upstream.Accept();
    const std::string sent = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n!";
    EXPECT_EQ(ReadExactly(descriptor, sent.size()), sent);
    (void)close(descriptor);
  }
  Stop();
}

TEST_F(Header, HostileHeadersAreRefusedAndTheUpstreamDoesNotSeeThem) {
  Start({"--accept-proxy"});
  const std::string v2("\r\n\r\n\0\r\nQUIT\n", 12);
  const std::vector<std::string> headers = {
      "GET / HTTP/1.1\r\n\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1234 99999\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\n",
      "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n",
      std::string(1 << 20, 'P'),
      v2 + std::string("\x11\x11\x00\x0c", 4) + std::string(12, 0),  // version 1
      v2 + std::string("\x22\x11\x00\x0c", 4) + std::string(12, 0),  // command 2
      v2 + std::string("\x21\x11\x00\x0b", 4) + std::string(11, 0),  // a short address
      v2 + std::string("\x21\x11\xff\xff", 4),                       // too long
  };
  for (const std::string &header : headers) {
    SCOPED_TRACE(header.substr(0, 40));
    Client client(port);
    (void)client.TrySend(header);
    ExpectEnded(&client);
  }
  for (const size_t cut : {1U, 5U, 11U, 15U, 20U}) {
    Client client(port);
    client.SendAll(Write(2, "tcp://192.0.2.1:1", "tcp://192.0.2.2:2").substr(0, cut));
    client.ShutdownWrite();
    ExpectEnded(&client);
  }
  pollfd waited = {upstream.descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&waited, 1, 0), 0);
  Client client(port);
  client.SendAll(Write(1, "tcp://192.0.2.1:1", "tcp://192.0.2.2:2") + "x");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, 1), "x");
  (void)close(descriptor);
  client.Close();
  Stop();
}

TEST_F(Header, AHeaderThatIsLateEndsTheConnection) {
  Start({"--accept-proxy", "--header-ms=200"});
  Client silent(port), slow(port);
  const std::string header = Write(1, "tcp://192.0.2.1:1234", "tcp://192.0.2.2:80");
  // Each byte in time is not enough.
  for (size_t i = 0; i + 1 < header.size() && !slow.Readable(10); i++)
    (void)slow.TrySend(header.substr(i, 1));
  ExpectEnded(&silent);
  ExpectEnded(&slow);
  Stop();
}

TEST_F(Header, TheHeaderThatIsSentHasTheClientsAddresses) {
  for (const int version : {1, 2}) {
    Start({version == 1 ? "--send-proxy" : "--send-proxy-v2"});
    Client client(port);
    client.SendAll("question");
    const int descriptor = upstream.Accept();
    const std::string expected =
        Write(version, FormatAddress(client.LocalAddress()), FormatAddress(client.RemoteAddress()));
    EXPECT_EQ(ReadExactly(descriptor, expected.size() + 8), expected + "question");
    // An upstream that speaks first works, too.
    SendAll(descriptor, "answer");
    EXPECT_EQ(client.Receive(6), "answer");
    (void)close(descriptor);
    client.Close();
    Stop();
  }
}

TEST_F(Header, AHeaderIsSentToAnUpstreamThatSpeaksFirst) {
  Start({"--send-proxy"});
  Client client(port);
  const int descriptor = upstream.Accept();
  const std::string expected =
      Write(1, FormatAddress(client.LocalAddress()), FormatAddress(client.RemoteAddress()));
  EXPECT_EQ(ReadExactly(descriptor, expected.size()), expected);
  (void)close(descriptor);
  client.Close();
  Stop();
}

TEST_F(Header, AddressesAndFieldsOfAnAcceptedHeaderAreSentOn) {
  Start({"--accept-proxy", "--send-proxy-v2"});
  const std::string field(
      "\x02\x00\x07"
      "evnet.x",
      10);
  Client client(port);
  const std::string header =
      Write(2, "tcp://[2001:db8::1]:1234", "tcp://[2001:db8::2]:80", false, field);
  client.SendAll(header + "x");
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, header.size() + 1), header + "x");
  (void)close(descriptor);
  client.Close();
  Stop();
}

TEST_F(Header, AHealthCheckOfTheProxyInFrontHasTheAddressesOfItsSocket) {
  Start({"--accept-proxy", "--send-proxy"});
  for (const std::string &header : {std::string("PROXY UNKNOWN\r\n"),
                                    Write(2, "tcp://192.0.2.1:1", "tcp://192.0.2.2:2", true)}) {
    Client client(port);
    client.SendAll(header + "x");
    const int descriptor = upstream.Accept();
    const std::string expected =
        Write(1, FormatAddress(client.LocalAddress()), FormatAddress(client.RemoteAddress())) + "x";
    EXPECT_EQ(ReadExactly(descriptor, expected.size()), expected);
    (void)close(descriptor);
  }
  Stop();
}

TEST_F(Header, ARetryKeepsTheHeader) {
  const PlainListener down("tcp://127.0.0.1:0", -1);
  Start({"--balance=round-robin", "--upstream=" + down.text(), "--accept-proxy", "--send-proxy"});
  Client client(port);
  const std::string header = Write(1, "tcp://192.0.2.1:1234", "tcp://192.0.2.2:80") + "x";
  client.SendAll(header);
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadExactly(descriptor, header.size()), header);
  (void)close(descriptor);
  client.Close();
  Stop();
}

// haproxy as a TCP proxy from a port of its own to `server_port`.
class Haproxy {
 public:
  Haproxy(const std::string &bind_option, uint16_t server_port, const std::string &server_option) {
    {
      // The port is free when haproxy binds it, unless another process takes it first.
      const PlainListener reserved;
      port_ = reserved.port();
    }
    const std::string path =
        std::string(getenv("TEST_TMPDIR")) + "/haproxy-" + std::to_string(port_) + ".cfg";
    std::ofstream(path) << "defaults\n mode tcp\n timeout connect 20s\n timeout client 20s\n"
                        << " timeout server 20s\nlisten test\n bind 127.0.0.1:" << port_ << " "
                        << bind_option << "\n server upstream 127.0.0.1:" << server_port << " "
                        << server_option << "\n";
    pid_ = fork();
    if (pid_ == 0) {
      execl(kHaproxy, kHaproxy, "-db", "-q", "-f", path.c_str(), static_cast<char *>(nullptr));
      _exit(127);
    }
    EXPECT_TRUE(WaitUntil([this] {
      const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const evnet_address address = ParseAddress("tcp://127.0.0.1:" + std::to_string(port_));
      const bool listens = connect(probe, &address.socket.any, address.size) == 0;
      (void)close(probe);
      return listens;
    }));
  }
  Haproxy(const Haproxy &) = delete;
  Haproxy &operator=(const Haproxy &) = delete;
  ~Haproxy() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  uint16_t port() const { return port_; }

 private:
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

class HeaderHaproxy : public Header {
 protected:
  void SetUp() override {
    Header::SetUp();
    if (access(kHaproxy, X_OK) != 0) GTEST_SKIP() << kHaproxy << " is not installed";
  }

  // Accepts connections until one brings bytes: the probes of Haproxy() are forwarded, too.
  // Returns its first `size` bytes.
  std::string FirstBytes(size_t size) {
    for (;;) {
      const int descriptor = upstream.Accept();
      if (descriptor < 0) return "";
      std::string bytes(size, 0);
      const ssize_t got = recv(descriptor, &bytes[0], size, MSG_WAITALL);
      (void)close(descriptor);
      if (got == static_cast<ssize_t>(size)) return bytes;
    }
  }
};

TEST_F(HeaderHaproxy, TheHeadersThatHaproxySendsAreAccepted) {
  for (const char *option : {"send-proxy", "send-proxy-v2"}) {
    SCOPED_TRACE(option);
    Start({"--accept-proxy", "--send-proxy"});
    const Haproxy haproxy("", port, option);
    Client client(haproxy.port());
    client.SendAll("question");
    const std::string expected =
        Write(1, FormatAddress(client.LocalAddress()), FormatAddress(client.RemoteAddress())) +
        "question";
    // A probe that haproxy forwards has a header of the same size or another, but no question.
    const std::string got = FirstBytes(expected.size());
    EXPECT_EQ(got, expected);
    client.Close();
    Stop();
  }
}

TEST_F(HeaderHaproxy, HaproxyAcceptsTheHeadersThatAreSent) {
  for (const char *option : {"--send-proxy", "--send-proxy-v2"}) {
    SCOPED_TRACE(option);
    // haproxy states the client's address, which it took from our header, in a header of its own.
    const Haproxy haproxy("accept-proxy", upstream.port(), "send-proxy");
    Run({option, "--upstream=tcp://127.0.0.1:" + std::to_string(haproxy.port())});
    Client client(port);
    client.SendAll("question");
    const std::string expected =
        Write(1, FormatAddress(client.LocalAddress()), FormatAddress(client.RemoteAddress())) +
        "question";
    EXPECT_EQ(FirstBytes(expected.size()), expected);
    client.Close();
    Stop();
  }
}

}  // namespace
}  // namespace evnet_testing
