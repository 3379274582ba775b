// Sending datagrams: the gathered datagrams, and the queue of each socket.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/poller/poller.h"
#include "net/reactor/async.h"
#include "net/reactor/internal/datagram_socket.h"
#include "net/reactor/internal/names.h"

// A datagram that is to be sent.
struct datagram_outgoing {
  const struct evnet_address *to;
  const struct evnet_address *from;  // NULL: the kernel chooses
  const struct iovec *pieces;
  size_t count;
  size_t size;
  struct evnet_async *async;  // the request that the datagram belongs to, or NULL
};

// A datagram for which the socket was full.
struct datagram_queued {
  struct datagram_queued *next;
  struct evnet_async *async;  // the request that holds the bytes; NULL: `copy` holds them
  struct iovec piece;
  struct evnet_address to;
  struct evnet_address from;
  bool has_to;  // false: the datagram goes to the connected peer
  bool has_from;
  uint8_t copy[];  // the bytes start at its first multiple of EVNET_BLOCK_ALIGNMENT
};

// Datagrams of one socket, gathered to be sent in one call. They are sent when another socket
// sends, when the gather is full, and before the reactor waits.
struct datagram_gather {
  struct datagram_socket *socket;  // NULL: nothing is gathered
  uint32_t count;
  uint32_t copied;  // bytes of `copies` in use
  size_t bytes;
  size_t cost;      // the cost of queueing them all
  bool announcing;  // an on_prewrite of a UDP socket is running
  struct evnet_datagram datagrams[EVNET_DATAGRAMS_MAX];
  struct iovec pieces[EVNET_DATAGRAMS_MAX];
  struct evnet_address to[EVNET_DATAGRAMS_MAX];
  struct evnet_address from[EVNET_DATAGRAMS_MAX];
  struct evnet_async *asyncs[EVNET_DATAGRAMS_MAX];  // the request of each datagram, or NULL
  // Larger than the largest datagram.
  _Alignas(EVNET_BLOCK_ALIGNMENT) uint8_t copies[64 << 10];
};

// datagram_copy_address copies the part of an address that IP uses.
void datagram_copy_address(struct evnet_address *out, const struct evnet_address *address);

// datagram_send sends a datagram, now or later in the turn.
//
// Returns: 0.
// Errors:  -ENOBUFS if the queue is full, -ENOMEM; the datagram is dropped.
//          -ENOTCONN if on_prewrite has closed the socket.
int datagram_send(struct datagram_socket *socket, const struct datagram_outgoing *outgoing);

// datagram_send_queued sends the queued datagrams when a socket that was full has room again.
//
//   status  0, or the negative status for which the poller cannot wait for room.
void datagram_send_queued(struct datagram_socket *socket, int status);

// datagram_flush sends the gathered datagrams.
void datagram_flush(struct evnet_reactor *reactor);

// datagram_is_gathering returns whether any datagram is gathered.
bool datagram_is_gathering(const struct evnet_reactor *reactor);

// datagram_outbound_bytes is evnet_conn_outbound_bytes of a UDP socket.
size_t datagram_outbound_bytes(const struct evnet_conn *conn);

// datagram_end sends the gathered datagrams and drops the queued ones.
void datagram_end(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_
