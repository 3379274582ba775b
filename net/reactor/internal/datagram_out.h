// Sending datagrams: gathered ones, and the queue of each socket.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/poller/poller.h"
#include "net/reactor/async.h"
#include "net/reactor/internal/datagram_socket.h"

// A datagram that is to be sent.
struct datagram_outgoing {
  const struct evnet_address *to;
  const struct evnet_address *from;  // NULL: the system chooses
  const struct iovec *pieces;
  size_t count;
  size_t size;
  struct evnet_async *async;  // the request that it belongs to, or NULL
};

// A datagram that found the socket full.
struct datagram_queued {
  struct datagram_queued *next;
  struct evnet_async *async;  // the request that keeps the bytes; NULL: they are in `copy`
  struct iovec piece;
  struct evnet_address to;
  struct evnet_address from;
  bool has_to;  // false: it goes to the address that the socket is connected to
  bool has_from;
  uint8_t copy[];  // from its first multiple of EVNET_BLOCK_ALIGNMENT on
};

// Datagrams of one socket that are sent in one call: when another socket sends, when the gather is
// full, and before the reactor waits.
struct datagram_gather {
  struct datagram_socket *socket;  // NULL: nothing is gathered
  uint32_t count;
  uint32_t copied;  // bytes of `copies` in use
  size_t bytes;
  size_t cost;      // if they had to be queued
  bool announcing;  // an on_prewrite of a UDP socket is running
  struct evnet_datagram datagrams[EVNET_DATAGRAMS_MAX];
  struct iovec pieces[EVNET_DATAGRAMS_MAX];
  struct evnet_address to[EVNET_DATAGRAMS_MAX];
  struct evnet_address from[EVNET_DATAGRAMS_MAX];
  struct evnet_async *asyncs[EVNET_DATAGRAMS_MAX];  // NULL: not a request
  // The largest datagram is smaller.
  _Alignas(EVNET_BLOCK_ALIGNMENT) uint8_t copies[64 << 10];
};

// datagram_copy_address copies the part of an address that IP uses.
void datagram_copy_address(struct evnet_address *out, const struct evnet_address *address);

// datagram_send sends a datagram, now or later.
//
// Returns: 0.
// Errors:  -ENOBUFS, -ENOMEM: it is dropped; -ENOTCONN if on_prewrite has closed the socket.
int datagram_send(struct datagram_socket *socket, const struct datagram_outgoing *outgoing);

// datagram_send_queued sends what is queued, when a socket that was full has room again.
//
//   status  0, or the negative status for which the poller cannot wait for room.
void datagram_send_queued(struct datagram_socket *socket, int status);

// datagram_flush sends what is gathered.
void datagram_flush(struct evnet_reactor *reactor);

// datagram_is_gathering returns whether anything is gathered.
bool datagram_is_gathering(const struct evnet_reactor *reactor);

// datagram_outbound_bytes is evnet_conn_outbound_bytes of a UDP socket.
size_t datagram_outbound_bytes(const struct evnet_conn *conn);

// datagram_end sends what is gathered, and drops what is queued.
void datagram_end(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_OUT_H_
