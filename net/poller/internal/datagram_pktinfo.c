// The local host of IPv4 datagrams, by IP_PKTINFO: Linux (ip(7)).
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"

int evnet_datagram_system_ask_local(int descriptor) {
  const int one = 1;
  return setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) == 0 ? 0 : -errno;
}

bool evnet_datagram_system_local(const struct cmsghdr *control, struct in_addr *out_host) {
  if (control->cmsg_level != IPPROTO_IP || control->cmsg_type != IP_PKTINFO) return false;
  struct in_pktinfo info;
  memcpy(&info, CMSG_DATA(control), sizeof info);
  *out_host = info.ipi_spec_dst;  // not ipi_addr, the header's destination, which may be a group
  return true;
}

void evnet_datagram_system_set_source(struct msghdr *header, struct in_addr host) {
  const struct in_pktinfo info = {.ipi_spec_dst = host};
  evnet_datagram_add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}
