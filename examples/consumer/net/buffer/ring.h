// The consumer's own net/buffer/ring.h. evnet has a header with the same path.

#ifndef NET_BUFFER_RING_H_
#define NET_BUFFER_RING_H_

#define RING_PREFIX "hello, "

enum { RING_PREFIX_BYTES = sizeof RING_PREFIX - 1 };

#endif  // NET_BUFFER_RING_H_
