// A program with two event loops serves clients from both, in either direction.
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Embed : public ::testing::TestWithParam<const char *> {
 protected:
  Embed() : process_({GetParam()}), port_(PortOf(process_.Line())) {}

  void Stop() {
    process_.Signal(SIGTERM);
    EXPECT_EQ(process_.ExitCode(), 0) << process_.RestOfErr();
  }

  Process process_;
  const uint16_t port_;
};

TEST_P(Embed, RepliesByTheTimersOfTheOtherLoop) {
  {
    Client client(port_);
    for (int i = 0; i < 5; i++) {
      client.SendAll("hello");
      EXPECT_EQ(client.Receive(5), "hello");
    }
  }
  Stop();
}

TEST_P(Embed, ServesManyClientsWithAReplyUnderWayForEach) {
  std::vector<Client> clients;
  for (int i = 0; i < 50; i++) clients.emplace_back(port_);
  for (Client &client : clients) client.SendAll("ping");
  for (Client &client : clients) EXPECT_EQ(client.Receive(4), "ping");
  clients.clear();
  {
    Client last(port_);
    last.SendAll("last");
    EXPECT_EQ(last.Receive(4), "last");
  }
  Stop();
}

TEST_P(Embed, AClientThatLeavesBeforeTheReplyDoesNoHarm) {
  for (int i = 0; i < 5; i++) {
    Client client(port_);
    client.SendAll("gone");
  }
  {
    Client client(port_);
    client.SendAll("stay");
    EXPECT_EQ(client.Receive(4), "stay");
  }
  Stop();
}

// The CPU time of the process, in ticks of the clock (proc(5)).
uint64_t CpuTicks(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::string field;
  uint64_t ticks = 0;
  for (int i = 3; i <= 15 && rest >> field; i++) {
    if (i >= 14) ticks += std::stoull(field);
  }
  return ticks;
}

// A loop that always finds something to do would use a whole CPU, or its share of a busy one.
TEST_P(Embed, SleepsWhileIdle) {
  {
    Client client(port_);
    client.SendAll("hello");
    EXPECT_EQ(client.Receive(5), "hello");
  }
  const auto sleeps = [&] {
    const uint64_t before = CpuTicks(process_.pid());
    const int64_t until_ms = NowMs() + 200;
    return WaitUntil([&] { return NowMs() >= until_ms; }) && CpuTicks(process_.pid()) == before;
  };
  EXPECT_TRUE(WaitUntil(sleeps)) << "the process is never idle for 200 ms";
  Stop();
}

TEST_P(Embed, StopsWhileIdle) { Stop(); }

INSTANTIATE_TEST_SUITE_P(Directions, Embed, ::testing::Values("host", "guest"),
                         [](const ::testing::TestParamInfo<const char *> &parameter) {
                           return std::string(parameter.param);
                         });

}  // namespace
}  // namespace evnet_testing
