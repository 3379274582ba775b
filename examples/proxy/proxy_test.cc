// The proxy between a client and an upstream that are plain sockets.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Proxy : public ::testing::Test {
 protected:
  void Start(const std::string &upstream_address) {
    process = std::make_unique<Process>(std::vector<std::string>{
        "--upstream=" + upstream_address, "--connect-ms=1500", "tcp://127.0.0.1:0"});
    port = PortOf(process->Line());
  }

  void Stop() {
    process->Signal(SIGTERM);
    EXPECT_EQ(process->ExitCode(), 0);
  }

  // Of the proxy, resident.
  size_t Kilobytes() const {
    std::ifstream status("/proc/" + std::to_string(process->pid()) + "/status");
    std::string line;
    while (std::getline(status, line))
      if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6));
    return 0;
  }

  static void SendAll(int descriptor, const std::string &data) {
    size_t sent = 0;
    while (sent < data.size()) {
      const ssize_t now = send(descriptor, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      ASSERT_GT(now, 0) << strerror(errno);
      sent += static_cast<size_t>(now);
    }
  }

  static std::string ReadToEnd(int descriptor) {
    std::string all, block(1 << 16, 0);
    ssize_t got;
    while ((got = recv(descriptor, &block[0], block.size(), 0)) > 0)
      all.append(block, 0, static_cast<size_t>(got));
    EXPECT_EQ(got, 0) << strerror(errno);
    return all;
  }

  std::unique_ptr<Process> process;
  uint16_t port = 0;
  PlainListener upstream;
};

TEST_F(Proxy, Moves16MibEachWayAtOnceAndEachEndOfTheStream) {
  Start(upstream.text());
  const std::string question = Pattern(16 << 20, 1), answer = Pattern(16 << 20, 2);
  std::string got;
  std::thread serving([&] {
    const int descriptor = upstream.Accept();
    std::thread sending([&] {
      SendAll(descriptor, answer);
      EXPECT_EQ(shutdown(descriptor, SHUT_WR), 0);
    });
    got = ReadToEnd(descriptor);
    sending.join();
    (void)close(descriptor);
  });
  Client client(port);
  std::thread asking([&] {
    SendAll(client.descriptor(), question);
    client.ShutdownWrite();
  });
  const std::string answered = client.ReceiveToEnd();
  asking.join();
  serving.join();
  EXPECT_TRUE(answered == answer);
  EXPECT_TRUE(got == question);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  Stop();
}

TEST_F(Proxy, TheAnswerComesThoughTheQuestionHasEnded) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("question");
  client.ShutdownWrite();
  const int descriptor = upstream.Accept();
  EXPECT_EQ(ReadToEnd(descriptor), "question");
  SendAll(descriptor, "answer");
  (void)close(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  Stop();
}

TEST_F(Proxy, AReaderThatIsSlowHoldsTheOtherEndBackAndCostsNoMemory) {
  Start(upstream.text());
  Client client(port);
  client.SendAll("go");
  const int descriptor = upstream.Accept();
  const size_t before = Kilobytes();
  // Until nothing more goes for a while: every buffer on the way is full.
  const std::string data = Pattern(128 << 20, 3);
  ASSERT_EQ(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
  size_t sent = 0;
  pollfd writable = {descriptor, POLLOUT, 0};
  while (sent < data.size() && poll(&writable, 1, 500) == 1) {
    const ssize_t now = send(descriptor, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
    if (now > 0) sent += static_cast<size_t>(now);
  }
  EXPECT_LT(sent, data.size()) << "nothing held it back";
  EXPECT_LT(Kilobytes(), before + (8 << 10));
  // And all of it arrives when he reads.
  EXPECT_TRUE(client.Receive(sent) == data.substr(0, sent));
  (void)close(descriptor);
  (void)client.ReceiveToEnd();
  Stop();
}

TEST_F(Proxy, AnUpstreamThatRefusesIsAResetAndTheNextClientIsServed) {
  const PlainListener refusing("tcp://127.0.0.1:0", -1);
  Start(refusing.text());
  for (int i = 0; i < 3; i++) {
    Client client(port);
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kReset);
  }
  ASSERT_EQ(listen(refusing.descriptor(), 5), 0);
  Client client(port);
  client.SendAll("hello");
  const int descriptor = accept(refusing.descriptor(), nullptr, nullptr);
  char text[6] = "";
  ASSERT_EQ(recv(descriptor, text, 5, MSG_WAITALL), 5);
  EXPECT_STREQ(text, "hello");
  (void)close(descriptor);
  Stop();
}

TEST_F(Proxy, AnUpstreamThatNobodyKnowsIsAReset) {
  Start("tcp://no-such-host.invalid:80");  // RFC 2606
  Client client(port);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kReset);
  Stop();
}

TEST_F(Proxy, AnUpstreamThatDoesNotAnswerIsAResetInTime) {
  const Blackhole nowhere;
  Start(nowhere.text());
  const int64_t start = NowMs();
  Client client(port);
  client.SendAll("hello");
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_GE(NowMs() - start, 1400);
  // And one that does not wait for it takes its dial along.
  {
    Client impatient(port);
    impatient.Reset();
  }
  Stop();
}

TEST_F(Proxy, AClientsResetMidWayReachesTheUpstream) {
  Start(upstream.text());
  auto client = std::make_unique<Client>(port);
  client->SendAll(Pattern(1 << 20));
  const int descriptor = upstream.Accept();
  std::string block(1 << 16, 0);
  ASSERT_GT(recv(descriptor, &block[0], block.size(), 0), 0);
  client->Reset();
  ssize_t got;
  while ((got = recv(descriptor, &block[0], block.size(), 0)) > 0) {
  }
  EXPECT_EQ(got, -1);
  EXPECT_EQ(errno, ECONNRESET);
  (void)close(descriptor);
  Stop();
}

TEST_F(Proxy, AnUpstreamsNameAndAUnixSocketWillDo) {
  PlainListener local("unix://@evnet-proxy-test-" + std::to_string(getpid()));
  Start(local.text());
  Client client(port);
  client.SendAll("hello");
  client.ShutdownWrite();
  const int descriptor = local.Accept();
  EXPECT_EQ(ReadToEnd(descriptor), "hello");
  (void)close(descriptor);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  Stop();
}

}  // namespace
}  // namespace evnet_testing
