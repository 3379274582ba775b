// The other end of a connection under test, and the fixture that makes it. Together they stand for
// the kernel in the contract tests. Real sockets are one implementation (socket_fixture.h), a
// simulated kernel another. Every call either succeeds or fails the running test. No call waits
// longer than kDeadline.
#ifndef EVNET_NET_POLLER_TESTING_PEER_H_
#define EVNET_NET_POLLER_TESTING_PEER_H_

#include <stddef.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "net/base/address.h"

namespace evnet_testing {

// Far longer than a loaded machine needs. Only a failing test waits this long.
constexpr std::chrono::seconds kDeadline(20);

class Peer {
 public:
  enum class End { kOpen, kEnd, kReset };

  virtual ~Peer() = default;  // closes the socket

  // Sends all of `data`, and waits until the kernel has taken it.
  virtual void Send(const std::string &data) = 0;
  // Sends as much as fits without waiting. Returns the number of bytes.
  virtual size_t TrySend(const std::string &data) = 0;
  // Sends one byte out of band.
  virtual void SendUrgent(char byte) = 0;
  // Sends data with a control message attached (Unix sockets: a descriptor).
  virtual void SendWithControl(const std::string &data) = 0;

  // Returns the bytes that have arrived, without waiting.
  virtual std::string TryReceive() = 0;
  // Waits for exactly `bytes` bytes and returns them; returns fewer if the connection ends before.
  virtual std::string Receive(size_t bytes) = 0;
  // Reads and discards data until the connection ends. Returns how it ended.
  virtual End ReceiveEnd() = 0;

  virtual void ShutdownWrite() = 0;
  virtual void Close() = 0;
  // Closes so that the other side sees a reset.
  virtual void Reset() = 0;

  // Returns the address that the other side sees.
  virtual evnet_address LocalAddress() = 0;
};

struct PeerOptions {
  int send_buffer_bytes = 0;  // 0: the system's default
  int receive_buffer_bytes = 0;
};

inline std::ostream &operator<<(std::ostream &out, Peer::End end) {
  return out << (end == Peer::End::kOpen  ? "open"
                 : end == Peer::End::kEnd ? "end-of-stream"
                                          : "reset");
}

class Fixture {
 public:
  virtual ~Fixture() = default;

  // Returns an address to listen on: loopback and a port that the kernel chooses, or an unused
  // path.
  virtual evnet_address Loopback() = 0;
  // Connects to a listener. The connection is then queued there.
  virtual std::unique_ptr<Peer> Connect(const evnet_address &address,
                                        const PeerOptions &options) = 0;
  // Makes a connected pair of Unix stream sockets. Returns one end; the descriptor is for
  // attaching.
  virtual std::unique_ptr<Peer> UnixPair(int *out_descriptor) = 0;
  // Returns the number of open descriptors of the process.
  virtual size_t OpenDescriptors() = 0;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_PEER_H_
