// Tests of the clock example: its timers, its counters and its graceful shutdown.
#include <signal.h>
#include <stdio.h>

#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

constexpr int kPeriodMs = 20;

class Clock : public ::testing::TestWithParam<std::string> {
 protected:
  Clock()
      : process({GetParam(), "--period-ms=" + std::to_string(kPeriodMs), "--traffic-class=184",
                 "tcp://127.0.0.1:0"}),
        port(PortOf(process.Line())) {}

  static std::string Line(Client *client) {
    std::string line, byte;
    while ((byte = client->Receive(1)) != "\n" && !byte.empty()) line += byte;
    return line;
  }

  // Reads the program's output until it prints these numbers of connections.
  bool Prints(unsigned open, unsigned accepted, unsigned closed) {
    for (;;) {
      unsigned seen[3];
      const std::string line = process.Line();
      if (sscanf(line.c_str(), "%u open, %u accepted, %u closed", &seen[0], &seen[1], &seen[2]) !=
          3) {
        ADD_FAILURE() << "'" << line << "'";
        return false;
      }
      if (seen[0] == open && seen[1] == accepted && seen[2] == closed) return true;
    }
  }

  Process process;
  uint16_t port;
};

TEST_P(Clock, StrikesForEachVisitorAndNeverEarly) {
  const int64_t start = NowMs();
  std::vector<Client> visitors;
  for (int i = 0; i < 6; i++) visitors.emplace_back(port);
  for (int strike = 1; strike <= 10; strike++) {
    for (Client &visitor : visitors) {
      EXPECT_EQ(Line(&visitor), "tick " + std::to_string(strike));
    }
    EXPECT_GE(NowMs() - start, strike * kPeriodMs - 1);
  }
}

TEST_P(Clock, ItsTickPrintsHowManyAreThereAndHaveBeen) {
  EXPECT_TRUE(Prints(0, 0, 0));
  Client first(port), second(port);
  EXPECT_TRUE(Prints(2, 2, 0));
  first.Close();
  EXPECT_TRUE(Prints(1, 2, 1));
  Client third(port);
  EXPECT_TRUE(Prints(2, 3, 1));
}

TEST_P(Clock, ALineIsAnsweredByWhatTheKernelKnows) {
  Client visitor(port);
  visitor.SendAll("and now?\n");
  std::string line;
  while ((line = Line(&visitor)).compare(0, 5, "tick ") == 0) continue;
  unsigned long rtt_us = 0, retransmitted = 1;
  ASSERT_EQ(sscanf(line.c_str(), "round trip %lu us, %lu retransmitted, ", &rtt_us, &retransmitted),
            2)
      << line;
  EXPECT_GT(rtt_us, 0u);
  EXPECT_EQ(retransmitted, 0u);
  int left_ms = -1;
  line = Line(&visitor);
  ASSERT_EQ(sscanf(line.c_str(), "%d ms to the next tick", &left_ms), 1) << line;
  EXPECT_GE(left_ms, 0);
  EXPECT_LE(left_ms, kPeriodMs);
}

TEST_P(Clock, SigtermTellsEachVisitorThenEndsWithTheLastNumbers) {
  std::vector<Client> visitors;
  for (int i = 0; i < 6; i++) visitors.emplace_back(port);
  for (Client &visitor : visitors) EXPECT_EQ(Line(&visitor), "tick 1");
  process.Signal(SIGTERM);
  for (Client &visitor : visitors) {
    const std::string rest = visitor.ReceiveToEnd();
    const std::string last = "closing\n";
    ASSERT_GE(rest.size(), last.size());
    EXPECT_EQ(rest.substr(rest.size() - last.size()), last);
    EXPECT_EQ(visitor.end(), Client::End::kEnd);
    visitor.Close();
  }
  EXPECT_EQ(process.ExitCode(), 0);
  EXPECT_TRUE(Prints(0, 6, 6));
  EXPECT_EQ(process.RestOfErr(), "");
}

INSTANTIATE_TEST_SUITE_P(With, Clock, testing::Values("--reactors=1", "--reactors=3"),
                         [](const testing::TestParamInfo<std::string> &reactors) {
                           return "Reactors" + reactors.param.substr(11);
                         });

}  // namespace
}  // namespace evnet_testing
