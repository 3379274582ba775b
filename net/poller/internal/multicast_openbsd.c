// OpenBSD and DragonFly, which do not have RFC 3678: see ip(4) and ip6(4).
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

static int set(int descriptor, int level, int name, const void *value, socklen_t size) {
  return setsockopt(descriptor, level, name, value, size) == 0 ? 0 : -errno;
}

int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member) {
  if (group->socket.any.sa_family == AF_INET) {
    const struct ip_mreqn request = {.imr_multiaddr = group->socket.ip4.sin_addr,
                                     .imr_ifindex = (int)interface_index};
    const int name = is_member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return set(descriptor, IPPROTO_IP, name, &request, sizeof request);
  }
  const struct ipv6_mreq request = {.ipv6mr_multiaddr = group->socket.ip6.sin6_addr,
                                    .ipv6mr_interface = interface_index};
  const int name = is_member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
  return set(descriptor, IPPROTO_IPV6, name, &request, sizeof request);
}

int evnet_multicast_system_set_source(int descriptor, const struct evnet_address *group,
                                      const struct evnet_address *source,
                                      unsigned int interface_index, bool is_member) {
  (void)descriptor;
  (void)group;
  (void)source;
  (void)interface_index;
  (void)is_member;
  return -EOPNOTSUPP;
}
