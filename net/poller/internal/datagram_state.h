// What datagram.c, which receives, and datagram_send.c share.
#ifndef EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_
#define EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_

#include "net/poller/internal/datagram.h"
#include "net/poller/internal/datagram_system.h"

// What one socket has shown of the system's limits, in a table by the low bits of the handle's
// index: sockets that share an entry find out anew.
struct datagram_segments {
  struct evnet_handle owner;
  uint32_t bytes_max;  // of datagrams that it takes several of as one; 0: it takes none
};

enum { DATAGRAM_SEGMENTS = 64 };  // a power of two

struct evnet_datagrams {
  struct evnet_datagram_options options;
  size_t message_bytes_max;
  size_t block_bytes;  // from one block to the next
  uint8_t
      *memory;  // EVNET_DATAGRAMS_MAX blocks, reserved pages: what is never filled costs nothing

  bool receives_singly;  // as evnet_datagram_system_receive and _send have found
  bool sends_singly;

  struct evnet_handle owner;  // of the batch
  int error;                  // 0, or -errno, reported before the batch
  bool error_lasts;           // receiving fails again and again
  unsigned int next;          // the message to be told
  size_t next_offset;         // in it, of the datagram to be told
  unsigned int count;         // of messages
  unsigned int told;          // datagrams of the batch
  unsigned int batch_max;     // messages of the next one, by what the last one was
  size_t segment_bytes;       // of each datagram of the message being told, but for the last
  bool has_local;
  struct evnet_address local;
  struct evnet_address peers[EVNET_DATAGRAMS_MAX];
  struct iovec pieces[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message in[EVNET_DATAGRAMS_MAX];
  // Control messages, which begin with a struct cmsghdr.
  _Alignas(struct cmsghdr) uint8_t in_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];

  // A batch on its way out: messages, each of one datagram or, with its pieces in out_pieces, of
  // several.
  bool segments_known;  // whether the system takes several as one has been asked
  bool segments;        // it does
  struct datagram_segments segments_of[DATAGRAM_SEGMENTS];
  uint8_t out_counts[EVNET_DATAGRAMS_MAX];
  struct evnet_datagram_message out[EVNET_DATAGRAMS_MAX];
  struct iovec out_pieces[EVNET_DATAGRAMS_MAX];
  _Alignas(struct cmsghdr) uint8_t out_control[EVNET_DATAGRAMS_MAX][EVNET_DATAGRAM_CONTROL_BYTES];
};

_Static_assert(EVNET_DATAGRAMS_MAX <= UINT8_MAX, "out_counts");

#endif  // EVNET_NET_POLLER_INTERNAL_DATAGRAM_STATE_H_
