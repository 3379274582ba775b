// macOS declares getentropy(2) in <sys/random.h>, which needs <sys/types.h> before it until macOS 11.
#include <errno.h>
#include <sys/types.h>

#include <sys/random.h>

#include "net/base/internal/entropy.h"

int evnet_entropy(void *out, size_t size) { return getentropy(out, size) == 0 ? 0 : -errno; }
