// What socket.c asks of the system, one file each: socket_posix.c where POSIX.1-2024's calls exist
// (Linux, FreeBSD, NetBSD, OpenBSD), socket_darwin.c for macOS. BUILD.bazel chooses.
#ifndef EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_

#include <sys/socket.h>

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

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_SOCKET_SYSTEM_H_
