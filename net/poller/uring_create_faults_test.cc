// Creating an io_uring poller fails, because the n-th system call that it needs fails. The caller
// gets the error, and nothing is left.
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <utility>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/poller/poller.h"

namespace {

int eventfd_error;   // errno of every eventfd(2); 0: none
int register_error;  // errno of registering a ring of buffers; 0: none
int register_naps;   // the number of registrations that first fail with ENOMEM
int ring_error;      // errno of creating a ring; 0: none
int mappings_left;   // mmap(2) calls up to one that fails; 0: none fails

}  // namespace

extern "C" {

struct io_uring;
struct io_uring_buf_reg;
struct io_uring_params;

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);

int __wrap_eventfd(unsigned value, int flags) {
  if (eventfd_error == 0) return __real_eventfd(value, flags);
  errno = eventfd_error;
  return -1;
}

int __real_io_uring_register_buf_ring(io_uring *ring, io_uring_buf_reg *reg, unsigned flags);
int __wrap_io_uring_register_buf_ring(io_uring *ring, io_uring_buf_reg *reg, unsigned flags);

int __wrap_io_uring_register_buf_ring(io_uring *ring, io_uring_buf_reg *reg, unsigned flags) {
  if (register_naps > 0) {
    register_naps--;
    return -ENOMEM;
  }
  return register_error != 0 ? -register_error
                             : __real_io_uring_register_buf_ring(ring, reg, flags);
}

int __real_io_uring_queue_init_params(unsigned entries, io_uring *ring, io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, io_uring *ring, io_uring_params *params);

int __wrap_io_uring_queue_init_params(unsigned entries, io_uring *ring, io_uring_params *params) {
  return ring_error != 0 ? -ring_error : __real_io_uring_queue_init_params(entries, ring, params);
}

void *__real_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset);

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                  off_t offset) {
  if (mappings_left == 0 || --mappings_left > 0)
    return __real_mmap(address, size, protection, flags, descriptor, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

}  // extern "C"

namespace evnet_testing {
namespace {

size_t CountDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

class UringCreateFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.backend = EVNET_BACKEND_IO_URING;
    options_.handles_max = 64;
    options_.recv_bytes_max = 65536;
    options_.allocator = allocator_.get();
    evnet_poller *poller = nullptr;
    const int status = evnet_poller_create(&options_, &poller);
    if (status < 0) GTEST_SKIP() << "no io_uring here: " << evnet_status_name(status);
    evnet_poller_destroy(poller);
  }

  FailingAllocator allocator_;
  evnet_poller_options options_ = {};
};

TEST_F(UringCreateFaults, OfEventfdReachTheCaller) {
  const size_t descriptors = CountDescriptors();
  for (const int error : {EMFILE, ENFILE, ENODEV, ENOMEM}) {
    eventfd_error = error;
    evnet_poller *poller = nullptr;
    EXPECT_EQ(evnet_poller_create(&options_, &poller), -error);
    EXPECT_EQ(poller, nullptr);
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  }
  eventfd_error = 0;
}

TEST_F(UringCreateFaults, OfAKernelWithoutRingsOfBuffersReachTheCaller) {
  const size_t descriptors = CountDescriptors();
  const std::pair<int, int> faults[] = {{EINVAL, -ENOSYS}, {ENOSYS, -ENOSYS}, {EFAULT, -EFAULT}};
  for (const auto &[error, status] : faults) {
    register_error = error;
    evnet_poller *poller = nullptr;
    EXPECT_EQ(evnet_poller_create(&options_, &poller), status);
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  }
  register_error = 0;
}

TEST_F(UringCreateFaults, OfAKernelWithoutTheFlagsOfTheRingReachTheCaller) {
  const size_t descriptors = CountDescriptors();
  const std::pair<int, int> faults[] = {{EINVAL, -ENOSYS}, {EPERM, -EPERM}, {EMFILE, -EMFILE}};
  for (const auto &[error, status] : faults) {
    ring_error = error;
    evnet_poller *poller = nullptr;
    EXPECT_EQ(evnet_poller_create(&options_, &poller), status);
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  }
  ring_error = 0;
}

TEST_F(UringCreateFaults, OfAddressSpaceReachTheCaller) {
  const size_t descriptors = CountDescriptors();
  int n = 0;
  int status;
  do {
    mappings_left = ++n;
    evnet_poller *poller = nullptr;
    status = evnet_poller_create(&options_, &poller);
    EXPECT_TRUE(status == 0 || status == -ENOMEM) << evnet_status_name(status);
    if (status == 0) evnet_poller_destroy(poller);
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  } while (status < 0 && n < 100);
  mappings_left = 0;
  EXPECT_GT(n, 4);
}

// All other tests over io_uring are skipped if a poller cannot be created.
TEST(UringCreate, WhereTheKernelMakesSuchARingAPollerIsMade) {
  io_uring ring;
  io_uring_params params = {};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  const int refused = __real_io_uring_queue_init_params(8, &ring, &params);
  if (refused < 0) GTEST_SKIP() << "no io_uring here: " << evnet_status_name(refused);
  io_uring_queue_exit(&ring);
  evnet_poller_options options = {};
  options.backend = EVNET_BACKEND_IO_URING;
  evnet_poller *poller = nullptr;
  EXPECT_EQ(evnet_poller_create(&options, &poller), 0);
  evnet_poller_destroy(poller);
}

// For example, the kernel has not yet freed a ring that was closed.
TEST_F(UringCreateFaults, MemoryThatIsFreeSoonIsWaitedFor) {
  register_naps = 3;
  evnet_poller *poller = nullptr;
  ASSERT_EQ(evnet_poller_create(&options_, &poller), 0);
  EXPECT_EQ(register_naps, 0);
  evnet_poller_destroy(poller);
}

// Returns the bytes of address space in use.
size_t AddressSpace() {
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  EXPECT_NE(file, nullptr);
  EXPECT_EQ(fscanf(file, "%zu", &pages), 1);
  fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(UringCreateFaults, OfManyThatComeAndGoNothingStaysReserved) {
  size_t before = 0;
  for (int i = 0; i < 10; i++) {
    evnet_poller *poller = nullptr;
    ASSERT_EQ(evnet_poller_create(&options_, &poller), 0);
    evnet_poller_destroy(poller);
    if (i == 0) before = AddressSpace();
  }
  EXPECT_LT(AddressSpace(), before + (2u << 20));
}

TEST_F(UringCreateFaults, OfMemoryReachTheCaller) {
  const size_t descriptors = CountDescriptors();
  evnet_poller *poller = nullptr;
  size_t n = 0;
  int status;
  do {
    allocator_.fail_at(++n, false);
    status = evnet_poller_create(&options_, &poller);
    EXPECT_TRUE(status == 0 || status == -ENOMEM) << evnet_status_name(status);
    if (status == 0) evnet_poller_destroy(poller);
    EXPECT_EQ(CountDescriptors(), descriptors);
    EXPECT_EQ(allocator_.live_blocks(), 0u);
  } while (status < 0 && n < 100);
  EXPECT_GT(n, 1u);
}

}  // namespace
}  // namespace evnet_testing
