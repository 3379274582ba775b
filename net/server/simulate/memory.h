// The server's allocator in a simulation. It counts and poisons memory, and sometimes fails.
#ifndef EVNET_NET_SERVER_SIMULATE_MEMORY_H_
#define EVNET_NET_SERVER_SIMULATE_MEMORY_H_

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "net/base/memory.h"
#include "net/poller/testing/sim.h"

namespace evnet_simulation {

class Memory {
 public:
  explicit Memory(evnet_sim *sim) : sim_(sim), hook_{&Memory::Allocate, &Memory::Release, this} {}
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  const evnet_allocator *hook() const { return &hook_; }
  void set_failures(uint32_t thousandths) { failures_ = thousandths; }

  size_t live_blocks() const { return live_blocks_; }
  size_t live_bytes() const { return live_bytes_; }
  size_t peak_bytes() const { return peak_bytes_; }
  uint64_t failed() const { return failed_; }  // number of failed allocations

 private:
  struct Head {
    uint64_t size;
    uint64_t mark;
  };
  static constexpr uint64_t kLive = 0x6c6976656c697665;
  static constexpr uint64_t kFree = 0x6672656566726565;

  static void *Allocate(size_t size, void *user) {
    Memory *self = static_cast<Memory *>(user);
    Head *head = nullptr;
    if (!evnet_sim_chance(self->sim_, self->failures_))
      head = static_cast<Head *>(malloc(sizeof(Head) + size));
    if (head == nullptr) {
      evnet_sim_note(self->sim_, "no memory", static_cast<int64_t>(size), 0, 0);
      self->failed_++;
      return nullptr;
    }
    *head = {size, kLive};
    memset(head + 1, 0xa5, std::min<size_t>(size, 512));
    self->live_blocks_++;
    self->live_bytes_ += size;
    self->peak_bytes_ = std::max(self->peak_bytes_, self->live_bytes_);
    return head + 1;
  }

  static void Release(void *pointer, void *user) {
    Memory *self = static_cast<Memory *>(user);
    Head *head = static_cast<Head *>(pointer) - 1;
    if (head->mark != kLive) {
      evnet_sim_fail(self->sim_, "a release of memory that is not allocated");
      return;
    }
    head->mark = kFree;
    self->live_blocks_--;
    self->live_bytes_ -= head->size;
    memset(pointer, 0x5a, std::min<size_t>(head->size, 512));
    free(head);
  }

  evnet_sim *const sim_;
  const evnet_allocator hook_;
  uint32_t failures_ = 0;
  size_t live_blocks_ = 0;
  size_t live_bytes_ = 0;
  size_t peak_bytes_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_MEMORY_H_
