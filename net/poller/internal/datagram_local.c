// The local host of IPv6 datagrams (RFC 3542 section 6), which is the same on all systems, and the
// choice between IPv4 and IPv6.
#define __APPLE_USE_RFC_3542  // macOS otherwise hides IPV6_PKTINFO

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/socket_address.h"

int evnet_datagram_ask_local(int descriptor, int family) {
  const int status = evnet_datagram_system_ask_local(descriptor);
  if (family == AF_INET) return status;
  // A dual-stack socket needs both options: for an IPv4 datagram, IPV6_PKTINFO has only the
  // destination in the header, which may be a broadcast or group address. Not every system supports
  // the IPv4 option on such a socket.
  const int one = 1;
  int result = setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
  return result == 0 ? 0 : -errno;
}

static bool read_local(const struct cmsghdr *control, struct evnet_address *out_local) {
  *out_local = (struct evnet_address){.transport = EVNET_TRANSPORT_UDP};
  if (control->cmsg_level != IPPROTO_IPV6 || control->cmsg_type != IPV6_PKTINFO) {
    struct sockaddr_in *ip4 = &out_local->socket.ip4;
    out_local->size = sizeof *ip4;
    ip4->sin_family = AF_INET;
    return evnet_datagram_system_local(control, &ip4->sin_addr);
  }
  struct in6_pktinfo info;
  memcpy(&info, CMSG_DATA(control), sizeof info);
  struct sockaddr_in6 *ip6 = &out_local->socket.ip6;
  out_local->size = sizeof *ip6;
  ip6->sin6_family = AF_INET6;
  const bool is_group = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
  if (!is_group) ip6->sin6_addr = info.ipi6_addr;
  // Both kinds of address are meaningful only with the interface.
  if (is_group || IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) ip6->sin6_scope_id = info.ipi6_ifindex;
  evnet_socket_unmap_ip4(out_local);
  return out_local->socket.any.sa_family == AF_INET6 ||
         !IN_MULTICAST(ntohl(out_local->socket.ip4.sin_addr.s_addr));
}

bool evnet_datagram_local(const struct msghdr *header, struct evnet_address *out_local) {
  bool found = false;
  for (const struct cmsghdr *control = evnet_datagram_first_control(header); control != NULL;
       control = evnet_datagram_next_control(header, control)) {
    struct evnet_address local;
    if (!read_local(control, &local)) continue;
    *out_local = local;
    found = true;
    if (control->cmsg_level == IPPROTO_IP) break;  // more exact than IPV6_PKTINFO, see above
  }
  return found;
}

void evnet_datagram_set_source(struct msghdr *header, const struct evnet_address *from) {
  if (from->socket.any.sa_family == AF_INET) {
    evnet_datagram_system_set_source(header, from->socket.ip4.sin_addr);
    return;
  }
  const struct in6_pktinfo info = {.ipi6_addr = from->socket.ip6.sin6_addr,
                                   .ipi6_ifindex = from->socket.ip6.sin6_scope_id};
  evnet_datagram_add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}
