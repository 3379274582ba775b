// Tests of the blocking example: a hundred requests that each sleep a second run simultaneously,
// and do not delay other requests.
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Blocking : public ::testing::Test {
 protected:
  Blocking() : process({"tcp://127.0.0.1:0"}), port(PortOf(process.Line())) {}
  void Stop() {
    process.Signal(SIGTERM);
    EXPECT_EQ(process.ExitCode(), 0);
    EXPECT_EQ(process.RestOfErr(), "");
  }

  Process process;
  uint16_t port;
};

TEST_F(Blocking, AHundredSleepAtOnceWhileAnotherIsServedWithoutDelay) {
  std::vector<Client> sleepers;
  const int64_t start = NowMs();
  for (int i = 0; i < 100; i++) {
    sleepers.emplace_back(port);
    sleepers.back().SendAll("slow " + std::to_string(i) + "\n");
  }
  Client other(port);
  std::vector<int64_t> took;
  while (NowMs() - start < 900) {
    const int64_t asked = NowMs();
    EXPECT_EQ(other.Exchange("quick\n"), "quick\n");
    took.push_back(NowMs() - asked);
  }
  for (int i = 0; i < 100; i++) {
    const std::string answer = "slow " + std::to_string(i) + "\n";
    EXPECT_EQ(sleepers[static_cast<size_t>(i)].Receive(answer.size()), answer);
  }
  // One after another, the requests would take 100 seconds.
  EXPECT_LT(NowMs() - start, 10000);
  ASSERT_FALSE(took.empty());
  std::nth_element(took.begin(), took.begin() + static_cast<ptrdiff_t>(took.size() / 2),
                   took.end());
  EXPECT_LT(took[took.size() / 2], 100) << "of " << took.size();
  Stop();
}

TEST_F(Blocking, AnAnswerThatIsOwedReachesAClientThatHasEndedItsSide) {
  Client client(port);
  client.SendAll("slow but sure\n");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "slow but sure\n");
  Stop();
}

TEST_F(Blocking, AStopWaitsForTheAnswerThatIsOwed) {
  Client client(port);
  client.SendAll("quick\nslow\n");
  EXPECT_EQ(client.Receive(6), "quick\n");
  process.Signal(SIGTERM);
  EXPECT_EQ(client.ReceiveToEnd(), "slow\n");
  EXPECT_EQ(process.ExitCode(), 0);
}

TEST_F(Blocking, WhoGoesAwayHurtsNobody) {
  for (int i = 0; i < 50; i++) {
    Client client(port);
    client.SendAll("slow\n");
    client.Reset();
  }
  Client client(port);
  EXPECT_EQ(client.Exchange("quick\n"), "quick\n");
  Stop();
}

TEST_F(Blocking, WhatIsTooMuchIsRefusedInWords) {
  Client client(port);
  std::string lines;
  for (int i = 0; i < 400; i++) lines += "slow\n";
  client.SendAll(lines);
  // The workers run 100 jobs, and up to 200 more are queued.
  const std::string answers = client.Receive(5 * 100);
  EXPECT_NE(answers.find("busy\n"), std::string::npos);
  client.Reset();
  Stop();
}

TEST_F(Blocking, ALineWithoutAnEndIsClosed) {
  Client client(port);
  client.SendAll(std::string(5000, 'x'));
  EXPECT_EQ(client.ReceiveToEnd(), "");
  Stop();
}

TEST(BlockingOverUdp, AnAnswerLeavesFromTheAddressThatWasAskedAlsoWhenItIsLate) {
  Process process({"udp4://:0"});
  const std::string line = process.Line();
  const std::string port = line.substr(line.rfind(':') + 1);
  UdpClient client;
  const evnet_address asked = ParseAddress("udp://127.0.0.2:" + port);
  for (const char *text : {"quick", "slow one"}) {
    client.Send(asked, text);
    evnet_address from = {};
    EXPECT_EQ(client.Receive(&from), text);
    EXPECT_EQ(FormatAddress(from), FormatAddress(asked));
  }
  process.Signal(SIGTERM);
  EXPECT_EQ(process.ExitCode(), 0);
}

}  // namespace
}  // namespace evnet_testing
