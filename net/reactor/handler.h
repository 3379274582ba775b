// The part of evnet that its users write: callbacks, the actions that they return, and the reasons
// of their calls.
//
// A callback runs on the reactor that owns its connection, one at a time on each reactor. Callbacks
// of different reactors run simultaneously. A callback must not block, because all connections of
// its reactor wait for it.
//
// A connection has a handler and a `user`, the pointer that the handler's callbacks get. They are
// the first of these:
//
//   1. those of its last evnet_conn_set_handler (conn.h)
//   2. those of its dial (dial.h), or of its adoption (adopt.h)
//   3. those of the address or adopted listener that accepted it (struct evnet_listen in
//      net/server/server.h)
//   4. those of its server or reactor
//
// Connections of different reactors can have the same `user`, so its data needs synchronisation if
// there are several reactors. on_reactor_boot is the place to create data of one reactor.
#ifndef EVNET_NET_REACTOR_HANDLER_H_
#define EVNET_NET_REACTOR_HANDLER_H_

#include <stdint.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
struct evnet_datagram_error;
struct evnet_reactor;
struct evnet_server;

// The return value of a callback. Every callback that returns an action may return any of them.
enum evnet_action {
  EVNET_NONE = 0,  // continue

  // Send all queued output, then close (evnet_conn_close). Ignored from on_boot, on_tick and
  // on_close, and from on_data of a server's UDP socket.
  EVNET_CLOSE,

  EVNET_SHUTDOWN,  // stop the server: evnet_server_stop(server, options.drain_ms)
  EVNET_KEEP,      // from on_timeout only: restart the timeout and stay open
};

// The timeouts of a connection. Each is an option of the server (net/server/options.h) and can be
// set for one connection (evnet_conn_set_timeout).
enum evnet_timeout {
  EVNET_TIMEOUT_IDLE,      // no byte in either direction for idle_timeout_ms
  EVNET_TIMEOUT_READ,      // no byte arrived for read_timeout_ms while reading was not stopped
  EVNET_TIMEOUT_WRITE,     // output was queued and the kernel took none of it for write_timeout_ms
  EVNET_TIMEOUT_LIFETIME,  // open for lifetime_ms
};

// The callbacks. A NULL callback selects the default in its comment. A structure of zeros is a
// handler that discards all input.
//
// on_boot, on_reactor_boot, on_tick, on_reactor_shutdown and on_shutdown do not belong to a
// connection. They are called for the handler of the server, and for each different handler of its
// addresses (different in a callback or in `user`): in this order when something begins, and in
// the reverse order when it ends. They are not called for handlers that come later: those of dials,
// of adopted sockets, and of evnet_conn_set_handler.
struct evnet_handler {
  // The addresses are bound and their ports are known. Nothing has been accepted and on_tick has
  // not run. Called once, on reactor 0's thread. NULL: EVNET_NONE.
  enum evnet_action (*on_boot)(struct evnet_server *server, void *user) EVNET_ZERO;

  // A connection was accepted, dialled or adopted. Called exactly once, before all other callbacks
  // of the connection. A connection that its peer has reset in the accept queue opens like any
  // other, and then closes with -ECONNRESET. NULL: EVNET_NONE.
  enum evnet_action (*on_open)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // Bytes are unread: some arrived, or reading resumed while some were unread. Bytes that the
  // callback does not consume remain and are presented again together with the next ones. For a UDP
  // socket, one datagram was received (datagram.h). NULL: consume everything.
  enum evnet_action (*on_data)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // The peer has closed its sending side, and all its bytes have been presented. Writing still
  // works. EVNET_NONE leaves the connection open, unless evnet_conn_shutdown_write has closed this
  // side too. NULL: wait until no hold is left, send all queued output, close.
  enum evnet_action (*on_half_close)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // Queued output has reached outbound_high_water_bytes. Called once before each on_drain. NULL:
  // EVNET_NONE.
  enum evnet_action (*on_pressure)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // Queued output has fallen to outbound_low_water_bytes. Called once after each on_pressure,
  // unless the connection closes first. NULL: EVNET_NONE.
  enum evnet_action (*on_drain)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // Queued output is below the bytes of evnet_conn_notify_below (flow.h). Called once for each
  // request. NULL: EVNET_NONE.
  enum evnet_action (*on_below)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // A timeout has expired. EVNET_KEEP restarts it; any other action closes the connection. Not
  // called for a connection that is closing. NULL: close.
  enum evnet_action (*on_timeout)(struct evnet_conn *conn, enum evnet_timeout which,
                                  void *user) EVNET_ZERO;

  // The connection's output is about to be passed to the socket. Bytes that the callback writes to
  // this connection are sent with it. Bytes that it writes to another connection are sent in the
  // same turn, after that connection's own on_prewrite. NULL: nothing.
  void (*on_prewrite)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // A datagram that a server's UDP socket has sent did not arrive (options.udp_errors). The callback
  // may send datagrams, as outside on_data. NULL: nothing.
  //
  //   error  see datagram.h; borrowed for the call.
  void (*on_datagram_error)(struct evnet_conn *conn, const struct evnet_datagram_error *error,
                            void *user) EVNET_ZERO;

  // The connection closes. Called exactly once, after all other callbacks of the connection, just
  // before evnet closes the descriptor. conn is invalid after the return. A failed dial gets only
  // this callback. The connection no longer counts towards connections_max, so a dial from this
  // callback can take its place. NULL: EVNET_NONE.
  //
  //   reason  an enum evnet_reason, or -errno.
  enum evnet_action (*on_close)(struct evnet_conn *conn, int reason, void *user) EVNET_ZERO;

  // Periodic work. Called first after on_boot, before the loop waits, and then *delay_ms after each
  // return. Called on reactor 0's thread. NULL: no ticks.
  //
  //   delay_ms  UINT64_MAX on entry, which means "do not call again". 0 means once in each turn of
  //             the loop, with I/O in between. Missed ticks are not made up.
  enum evnet_action (*on_tick)(struct evnet_server *server, uint64_t *delay_ms,
                               void *user) EVNET_ZERO;

  // A stop has begun while this connection is open. The callback may write a last message. Called
  // once for each connection. NULL: nothing.
  void (*on_stopping)(struct evnet_conn *conn, void *user) EVNET_ZERO;

  // Every connection has closed. Called once, on reactor 0's thread, as the last callback. NULL:
  // nothing.
  void (*on_shutdown)(struct evnet_server *server, void *user) EVNET_ZERO;

  // A reactor begins. Called once for each reactor, on its thread, after on_boot has returned and
  // before the reactor's first turn, so before every callback of its connections. It may dial and
  // start timers. A reactor without a server calls it too, in its first evnet_reactor_run or
  // evnet_reactor_turn. NULL: EVNET_NONE.
  enum evnet_action (*on_reactor_boot)(struct evnet_reactor *reactor, void *user) EVNET_ZERO;

  // A reactor has ended: its connections have closed and its posted functions have run. Called once
  // for each reactor that had its on_reactor_boot, on its thread, before on_shutdown. A reactor
  // without a server that did not stop calls it in evnet_reactor_destroy. NULL: nothing.
  void (*on_reactor_shutdown)(struct evnet_reactor *reactor, void *user) EVNET_ZERO;
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_HANDLER_H_
