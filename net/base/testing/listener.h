// Plain listening sockets, for tests of what connects: one that accepts only when it is told to,
// and one where nothing ever comes to anything.
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
  // backlog below 0: it is bound, and does not listen.
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

  // A connection that waits, or is about to; the caller's, blocking.
  int Accept() {
    pollfd entry = {descriptor_, POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, 20000), 1) << "nobody connects";
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

// Where a connect is under way for as long as the test wants: Linux drops a SYN that finds the
// listener's queue full (tcp(7)), and one connection more than the backlog fits into it.
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
