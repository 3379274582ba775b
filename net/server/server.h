// A server for any number of addresses, on one or several reactors.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     struct evnet_bytes in = evnet_conn_peek(conn);  // all unread bytes, contiguous
//     evnet_conn_write(conn, in.data, in.size);       // sent when the callback returns
//     evnet_conn_discard(conn, in.size);
//     return EVNET_NONE;
//   }
//   ...
//   const struct evnet_handler echo = {.on_data = on_data};
//   int status = evnet_serve(&echo, NULL, (const char *const[]){"tcp://:9000"}, 1, NULL);
//
// Conventions:
// - A function returns 0 or a count on success, and a negated errno or an evnet status on failure
//   (net/base/status.h). options.log receives a line that names the value at fault.
// - A callback runs on the reactor that owns its connection.
// - A function may be called on that reactor's thread only, unless its comment says "any".
// - Several servers may run in one process.
#ifndef EVNET_NET_SERVER_SERVER_H_
#define EVNET_NET_SERVER_SERVER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../balancer/balancer.h"
#include "../base/address.h"
#include "../base/bytes.h"
#include "../base/credentials.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "../poller/poller.h"
#include "../reactor/conn.h"
#include "../reactor/datagram.h"
#include "../reactor/dial.h"
#include "../reactor/handler.h"
#include "../reactor/reactor.h"
#include "addresses.h"
#include "adopt.h"
#include "async.h"
#include "dial.h"
#include "options.h"
#include "stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;

// evnet_serve creates a server, runs it on the calling thread until it stops, and destroys it.
//
// It accepts the schemes tcp, tcp4, tcp6, udp, udp4, udp6 and unix. evnet_poller_listen describes
// how a server takes and releases the path of a Unix socket.
//
//   handler    copied.
//   user       passed to every callback.
//   addresses  `count` texts in the form of net/base/address.h; borrowed for the call.
//   count      the number of addresses, 0 to 64. A server without addresses only dials and adopts.
//   options    copied; NULL: all defaults. If options.log is NULL, log lines go to stderr
//              (evnet_log_stderr).
//
// Returns: 0 after a stop.
// Errors:  those of evnet_server_create and evnet_server_run.
// Thread:  any but a reactor's. The calling thread becomes reactor 0.
EVNET_API int evnet_serve(const struct evnet_handler *handler, void *user,
                          const char *const *addresses, size_t count,
                          const struct evnet_options *options);

// evnet_server_create checks addresses and options and creates a server that is not running.
//
// It looks up the names among the addresses, which may block for seconds. The server listens on all
// addresses of a name, under the index of the name and on the same port, even for port 0. At start
// it skips, with a warning, the addresses of a family that this machine does not have; it fails if
// no address of the name is left.
//
//   handler     copied.
//   user        passed to every callback.
//   addresses   `count` texts in the form of net/base/address.h; borrowed for the call. NULL if
//               count is 0.
//   count       the number of addresses, 0 to 64. A server without addresses only dials
//               (evnet_dial, evnet_server_dial) and adopts, and also runs until it is stopped.
//   options     copied; NULL: all defaults.
//   out_server  the server; the caller frees it with evnet_server_destroy.
//
// Returns: 0.
// Errors:  EVNET_STATUS_ADDRESS if an address is malformed or its name is unknown; logged.
//          EVNET_STATUS_LOOKUP if a name cannot be looked up; logged.
//          EVNET_STATUS_OPTION if an option is out of bounds, or if an address is a Unix address
//          and reuse_port is set; logged.
//          -ENOBUFS if the names resolve to more than 128 addresses in total; logged.
//          -EINVAL if count is above 64; logged.
//          -EMFILE, -ENFILE if a lookup fails for lack of a descriptor; logged.
//          -ENOMEM if memory runs out.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_server_create(const struct evnet_handler *handler, void *user,
                                                    const char *const *addresses, size_t count,
                                                    const struct evnet_options *options,
                                                    struct evnet_server **out_server);

// One address of a server. A library that serves a protocol fills one in for its program.
struct evnet_listen {
  // A text in the form of net/base/address.h.
  const char *address EVNET_ZERO;

  // The handler of the connections that the address accepts, or of its UDP socket, copied, and the
  // user that its callbacks get. Such a connection takes no memory for it. handler.h explains the
  // callbacks that do not belong to a connection.
  // NULL: the server's handler and user; `user` is then ignored.
  const struct evnet_handler *handler EVNET_ZERO;
  void *user EVNET_ZERO;  // passed to the callbacks of `handler`
};

// evnet_server_create_with is evnet_server_create with a handler for each address:
//
//   const struct evnet_listen listens[] = {
//       {.address = "tcp://:443"},
//       {.address = "unix:///run/admin", .handler = &admin_handler, .user = &admin},
//   };
//   int status = evnet_server_create_with(&handler, &app, listens, 2, NULL, &server);
//
//   handler  copied; the handler of dials and adopted sockets too, unless they name another one.
//   listens  `count` addresses; borrowed for the call.
//
// Returns and errors: as evnet_server_create.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_server_create_with(
    const struct evnet_handler *handler, void *user, const struct evnet_listen *listens,
    size_t count, const struct evnet_options *options, struct evnet_server **out_server);

// evnet_server_start runs a server on its own threads. It returns when all addresses are bound and
// on_boot has returned. These threads block all signals except those that a fault of the thread
// itself raises: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and SIGSYS.
//
// A callback may call fork(2). The child inherits the blocked signals, so it must call
// sigprocmask(2) before it waits for a signal or calls exec(2). Although the child also holds the
// descriptors of open connections, they end for their peers as usual, because evnet shuts them down
// before closing. evnet cannot detect children of clone(2) and _Fork(3).
//
// Returns: 0.
// Errors:  -EALREADY if the server has been started or run before; logged.
//          -EADDRINUSE, -EACCES and the other errors of bind(2); the log names the address.
//          -EOPNOTSUPP if the platform does not support a socket option that is set; logged.
//          -ENOSYS, -EPERM if the system does not support or permit options.backend; logged.
//          -EAGAIN if a thread cannot be created; logged.
//          -EMFILE, -ENFILE if no descriptor is left.
//          -ENOMEM if memory runs out.
//          After an error nothing runs, and the caller can only call evnet_server_destroy.
// Thread:  any, one at a time.
EVNET_API EVNET_WARN_UNUSED int evnet_server_start(struct evnet_server *server);

// evnet_server_wait blocks until a started server has stopped.
//
// Returns: 0 after a stop.
// Errors:  -EDEADLK if called on a thread of the server.
//          -EINVAL if evnet_server_start did not start it, or evnet_server_wait was called before.
//          the error that ended an event loop, if one failed.
// Thread:  any but the server's, one at a time.
EVNET_API int evnet_server_wait(struct evnet_server *server);

// evnet_server_run starts a server and waits until it has stopped, with reactor 0 on the calling
// thread.
//
// Returns: 0 after a stop.
// Errors:  those of evnet_server_start.
//          the error that ended an event loop, if one failed.
// Thread:  any, one at a time. The calling thread becomes reactor 0.
EVNET_API int evnet_server_run(struct evnet_server *server);

// evnet_server_stop begins a graceful shutdown. It returns immediately; the stop proceeds thus:
// - The server accepts no further connection. It still accepts dials.
// - It reads once more what peers have already sent.
// - It calls on_stopping for each open connection.
// - It closes each connection once it has no unread bytes, no queued output and no hold.
// - It closes background connections last (evnet_conn_set_background).
// - At the deadline it resets the connections that are still open. If the deadline passes during a
//   standstill (a slow callback, SIGSTOP), it first handles everything the kernel has ready.
//
// Connections in the kernel's accept queue are reset, even if other servers share the port with
// reuse_port, unless Linux moves them to another listener (net.ipv4.tcp_migrate_req). A duplicate
// made by evnet_server_dup_listener keeps them.
//
// Further calls have no effect unless their deadline is earlier. A server that is not running yet
// stops as soon as it starts.
//
//   drain_ms  milliseconds until the deadline. 0 or less, including EVNET_OFF: reset every
//             connection immediately, see evnet_reactor_stop. More than about 292 years, including
//             INT64_MAX: no deadline.
//
// Returns: 0.
// Thread:  any, while the server exists. It is async-signal-safe, never blocks and preserves errno.
EVNET_API int evnet_server_stop(struct evnet_server *server, int64_t drain_ms);

// evnet_server_stop_on_signal makes a signal call evnet_server_stop(server, drain_ms). A second
// signal stops the server immediately (drain_ms 0), whichever of its registered signals it is. A
// signal that arrives before this call is not counted.
//
// evnet installs the signal's handler and restores the previous one when the last server registered
// for the signal is destroyed. Several servers may share a signal.
//
//   signal_number  such as SIGTERM.
//   drain_ms       as in evnet_server_stop.
//
// Returns: 0.
// Errors:  -EINVAL if signal_number is invalid or cannot be caught (sigaction(2)).
//          -ENOSPC if the process has 16 registrations. evnet_server_destroy frees the server's.
// Thread:  any.
EVNET_API int evnet_server_stop_on_signal(struct evnet_server *server, int signal_number,
                                          int64_t drain_ms);

// evnet_server_address returns an address as it is bound, with the actual port. For a name with
// several addresses, it is the first bound one.
//
//   index  the position in the addresses given to evnet_server_create, from 0; or the index of an
//          address that was added later (addresses.h).
//
// Returns: 0.
// Errors:  -EINVAL if there never was an address with this index.
//          -ENOTCONN if the addresses are not bound yet, or the address was removed.
// Thread:  any, from on_boot on, or after evnet_server_start has returned.
EVNET_API EVNET_WARN_UNUSED int evnet_server_address(const struct evnet_server *server,
                                                     size_t index,
                                                     struct evnet_address *out_address);

// evnet_server_dup_listener duplicates the descriptor that listens on an address, so that another
// process can take over. Both descriptors share one accept queue. No connection is refused in a
// restart if the successor has the duplicate before this server stops.
//
// With reuse_port, the descriptor is reactor 0's; connections queued at the other reactors' sockets
// are not in its queue. A stop removes the path of a Unix socket and its lock. The duplicate then
// still has the queued connections, but new clients cannot find it. An abstract name lasts as long
// as the duplicate. For a UDP address, the descriptor is the socket.
//
//   index  as in evnet_server_address. For a name with several addresses, only the descriptor of
//          the first is available: configure numeric addresses to hand over all of them.
//
// Returns: a non-blocking, close-on-exec descriptor; the caller closes it.
// Errors:  -EINVAL if index is out of range.
//          -ENOTCONN if the address is not bound yet or was removed, or a stop has begun.
//          -EMFILE if no descriptor is left.
//          -EOPNOTSUPP in a simulated kernel.
// Thread:  any, from on_boot on.
EVNET_API EVNET_WARN_UNUSED int evnet_server_dup_listener(struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor returns a reactor of the server, for example to post a function to it.
//
//   index  from 0. Reactor 0 runs on_boot, on_tick and on_shutdown.
//
// Returns: the reactor; NULL if index is out of range, or before on_boot.
// Thread:  any, while the server exists.
EVNET_API struct evnet_reactor *evnet_server_reactor(const struct evnet_server *server,
                                                     uint32_t index);

// evnet_server_reactor_count returns the number of the server's reactors: options.reactors, or with
// EVNET_REACTOR_PER_CPU the number of CPUs at the creation of the server. A program that has data
// for each reactor makes an array of this size, in on_boot or before the start, and uses
// evnet_reactor_index.
//
// Thread:  any, while the server exists.
EVNET_API uint32_t evnet_server_reactor_count(const struct evnet_server *server);

// evnet_reactor_server returns the server that the reactor belongs to; NULL if it was created by
// evnet_reactor_create.
//
// Thread:  any, while the reactor exists.
EVNET_API struct evnet_server *evnet_reactor_server(const struct evnet_reactor *reactor);

// evnet_conn_server returns the server that the connection belongs to; NULL as above.
EVNET_API struct evnet_server *evnet_conn_server(const struct evnet_conn *conn);

// evnet_server_datagram_socket returns the UDP socket of an address on reactor 0, to send before
// the first datagram arrives (evnet_conn_send_to) or to join a group (evnet_conn_join_group).
//
//   index  as in evnet_server_address; for a name with several addresses, the first.
//
// Returns: the socket; NULL if the address is not a UDP address, is not bound yet or was removed,
//          or a stop has begun. To send during a stop, hold the socket and use its id
//          (evnet_async_send_from).
// Thread:  reactor 0's: in on_boot, on_tick or a function posted to it.
EVNET_API struct evnet_conn *evnet_server_datagram_socket(const struct evnet_server *server,
                                                          size_t index);

// evnet_server_reactor_datagram_socket is evnet_server_datagram_socket for any reactor. With
// reuse_port each reactor has its own socket, all bound to the same port.
//
//   reactor_index  as in evnet_server_reactor. A callback's is evnet_conn_get_id(conn).reactor.
//   index          as in evnet_server_datagram_socket.
//
// Returns: the socket; NULL as above, or if only reactor 0 has one.
// Thread:  that reactor's.
EVNET_API struct evnet_conn *evnet_server_reactor_datagram_socket(const struct evnet_server *server,
                                                                  uint32_t reactor_index,
                                                                  size_t index);

// evnet_server_destroy frees a server that was never started, or whose evnet_server_wait or
// evnet_server_run has returned (asserted). NULL is accepted.
//
// Thread:  any but the server's.
EVNET_API void evnet_server_destroy(struct evnet_server *server);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_SERVER_H_
