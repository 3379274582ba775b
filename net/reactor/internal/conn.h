// The record of a connection, its states and its flags, for the files of net/reactor only. The
// state of the reactor is in internal/reactor.h. Only inline functions are declared here.
#ifndef EVNET_NET_REACTOR_INTERNAL_CONN_H_
#define EVNET_NET_REACTOR_INTERNAL_CONN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/buffer/outbound.h"
#include "net/buffer/ring.h"
#include "net/poller/poller.h"
#include "net/reactor/conn.h"
#include "net/reactor/handler.h"
#include "net/reactor/wheel.h"

struct conn_rate;
struct datagram_socket;
struct dial;
struct evnet_bound_handler;

// The picture in net/reactor/conn.h shows the transitions.
enum conn_state {
  CONN_FREE = 0,
  CONN_OPEN,
  CONN_FLUSHING,   // reads no more input; queued output is still sent
  CONN_LINGERING,  // all output and FIN are sent; input is discarded until the peer's FIN
  CONN_CLOSED,     // on_close is due or done; the handle waits for DETACH
  CONN_LISTENER,   // not a connection: the handle belongs to a listener
  CONN_DATAGRAM,   // not a connection: a listener's UDP socket, until it is detached
  CONN_DIALLING,   // not yet a connection: on_open was not called
  CONN_ATTEMPT,    // not a connection: one of several handles that connect for one dial
};

// Why reading is stopped. Each bit is set and cleared by its owner only.
enum {
  STOP_USER = 1,           // evnet_conn_pause_reading
  STOP_OUTBOUND_HIGH = 2,  // between on_pressure and on_drain
  STOP_FAILING = 2,        // a UDP socket, which has no pressure: receiving fails for now
  STOP_INBOUND_MAX = 4,    // inbound_bytes_max bytes are unread while reading is stopped
  STOP_CLOSING = 8,        // the state is not OPEN any more
  STOP_HOLDS = 16,         // the connection has holds_max holds
  STOP_INBOUND_HIGH = 32,  // unread bytes have reached inbound_high_water_bytes
  STOP_RATE = 64,          // a rate limit holds receiving back
  // These stop receiving only. Unread bytes are still presented, because the handler has to consume
  // some before receiving resumes.
  STOP_RECEIVING_ONLY = STOP_INBOUND_HIGH | STOP_RATE,
};

enum {
  PEER_ENDED = 1 << 0,        // the peer's FIN was read
  WRITE_ENDED = 1 << 1,       // evnet_conn_shutdown_write: FIN follows the last queued byte
  END_SENT = 1 << 2,          // FIN was sent
  RESET = 1 << 3,             // closing sends a reset
  PRESSED = 1 << 4,           // output crossed the high mark and is still above the low mark
  SENDING = 1 << 5,           // a send_start, whose side->send is the poller's, or an await_room
  RECEIVING = 1 << 6,         // a recv is armed
  PEER_IS_IP6 = 1 << 7,       // peer_host is an IPv6 address
  CLOSE_ON_RELEASE = 1 << 8,  // the peer has ended, and only holds keep the connection open
  STOPPING_TOLD = 1 << 9,     // on_stopping was called
  DUE_PRESSURE = 1 << 10,     // on_pressure is to be called at the end of the turn
  DUE_DRAIN = 1 << 11,        // likewise on_drain
  DUE_DATA = 1 << 12,         // likewise on_data, with unread bytes
  DUE_CLOSE = 1 << 13,        // likewise on_close
  LISTED = 1 << 14,           // the connection is on the reactor's due list
  END_WAITS = 1 << 15,        // FIN was read, and bytes before it are not presented yet
};

enum {
  HANDLER_OWN = 255,  // conn->handler: the connection has a handler of its own, in its side
  NONE = 0xffffff,    // not an index: those of connections have 24 bits and are below it
  // Writes of this size and more are sent from the caller's memory instead of being gathered. To
  // copy a page costs about 60 ns (//net/buffer:ring_benchmark, 4096), which is 1 % of a small
  // request's send, and it saves a send or a piece of one. Above it the copy costs more with every
  // byte.
  DIRECT_BYTES = 4096,
  SEND_PIECES = 16,
};

// Settings that a connection may have for itself. The defaults are the reactor's, none of them
// zero.
struct conn_limits {
  int64_t timeouts_ms[EVNET_TIMEOUT_LIFETIME + 1];  // by enum evnet_timeout
  int64_t linger_ms;
  size_t outbound_high_water_bytes;
  size_t outbound_low_water_bytes;
  enum evnet_high_action outbound_high_action;
};

// The part of a connection that exists only while bytes are buffered in either direction, or if the
// connection has settings of its own.
struct conn_side {
  struct evnet_ring inbound;
  struct evnet_outbound outbound;
  struct conn_limits *limits;           // the connection's own; NULL: the reactor's
  struct evnet_bound_handler *handler;  // the connection's own; NULL: conn->handler is an index
  void *retired;            // a former block of `inbound`, while spans into it may be in use
  uint32_t write_since_ms;  // when the kernel last took bytes, or `outbound` got its first byte
  uint32_t opened_ms;       // for lifetime_ms
  bool woken;               // on_data is called even if nothing is unread
  bool awaits_acks;         // LINGERING was extended because unacked_bytes was above 0
  size_t below_bytes;       // of evnet_conn_notify_below; 0: no request
  int64_t unacked_bytes;    // as last read; write_since_ms is when it last fell
  size_t counted_in;        // bytes of `inbound` in the statistics
  size_t counted_out;       // bytes of `outbound` in the statistics
  struct conn_rate *rate;   // its rate limits; NULL: none
  struct datagram_socket *datagram;      // a UDP socket's record, else NULL
  struct conn_descriptors *descriptors;  // received ones; NULL: they are not accepted
  // The poller's while SENDING; it points to one of the union's members.
  struct evnet_send send;
  union {
    struct iovec pieces[SEND_PIECES];
    struct evnet_file_range file;
  };
};

// 104 bytes: with the poller's slot an idle connection costs 128. The wheel's 32-bit tag holds the
// generation of the poller's handle. Times are the low 32 bits of the reactor's milliseconds: only
// differences are used, and no timeout is longer than 2^30 ms.
struct evnet_conn {
  struct evnet_reactor *reactor;
  void *user;
  union {
    struct conn_side *side;  // NULL: nothing is unread outside of the lease, nothing is queued
    struct dial *dial;       // in DIALLING unless adopted; in ATTEMPT, NULL: given up
  };
  uint64_t generation;
  struct evnet_wheel_node deadline;  // at the earliest deadline, or before it
  // In network order; an IPv4 address is in the first four bytes. The kernel keeps Unix addresses.
  uint8_t peer_host[16];
  uint32_t peer_zone;  // sin6_scope_id of an IPv6 address
  uint32_t in_ms;      // when bytes last arrived
  uint32_t out_ms;     // when the kernel last took bytes; in LINGERING: when that state began
  union {
    uint32_t read_since_ms;  // in OPEN: when the read timeout began
    int32_t reason;          // in later states
  };
  uint32_t due_next : 24;
  uint32_t transport : 4;   // enum evnet_transport
  uint32_t flying : 1;      // gathered or leased bytes are being sent; SEND reports the result
  uint32_t background : 1;  // evnet_conn_set_background
  uint32_t dialled : 1;     // dialled or adopted, not accepted
  uint32_t unopened : 1;    // on_open was not called
  uint32_t holds;
  uint16_t peer_port;  // in network order
  uint16_t flags;
  uint8_t listener;  // its index, or EVNET_LISTENER_NONE; in LISTENER: the place in `listeners`
  uint8_t state : 4;
  uint8_t adopted : 1;    // evnet_adopt; in DIALLING the union has `side`
  uint8_t handed : 1;     // a new handler has to get the unread bytes, and then a FIN that follows
  uint8_t is_marked : 1;  // the need of the handler is at most inbound_high_water_bytes
  uint8_t read_stop;      // the STOP_ bits
  uint8_t handler;        // its index in the reactor's handlers, or HANDLER_OWN
};

// Returns the record of a dial in DIALLING or ATTEMPT; NULL if the connection is adopted.
static inline struct dial *conn_dial(const struct evnet_conn *conn) {
  return conn->adopted ? NULL : conn->dial;
}

// Returns whether the connection sends and receives datagrams: a listener's UDP socket, or a
// dialled one.
static inline bool conn_is_datagram(const struct evnet_conn *conn) {
  return conn->transport == EVNET_TRANSPORT_UDP;
}

// Returns whether the poller has a socket for the connection. It has none for a dial that failed,
// nor for a listener's UDP socket that has closed, to which a user may still have a pointer.
static inline bool conn_has_socket(const struct evnet_conn *conn) {
  bool is_open = conn->state != CONN_CLOSED && conn->state != CONN_FREE;
  bool is_listeners = conn_is_datagram(conn) && !conn->dialled;
  return !conn->unopened && (is_open || !is_listeners);
}

#endif  // EVNET_NET_REACTOR_INTERNAL_CONN_H_
