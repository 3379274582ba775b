// A server in a process of its own: with descriptors of its own, and an exit code.
#ifndef EVNET_NET_SERVER_TESTING_CHILD_H_
#define EVNET_NET_SERVER_TESTING_CHILD_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/server/testing/server.h"

namespace evnet_testing {

class ChildServer {
 public:
  //   descriptors_max  its limit of descriptors; 0: this process's.
  explicit ChildServer(size_t descriptors_max, const evnet_options &options = {},
                       const Callbacks &callbacks = Echo());
  ChildServer(const ChildServer &) = delete;
  ChildServer &operator=(const ChildServer &) = delete;
  // Stops it by SIGTERM, and expects that it exits with 0.
  ~ChildServer();

  uint16_t port() const { return port_; }
  int64_t CpuMs() const;         // that it has used so far
  size_t ResidentBytes() const;  // that it has in memory

 private:
  pid_t pid_;
  uint16_t port_ = 0;
};

// Raises this process's limit of descriptors as far as it goes; returns it.
size_t RaiseDescriptorsMax();

// What a process has in memory (VmRSS of proc(5)); 0: this one.
size_t ResidentBytes(pid_t process = 0);

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_CHILD_H_
