// NetBSD, which has neither RFC 3678 nor struct ip_mreqn. In struct ip_mreq, and for IP_MULTICAST_IF, an
// address in 0.0.0.0/8 is the index of an interface (RFC 1724 section 3.3; NetBSD 10
// sys/netinet/ip_output.c, ip_multicast_if).
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

enum { INDEX_MAX = 0xffffff };

static int set(int descriptor, int level, int name, const void *value, socklen_t size) {
  return setsockopt(descriptor, level, name, value, size) == 0 ? 0 : -errno;
}

int evnet_multicast_system_set_interface(int descriptor, unsigned int interface_index) {
  if (interface_index > INDEX_MAX) return -ENODEV;
  const struct in_addr where = {.s_addr = htonl(interface_index)};
  return set(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &where, sizeof where);
}

int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member) {
  if (interface_index > INDEX_MAX) return -ENODEV;
  if (group->socket.any.sa_family == AF_INET) {
    const struct ip_mreq request = {.imr_multiaddr = group->socket.ip4.sin_addr,
                                    .imr_interface = {.s_addr = htonl(interface_index)}};
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
