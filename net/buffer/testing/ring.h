// Helpers for tests of the ring.
#ifndef EVNET_NET_BUFFER_TESTING_RING_H_
#define EVNET_NET_BUFFER_TESTING_RING_H_

#include "net/buffer/ring.h"

#include <stddef.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"

namespace evnet_testing {

constexpr size_t kMin = EVNET_RING_BYTES_MIN;
// The memory that a ring allocates beyond its capacity.
constexpr size_t kSpare = EVNET_BLOCK_SPARE_BYTES;

// A ring with a counting allocator. The destructor checks that all memory was released.
class Ring {
 public:
  explicit Ring(size_t bytes_max = 0) { evnet_ring_init(&ring, allocator.get(), bytes_max); }
  ~Ring() {
    evnet_ring_deinit(&ring);
    EXPECT_EQ(allocator.live_blocks(), 0u);
  }
  Ring(const Ring &) = delete;
  Ring &operator=(const Ring &) = delete;

  int Append(const std::string &bytes) {
    return evnet_ring_append(&ring, bytes.data(), bytes.size());
  }

  std::string Read(size_t size) {
    std::string out(size, '\0');
    out.resize(evnet_ring_read(&ring, &out[0], size));
    return out;
  }

  // All unread bytes, read through the two spans.
  std::string Held() const {
    evnet_bytes spans[2];
    evnet_ring_peek_pair(&ring, spans);
    return Text(spans[0]) + Text(spans[1]);
  }

  bool Wraps() const {
    evnet_bytes spans[2];
    evnet_ring_peek_pair(&ring, spans);
    return spans[1].size != 0;
  }

  static std::string Text(const evnet_bytes &span) {
    return std::string(reinterpret_cast<const char *>(span.data), span.size);
  }

  FailingAllocator allocator;
  evnet_ring ring;
};

// Bytes with a period of 251, a prime, so that a misplaced range differs from the expected one.
inline std::string Pattern(size_t size, size_t start = 0) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; i++) out[i] = static_cast<char>((start + i) % 251);
  return out;
}

// Fills the smallest block so that `wrapped` of `size` bytes are past its end. Returns the bytes.
inline std::string FillWrapped(Ring *ring, size_t size, size_t wrapped) {
  EXPECT_EQ(ring->Append(Pattern(kMin)), 0);
  ring->Read(kMin - size + wrapped);
  EXPECT_EQ(ring->Append(Pattern(wrapped, kMin)), 0);
  EXPECT_TRUE(ring->Wraps());
  EXPECT_EQ(ring->ring.capacity, kMin);
  return Pattern(size, kMin - size + wrapped);
}

}  // namespace evnet_testing

#endif  // EVNET_NET_BUFFER_TESTING_RING_H_
