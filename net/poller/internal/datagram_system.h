// The parts of datagram sockets that differ between systems. BUILD.bazel selects the files:
//
//   datagram_batch.c          passes batches in one call (Linux), or by datagram_single.c
//   datagram_batch_none.c     passes datagrams by datagram_single.c only
//   datagram_local.c          receives and sets the local host of a datagram, for IPv4 with
//                             datagram_pktinfo.c (Linux), datagram_pktinfo_darwin.c (macOS) or
//                             datagram_dstaddr.c (FreeBSD, OpenBSD)
//   datagram_control.c        writes control messages, and iterates over received ones
//   datagram_segments_linux.c passes several datagrams as one message
//   datagram_segments_none.c  does not
//   datagram_errors_linux.c   reads the errors of sent datagrams
//   datagram_errors_none.c    does not
#ifndef EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>  // u_long, which CMSG_DATA of FreeBSD on arm64 needs

#include "net/base/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// Has the layout of Linux's struct mmsghdr.
struct evnet_datagram_message {
  struct msghdr header;
  unsigned int size;  // bytes received or sent
};

// Room for the local host in both families' messages, which an IPv4 datagram of a dual-stack socket
// brings, and for a segment's size. On 64-bit Linux these are 40, 32 and 24 bytes.
enum { EVNET_DATAGRAM_CONTROL_BYTES = 96 };

// The next four functions never block. They return the number of messages passed, 1 or more, or
// -errno of the first message.
//
//   singly  false at first; the caller keeps it for the next call. Set once the system is known to
//           refuse its call for many datagrams; then each datagram has a call.
int evnet_datagram_system_receive(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count, bool *singly);
int evnet_datagram_system_send(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool *singly);
// Make one call for each datagram.
//
//   maps_ip4  an IPv6 socket takes an IPv4 address only in the form of RFC 4291 section 2.5.5.2.
int evnet_datagram_receive_singly(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count);
int evnet_datagram_send_singly(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool maps_ip4);

// Makes a socket report the local host of each datagram. Returns 0 or -errno.
int evnet_datagram_ask_local(int descriptor, int family);

// Reads the local host of a received datagram, as evnet_completion.local. Returns false if it is
// not known.
bool evnet_datagram_local(const struct msghdr *header, struct evnet_address *out_local);

// Adds the source address, or any control message, to the header's control buffer of
// EVNET_DATAGRAM_CONTROL_BYTES.
void evnet_datagram_set_source(struct msghdr *header, const struct evnet_address *from);
void evnet_datagram_add_control(struct msghdr *header, int level, int type, const void *data,
                                size_t size);

// The received control messages in order, then NULL. CMSG_NXTHDR takes no const header, and musl's
// compares numbers of different signs.
const struct cmsghdr *evnet_datagram_first_control(const struct msghdr *header);
const struct cmsghdr *evnet_datagram_next_control(const struct msghdr *header,
                                                  const struct cmsghdr *control);

// The same three functions for IPv4.
int evnet_datagram_system_ask_local(int descriptor);
bool evnet_datagram_system_local(const struct cmsghdr *control, struct in_addr *out_host);
void evnet_datagram_system_set_source(struct msghdr *header, struct in_addr host);

// Whether the system takes several datagrams as one message.
bool evnet_datagram_system_has_segments(int descriptor);
// Adds to the header's control buffer that the message consists of datagrams of `bytes` bytes; the
// last may be shorter.
void evnet_datagram_system_set_segment(struct msghdr *header, uint16_t bytes);
// Interprets `status`, with which the system refused a message of several datagrams of `bytes`
// bytes. Returns the largest datagram that may still be sent as one of several, or 0 for none.
// UINT32_MAX: the message was refused for another reason.
uint32_t evnet_datagram_system_segment_allowed(int status, uint32_t bytes);

// Lets a socket receive several datagrams of one peer as one message. Returns 0 or -errno;
// -EOPNOTSUPP if the system does not support it.
int evnet_datagram_system_ask_merged(int descriptor);
// Returns the size of the datagrams in a message; the last may be shorter. 0: the message is one
// datagram.
size_t evnet_datagram_system_merged(const struct msghdr *header);

// An error of a sent datagram.
struct evnet_datagram_failure {
  int status;    // -errno; 0: a report that is not an error
  uint32_t mtu;  // of the path, if status is -EMSGSIZE; 0: unknown
  struct evnet_address to;
  bool has_reporter;
  struct evnet_address reporter;  // the host whose ICMP message it is, with port 0
};

// Lets a socket keep the errors of its sent datagrams. It leaves a connected socket, whose calls
// return them. Returns 0 or -errno; -EOPNOTSUPP if the system does not support it.
int evnet_datagram_system_ask_errors(int descriptor);
// Takes the oldest error. Returns false if there is none.
bool evnet_datagram_system_read_failure(int descriptor, struct evnet_datagram_failure *out_failure);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_
