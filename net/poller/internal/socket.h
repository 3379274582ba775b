// Socket calls in the form that the backends use: -errno results, EINTR retried, no SIGPIPE.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_H_

#include <stdint.h>
#include <sys/uio.h>

#include "net/poller/internal/unix_listen.h"
#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Opens and binds; listens, or has a UDP socket of all hosts, or of a group, tell which host took a
// datagram.
// Returns a non-blocking, close-on-exec descriptor or -errno. A Unix socket's is added to the list,
// to be released before it is closed.
int evnet_socket_listen(const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_unix_listeners *unix_listeners);

// Gives a TCP socket that is not bound yet what `options` say, and names what is refused.
int evnet_socket_set_listen_options(int descriptor, const struct evnet_address *address,
                                    const struct evnet_listen_options *options);

// And, once it is bound to `address`, what may be said only then.
int evnet_socket_share_bound_port(int descriptor, const struct evnet_address *address,
                                  const struct evnet_listen_options *options);

// As evnet_poller_spreads_port.
bool evnet_socket_spreads_port(void);

// As evnet_poller_has_family.
bool evnet_socket_has_family(int family);

// What the options of a listener and of a socket that connects say of a connection; 0 or less: as
// it is.
struct evnet_socket_settings {
  int send_buffer_bytes;
  int receive_buffer_bytes;
  bool no_nodelay;
  int keepalive_idle_s;
  int keepalive_interval_s;
  int keepalive_count;
  int user_timeout_ms;
  int notsent_lowat_bytes;
};

// Sets those that a socket of this transport has.
//
//   out_name  the setting that was tried last.
int evnet_socket_set_settings(int descriptor, enum evnet_transport transport,
                              const struct evnet_socket_settings *settings, const char **out_name);

// As evnet_poller_set_option.
int evnet_socket_set_option(int descriptor, enum evnet_transport transport,
                            enum evnet_socket_option option, int value);

// Accepts one connection, as evnet_poller_accept says. A Unix connection is noted in the list.
// Returns a non-blocking, close-on-exec descriptor or -errno.
int evnet_socket_accept(int listener, enum evnet_transport transport,
                        struct evnet_unix_listeners *unix_listeners,
                        struct evnet_address *out_peer);

// Makes ::ffff:a.b.c.d a.b.c.d.
void evnet_socket_unmap_ip4(struct evnet_address *address);

// Prepares a socket, whoever made it, for evnet_socket_send.
void evnet_socket_attach(int descriptor);

// Opens, binds and begins to connect. Returns a non-blocking, close-on-exec descriptor, or -errno.
//
//   out_status  with a descriptor: 0 when it is connected, -EINPROGRESS when it will be writable
//               once it is, or has failed.
int evnet_socket_connect(const struct evnet_address *address,
                         const struct evnet_connect_options *options, int *out_status);

// What became of it, when it is writable: 0, -errno, or -EINPROGRESS: that was a false alarm.
int evnet_socket_connect_result(int descriptor);

// As evnet_poller_identify.
int evnet_socket_identify(struct evnet_poller *poller, int descriptor,
                          struct evnet_socket_kind *out_kind);
// Makes a socket that somebody else has made non-blocking and close-on-exec. 0 or -errno.
int evnet_socket_adopt(int descriptor);

int64_t evnet_socket_recv(int descriptor, void *out_data, size_t size);
// As evnet_unix_system_recv.
int64_t evnet_socket_recv_unix(int descriptor, void *out_data, size_t size, bool *out_split);
int64_t evnet_socket_send(int descriptor, const struct iovec *pieces, size_t count);

// Sends what a send_start names: its SEND's result, or -EAGAIN when the socket is full.
int64_t evnet_socket_send_started(int descriptor, const struct evnet_send *send);

// Tells whether the peer's end is next: 0. -EAGAIN when it is not, or data stands in front of it;
// else the connection's error.
int evnet_socket_peek_end(int descriptor);

// evnet_socket_close ends a socket. Where a duplicate of the descriptor may exist, close(2) alone
// would leave a connection open, and its peer without the end: there shutdown(2) comes first. A
// listener and a datagram socket have no end to send, and another process may go on with them.
//
//   is_connection  a stream that is connected, or about to be.
//   duplicated     a duplicate may exist, beside those of a fork(2) (fork.h).
void evnet_socket_close(int descriptor, bool is_connection, bool duplicated);

// evnet_socket_reset makes the evnet_socket_close of a connection reset it: by SO_LINGER of 0
// seconds (socket(7)), which only the last close(2) heeds; so where a duplicate may exist, by
// disconnecting (connect(2), AF_UNSPEC), which on Linux resets a TCP connection now. Without
// either, on a Unix socket and on other systems, the peer sees the end.
void evnet_socket_reset(int descriptor, bool duplicated);

// A duplicate of the descriptor, close-on-exec, or -errno.
int evnet_socket_duplicate(int descriptor);

// Takes the pending error: 0 or -errno.
int evnet_socket_take_error(int descriptor);

int evnet_socket_shutdown_write(int descriptor);

// -ENOTCONN once the connection is dead; a Unix socket's still has it.
int evnet_socket_remote_address(int descriptor, enum evnet_transport transport,
                                struct evnet_address *out_address);
int evnet_socket_local_address(int descriptor, enum evnet_transport transport,
                               struct evnet_address *out_address);

// -EOPNOTSUPP but on Unix sockets.
int evnet_socket_peer_credentials(int descriptor, enum evnet_transport transport,
                                  struct evnet_credentials *out_credentials);

// -EOPNOTSUPP but on TCP.
int evnet_socket_tcp_info(int descriptor, enum evnet_transport transport,
                          struct evnet_tcp_info *out_info);

// As evnet_poller_unacked_bytes.
int64_t evnet_socket_unacked_bytes(int descriptor, enum evnet_transport transport);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_H_
