// The poller's contract: descriptor 0 is a valid descriptor. A daemon that has closed its standard
// input gets it for the first socket or file that it opens.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

bool IsOpen() { return fcntl(0, F_GETFD) != -1; }

class DescriptorZeroTest : public ContractTest {
 protected:
  void SetUp() override {
    if (!GetParam().real_descriptors) GTEST_SKIP() << "no descriptors of this process";
    kept_ = fcntl(0, F_DUPFD_CLOEXEC, 100);
    ContractTest::SetUp();
  }

  void TearDown() override {
    Destroy();
    if (kept_ < 0) return;
    EXPECT_EQ(dup2(kept_, 0), 0);
    EXPECT_EQ(close(kept_), 0);
  }

  void Free() {
    if (IsOpen()) {
      ASSERT_EQ(close(0), 0);
    }
  }

  void Detach(evnet_handle handle) {
    evnet_poller_detach(poller(), handle);
    ASSERT_TRUE(loop().RunUntil([=] { return !loop().Of(handle, EVNET_OP_DETACH).empty(); }));
  }

  int64_t Accept(evnet_handle listener) {
    evnet_poller_accept_start(poller(), listener);
    if (!loop().RunUntil([&] { return !loop().Of(listener, EVNET_OP_ACCEPT).empty(); })) return -1;
    return loop().Of(listener, EVNET_OP_ACCEPT).front().result;
  }

 private:
  int kept_ = -1;
};

// Over Unix sockets the lock file gets the descriptor; the lock is removed with the path.
TEST_P(DescriptorZeroTest, MayBeAListeners) {
  Free();
  const evnet_handle listener = Listen();
  EXPECT_TRUE(IsOpen());
  const evnet_address address = AddressOf(listener);
  const auto peer = fixture().Connect(address, {});
  const int64_t descriptor = Accept(listener);
  EXPECT_GT(descriptor, 0);
  close(static_cast<int>(descriptor));
  Detach(listener);
  EXPECT_FALSE(IsOpen());
  if (GetParam().is_tcp()) return;
  const std::string path = address.socket.local.sun_path;
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_NE(access((path + ".lock").c_str(), F_OK), 0);
}

TEST_P(DescriptorZeroTest, MayBeAnAcceptedConnections) {
  const evnet_handle listener = Listen();
  const auto peer = fixture().Connect(AddressOf(listener), {});
  Free();
  ASSERT_EQ(Accept(listener), 0);
  const evnet_handle handle = Attach(0);
  evnet_poller_recv_start(poller(), handle);
  peer->Send("question");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(handle) == "question"; }));
  EXPECT_EQ(Send(handle, "answer"), 6);
  EXPECT_EQ(peer->Receive(6), "answer");
  Detach(handle);
  EXPECT_FALSE(IsOpen());
  EXPECT_EQ(peer->ReceiveEnd(), Peer::End::kEnd);
}

TEST_P(DescriptorZeroTest, MayBeADialledConnections) {
  const evnet_handle listener = Listen();
  const evnet_address address = AddressOf(listener);
  evnet_handle handle = {};
  ASSERT_EQ(evnet_poller_reserve(poller(), GetParam().transport, &handle), 0);
  Free();
  evnet_poller_connect(poller(), handle, &address, nullptr);
  EXPECT_TRUE(IsOpen());
  ASSERT_TRUE(loop().RunUntil([&] { return !loop().Of(handle, EVNET_OP_CONNECT).empty(); }));
  EXPECT_EQ(loop().Story(handle), "CONNECT=0");
  const evnet_handle accepted = Attach(static_cast<int>(Accept(listener)));
  evnet_poller_recv_start(poller(), accepted);
  EXPECT_EQ(Send(handle, "x"), 1);
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(accepted) == "x"; }));
  Detach(handle);
  EXPECT_FALSE(IsOpen());
}

TEST_P(DescriptorZeroTest, MayBeThePollersOwn) {
  Destroy();
  Free();
  Open({});
  EXPECT_TRUE(IsOpen());
  const Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("x");
  ASSERT_TRUE(loop().RunUntil([&] { return loop().Data(connection.handle) == "x"; }));
  Destroy();
  EXPECT_FALSE(IsOpen());
}

INSTANTIATE_TEST_SUITE_P(Backends, DescriptorZeroTest, ::testing::ValuesIn(Backends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
