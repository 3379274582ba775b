// The echo server on narrow Linux systems: old kernels, containers, small limits. It works, or it ends
// with a message that names the cause.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/sanitizers.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/testing/client.h"

namespace evnet_testing {
namespace {

constexpr int kNotPermitted = 77;  // of tools/narrow.c

class NarrowLinux : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kIsSanitized) GTEST_SKIP() << "the sanitizers themselves need what is refused here";
  }
  // Returns the command line of tools/narrow.c for the server on two addresses.
  static std::vector<std::string> Command(const std::vector<std::string> &restrictions,
                                          const std::vector<std::string> &options,
                                          const TempDirectory &directory) {
    std::vector<std::string> command = restrictions;
    command.push_back("--");
    command.push_back(getenv("ECHO"));
    command.insert(command.end(), options.begin(), options.end());
    command.push_back("tcp://127.0.0.1:0");
    command.push_back("unix://" + directory.File("socket"));
    return command;
  }
  static std::string Name(const std::vector<std::string> &words) {
    std::string name;
    for (const std::string &word : words) name += word + " ";
    return name;
  }
  // Expects that the server serves and stops, and that it prints exactly `words` on stderr.
  void ExpectWorks(const std::vector<std::string> &restrictions,
                   const std::vector<std::string> &options, const std::string &words = "") {
    SCOPED_TRACE(Name(restrictions) + Name(options));
    const TempDirectory directory;
    Process echo(Command(restrictions, options, directory));
    const std::string line = echo.Line();
    if (line.empty() && echo.ExitCode() == kNotPermitted) {
      skipped_ += Name(restrictions) + "(" + echo.RestOfErr() + ") ";
      return;
    }
    const uint16_t port = PortOf(line);
    ASSERT_NE(port, 0) << echo.RestOfErr();
    EXPECT_EQ(echo.Line(), "listening on unix://" + directory.File("socket"));
    const std::string data(300000, 'x');
    for (int i = 0; i < 3; i++) {
      Client client(port);
      EXPECT_EQ(client.Exchange(data), data);
    }
    echo.Signal(SIGTERM);
    EXPECT_EQ(echo.ExitCode(), 0);
    EXPECT_EQ(echo.RestOfErr(), words);
  }
  // Expects that the server ends with exit code 1 and one line that begins with `words`.
  void ExpectMessage(const std::vector<std::string> &restrictions,
                     const std::vector<std::string> &options, const std::string &words) {
    SCOPED_TRACE(Name(restrictions) + Name(options));
    const TempDirectory directory;
    Process echo(Command(restrictions, options, directory));
    const int code = echo.ExitCode();
    const std::string err = echo.RestOfErr();
    if (code == kNotPermitted) {
      skipped_ += Name(restrictions) + "(" + err + ") ";
      return;
    }
    EXPECT_EQ(code, 1);
    EXPECT_EQ(err.compare(0, words.size(), words), 0) << err;
    EXPECT_EQ(err.find('\n'), err.size() - 1) << err;
  }
  void TearDown() override {
    if (!skipped_.empty()) GTEST_SKIP() << "this machine does not permit: " << skipped_;
  }

  std::string skipped_;  // the restrictions that the machine does not permit
};

TEST_F(NarrowLinux, WorksWithoutEachOptionalSystemCall) {
  for (const char *call :
       {"capget", "epoll_pwait2", "fchmodat2", "getrandom", "io_uring_enter", "io_uring_register",
        "io_uring_setup", "madvise", "prctl", "prlimit64", "recvmmsg", "sched_getaffinity",
        "sched_setaffinity", "sendfile", "sendmmsg"}) {
    for (const char *error : {":ENOSYS", ":EPERM"}) {
      ExpectWorks({std::string("refuse:") + call + error}, {"--reactors=2"});
    }
  }
  // The C library falls back to clone(2) after ENOSYS. One reactor needs no thread.
  ExpectWorks({"refuse:clone3:ENOSYS"}, {"--reactors=2"});
  ExpectWorks({"refuse:clone3:EPERM"}, {"--reactors=1"});
}

TEST_F(NarrowLinux, NamesTheSystemCallThatItNeeds) {
  ExpectMessage({"refuse:eventfd2:EPERM"}, {"--backend=epoll"},
                "echo: option backend: epoll is refused: epoll_create1(2) or eventfd2(2) fails");
  ExpectMessage({"refuse:epoll_create1:ENOSYS"}, {"--backend=epoll"},
                "echo: option backend: epoll is refused: epoll_create1(2) or eventfd2(2) fails");
  ExpectMessage({"refuse:io_uring_setup:EPERM"}, {"--backend=io_uring"},
                "echo: option backend: io_uring is refused by the system (seccomp, or ");
  ExpectMessage({"refuse:clone3:EPERM"}, {"--reactors=2"},
                "echo: cannot create the thread of reactor 1: operation not permitted\n");
  ExpectMessage({"refuse:flock:ENOSYS"}, {}, "echo: cannot listen on 'unix://");
}

// The listener waits between attempts, so that a refused call costs neither a busy loop nor a flood
// of lines.
TEST_F(NarrowLinux, LogsARefusedAcceptAndStillStops) {
  const TempDirectory directory;
  Process echo(Command({"refuse:accept4:EPERM"}, {"--backend=epoll"}, directory));
  const uint16_t port = PortOf(echo.Line());
  ASSERT_NE(port, 0);
  Client client(port);
  EXPECT_EQ(echo.ErrLine(),
            "echo: accept failed: operation not permitted; retrying in 100 ms (1 since the last "
            "report)");
  echo.Signal(SIGTERM);
  EXPECT_EQ(echo.ExitCode(), 0);
  EXPECT_EQ(echo.RestOfErr(), "");
}

TEST_F(NarrowLinux, WorksWithoutProcAndSys) {
  ExpectWorks({"hide:/proc"}, {"--reactors=cpu"});
  ExpectWorks({"hide:/sys"}, {"--reactors=cpu"});
  ExpectWorks({"hide:/proc", "hide:/sys"}, {"--reactors=2"});
}

TEST_F(NarrowLinux, WorksOnOneCpu) {
  ExpectWorks({"one-cpu"}, {"--reactors=cpu"});
  ExpectWorks({"one-cpu"}, {"--reactors=3"});
}

// An address of both families becomes one of IPv4.
TEST_F(NarrowLinux, WorksWithoutIp6) {
  ExpectWorks({"refuse-ip6"}, {"--reactors=2"});
  const TempDirectory directory;
  Process echo({"refuse-ip6", "--", getenv("ECHO"), "tcp://:0"});
  const std::string line = echo.Line();
  ASSERT_EQ(line.rfind("listening on tcp://0.0.0.0:", 0), 0u) << line;
  Client client(static_cast<uint16_t>(atoi(line.c_str() + line.rfind(':') + 1)));
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

TEST_F(NarrowLinux, WorksWithFewDescriptorsOrNamesTheLimit) {
  ExpectWorks({"limit:NOFILE:16"}, {"--reactors=1"});
  ExpectMessage({"limit:NOFILE:6"}, {"--reactors=1", "--backend=epoll"}, "echo: cannot ");
}

TEST_F(NarrowLinux, WorksWithLittleAddressSpaceOrNamesTheLimit) {
  ExpectWorks({"limit:AS:67108864"}, {"--reactors=1"},
              "echo: option connections_max: the default is 65536 instead of 1048576, because "
              "ulimit -v allows 67108864 bytes of address space and each connection reserves 128 "
              "bytes on each of 1 reactors; raise ulimit -v, or set the option\n");
}

// CAP_IPC_LOCK, number 14, exempts a process from RLIMIT_MEMLOCK.
TEST_F(NarrowLinux, WorksWithoutLockedMemory) {
  ExpectWorks({"limit:MEMLOCK:0", "drop:14"}, {"--reactors=2"});
  ExpectWorks({"limit:MEMLOCK:0", "drop:14"}, {"--reactors=2", "--backend=epoll"});
}

}  // namespace
}  // namespace evnet_testing
