// Calls on one socket in the form that the backends use: they return -errno, retry after EINTR and
// raise no SIGPIPE. socket_listen.h, socket_connect.h, socket_options.h and socket_address.h open
// sockets, set their options and return their addresses.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_H_

#include <stdint.h>
#include <sys/uio.h>

#include "net/poller/internal/unix_listen.h"
#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Accepts one connection, as evnet_poller_accept. A Unix connection gets its listener's settings
// from the list. Returns a non-blocking, close-on-exec descriptor or -errno.
int evnet_socket_accept(int listener, enum evnet_transport transport,
                        struct evnet_unix_listeners *unix_listeners,
                        struct evnet_address *out_peer);

// Prepares a socket of any origin for evnet_socket_send.
void evnet_socket_attach(int descriptor);

// As evnet_poller_identify.
int evnet_socket_identify(struct evnet_poller *poller, int descriptor,
                          struct evnet_socket_kind *out_kind);
// Makes a socket that was opened outside evnet non-blocking and close-on-exec. Returns 0 or -errno.
int evnet_socket_adopt(int descriptor, const struct evnet_socket_kind *kind);

int64_t evnet_socket_recv(int descriptor, void *out_data, size_t size);
// As evnet_unix_system_recv.
int64_t evnet_socket_recv_unix(int descriptor, void *out_data, size_t size, bool *out_split);
int64_t evnet_socket_send(int descriptor, const struct iovec *pieces, size_t count);

// Sends the output of a send_start, at most `bytes_max` bytes. Returns its SEND's result, or -EAGAIN
// if the socket is full.
int64_t evnet_socket_send_started(int descriptor, const struct evnet_send *send, size_t bytes_max);

// Returns 0 if EOF is next, -EAGAIN if data precedes it or there is no EOF, or the connection's
// error.
int evnet_socket_peek_end(int descriptor);

// evnet_socket_close closes a socket. If a duplicate of the descriptor may exist, close(2) alone
// would leave a connection open, and its peer without EOF, so shutdown(2) comes first. A listener
// and a datagram socket are only closed, because another process may continue to use them.
//
//   is_connection  a stream that is connected, or about to be.
//   duplicated     a duplicate may exist, beside those of a fork(2) (fork.h).
void evnet_socket_close(int descriptor, bool is_connection, bool duplicated);

// evnet_socket_reset makes the evnet_socket_close of a connection reset it. It sets SO_LINGER to 0
// seconds (socket(7)), which only the last close(2) observes. If a duplicate may exist, it also
// disconnects (connect(2), AF_UNSPEC), which on Linux resets a TCP connection immediately. On a
// Unix socket and on other systems, the peer of a connection with a duplicate sees EOF.
void evnet_socket_reset(int descriptor, bool duplicated);

// Returns a duplicate of the descriptor, close-on-exec, or -errno.
int evnet_socket_duplicate(int descriptor);

// Returns and clears the pending error: 0 or -errno.
int evnet_socket_take_error(int descriptor);

int evnet_socket_shutdown_write(int descriptor);

// Returns -EOPNOTSUPP except on Unix sockets.
int evnet_socket_peer_credentials(int descriptor, enum evnet_transport transport,
                                  struct evnet_credentials *out_credentials);

// Returns -EOPNOTSUPP except on TCP.
int evnet_socket_tcp_info(int descriptor, enum evnet_transport transport,
                          struct evnet_tcp_info *out_info);

// As evnet_poller_unacked_bytes.
int64_t evnet_socket_unacked_bytes(int descriptor, enum evnet_transport transport);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_H_
