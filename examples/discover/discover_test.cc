// Tests of the discover example: several instances on one machine find each other by multicast.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/net_namespace.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

class Discover : public ::testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() { entered_ = EnterNetNamespace(); }
  void SetUp() override {
    if (!entered_) GTEST_SKIP() << "network namespaces are not permitted";
  }

  std::unique_ptr<Process> Start(std::vector<std::string> arguments = {}) {
    for (const std::string &each : {GetParam(), std::string("--interface=pair0"),
                                    std::string("--period-ms=20"), std::string("tcp4://:0")})
      arguments.push_back(each);
    auto process = std::make_unique<Process>(arguments);
    const std::string line = process->Line();
    ports_.push_back(static_cast<uint16_t>(atoi(line.c_str() + line.rfind(':') + 1)));
    (void)process->Line();  // the group
    return process;
  }

  // The number of the peer in the next line, which begins with `what`.
  static std::string Number(Process *process, const std::string &what) {
    const std::string line = process->Line();
    EXPECT_EQ(line.substr(0, what.size() + 1), what + " ") << line;
    return line.substr(std::min(what.size() + 1, line.size()), 16);
  }

  static void Stop(Process *process) {
    process->Signal(SIGTERM);
    EXPECT_EQ(process->ExitCode(), 0);
    EXPECT_EQ(process->RestOfErr(), "");
  }

  static bool entered_;
  std::vector<uint16_t> ports_;
};

bool Discover::entered_ = false;

TEST_P(Discover, ThreeInstancesFindEachOtherOnceAndNoticeTheLoss) {
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 3; i++) all.push_back(Start());
  std::multiset<std::string> found;
  for (const auto &each : all)
    for (int i = 0; i < 2; i++) found.insert(Number(each.get(), "found"));
  for (const std::string &number : found) EXPECT_EQ(found.count(number), 2u) << number;
  Stop(all[0].get());
  for (int i = 1; i < 3; i++) EXPECT_EQ(found.count(Number(all[i].get(), "lost")), 2u);
  const auto again = Start();
  for (int i = 1; i < 3; i++) (void)Number(all[i].get(), "found");
  for (int i = 1; i < 3; i++) Stop(all[i].get());
}

TEST_P(Discover, OnlyTheWantedSourceIsHeard) {
  const auto one = Start({"--from=10.111.0.1"}), other = Start({"--from=10.111.0.1"});
  (void)Number(one.get(), "found");
  (void)Number(other.get(), "found");
  Stop(one.get());
  Stop(other.get());
  const auto deaf = Start({"--from=10.111.0.9"}), too = Start({"--from=10.111.0.9"});
  // 15 announcements, of which each instance above needed one.
  Client client(ports_.back());
  EXPECT_FALSE(client.Readable(300));
  Stop(deaf.get());
  Stop(too.get());
  EXPECT_EQ(deaf->RestOfOut() + too->RestOfOut(), "");
}

TEST_P(Discover, AStrangerThatSaysNoNumberIsClosed) {
  const auto process = Start();
  for (const char *words : {"xxxxxxxxxxxxxxxx\n", "0000000000000000\n", "12345678901234567\n"}) {
    Client client(ports_[0]);
    client.SendAll(words);
    client.ReceiveToEnd();
    EXPECT_NE(client.end(), Client::End::kOpen) << words;
  }
  Stop(process.get());
}

// Sends an announcement to the loopback's broadcast address, as another host of a network would.
TEST_P(Discover, ABroadcastIsHeardAsAnAnnouncement) {
  const auto process = Start({"--group=127.255.255.255"});
  const PlainListener peer;
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int on = 1;
  ASSERT_EQ(setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(9753);
  to.sin_addr.s_addr = htonl(0x7fffffff);
  const std::string text = "discover ffffffffffffffff " + std::to_string(peer.port()) + "\n";
  ASSERT_EQ(
      sendto(socket, text.data(), text.size(), 0, reinterpret_cast<sockaddr *>(&to), sizeof to),
      static_cast<ssize_t>(text.size()));
  EXPECT_EQ(Number(process.get(), "found"), "ffffffffffffffff");
  // The instance hears its own announcements, too, and ignores them.
  Stop(process.get());
  close(socket);
}

INSTANTIATE_TEST_SUITE_P(Over, Discover, ::testing::Values("--backend=epoll", "--backend=auto"));

}  // namespace
}  // namespace evnet_testing
