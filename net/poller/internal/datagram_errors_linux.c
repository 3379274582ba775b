// IP_RECVERR and IPV6_RECVERR (ip(7), ipv6(7)): the kernel keeps an error of a sent datagram, such
// as an ICMP message, in the socket's error queue, with the address that the datagram was sent to.
//
// An IPv6 socket that sends to IPv4 addresses too needs both options. Its errors of both families
// come with the control message of IPv6 (ipv6_recv_error() of Linux).
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>  // struct timespec of linux/errqueue.h

// After the headers of the C library, which it does not include.
#include <linux/errqueue.h>

#include "net/poller/internal/datagram_system.h"

int evnet_datagram_system_ask_errors(int descriptor) {
  struct sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  if (getpeername(descriptor, (struct sockaddr *)&peer, &peer_size) == 0) return 0;
  const int one = 1;
  int domain;
  socklen_t size = sizeof domain;
  if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) return -errno;
  if (setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &one, sizeof one) < 0) return -errno;
  if (domain == AF_INET6 &&
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one) < 0)
    return -errno;
  return 0;
}

// Reads the host that reported the error. It follows the fixed part in the control message.
static void read_reporter(const struct cmsghdr *control,
                          struct evnet_datagram_failure *out_failure) {
  const size_t fixed = CMSG_LEN(sizeof(struct sock_extended_err));
  if (control->cmsg_len <= fixed) return;
  const uint8_t *address = CMSG_DATA(control) + sizeof(struct sock_extended_err);
  out_failure->has_reporter =
      evnet_address_from_socket((const struct sockaddr *)(const void *)address,
                                (socklen_t)(control->cmsg_len - fixed), EVNET_TRANSPORT_UDP,
                                &out_failure->reporter) == 0;
}

// Returns whether the control message is of an error that a datagram has met. Others are reports
// that evnet does not ask for, such as time stamps.
static bool read_control(const struct cmsghdr *control,
                         struct evnet_datagram_failure *out_failure) {
  const bool is_ip4 = control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVERR;
  const bool is_ip6 = control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_RECVERR;
  if (!is_ip4 && !is_ip6) return false;
  struct sock_extended_err error;
  if (control->cmsg_len < CMSG_LEN(sizeof error)) return false;
  memcpy(&error, CMSG_DATA(control), sizeof error);
  if (error.ee_origin != SO_EE_ORIGIN_LOCAL && error.ee_origin != SO_EE_ORIGIN_ICMP &&
      error.ee_origin != SO_EE_ORIGIN_ICMP6)
    return false;
  out_failure->status = -(int)error.ee_errno;
  out_failure->mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
  if (error.ee_origin != SO_EE_ORIGIN_LOCAL) read_reporter(control, out_failure);
  return true;
}

bool evnet_datagram_system_read_failure(int descriptor,
                                        struct evnet_datagram_failure *out_failure) {
  union {
    struct sockaddr any;
    struct sockaddr_in6 ip6;
  } to;
  uint8_t byte;  // of the datagram, which comes too
  struct iovec piece = {.iov_base = &byte, .iov_len = sizeof byte};
  _Alignas(struct cmsghdr) uint8_t control_bytes[512];
  struct msghdr header = {.msg_name = &to,
                          .msg_namelen = sizeof to,
                          .msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = control_bytes,
                          .msg_controllen = sizeof control_bytes};
  if (recvmsg(descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  *out_failure = (struct evnet_datagram_failure){0};
  if (evnet_address_from_socket(&to.any, header.msg_namelen, EVNET_TRANSPORT_UDP,
                                &out_failure->to) < 0)
    return true;
  for (const struct cmsghdr *control = evnet_datagram_first_control(&header); control != NULL;
       control = evnet_datagram_next_control(&header, control)) {
    if (read_control(control, out_failure)) break;
  }
  return true;
}
