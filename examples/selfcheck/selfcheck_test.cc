// Tests of the selfcheck example.
#include <gtest/gtest.h>

#include <string>

#include "examples/testing/process.h"

namespace evnet_testing {
namespace {

class Selfcheck : public ::testing::TestWithParam<std::string> {};

TEST_P(Selfcheck, FindsNoFaultHere) {
  Process process({"--backend=" + GetParam()});
  const std::string out = process.RestOfOut();
  const std::string err = process.RestOfErr();
  if (err.find("io_uring is refused") != std::string::npos) GTEST_SKIP() << err;
  EXPECT_EQ(err, "");
  EXPECT_EQ(process.ExitCode(), 0) << out;
  for (const char *name :
       {"TCP over IPv4", "UDP over IPv4", "Unix socket", "a timeout of a silent connection",
        "a write from another thread", "a refused connection", "a timer", "a job of the workers",
        "the Unix socket's file is removed"})
    EXPECT_NE(out.find("ok   " + std::string(name) + "\n"), std::string::npos) << name << " in:\n"
                                                                               << out;
}

INSTANTIATE_TEST_SUITE_P(Backends, Selfcheck, ::testing::Values("epoll", "io_uring"));

TEST(SelfcheckArguments, AnUnknownOneIsAUsageError) {
  Process process({"--nonsense"});
  EXPECT_EQ(process.ExitCode(), 2);
}

TEST(SelfcheckArguments, AnAddressIsAUsageError) {
  Process process({"tcp://127.0.0.1:0"});
  EXPECT_EQ(process.ExitCode(), 2);
  EXPECT_EQ(process.RestOfErr(), "selfcheck: 'tcp://127.0.0.1:0': no address is allowed\n");
}

}  // namespace
}  // namespace evnet_testing
