// macOS declares getentropy(2) in <sys/random.h>.
#include <errno.h>
#include <sys/random.h>

#include "net/base/internal/entropy.h"

int evnet_entropy(void *out, size_t size) { return getentropy(out, size) == 0 ? 0 : -errno; }
