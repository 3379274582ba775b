// The addresses of one dial: their order, when each is tried, which one becomes the connection, and
// which failure is reported if none does (RFC 8305).
#include <dirent.h>

#include "net/reactor/testing/dial_allocations.h"
#include "net/reactor/testing/dial_fixture.h"

namespace evnet_testing {
namespace {

TEST_F(DialTest, TheNextAddressOfANameIsTriedUntilOneConnects) {
  harness.Start();
  TheNames().Know("many.test", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  const struct evnet_conn_id id = harness.Dial(At("many.test"));
  ASSERT_TRUE(UntilOpen(id));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), harness.AddressText());
  EXPECT_EQ(harness.Of(id).Story(), "open");
}

TEST_F(DialTest, TheLastAddressSaysWhyNoneConnected) {
  harness.Start();
  // There is no route to the first address from a socket of 127.0.0.1 (EINVAL), and no listener at
  // the second.
  TheNames().Know("bad.test", {"192.0.2.1", "127.0.0.2"});
  evnet_dial_options options = {};
  options.source = "127.0.0.1:0";
  std::string remote;
  harness.on.close = [&](evnet_conn *conn, int) {
    evnet_address address = {};
    evnet_conn_remote_address(conn, &address);
    remote = FormatAddress(address);
    return EVNET_NONE;
  };
  EXPECT_EQ(Fail(At("bad.test"), options), -ECONNREFUSED);
  EXPECT_EQ(remote, At("127.0.0.2"));
}

size_t DescriptorCount() {
  size_t count = 0;
  DIR *const directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) count++;
  (void)closedir(directory);
  return count;
}

class AttemptsTest : public DialTest {
 protected:
  // Dials a name that has these addresses, all with the same port.
  struct evnet_conn_id DialName(const std::vector<std::string> &hosts, uint16_t port,
                                const evnet_dial_options &options = {}) {
    TheNames().Know("many.test", hosts);
    const uint64_t before = harness.Stats().messages;
    const struct evnet_conn_id id =
        harness.Dial("tcp://many.test:" + std::to_string(port), options);
    // Another thread looks the name up.
    EXPECT_TRUE(harness.Until([&] { return harness.Stats().messages > before; }));
    harness.Settle();
    return id;
  }

  void AdvanceBy(uint64_t ms) {
    TheKernel().Advance(ms);
    harness.Settle();
  }

  // Makes a blackhole at each of 127.0.0.2 to 127.0.0.(count + 1), all at one port.
  void MakeBlackholes(int count) {
    for (int i = 2; i < 2 + count; i++) {
      hosts_.push_back("127.0.0." + std::to_string(i));
      const uint16_t port = blackholes_.empty() ? 0 : blackholes_.front()->port();
      blackholes_.push_back(
          std::make_unique<Blackhole>("tcp://" + hosts_.back() + ":" + std::to_string(port)));
    }
  }

  uint16_t port() const { return blackholes_.front()->port(); }

  std::vector<std::string> hosts_;
  std::vector<std::unique_ptr<Blackhole>> blackholes_;
};

TEST_F(AttemptsTest, TheNextAddressIsTriedAfter250MsOfSilence) {
  TheKernel().StopClock();
  harness.Start();
  MakeBlackholes(1);
  PlainListener listener("tcp://127.0.0.9:" + std::to_string(port()));
  const size_t descriptors = DescriptorCount();
  const struct evnet_conn_id id = DialName({"127.0.0.2", "127.0.0.9"}, port());
  EXPECT_EQ(DescriptorCount(), descriptors + 1);
  AdvanceBy(249);
  EXPECT_EQ(harness.Of(id).opened, 0);
  AdvanceBy(1);
  ASSERT_TRUE(UntilOpen(id));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), listener.text());
  // The socket of the silent address is closed.
  harness.Settle();
  EXPECT_EQ(DescriptorCount(), descriptors + 1);
  // The connection is like any other, and has the id that evnet_dial returned.
  const int peer = listener.Accept();
  Write(harness.Of(id).conn, "question");
  ASSERT_GE(evnet_conn_flush(harness.Of(id).conn), 0);
  char got[8] = {};
  EXPECT_EQ(read(peer, got, sizeof got), 8);
  ASSERT_EQ(write(peer, "answer", 6), 6);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).received == "answer"; }));
  (void)close(peer);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_PEER);
  EXPECT_EQ(harness.Stats().dials_failed, 0u);
}

TEST_F(AttemptsTest, AnAttemptThatHasBegunGoesOnWhenOthersDo) {
  TheKernel().StopClock();
  harness.Start();
  // A listener with a full backlog completes the connect when the SYN is retransmitted after it has
  // room.
  PlainListener slow("tcp://127.0.0.2:0", 0);
  const int fill = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(fill, &slow.address().socket.any, slow.address().size), 0);
  const struct evnet_conn_id id = DialName({"127.0.0.2", "127.0.0.3"}, slow.port());
  AdvanceBy(250);  // the second address refuses
  EXPECT_EQ(harness.Of(id).closed, 0);
  (void)close(slow.Accept());
  ASSERT_TRUE(UntilOpen(id));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), slow.text());
  (void)close(fill);
}

TEST_F(AttemptsTest, AfterAFailureTheNextIsTriedSoonButNotWithin10Ms) {
  TheKernel().StopClock();
  harness.Start();
  PlainListener listener("tcp://127.0.0.3:0");
  const struct evnet_conn_id id = DialName({"127.0.0.2", "127.0.0.3"}, listener.port());
  AdvanceBy(9);
  EXPECT_EQ(harness.Of(id).opened, 0);
  AdvanceBy(1);
  ASSERT_TRUE(UntilOpen(id));
}

TEST_F(AttemptsTest, AtMostEightRunSimultaneously) {
  TheKernel().StopClock();
  harness.Start();
  MakeBlackholes(10);
  const size_t descriptors = DescriptorCount();
  const struct evnet_conn_id id = DialName(hosts_, port(), Within(60000));
  for (size_t running = 1; running <= 8; running++) {
    EXPECT_EQ(DescriptorCount(), descriptors + running);
    AdvanceBy(250);
  }
  AdvanceBy(1000);
  EXPECT_EQ(DescriptorCount(), descriptors + 8);
  EXPECT_EQ(harness.Of(id).Story(), "");
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  ASSERT_TRUE(UntilClosed(id));
  harness.Settle();
  EXPECT_EQ(DescriptorCount(), descriptors);
}

TEST_F(AttemptsTest, AllOfThemTakeOnePlace) {
  TheKernel().StopClock();
  harness.options.connections_max = 1;
  harness.Start();
  MakeBlackholes(3);
  PlainListener listener("tcp://127.0.0.9:" + std::to_string(port()));
  hosts_.push_back("127.0.0.9");
  const struct evnet_conn_id id = DialName(hosts_, port());
  for (int i = 0; i < 3; i++) AdvanceBy(250);
  ASSERT_TRUE(UntilOpen(id));
  EXPECT_EQ(harness.Stats().connections_open, 1u);
}

TEST_F(AttemptsTest, TheDeadlineIsThatOfAllAddressesTogether) {
  TheKernel().StopClock();
  harness.Start();
  MakeBlackholes(2);
  const struct evnet_conn_id id = DialName(hosts_, port(), Within(1000));
  AdvanceBy(250);
  AdvanceBy(749);
  EXPECT_EQ(harness.Of(id).closed, 0);
  AdvanceBy(1);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, -ETIMEDOUT);
}

TEST_F(AttemptsTest, ARefusalTellsMoreThanSilence) {
  TheKernel().StopClock();
  harness.Start();
  MakeBlackholes(1);
  std::string remote;
  harness.on.close = [&](evnet_conn *conn, int) {
    evnet_address address = {};
    evnet_conn_remote_address(conn, &address);
    remote = FormatAddress(address);
    return EVNET_NONE;
  };
  const struct evnet_conn_id id =
      // The first refuses, the second is silent.
      DialName({"127.0.0.9", "127.0.0.2"}, port(), Within(1000));
  for (int i = 0; i < 10; i++) AdvanceBy(100);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, -ECONNREFUSED);
  EXPECT_EQ(remote, "tcp://127.0.0.9:" + std::to_string(port()));
}

TEST_F(AttemptsTest, SilenceTellsMoreThanAnAddressThatCannotBeUsed) {
  TheKernel().StopClock();
  harness.Start();
  MakeBlackholes(1);
  evnet_dial_options options = Within(1000);
  options.source = "127.0.0.1:0";
  // There is no route from that source to the second address (EINVAL).
  const struct evnet_conn_id id = DialName({"127.0.0.2", "192.0.2.1"}, port(), options);
  for (int i = 0; i < 10; i++) AdvanceBy(100);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, -ETIMEDOUT);
}

// Records the addresses for which `allow` is called, and refuses all of them.
struct Asked {
  std::vector<std::string> addresses;
  std::string allowed;

  static bool Allow(const struct evnet_address *address, void *user) {
    Asked *const asked = static_cast<Asked *>(user);
    asked->addresses.push_back(FormatAddress(*address));
    return asked->addresses.back() == asked->allowed;
  }
  evnet_dial_options Options() {
    evnet_dial_options options = {};
    options.allow = Allow;
    options.conn_user = this;
    return options;
  }
};

TEST_F(AttemptsTest, FamiliesAlternate) {
  harness.Start();
  Asked asked;
  const struct evnet_conn_id id = DialName({"[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]",
                                            "192.0.2.1", "[2001:db8::4]", "192.0.2.2"},
                                           80, asked.Options());
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, -EACCES);
  EXPECT_EQ(asked.addresses,
            (std::vector<std::string>{"tcp://[2001:db8::1]:80", "tcp://192.0.2.1:80",
                                      "tcp://[2001:db8::2]:80", "tcp://192.0.2.2:80",
                                      "tcp://[2001:db8::3]:80", "tcp://[2001:db8::4]:80"}));
}

TEST_F(AttemptsTest, SixtyFourAddressesAreTried) {
  harness.Start();
  Asked asked;
  std::vector<std::string> hosts;
  for (int i = 1; i <= 70; i++) hosts.push_back("192.0.2." + std::to_string(i));
  const struct evnet_conn_id id = DialName(hosts, 80, asked.Options());
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(asked.addresses.size(), 64u);
}

TEST_F(AttemptsTest, AllowSeesWhatIsConnectedTo) {
  harness.Start();
  const std::string port = std::to_string(evnet_address_port(&harness.address()));
  const std::string loopback = "tcp://127.0.0.1:" + port;
  for (const std::string host :
       {"127.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]"}) {
    Asked asked;
    EXPECT_EQ(Fail("tcp://" + host + ":" + port, asked.Options()), -EACCES) << host;
    EXPECT_EQ(asked.addresses, std::vector<std::string>{loopback}) << host;
  }
  TheNames().Know("sly.test", {"0.0.0.0", "[::]"});
  Asked asked;
  EXPECT_EQ(Fail("tcp://sly.test:" + port, asked.Options()), -EACCES);
  EXPECT_EQ(asked.addresses, (std::vector<std::string>{loopback, "tcp://[::1]:" + port}));
}

TEST_F(AttemptsTest, OnlyWhatIsAllowedIsConnectedTo) {
  harness.Start();
  const std::string port = std::to_string(evnet_address_port(&harness.address()));
  Asked asked;
  asked.allowed = "tcp://127.0.0.1:" + port;
  const PlainListener other("tcp://127.0.0.2:" + port);
  TheNames().Know("two.test", {"127.0.0.2", "127.0.0.1"});
  const struct evnet_conn_id id = harness.Dial(At("two.test"), asked.Options());
  ASSERT_TRUE(UntilOpen(id));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), asked.allowed);
}

TEST_F(AttemptsTest, AnUnspecifiedAddressIsThisHostByBothFamilies) {
  harness.Start();
  const std::string port = ":" + std::to_string(evnet_address_port(&harness.address()));
  for (const std::string host : {"0.0.0.0", "[::]"}) {
    const struct evnet_conn_id id = harness.Dial(host + port);
    ASSERT_TRUE(UntilOpen(id));
    evnet_address remote = {};
    evnet_conn_remote_address(harness.Of(id).conn, &remote);
    EXPECT_EQ(FormatAddress(remote), harness.AddressText());
  }
}

TEST_F(AttemptsTest, AUdpSocketIsTheFirstThatHasARoute) {
  harness.Start();
  UdpClient peer("udp://127.0.0.3:0");
  const evnet_address address = peer.Address();
  evnet_dial_options options = {};
  options.source = "127.0.0.1:0";
  // There is no route from the source to the first.
  TheNames().Know("udp.test", {"192.0.2.1", "127.0.0.3"});
  const struct evnet_conn_id id =
      harness.Dial("udp://udp.test:" + std::to_string(evnet_address_port(&address)), options);
  ASSERT_TRUE(UntilOpen(id));
  Write(harness.Of(id).conn, "question");
  ASSERT_GE(evnet_conn_flush(harness.Of(id).conn), 0);
  evnet_address from = {};
  EXPECT_EQ(peer.Receive(&from), "question");
  peer.Send(from, "answer");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).received == "answer"; }));
}

TEST_F(AttemptsTest, TheNthAllocationThatFailsLeavesNothingBehind) {
  harness.Start();
  PlainListener listener("tcp://127.0.0.3:0", 64);
  DialWithEachAllocationFailing(&harness, "tcp://many.test:" + std::to_string(listener.port()), [] {
    TheNames().Know("many.test", {"127.0.0.2", "127.0.0.3"});
  });
}

}  // namespace
}  // namespace evnet_testing
