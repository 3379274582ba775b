#include "net/base/memory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"

namespace {

bool AllZero(const void *pointer, size_t size) {
  const char *bytes = static_cast<const char *>(pointer);
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

TEST(Memory, WithoutAHookItIsMalloc) {
  const evnet_allocator none = {};
  for (const evnet_allocator *allocator : {static_cast<const evnet_allocator *>(nullptr), &none}) {
    void *pointer = evnet_allocate(allocator, 100);
    ASSERT_NE(pointer, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % alignof(max_align_t), 0u);
    memset(pointer, 1, 100);
    evnet_release(allocator, pointer);

    pointer = evnet_allocate_zeroed(allocator, 100);
    ASSERT_NE(pointer, nullptr);
    EXPECT_TRUE(AllZero(pointer, 100));
    evnet_release(allocator, pointer);
    evnet_release(allocator, nullptr);
  }
}

TEST(Memory, TheHookGivesAndTakesEveryBlock) {
  FailingAllocator allocator;
  void *plain = evnet_allocate(allocator.get(), 100);
  ASSERT_NE(plain, nullptr);
  EXPECT_FALSE(AllZero(plain, 100));  // the allocator fills new memory with a pattern
  void *zeroed = evnet_allocate_zeroed(allocator.get(), 50);
  ASSERT_NE(zeroed, nullptr);
  EXPECT_TRUE(AllZero(zeroed, 50));
  EXPECT_EQ(allocator.live_bytes(), 150u);
  evnet_release(allocator.get(), nullptr);
  evnet_release(allocator.get(), plain);
  evnet_release(allocator.get(), zeroed);
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

TEST(Memory, AHookWithoutMemoryGivesNull) {
  FailingAllocator allocator;
  allocator.fail_at(1, true);
  EXPECT_EQ(evnet_allocate(allocator.get(), 1), nullptr);
  EXPECT_EQ(evnet_allocate_zeroed(allocator.get(), 1), nullptr);
}

TEST(Block, BeginsOnACacheLineOfItsOwnWhateverTheHookGives) {
  FailingAllocator badly_aligned;
  for (const evnet_allocator *allocator : {badly_aligned.get(), (const evnet_allocator *)nullptr}) {
    for (const size_t size : {size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{256} << 10}) {
      void *block = evnet_block_allocate(allocator, size);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % EVNET_BLOCK_ALIGNMENT, 0u) << size;
      memset(block, 1, size);  // a sanitizer reports a block that is too small
      evnet_block_release(allocator, block);
    }
    evnet_block_release(allocator, nullptr);
  }
  EXPECT_EQ(badly_aligned.live_blocks(), 0u);
}

TEST(Block, WithoutMemoryItIsNull) {
  FailingAllocator allocator;
  EXPECT_EQ(evnet_block_allocate(allocator.get(), SIZE_MAX), nullptr);
  allocator.fail_at(1, true);
  EXPECT_EQ(evnet_block_allocate(allocator.get(), 1), nullptr);
}

TEST(Block, AlignGivesTheFirstMultipleFromTheStartOn) {
  alignas(EVNET_BLOCK_ALIGNMENT) uint8_t bytes[2 * EVNET_BLOCK_ALIGNMENT];
  EXPECT_EQ(evnet_block_align(bytes), bytes);
  EXPECT_EQ(evnet_block_align(bytes + 1), bytes + EVNET_BLOCK_ALIGNMENT);
  EXPECT_EQ(evnet_block_align(bytes + EVNET_BLOCK_ALIGNMENT - 1), bytes + EVNET_BLOCK_ALIGNMENT);
}

TEST(Pages, ReadAsZeroAndCanBeWritten) {
  const size_t size = 10 * 4096 + 1;
  char *pages = static_cast<char *>(evnet_pages_reserve(size));
  ASSERT_NE(pages, nullptr);
  EXPECT_TRUE(AllZero(pages, size));
  memset(pages, 1, size);
  evnet_pages_release(pages, size);
  evnet_pages_release(nullptr, size);
}

#ifdef __linux__
size_t ResidentBytes(void *pages, size_t size) {
  const size_t page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((size + page_bytes - 1) / page_bytes);
  EXPECT_EQ(mincore(pages, size, resident.data()), 0);
  size_t out = 0;
  for (const unsigned char each : resident) out += (each & 1) * page_bytes;
  return out;
}

TEST(Pages, CostMemoryOnlyWhereTheyAreTouched) {
  const size_t size = size_t{256} << 20;
  char *pages = static_cast<char *>(evnet_pages_reserve(size));
  ASSERT_NE(pages, nullptr);
  EXPECT_EQ(ResidentBytes(pages, size), 0u);
  for (int i = 0; i < 10; i++) pages[static_cast<size_t>(i) * (size_t{16} << 20)] = 1;
  EXPECT_EQ(ResidentBytes(pages, size), 10 * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  evnet_pages_release(pages, size);
}

// Returns the flags of the mapping that begins at `pages` (proc_pid_smaps(5)).
std::string MappingFlags(const void *pages) {
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool is_there = false;
  while (std::getline(smaps, line)) {
    uintptr_t first = 0, end = 0;
    if (sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2)
      is_there =
          first <= reinterpret_cast<uintptr_t>(pages) && reinterpret_cast<uintptr_t>(pages) < end;
    if (is_there && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return "";
}

TEST(Pages, AreNeverHuge) {
  if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0)
    GTEST_SKIP() << "this kernel has no transparent huge pages";
  const size_t size = size_t{8} << 20;
  void *pages = evnet_pages_reserve(size);
  ASSERT_NE(pages, nullptr);
  EXPECT_NE(MappingFlags(pages).find(" nh "), std::string::npos) << MappingFlags(pages);
  evnet_pages_release(pages, size);
}
#endif

TEST(Pages, AReleaseUnmaps) {
  const size_t size = 1 << 20;
  void *pages = evnet_pages_reserve(size);
  ASSERT_NE(pages, nullptr);
  evnet_pages_release(pages, size);
  EXPECT_EQ(msync(pages, size, MS_ASYNC), -1);  // ENOMEM: not mapped
}

#ifdef RLIMIT_AS
TEST(AddressSpace, IsTheLimitOfTheProcess) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = rlim_t{1} << 45;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &lower), 0);
  const size_t limited = evnet_address_space_max();
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(limited, size_t{1} << 45);
  if (before.rlim_cur == RLIM_INFINITY) {
    EXPECT_EQ(evnet_address_space_max(), SIZE_MAX);
  }
}
#endif

TEST(Pages, WhatNoAddressSpaceHoldsIsRefused) {
  EXPECT_EQ(evnet_pages_reserve(SIZE_MAX / 2), nullptr);
}

// Other tests rely on this helper.
TEST(FailingAllocator, FailsTheNthFromNowOnOnceOrForever) {
  for (const bool forever : {false, true}) {
    FailingAllocator allocator;
    std::string outcome;
    const auto allocate = [&] {
      void *pointer = evnet_allocate(allocator.get(), 8);
      outcome += pointer != nullptr ? '+' : '-';
      evnet_release(allocator.get(), pointer);
    };
    allocate();
    allocator.fail_at(2, forever);
    for (int i = 0; i < 4; i++) allocate();
    allocator.fail_at(0, true);
    allocate();
    EXPECT_EQ(outcome, forever ? "++---+" : "++-+++");
    EXPECT_EQ(allocator.allocations(), 6u);
    EXPECT_EQ(allocator.failures(), forever ? 3u : 1u);
  }
}

TEST(FailingAllocator, CountsWhatIsLive) {
  FailingAllocator allocator;
  void *a = evnet_allocate(allocator.get(), 10);
  void *b = evnet_allocate(allocator.get(), 20);
  EXPECT_EQ(allocator.live_blocks(), 2u);
  EXPECT_EQ(allocator.live_bytes(), 30u);
  evnet_release(allocator.get(), a);
  EXPECT_EQ(allocator.live_bytes(), 20u);
  evnet_release(allocator.get(), b);
  EXPECT_EQ(allocator.live_bytes(), 0u);
  EXPECT_EQ(allocator.peak_bytes(), 30u);
}

TEST(FailingAllocatorDeathTest, AReleaseOfWhatIsNotLiveStopsTheTest) {
  FailingAllocator allocator;
  int local = 0;
  EXPECT_DEATH(evnet_release(allocator.get(), &local), "not live");
}

}  // namespace
