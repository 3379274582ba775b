// The system's random numbers, one file each: entropy_posix.c where getentropy is in <unistd.h>, as
// POSIX.1-2024 has it (Linux, the BSDs), entropy_darwin.c for macOS. BUILD.bazel chooses.
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
