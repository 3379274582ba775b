#include "net/server/testing/child.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

[[noreturn]] void RunAndExit(int port_pipe, size_t descriptors_max, const evnet_options &options,
                             Callbacks callbacks) {
  const rlimit limit = {descriptors_max, descriptors_max};
  if (descriptors_max > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0) _exit(1);
  callbacks.on_boot = [=](evnet_server *server) {
    evnet_address address;
    if (evnet_server_address(server, 0, &address) < 0) _exit(2);
    const uint16_t port = evnet_address_port(&address);
    if (write(port_pipe, &port, sizeof port) != sizeof port) _exit(3);
    return EVNET_NONE;
  };
  const Created server(callbacks, options);
  if (evnet_server_stop_on_signal(server.get(), SIGTERM, 5000) < 0) _exit(4);
  _exit(evnet_server_run(server.get()) == 0 ? 0 : 5);
}

}  // namespace

ChildServer::ChildServer(size_t descriptors_max, const evnet_options &options,
                         const Callbacks &callbacks) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  pid_ = fork();
  if (pid_ == 0) RunAndExit(ends[1], descriptors_max, options, callbacks);
  close(ends[1]);
  EXPECT_EQ(read(ends[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
  close(ends[0]);
}

ChildServer::~ChildServer() {
  kill(pid_, SIGTERM);
  int status = -1;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

int64_t ChildServer::CpuMs() const {
  clockid_t clock;
  timespec time = {};
  EXPECT_EQ(clock_getcpuclockid(pid_, &clock), 0);
  EXPECT_EQ(clock_gettime(clock, &time), 0);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

size_t ChildServer::ResidentBytes() const { return evnet_testing::ResidentBytes(pid_); }

size_t RaiseDescriptorsMax() {
  rlimit limit = {};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit.rlim_max;
}

size_t ResidentBytes(pid_t process) {
  const std::string path =
      "/proc/" + (process == 0 ? std::string("self") : std::to_string(process)) + "/statm";
  FILE *file = fopen(path.c_str(), "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  const int count = file == nullptr ? 0 : fscanf(file, "%lu %lu", &total, &resident);
  if (file != nullptr) (void)fclose(file);
  EXPECT_EQ(count, 2) << path;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace evnet_testing
