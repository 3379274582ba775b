// The implementation for macOS and the BSDs.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/server/internal/affinity.h"
#include "net/server/internal/cpus.h"

namespace {

TEST(AffinityBsd, ThereIsAtLeastOneCpuAndNoQuota) {
  EXPECT_GE(evnet_cpu_count(), 1);
  EXPECT_EQ(evnet_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"), 0);
}

TEST(AffinityBsd, NothingIsPinned) {
  evnet_affinity *before;
  EXPECT_EQ(evnet_thread_pin(0, &before), -EOPNOTSUPP);
  evnet_thread_unpin(before);
}

}  // namespace
