// Random numbers from the system. entropy_posix.c is for systems that declare getentropy in
// <unistd.h>, as POSIX.1-2024 does (Linux, the BSDs); entropy_darwin.c is for macOS. BUILD.bazel
// selects the file.
#ifndef EVNET_NET_BASE_INTERNAL_ENTROPY_H_
#define EVNET_NET_BASE_INTERNAL_ENTROPY_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Fills at most 256 bytes. Returns 0 or -errno.
int evnet_entropy(void *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_BASE_INTERNAL_ENTROPY_H_
