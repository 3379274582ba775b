// The interface of IPv4 datagrams to groups, by struct ip_mreqn of ip(4) and ip(7): all systems but NetBSD.
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/poller/internal/multicast.h"

int evnet_multicast_system_set_interface(int descriptor, unsigned int interface_index) {
  const struct ip_mreqn where = {.imr_ifindex = (int)interface_index};
  return setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &where, sizeof where) == 0 ? 0
                                                                                        : -errno;
}
