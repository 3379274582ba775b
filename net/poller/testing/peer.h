// The other end of a connection under test, and the world that makes it: what a kernel is to the
// contract tests. Real sockets are one such world (socket_fixture.h); a simulated kernel is
// another. Every call either succeeds or fails the running test; none waits longer than kDeadline.
#ifndef EVNET_NET_POLLER_TESTING_PEER_H_
#define EVNET_NET_POLLER_TESTING_PEER_H_

#include <stddef.h>

#include <chrono>
#include <memory>
#include <string>

#include "net/base/address.h"

namespace evnet_testing {

// Long past what a loaded machine needs; only a failing test waits for it.
constexpr std::chrono::seconds kDeadline(20);

class Peer {
 public:
  enum class End { kOpen, kEnd, kReset };

  virtual ~Peer() = default;  // closes

  // Sends all of it, and waits until the kernel has taken it.
  virtual void Send(const std::string &data) = 0;
  // Sends as much as fits at once; returns how much.
  virtual size_t TrySend(const std::string &data) = 0;
  // Sends one byte out of band.
  virtual void SendUrgent(char byte) = 0;
  // Sends data with a control message attached (Unix sockets: a descriptor).
  virtual void SendWithControl(const std::string &data) = 0;

  // Takes what has arrived; does not wait.
  virtual std::string TryReceive() = 0;
  // Takes exactly `bytes`, waiting for them; fewer if the connection ends before.
  virtual std::string Receive(size_t bytes) = 0;
  // Reads and throws away until the end comes, and tells how.
  virtual End ReceiveEnd() = 0;

  virtual void ShutdownWrite() = 0;
  virtual void Close() = 0;
  // Closes so that the other side sees a reset.
  virtual void Reset() = 0;

  // The address the other side sees.
  virtual evnet_address LocalAddress() = 0;
};

struct PeerOptions {
  int send_buffer_bytes = 0;  // 0: the system's
  int receive_buffer_bytes = 0;
};

class Fixture {
 public:
  virtual ~Fixture() = default;

  // Where to listen: loopback, and a port that the kernel chooses; or a path of its own.
  virtual evnet_address Loopback() = 0;
  // Connects to a listener. The connection then waits there to be accepted.
  virtual std::unique_ptr<Peer> Connect(const evnet_address &address,
                                        const PeerOptions &options) = 0;
  // Makes a connected pair of Unix stream sockets: a descriptor to attach, and its other end.
  virtual std::unique_ptr<Peer> UnixPair(int *out_descriptor) = 0;
  // How many descriptors are open, of everything.
  virtual size_t OpenDescriptors() = 0;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_PEER_H_
