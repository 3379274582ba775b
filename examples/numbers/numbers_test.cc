// Tests of the numbers example: a producer that follows its clients, and a limit that they share.
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Numbers : public ::testing::TestWithParam<std::string> {
 protected:
  void Start(std::vector<std::string> arguments = {}) {
    arguments.push_back(GetParam());
    arguments.push_back("tcp://127.0.0.1:0");
    process_ = std::make_unique<Process>(arguments);
    port_ = PortOf(process_->Line());
  }

  void Stop() {
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->ExitCode(), 0);
    EXPECT_EQ(process_->RestOfErr(), "");
  }

  std::unique_ptr<Process> process_;
  uint16_t port_ = 0;
};

// Reads lines until one begins with `start`, and returns it.
std::string LineThatBegins(Client *client, const std::string &start) {
  std::string all;
  for (size_t end; all.size() < (64u << 20);) {
    all += client->Receive(1);
    if (all.back() != '\n') continue;
    end = all.size() - 1;
    if (all.compare(0, start.size(), start) == 0) return all.substr(0, end);
    all.clear();
  }
  return "";
}

TEST_P(Numbers, EachClientGetsEachNumberInOrder) {
  Start({"--reactors=2"});
  std::string expected;
  for (int number = 1; expected.size() < (2u << 20); number++)
    expected += std::to_string(number) + "\n";
  std::vector<Client> clients;
  for (int i = 0; i < 3; i++) clients.emplace_back(port_);
  for (Client &client : clients) EXPECT_TRUE(client.Receive(expected.size()) == expected);
  Stop();
}

// At most the burst of an eighth of a second passes at first, and then the rate.
TEST_P(Numbers, TheClientsOfAReactorShareTheRate) {
  constexpr size_t kRate = 400000;
  Start({"--rate=" + std::to_string(kRate)});
  const int64_t start_ms = NowMs();
  Client one(port_), other(port_);
  const size_t each = kRate / 4;
  EXPECT_EQ(one.Receive(each).size(), each);
  EXPECT_EQ(other.Receive(each).size(), each);
  const int64_t least_ms = 1000 * static_cast<int64_t>(2 * each - kRate / 8) / kRate;
  EXPECT_GE(NowMs() - start_ms, least_ms - 2);
  Stop();
}

TEST_P(Numbers, AClientMayChangeTheRateAndAskWhoIsThere) {
  Start({"--rate=20000"});
  Client one(port_), other(port_);
  other.SendAll("who\n");
  EXPECT_EQ(LineThatBegins(&other, "who"), "who: 2");
  one.SendAll("rate 0\n");
  EXPECT_EQ(other.Receive(8u << 20).size(), 8u << 20);
  Stop();
}

TEST_P(Numbers, AnUnknownLineEndsOnlyItsClient) {
  Start();
  Client good(port_);
  for (const char *line : {"what\n", "rate\n", "rate -1\n", "rate 1x\n"}) {
    Client bad(port_);
    bad.SendAll(line);
    bad.ReceiveToEnd();
    EXPECT_NE(bad.end(), Client::End::kOpen) << line;
  }
  Client endless(port_);
  endless.SendAll(std::string(64, 'x'));
  endless.ReceiveToEnd();
  EXPECT_EQ(good.Receive(4), "1\n2\n");
  Stop();
}

INSTANTIATE_TEST_SUITE_P(Over, Numbers, ::testing::Values("--backend=epoll", "--backend=auto"));

}  // namespace
}  // namespace evnet_testing
