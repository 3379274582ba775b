// Connections from other threads. Whoever is not on a connection's reactor holds its id, never a
// pointer: the request travels to the reactor, and if the connection has closed by then, nothing
// happens and the poster learns it. Requests of one thread for one connection are carried out in
// order.
//
// Every function here may be called from any thread, also from the reactor's own, while the server
// exists. It never blocks.
//
//   done  called once, on the connection's reactor, when the function returned 0: with 0, or with
//         why not (see each function). Perhaps after on_close. NULL: nobody asks.
//   user  for done, and for release.
//
// A negative return means that nothing was taken and nothing will be called: -ESTALE for an id that
// cannot be one, -ENOBUFS above mailbox_bytes_max, -ESHUTDOWN when the server has stopped, -ENOMEM.
#ifndef EVNET_NET_SERVER_ASYNC_H_
#define EVNET_NET_SERVER_ASYNC_H_

#include <stddef.h>
#include <sys/uio.h>

#include "../base/address.h"
#include "../base/status.h"
#include "../reactor/conn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_server;
struct evnet_shared;

// evnet_async_write sends a copy of `size` bytes to the peer, behind what was written before. By
// the id of a dial that is under way it waits, in order with evnet_async_wake, until on_open has
// returned; if the dial fails, it is answered with the reason that on_close gets.
//
// Done:    0 when the kernel has taken the last byte; -ESTALE when the connection has closed or is
//          closing; -EPIPE after evnet_conn_shutdown_write; -ENOBUFS when outbound_bytes_max would
//          be exceeded, and the connection closes unless the option is EVNET_OVERFLOW_REFUSE;
//          -ENOMEM; -ESHUTDOWN; or the reason, an enum evnet_reason or -errno, with which the
//          connection closed before all was sent.
EVNET_API int evnet_async_write(struct evnet_server *server, struct evnet_conn_id id,
                                const void *data, size_t size,
                                void (*done)(struct evnet_conn_id id, int status, void *user),
                                void *user);

// evnet_async_writev is evnet_async_write of `count` pieces, of which some may be empty.
EVNET_API int evnet_async_writev(struct evnet_server *server, struct evnet_conn_id id,
                                 const struct iovec *pieces, size_t count,
                                 void (*done)(struct evnet_conn_id id, int status, void *user),
                                 void *user);

// evnet_async_write_owned is evnet_async_write without a copy.
//
//   data     evnet's, and unchanged, until release(data, user), which is called once, on the
//            connection's reactor, before `done`; the caller's when the return is negative.
EVNET_API int evnet_async_write_owned(struct evnet_server *server, struct evnet_conn_id id,
                                      void *data, size_t size,
                                      void (*release)(void *data, void *user),
                                      void (*done)(struct evnet_conn_id id, int status, void *user),
                                      void *user);

// evnet_async_write_shared is evnet_async_write of bytes that any number of connections send
// without a copy for each: it takes a reference of its own.
EVNET_API int evnet_async_write_shared(
    struct evnet_server *server, struct evnet_conn_id id, struct evnet_shared *shared,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

// evnet_async_send_to sends a copy of `size` bytes as one datagram from a UDP socket. The
// host that it leaves from is chosen as evnet_conn_send_to says: a late answer is
// evnet_async_send_from. By such a socket's id evnet_async_write and its kin
// answer -EDESTADDRREQ, _wake and _close -EOPNOTSUPP. A dialled UDP socket has one peer, to whom
// evnet_async_write sends a datagram, and answers this with -EISCONN.
//
//   id       of a UDP socket.
//   address  copied.
//
// Done:    0 when the kernel has taken it; -ESTALE; -EOPNOTSUPP by another's id; -EAFNOSUPPORT,
//          -EINVAL, -EMSGSIZE, -ENOBUFS, -ENOMEM as evnet_conn_send_to; -ESHUTDOWN; or the kernel's
//          -errno.
EVNET_API int evnet_async_send_to(struct evnet_server *server, struct evnet_conn_id id,
                                  const struct evnet_address *address, const void *data,
                                  size_t size,
                                  void (*done)(struct evnet_conn_id id, int status, void *user),
                                  void *user);

// evnet_async_send_from is evnet_async_send_to from a host of the caller's choice: the late answer
// of a socket that serves all hosts of the machine, as evnet_conn_send_from says.
//
//   from  what evnet_conn_local_address gave in the question's on_data; copied. All hosts: the
//         system's choice. NULL: as evnet_async_send_to.
//   to    what evnet_conn_remote_address gave there; copied.
//
// Done:    as evnet_async_send_to; -EAFNOSUPPORT also if the families of `from` and `to` differ.
EVNET_API int evnet_async_send_from(struct evnet_server *server, struct evnet_conn_id id,
                                    const struct evnet_address *from,
                                    const struct evnet_address *to, const void *data, size_t size,
                                    void (*done)(struct evnet_conn_id id, int status, void *user),
                                    void *user);

// evnet_async_wake calls the connection's on_data with what is unread, possibly nothing; while its
// reading is stopped, when it resumes, and by the id of a dial under way after its on_open.
//
// Done:    0 when on_data has returned, or will be called; -EOPNOTSUPP by a UDP socket's id, also a
//          dialled one's; -ESTALE; -ENOMEM; -ESHUTDOWN; -ENOBUFS and the reason of a failed dial as
//          for evnet_async_write.
EVNET_API int evnet_async_wake(struct evnet_server *server, struct evnet_conn_id id,
                               void (*done)(struct evnet_conn_id id, int status, void *user),
                               void *user);

// evnet_async_close closes the connection as evnet_conn_close does, behind what was written; a dial
// that is under way it cancels.
//
// Done:    0 when closing has begun; -ESTALE; -ESHUTDOWN.
EVNET_API int evnet_async_close(struct evnet_server *server, struct evnet_conn_id id,
                                void (*done)(struct evnet_conn_id id, int status, void *user),
                                void *user);

// evnet_async_release takes back a hold that evnet_conn_hold put on the connection, behind the
// writes that were posted before it. Without the connection nothing happens. mailbox_bytes_max does
// not apply.
//
// Errors:  -ENOMEM: the hold stays; try again.
EVNET_API int evnet_async_release(struct evnet_server *server, struct evnet_conn_id id);

// evnet_shared_create copies `size` bytes into a buffer that is freed with its last reference.
//
//   out_shared  with one reference, the caller's, for evnet_shared_release.
//
// Returns: 0.
// Errors:  -ENOMEM.
EVNET_API EVNET_WARN_UNUSED int evnet_shared_create(const void *data, size_t size,
                                                    struct evnet_shared **out_shared);

// evnet_shared_release gives the caller's reference back; NULL is accepted.
EVNET_API void evnet_shared_release(struct evnet_shared *shared);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ASYNC_H_
