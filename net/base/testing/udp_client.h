// A UDP client for tests: a socket whose calls wait at most 20 seconds.
#ifndef EVNET_NET_BASE_TESTING_UDP_CLIENT_H_
#define EVNET_NET_BASE_TESTING_UDP_CLIENT_H_

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"

namespace evnet_testing {

inline evnet_address ParseAddress(const std::string &text) {
  evnet_address address = {};
  EXPECT_EQ(evnet_address_parse(text.c_str(), &address, nullptr, 0), 0) << text;
  return address;
}

inline std::string FormatAddress(const evnet_address &address) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&address, text, sizeof text);
  return text;
}

class UdpClient {
 public:
  // Binds the socket to `own`, which also determines its family.
  explicit UdpClient(const std::string &own = "udp://127.0.0.1:0") {
    const evnet_address address = ParseAddress(own);
    descriptor_ = socket(address.socket.any.sa_family, SOCK_DGRAM, 0);
    EXPECT_GE(descriptor_, 0);
    (void)fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
    const int large = 1 << 20;
    (void)setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    (void)setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    EXPECT_EQ(bind(descriptor_, &address.socket.any, address.size), 0) << strerror(errno);
  }
  UdpClient(const UdpClient &) = delete;
  UdpClient &operator=(const UdpClient &) = delete;
  ~UdpClient() { Close(); }

  evnet_address Address() const {
    evnet_address address = {};
    address.transport = EVNET_TRANSPORT_UDP;
    address.size = sizeof address.socket;
    EXPECT_EQ(getsockname(descriptor_, &address.socket.any, &address.size), 0);
    return address;
  }

  void Send(const evnet_address &to, const std::string &data) {
    EXPECT_EQ(sendto(descriptor_, data.data(), data.size(), 0, &to.socket.any, to.size),
              static_cast<ssize_t>(data.size()))
        << strerror(errno);
  }

  bool Readable(int ms) {
    pollfd entry = {descriptor_, POLLIN, 0};
    return poll(&entry, 1, ms) == 1;
  }

  // Returns the next datagram. *out_from is its sender.
  std::string Receive(evnet_address *out_from = nullptr) {
    EXPECT_TRUE(Readable(20000)) << "no datagram came";
    std::string data(70000, 0);
    evnet_address from = {};
    from.transport = EVNET_TRANSPORT_UDP;
    from.size = sizeof from.socket;
    const ssize_t got =
        recvfrom(descriptor_, &data[0], data.size(), MSG_DONTWAIT, &from.socket.any, &from.size);
    EXPECT_GE(got, 0) << strerror(errno);
    data.resize(got < 0 ? 0 : static_cast<size_t>(got));
    if (out_from != nullptr) *out_from = from;
    return data;
  }

  bool Set(int level, int name, const void *value, socklen_t size) {
    return setsockopt(descriptor_, level, name, value, size) == 0;
  }

  void Connect(const evnet_address &to) {
    EXPECT_EQ(connect(descriptor_, &to.socket.any, to.size), 0) << strerror(errno);
  }

  // Returns the descriptor and makes it non-blocking. The caller owns it from then on.
  int Release() {
    const int descriptor = descriptor_;
    EXPECT_EQ(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
    descriptor_ = -1;
    return descriptor;
  }

  void Close() {
    if (descriptor_ >= 0) (void)close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
};

// Returns whether this machine has the address ::1.
inline bool HasIp6() {
  const int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
  const evnet_address address = ParseAddress("udp://[::1]:0");
  const bool has = descriptor >= 0 && bind(descriptor, &address.socket.any, address.size) == 0;
  if (descriptor >= 0) (void)close(descriptor);
  return has;
}

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_UDP_CLIENT_H_
