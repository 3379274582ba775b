// Datagram sockets and groups. A network namespace provides an IPv6 interface that reaches groups.
// Without namespaces, only IPv4's `lo` is tested.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/base/testing/net_namespace.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

struct Family {
  const char *name;
  const char *any;        // all hosts of the family
  const char *both;       // a dual-stack address that receives the family, too
  const char *one;        // an address to send from
  const char *group;      // without a port
  const char *other;      // another group, without a port
  const char *interface;  // an interface that reaches them
};

const Family kIp4 = {"ip4",       "udp4://:0", "udp://:0", "udp://127.0.0.1:0",
                     "239.1.2.3", "239.1.2.4", "lo"};
const Family kIp6 = {"ip6",       "udp6://:0",    "udp://:0", "udp://[fd00:111::1]:0",
                     "[ff15::3]", "[ff15::4444]", "pair0"};

class MulticastTest : public ContractTest {
 protected:
  static void SetUpTestSuite() { in_namespace_ = EnterNetNamespace(); }

  std::vector<Family> Families() {
    if (in_namespace_) return {kIp4, kIp6};
    return {kIp4};
  }
  static bool in_namespace() { return in_namespace_; }
  bool IsLinux() const { return strcmp(GetParam().name, "kqueue") != 0; }

  evnet_handle Bind(const std::string &address) {
    const evnet_address parsed = ParseAddress(address);
    evnet_handle handle = {};
    EXPECT_EQ(evnet_poller_listen(poller(), &parsed, nullptr, &handle), 0) << address;
    evnet_poller_recv_start(poller(), handle);
    return handle;
  }

  int Set(evnet_handle handle, evnet_multicast_what what, const char *group, const char *interface,
          int value = 0) {
    evnet_multicast setting = {};
    setting.what = what;
    setting.interface_name = interface;
    setting.value = value;
    evnet_address address = {};
    if (group != nullptr) address = ParseAddress(std::string("udp://") + group + ":0");
    setting.group = &address;
    return evnet_poller_set_multicast(poller(), handle, &setting);
  }
  int Join(evnet_handle handle, const char *group, const char *interface) {
    return Set(handle, EVNET_MULTICAST_JOIN, group, interface);
  }
  int Leave(evnet_handle handle, const char *group, const char *interface) {
    return Set(handle, EVNET_MULTICAST_LEAVE, group, interface);
  }

  std::string PortOf(evnet_handle handle) {
    const evnet_address own = AddressOf(handle);
    return ":" + std::to_string(evnet_address_port(&own));
  }
  evnet_address GroupAt(const char *group, evnet_handle handle) {
    return ParseAddress(std::string("udp://") + group + PortOf(handle));
  }

  // Sends by the poller, so that the poller's settings apply.
  void Send(evnet_handle from, const evnet_address &to, const std::string &data) {
    const iovec piece = {const_cast<char *>(data.data()), data.size()};
    const evnet_datagram datagram = {&piece, 1, &to, nullptr};
    EXPECT_EQ(evnet_poller_send_datagrams(poller(), from, &datagram, 1), 1) << data;
  }

  // Returns the datagrams received, up to `last`.
  std::string ReceivedUntil(evnet_handle handle, const std::string &last) {
    std::string all;
    EXPECT_TRUE(loop().RunUntil([&] {
      all.clear();
      for (const Event &event : loop().Of(handle, EVNET_OP_DATAGRAM)) all += event.data + " ";
      return all.size() > last.size() &&
             all.compare(all.size() - last.size() - 1, last.size(), last) == 0;
    })) << all;
    return all;
  }

 private:
  static bool in_namespace_;
};

bool MulticastTest::in_namespace_ = false;

INSTANTIATE_TEST_SUITE_P(All, MulticastTest, ::testing::ValuesIn(TcpBackends()), BackendName);

TEST_P(MulticastTest, WhatIsNoSettingIsRefused) {
  const auto unknown = static_cast<evnet_multicast_what>(EVNET_MULTICAST_LOOP + 1);
  EXPECT_EQ(Set(Bind("udp://127.0.0.1:0"), unknown, nullptr, nullptr), -EOPNOTSUPP);
  if (!HasIp6()) return;
  EXPECT_EQ(Set(Bind("udp://[::1]:0"), unknown, nullptr, nullptr), -EOPNOTSUPP);
}

TEST_P(MulticastTest, AMemberReceivesUntilItLeaves) {
  for (const Family &family : Families()) {
    SCOPED_TRACE(family.name);
    for (const char *address : {family.any, family.both}) {
      SCOPED_TRACE(address);
      const evnet_handle member = Bind(address);
      const evnet_handle sender = Bind(family.one);
      ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, family.interface), 0);
      const evnet_address group = GroupAt(family.group, member);
      ASSERT_EQ(Join(member, family.group, family.interface), 0);
      Send(sender, group, "first");
      ASSERT_EQ(ReceivedUntil(member, "first"), "first ");
      EXPECT_EQ(FormatAddress(loop().Of(member)[0].peer), FormatAddress(AddressOf(sender)));
      ASSERT_EQ(Leave(member, family.group, family.interface), 0);
      Send(sender, group, "second");
      ASSERT_EQ(Join(member, family.group, family.interface), 0);
      Send(sender, group, "third");
      EXPECT_EQ(ReceivedUntil(member, "third"), "first third ");
      evnet_poller_detach(poller(), member);
    }
  }
}

TEST_P(MulticastTest, OfASourceOnlyItsDatagramsComeUntilItIsLeft) {
  for (const Family &family : Families()) {
    SCOPED_TRACE(family.name);
    const evnet_handle member = Bind(family.any);
    const evnet_handle sender = Bind(family.one);
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, family.interface), 0);
    const evnet_address port = GroupAt(family.group, member);
    const evnet_address source = AddressOf(sender);
    const bool is_ip4 = source.socket.any.sa_family == AF_INET;
    const evnet_address stranger =
        ParseAddress(is_ip4 ? "udp://127.0.0.9:0" : "udp://[fd00:111::9]:0");
    const evnet_address alien = ParseAddress(is_ip4 ? "udp://[::1]:0" : "udp://127.0.0.1:0");
    const auto set = [&](evnet_multicast_what what, const evnet_address &from) {
      evnet_multicast setting = {};
      setting.what = what;
      setting.group = &port;
      setting.source = &from;
      setting.interface_name = family.interface;
      return evnet_poller_set_multicast(poller(), member, &setting);
    };
    EXPECT_EQ(set(EVNET_MULTICAST_JOIN, alien), -EINVAL);
    EXPECT_EQ(set(EVNET_MULTICAST_LEAVE, source), -EADDRNOTAVAIL);
    ASSERT_EQ(set(EVNET_MULTICAST_JOIN, stranger), 0);
    EXPECT_EQ(set(EVNET_MULTICAST_JOIN, stranger), -EADDRINUSE);
    Send(sender, port, "unwanted");
    ASSERT_EQ(set(EVNET_MULTICAST_JOIN, source), 0);
    Send(sender, port, "wanted");
    EXPECT_EQ(ReceivedUntil(member, "wanted"), "wanted ");
    EXPECT_EQ(set(EVNET_MULTICAST_LEAVE, stranger), 0);
    EXPECT_EQ(set(EVNET_MULTICAST_LEAVE, source), 0);
    EXPECT_EQ(set(EVNET_MULTICAST_LEAVE, source), -EADDRNOTAVAIL);
    evnet_poller_detach(poller(), member);
    evnet_poller_detach(poller(), sender);
  }
}

TEST_P(MulticastTest, AllThatAreBoundToAGroupGetEachDatagramAndAnswerFromTheirHost) {
  for (const Family &family : Families()) {
    SCOPED_TRACE(family.name);
    const evnet_handle first = Bind(std::string("udp://") + family.group + ":0");
    const evnet_handle second = Bind(std::string("udp://") + family.group + PortOf(first));
    const evnet_handle sender = Bind(family.one);
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, family.interface), 0);
    for (const evnet_handle member : {first, second})
      ASSERT_EQ(Join(member, family.group, family.interface), 0);
    Send(sender, GroupAt(family.group, first), "question");
    for (const evnet_handle member : {first, second}) {
      ASSERT_EQ(ReceivedUntil(member, "question"), "question ");
      const Event event = loop().Of(member)[0];
      const iovec piece = {const_cast<char *>("answer"), 6};
      const evnet_datagram answer = {&piece, 1, &event.peer, &event.local};
      EXPECT_EQ(evnet_poller_send_datagrams(poller(), member, &answer, 1), 1);
    }
    ASSERT_TRUE(loop().RunUntil([&] { return loop().Of(sender, EVNET_OP_DATAGRAM).size() == 2; }));
    evnet_address host = ParseAddress(family.one);
    for (const Event &event : loop().Of(sender, EVNET_OP_DATAGRAM)) {
      EXPECT_EQ(event.data, "answer");
      host.socket.ip4.sin_port = event.peer.socket.ip4.sin_port;  // the same offset for both
      EXPECT_EQ(FormatAddress(event.peer), FormatAddress(host));
    }
  }
}

TEST_P(MulticastTest, WithoutReuseAGroupsAddressIsTaken) {
  const evnet_handle first = Bind(std::string("udp://") + kIp4.group + ":0");
  const evnet_address address = AddressOf(first);
  evnet_listen_options options = {};
  options.no_reuse_address = true;
  evnet_handle second = {};
  EXPECT_EQ(evnet_poller_listen(poller(), &address, &options, &second), -EADDRINUSE);
}

// See IP_MULTICAST_ALL of ip(7).
TEST_P(MulticastTest, WhatOthersJoinedIsNotReceived) {
  if (!IsLinux()) GTEST_SKIP() << "only Linux does this";
  for (const Family &family : Families()) {
    SCOPED_TRACE(family.name);
    const evnet_handle member = Bind(family.any);
    const evnet_handle another = Bind(family.any);
    const evnet_handle sender = Bind(family.one);
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, family.interface), 0);
    ASSERT_EQ(Join(member, family.group, family.interface), 0);
    ASSERT_EQ(Join(another, family.other, family.interface), 0);
    Send(sender, GroupAt(family.other, another), "other");
    EXPECT_EQ(ReceivedUntil(another, "other"), "other ");
    Send(sender, GroupAt(family.other, member), "not mine");
    Send(sender, GroupAt(family.group, member), "mine");
    EXPECT_EQ(ReceivedUntil(member, "mine"), "mine ");
  }
}

TEST_P(MulticastTest, AMembershipIsOfOneInterface) {
  if (!in_namespace()) GTEST_SKIP() << "no second interface";
  const evnet_handle member = Bind(kIp6.any);
  const evnet_handle sender = Bind(kIp6.one);
  ASSERT_EQ(Join(member, "[ff12::3]", "lo"), 0);
  ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, "pair0"), 0);
  const evnet_address group = GroupAt("[ff12::3]", member);
  Send(sender, group, "by pair0");
  // pair1 is the other end of the link; the group's zone names it.
  ASSERT_EQ(Join(member, "[ff12::3%pair1]", nullptr), 0);
  Send(sender, group, "by pair1");
  EXPECT_EQ(ReceivedUntil(member, "by pair1"), "by pair1 ");
  EXPECT_EQ(Leave(member, "[ff12::3]", "pair1"), 0);
  EXPECT_EQ(Leave(member, "[ff12::3%lo]", "lo"), 0);
}

TEST_P(MulticastTest, LoopSaysWhetherMembersOnThisMachineGetIt) {
  if (!in_namespace()) GTEST_SKIP() << "`lo` gives back all that is sent";
  Family ip4 = kIp4;
  ip4.one = "udp://10.111.0.1:0";
  ip4.interface = "pair0";
  for (const Family &family : {ip4, kIp6}) {
    SCOPED_TRACE(family.name);
    const evnet_handle member = Bind(family.any);
    // A dual-stack socket, which has two sets of options.
    const evnet_handle sender = Bind("udp://:0");
    ASSERT_EQ(Join(member, family.group, family.interface), 0);
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_INTERFACE, nullptr, family.interface), 0);
    const evnet_address group = GroupAt(family.group, member);
    Send(sender, group, "by default");
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_LOOP, nullptr, nullptr, 0), 0);
    Send(sender, group, "off");
    ASSERT_EQ(Set(sender, EVNET_MULTICAST_LOOP, nullptr, nullptr, 1), 0);
    Send(sender, group, "on");
    EXPECT_EQ(ReceivedUntil(member, "on"), "by default on ");
  }
}

int GetInt(int descriptor, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(descriptor, level, name, &value, &size), 0) << strerror(errno);
  return value;
}

TEST_P(MulticastTest, HopsAndInterfaceAreSetForEachFamilyOfTheSocket) {
  const int lo = static_cast<int>(if_nametoindex("lo"));
  for (const char *address : {"udp4://:0", "udp6://:0", "udp://:0"}) {
    SCOPED_TRACE(address);
    const evnet_handle handle = Bind(address);
    const int descriptor = evnet_poller_descriptor(poller(), handle);
    const bool has_ip4 = strcmp(address, "udp6://:0") != 0;
    const bool has_ip6 = strcmp(address, "udp4://:0") != 0;
    const auto expect = [&](int hops, int interface_index) {
      if (has_ip4) {
        EXPECT_EQ(GetInt(descriptor, IPPROTO_IP, IP_MULTICAST_TTL), hops);
        ip_mreqn where = {};
        socklen_t size = sizeof where;
        EXPECT_EQ(getsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &where, &size), 0);
        // Linux returns only the interface's address (ip_sockglue.c), and none was set.
        EXPECT_EQ(where.imr_multiaddr.s_addr, 0u);
      }
      if (has_ip6) {
        EXPECT_EQ(GetInt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), hops);
        EXPECT_EQ(GetInt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF), interface_index);
      }
    };
    expect(1, 0);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_HOPS, nullptr, nullptr, 255), 0);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_INTERFACE, nullptr, "lo"), 0);
    expect(255, lo);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_HOPS, nullptr, nullptr, 256), -EINVAL);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_HOPS, nullptr, nullptr, -1), -EINVAL);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_LOOP, nullptr, nullptr, 2), -EINVAL);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_INTERFACE, nullptr, "evnet-has-none"), -ENODEV);
    expect(255, lo);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_HOPS, nullptr, nullptr, 0), 0);
    EXPECT_EQ(Set(handle, EVNET_MULTICAST_INTERFACE, nullptr, nullptr), 0);
    expect(0, 0);
  }
}

TEST_P(MulticastTest, WhatCannotBeJoinedOrLeftIsRefused) {
  for (const char *address : {"udp4://:0", "udp6://:0", "udp://:0"}) {
    SCOPED_TRACE(address);
    const evnet_handle handle = Bind(address);
    const bool has_ip4 = strcmp(address, "udp6://:0") != 0;
    const bool has_ip6 = strcmp(address, "udp4://:0") != 0;
    if (has_ip4) {
      EXPECT_EQ(Join(handle, "127.0.0.1", "lo"), -EINVAL);
      EXPECT_EQ(Join(handle, "239.1.2.3", "evnet-has-none"), -ENODEV);
      EXPECT_EQ(Join(handle, "239.1.2.3", "a-name-longer-than-an-interface-has"), -ENODEV);
      EXPECT_EQ(Leave(handle, "239.1.2.3", "lo"), -EADDRNOTAVAIL);
      EXPECT_EQ(Join(handle, "239.1.2.3", "lo"), 0);
      EXPECT_EQ(Join(handle, "239.1.2.3", "lo"), -EADDRINUSE);
    } else {
      EXPECT_EQ(Join(handle, "239.1.2.3", "lo"), -EAFNOSUPPORT);
    }
    if (has_ip6) {
      EXPECT_EQ(Join(handle, "[::1]", "lo"), -EINVAL);
      EXPECT_EQ(Join(handle, "[ff12::3]", "evnet-has-none"), -ENODEV);
      EXPECT_EQ(Leave(handle, "[ff12::3]", "lo"), -EADDRNOTAVAIL);
      EXPECT_EQ(Join(handle, "[ff12::3%lo]", nullptr), 0);
      EXPECT_EQ(Join(handle, "[ff12::3]", "lo"), -EADDRINUSE);
      const int two_interfaces = in_namespace() ? -EINVAL : -ENODEV;
      EXPECT_EQ(Join(handle, "[ff12::4%lo]", "pair0"), two_interfaces);
    } else {
      EXPECT_EQ(Join(handle, "[ff12::3]", "lo"), -EAFNOSUPPORT);
    }
  }
}

TEST_P(MulticastTest, AConnectionHasNoGroups) {
  const Connection connection = Connect();
  EXPECT_EQ(Join(connection.handle, "239.1.2.3", "lo"), -EOPNOTSUPP);
  EXPECT_EQ(Set(connection.handle, EVNET_MULTICAST_HOPS, nullptr, nullptr, 1), -EOPNOTSUPP);
}

}  // namespace
}  // namespace evnet_testing
