#include "net/base/testing/net_namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

// A message of rtnetlink(7).
class Request {
 public:
  template <typename Header>
  Request(uint16_t type, uint16_t flags, const Header &header) {
    nlmsghdr head = {};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    Append(&head, sizeof head);
    Append(&header, sizeof header);
  }

  Request &Add(uint16_t type, const void *data, size_t size) {
    Begin(type);
    Append(data, size);
    return End();
  }
  Request &Add(uint16_t type, const std::string &text) {
    return Add(type, text.c_str(), text.size() + 1);
  }
  // Begins a nested attribute. Attributes that are added until End are inside it.
  Request &Begin(uint16_t type) {
    open_.push_back(bytes_.size());
    rtattr head = {};
    head.rta_type = type;
    Append(&head, sizeof head);
    return *this;
  }
  Request &End() {
    const size_t at = open_.back();
    open_.pop_back();
    const auto size = static_cast<uint16_t>(bytes_.size() - at);
    bytes_.replace(at + offsetof(rtattr, rta_len), sizeof size,
                   reinterpret_cast<const char *>(&size), sizeof size);
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
  }
  template <typename Header>
  Request &AddHeader(const Header &header) {
    Append(&header, sizeof header);
    return *this;
  }

  bool Send() {
    const auto size = static_cast<uint32_t>(bytes_.size());
    bytes_.replace(offsetof(nlmsghdr, nlmsg_len), sizeof size,
                   reinterpret_cast<const char *>(&size), sizeof size);
    const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct {
      nlmsghdr head;
      nlmsgerr error;
    } answer = {};
    const bool done = send(descriptor, bytes_.data(), bytes_.size(), 0) == ssize_t{size} &&
                      recv(descriptor, &answer, sizeof answer, MSG_TRUNC) > 0 &&
                      answer.head.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
    close(descriptor);
    return done;
  }

 private:
  void Append(const void *data, size_t size) {
    bytes_.append(static_cast<const char *>(data), size);
  }

  std::string bytes_;
  std::basic_string<size_t> open_;
};

bool Configure(const char *interface, unsigned long what, ifreq request) {
  strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool done = ioctl(descriptor, what, &request) == 0;
  close(descriptor);
  return done;
}

bool Start(const char *interface) {
  ifreq request = {};
  request.ifr_flags = IFF_UP | IFF_MULTICAST;
  return Configure(interface, SIOCSIFFLAGS, request);
}

bool AddPair() {
  const ifinfomsg none = {};
  return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, none)
      .Add(IFLA_IFNAME, "pair0")
      .Begin(IFLA_LINKINFO)
      .Add(IFLA_INFO_KIND, "veth")
      .Begin(IFLA_INFO_DATA)
      .Begin(VETH_INFO_PEER)
      .AddHeader(none)
      .Add(IFLA_IFNAME, "pair1")
      .End()
      .End()
      .End()
      .Send();
}

bool AddAddress(const char *interface, int family, const char *text, uint8_t prefix_bits) {
  in6_addr address = {};
  if (inet_pton(family, text, &address) != 1) return false;
  ifaddrmsg header = {};
  header.ifa_family = static_cast<uint8_t>(family);
  header.ifa_prefixlen = prefix_bits;
  // Skip duplicate address detection, which takes a second.
  header.ifa_flags = IFA_F_NODAD;
  header.ifa_index = if_nametoindex(interface);
  const size_t size = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  return Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header)
      .Add(IFA_LOCAL, &address, size)
      .Add(IFA_ADDRESS, &address, size)
      .Send();
}

bool Unshare() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  return errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

// Waits until the kernel routes multicast groups by the interface. A kernel thread first has to
// detect that the interface has a carrier.
bool WaitUntilRouted(const char *interface) {
  sockaddr_in6 group = {};
  group.sin6_family = AF_INET6;
  group.sin6_port = htons(9);
  group.sin6_scope_id = if_nametoindex(interface);
  if (inet_pton(AF_INET6, "ff12::1", &group.sin6_addr) != 1) return false;
  const int descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool done = false;
  for (int ms = 0; ms < 20000 && !done; ms++) {
    done = connect(descriptor, reinterpret_cast<sockaddr *>(&group), sizeof group) == 0;
    if (!done) poll(nullptr, 0, 1);
  }
  close(descriptor);
  return done;
}

}  // namespace

bool EnterLoopbackNamespace() { return Unshare() && Start("lo"); }

bool EnterNetNamespace() {
  return Unshare() && Start("lo") && AddPair() && AddAddress("pair0", AF_INET, "10.111.0.1", 24) &&
         AddAddress("pair0", AF_INET6, "fd00:111::1", 64) && Start("pair1") && Start("pair0") &&
         WaitUntilRouted("pair0") && WaitUntilRouted("pair1");
}

void AddIp6Address(const char *interface, const char *text, int prefix_bits) {
  EXPECT_TRUE(AddAddress(interface, AF_INET6, text, static_cast<uint8_t>(prefix_bits))) << text;
}

void SetMtu(const char *interface, int bytes) {
  ifreq request = {};
  request.ifr_mtu = bytes;
  EXPECT_TRUE(Configure(interface, SIOCSIFMTU, request)) << strerror(errno);
}

}  // namespace evnet_testing
