// FreeBSD and macOS: RFC 3678, see ip(4) and ip6(4). Their MCAST_JOIN_GROUP differs from Linux's twice
// (FreeBSD 14 sys/netinet/in_mcast.c, xnu-11417 bsd/netinet/in_mcast.c and in6_mcast.c):
//
// - The length in the address must be set, or it fails with EINVAL.
// - Interface 0 fails with EADDRNOTAVAIL. The older options let the system choose.
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

static int set(int descriptor, int level, int name, const void *value, socklen_t size) {
  return setsockopt(descriptor, level, name, value, size) == 0 ? 0 : -errno;
}

static int set_member_anywhere(int descriptor, const struct evnet_address *group, bool is_member) {
  if (group->socket.any.sa_family == AF_INET) {
    const struct ip_mreq request = {.imr_multiaddr = group->socket.ip4.sin_addr};
    const int name = is_member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return set(descriptor, IPPROTO_IP, name, &request, sizeof request);
  }
  const struct ipv6_mreq request = {.ipv6mr_multiaddr = group->socket.ip6.sin6_addr};
  const int name = is_member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
  return set(descriptor, IPPROTO_IPV6, name, &request, sizeof request);
}

int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member) {
  if (interface_index == 0) return set_member_anywhere(descriptor, group, is_member);
  const bool is_ip4 = group->socket.any.sa_family == AF_INET;
  struct group_req request = {.gr_interface = interface_index};
  memcpy(&request.gr_group, &group->socket,
         is_ip4 ? sizeof group->socket.ip4 : sizeof group->socket.ip6);
  request.gr_group.ss_len = is_ip4 ? sizeof group->socket.ip4 : sizeof group->socket.ip6;
  const int name = is_member ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
  const int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
  return set(descriptor, level, name, &request, sizeof request);
}

int evnet_multicast_system_set_source(int descriptor, const struct evnet_address *group,
                                      const struct evnet_address *source,
                                      unsigned int interface_index, bool is_member) {
  const bool is_ip4 = group->socket.any.sa_family == AF_INET;
  const int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
  const size_t size = is_ip4 ? sizeof group->socket.ip4 : sizeof group->socket.ip6;
  struct group_source_req request = {.gsr_interface = interface_index};
  memcpy(&request.gsr_group, &group->socket, size);
  memcpy(&request.gsr_source, &source->socket, size);
  const int name = is_member ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
  if (setsockopt(descriptor, level, name, &request, sizeof request) != 0) return -errno;
  return 0;
}
