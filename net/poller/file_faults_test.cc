// Linux's sendfile(2) fails as its manual page describes. The linker (--wrap) replaces the call.
#include <errno.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/types.h>

#include <algorithm>
#include <functional>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/file.h"

namespace {

// Called before each call. Returns how many bytes the call may send, or the -errno with which it
// fails.
std::function<ssize_t(size_t size)> on_sendfile;
size_t calls = 0;

}  // namespace

extern "C" {
ssize_t __real_sendfile(int out, int in, off_t *offset, size_t size);
ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t size);
ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t size) {
  calls++;
  const ssize_t limit = on_sendfile ? on_sendfile(size) : static_cast<ssize_t>(size);
  if (limit >= 0) return __real_sendfile(out, in, offset, static_cast<size_t>(limit));
  errno = static_cast<int>(-limit);
  return -1;
}
}

namespace evnet_testing {
namespace {

class FileFaultsTest : public ContractTest {
 protected:
  FileFaultsTest() {
    on_sendfile = nullptr;
    calls = 0;
  }
  ~FileFaultsTest() override { on_sendfile = nullptr; }

  // Sends a range until all of it, or an error, was reported. Returns its size or the error.
  int64_t SendFile(const Connection &connection, const TestFile &file, int64_t offset, size_t size,
                   std::string *out_got) {
    size_t sent = 0;
    int64_t result = 0;
    evnet_file_range range = {};
    evnet_send send = {};
    send.file = &range;
    const auto go_on = [&] {
      range = {file.descriptor(), offset + static_cast<int64_t>(sent), size - sent};
      evnet_poller_send_start(poller(), connection.handle, &send);
    };
    loop().OnEvent([&](const Event &event) {
      if (event.op != EVNET_OP_SEND || !(event.handle == connection.handle)) return;
      result = event.result;
      if (result <= 0) return;
      sent += static_cast<size_t>(result);
      if (sent < size) go_on();
    });
    go_on();
    loop().RunUntil([&] {
      *out_got += connection.peer->TryReceive();
      return result < 0 || sent == size;
    });
    loop().OnEvent(nullptr);
    *out_got += connection.peer->Receive(sent - out_got->size());
    return result < 0 ? result : static_cast<int64_t>(sent);
  }
};

TEST_P(FileFaultsTest, AnInterruptedCallIsTriedAgain) {
  Connection connection = Connect();
  int interrupts = 3;
  on_sendfile = [&](size_t size) -> ssize_t {
    return interrupts-- > 0 ? -EINTR : static_cast<ssize_t>(size);
  };
  std::string got;
  EXPECT_EQ(SendFile(connection, TestFile("file"), 0, 4, &got), 4);
  EXPECT_EQ(got, "file");
  EXPECT_EQ(calls, 4u);
}

TEST_P(FileFaultsTest, AnErrorOfReadingIsTold) {
  Connection connection = Connect();
  on_sendfile = [](size_t) { return -EIO; };
  std::string got;
  EXPECT_EQ(SendFile(connection, TestFile("file"), 0, 4, &got), -EIO);
  EXPECT_EQ(got, "");
}

// The kernel sends page by page, so a reset may come after some pages were sent. The call then
// returns their size, but has raised the signal.
TEST_P(FileFaultsTest, ASignalBehindAPartIsTakenBack) {
  struct sigaction before;
  struct sigaction deadly = {};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &before), 0);
  Connection connection = Connect();
  on_sendfile = [](size_t size) -> ssize_t {
    EXPECT_EQ(raise(SIGPIPE), 0);
    return size > 1 ? static_cast<ssize_t>(size / 2) : -EPIPE;
  };
  std::string got;
  EXPECT_EQ(SendFile(connection, TestFile("file"), 0, 4, &got), -EPIPE);
  EXPECT_EQ(got, "fil");
  sigset_t pending;
  ASSERT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  EXPECT_EQ(sigaction(SIGPIPE, &before, nullptr), 0);
}

// A file that sendfile(2) does not support is read and sent, in order, through a full socket, and
// up to an early EOF.
TEST_P(FileFaultsTest, WhatCannotBeLentIsCopied) {
  const std::string data = Pattern(3 << 20);
  for (const int error : {EINVAL, ENOSYS, EOPNOTSUPP, EPERM}) {
    PeerOptions peer;
    peer.receive_buffer_bytes = 4096;
    evnet_listen_options listen = {};
    listen.send_buffer_bytes = 4096;
    Connection connection = Connect(peer, &listen);
    on_sendfile = [=](size_t) { return -error; };
    const TestFile file(data);
    std::string got;
    EXPECT_EQ(SendFile(connection, file, 1000, 300000, &got), 300000);
    EXPECT_TRUE(got == data.substr(1000, 300000));
    got.clear();
    const int64_t end = static_cast<int64_t>(data.size());
    EXPECT_EQ(SendFile(connection, file, end - 100, 200, &got), EVNET_REASON_FILE_SHORT);
    EXPECT_EQ(got, data.substr(data.size() - 100));
  }
}

TEST_P(FileFaultsTest, ACopyTakesAsMuchAsTheSocketDoes) {
  Connection connection = Connect();
  on_sendfile = [](size_t) { return -EINVAL; };
  const std::string data = Pattern(100000);
  std::string got;
  EXPECT_EQ(SendFile(connection, TestFile(data), 0, data.size(), &got), 100000);
  EXPECT_TRUE(got == data);
  EXPECT_EQ(calls, 1u) << "not a turn for each piece";
}

INSTANTIATE_TEST_SUITE_P(Backends, FileFaultsTest, ::testing::ValuesIn(SocketCallBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
