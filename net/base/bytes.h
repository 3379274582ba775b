// A span of bytes that it does not own.
#ifndef EVNET_NET_BASE_BYTES_H_
#define EVNET_NET_BASE_BYTES_H_

#include <stddef.h>
#include <stdint.h>

// A span; all zero is the empty one.
struct evnet_bytes {
  const uint8_t *data;  // size bytes; may be NULL if size is 0
  size_t size;          // in bytes
};

#endif  // EVNET_NET_BASE_BYTES_H_
