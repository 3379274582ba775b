// Shared by the tests of evnet_conn_sendfile: a connection that a few KiB fill, and a list of open
// descriptors, which must not contain leaked ones.
#ifndef EVNET_NET_REACTOR_TESTING_SENDFILE_H_
#define EVNET_NET_REACTOR_TESTING_SENDFILE_H_

#include <dirent.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "net/poller/testing/file.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {

class Sendfile : public ::testing::Test {
 protected:
  static size_t OpenDescriptors() {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    EXPECT_NE(directory, nullptr);
    while (directory != nullptr && readdir(directory) != nullptr) count++;
    if (directory != nullptr) (void)closedir(directory);
    return count;
  }

  void Start() {
    h.listen_options.send_buffer_bytes = 4608;
    h.Start();
    pair = h.Connect(4096);
  }

  int64_t SendFile(const TestFile &file, int64_t offset, int64_t size) {
    return evnet_conn_sendfile(pair.conn, file.descriptor(), offset, size);
  }

  void Run(const std::function<void()> &function) {
    h.Post(function);
    h.Turn();
  }

  // Waits until the client's receive buffer and the server's send buffer are full.
  void WaitUntilBlocked() {
    size_t sent = 0;
    do {
      sent = h.Stats().bytes_sent;
      h.Settle();
    } while (h.Stats().bytes_sent != sent);
  }

  Harness h;
  Harness::Pair pair;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_SENDFILE_H_
