// UDP_SEGMENT, since Linux 4.18: the kernel, or the network card if it can, cuts one message into
// datagrams of one size. udp_sendmsg and udp_send_skb (net/ipv4/udp.c) have the conditions: at most
// 64 segments, and none that exceeds the path's MTU.
//
// UDP_GRO, since Linux 5.0: the kernel returns consecutive datagrams from a card, or from a local
// socket with UDP_SEGMENT, as one message (net/ipv4/udp_offload.c).
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "net/poller/internal/datagram_system.h"

// A kernel that does not support the option ignores the control message and sends one datagram.
// Therefore ask with getsockopt(2).
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
    case -EINVAL:    // the same, on older kernels
      return bytes - 1;
    case -EIO:  // an IPsec path; on older kernels also a card without checksums
    case -EOPNOTSUPP:
      return 0;
    default:
      return UINT32_MAX;
  }
}

int evnet_datagram_system_ask_merged(int descriptor) {
  const int one = 1;
  if (setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &one, sizeof one) == 0) return 0;
  return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
}

size_t evnet_datagram_system_merged(const struct msghdr *header) {
  for (const struct cmsghdr *control = evnet_datagram_first_control(header); control != NULL;
       control = evnet_datagram_next_control(header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int bytes;
    memcpy(&bytes, CMSG_DATA(control), sizeof bytes);
    return bytes > 0 ? (size_t)bytes : 0;
  }
  return 0;
}
