// A span of bytes that somebody else owns.
#ifndef EVNET_NET_BASE_BYTES_H_
#define EVNET_NET_BASE_BYTES_H_

#include <stddef.h>
#include <stdint.h>

// All zero is the empty span; data may be NULL only when size is 0.
struct evnet_bytes {
  const uint8_t *data;
  size_t size;
};

#endif  // EVNET_NET_BASE_BYTES_H_
