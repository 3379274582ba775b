// A client for tests: a blocking TCP or Unix socket. No call waits longer than kDeadline. A call
// that does not succeed fails the running test.
#ifndef EVNET_NET_SERVER_TESTING_CLIENT_H_
#define EVNET_NET_SERVER_TESTING_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include <ostream>
#include <string>

#include "net/base/address.h"
#include "net/base/testing/place.h"

namespace evnet_testing {

struct ClientOptions {
  int send_buffer_bytes = 0;  // 0 for the system's default
  int receive_buffer_bytes = 0;
  std::string source;  // an IPv4 address to connect from; empty for the system's choice
  std::string path;    // the client's Unix path; empty for none
};

class Client {
 public:
  // How the server's side of the stream ended.
  enum class End { kOpen, kEnd, kReset };

  // Connects to 127.0.0.1.
  explicit Client(uint16_t port, const ClientOptions &options = {});
  explicit Client(const evnet_address &address, const ClientOptions &options = {});
  Client(Client &&other) noexcept;
  Client &operator=(Client &&other) noexcept;
  ~Client();

  int descriptor() const { return descriptor_; }
  bool connected() const { return connected_; }
  // The addresses of the client and of the server.
  evnet_address LocalAddress() const;
  evnet_address RemoteAddress() const;

  void SendAll(const std::string &data, Place place = Place::Here());
  // Sends as much as fits without waiting. Returns the number of bytes sent.
  size_t TrySend(const std::string &data);
  // Sends until the kernel accepts no byte for `quiet_ms`, because all buffers are full. Returns
  // the number of bytes sent.
  size_t SendUntilBlocked(const std::string &data, int quiet_ms = 100);

  // Waits until the server's kernel has received all sent bytes.
  void WaitUntilDelivered();

  // Receives exactly `bytes`. If the stream ends before, fails the test and returns fewer.
  std::string Receive(size_t bytes, Place place = Place::Here());
  // Receives all bytes until the stream ends; end() returns how it ended.
  std::string ReceiveToEnd(Place place = Place::Here());
  // Receives the bytes that have arrived, without waiting.
  std::string TryReceive();
  // Returns whether bytes, EOF or a reset arrive within `ms`.
  bool Readable(int ms);
  // How the stream has ended, as far as the client has read.
  End end() const { return end_; }

  // Sends `data` while it receives the same number of bytes.
  std::string Exchange(const std::string &data, Place place = Place::Here());

  void ShutdownWrite();
  void Close();
  // Resets the connection and closes the socket.
  void Reset();

 private:
  void Connect(const evnet_address &address, const ClientOptions &options);
  // Waits for one of the events. Returns whether it came within `ms`.
  bool Wait(short events, int ms) const;
  // Appends arrived bytes, at most `bytes`. Returns false at the end of the stream.
  bool ReceiveSome(std::string *out, size_t bytes);

  int descriptor_ = -1;
  bool connected_ = false;
  End end_ = End::kOpen;
};

inline std::ostream &operator<<(std::ostream &out, Client::End end) {
  return out << (end == Client::End::kOpen  ? "open"
                 : end == Client::End::kEnd ? "end-of-stream"
                                            : "reset");
}

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_CLIENT_H_
