// Requests to connections from other threads. A thread that is not the connection's reactor refers
// to it by id, never by pointer. The request travels to the reactor. If the connection has closed
// in the meantime, the request has no effect and its callback receives -ESTALE. Requests from one
// thread for one connection run in order.
//
// Every function here may be called from any thread, including the reactor's own, while the server
// exists. None of them blocks. Those with `done` and `user` share these rules:
//
//   done  called once, on the connection's reactor, if the function returned 0, with 0 or the
//         reason of the failure (listed as "Done" below). It may run after on_close. NULL: none.
//   user  passed to done, and to release.
//
// A negative return means that evnet took nothing and calls nothing:
//
//   -ESTALE     the id cannot be valid.
//   -ENOBUFS    mailbox_bytes_max would be exceeded.
//   -ESHUTDOWN  the server has stopped.
//   -ENOMEM     memory ran out.
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

// evnet_async_write sends a copy of `size` bytes to the peer, after all earlier writes. For a dial
// in progress, the request waits until on_open has returned, in order with evnet_async_wake. If the
// dial fails, `done` receives the reason that on_close gets.
//
//   id    of a connection.
//   data  size bytes; borrowed for the call.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if the kernel has taken the last byte.
//          -ESTALE if the connection has closed or is closing.
//          -EPIPE after evnet_conn_shutdown_write.
//          -ENOBUFS if outbound_bytes_max would be exceeded. The connection closes, unless the
//          option is EVNET_OVERFLOW_REFUSE.
//          -EDESTADDRREQ for a server's UDP socket.
//          -ENOMEM if memory runs out.
//          -ESHUTDOWN if the reactor has ended.
//          the reason of on_close (enum evnet_reason or -errno) if the connection closed before all
//          bytes were sent.
EVNET_API int evnet_async_write(struct evnet_server *server, struct evnet_conn_id id,
                                const void *data, size_t size,
                                void (*done)(struct evnet_conn_id id, int status, void *user),
                                void *user);

// evnet_async_writev is evnet_async_write of `count` pieces. Empty pieces are allowed.
EVNET_API int evnet_async_writev(struct evnet_server *server, struct evnet_conn_id id,
                                 const struct iovec *pieces, size_t count,
                                 void (*done)(struct evnet_conn_id id, int status, void *user),
                                 void *user);

// evnet_async_write_owned is evnet_async_write without a copy.
//
//   data     owned by evnet and not to be changed, until release(data, user). The caller keeps it
//            if the return is negative.
//   release  called once, on the connection's reactor, before `done`.
//
// Returns: as evnet_async_write.
EVNET_API int evnet_async_write_owned(struct evnet_server *server, struct evnet_conn_id id,
                                      void *data, size_t size,
                                      void (*release)(void *data, void *user),
                                      void (*done)(struct evnet_conn_id id, int status, void *user),
                                      void *user);

// evnet_async_write_shared is evnet_async_write of a buffer that any number of connections can send
// without copies. Each successful call takes its own reference.
//
//   shared  from evnet_shared_create.
//
// Returns: as evnet_async_write.
EVNET_API int evnet_async_write_shared(
    struct evnet_server *server, struct evnet_conn_id id, struct evnet_shared *shared,
    void (*done)(struct evnet_conn_id id, int status, void *user), void *user);

// evnet_async_send_to sends a copy of `size` bytes as one datagram from a server's UDP socket.
// evnet_conn_send_to describes how evnet chooses the source address; to reply late from the address
// that was asked, use evnet_async_send_from.
//
// With the id of a server's UDP socket, evnet_async_write and its variants fail with -EDESTADDRREQ,
// and evnet_async_wake and evnet_async_close with -EOPNOTSUPP. With the id of a dialled UDP socket,
// evnet_async_write sends a datagram to its peer, and evnet_async_send_to fails with -EISCONN.
//
//   id       of a UDP socket.
//   address  of the receiver; copied.
//   data     size bytes; borrowed for the call.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if the kernel has taken the datagram.
//          -ESTALE if the socket has closed.
//          -EOPNOTSUPP if id is not a UDP socket's.
//          -EISCONN if the socket was dialled.
//          -EAFNOSUPPORT, -EINVAL, -EMSGSIZE, -ENOBUFS, -ENOMEM as evnet_conn_send_to.
//          -ESHUTDOWN if the reactor has ended.
//          the kernel's -errno otherwise.
EVNET_API int evnet_async_send_to(struct evnet_server *server, struct evnet_conn_id id,
                                  const struct evnet_address *address, const void *data,
                                  size_t size,
                                  void (*done)(struct evnet_conn_id id, int status, void *user),
                                  void *user);

// evnet_async_send_from is evnet_async_send_to with a chosen source address: for late replies from
// a socket that is bound to all addresses of the machine. evnet_conn_send_from has an example.
//
//   from  evnet_conn_local_address of the request, from its on_data; copied. A wildcard address:
//         the system chooses. NULL: as evnet_async_send_to.
//   to    evnet_conn_remote_address of the request; copied.
//
// Returns: as evnet_async_send_to.
// Done:    as evnet_async_send_to; also -EAFNOSUPPORT if `from` and `to` differ in family.
EVNET_API int evnet_async_send_from(struct evnet_server *server, struct evnet_conn_id id,
                                    const struct evnet_address *from,
                                    const struct evnet_address *to, const void *data, size_t size,
                                    void (*done)(struct evnet_conn_id id, int status, void *user),
                                    void *user);

// evnet_async_wake calls the connection's on_data with its unread bytes, possibly none. If reading
// is stopped, the call follows when it resumes; for a dial in progress, after its on_open.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if on_data has returned, or will be called.
//          -EOPNOTSUPP for a UDP socket, dialled or not.
//          -ESTALE if the connection has closed or is closing.
//          -ENOMEM, -ENOBUFS, -ESHUTDOWN, or the reason of a failed dial, as evnet_async_write.
EVNET_API int evnet_async_wake(struct evnet_server *server, struct evnet_conn_id id,
                               void (*done)(struct evnet_conn_id id, int status, void *user),
                               void *user);

// evnet_async_resume_reading ends a pause of evnet_conn_pause_reading, after all earlier requests:
// for a consumer on another thread that has room again. If bytes are unread, on_data is called
// later in the turn or in the next one. It has no effect if reading is not paused.
//
//   id  of a connection or of a server's UDP socket.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if reading is not paused any more.
//          -ESTALE if the connection has closed or is closing.
//          -ENOTCONN for a dial in progress.
//          -ESHUTDOWN if the reactor has ended.
EVNET_API int evnet_async_resume_reading(struct evnet_server *server, struct evnet_conn_id id,
                                         void (*done)(struct evnet_conn_id id, int status,
                                                      void *user),
                                         void *user);

// evnet_async_close closes the connection as evnet_conn_close does, after all earlier writes. It
// cancels a dial in progress. With the id of an adopted listener, it closes the listener.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if closing has begun.
//          -ESTALE if the connection has closed or is closing.
//          -EOPNOTSUPP for a server's UDP socket.
//          -ESHUTDOWN if the reactor has ended.
EVNET_API int evnet_async_close(struct evnet_server *server, struct evnet_conn_id id,
                                void (*done)(struct evnet_conn_id id, int status, void *user),
                                void *user);

// evnet_async_abort resets the connection as evnet_conn_abort does: queued output is dropped, and
// on_close gets EVNET_REASON_ABORTED, even if the connection was closing. It cancels a dial in
// progress, whose on_close gets -ECANCELED. With the id of an adopted listener, it closes the
// listener.
//
// Returns: 0 if the request was posted; else see above.
// Done:    0 if on_close follows.
//          -ESTALE if the connection has closed.
//          -EOPNOTSUPP for a server's UDP socket.
//          -ESHUTDOWN if the reactor has ended.
EVNET_API int evnet_async_abort(struct evnet_server *server, struct evnet_conn_id id,
                                void (*done)(struct evnet_conn_id id, int status, void *user),
                                void *user);

// evnet_async_release releases a hold that evnet_conn_hold took, after the writes posted before it.
// It has no effect if the connection has closed. mailbox_bytes_max does not apply. The release of a
// hold of evnet_hold_take (net/reactor/hold.h) cannot fail.
//
// Returns: 0 if the request was posted.
// Errors:  -ENOMEM if memory runs out. The hold remains: call again.
//          -ESTALE, -ESHUTDOWN as above; there is no hold left to release.
EVNET_API int evnet_async_release(struct evnet_server *server, struct evnet_conn_id id);

// evnet_shared_create copies `size` bytes into a buffer with a reference count. Releasing the last
// reference frees it.
//
//   data        size bytes; borrowed for the call.
//   out_shared  the buffer with one reference, which the caller releases by evnet_shared_release.
//
// Returns: 0.
// Errors:  -ENOMEM if memory runs out.
EVNET_API EVNET_WARN_UNUSED int evnet_shared_create(const void *data, size_t size,
                                                    struct evnet_shared **out_shared);

// evnet_shared_release releases the caller's reference; NULL is accepted.
EVNET_API void evnet_shared_release(struct evnet_shared *shared);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_ASYNC_H_
