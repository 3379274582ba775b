#include "net/poller/testing/socket_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"

namespace evnet_testing {
namespace {

using Clock = std::chrono::steady_clock;

void SetInt(int descriptor, int level, int name, int value) {
  ASSERT_EQ(setsockopt(descriptor, level, name, &value, sizeof value), 0) << strerror(errno);
}

class SocketPeer : public Peer {
 public:
  explicit SocketPeer(int descriptor) : descriptor_(descriptor) {
    EXPECT_EQ(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
  }
  SocketPeer(const SocketPeer &) = delete;
  SocketPeer &operator=(const SocketPeer &) = delete;
  ~SocketPeer() override { Close(); }

  void Send(const std::string &data) override {
    size_t sent = 0;
    const Clock::time_point deadline = Clock::now() + kDeadline;
    while (sent < data.size()) {
      const size_t now = TrySend(data.substr(sent));
      sent += now;
      if (now == 0 && !Wait(POLLOUT, deadline)) {
        FAIL() << "only " << sent << " of " << data.size() << " bytes were taken";
      }
    }
  }

  size_t TrySend(const std::string &data) override {
    const ssize_t sent = RetrySend(data, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<size_t>(sent);
    EXPECT_EQ(errno, EAGAIN) << strerror(errno);
    return 0;
  }

  void SendUrgent(char byte) override {
    ASSERT_EQ(RetrySend(std::string(1, byte), MSG_OOB | MSG_NOSIGNAL), 1) << strerror(errno);
  }

  void SendWithControl(const std::string &data) override {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    iovec piece = {const_cast<char *>(data.data()), data.size()};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor_, sizeof(int));
    ASSERT_EQ(sendmsg(descriptor_, &message, MSG_NOSIGNAL), static_cast<ssize_t>(data.size()))
        << strerror(errno);
  }

  std::string TryReceive() override {
    Pull();
    return std::exchange(arrived_, std::string());
  }

  std::string Receive(size_t bytes) override {
    const Clock::time_point deadline = Clock::now() + kDeadline;
    for (Pull(); arrived_.size() < bytes && end_ == End::kOpen; Pull()) {
      if (!Wait(POLLIN, deadline)) {
        ADD_FAILURE() << "only " << arrived_.size() << " of " << bytes << " bytes came";
        break;
      }
    }
    const std::string taken = arrived_.substr(0, bytes);
    arrived_.erase(0, taken.size());
    return taken;
  }

  End ReceiveEnd() override {
    const Clock::time_point deadline = Clock::now() + kDeadline;
    for (Pull(); end_ == End::kOpen; Pull()) {
      arrived_.clear();
      if (!Wait(POLLIN, deadline)) {
        ADD_FAILURE() << "the end did not come";
        break;
      }
    }
    return end_;
  }

  void ShutdownWrite() override { ASSERT_EQ(shutdown(descriptor_, SHUT_WR), 0) << strerror(errno); }

  void Close() override {
    if (descriptor_ >= 0) (void)close(descriptor_);
    descriptor_ = -1;
  }

  void Reset() override {
    const linger none = {1, 0};
    ASSERT_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    Close();
  }

  evnet_address LocalAddress() override {
    evnet_address address = {};
    address.size = sizeof address.socket;
    EXPECT_EQ(getsockname(descriptor_, &address.socket.any, &address.size), 0);
    return address;
  }

 private:
  ssize_t RetrySend(const std::string &data, int flags) {
    ssize_t sent;
    do {
      sent = send(descriptor_, data.data(), data.size(), flags);
    } while (sent < 0 && errno == EINTR);
    return sent;
  }

  // Moves received bytes to arrived_, and records the end.
  void Pull() {
    char block[16384];
    while (end_ == End::kOpen) {
      const ssize_t got = recv(descriptor_, block, sizeof block, 0);
      if (got > 0) {
        arrived_.append(block, static_cast<size_t>(got));
      } else if (got == 0) {
        end_ = End::kEnd;
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        EXPECT_EQ(errno, ECONNRESET) << strerror(errno);
        end_ = End::kReset;
      }
    }
  }

  bool Wait(short events, Clock::time_point deadline) {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd entry = {descriptor_, events, 0};
      const int ready = poll(&entry, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

  int descriptor_;
  End end_ = End::kOpen;
  std::string arrived_;  // not yet returned to the test
};

class SocketFixture : public Fixture {
 public:
  explicit SocketFixture(evnet_transport transport) : transport_(transport) {}

  evnet_address Loopback() override {
    std::string text = "tcp://127.0.0.1:0";
    if (transport_ == EVNET_TRANSPORT_UNIX) {
      text = "unix://" + directory_.File(std::to_string(paths_++));
    }
    evnet_address address = {};
    EXPECT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0);
    return address;
  }

  std::unique_ptr<Peer> Connect(const evnet_address &address, const PeerOptions &options) override {
    const int descriptor = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_GE(descriptor, 0) << strerror(errno);
    if (options.send_buffer_bytes > 0) {
      SetInt(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
    }
    if (options.receive_buffer_bytes > 0) {
      SetInt(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
    }
    // The call blocks, so the connection is in the listener's queue when it returns.
    EXPECT_EQ(connect(descriptor, &address.socket.any, address.size), 0) << strerror(errno);
    return std::make_unique<SocketPeer>(descriptor);
  }

  std::unique_ptr<Peer> UnixPair(int *out_descriptor) override {
    int pair[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    *out_descriptor = pair[0];
    return std::make_unique<SocketPeer>(pair[1]);
  }

  size_t OpenDescriptors() override {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    EXPECT_NE(directory, nullptr);
    if (directory == nullptr) return 0;
    while (const dirent *entry = readdir(directory)) count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count - 1;  // not the directory's own descriptor
  }

 private:
  const evnet_transport transport_;
  const TempDirectory directory_;
  int paths_ = 0;
};

}  // namespace

std::unique_ptr<Fixture> MakeSocketFixture(evnet_transport transport) {
  return std::make_unique<SocketFixture>(transport);
}

}  // namespace evnet_testing
