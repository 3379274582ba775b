// The number of CPUs when the system does not report it: wrapped functions of the kernel and the C
// library (the linker's --wrap) fail.
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/server/internal/affinity.h"
#include "net/server/internal/cpus.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

size_t mask_bytes_min;  // sched_getaffinity refuses a smaller mask
int getaffinity_error;  // errno of sched_getaffinity; 0 for none
thread_local int setaffinity_error;
bool has_no_memory;                        // calloc(3) fails
int allocations_of_sets_left;              // the n-th CPU_ALLOC fails; 0 for none
long cpus_online;                          // 0 for the system's number
std::map<std::string, std::string> files;  // by path; unless empty, no other files exist

}  // namespace

extern "C" {

int __real_sched_getaffinity(pid_t, size_t, cpu_set_t *);
int __wrap_sched_getaffinity(pid_t, size_t, cpu_set_t *);
int __real_sched_setaffinity(pid_t, size_t, const cpu_set_t *);
int __wrap_sched_setaffinity(pid_t, size_t, const cpu_set_t *);
cpu_set_t *__real___sched_cpualloc(size_t);
cpu_set_t *__wrap___sched_cpualloc(size_t);
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);
long __real_sysconf(int);
long __wrap_sysconf(int);
FILE *__real_fopen(const char *, const char *);
FILE *__wrap_fopen(const char *, const char *);

int __wrap_sched_getaffinity(pid_t thread, size_t size, cpu_set_t *set) {
  errno = getaffinity_error != 0 ? getaffinity_error : EINVAL;
  if (getaffinity_error != 0 || size < mask_bytes_min) return -1;
  return __real_sched_getaffinity(thread, size, set);
}

int __wrap_sched_setaffinity(pid_t thread, size_t size, const cpu_set_t *set) {
  if (setaffinity_error == 0) return __real_sched_setaffinity(thread, size, set);
  errno = setaffinity_error;
  return -1;
}

cpu_set_t *__wrap___sched_cpualloc(size_t count) {
  if (allocations_of_sets_left > 0 && --allocations_of_sets_left == 0) return nullptr;
  return __real___sched_cpualloc(count);
}

void *__wrap_calloc(size_t count, size_t size) {
  return has_no_memory ? nullptr : __real_calloc(count, size);
}

// ThreadSanitizer calls sysconf before it can run instrumented code.
#if defined(__clang__)
__attribute__((disable_sanitizer_instrumentation))
#endif
long __wrap_sysconf(int name) {
  return cpus_online != 0 && name == _SC_NPROCESSORS_ONLN ? cpus_online : __real_sysconf(name);
}

FILE *__wrap_fopen(const char *path, const char *mode) {
  if (files.empty()) return __real_fopen(path, mode);
  const auto found = files.find(path);
  if (found == files.end()) return nullptr;
  return fmemopen(&found->second[0], found->second.size(), "r");
}

}  // extern "C"

namespace evnet_testing {
namespace {

class CpusFaults : public testing::Test {
 protected:
  ~CpusFaults() override {
    mask_bytes_min = 0;
    getaffinity_error = setaffinity_error = 0;
    has_no_memory = false;
    allocations_of_sets_left = 0;
    cpus_online = 0;
    files.clear();
  }

  static std::vector<int> Mask() {
    cpu_set_t set;
    EXPECT_EQ(__real_sched_getaffinity(0, sizeof set, &set), 0);
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
  }

  // Returns the error of evnet_thread_pin; the thread keeps its mask.
  static int PinInVain() {
    const std::vector<int> before = Mask();
    evnet_affinity *affinity = nullptr;
    const int status = evnet_thread_pin(0, &affinity);
    EXPECT_EQ(affinity, nullptr);
    EXPECT_EQ(Mask(), before);
    return status;
  }

  // As where a process can see no affinity mask.
  static int CountOnline(long online) {
    getaffinity_error = EPERM;
    cpus_online = online;
    return evnet_cpu_count();
  }

  static void SetQuota(const std::string &quota) {
    files = {{"/proc/self/cgroup", "0::/app\n"}, {"/sys/fs/cgroup/app/cpu.max", quota}};
  }
};

TEST_F(CpusFaults, AMaskThatIsTooSmallForTheMachineGrows) {
  const std::vector<int> all = Mask();
  mask_bytes_min = 4096;
  evnet_affinity *before = nullptr;
  ASSERT_EQ(evnet_thread_pin(1, &before), 0);
  EXPECT_EQ(Mask(), std::vector<int>({all[1 % all.size()]}));
  evnet_thread_unpin(before);
  EXPECT_EQ(Mask(), all);
}

TEST_F(CpusFaults, AMaskThatCannotBeReadPinsNothing) {
  for (const int error : {EPERM, EINVAL}) {
    getaffinity_error = error;
    EXPECT_EQ(PinInVain(), -error);
  }
}

TEST_F(CpusFaults, WithoutMemoryNothingIsPinned) {
  has_no_memory = true;
  EXPECT_EQ(PinInVain(), -ENOMEM);
  has_no_memory = false;
  for (const int set : {1, 2}) {
    allocations_of_sets_left = set;
    EXPECT_EQ(PinInVain(), -ENOMEM);
  }
}

TEST_F(CpusFaults, AMaskThatIsRefusedIsReported) {
  setaffinity_error = EPERM;
  EXPECT_EQ(PinInVain(), -EPERM);
}

TEST_F(CpusFaults, AReactorThatCannotBePinnedServesAndTheLogSaysWhy) {
  Callbacks callbacks;
  callbacks.on_boot = [](evnet_server *) {
    setaffinity_error = EPERM;  // on the thread of reactor 0
    return EVNET_NONE;
  };
  callbacks.on_data = EchoData;
  evnet_options options = {};
  options.pin_reactors = true;
  Server server(callbacks, options);
  EXPECT_EQ(Client(server.port()).Exchange("hello"), "hello");
  EXPECT_EQ(server.Stop(5000), 0);
  EXPECT_TRUE(server.log().Has("cannot pin reactor 0 to a CPU, running without: "))
      << server.log().Text();
}

TEST_F(CpusFaults, WithoutAMaskTheCpusThatAreOnlineCount) {
  files = {{"/no", " "}};
  EXPECT_EQ(CountOnline(7), 7);
  has_no_memory = true;
  EXPECT_EQ(CountOnline(5), 5);
}

TEST_F(CpusFaults, WithoutAnyAnswerThereIsOneCpu) {
  files = {{"/no", " "}};
  for (const long online : {-1L, LONG_MAX}) EXPECT_EQ(CountOnline(online), 1);
}

TEST_F(CpusFaults, AQuotaBelowTheCpusCountsRoundedDownAndIsOneAtLeast) {
  SetQuota("250000 100000\n");
  EXPECT_EQ(CountOnline(7), 2);
  EXPECT_EQ(CountOnline(1), 1);
  SetQuota("50000 100000\n");
  EXPECT_EQ(CountOnline(7), 1);
}

}  // namespace
}  // namespace evnet_testing
