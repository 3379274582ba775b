// What systems disagree on about Unix sockets, one file each: unix_linux.c, and unix_bsd.c for
// macOS and the BSDs. BUILD.bazel chooses.
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

// Whether there are names without a file.
extern const bool evnet_unix_system_abstract_names;

// Receives from a Unix stream; descriptors that come along are closed.
//
//   out_split  whether more may stand behind what was received, though it is less than asked for.
//
// Returns: bytes; 0: the peer's end.
// Errors:  -errno of recvmsg(2); -EINTR is the caller's to retry.
int64_t evnet_unix_system_recv(int descriptor, void *out_data, size_t size, bool *out_split);

// Sets the permission bits of the file that bind(2) made; it does not follow a symbolic link. The
// caller has the path's lock.
//
//   made  of the file, by lstat(2).
//
// Returns: 0.
// Errors:  -ESTALE if another file is there; -errno of chmod(2).
int evnet_unix_system_chmod(const char *path, const struct stat *made, mode_t mode);

// Who made the connection. Returns 0 or -errno.
int evnet_unix_system_credentials(int descriptor, struct evnet_credentials *out_credentials);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_UNIX_SYSTEM_H_
