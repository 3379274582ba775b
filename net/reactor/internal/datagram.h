// UDP sockets, shared by datagram.c, datagram_out.c, datagram_write.c and those that call them.
#ifndef EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_
#define EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/reactor/datagram.h"
#include "net/reactor/internal/state.h"

// One datagram on its way.
struct datagram_outgoing {
  const struct evnet_address *to;
  const struct evnet_address *from;  // NULL: the system's choice
  const struct iovec *pieces;
  size_t count;
  size_t size;
  struct evnet_async *async;  // whose request it is, or NULL
};

// One that found the socket full.
struct datagram_queued {
  struct datagram_queued *next;
  struct evnet_async *async;  // whose request it is, which keeps the bytes; NULL: they follow
  struct iovec piece;
  struct evnet_address to;
  struct evnet_address from;
  bool has_to;  // else: where the socket is connected to
  bool has_from;
  uint8_t copy[];  // from its first multiple of EVNET_BLOCK_ALIGNMENT on
};

// Whom a peer has asked last, of a socket that takes datagrams to several hosts.
struct datagram_asked {
  struct evnet_address peer;  // of size 0: none
  struct evnet_address host;
};

enum { DATAGRAM_ASKED_MAX = 64 };  // a power of two

// What a UDP socket has beyond its struct evnet_conn; its side record points here.
struct datagram_socket {
  struct evnet_conn *conn;
  struct datagram_socket *next;  // of the reactor's
  struct evnet_address bound;
  bool connected;  // dialled: it has one peer, and conn is a connection
  int failure;     // connected: what a send has told of the peer, 0 or -errno

  // Of the datagram that is being presented; peer NULL: none.
  const struct evnet_address *peer;
  const struct evnet_address *local;  // NULL: `bound` says it
  bool truncated;

  // A listener's: by a hash of the peer, who takes the place of another; NULL: a dialled one's.
  struct datagram_asked *asked;
  struct evnet_timer retry;  // a listener's: receiving failed, and begins again

  bool awaiting;  // the poller will tell when there is room
  struct datagram_queued *first;
  struct datagram_queued *last;
  size_t queued_bytes;
  size_t queued_cost;  // and what they take beside, which is what is bounded
};

// What is to be sent, of one socket at a time: it leaves when another socket has something to send,
// when it is full, and before the reactor waits.
struct datagram_gather {
  struct datagram_socket *socket;
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

// NULL of one that has not come to be open.
static inline struct datagram_socket *datagram_of(const struct evnet_conn *conn) {
  return conn->side != NULL ? conn->side->datagram : NULL;
}

// Something waits for room.
static inline bool datagram_is_queued(const struct evnet_conn *conn) {
  const struct datagram_socket *socket = datagram_of(conn);
  return socket != NULL && socket->first != NULL;
}

// datagram.c
int datagram_open(struct evnet_reactor *reactor, struct evnet_handle handle, uint8_t listener_index,
                  struct evnet_address *out_address);
void datagram_start(struct evnet_conn *conn);  // receiving
void datagram_received(struct evnet_conn *conn, const struct evnet_completion *completion);
void datagram_remote_address(const struct evnet_conn *conn, struct evnet_address *out_address);
void datagram_local_address(const struct evnet_conn *conn, struct evnet_address *out_address);
// While the reactor stops: nothing is received any more, and those that owe nothing close; all, if
// the deadline has passed.
void datagram_close_idle(struct evnet_reactor *reactor, bool all);
void datagram_close(struct evnet_conn *conn);

// datagram_write.c
// A peer has asked a host: what is sent to it later leaves from there.
void datagram_note_asked(struct datagram_socket *socket, const struct evnet_address *peer,
                         const struct evnet_address *host);
ssize_t datagram_writev(struct evnet_conn *conn, const struct iovec *pieces, size_t count);
// A request's, to the connected peer if `to` is NULL; answered when the kernel has taken it.
// Returns 0, or why it was not taken up.
int datagram_send_async(struct evnet_conn *conn, const struct evnet_address *from,
                        const struct evnet_address *to, struct evnet_async *async);

// datagram_out.c
// Copies what a host's address has.
void datagram_copy_address(struct evnet_address *out, const struct evnet_address *address);
// Sends it, now or later. Returns 0, -ENOBUFS or -ENOMEM.
int datagram_send(struct datagram_socket *socket, const struct datagram_outgoing *outgoing);
// A socket that was full takes datagrams again; or -errno: it cannot be waited for.
void datagram_room(struct evnet_conn *conn, int status);
void datagram_run_due(struct evnet_conn *conn);  // ends a connection that a send has failed
void datagram_flush(struct evnet_reactor *reactor);
bool datagram_is_gathering(const struct evnet_reactor *reactor);
size_t datagram_outbound_bytes(const struct evnet_conn *conn);
void datagram_end(struct evnet_conn *conn);  // sends what is gathered, drops what is queued

#endif  // EVNET_NET_REACTOR_INTERNAL_DATAGRAM_H_
