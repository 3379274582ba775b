// recvmmsg(2) and sendmmsg(2), of Linux: many datagrams by one call.
#include <errno.h>
#include <stddef.h>

#include "net/poller/internal/datagram_system.h"

_Static_assert(sizeof(struct evnet_datagram_message) == sizeof(struct mmsghdr) &&
                   offsetof(struct evnet_datagram_message, size) ==
                       offsetof(struct mmsghdr, msg_len),
               "the kernel fills an array of these");

int evnet_datagram_system_receive(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count) {
  for (;;) {
    int received = recvmmsg(descriptor, (struct mmsghdr *)(void *)messages, count, 0, NULL);
    if (received >= 0) return received;
    if (errno != EINTR) return -errno;
  }
}

// An IPv6 socket of both families takes an IPv4 address as it is (Linux, udpv6_sendmsg).
int evnet_datagram_system_send(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count) {
  for (;;) {
    int sent = sendmmsg(descriptor, (struct mmsghdr *)(void *)messages, count, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}
