// Plain listening sockets for tests of connecting: PlainListener accepts only on request, and
// Blackhole never completes a connect.
#ifndef EVNET_NET_BASE_TESTING_LISTENER_H_
#define EVNET_NET_BASE_TESTING_LISTENER_H_

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "net/base/address.h"
#include "net/base/testing/udp_client.h"

namespace evnet_testing {

class PlainListener {
 public:
  // With a negative backlog, the socket is bound but does not listen.
  explicit PlainListener(const evnet_address &address, int backlog = 16) : address_(address) {
    descriptor_ = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(descriptor_, &address.socket.any, address.size), 0) << strerror(errno);
    if (backlog >= 0) {
      EXPECT_EQ(listen(descriptor_, backlog), 0) << strerror(errno);
    }
    address_.size = sizeof address_.socket;
    EXPECT_EQ(getsockname(descriptor_, &address_.socket.any, &address_.size), 0);
  }
  explicit PlainListener(const std::string &address = "tcp://127.0.0.1:0", int backlog = 16)
      : PlainListener(ParseAddress(address), backlog) {}
  PlainListener(const PlainListener &) = delete;
  PlainListener &operator=(const PlainListener &) = delete;
  ~PlainListener() { Close(); }

  const evnet_address &address() const { return address_; }
  std::string text() const { return FormatAddress(address_); }
  uint16_t port() const { return evnet_address_port(&address_); }
  int descriptor() const { return descriptor_; }

  // Waits for a connection and accepts it. The socket is blocking; the caller closes it.
  int Accept() {
    pollfd entry = {descriptor_, POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, 20000), 1) << "no client connected";
    const int accepted = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(accepted, 0) << strerror(errno);
    return accepted;
  }

  void Close() {
    if (descriptor_ >= 0) (void)close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
  evnet_address address_;
};

// An address to which a connect stays pending: Linux drops a SYN when the listener's queue is full
// (tcp(7)). The queue holds one connection more than the backlog, which is 0 here.
class Blackhole {
 public:
  explicit Blackhole(const std::string &address = "tcp://127.0.0.1:0") : listener_(address, 0) {
    fill_ = socket(listener_.address().socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fill_, &listener_.address().socket.any, listener_.address().size), 0);
  }
  Blackhole(const Blackhole &) = delete;
  Blackhole &operator=(const Blackhole &) = delete;
  ~Blackhole() { (void)close(fill_); }

  const evnet_address &address() const { return listener_.address(); }
  std::string text() const { return listener_.text(); }
  uint16_t port() const { return listener_.port(); }

 private:
  PlainListener listener_;
  int fill_ = -1;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_LISTENER_H_
