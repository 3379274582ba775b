// Tests of the resolve example with a name server of the test.
#include <string>
#include <vector>

#include "adapters/cares/testing/dns_server.h"
#include "examples/testing/process.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

TEST(Resolve, PrintsAddressesOfNamesAndNamesOfAddresses) {
  const DnsServer server;
  Process resolve({"--server=" + server.address(), "ok.test", "192.0.2.7"});
  EXPECT_EQ(resolve.ExitCode(), 0);
  const std::string out = resolve.RestOfOut();
  EXPECT_NE(out.find("ok.test 192.0.2.1\n"), std::string::npos) << out;
  EXPECT_NE(out.find("ok.test [2001:db8::1]\n"), std::string::npos) << out;
  EXPECT_NE(out.find("192.0.2.7 seven.test\n"), std::string::npos) << out;
}

TEST(Resolve, AFailedLookupIsNamedAndTheOthersAreAnswered) {
  const DnsServer server;
  Process resolve({"--server=" + server.address(), "none.test", "ok.test"});
  EXPECT_EQ(resolve.ExitCode(), 1);
  EXPECT_EQ(resolve.RestOfErr().find("resolve: 'none.test': "), 0u);
  EXPECT_NE(resolve.RestOfOut().find("ok.test 192.0.2.1\n"), std::string::npos);
}

TEST(Resolve, TheFirstAnswerCancelsTheOtherLookups) {
  const DnsServer server;
  Process resolve(
      {"--server=" + server.address(), "--first", "silent.test", "none.test", "ok.test"});
  EXPECT_NE(resolve.RestOfOut().find("ok.test 192.0.2.1\n"), std::string::npos);
  EXPECT_EQ(resolve.ExitCode(), 0);
  EXPECT_EQ(resolve.RestOfErr().find("silent.test"), std::string::npos);
}

TEST(Resolve, AWrongUseIsRefused) {
  EXPECT_EQ(Process({}).ExitCode(), 2);
  EXPECT_EQ(Process({"--server=x", "a"}).ExitCode(), 1);
}

}  // namespace
}  // namespace evnet_testing
