// Linux: RFC 3678, see ip(7) and Linux's ipv6. With IP_MULTICAST_ALL (Linux 2.6.31) and
// IPV6_MULTICAST_ALL (4.20) off, a socket receives only datagrams to groups that it joined itself,
// as on other systems.
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

static void receive_own_groups_only(int descriptor, bool is_ip4) {
  const int none = 0;
  (void)setsockopt(descriptor, is_ip4 ? IPPROTO_IP : IPPROTO_IPV6,
                   is_ip4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, &none, sizeof none);
}

int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member) {
  const bool is_ip4 = group->socket.any.sa_family == AF_INET;
  const int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
  struct group_req request = {.gr_interface = interface_index};
  memcpy(&request.gr_group, &group->socket,
         is_ip4 ? sizeof group->socket.ip4 : sizeof group->socket.ip6);
  const int name = is_member ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
  if (setsockopt(descriptor, level, name, &request, sizeof request) != 0) return -errno;
  receive_own_groups_only(descriptor, is_ip4);
  return 0;
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
  receive_own_groups_only(descriptor, is_ip4);
  return 0;
}
