// UDP_SEGMENT, since Linux 4.18: one message is cut up into datagrams of a size, by the network
// card if it can. udp_sendmsg and udp_send_skb (net/ipv4/udp.c) have the conditions: 64 segments at
// most, and none that a path's MTU would break up.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"

// A kernel that does not know the control message would pass over it, and send one datagram.
bool evnet_datagram_system_has_segments(int descriptor) {
  int bytes;
  socklen_t size = sizeof bytes;
  return getsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &bytes, &size) == 0;
}

void evnet_datagram_system_set_segment(struct msghdr *header, uint16_t bytes) {
  evnet_datagram_add_control(header, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof bytes);
}

uint32_t evnet_datagram_system_segment_allowed(int status, uint32_t bytes) {
  switch (status) {
    case -EMSGSIZE:  // longer than the path's MTU
    case -EINVAL:    // the same, of older kernels
      return bytes - 1;
    case -EIO:  // an IPsec path; of older kernels also a card that makes no checksums
    case -EOPNOTSUPP:
      return 0;
    default:
      return UINT32_MAX;
  }
}
