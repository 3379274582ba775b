// How many CPUs a server may keep busy on macOS and the BSDs.
#include "gtest/gtest.h"
#include "net/server/internal/cpus.h"

namespace {

TEST(CpusBsd, ThereIsAtLeastOneAndNoQuota) {
  EXPECT_GE(evnet_cpu_count(), 1);
  EXPECT_EQ(evnet_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"), 0);
}

}  // namespace
