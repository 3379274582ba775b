// Tests of the command line that all example servers share. PROGRAMS is the list of their paths.
#include <signal.h>
#include <stdlib.h>

#include <sstream>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"

namespace evnet_testing {
namespace {

// Runs each example server.
class Programs : public testing::Test {
 protected:
  void SetUp() override {
    std::istringstream paths(getenv("PROGRAMS"));
    for (std::string path; paths >> path;) paths_.push_back(path);
    ASSERT_FALSE(paths_.empty());
  }

  // Selects the program under test. Returns its name.
  static std::string Choose(const std::string &path) {
    setenv("PROGRAM", path.c_str(), 1);
    return path.substr(path.rfind('/') + 1);
  }

  std::vector<std::string> paths_;
};

TEST_F(Programs, ServeOverEachBackendOrSayWhyNot) {
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    for (const char *backend : {"epoll", "io_uring", "kqueue"}) {
      SCOPED_TRACE(name + " " + backend);
      Process program({std::string("--backend=") + backend, "tcp://127.0.0.1:0"});
      const std::string line = program.Line();
      if (line.empty() && std::string(backend) != "epoll") {
        EXPECT_EQ(program.ExitCode(), 1);
        EXPECT_NE(program.RestOfErr().find(name + ": option backend: "), std::string::npos);
        continue;
      }
      EXPECT_NE(PortOf(line), 0);
    }
  }
}

TEST_F(Programs, EndWithZeroOnSigterm) {
  for (const std::string &path : paths_) {
    SCOPED_TRACE(Choose(path));
    Process program({"tcp://127.0.0.1:0"});
    EXPECT_NE(PortOf(program.Line()), 0);
    program.Signal(SIGTERM);
    EXPECT_EQ(program.ExitCode(), 0);
  }
}

TEST_F(Programs, TellWhatTheyTake) {
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    SCOPED_TRACE(name);
    Process program({"--help"});
    EXPECT_EQ(program.ExitCode(), 0);
    const std::string help = program.RestOfOut();
    EXPECT_EQ(help.rfind("usage: " + name + " [OPTION...] [ADDRESS...]\n", 0), 0u) << help;
    EXPECT_NE(help.find("--backend=NAME"), std::string::npos);
    EXPECT_EQ(program.RestOfErr(), "");
  }
}

TEST_F(Programs, NameABadArgumentAndEndWithTwo) {
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    for (const char *bad : {"--backend=select", "--wrong", "--period-ms=0", "tcp://127.0.0.1"}) {
      SCOPED_TRACE(name + " " + bad);
      Process program({bad});
      EXPECT_EQ(program.ExitCode(), 2);
      const std::string words = program.RestOfErr();
      EXPECT_EQ(words.rfind(name + ": ", 0), 0u) << words;
      EXPECT_NE(words.find(bad), std::string::npos) << words;
    }
  }
}

TEST_F(Programs, SayWhetherAnOptionTakesAValue) {
  for (const std::string &path : paths_) {
    SCOPED_TRACE(Choose(path));
    Process without_value({"--backend"});
    EXPECT_EQ(without_value.ExitCode(), 2);
    EXPECT_NE(without_value.RestOfErr().find("'--backend': the option needs a value"),
              std::string::npos);
    Process with_value({"--reuse-port=1"});
    EXPECT_EQ(with_value.ExitCode(), 2);
    EXPECT_NE(with_value.RestOfErr().find("'--reuse-port=1': the option takes no value"),
              std::string::npos);
  }
}

TEST_F(Programs, SayInOneLineWhyAStartFails) {
  const PlainListener taken;
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    for (const char *backend : {"--backend=epoll", "--backend=kqueue"}) {
      SCOPED_TRACE(name + " " + backend);
      Process program({backend, taken.text()});
      EXPECT_EQ(program.ExitCode(), 1);
      const std::string words = program.RestOfErr();
      EXPECT_EQ(words.rfind(name + ": ", 0), 0u) << words;
      EXPECT_EQ(words.find('\n'), words.size() - 1) << words;
    }
    for (const char *bad : {"tcp://127.0.0.1", "--reactors=0"}) {
      SCOPED_TRACE(name + " " + bad);
      Process program({bad});
      EXPECT_EQ(program.ExitCode(), 2);
      const std::string words = program.RestOfErr();
      EXPECT_EQ(words.find('\n'), words.size() - 1) << words;
    }
  }
}

TEST_F(Programs, RefuseUdpWhereTheyTakeAConnection) {
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    if (name == "echo" || name == "framed" || name == "blocking" || name == "proxy") continue;
    SCOPED_TRACE(name);
    Process program({"udp://127.0.0.1:0"});
    EXPECT_EQ(program.ExitCode(), 2);
    EXPECT_EQ(program.RestOfErr(),
              name + ": 'udp://127.0.0.1:0': UDP is not supported (connections only)\n");
  }
}

TEST_F(Programs, TakeAHostWhoseNameBeginsWithUdp) {
  for (const std::string &path : paths_) {
    const std::string name = Choose(path);
    SCOPED_TRACE(name);
    Process program({"udphost:99999"});  // only the port is invalid
    EXPECT_NE(program.ExitCode(), 0);
    EXPECT_NE(program.RestOfErr().find("the port '99999'"), std::string::npos);
  }
}

}  // namespace
}  // namespace evnet_testing
