// An allocator for tests that counts live blocks and fails on demand.
//
//   FailingAllocator allocator;
//   evnet_ring_init(&ring, allocator.get(), 0);
//   allocator.fail_at(2, false);
//
// New memory is filled with a pattern, so that no code relies on zeroes. It is aligned for any type
// and no more strictly, like large blocks of glibc. Releasing a block that is not live aborts the
// test. Released memory is filled with another pattern and kept for a while; a write to it aborts
// the test. The sanitizers of addresses and threads detect more, so under them memory is freed
// immediately. Thread-safe.
#ifndef EVNET_NET_BASE_TESTING_FAILING_ALLOCATOR_H_
#define EVNET_NET_BASE_TESTING_FAILING_ALLOCATOR_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "net/base/memory.h"
#include "net/base/testing/sanitizers.h"

class FailingAllocator {
 public:
  FailingAllocator() : hook_{&FailingAllocator::Allocate, &FailingAllocator::Release, this} {}
  FailingAllocator(const FailingAllocator &) = delete;
  FailingAllocator &operator=(const FailingAllocator &) = delete;
  ~FailingAllocator() {
    while (!released_.empty()) FreeOldest();
  }

  // The allocator; valid as long as this object.
  const evnet_allocator *get() const { return &hook_; }

  // Makes the n-th allocation from now fail; 1 is the next one, 0 means none. With `forever`, all
  // later allocations fail too.
  void fail_at(size_t n, bool forever) {
    std::lock_guard<std::mutex> lock(mutex_);
    fail_at_ = n == 0 ? 0 : allocations_ + n;
    forever_ = forever;
  }

  // The number of allocations, including failed ones.
  size_t allocations() const { return Locked(allocations_); }
  // The number of failed allocations.
  size_t failures() const { return Locked(failures_); }
  // The memory that is allocated now.
  size_t live_bytes() const { return Locked(live_bytes_); }
  size_t live_blocks() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return live_.size();
  }
  // The highest value of live_bytes() so far.
  size_t peak_bytes() const { return Locked(peak_bytes_); }

 private:
  size_t Locked(const size_t &value) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return value;
  }

  static void *Allocate(size_t size, void *user) {
    return static_cast<FailingAllocator *>(user)->Allocate(size);
  }

  static void Release(void *pointer, void *user) {
    static_cast<FailingAllocator *>(user)->Release(pointer);
  }

  void *Allocate(size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    allocations_++;
    const bool fails =
        fail_at_ != 0 && (allocations_ == fail_at_ || (forever_ && allocations_ > fail_at_));
    void *pointer = fails ? nullptr : AllocateBadlyAligned(size);
    if (pointer == nullptr) {
      failures_++;
      return nullptr;
    }
    memset(pointer, 0xA5, size);
    live_[pointer] = size;
    live_bytes_ += size;
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
    return pointer;
  }

  void Release(void *pointer) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(pointer);
    if (found == live_.end()) {
      fprintf(stderr, "FailingAllocator: %p is released, but not live\n", pointer);
      abort();
    }
    const size_t size = found->second;
    live_bytes_ -= size;
    live_.erase(found);
    if (!kKeepsReleased || size > kKeptBytesMax) {
      free(static_cast<char *>(pointer) - kOffset);
      return;
    }
    memset(pointer, kReleased, size);
    released_.emplace_back(static_cast<unsigned char *>(pointer), size);
    if (released_.size() > kKeptMax) FreeOldest();
  }

  void FreeOldest() {
    const auto [bytes, size] = released_.front();
    released_.pop_front();
    for (size_t i = 0; i < size; i++) {
      if (bytes[i] == kReleased) continue;
      fprintf(stderr, "FailingAllocator: byte %zu of %zu was written after the release\n", i, size);
      abort();
    }
    free(bytes - kOffset);
  }

  static constexpr size_t kOffset = alignof(max_align_t);
  static constexpr unsigned char kReleased = 0xDB;
  static constexpr size_t kKeptMax = 256;  // blocks
  static constexpr size_t kKeptBytesMax = 4096;
  static constexpr bool kKeepsReleased = !evnet_testing::kIsSanitized;

  static void *AllocateBadlyAligned(size_t size) {
    void *start;
    if (size > SIZE_MAX - kOffset || posix_memalign(&start, 4096, size + kOffset) != 0)
      return nullptr;
    return static_cast<char *>(start) + kOffset;
  }

  const evnet_allocator hook_;
  mutable std::mutex mutex_;
  std::unordered_map<void *, size_t> live_;
  std::deque<std::pair<unsigned char *, size_t>> released_;  // the oldest first
  size_t live_bytes_ = 0;
  size_t peak_bytes_ = 0;
  size_t allocations_ = 0;
  size_t failures_ = 0;
  size_t fail_at_ = 0;  // the value of allocations_ that fails; 0: none
  bool forever_ = false;
};

#endif  // EVNET_NET_BASE_TESTING_FAILING_ALLOCATOR_H_
