// Shared by the contract tests: the backends that they run over, and a fixture with a poller, a
// listener and connections.
#ifndef EVNET_NET_POLLER_TESTING_CONTRACT_H_
#define EVNET_NET_POLLER_TESTING_CONTRACT_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/poller/poller.h"
#include "net/poller/testing/loop.h"
#include "net/poller/testing/peer.h"

namespace evnet_testing {

struct Backend {
  const char *name;
  int (*create)(const evnet_poller_options *options, evnet_poller **out_poller);
  std::unique_ptr<Fixture> (*make_fixture)(evnet_transport transport);
  // Descriptors are numbers of this process, so fcntl, dup and RLIMIT_NOFILE apply to them.
  bool real_descriptors;
  // No RECV follows recv_stop, not even of bytes that the kernel has already delivered.
  bool recv_stop_is_exact;
  bool calls_sockets;         // calls recv(2) and send(2), which the linker can wrap
  evnet_transport transport;  // of the connections that the fixture makes

  bool is_tcp() const { return transport == EVNET_TRANSPORT_TCP; }
};

inline std::string Describe(const Backend &backend) {
  return std::string(backend.name) + (backend.is_tcp() ? "" : "_unix");
}

inline void PrintTo(const Backend &backend, std::ostream *out) { *out << Describe(backend); }

// Returns all backends of this system except io_uring, or only io_uring if the environment asks for
// it. Each runs over TCP and over Unix sockets.
std::vector<Backend> Backends();
// Returns those that run over TCP.
std::vector<Backend> TcpBackends();
// Return the backends with calls_sockets, and those of them that run over TCP.
std::vector<Backend> SocketCallBackends();
std::vector<Backend> TcpCallBackends();
// Returns the backends with calls_sockets, and io_uring, which calls accept4(2), too.
std::vector<Backend> AcceptCallBackends();
// Returns io_uring over TCP if the environment asks for it, otherwise nothing.
std::vector<Backend> UringBackends();

inline std::string BackendName(const ::testing::TestParamInfo<Backend> &info) {
  return Describe(info.param);
}

struct Connection {
  std::unique_ptr<Peer> peer;
  evnet_handle handle;
  int descriptor;
};

class ContractTest : public ::testing::TestWithParam<Backend> {
 protected:
  ContractTest();
  ~ContractTest() override;

  void SetUp() override { Open({}); }
  // Creates a poller with other options. The present poller and everything attached to it is
  // destroyed.
  void Open(evnet_poller_options options);
  void Destroy();

  // Listens on an address of the fixture. AddressOf returns it.
  evnet_handle Listen(const evnet_listen_options *options = nullptr);
  evnet_address AddressOf(evnet_handle listener);

  // Makes a connection with its own listener, accepts and attaches it. Neither recv nor send is
  // armed.
  Connection Connect(const PeerOptions &peer_options = {},
                     const evnet_listen_options *listen_options = nullptr);
  // The same, without attaching it.
  Connection ConnectOnly(const PeerOptions &peer_options = {},
                         const evnet_listen_options *listen_options = nullptr);
  Connection AttachUnix();
  evnet_handle Attach(int descriptor) { return Attach(descriptor, GetParam().transport); }
  evnet_handle Attach(int descriptor, evnet_transport transport);

  // Runs until everything that the kernel knows by now has been reported. It waits for a byte that
  // it sends through another connection, because that byte comes last.
  void Settle();

  // Sends immediately. Returns the number of bytes taken.
  int64_t Send(evnet_handle handle, const std::string &data);
  // Sends until the socket is full. Returns the bytes taken.
  std::string SendUntilFull(evnet_handle handle);

  evnet_poller *poller() { return poller_; }
  Fixture &fixture() { return *fixture_; }
  Loop &loop() { return *loop_; }

 private:
  std::unique_ptr<Fixture> fixture_;
  evnet_poller *poller_ = nullptr;
  std::unique_ptr<Loop> loop_;
};

// Returns bytes of a pattern in which no part equals its neighbours.
std::string Pattern(size_t size);

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_CONTRACT_H_
