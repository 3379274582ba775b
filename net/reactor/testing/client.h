// The other end of a connection under test: a non-blocking TCP socket in the test's own thread. By
// calls that kernel.h does not touch.
#ifndef EVNET_NET_REACTOR_TESTING_CLIENT_H_
#define EVNET_NET_REACTOR_TESTING_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <utility>

#include "net/base/address.h"

namespace evnet_testing {

enum class End { kOpen, kEnd, kReset };

class Client {
 public:
  Client() = default;
  // Begins to connect; the listener's backlog completes it.
  explicit Client(const evnet_address &server, int receive_buffer_bytes = 0);
  Client(Client &&other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), end_(other.end_) {}
  Client &operator=(Client &&other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Client() { Close(); }

  // As much as fits; returns how much.
  size_t TryWrite(const std::string &data);
  // All of it; it has to fit.
  void Write(const std::string &data);
  // Takes what has arrived, at most `size` bytes, and notes the end.
  std::string Read(size_t size = SIZE_MAX);
  // Waits for all that is still to come, up to the end: when the reactor has done its part.
  std::string ReadRest();
  // How the other side has ended, as far as Read has seen.
  End end() const { return end_; }

  void Shutdown();
  void Reset();  // closes, and the other side sees a reset
  void Close();
  uint16_t port() const;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  End end_ = End::kOpen;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_CLIENT_H_
