#include "net/reactor/testing/client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace evnet_testing {

std::ostream &operator<<(std::ostream &out, End end) {
  switch (end) {
    case End::kOpen:
      return out << "open";
    case End::kEnd:
      return out << "end-of-stream";
    case End::kReset:
      return out << "reset";
  }
  return out << "no End";
}

Client::Client(const evnet_address &server, int receive_buffer_bytes) {
  descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  EXPECT_GE(descriptor_, 0) << strerror(errno);
  if (receive_buffer_bytes > 0) {
    EXPECT_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                         sizeof receive_buffer_bytes),
              0);
  }
  const int on = 1;  // otherwise a second small write waits for a delayed ACK
  EXPECT_EQ(setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  const int status = connect(descriptor_, &server.socket.any, server.size);
  EXPECT_TRUE(status == 0 || errno == EINPROGRESS) << strerror(errno);
}

size_t Client::TryWrite(const std::string &data) {
  const ssize_t sent = sendto(descriptor_, data.data(), data.size(), MSG_NOSIGNAL, nullptr, 0);
  if (sent >= 0) return static_cast<size_t>(sent);
  // The kernel reports a reset only to one call. Later calls and reads see EOF.
  if (errno == ECONNRESET || errno == EPIPE) end_ = End::kReset;
  return 0;
}

void Client::Write(const std::string &data, Place place) {
  const size_t sent = TryWrite(data);
  if (sent == data.size()) return;
  ADD_FAILURE_AT(place.file, place.line) << "The client's socket took " << sent << " bytes of "
                                         << data.size() << ": " << strerror(errno);
}

std::string Client::Read(size_t size) {
  std::string all;
  std::string part(1 << 16, '\0');
  while (end_ == End::kOpen && all.size() < size) {
    const size_t want = size - all.size() < part.size() ? size - all.size() : part.size();
    const ssize_t got = recvfrom(descriptor_, &part[0], want, 0, nullptr, nullptr);
    if (got > 0) {
      all.append(part, 0, static_cast<size_t>(got));
    } else if (got == 0) {
      end_ = End::kEnd;
    } else if (errno == EAGAIN) {
      break;
    } else {
      end_ = End::kReset;
    }
  }
  return all;
}

std::string Client::ReadRest() {
  std::string all = Read();
  struct pollfd poll_in = {descriptor_, POLLIN, 0};
  while (end_ == End::kOpen && poll(&poll_in, 1, 10000) > 0) all += Read();
  return all;
}

void Client::Shutdown() {
  // ENOTCONN: the other end has reset the connection.
  EXPECT_TRUE(shutdown(descriptor_, SHUT_WR) == 0 || errno == ENOTCONN) << strerror(errno);
}

void Client::Reset() {
  const struct linger linger = {1, 0};
  EXPECT_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
  Close();
}

void Client::Close() {
  if (descriptor_ >= 0) (void)close(descriptor_);
  descriptor_ = -1;
}

uint16_t Client::port() const {
  sockaddr_in address = {};
  socklen_t size = sizeof address;

  EXPECT_EQ(getsockname(descriptor_, reinterpret_cast<sockaddr *>(&address), &size), 0);
  return ntohs(address.sin_port);
}

}  // namespace evnet_testing
