#include "net/server/server.h"

#include "net/buffer/ring.h"

size_t server_reply_size(size_t name_size) { return RING_PREFIX_BYTES + name_size; }
