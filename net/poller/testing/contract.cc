#include "net/poller/testing/contract.h"

#include <errno.h>

#include "net/poller/testing/backend.h"
#include "net/poller/testing/socket_fixture.h"

namespace evnet_testing {
namespace {

template <evnet_backend kBackend>
int Create(const evnet_poller_options *options, evnet_poller **out_poller) {
  evnet_poller_options chosen = *options;
  chosen.backend = kBackend;
  return evnet_poller_create(&chosen, out_poller);
}

std::vector<Backend> OverEach(Backend backend) {
  std::vector<Backend> each;
  for (const evnet_transport transport : {EVNET_TRANSPORT_TCP, EVNET_TRANSPORT_UNIX}) {
    backend.transport = transport;
    each.push_back(backend);
  }
  return each;
}

}  // namespace

std::vector<Backend> Backends() {
  // io_uring has its own process, because the kernel frees a ring some time after its close and may
  // then interrupt a wait of another backend's test.
  if (TestBackend() == EVNET_BACKEND_IO_URING) {
    return OverEach(
        {"io_uring", Create<EVNET_BACKEND_IO_URING>, MakeSocketFixture, true, false, false, {}});
  }
  const Backend all[] = {
      {"epoll", Create<EVNET_BACKEND_EPOLL>, MakeSocketFixture, true, true, true, {}},
      {"kqueue", Create<EVNET_BACKEND_KQUEUE>, MakeSocketFixture, true, true, false, {}},
  };
  std::vector<Backend> here;
  for (const Backend &backend : all) {
    const evnet_poller_options options = {};
    evnet_poller *poller = nullptr;
    if (backend.create(&options, &poller) == -ENOSYS) continue;  // the tests report others
    evnet_poller_destroy(poller);
    for (const Backend &each : OverEach(backend)) here.push_back(each);
  }
  return here;
}

std::vector<Backend> TcpBackends() {
  std::vector<Backend> chosen;
  for (const Backend &backend : Backends()) {
    if (backend.is_tcp()) chosen.push_back(backend);
  }
  return chosen;
}

std::vector<Backend> SocketCallBackends() {
  std::vector<Backend> chosen;
  for (const Backend &backend : Backends()) {
    if (backend.calls_sockets) chosen.push_back(backend);
  }
  return chosen;
}

std::vector<Backend> AcceptCallBackends() {
  return TestBackend() == EVNET_BACKEND_IO_URING ? Backends() : SocketCallBackends();
}

std::vector<Backend> UringBackends() {
  return TestBackend() == EVNET_BACKEND_IO_URING ? TcpBackends() : std::vector<Backend>();
}

std::vector<Backend> TcpCallBackends() {
  std::vector<Backend> chosen;
  for (const Backend &backend : SocketCallBackends()) {
    if (backend.is_tcp()) chosen.push_back(backend);
  }
  return chosen;
}

ContractTest::ContractTest() : fixture_(GetParam().make_fixture(GetParam().transport)) {}

ContractTest::~ContractTest() { Destroy(); }

void ContractTest::Open(evnet_poller_options options) {
  Destroy();
  ASSERT_EQ(GetParam().create(&options, &poller_), 0);
  loop_ = std::make_unique<Loop>(poller_);
}

void ContractTest::Destroy() {
  loop_.reset();
  evnet_poller_destroy(poller_);
  poller_ = nullptr;
}

evnet_handle ContractTest::Listen(const evnet_listen_options *options) {
  const evnet_address address = fixture_->Loopback();
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_listen(poller_, &address, options, &handle), 0);
  return handle;
}

evnet_address ContractTest::AddressOf(evnet_handle listener) {
  evnet_address address = {};
  EXPECT_EQ(evnet_poller_local_address(poller_, listener, &address), 0);
  return address;
}

Connection ContractTest::ConnectOnly(const PeerOptions &peer_options,
                                     const evnet_listen_options *listen_options) {
  const evnet_handle listener = Listen(listen_options);
  Connection connection = {fixture_->Connect(AddressOf(listener), peer_options), {}, -1};
  evnet_poller_accept_start(poller_, listener);
  EXPECT_TRUE(loop_->RunUntil([&] { return !loop_->Of(listener, EVNET_OP_ACCEPT).empty(); }));
  connection.descriptor = static_cast<int>(loop_->Of(listener, EVNET_OP_ACCEPT).front().result);
  EXPECT_GE(connection.descriptor, 0);
  evnet_poller_detach(poller_, listener);
  EXPECT_TRUE(loop_->RunUntil([&] { return !loop_->Of(listener, EVNET_OP_DETACH).empty(); }));
  return connection;
}

Connection ContractTest::Connect(const PeerOptions &peer_options,
                                 const evnet_listen_options *listen_options) {
  Connection connection = ConnectOnly(peer_options, listen_options);
  connection.handle = Attach(connection.descriptor);
  return connection;
}

Connection ContractTest::AttachUnix() {
  Connection connection = {};
  connection.peer = fixture_->UnixPair(&connection.descriptor);
  connection.handle = Attach(connection.descriptor, EVNET_TRANSPORT_UNIX);
  return connection;
}

evnet_handle ContractTest::Attach(int descriptor, evnet_transport transport) {
  evnet_handle handle = {};
  EXPECT_EQ(evnet_poller_attach(poller_, descriptor, transport, &handle), 0);
  EXPECT_NE(handle.generation, 0u);
  return handle;
}

void ContractTest::Settle() {
  Connection last = Connect();
  evnet_poller_recv_start(poller_, last.handle);
  last.peer->Send("!");
  EXPECT_TRUE(loop_->RunUntil([&] { return loop_->Data(last.handle) == "!"; }));
  evnet_poller_detach(poller_, last.handle);
  EXPECT_TRUE(loop_->RunUntil([&] { return !loop_->Of(last.handle, EVNET_OP_DETACH).empty(); }));
  loop_->Turn(0);
}

int64_t ContractTest::Send(evnet_handle handle, const std::string &data) {
  const iovec piece = {const_cast<char *>(data.data()), data.size()};
  return evnet_poller_send(poller_, handle, &piece, 1);
}

std::string ContractTest::SendUntilFull(evnet_handle handle) {
  std::string taken;
  const std::string chunk = Pattern(65536);
  for (;;) {
    const int64_t sent = Send(handle, chunk);
    EXPECT_GE(sent, 0);
    if (sent <= 0) return taken;
    taken.append(chunk, 0, static_cast<size_t>(sent));
  }
}

std::string Pattern(size_t size) {
  std::string data(size, 0);
  uint32_t state = 12345;
  for (char &byte : data) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return data;
}

}  // namespace evnet_testing
