// The local host of IPv4 datagrams, by IP_RECVDSTADDR and IP_SENDSRCADDR: the BSDs (ip(4)).
// The kernel reports the destination in the IP header. evnet does not pass a group's
// address on. It cannot recognize a broadcast address, so the kernel refuses a reply from there.
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"

int evnet_datagram_system_ask_local(int descriptor) {
  const int one = 1;
  return setsockopt(descriptor, IPPROTO_IP, IP_RECVDSTADDR, &one, sizeof one) == 0 ? 0 : -errno;
}

bool evnet_datagram_system_local(const struct cmsghdr *control, struct in_addr *out_host) {
  if (control->cmsg_level != IPPROTO_IP || control->cmsg_type != IP_RECVDSTADDR) return false;
  memcpy(out_host, CMSG_DATA(control), sizeof *out_host);
  return !IN_MULTICAST(ntohl(out_host->s_addr));
}

void evnet_datagram_system_set_source(struct msghdr *header, struct in_addr host) {
  evnet_datagram_add_control(header, IPPROTO_IP, IP_SENDSRCADDR, &host, sizeof host);
}
