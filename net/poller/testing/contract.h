// What the contract tests share: the backends they run over, and a fixture with a poller, a
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
  bool real_descriptors;    // numbers of this process: fcntl, dup and RLIMIT_NOFILE mean something
  bool recv_stop_is_exact;  // no RECV after recv_stop, not even of bytes the kernel had handed over
  bool calls_sockets;       // recv(2), send(2) are called, and can be wrapped by the linker
  evnet_transport transport;  // of the connections that the fixture makes

  bool is_tcp() const { return transport == EVNET_TRANSPORT_TCP; }
};

inline std::string Describe(const Backend &backend) {
  return std::string(backend.name) + (backend.is_tcp() ? "" : "_unix");
}

inline void PrintTo(const Backend &backend, std::ostream *out) { *out << Describe(backend); }

// All backends of this system but io_uring; or io_uring alone, if the environment asks for it. Each
// over TCP and over Unix sockets.
std::vector<Backend> Backends();
// Those over TCP.
std::vector<Backend> TcpBackends();
// Those with calls_sockets, and of these the ones over TCP.
std::vector<Backend> SocketCallBackends();
std::vector<Backend> TcpCallBackends();
// Those with calls_sockets, and io_uring, which calls accept4(2), too.
std::vector<Backend> AcceptCallBackends();
// io_uring over TCP, if the environment asks for it; else none.
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
  // A poller with other options, in place of the present one and all that is attached to it.
  void Open(evnet_poller_options options);
  void Destroy();

  // Listens where the fixture says; AddressOf tells where that is.
  evnet_handle Listen(const evnet_listen_options *options = nullptr);
  evnet_address AddressOf(evnet_handle listener);

  // A connection accepted by a listener of its own and attached. Neither recv nor send is armed.
  Connection Connect(const PeerOptions &peer_options = {},
                     const evnet_listen_options *listen_options = nullptr);
  // The same without attaching it.
  Connection ConnectOnly(const PeerOptions &peer_options = {},
                         const evnet_listen_options *listen_options = nullptr);
  Connection AttachUnix();
  evnet_handle Attach(int descriptor) { return Attach(descriptor, GetParam().transport); }
  evnet_handle Attach(int descriptor, evnet_transport transport);

  // Runs until everything that the kernel knows by now has been reported: a byte sent through
  // another connection comes last.
  void Settle();

  // Sends at once; returns what was taken.
  int64_t Send(evnet_handle handle, const std::string &data);
  // Sends until the socket takes no more; returns what it took.
  std::string SendUntilFull(evnet_handle handle);

  evnet_poller *poller() { return poller_; }
  Fixture &fixture() { return *fixture_; }
  Loop &loop() { return *loop_; }

 private:
  std::unique_ptr<Fixture> fixture_;
  evnet_poller *poller_ = nullptr;
  std::unique_ptr<Loop> loop_;
};

// Bytes of a pattern in which no part equals its neighbours.
std::string Pattern(size_t size);

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_CONTRACT_H_
