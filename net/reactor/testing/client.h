// The other end of a connection under test: a non-blocking TCP socket on the test's thread. It uses
// calls that kernel.h does not intercept.
#ifndef EVNET_NET_REACTOR_TESTING_CLIENT_H_
#define EVNET_NET_REACTOR_TESTING_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include <ostream>
#include <string>
#include <utility>

#include "net/base/address.h"
#include "net/base/testing/place.h"

namespace evnet_testing {

enum class End { kOpen, kEnd, kReset };

std::ostream &operator<<(std::ostream &out, End end);

class Client {
 public:
  Client() = default;
  // Starts to connect; the listener's backlog completes the connect.
  explicit Client(const evnet_address &server, int receive_buffer_bytes = 0);
  Client(Client &&other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), end_(other.end_) {}
  Client &operator=(Client &&other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Client() { Close(); }

  // Writes as much as fits, and returns how much.
  size_t TryWrite(const std::string &data);
  // Writes all bytes, which have to fit.
  void Write(const std::string &data, Place place = Place::Here());
  // Reads up to `size` of the bytes that have arrived, and notes EOF.
  std::string Read(size_t size = SIZE_MAX);
  // Reads all bytes up to EOF, and waits for them. The reactor must have sent everything already.
  std::string ReadRest();
  // Returns how the other end has ended, as far as Read has seen.
  End end() const { return end_; }

  void Shutdown();
  void Reset();  // closes with a reset
  void Close();
  uint16_t port() const;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  End end_ = End::kOpen;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_REACTOR_TESTING_CLIENT_H_
