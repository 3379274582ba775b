// The parts of sockets that differ between systems. BUILD.bazel selects one file of each group:
//
//   calls      socket_posix.c for systems with POSIX.1-2024's calls (Linux, FreeBSD, NetBSD,
//              OpenBSD), socket_darwin.c for macOS
//   sendfile   sendfile_linux.c, sendfile_freebsd.c, sendfile_darwin.c, sendfile_none.c
//   splice     splice_linux.c, splice_none.c
//   options    socket_options_linux.c, _freebsd.c, _netbsd.c, _openbsd.c, _dragonfly.c, _darwin.c
//   TCP data   tcp_info_linux.c, _freebsd.c, _darwin.c, _none.c
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

// The flags of every send(2) and sendmsg(2). evnet_socket_system_attach prepares a socket before
// its first send. Together they prevent SIGPIPE.
extern const int evnet_socket_system_send_flags;
void evnet_socket_system_attach(int descriptor);

// Returns a non-blocking, close-on-exec descriptor or -errno.
int evnet_socket_system_open(int family, int type);

// The same for one accepted connection. It does not retry after EINTR; the caller does.
int evnet_socket_system_accept(int listener, struct sockaddr *out_address, socklen_t *size);

// The names in setsockopt(2) of the options that differ between systems. 0: the option does not
// exist.
struct evnet_socket_option_names {
  int keepalive_idle;  // at IPPROTO_TCP, down to defer_accept
  int keepalive_interval;
  int keepalive_count;
  int user_timeout;
  int notsent_lowat;
  int fast_open;
  int defer_accept;
  int bind_to_device;           // at SOL_SOCKET; the value is an interface's name
  int bind_address_no_port;     // at IPPROTO_IP
  int reuse_port;               // at SOL_SOCKET
  bool reuse_port_may_be_late;  // it may be set on a UDP socket that is bound
  bool reuse_port_spreads;      // each of the sockets that share a port receives a share
};
extern const struct evnet_socket_option_names evnet_socket_system_options;

// Calls sendfile(2) once, without SIGPIPE.
//
// Returns: the bytes taken; 0 if the file ends before the range begins.
// Errors:  -EAGAIN if the socket is full.
//          -ENOSYS if the system does not have sendfile(2).
//          -errno of sendfile(2) otherwise.
int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file);

// Opens a pipe for evnet_socket_system_splice. Returns 0 or -errno; -ENOSYS if the system does not
// have splice(2).
int evnet_socket_system_splice_open(int out_pipe[2]);

// Moves at most `size` bytes from one socket to another through an empty pipe, without SIGPIPE, as
// evnet_poller_splice describes. from_status and to_status may be -EAGAIN: it has no bytes, or no
// room.
void evnet_socket_system_splice(int from, int to, const int pipe[2], size_t size,
                                struct evnet_spliced *out);

// For a TCP socket. Returns -EOPNOTSUPP if the system does not have the data.
int evnet_socket_system_tcp_info(int descriptor, struct evnet_tcp_info *out_info);
int64_t evnet_socket_system_unacked_bytes(int descriptor);

// Lets the CPU choose the socket of a shared port, see struct evnet_port_cpus. The socket is bound,
// and listens if it is a stream socket. Returns 0 or -errno; -EOPNOTSUPP if the system cannot.
int evnet_socket_system_share_by_cpu(int descriptor, const struct evnet_port_cpus *cpus);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
