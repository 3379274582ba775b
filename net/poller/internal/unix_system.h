// The parts of Unix sockets that differ between systems: unix_linux.c, and unix_bsd.c for macOS and
// the BSDs. BUILD.bazel selects one.
#ifndef EVNET_NET_POLLER_INTERNAL_UNIX_SYSTEM_H_
#define EVNET_NET_POLLER_INTERNAL_UNIX_SYSTEM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "net/base/credentials.h"

#ifdef __cplusplus
extern "C" {
#endif

// Whether the system has abstract names, which have no file.
extern const bool evnet_unix_system_abstract_names;

// For recvmsg(2): received descriptors are not inherited by programs. 0 if the system has no such
// flag.
extern const int evnet_unix_system_receive_flags;

// Receives from a Unix stream. Descriptors that are received are closed.
//
//   out_split  whether more data may follow, although less than requested was received.
//
// Returns: the bytes received; 0 for EOF.
// Errors:  -errno of recvmsg(2); it does not retry after EINTR, the caller does.
int64_t evnet_unix_system_recv(int descriptor, void *out_data, size_t size, bool *out_split);

// Sets the permission bits of the file that bind(2) made. It does not follow a symbolic link. The
// caller holds the path's lock.
//
//   made  the file's status by lstat(2).
//
// Returns: 0.
// Errors:  -ESTALE if another file is at the path.
//          -errno of chmod(2).
int evnet_unix_system_chmod(const char *path, const struct stat *made, mode_t mode);

// Stores the user, group and process that made the connection. Returns 0 or -errno.
int evnet_unix_system_credentials(int descriptor, struct evnet_credentials *out_credentials);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_UNIX_SYSTEM_H_
