// The n-th bind(2) of a start fails, on any reactor. The failed start leaves no sockets or threads.
#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace {

std::atomic<int> binds{0};     // calls so far
std::atomic<int> failing{-1};  // number of the call that fails, from 1; -1 for none

}  // namespace

extern "C" {

int __real_bind(int, const struct sockaddr *, socklen_t);

int __wrap_bind(int descriptor, const struct sockaddr *address, socklen_t size) {
  if (++binds == failing) {
    errno = EADDRINUSE;
    return -1;
  }
  return __real_bind(descriptor, address, size);
}

}  // extern "C"

namespace evnet_testing {
namespace {

// Returns the number of this process's sockets. A poller's own descriptors are not sockets.
size_t OpenSockets() {
  size_t count = 0;
  DIR *directory = opendir("/proc/self/fd");
  EXPECT_NE(directory, nullptr);
  while (const dirent *entry = readdir(directory)) {
    char target[64];
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    const ssize_t size = readlink(path.c_str(), target, sizeof target);
    count += size > 7 && std::string(target, 7) == "socket:";
  }
  closedir(directory);
  return count;
}

TEST(ReusePortFaults, ABindThatFailsOnAnyReactorEndsTheStartAndLeavesNothing) {
  constexpr int kReactors = 3;
  const std::vector<std::string> texts = {"tcp://127.0.0.1:0", "udp://127.0.0.1:0",
                                          "tcp://127.0.0.1:0"};
  evnet_options options = {};
  options.reactors = kReactors;
  options.reuse_port = true;
  binds = 0;
  {
    Server server(Echo(), options, texts);
    EXPECT_EQ(server.Stop(0), 0);
  }
  const int all = binds;
  const size_t descriptors = OpenDescriptors();
  const size_t sockets = OpenSockets();
  const size_t threads = Threads();
  for (int n = 1; n <= all; n++) {
    SCOPED_TRACE("bind " + std::to_string(n) + " of " + std::to_string(all));
    Callbacks callbacks = Echo();
    callbacks.on_boot = [](evnet_server *) {
      ADD_FAILURE() << "on_boot without an address";
      return EVNET_NONE;
    };
    callbacks.on_shutdown = [](evnet_server *) {
      ADD_FAILURE() << "on_shutdown of a server that never ran";
    };
    {
      Created server(callbacks, options, texts);
      binds = 0;
      failing = n;
      EXPECT_EQ(evnet_server_start(server.get()), -EADDRINUSE);
      failing = -1;
      // The sockets are closed before evnet_server_destroy.
      EXPECT_EQ(OpenSockets(), sockets);
      EXPECT_TRUE(WaitUntil([&] { return Threads() == threads; }));
      EXPECT_TRUE(server.log().Has("127.0.0.1:")) << server.log().Text();
      EXPECT_TRUE(server.log().Has("': address in use")) << server.log().Text();
      EXPECT_EQ(evnet_server_dup_listener(server.get(), 0), -ENOTCONN);
      evnet_address address;
      EXPECT_EQ(evnet_server_address(server.get(), 0, &address), -ENOTCONN);
    }
    EXPECT_EQ(OpenDescriptors(), descriptors);
  }
}

}  // namespace
}  // namespace evnet_testing
