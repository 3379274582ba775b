// Descriptors that are passed over Unix sockets (SCM_RIGHTS of unix(7)).
//
// A connection receives descriptors only after evnet_conn_accept_descriptors. Otherwise the kernel
// drops those that come, or evnet closes them.
//
//   on_open:  evnet_conn_accept_descriptors(conn, 1);
//   on_data:  int descriptor = evnet_conn_take_descriptor(conn);
//
// The kernel passes a descriptor with a byte. It is there when on_data presents this byte, or
// earlier, so a protocol states in its bytes how many descriptors belong to a message.
#ifndef EVNET_NET_REACTOR_DESCRIPTORS_H_
#define EVNET_NET_REACTOR_DESCRIPTORS_H_

#include <stddef.h>
#include <sys/types.h>

#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_conn;

enum { EVNET_DESCRIPTORS_MAX = 1024 };  // of evnet_conn_accept_descriptors

// evnet_conn_accept_descriptors lets a connection receive descriptors. Call it in on_open: those
// that came earlier are lost.
//
// Received descriptors wait for evnet_conn_take_descriptor. They have FD_CLOEXEC. evnet closes those
// that were not taken when the connection closes. The connection ends with -ENOBUFS if a peer sends
// more than count_max that are not taken yet, and with -EMFILE if the process has no descriptor left
// for one, because its message would be without it.
//
//   count_max  1 to EVNET_DESCRIPTORS_MAX. A later call may only repeat it.
//
// Returns: 0.
// Errors:  -EINVAL if count_max is out of bounds.
//          -EALREADY if an earlier call had another count_max.
//          -EOPNOTSUPP unless the connection is a Unix socket's.
//          -ENOTCONN if the connection is not open.
//          -ENOMEM if memory runs out.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_accept_descriptors(struct evnet_conn *conn,
                                                              size_t count_max);

// evnet_conn_take_descriptor returns the oldest received descriptor. The caller owns it and closes
// it. It may be of any kind: check it (fstat(2)) before you use it, and note that a peer may share
// its file position and flags.
//
// Returns: the descriptor.
// Errors:  -ENOENT if there is none.
EVNET_API EVNET_WARN_UNUSED int evnet_conn_take_descriptor(struct evnet_conn *conn);

// evnet_conn_send_descriptor sends bytes, and a duplicate of a descriptor with the first of them. It
// sends immediately, after the bytes that this callback has written, and without on_prewrite.
//
// Descriptors are not queued. -EAGAIN: nothing was sent. Request an on_below
// (evnet_conn_notify_below(conn, 1), flow.h) and call again there. It comes when no output is queued
// and the kernel reports room in the socket. The call in on_below may return -EAGAIN again: repeat
// the request then. The write timeout does not run while nothing is queued.
//
//   descriptor  stays the caller's, which may close it after the call.
//   data, size  at least 1 byte, at most outbound_bytes_max. Bytes that the kernel does not take are
//               queued, as by evnet_conn_write; the descriptor has then been sent.
//
// Returns: size.
// Errors:  -EAGAIN if output is queued, or the socket is full.
//          -EBADF if descriptor is not open.
//          -ETOOMANYREFS if too many descriptors of this user are on their way (unix(7)).
//          -EINVAL if size is 0; -ENOBUFS if it is too large.
//          -EOPNOTSUPP unless the connection is a Unix socket's, or if it has a rate limit.
//          -ENOTCONN, -EPIPE as evnet_conn_write; other -errno of sendmsg(2).
//          -ENOMEM if memory runs out.
EVNET_API EVNET_WARN_UNUSED ssize_t evnet_conn_send_descriptor(struct evnet_conn *conn,
                                                               int descriptor, const void *data,
                                                               size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_REACTOR_DESCRIPTORS_H_
