// One call for each datagram, as in POSIX. Used on systems without a call for many datagrams, and
// where the system refuses that call.
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "net/poller/internal/datagram_system.h"
#include "net/poller/internal/socket_system.h"

int evnet_datagram_receive_singly(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count) {
  unsigned int received = 0;
  while (received < count) {
    ssize_t size = recvmsg(descriptor, &messages[received].header, 0);
    if (size >= 0) {
      messages[received++].size = (unsigned int)size;
    } else if (errno != EINTR) {
      // After datagrams were received, the next call returns the error, EAGAIN or any other.
      return received > 0 ? (int)received : -errno;
    }
  }
  return (int)received;
}

// Whether the destination is an IPv4 address and the socket an IPv6 socket. If maps_ip4 is set,
// that address must be in the form of RFC 4291 section 2.5.5.2.
static bool takes_mapped(int descriptor, const struct sockaddr *to) {
  if (to == NULL || to->sa_family != AF_INET) return false;
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  return getsockname(descriptor, (struct sockaddr *)&own, &size) == 0 && own.ss_family == AF_INET6;
}

static int64_t send_one(int descriptor, const struct msghdr *header, bool maps_ip4) {
  struct msghdr message = *header;
  struct sockaddr_in6 mapped;
  if (maps_ip4 && takes_mapped(descriptor, header->msg_name)) {
    const struct sockaddr_in *ip4 = header->msg_name;
    mapped = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = ip4->sin_port};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(mapped.sin6_addr.s6_addr + 12, &ip4->sin_addr, sizeof ip4->sin_addr);
    message.msg_name = &mapped;
    message.msg_namelen = sizeof mapped;
  }
  for (;;) {
    ssize_t sent = sendmsg(descriptor, &message, evnet_socket_system_send_flags);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

int evnet_datagram_send_singly(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool maps_ip4) {
  for (unsigned int i = 0; i < count; i++) {
    int64_t sent = send_one(descriptor, &messages[i].header, maps_ip4);
    if (sent < 0) return i > 0 ? (int)i : (int)sent;
  }
  return (int)count;
}
