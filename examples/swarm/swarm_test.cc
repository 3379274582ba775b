// Tests of the swarm example against a server that replies, one that does not, and no server.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"

namespace evnet_testing {
namespace {

class Swarm : public testing::Test {
 protected:
  static void Choose(const char *variable) { setenv("PROGRAM", getenv(variable), 1); }

  // Returns the number of replies in a run of one second against an echo server on `address`.
  static long Answers(const std::string &address, std::vector<std::string> options) {
    Choose("ECHO");
    Process echo({address});
    const std::string line = echo.Line();
    const std::string listening = "listening on ";
    EXPECT_EQ(line.rfind(listening, 0), 0u) << line;
    Choose("SWARM");
    options.push_back("--seconds=1");
    options.push_back(line.substr(listening.size()));
    Process swarm(options);
    EXPECT_EQ(swarm.ExitCode(), 0);
    EXPECT_EQ(swarm.RestOfErr(), "");
    const std::string words = swarm.RestOfOut();
    EXPECT_NE(words.find(" answers in 1 s, "), std::string::npos) << words;
    return std::stol(words);
  }
};

TEST_F(Swarm, EachConnectionIsAnsweredAgainAndAgain) {
  for (const char *backend : {"--backend=epoll", "--backend=auto"}) {
    SCOPED_TRACE(backend);
    EXPECT_GT(Answers("tcp://127.0.0.1:0", {"--connections=50", backend}), 50);
  }
}

TEST_F(Swarm, LargeRequestsAndOtherTransports) {
  EXPECT_GT(Answers("tcp://127.0.0.1:0", {"--connections=5", "--bytes=1048576"}), 5);
  EXPECT_GT(Answers("unix://@evnet-swarm-test-" + std::to_string(getpid()), {}), 100);
  EXPECT_GT(Answers("udp://127.0.0.1:0", {"--connections=5", "--bytes=1400"}), 5);
}

TEST_F(Swarm, WithoutAServerItSaysWhyAndEndsWithOne) {
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  Choose("SWARM");
  Process swarm({"--connections=3", bound.text()});
  EXPECT_EQ(swarm.ExitCode(), 1);
  EXPECT_EQ(swarm.RestOfErr(),
            "swarm: 3 connections to " + bound.text() + " failed, the first: connection refused\n");
}

TEST_F(Swarm, MoreNamesThanMayBeLookedUpSimultaneouslyAreDialledLater) {
  // The program may exit while a thread of the C library looks up a name. LeakSanitizer would
  // report the memory of that thread as a leak.
  const char *options = getenv("ASAN_OPTIONS");
  setenv("ASAN_OPTIONS",
         (std::string(options != nullptr ? options : "") + ":detect_leaks=0").c_str(), 1);
  Choose("SWARM");
  Process swarm({"--connections=20000", "--seconds=1", "tcp://nosuch.invalid:1"});
  EXPECT_EQ(swarm.ExitCode(), 1);
  const std::string words = swarm.RestOfErr();
  // The status depends on whether a name server can be reached.
  const std::string start = " connections to tcp://nosuch.invalid:1 failed, the first: ";
  EXPECT_TRUE(words.find(start + "malformed address or unknown name\n") != std::string::npos ||
              words.find(start + "name lookup failed: try again later\n") != std::string::npos)
      << words;
}

TEST_F(Swarm, AWrongAnswerIsCounted) {
  PlainListener listener;
  Choose("SWARM");
  Process swarm({"--connections=1", "--bytes=4", listener.text()});
  const int peer = listener.Accept();
  ASSERT_EQ(send(peer, "ABCD", 4, 0), 4);
  EXPECT_EQ(swarm.ExitCode(), 1);
  EXPECT_NE(swarm.RestOfErr().find("swarm: 1 wrong answers\n"), std::string::npos);
  (void)close(peer);
}

TEST_F(Swarm, ABadArgumentIsNamedAndEndsWithTwo) {
  Choose("SWARM");
  for (const char *bad : {"--connections=0", "--bytes=1048577", "--seconds=x", "--backend=select",
                          "--wrong", "-h", "nonsense", "tcp://127.0.0.1:0"}) {
    SCOPED_TRACE(bad);
    Process swarm({bad});
    EXPECT_EQ(swarm.ExitCode(), 2);
    const std::string words = swarm.RestOfErr();
    EXPECT_EQ(words.rfind("swarm: ", 0), 0u) << words;
    EXPECT_NE(words.find(bad), std::string::npos) << words;
  }
}

TEST_F(Swarm, ASecondAddressIsRefusedAndNotTheFirstIgnored) {
  Choose("SWARM");
  Process swarm({"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"});
  EXPECT_EQ(swarm.ExitCode(), 2);
  EXPECT_EQ(swarm.RestOfErr(), "swarm: 'tcp://127.0.0.1:2': only one address is allowed\n");
}

}  // namespace
}  // namespace evnet_testing
