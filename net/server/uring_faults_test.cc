// A server over io_uring while operations of one connection complete with errors. The server closes
// this connection with the reason, or it loses no bytes. The other connections are served.
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "gtest/gtest.h"
#include "net/poller/testing/backend.h"
#include "net/poller/testing/uring_faults.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

class UringServerFaults : public testing::Test {
 protected:
  void SetUp() override {
    if (TestBackend() != EVNET_BACKEND_IO_URING) GTEST_SKIP() << "EVNET_TEST_BACKEND is another";
  }
  void TearDown() override { ResetUring(); }

  Callbacks Noted() {
    Callbacks callbacks = Echo();
    callbacks.on_close = [this](evnet_conn *, int reason) {
      journal_.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
    return callbacks;
  }

  // Returns a filter for the descriptors that are connected to this client.
  static std::function<bool(int)> Of(const Client &client) {
    const evnet_address address = client.LocalAddress();
    const uint16_t port = evnet_address_port(&address);
    return [port](int descriptor) {
      evnet_address peer = {};
      peer.size = sizeof peer.socket;
      return getpeername(descriptor, &peer.socket.any, &peer.size) == 0 &&
             evnet_address_port(&peer) == port;
    };
  }

  Journal journal_;
};

TEST_F(UringServerFaults, CloseThatConnectionWithItsReason) {
  const struct {
    UringOp op;
    int error;
    bool armed;  // the fault completes the pending operation, or else the next one submitted
  } faults[] = {{UringOp::kRecv, ENOMEM, true},   {UringOp::kRecv, ETIMEDOUT, true},
                {UringOp::kRecv, EIO, true},      {UringOp::kRecv, ECONNRESET, true},
                {UringOp::kSend, EPIPE, false},   {UringOp::kSend, ECONNRESET, false},
                {UringOp::kSend, ENOBUFS, false}, {UringOp::kSend, ENOMEM, false},
                {UringOp::kReady, ENOMEM, false}, {UringOp::kReady, EINVAL, false}};
  Server server(Noted());
  Client bystander(server.port());
  size_t closed = 0;
  for (const auto &[op, error, armed] : faults) {
    Client client(server.port());
    EXPECT_EQ(client.Exchange("before"), "before");
    UringFault fault = {op, -error};
    fault.of = Of(client);
    if (armed) {
      EndArmed(fault);
    } else {
      FailSubmitted(fault);
    }
    client.SendAll(Pattern(op == UringOp::kReady ? 100000 : 1));
    closed++;
    ASSERT_TRUE(WaitUntil([&] { return journal_.Lines().size() == closed; }));
    ResetUring();
    EXPECT_EQ(bystander.Exchange("still here"), "still here");
    EXPECT_EQ(journal_.Lines().back(), evnet_status_name(-error));
  }
  EXPECT_EQ(server.Stop(0), 0);
}

TEST_F(UringServerFaults, ThatPassLoseNothing) {
  Server server(Noted());
  Client client(server.port());
  EXPECT_EQ(client.Exchange("before"), "before");
  for (const int error : {EAGAIN, ECANCELED, EINTR, ENOBUFS}) {
    EndArmed({UringOp::kRecv, -error, 0, 1, Of(client)});
    EXPECT_EQ(client.Exchange("x"), "x");
    EXPECT_EQ(client.Exchange(Pattern(200000)), Pattern(200000));
    FailSubmitted({UringOp::kReady, -ECANCELED, 0, 2, Of(client)});
    EXPECT_EQ(client.Exchange(Pattern(200000)), Pattern(200000));
    EXPECT_EQ(client.Exchange("x"), "x");
    ResetUring();
  }
  for (const int result : {-EAGAIN, -EINTR, 1, 3}) {
    FailSubmitted({UringOp::kSend, result, 0, 3, Of(client)});
    for (int i = 0; i < 5; i++) EXPECT_EQ(client.Exchange("message"), "message");
    ResetUring();
  }
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal_.Lines().size(), 1u);  // the stop has closed the connection
}

TEST_F(UringServerFaults, OfAFullSocketsPollCloseIt) {
  Server server(Noted());
  Client bystander(server.port());
  Client client(server.port());
  EXPECT_EQ(client.Exchange("before"), "before");
  FailSubmitted({UringOp::kOut, -ENOMEM, 0, 1, Of(client)});
  const std::string chunk = Pattern(100000);
  ASSERT_TRUE(WaitUntil([&] {
    (void)send(client.descriptor(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return journal_.Count("ENOMEM") == 1;
  }));
  EXPECT_EQ(bystander.Exchange("still here"), "still here");
  EXPECT_EQ(server.Stop(0), 0);
}

// The listener pauses and later accepts again.
TEST_F(UringServerFaults, OfTheListenerPass) {
  Server server(Noted());
  Client bystander(server.port());
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM}) {
    EndArmed({UringOp::kAccept, -error});
    FailSubmitted({UringOp::kAccept, -error});
    EXPECT_EQ(bystander.Exchange("still here"), "still here");
    Client client(server.port());
    EXPECT_EQ(client.Exchange("welcome"), "welcome");
    ResetUring();
  }
  EXPECT_EQ(server.Stop(0), 0);
}

}  // namespace
}  // namespace evnet_testing
