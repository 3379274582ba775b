// Peers with link-local IPv6 addresses. A peer can choose 118 bits of its address: RFC 4291 section
// 2.5.6 requires 54 of them to be zero, but the kernel does not check. An address has a zone.
#include "gtest/gtest.h"
#include "net/base/testing/net_namespace.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

class LinkLocal : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { in_namespace_ = EnterNetNamespace(); }
  void SetUp() override {
    if (!in_namespace_) GTEST_SKIP() << "no network namespaces here";
  }

 private:
  static bool in_namespace_;
};

bool LinkLocal::in_namespace_ = false;

TEST_F(LinkLocal, APeerWithBitsWhereZeroesShouldBeIsCountedAndReportedAsItIs) {
  constexpr char kHost[] = "fe80:1:2:3::1";
  AddIp6Address("pair0", kHost, 64);
  Journal journal;
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_address peer = {};
    evnet_conn_remote_address(conn, &peer);
    journal.Add(FormatAddress(peer));
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *conn, int) {
    evnet_address peer = {};
    evnet_conn_remote_address(conn, &peer);
    journal.Add("closed " + FormatAddress(peer));
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.connections_per_address_max = 1;
  Server server(callbacks, options, {"tcp://:0"});
  const evnet_address address =
      ParseAddress(std::string("tcp://[") + kHost + "%pair0]:" + std::to_string(server.port()));
  for (uint64_t round = 1; round <= 2; round++) {
    Client client(address);
    EXPECT_EQ(client.Exchange("hello"), "hello");
    const std::string text = FormatAddress(client.LocalAddress());
    EXPECT_TRUE(journal.WaitFor(text)) << text;
    Client second(address);
    EXPECT_EQ(second.ReceiveToEnd(), "");
    EXPECT_EQ(second.end(), Client::End::kReset) << "one too many of this address";
    client.Close();
    ASSERT_TRUE(server.WaitForClosed(round));
    EXPECT_TRUE(journal.WaitFor("closed " + text)) << text;
  }
  EXPECT_EQ(server.Stop(0), 0);
}

}  // namespace
}  // namespace evnet_testing
