// The record of a UDP socket of a listener or a dial.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_SOCKET_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_SOCKET_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/base/address.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/internal/names.h"
#include "net/reactor/timer.h"

struct datagram_queued;

// The local host to which a peer sent its last datagram, for a socket that receives at several
// hosts.
struct datagram_asked {
  struct evnet_address peer;  // size 0: the entry is empty
  struct evnet_address host;
};

enum { DATAGRAM_ASKED_MAX = 64 };  // a power of two

// A connection's side points to this record.
struct datagram_socket {
  struct evnet_conn *conn;
  struct datagram_socket *next;  // the reactor's next UDP socket
  struct evnet_address bound;
  bool connected;  // dialled: it has one peer, and conn is a connection
  int failure;     // 0, or the negative status by which a send of a connected socket failed

  // The datagram that is being presented; peer NULL: none.
  const struct evnet_address *peer;
  const struct evnet_address *local;  // NULL: the same as `bound`
  bool truncated;

  // Only for listeners, by a hash of the peer; a peer may replace another one. NULL for dialled
  // sockets.
  struct datagram_asked *asked;
  struct evnet_timer retry;  // a listener's: retries after receiving failed
  bool leaving;              // its address was removed; it closes when it owes nothing

  bool awaiting;  // the poller will report when there is room
  struct datagram_queued *first;
  struct datagram_queued *last;
  size_t queued_bytes;
  size_t queued_cost;  // queued_bytes plus the memory of the records, which the bound limits
};

// datagram_of returns the record of a UDP socket; NULL if it has not opened.
static inline struct datagram_socket *datagram_of(const struct evnet_conn *conn) {
  return conn->side != NULL ? conn->side->datagram : NULL;
}

// datagram_is_queued returns whether any datagram is waiting for room.
static inline bool datagram_is_queued(const struct evnet_conn *conn) {
  const struct datagram_socket *socket = datagram_of(conn);
  return socket != NULL && socket->first != NULL;
}

// datagram_open creates the record of a listener's UDP socket, which does not receive until
// datagram_start.
//
//   out_address  the bound address, with the real port.
//
// Returns: 0.
// Errors:  -ENOMEM; those of evnet_poller_local_address. The handle is being detached.
int datagram_open(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t listener_index,
                  struct evnet_address *out_address);

// datagram_prepare allocates the record of a UDP socket that is going to be adopted.
//
// Returns: a side with the record, for datagram_adopt or side_destroy; NULL if memory runs out.
struct conn_side *datagram_prepare(struct evnet_reactor *reactor);

// datagram_adopt makes the record of a handle's UDP socket, which does not receive until
// datagram_start. Its listener index is EVNET_LISTENER_NONE.
struct evnet_conn *datagram_adopt(struct evnet_reactor *reactor, struct evnet_handle handle,
                                  struct conn_side *side);

// datagram_connected creates the record of a dialled UDP socket that is about to open.
//
// Returns: 0.
// Errors:  -ENOMEM; those of evnet_poller_local_address.
int datagram_connected(struct evnet_conn *conn);

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_SOCKET_H_
