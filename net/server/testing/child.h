// A server in a child process, which has its own descriptors and an exit code.
#ifndef EVNET_NET_SERVER_TESTING_CHILD_H_
#define EVNET_NET_SERVER_TESTING_CHILD_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/server/testing/server.h"

namespace evnet_testing {

class ChildServer {
 public:
  //   descriptors_max  its limit of descriptors; 0 for the limit of this process.
  explicit ChildServer(size_t descriptors_max, const evnet_options &options = {},
                       const Callbacks &callbacks = Echo());
  ChildServer(const ChildServer &) = delete;
  ChildServer &operator=(const ChildServer &) = delete;
  // Stops the server with SIGTERM, and expects exit code 0.
  ~ChildServer();

  uint16_t port() const { return port_; }
  int64_t CpuMs() const;         // CPU time used so far
  size_t ResidentBytes() const;  // resident memory

 private:
  pid_t pid_;
  uint16_t port_ = 0;
};

// Raises this process's limit of descriptors to the hard limit. Returns the new limit.
size_t RaiseDescriptorsMax();

// Returns the resident memory of a process (VmRSS of proc(5)), of this process for 0.
size_t ResidentBytes(pid_t process = 0);

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_CHILD_H_
