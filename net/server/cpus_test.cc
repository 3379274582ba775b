// The number of CPUs that a process may use, for cgroup trees of both versions made of files.
#include "net/server/internal/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

// A tree of files in a temporary directory.
class Cpus : public testing::Test {
 protected:
  Cpus() {
    std::string path = testing::TempDir() + "/cpus_XXXXXX";
    EXPECT_NE(mkdtemp(&path[0]), nullptr);
    root_ = path;
  }
  ~Cpus() override {
    EXPECT_EQ(OpenDescriptors(), descriptors_) << "a file stays open";
    std::filesystem::remove_all(root_);
  }

  static size_t OpenDescriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  void File(const std::string &path, const std::string &text) {
    const std::filesystem::path full = root_ + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  long Quota() { return evnet_cpu_quota((root_ + "/self").c_str(), (root_ + "/fs").c_str()); }

  std::string root_;
  const size_t descriptors_ = OpenDescriptors();
};

TEST_F(Cpus, NoFilesMeanNoQuota) { EXPECT_EQ(Quota(), 0); }

TEST_F(Cpus, Version2HasQuotaAndPeriodInOneFile) {
  File("self", "0::/app\n");
  File("fs/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(Quota(), 1500);
}

TEST_F(Cpus, Version2MaxIsNoQuota) {
  File("self", "0::/app\n");
  File("fs/app/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(Cpus, Version2TakesTheSmallestOnTheWayToTheRoot) {
  File("self", "0::/a/b/c\n");
  File("fs/a/b/c/cpu.max", "400000 100000\n");
  File("fs/a/b/cpu.max", "max 100000\n");
  File("fs/a/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2000);
  File("fs/a/b/c/cpu.max", "50000 100000\n");
  EXPECT_EQ(Quota(), 500);
}

TEST_F(Cpus, Version2InANamespaceOfItsOwnReadsTheRoot) {
  File("self", "0::/\n");
  File("fs/cpu.max", "300000 100000\n");
  EXPECT_EQ(Quota(), 3000);
}

TEST_F(Cpus, Version1HasTwoFilesUnderItsController) {
  File("self", "12:memory:/other\n4:cpu,cpuacct:/app\n1:name=systemd:/x\n");
  File("fs/cpu/app/cpu.cfs_quota_us", "250000\n");
  File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 2500);
}

TEST_F(Cpus, Version1FindsItsControllerAnywhereInTheList) {
  for (const char *controllers : {"cpu", "cpu,cpuacct", "cpuacct,cpu", "cpuset,cpu,cpuacct"}) {
    SCOPED_TRACE(controllers);
    File("self", "3:cpuset:/no\n2:cpuacct:/no\n4:" + std::string(controllers) + ":/app\n");
    File("fs/cpu/app/cpu.cfs_quota_us", "100000\n");
    File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(Quota(), 1000);
  }
}

TEST_F(Cpus, Version1PassesOverOtherControllersOfThreeLetters) {
  File("self", "3:abc:/no\n4:cpu:/app\n");
  File("fs/cpu/app/cpu.cfs_quota_us", "100000\n");
  File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 1000);
}

TEST_F(Cpus, Version1FilesWithoutANumberAreNoQuota) {
  File("self", "4:cpu:/app\n");
  File("fs/cpu/app/cpu.cfs_quota_us", "max\n");
  File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(Cpus, OfSeveralLinesOfVersion2TheFirstCounts) {
  File("self", "0::/app\n0::/no\n");
  File("fs/app/cpu.max", "100000 100000\n");
  File("fs/no/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 1000);
}

TEST_F(Cpus, Version1MinusOneIsNoQuota) {
  File("self", "4:cpu:/app\n");
  File("fs/cpu/app/cpu.cfs_quota_us", "-1\n");
  File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(Cpus, Version1TakesTheSmallestOnTheWayToTheRoot) {
  File("self", "4:cpu:/a/b\n0::/elsewhere\n");
  File("fs/cpu/a/b/cpu.cfs_quota_us", "400000\n");
  File("fs/cpu/a/b/cpu.cfs_period_us", "100000\n");
  File("fs/cpu/a/cpu.cfs_quota_us", "100000\n");
  File("fs/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 1000);
}

TEST_F(Cpus, TheControllerOfVersion1WinsOverVersion2WhereBothAreMounted) {
  File("self", "0::/unified\n4:cpu:/app\n");
  File("fs/unified/cpu.max", "100000 100000\n");
  File("fs/cpu/app/cpu.cfs_quota_us", "300000\n");
  File("fs/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 3000);
}

TEST_F(Cpus, GarbageIsNoQuota) {
  for (const char *text :
       {"", "\n", "x y\n", "100000\n", "100000 0\n", "0 100000\n", "-5 100000\n", "100000 -1\n"}) {
    SCOPED_TRACE(text);
    File("self", "0::/app\n");
    File("fs/app/cpu.max", text);
    EXPECT_EQ(Quota(), 0);
  }
  for (const char *text : {"", "\n", "::", "0", "0:", "garbage\n", ":\n", "0:memory\n"}) {
    SCOPED_TRACE(text);
    File("self", text);
    EXPECT_EQ(Quota(), 0);
  }
}

TEST_F(Cpus, APathTooLongIsNoQuota) {
  File("self", "0::/" + std::string(3000, 'a') + "/" + std::string(3000, 'b') + "\n");
  EXPECT_EQ(Quota(), 0);
  // The path of version 2 is short enough, and those of version 1 are not.
  const size_t group_bytes = PATH_MAX - 1 - (root_ + "/fs/cpu.max").size();
  File("self", "4:cpu:/" + std::string(group_bytes - 1, 'a') + "\n");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(Cpus, AVeryLargeQuotaDoesNotOverflow) {
  File("self", "0::/app\n");
  File("fs/app/cpu.max", "9223372036854775807 100000\n");
  EXPECT_GE(Quota(), 0);
}

TEST(CpuCount, IsAtLeastOneAndAtMostTheAffinityMasks) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_GE(evnet_cpu_count(), 1);
  EXPECT_LE(evnet_cpu_count(), CPU_COUNT(&set));
}

}  // namespace
}  // namespace evnet_testing
