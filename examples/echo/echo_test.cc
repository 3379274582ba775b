// Tests of the echo example as a user runs it: as a process with arguments, output and signals.
#include <signal.h>
#include <string.h>

#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Echo : public testing::TestWithParam<std::string> {
 protected:
  // Starts an echo server with the test's number of reactors, and reads its port.
  void Begin() {
    echo_ = std::make_unique<Process>(std::vector<std::string>{GetParam(), "tcp://127.0.0.1:0"});
    port_ = PortOf(echo_->Line());
  }

  void ExpectEndOnSigterm() {
    echo_->Signal(SIGTERM);
    EXPECT_EQ(echo_->ExitCode(), 0);
    EXPECT_EQ(echo_->RestOfOut(), "");
    EXPECT_EQ(echo_->RestOfErr(), "");
  }

  std::unique_ptr<Process> echo_;
  uint16_t port_ = 0;
};

TEST_P(Echo, AnswersHelloAndTheEnd) {
  Begin();
  Client client(port_);
  client.SendAll("hello\n");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "hello\n");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  ExpectEndOnSigterm();
}

TEST_P(Echo, SendsBack64MegabytesWhileTheyComeThenTheEnd) {
  Begin();
  Client client(port_);
  const std::string data = Pattern(64 << 20);
  EXPECT_TRUE(client.Exchange(data) == data);
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  ExpectEndOnSigterm();
}

TEST_P(Echo, SendsBackAMegabyteToOneThatReadsOnlyAfterItsEnd) {
  Begin();
  Client client(port_);
  const std::string data = Pattern(1 << 20);
  client.SendAll(data);
  client.ShutdownWrite();
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  ExpectEndOnSigterm();
}

TEST_P(Echo, AResetHurtsNobodyElse) {
  Begin();
  Client other(port_);
  for (int i = 0; i < 20; i++) {
    Client client(port_);
    client.SendUntilBlocked(Pattern(1 << 20), 10);
    client.Reset();
  }
  EXPECT_EQ(other.Exchange("unharmed"), "unharmed");
}

TEST_P(Echo, SigtermDeliversWhatIsQueuedThenEndsWithZero) {
  Begin();
  Client client(port_);
  const std::string data = Pattern(1 << 20);
  client.SendAll(data);
  client.WaitUntilDelivered();
  echo_->Signal(SIGTERM);
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(echo_->ExitCode(), 0);
}

TEST_P(Echo, ASecondSignalEndsAtOnceWithZero) {
  for (const int number : {SIGINT, SIGTERM}) {
    Begin();
    Client client(port_);
    client.SendUntilBlocked(Pattern(32 << 20), 200);  // never reads: draining takes 5 seconds
    const int64_t began_ms = NowMs();
    echo_->Signal(number);
    client.Readable(0);
    EXPECT_TRUE(WaitUntil([&] {  // the server has seen the signal once it refuses connections
      const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const evnet_address address = client.RemoteAddress();
      const bool refused = connect(descriptor, &address.socket.any, address.size) != 0;
      close(descriptor);
      return refused;
    }));
    echo_->Signal(number);
    EXPECT_EQ(echo_->ExitCode(), 0);
    EXPECT_LT(NowMs() - began_ms, 4000);
  }
}

INSTANTIATE_TEST_SUITE_P(With, Echo,
                         testing::Values("--reactors=1", "--reactors=3", "--reactors=cpu"),
                         [](const testing::TestParamInfo<std::string> &reactors) {
                           return "Reactors" + reactors.param.substr(11);
                         });

TEST(EchoArguments, SeveralAddressesAreNamedInOrder) {
  Process echo({"tcp://127.0.0.1:0", "127.0.0.1:0", "tcp4://127.0.0.1:0"});
  for (int i = 0; i < 3; i++) {
    Client client(PortOf(echo.Line()));
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

TEST(EchoArguments, AddressesOfDifferentKindsAreServedTogether) {
  const TempDirectory directory;
  const std::string path = "unix://" + directory.File("socket");
  const std::string name = "unix://@" + directory.path();
  Process echo({path, "tcp://127.0.0.1:0", name});
  EXPECT_EQ(echo.Line(), "listening on " + path);
  Client over_ip(PortOf(echo.Line()));
  EXPECT_EQ(over_ip.Exchange("hello"), "hello");
  EXPECT_EQ(echo.Line(), "listening on " + name);
  for (const std::string &text : {path, name}) {
    evnet_address address = {};
    ASSERT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0);
    Client client(address);
    client.SendAll("hello\n");
    client.ShutdownWrite();
    EXPECT_EQ(client.ReceiveToEnd(), "hello\n");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }
  Process second({path});
  EXPECT_EQ(second.ExitCode(), 1);
  const std::string words = second.RestOfErr();
  EXPECT_NE(words.find(path + "': another server"), std::string::npos) << words;
  over_ip.Close();
  echo.Signal(SIGTERM);
  EXPECT_EQ(echo.ExitCode(), 0);
  EXPECT_TRUE(directory.Names().empty());
}

TEST(EchoArguments, HelpIsPrintedAndEndsWithZero) {
  Process echo({"--help"});
  EXPECT_EQ(echo.ExitCode(), 0);
  const std::string help = echo.RestOfOut();
  for (const char *word :
       {"--reactors=N", "--balancer=NAME", "--reuse-port", "--backend=NAME", "--busy-poll-us=N",
        "--udp-gro", "io_uring", "ADDRESS", "tcp://127.0.0.1:9000", "unix://PATH", "SIGTERM"}) {
    EXPECT_NE(help.find(word), std::string::npos) << word;
  }
  EXPECT_EQ(echo.RestOfErr(), "");
}

TEST(EchoArguments, ABadOneIsNamedInALineOnStderrAndEndsWithTwo) {
  for (const char *bad : {"--reactors=0",
                          "--reactors=",
                          "--reactors=x",
                          "--reactors=1025",
                          "--reactors=-1",
                          "--reactors=1x",
                          "--backend=",
                          "--backend=select",
                          "--backend=epoll1",
                          "--reactors=99999999999999999999",
                          "--busy-poll-us=",
                          "--busy-poll-us=-1",
                          "--busy-poll-us=1000001",
                          "--balancer=",
                          "--balancer=random",
                          "--balancer=round-robin,",
                          "--balancer",
                          "--reuse-port=1",
                          "--reuse-portal",
                          "--reuse",
                          "--wrong",
                          "-h",
                          "nonsense",
                          "tcp://127.0.0.1",
                          "tcp://127.0.0.1:99999",
                          "tcp://300.1.1.1:80",
                          "http://127.0.0.1:80",
                          "udp://127.0.0.1",
                          "unix://",
                          ""}) {
    SCOPED_TRACE(bad);
    Process echo({"tcp://127.0.0.1:0", bad});
    EXPECT_EQ(echo.ExitCode(), 2);
    const std::string line = echo.RestOfErr();
    EXPECT_NE(line.find(std::string("'") + bad + "'"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line: " << line;
    EXPECT_EQ(echo.RestOfOut(), "");
  }
}

TEST(EchoArguments, ABackendServesOrSaysWhyNot) {
  for (const char *backend : {"auto", "epoll", "io_uring", "kqueue"}) {
    SCOPED_TRACE(backend);
    const bool everywhere = std::string(backend) == "auto" || std::string(backend) == "epoll";
    Process echo({std::string("--backend=") + backend, "tcp://127.0.0.1:0"});
    const std::string line = echo.Line();
    if (line.empty() && !everywhere) {
      EXPECT_EQ(echo.ExitCode(), 1);
      EXPECT_NE(echo.RestOfErr().find("option backend: "), std::string::npos);
      continue;
    }
    Client client(PortOf(line));
    const std::string data = Pattern(1 << 20);
    EXPECT_TRUE(client.Exchange(data) == data);
  }
}

TEST(EchoArguments, UdpErrorsCountsTheRepliesThatWereNotDelivered) {
  Process echo({"--udp-errors", "udp://127.0.0.1:0"});
  const std::string line = echo.Line();
  if (line.empty()) {
    EXPECT_EQ(echo.ExitCode(), 1);
    EXPECT_NE(echo.RestOfErr().find("udp_errors"), std::string::npos);
    return;
  }
  const evnet_address address = ParseAddress(line.substr(strlen("listening on ")));
  UdpClient gone, client;
  const std::string peer = FormatAddress(gone.Address());
  // The server answers after the client's socket is closed.
  echo.Signal(SIGSTOP);
  gone.Send(address, "hello");
  gone.Close();
  echo.Signal(SIGCONT);
  client.Send(address, "hello");
  EXPECT_EQ(client.Receive(), "hello");
  client.Send(address, "again");
  EXPECT_EQ(client.Receive(), "again");
  echo.Signal(SIGTERM);
  EXPECT_EQ(echo.ExitCode(), 0);
  EXPECT_EQ(echo.RestOfErr(),
            "echo: 1 replies were not delivered, the last to " + peer + ": connection refused\n");
}

TEST(EchoArguments, DatagramsComeBackWithUdpGro) {
  Process echo({"--udp-gro", "udp://127.0.0.1:0"});
  const std::string line = echo.Line();
  if (line.empty()) {
    EXPECT_EQ(echo.ExitCode(), 1);
    EXPECT_NE(echo.RestOfErr().find("udp_gro"), std::string::npos);
    return;
  }
  const evnet_address address = ParseAddress(line.substr(strlen("listening on ")));
  UdpClient client;
  for (int i = 0; i < 10; i++) {
    client.Send(address, "hello");
    EXPECT_EQ(client.Receive(), "hello");
  }
}

TEST(EchoArguments, EachBalancerServes) {
  for (const char *balancer : {"round-robin", "least-connections", "source-hash"}) {
    SCOPED_TRACE(balancer);
    Process echo({"--reactors=3", std::string("--balancer=") + balancer, "tcp://127.0.0.1:0"});
    const uint16_t port = PortOf(echo.Line());
    for (int i = 0; i < 6; i++) {
      Client client(port);
      EXPECT_EQ(client.Exchange("hello"), "hello");
    }
    echo.Signal(SIGTERM);
    EXPECT_EQ(echo.ExitCode(), 0);
    EXPECT_EQ(echo.RestOfErr(), "");
  }
}

// A process that stops while all its connections are idle closes them gracefully. The other process
// keeps the port and receives all new clients.
TEST(EchoArguments, WithReusePortTwoProcessesShareAPortAndTheOneThatStaysGetsAll) {
  for (const char *reactors : {"--reactors=1", "--reactors=3"}) {
    SCOPED_TRACE(reactors);
    Process stays({reactors, "--reuse-port", "tcp://127.0.0.1:0"});
    const uint16_t port = PortOf(stays.Line());
    const std::string address = "tcp://127.0.0.1:" + std::to_string(port);
    Process goes({reactors, "--reuse-port", address});
    ASSERT_EQ(PortOf(goes.Line()), port);
    std::vector<Client> clients;
    for (int i = 0; i < 200; i++) {
      clients.emplace_back(port);
      EXPECT_EQ(clients.back().Exchange("hello"), "hello");
    }
    goes.Signal(SIGTERM);
    EXPECT_EQ(goes.ExitCode(), 0);  // it has waited up to linger_ms for its clients' end-of-stream
    size_t ended = 0;
    for (Client &client : clients) {
      if (client.Readable(0)) {
        EXPECT_EQ(client.TryReceive(), "");
        ended++;
      } else {
        EXPECT_EQ(client.Exchange("again"), "again");
      }
    }
    EXPECT_GT(ended, 0u);
    EXPECT_LT(ended, clients.size());
    for (int i = 0; i < 100; i++) {
      Client client(port);
      EXPECT_EQ(client.Exchange("hello"), "hello");
    }
    stays.Signal(SIGTERM);
    EXPECT_EQ(stays.ExitCode(), 0);
    EXPECT_EQ(stays.RestOfErr(), "");
  }
}

TEST(EchoArguments, ReusePortIsForBothProcessesAndNotForUnix) {
  Process first({"--reuse-port", "tcp://127.0.0.1:0"});
  const std::string address = "tcp://127.0.0.1:" + std::to_string(PortOf(first.Line()));
  Process second({address});
  EXPECT_EQ(second.ExitCode(), 1);
  EXPECT_NE(second.RestOfErr().find(address), std::string::npos);
  Process unix_one({"--reuse-port", "unix:///tmp/evnet-never-made"});
  EXPECT_EQ(unix_one.ExitCode(), 2);
  const std::string words = unix_one.RestOfErr();
  EXPECT_NE(words.find("'unix:///tmp/evnet-never-made': a Unix socket does not support"),
            std::string::npos)
      << words;
}

TEST(EchoArguments, AnAddressInUseIsNamedAndEndsWithOne) {
  Process first({"tcp://127.0.0.1:0"});
  const std::string address = "tcp://127.0.0.1:" + std::to_string(PortOf(first.Line()));
  Process second({address});
  EXPECT_EQ(second.ExitCode(), 1);
  const std::string words = second.RestOfErr();
  EXPECT_NE(words.find(address), std::string::npos) << words;
  EXPECT_EQ(second.RestOfOut(), "");
}

TEST(EchoArguments, MoreThanSixtyFourAddressesAreRefused) {
  Process echo(std::vector<std::string>(65, "tcp://127.0.0.1:0"));
  EXPECT_EQ(echo.ExitCode(), 2);
  EXPECT_NE(echo.RestOfErr().find("at most 64 addresses"), std::string::npos);
}

}  // namespace
}  // namespace evnet_testing
