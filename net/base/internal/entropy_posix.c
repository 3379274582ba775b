#include <errno.h>
#include <unistd.h>

#include "net/base/internal/entropy.h"

int evnet_entropy(void *out, size_t size) { return getentropy(out, size) == 0 ? 0 : -errno; }
