// FreeBSD and macOS: RFC 3678, see ip(4) and ip6(4).
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

int evnet_multicast_system_set_member(int descriptor, const struct evnet_address *group,
                                      unsigned int interface_index, bool is_member) {
  const bool is_ip4 = group->socket.any.sa_family == AF_INET;
  struct group_req request = {.gr_interface = interface_index};
  memcpy(&request.gr_group, &group->socket,
         is_ip4 ? sizeof group->socket.ip4 : sizeof group->socket.ip6);
  const int name = is_member ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
  const int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
  return setsockopt(descriptor, level, name, &request, sizeof request) == 0 ? 0 : -errno;
}
