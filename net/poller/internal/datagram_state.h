// State shared by datagram.c, which receives, and datagram_send.c.
#ifndef EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_
#define EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_

#include "net/poller/internal/datagram.h"
#include "net/poller/internal/datagram_system.h"

// The system's limits that a socket has met. The table is indexed by the low bits of the handle's
// index; sockets that share an entry find the limits again.
struct datagram_segments {
  struct evnet_handle owner;
  // The largest datagram that the system takes as one of several. 0: none.
  uint32_t bytes_max;
};

enum {
  DATAGRAM_SEGMENTS = 64,  // a power of two
  // Errors of sent datagrams that one receive takes. A flood of ICMP messages must not delay others.
  DATAGRAM_FAILURES_MAX = 16,
};

struct evnet_datagrams {
  struct evnet_datagram_options options;
  size_t message_bytes_max;
  size_t block_bytes;  // distance between two blocks
  // EVNET_DATAGRAMS_MAX blocks of reserved pages, which cost nothing until they are filled.
  uint8_t *memory;

  bool receives_singly;  // set by evnet_datagram_system_receive
  bool sends_singly;     // set by evnet_datagram_system_send

  struct evnet_handle owner;  // of the batch
  unsigned int failure_next;  // index of the failure to report
  unsigned int failure_count;
  struct evnet_datagram_failure failures[DATAGRAM_FAILURES_MAX];
  int error;           // 0, or -errno, reported before the batch
  bool error_lasts;    // receiving would fail repeatedly
  unsigned int next;   // index of the message to report
  size_t next_offset;  // in that message, of the datagram to report
  unsigned int count;  // of messages
  unsigned int told;   // datagrams of the batch that were reported
  // The most messages in the next batch, chosen by the size of the last one.
  unsigned int batch_max;
  // Size of each datagram in the message being reported; its last may be shorter.
  size_t segment_bytes;
  bool has_local;
  struct evnet_address local;
  struct evnet_address peers[EVNET_DATAGRAMS_MAX];
  struct iovec pieces[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message in[EVNET_DATAGRAMS_MAX];
  // Control messages, which begin with a struct cmsghdr.
  _Alignas(struct cmsghdr) uint8_t in_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];

  // An outgoing batch of messages. Each holds one datagram or, with its pieces in out_pieces,
  // several.
  bool segments_known;  // the system's support for several as one was checked
  bool segments;        // the system supports it
  struct datagram_segments segments_of[DATAGRAM_SEGMENTS];
  uint8_t out_counts[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message out[EVNET_DATAGRAMS_MAX];
  struct iovec out_pieces[EVNET_DATAGRAMS_MAX];
  _Alignas(struct cmsghdr) uint8_t out_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];
};

_Static_assert(EVNET_DATAGRAMS_MAX <= UINT8_MAX, "out_counts");

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_
