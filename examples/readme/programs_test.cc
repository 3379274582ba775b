// The programs in README.md work as README.md states. Their ports are fixed, so the test runs in
// its own network namespace.
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/net_namespace.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

constexpr uint16_t kPort = 9000;

class Readme : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    has_network_ = EnterNetNamespace();
    char *directory = getcwd(nullptr, 0);
    runfiles_ = directory;
    free(directory);
  }
  void SetUp() override {
    if (!has_network_) GTEST_SKIP() << "no network namespace is to be had here";
  }

  // Starts the program that the environment variable NAME_PROGRAM names.
  static std::unique_ptr<Process> Run(const std::string &name) {
    const char *program = getenv((name + "_PROGRAM").c_str());
    EXPECT_NE(program, nullptr);
    setenv("PROGRAM", (runfiles_ + "/" + program).c_str(), 1);
    return std::make_unique<Process>(std::vector<std::string>{});
  }

  // Starts the program and waits until it listens.
  static std::unique_ptr<Process> Start(const std::string &name) {
    auto process = Run(name);
    EXPECT_TRUE(WaitUntil([] {
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_port = htons(kPort);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool connected =
          connect(descriptor, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
      close(descriptor);
      return connected;
    }));
    return process;
  }

 private:
  static bool has_network_;
  static std::string runfiles_;
};

bool Readme::has_network_ = false;
std::string Readme::runfiles_;

TEST_F(Readme, EchoSendsBack) {
  const auto process = Start("ECHO");
  Client client(kPort);
  EXPECT_EQ(client.Exchange("hello\n"), "hello\n");
}

TEST_F(Readme, BlockingAnswersAllAtOnce) {
  const auto process = Start("BLOCKING");
  std::vector<Client> clients;
  const int64_t start_ms = NowMs();
  for (int i = 0; i < 50; i++) {
    clients.emplace_back(kPort);
    clients.back().SendAll("request");
    clients.back().ShutdownWrite();
  }
  for (Client &client : clients) EXPECT_EQ(client.ReceiveToEnd(), "request");
  EXPECT_GE(NowMs() - start_ms, 1000);
  EXPECT_LT(NowMs() - start_ms, 20000) << "one after the other they take 50 s";
}

TEST_F(Readme, NumbersServesTcpUdpAndUnixAndEndsInOrder) {
  const TempDirectory directory;
  ASSERT_EQ(chdir(directory.path().c_str()), 0);  // the program creates its Unix socket here
  const auto process = Start("NUMBERS");
  Client client(kPort);
  EXPECT_EQ(client.Exchange("over TCP"), "over TCP");
  UdpClient udp;
  udp.Send(ParseAddress("udp://127.0.0.1:9000"), "over UDP");
  EXPECT_EQ(udp.Receive(), "over UDP");
  evnet_address path = {};
  const std::string text = "unix://" + directory.File("echo.sock");
  ASSERT_EQ(evnet_address_parse(text.c_str(), &path, nullptr, 0), 0);
  Client unix_client(path);
  EXPECT_EQ(unix_client.Exchange("over Unix"), "over Unix");
  client.Close();
  unix_client.Close();
  process->Signal(SIGTERM);
  EXPECT_EQ(process->ExitCode(), 0);
  EXPECT_TRUE(directory.Names().empty()) << "the socket's files went with it";
  EXPECT_NE(process->RestOfOut().find("open, "), std::string::npos);
}

TEST_F(Readme, EachSaysInOneLineWhyItDoesNotStartWhereItsPortIsTaken) {
  const PlainListener taken("tcp://:9000");
  for (const std::string name : {"ECHO", "BLOCKING", "NUMBERS"}) {
    SCOPED_TRACE(name);
    const auto process = Run(name);
    EXPECT_EQ(process->ExitCode(), 1);
    const std::string lines = process->RestOfErr();
    EXPECT_NE(lines.find(":9000': address in use"), std::string::npos) << lines;
    EXPECT_EQ(lines.find('\n') + 1, lines.size()) << lines;
  }
}

}  // namespace
}  // namespace evnet_testing
