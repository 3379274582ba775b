// CPUs and threads as macOS and the BSDs have them.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/server/internal/cpus.h"
#include "net/server/internal/threads.h"

namespace {

TEST(ThreadsBsd, ThereIsAtLeastOneCpuAndNoQuota) {
  EXPECT_GE(evnet_cpu_count(), 1);
  EXPECT_EQ(evnet_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"), 0);
}

TEST(ThreadsBsd, NothingIsPinned) {
  evnet_affinity *before;
  EXPECT_EQ(evnet_thread_pin(0, &before), -EOPNOTSUPP);
  evnet_thread_unpin(before);
  evnet_thread_set_name("nobody", 1);
}

}  // namespace
