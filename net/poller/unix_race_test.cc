// Many processes start, stop and die on one Unix path simultaneously. The path never has two
// owners, its owner can be reached by it, and files left by dead processes stop no server.
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/poller/poller.h"

namespace evnet_testing {
namespace {

constexpr int kBatches = 20;
constexpr int kProcesses = 4;
constexpr int kRounds = 100;

struct Shared {
  std::atomic<int> owners;
  std::atomic<int> successes;
};

// Exit codes of a process.
enum { kFine, kFailed, kTwoOwners, kNotReached, kOddStatus };

bool IsReached(const evnet_address &address) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool reached = connect(descriptor, &address.socket.any, address.size) == 0;
  close(descriptor);
  return reached;
}

// Starts and stops repeatedly, and dies as the owner if possible.
int Contend(const evnet_address &address, Shared *shared) {
  evnet_poller *poller = nullptr;
  if (evnet_poller_create(nullptr, &poller) != 0) return kFailed;
  for (int round = 0; round < kRounds; round++) {
    evnet_handle handle;
    const int status = evnet_poller_listen(poller, &address, nullptr, &handle);
    if (status == -EADDRINUSE) continue;
    if (status != 0) return kOddStatus;
    shared->successes++;
    if (shared->owners++ != 0) return kTwoOwners;
    if (!IsReached(address)) return kNotReached;
    shared->owners--;
    if (round >= kRounds / 2) _exit(kFine);
    evnet_poller_detach(poller, handle);
    evnet_completion completion;
    if (evnet_poller_wait(poller, 0) < 0) return kFailed;
    while (evnet_poller_next(poller, &completion)) continue;
  }
  return kFine;
}

TEST(UnixRace, OfManyProcessesOneHasThePathAtATime) {
  const TempDirectory directory;
  evnet_address address = {};
  const std::string text = "unix://" + directory.File("socket");
  ASSERT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0);
  void *memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Shared *const shared = new (memory) Shared();
  for (int batch = 0; batch < kBatches; batch++) {
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; i++) {
      children.push_back(fork());
      if (children.back() == 0) _exit(Contend(address, shared));
    }
    for (const pid_t child : children) {
      int status = -1;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFEXITED(status));
      ASSERT_EQ(WEXITSTATUS(status), kFine);
    }
  }
  EXPECT_GT(shared->successes, kBatches);
  evnet_poller *poller = nullptr;
  evnet_handle handle;
  ASSERT_EQ(evnet_poller_create(nullptr, &poller), 0);
  EXPECT_EQ(evnet_poller_listen(poller, &address, nullptr, &handle), 0);
  evnet_poller_destroy(poller);
  EXPECT_TRUE(directory.Names().empty());
  munmap(memory, sizeof(Shared));
}

}  // namespace
}  // namespace evnet_testing
