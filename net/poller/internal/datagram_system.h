// What datagram.c asks of the system. How batches pass: datagram_batch.c where one call takes many
// (Linux), datagram_batch_none.c elsewhere; both use datagram_single.c. How a datagram tells the
// host that it was sent to, and is sent from one: datagram_local.c, with IPv4's half in
// datagram_pktinfo.c (Linux, macOS) or datagram_dstaddr.c (FreeBSD, OpenBSD); datagram_control.c
// writes the control messages. How several pass as one: datagram_segments_linux.c, or not at all,
// datagram_segments_none.c. BUILD.bazel chooses.
#ifndef EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/base/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// Laid out as Linux's struct mmsghdr.
struct evnet_datagram_message {
  struct msghdr header;
  unsigned int size;  // of the datagram, as far as it was received
};

// For the host by either family's message, both of which an IPv4 datagram of a socket of both
// families brings, and a segment's size: on 64-bit Linux 40, 32 and 24 bytes.
enum { EVNET_DATAGRAM_CONTROL_BYTES = 96 };

// All four: never wait; how many passed, 1 or more, or -errno of the first.
//
//   singly  false at first, and kept by the caller for the next call: set once it is known that the
//           system refuses its call for many datagrams, and has one for each.
int evnet_datagram_system_receive(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count, bool *singly);
int evnet_datagram_system_send(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool *singly);
// By one call for each datagram.
//
//   maps_ip4  an IPv6 socket takes an IPv4 address only in the form of RFC 4291 section 2.5.5.2.
int evnet_datagram_receive_singly(int descriptor, struct evnet_datagram_message *messages,
                                  unsigned int count);
int evnet_datagram_send_singly(int descriptor, struct evnet_datagram_message *messages,
                               unsigned int count, bool maps_ip4);

// Has datagrams tell the host they were sent to. Returns 0 or -errno.
int evnet_datagram_ask_local(int descriptor, int family);

// What a received datagram tells, as evnet_completion.local; false: nothing.
bool evnet_datagram_local(const struct msghdr *header, struct evnet_address *out_local);

// Adds to the header's control, of EVNET_DATAGRAM_CONTROL_BYTES, that the datagram is to be sent
// from there; or anything.
void evnet_datagram_set_source(struct msghdr *header, const struct evnet_address *from);
void evnet_datagram_add_control(struct msghdr *header, int level, int type, const void *data,
                                size_t size);

// The same three for IPv4.
int evnet_datagram_system_ask_local(int descriptor);
bool evnet_datagram_system_local(const struct cmsghdr *control, struct in_addr *out_host);
void evnet_datagram_system_set_source(struct msghdr *header, struct in_addr host);

// Whether the system takes several datagrams as one message.
bool evnet_datagram_system_has_segments(int descriptor);
// Adds to the header's control that the message is datagrams of so many bytes, the last perhaps
// shorter.
void evnet_datagram_system_set_segment(struct msghdr *header, uint16_t bytes);
// A message of several, of so many bytes, was refused with this status. Returns the largest that
// may go on as one of several, 0 for none; UINT32_MAX: it was refused for another reason.
uint32_t evnet_datagram_system_segment_allowed(int status, uint32_t bytes);

// The other way: has the socket receive several datagrams of one peer as one message. Returns 0 or
// -errno, -EOPNOTSUPP where there is no such thing.
int evnet_datagram_system_ask_merged(int descriptor);
// The size of the datagrams that a message is, the last one's perhaps less; 0: it is one.
size_t evnet_datagram_system_merged(const struct msghdr *header);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_SYSTEM_H_
