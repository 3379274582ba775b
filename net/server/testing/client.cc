#include "net/server/testing/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

constexpr int kDeadlineMs = static_cast<int>(std::chrono::milliseconds(kDeadline).count());

void SetInt(int descriptor, int name, int value) {
  EXPECT_EQ(setsockopt(descriptor, SOL_SOCKET, name, &value, sizeof value), 0) << strerror(errno);
}

}  // namespace

Client::Client(uint16_t port, const ClientOptions &options) {
  evnet_address address = {};
  address.socket.ip4.sin_family = AF_INET;
  address.socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.socket.ip4.sin_port = htons(port);
  address.size = sizeof address.socket.ip4;
  Connect(address, options);
}

Client::Client(const evnet_address &address, const ClientOptions &options) {
  Connect(address, options);
}

Client::Client(Client &&other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      connected_(other.connected_),
      end_(other.end_) {}

Client &Client::operator=(Client &&other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(connected_, other.connected_);
  std::swap(end_, other.end_);
  return *this;
}

Client::~Client() { Close(); }

void Client::Connect(const evnet_address &address, const ClientOptions &options) {
  descriptor_ = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(descriptor_, 0) << strerror(errno);
  if (options.send_buffer_bytes > 0) SetInt(descriptor_, SO_SNDBUF, options.send_buffer_bytes);
  if (options.receive_buffer_bytes > 0) {
    SetInt(descriptor_, SO_RCVBUF, options.receive_buffer_bytes);
  }
  if (!options.source.empty()) {
    sockaddr_in source = {};
    source.sin_family = AF_INET;
    ASSERT_EQ(inet_pton(AF_INET, options.source.c_str(), &source.sin_addr), 1);
    ASSERT_EQ(bind(descriptor_, reinterpret_cast<sockaddr *>(&source), sizeof source), 0)
        << strerror(errno);
  }
  if (!options.path.empty()) {
    sockaddr_un source = {};
    source.sun_family = AF_UNIX;
    ASSERT_LT(options.path.size(), sizeof source.sun_path);
    memcpy(source.sun_path, options.path.data(), options.path.size());
    ASSERT_EQ(bind(descriptor_, reinterpret_cast<sockaddr *>(&source), sizeof source), 0)
        << strerror(errno);
  }
  const int status = connect(descriptor_, &address.socket.any, address.size);
  // A server that refuses the connection may reset it before connect(2) returns.
  if (status != 0 && errno == ECONNRESET) end_ = End::kReset;
  ASSERT_TRUE(status == 0 || end_ == End::kReset) << strerror(errno);
  connected_ = true;
}

evnet_address Client::LocalAddress() const {
  evnet_address address = {};
  address.size = sizeof address.socket;
  EXPECT_EQ(getsockname(descriptor_, &address.socket.any, &address.size), 0) << strerror(errno);
  return address;
}

evnet_address Client::RemoteAddress() const {
  evnet_address address = {};
  address.size = sizeof address.socket;
  EXPECT_EQ(getpeername(descriptor_, &address.socket.any, &address.size), 0) << strerror(errno);
  return address;
}

bool Client::Wait(short events, int ms) const {
  pollfd waited = {descriptor_, events, 0};
  const int64_t deadline = NowMs() + ms;
  for (;;) {
    const int left = static_cast<int>(std::max<int64_t>(deadline - NowMs(), 0));
    const int count = poll(&waited, 1, left);
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) return false;
  }
}

size_t Client::TrySend(const std::string &data) {
  size_t sent = 0;
  while (sent < data.size()) {
    const ssize_t part =
        send(descriptor_, data.data() + sent, data.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) {
      // The kernel reports a reset only once. After that recv(2) returns EOF.
      if (errno != EAGAIN) end_ = End::kReset;
      break;
    }
    sent += static_cast<size_t>(part);
  }
  return sent;
}

size_t Client::SendUntilBlocked(const std::string &data, int quiet_ms) {
  size_t sent = 0;
  while (sent < data.size() && Wait(POLLOUT, quiet_ms)) {
    const size_t part = TrySend(data.substr(sent, 1 << 20));
    if (part == 0) break;
    sent += part;
  }
  return sent;
}

void Client::SendAll(const std::string &data, Place place) {
  size_t sent = 0;
  while (sent < data.size()) {
    if (!Wait(POLLOUT, kDeadlineMs)) {
      ADD_FAILURE_AT(place.file, place.line) << "the server took " << sent << " of " << data.size()
                                             << " bytes, and none for " << kDeadlineMs << " ms";
      return;
    }
    const ssize_t part =
        send(descriptor_, data.data() + sent, data.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (part < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    ASSERT_GE(part, 0) << "send: " << strerror(errno);
    sent += static_cast<size_t>(part);
  }
}

void Client::WaitUntilDelivered() {
  // SIOCOUTQ returns the number of bytes that are not acknowledged yet (tcp(7)).
  EXPECT_TRUE(WaitUntil([&] {
    int bytes = -1;
    return ioctl(descriptor_, TIOCOUTQ, &bytes) == 0 && bytes == 0;
  }));
}

bool Client::ReceiveSome(std::string *out, size_t bytes) {
  const size_t before = out->size();
  out->resize(before + bytes);
  const ssize_t part = recv(descriptor_, &(*out)[before], bytes, MSG_DONTWAIT);
  out->resize(before + static_cast<size_t>(std::max<ssize_t>(part, 0)));
  if (part > 0 || (part < 0 && (errno == EAGAIN || errno == EINTR))) return true;
  end_ = part == 0 ? End::kEnd : End::kReset;
  return false;
}

std::string Client::Receive(size_t bytes, Place place) {
  std::string received;
  while (received.size() < bytes) {
    if (!Wait(POLLIN, kDeadlineMs)) {
      ADD_FAILURE_AT(place.file, place.line)
          << "the client received " << received.size() << " of " << bytes << " bytes, and none for "
          << kDeadlineMs << " ms";
      break;
    }
    if (ReceiveSome(&received, std::min<size_t>(bytes - received.size(), 1 << 20))) continue;
    ADD_FAILURE_AT(place.file, place.line) << "the client's stream ended (" << end_ << ") after "
                                           << received.size() << " of " << bytes << " bytes";
    break;
  }
  return received;
}

std::string Client::ReceiveToEnd(Place place) {
  std::string received;
  while (end_ == End::kOpen) {
    if (!Wait(POLLIN, kDeadlineMs)) {
      ADD_FAILURE_AT(place.file, place.line)
          << "the client received " << received.size()
          << " bytes, and neither an end nor a byte for " << kDeadlineMs << " ms";
      break;
    }
    ReceiveSome(&received, 256 << 10);
  }
  return received;
}

std::string Client::TryReceive() {
  std::string received;
  ReceiveSome(&received, 256 << 10);
  return received;
}

bool Client::Readable(int ms) { return Wait(POLLIN, ms); }

std::string Client::Exchange(const std::string &data, Place place) {
  std::string received;
  received.reserve(data.size());
  size_t sent = 0;
  while (received.size() < data.size()) {
    const short events = static_cast<short>(sent < data.size() ? POLLIN | POLLOUT : POLLIN);
    if (!Wait(events, kDeadlineMs)) {
      ADD_FAILURE_AT(place.file, place.line)
          << "no byte moved for " << kDeadlineMs << " ms after the client had sent " << sent
          << " bytes and received " << received.size();
      break;
    }
    if (sent < data.size()) {
      const ssize_t part =
          send(descriptor_, data.data() + sent, std::min<size_t>(data.size() - sent, 1 << 20),
               MSG_DONTWAIT | MSG_NOSIGNAL);
      if (part > 0) sent += static_cast<size_t>(part);
    }
    const size_t wanted = std::min<size_t>(data.size() - received.size(), 256 << 10);
    if (!ReceiveSome(&received, wanted)) {
      ADD_FAILURE_AT(place.file, place.line)
          << "the client's stream ended (" << end_ << ") after " << received.size() << " bytes";
      break;
    }
  }
  return received;
}

void Client::ShutdownWrite() {
  // If the connection was reset in the meantime, it cannot be half-closed.
  if (shutdown(descriptor_, SHUT_WR) != 0) {
    EXPECT_EQ(errno, ENOTCONN) << strerror(errno);
  }
}

void Client::Close() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

void Client::Reset() {
  const linger reset = {1, 0};
  EXPECT_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  Close();
}

}  // namespace evnet_testing
