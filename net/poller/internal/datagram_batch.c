// Linux's recvmmsg(2) and sendmmsg(2), which pass many datagrams in one call. An old sandbox
// (seccomp(2)) may refuse these calls with ENOSYS or EPERM; then evnet makes one call for each
// datagram.
#include <errno.h>
#include <stddef.h>

#include "net/poller/internal/datagram_system.h"

_Static_assert(sizeof(struct evnet_datagram_message) == sizeof(struct mmsghdr) &&
                   offsetof(struct evnet_datagram_message, size) ==
                       offsetof(struct mmsghdr, msg_len),
               "the kernel fills an array of these");

// Whether the sandbox may have refused the call. EPERM is ambiguous, because a firewall refuses a
// datagram with it, too.
static bool may_be_refused(int status) { return status == -ENOSYS || status == -EPERM; }

static int receive_batch(int descriptor, struct evnet_datagram_message *messages,
                         unsigned int count) {
  for (;;) {
    int received = recvmmsg(descriptor, (struct mmsghdr *)(void *)messages, count, 0, NULL);
    if (received >= 0) return received;
    if (errno != EINTR) return -errno;
  }
}

static int send_batch(int descriptor, struct evnet_datagram_message *messages, unsigned int count) {
  for (;;) {
    int sent = sendmmsg(descriptor, (struct mmsghdr *)(void *)messages, count, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

int evnet_datagram_system_receive(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count, bool *singly) {
  if (!*singly) {
    const int received = receive_batch(descriptor, messages, count);
    if (!may_be_refused(received)) return received;
  }
  const int received = evnet_datagram_receive_singly(descriptor, messages, count);
  if (received > 0) *singly = true;  // only a call that succeeded proves that the sandbox refused
  return received;
}

// Whether the sandbox refuses sendmmsg(2). A call for no datagrams reaches no firewall: Linux
// returns 0 (__sys_sendmmsg).
static bool is_send_refused(int descriptor) {
  return may_be_refused(send_batch(descriptor, NULL, 0));
}

int evnet_datagram_system_send(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool *singly) {
  if (!*singly) {
    const int sent = send_batch(descriptor, messages, count);
    if (!may_be_refused(sent) || !is_send_refused(descriptor)) return sent;
    *singly = true;
  }
  // A dual-stack IPv6 socket takes an IPv4 address unmapped (Linux, udpv6_sendmsg).
  return evnet_datagram_send_singly(descriptor, messages, count, false);
}
