// The part of evnet that its users write: callbacks, the actions that they return, and the reasons
// of their calls.
//
// A callback runs on the reactor that owns its connection, one at a time on each reactor. Callbacks
// of different reactors run simultaneously. All callbacks get the same `user`, the pointer that the
// server or reactor was created with, so its data needs synchronisation if there are several
// reactors. A callback must not block, because all connections of its reactor wait for it.
#ifndef EVNET_NET_REACTOR_HANDLER_H_
#define EVNET_NET_REACTOR_HANDLER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
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

// The timeouts of a connection. Each is an option of the server (net/server/server.h) and can be
// set for one connection (evnet_conn_set_timeout).
enum evnet_timeout {
  EVNET_TIMEOUT_IDLE,      // no byte in either direction for idle_timeout_ms
  EVNET_TIMEOUT_READ,      // no byte arrived for read_timeout_ms while reading was not stopped
  EVNET_TIMEOUT_WRITE,     // output was queued and the kernel took none of it for write_timeout_ms
  EVNET_TIMEOUT_LIFETIME,  // open for lifetime_ms
};

// The callbacks. A NULL callback selects the default in its comment. A structure of zeros is a
// handler that discards all input.
struct evnet_handler {
  // The addresses are bound and their ports are known. Nothing has been accepted and on_tick has
  // not run. Called once, on reactor 0's thread. NULL: EVNET_NONE.
  enum evnet_action (*on_boot)(struct evnet_server *server, void *user);

  // A connection was accepted, dialled or adopted. Called exactly once, before all other callbacks
  // of the connection. A connection that its peer has reset in the accept queue opens like any
  // other, and then closes with -ECONNRESET. NULL: EVNET_NONE.
  enum evnet_action (*on_open)(struct evnet_conn *conn, void *user);

  // Bytes are unread: some arrived, or reading resumed while some were unread. Bytes that the
  // callback does not consume remain and are presented again together with the next ones. For a UDP
  // socket, one datagram was received (datagram.h). NULL: consume everything.
  enum evnet_action (*on_data)(struct evnet_conn *conn, void *user);

  // The peer has closed its sending side, and all its bytes have been presented. Writing still
  // works. EVNET_NONE leaves the connection open, unless evnet_conn_shutdown_write has closed this
  // side too. NULL: wait until no hold is left, send all queued output, close.
  enum evnet_action (*on_half_close)(struct evnet_conn *conn, void *user);

  // Queued output has reached outbound_high_water_bytes. Called once before each on_drain. NULL:
  // EVNET_NONE.
  enum evnet_action (*on_pressure)(struct evnet_conn *conn, void *user);

  // Queued output has fallen to outbound_low_water_bytes. Called once after each on_pressure,
  // unless the connection closes first. NULL: EVNET_NONE.
  enum evnet_action (*on_drain)(struct evnet_conn *conn, void *user);

  // A timeout has expired. EVNET_KEEP restarts it; any other action closes the connection. NULL:
  // close.
  enum evnet_action (*on_timeout)(struct evnet_conn *conn, enum evnet_timeout which, void *user);

  // The connection's output is about to be passed to the socket. Bytes that the callback writes to
  // this connection are sent with it. Bytes that it writes to another connection are sent in the
  // same turn, after that connection's own on_prewrite. NULL: nothing.
  void (*on_prewrite)(struct evnet_conn *conn, void *user);

  // The connection closes. Called exactly once, after all other callbacks of the connection, just
  // before evnet closes the descriptor. conn is invalid after the return. A failed dial gets only
  // this callback. The connection no longer counts towards connections_max, so a dial from this
  // callback can take its place. NULL: EVNET_NONE.
  //
  //   reason  an enum evnet_reason, or -errno.
  enum evnet_action (*on_close)(struct evnet_conn *conn, int reason, void *user);

  // Periodic work. Called first after on_boot, before the loop waits, and then *delay_ms after each
  // return. Called on reactor 0's thread. NULL: no ticks.
  //
  //   delay_ms  UINT64_MAX on entry, which means "do not call again". 0 means once in each turn of
  //             the loop, with I/O in between. Missed ticks are not made up.
  enum evnet_action (*on_tick)(struct evnet_server *server, uint64_t *delay_ms, void *user);

  // A stop has begun while this connection is open. The callback may write a last message. Called
  // once for each connection. NULL: nothing.
  void (*on_stopping)(struct evnet_conn *conn, void *user);

  // Every connection has closed. Called once, on reactor 0's thread, as the last callback. NULL:
  // nothing.
  void (*on_shutdown)(struct evnet_server *server, void *user);
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_HANDLER_H_
