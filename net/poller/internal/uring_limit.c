// RLIMIT_MEMLOCK. Without CAP_IPC_LOCK the kernel counts the memory of a user's rings against it
// (io_uring_setup(2), ENOMEM): about 200 KiB for each ring, until the kernel has freed the ring.
// That happens about 30 ms after close (Linux 6.18). Creating rings as fast as they are closed
// therefore fails at times, so evnet waits and retries.
#include "net/poller/internal/uring_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "net/base/clock.h"
#include "net/poller/internal/uring.h"

enum {
  NAP_NS = 10000000,
  NAPS_MAX = 5,  // wait for rings of other processes
  // Wait this long after this process closed a ring, because a busy machine takes long to free it.
  OWN_CLOSE_MS = 1000,
};

// Atomic. A ring that this process has closed may exist until this time.
static uint64_t closing_until_ns;

void uring_note_closed_ring(void) {
  uint64_t until_ns = evnet_clock_now_ns() + (uint64_t)OWN_CLOSE_MS * 1000000;
  __atomic_store_n(&closing_until_ns, until_ns, __ATOMIC_RELAXED);
}

bool uring_wait_for_memory(int status, int *tries) {
  if (status != -ENOMEM) return false;
  bool own = evnet_clock_now_ns() < __atomic_load_n(&closing_until_ns, __ATOMIC_RELAXED);
  if (++*tries > NAPS_MAX && !own) return false;
  const struct timespec nap = {.tv_nsec = NAP_NS};
  (void)nanosleep(&nap, NULL);
  return true;
}

// Whether the limit does not apply to this thread.
static bool may_lock_all(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK);
}

const char *evnet_uring_memory_message(void) {
  static _Thread_local char text[160];
  struct rlimit limit;
  bool limited = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (!limited || may_lock_all()) return NULL;
  (void)snprintf(text, sizeof text,
                 "io_uring finds no memory that it may lock: RLIMIT_MEMLOCK is %" PRIu64
                 " bytes, and each reactor takes about 220 KiB of it (ulimit -l)",
                 (uint64_t)limit.rlim_cur);
  return text;
}
