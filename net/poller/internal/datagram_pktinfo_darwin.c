// The local host of IPv4 datagrams, by IP_PKTINFO: macOS. On receipt, XNU does not fill ipi_spec_dst;
// ipi_addr is the destination in the header (xnu-11417 bsd/netinet/ip_input.c, ip_savecontrol). To send,
// ipi_spec_dst is the source, as on Linux (udp_usrreq.c). evnet does not pass a group's address or the
// broadcast address on. It cannot recognize a subnet's broadcast address, so the kernel refuses a reply
// from there.
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
  *out_host = info.ipi_addr;
  return !IN_MULTICAST(ntohl(out_host->s_addr)) && out_host->s_addr != htonl(INADDR_BROADCAST);
}

void evnet_datagram_system_set_source(struct msghdr *header, struct in_addr host) {
  const struct in_pktinfo info = {.ipi_spec_dst = host};
  evnet_datagram_add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}
