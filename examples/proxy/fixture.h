// The fixture of the proxy's tests: it runs the proxy as a process, over the backend of EVNET_TEST_BACKEND.
// The clients and the upstreams are plain sockets.
#ifndef EVNET_EXAMPLES_PROXY_FIXTURE_H_
#define EVNET_EXAMPLES_PROXY_FIXTURE_H_

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/testing/client.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {

class ProxyProcess : public ::testing::Test {
 protected:
  void SetUp() override {
    const char *backend = getenv("EVNET_TEST_BACKEND");
    if (backend == nullptr) return;
    backend_ = std::string("--backend=") + backend;
    Process probe({backend_, "tcp://127.0.0.1:0"});
    if (probe.Line().empty()) GTEST_SKIP() << "the backend is not available";
  }

  // Starts the proxy and sets `port` to that of its address.
  void Run(std::vector<std::string> arguments, const std::string &address = "tcp://127.0.0.1:0") {
    if (!backend_.empty()) arguments.push_back(backend_);
    arguments.push_back(address);
    process = std::make_unique<Process>(arguments);
    const std::string line = process->Line();
    port = static_cast<uint16_t>(strtoul(line.c_str() + line.rfind(':') + 1, nullptr, 10));
    ASSERT_NE(port, 0) << line;
  }

  void Stop() {
    process->Signal(SIGTERM);
    EXPECT_EQ(process->ExitCode(), 0);
  }

  // Returns the resident memory of the proxy.
  size_t Kilobytes() const {
    std::ifstream status("/proc/" + std::to_string(process->pid()) + "/status");
    std::string line;
    while (std::getline(status, line))
      if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6));
    return 0;
  }

  // Returns the number of the proxy's descriptors.
  size_t Descriptors() const {
    size_t count = 0;
    DIR *all = opendir(("/proc/" + std::to_string(process->pid()) + "/fd").c_str());
    while (all != nullptr && readdir(all) != nullptr) count++;
    if (all != nullptr) (void)closedir(all);
    return count;
  }

  static void SendAll(int descriptor, const std::string &data) {
    size_t sent = 0;
    while (sent < data.size()) {
      const ssize_t now = send(descriptor, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      ASSERT_GT(now, 0) << strerror(errno);
      sent += static_cast<size_t>(now);
    }
  }

  static std::string ReadToEnd(int descriptor) {
    std::string all, block(1 << 16, 0);
    ssize_t got;
    while ((got = recv(descriptor, &block[0], block.size(), 0)) > 0)
      all.append(block, 0, static_cast<size_t>(got));
    EXPECT_EQ(got, 0) << strerror(errno);
    return all;
  }

  // Reads exactly `bytes` bytes.
  static std::string ReadExactly(int descriptor, size_t bytes) {
    std::string all(bytes, 0);
    EXPECT_EQ(recv(descriptor, &all[0], bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
    return all;
  }

  // Returns how the stream of a plain socket ends.
  static Client::End ReadEnd(int descriptor) {
    std::string block(1 << 16, 0);
    ssize_t got;
    while ((got = recv(descriptor, &block[0], block.size(), 0)) > 0) {
    }
    return got == 0 ? Client::End::kEnd : Client::End::kReset;
  }

  static void Reset(int descriptor) {
    const linger now = {1, 0};
    EXPECT_EQ(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    (void)close(descriptor);
  }

  std::unique_ptr<Process> process;
  uint16_t port = 0;

 private:
  std::string backend_;
};

}  // namespace evnet_testing

#endif  // EVNET_EXAMPLES_PROXY_FIXTURE_H_
