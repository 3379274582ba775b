// What socket.c and socket_file.c ask of the system, one file each: socket_posix.c where
// POSIX.1-2024's calls exist (Linux, FreeBSD, NetBSD, OpenBSD), socket_darwin.c for macOS;
// sendfile_linux.c, sendfile_freebsd.c, sendfile_darwin.c, and sendfile_none.c for the others. And
// what socket_options.c asks, since no two systems have the same options: socket_options_linux.c,
// _freebsd.c, _openbsd.c, _darwin.c; likewise tcp_info_linux.c, _freebsd.c, _darwin.c, _none.c.
// BUILD.bazel chooses.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// Flags of every send(2) and sendmsg(2), and what has to be done with a socket before the first, so
// that none raises SIGPIPE.
extern const int evnet_socket_system_send_flags;
void evnet_socket_system_attach(int descriptor);

// Returns a non-blocking, close-on-exec descriptor or -errno.
int evnet_socket_system_open(int family, int type);

// The same for one connection; -EINTR is the caller's to retry.
int evnet_socket_system_accept(int listener, struct sockaddr *out_address, socklen_t *size);

// What setsockopt(2) calls the options that differ between systems; 0: there is no such one.
struct evnet_socket_option_names {
  int keepalive_idle;  // at IPPROTO_TCP, down to defer_accept
  int keepalive_interval;
  int keepalive_count;
  int user_timeout;
  int notsent_lowat;
  int fast_open;
  int defer_accept;
  int bind_to_device;           // at SOL_SOCKET, a name
  int bind_address_no_port;     // at IPPROTO_IP
  int reuse_port;               // at SOL_SOCKET
  bool reuse_port_may_be_late;  // it may be set of a UDP socket that is bound
  bool reuse_port_spreads;      // each of those that share a port gets a share of what comes
};
extern const struct evnet_socket_option_names evnet_socket_system_options;

// sendfile(2), once and without SIGPIPE: the bytes taken; 0: the file ends in front of the range;
// -EAGAIN: the socket is full; -ENOSYS: the system has none.
int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file);

// Of a TCP socket; -EOPNOTSUPP where the system does not tell.
int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info);
int64_t evnet_socket_system_unacked_bytes(int descriptor);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
