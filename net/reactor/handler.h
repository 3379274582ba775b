// What a user of evnet writes: the callbacks, what they may answer, and why they are called.
//
// A callback runs on its connection's reactor, one at a time there; callbacks of different
// connections run at once when there are several reactors. `user` is what the server or reactor was
// created with, the same for all of them, so what it points to needs its own synchronisation as
// soon as there are two reactors. Never block in a callback: every connection of the reactor waits
// for it.
#ifndef EVNET_NET_REACTOR_HANDLER_H_
#define EVNET_NET_REACTOR_HANDLER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;
struct evnet_server;

// What a callback answers. Every action is understood from every callback that can answer one.
enum evnet_action {
  EVNET_NONE = 0,  // go on
  EVNET_CLOSE,  // deliver what was written, then close; ignored from on_boot, on_tick and on_close,
                // and from a UDP socket's on_data
  EVNET_SHUTDOWN,  // stop the server, as evnet_server_stop(server, options.drain_ms)
  EVNET_KEEP,      // on_timeout only: start the timeout again and stay open
};

enum evnet_timeout {
  EVNET_TIMEOUT_IDLE,      // no byte either way for idle_timeout_ms
  EVNET_TIMEOUT_READ,      // none arrived for read_timeout_ms while reading was not stopped
  EVNET_TIMEOUT_WRITE,     // output was queued and the kernel took none of it for write_timeout_ms
  EVNET_TIMEOUT_LIFETIME,  // open for lifetime_ms
};

// All zero: a handler that throws all input away. Each NULL is the default its line names.
struct evnet_handler {
  // The addresses are bound and their ports known; nothing has been accepted and no tick has run.
  // Reactor 0's thread, once. NULL: EVNET_NONE.
  enum evnet_action (*on_boot)(struct evnet_server *server, void *user);

  // A connection exists, accepted or dialled. Exactly once, before every other callback of it. One
  // that its peer reset while it waited to be accepted opens like any other, and then closes with
  // -ECONNRESET. NULL: EVNET_NONE.
  enum evnet_action (*on_open)(struct evnet_conn *conn, void *user);

  // Bytes are unread: new ones came, or reading was resumed while some stood. What is not consumed
  // stays and is presented again together with what comes next. NULL: all is consumed.
  // UDP: one datagram (datagram.h).
  enum evnet_action (*on_data)(struct evnet_conn *conn, void *user);

  // The peer has ended its side and all it sent was presented; writing still works. EVNET_NONE
  // leaves the connection open, unless evnet_conn_shutdown_write has ended our side too. NULL: wait
  // for holds, deliver what was written, close.
  enum evnet_action (*on_half_close)(struct evnet_conn *conn, void *user);

  // Queued output has reached outbound_high_water_bytes. Once before each on_drain. NULL:
  // EVNET_NONE.
  enum evnet_action (*on_pressure)(struct evnet_conn *conn, void *user);

  // Queued output has fallen to outbound_low_water_bytes again. Once after each on_pressure, unless
  // the connection closes first. NULL: EVNET_NONE.
  enum evnet_action (*on_drain)(struct evnet_conn *conn, void *user);

  // A timeout has passed. EVNET_KEEP: start it again; everything else closes. NULL: close.
  enum evnet_action (*on_timeout)(struct evnet_conn *conn, enum evnet_timeout which, void *user);

  // Just before bytes go to the socket, on every path. What it writes leaves with them; what it
  // writes to another connection leaves in the same turn, after that one's own on_prewrite.
  void (*on_prewrite)(struct evnet_conn *conn, void *user);

  // The connection ends. Exactly once, after every other callback of it, just before the descriptor
  // is closed; after it returns, conn is no more. Of a dial that failed it is the only callback.
  // The connection's place in connections_max is free already, so a dial from here may take it.
  // reason: an enum evnet_reason, or -errno.
  enum evnet_action (*on_close)(struct evnet_conn *conn, int reason, void *user);

  // First right after on_boot, before anything is waited for, then each time *delay_ms after it
  // returned. delay 0: once a turn of the loop, with I/O between; UINT64_MAX, which is also what
  // stands there before: never again. A late tick is not made up for. Reactor 0's thread. NULL: no
  // ticks.
  enum evnet_action (*on_tick)(struct evnet_server *server, uint64_t *delay_ms, void *user);

  // A stop has begun and this connection is open: the moment for a last message. Once for each.
  void (*on_stopping)(struct evnet_conn *conn, void *user);

  // Every connection has closed. Reactor 0's thread, once, the last callback.
  void (*on_shutdown)(struct evnet_server *server, void *user);
};

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_HANDLER_H_
