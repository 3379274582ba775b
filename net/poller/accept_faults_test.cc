// Every errno of accept(2). The linker (--wrap=accept4) replaces the call.
#include <errno.h>
#include <sys/socket.h>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace {

struct {
  int error = 0;
  int count = 0;  // the number of calls that fail from now on
  int calls = 0;
} fault;

}  // namespace

extern "C" {
int __real_accept4(int listener, sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int listener, sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int listener, sockaddr *address, socklen_t *size, int flags) {
  fault.calls++;
  if (fault.count > 0) {
    fault.count--;
    errno = fault.error;
    return -1;
  }
  return __real_accept4(listener, address, size, flags);
}
}

namespace evnet_testing {
namespace {

class AcceptFaultsTest : public ContractTest {
 protected:
  void Fail(int error, int count) {
    fault.error = error;
    fault.count = count;
    fault.calls = 0;
  }

  // Listens, connects, and runs until an ACCEPT is recorded.
  evnet_handle AcceptOne() {
    const evnet_handle listener = Listen();
    client_ = fixture().Connect(AddressOf(listener), {});
    evnet_poller_accept_start(poller(), listener);
    EXPECT_TRUE(RunUntilAccepts(listener, 1));
    return listener;
  }

  bool RunUntilAccepts(evnet_handle listener, size_t count) {
    return loop().RunUntil(
        [this, listener, count] { return loop().Of(listener, EVNET_OP_ACCEPT).size() == count; });
  }

  void TearDown() override {
    Fail(0, 0);
    for (const Event &event : loop().events()) {
      if (event.op == EVNET_OP_ACCEPT && event.result >= 0) {
        evnet_poller_discard_descriptor(poller(), static_cast<int>(event.result));
      }
    }
  }

 private:
  std::unique_ptr<Peer> client_;
};

TEST_P(AcceptFaultsTest, WhatConcernsOneConnectionIsPassedOver) {
  for (const int error :
       {EINTR, ECONNABORTED, EOPNOTSUPP, EPERM, EPROTO, ENOSR, ESOCKTNOSUPPORT, EPROTONOSUPPORT,
        ETIMEDOUT, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH, EACCES}) {
    Fail(error, 3);
    const evnet_handle listener = AcceptOne();
    ASSERT_FALSE(loop().Of(listener).empty()) << error;
    EXPECT_GE(loop().Of(listener).front().result, 0) << error;
    EXPECT_GE(fault.calls, 4);
  }
}

TEST_P(AcceptFaultsTest, WhatConcernsTheSystemOrTheListenerIsToldAndStartTriesAgain) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EFAULT, EINVAL, ENOTSOCK}) {
    Fail(error, 1);
    const evnet_handle listener = AcceptOne();
    ASSERT_FALSE(loop().Of(listener).empty()) << error;
    EXPECT_EQ(loop().Of(listener).front().result, -error);
    EXPECT_FALSE(loop().Of(listener).front().more);
    EXPECT_EQ(fault.calls, 1);
    Settle();
    EXPECT_EQ(loop().Of(listener).size(), 1u);
    evnet_poller_accept_start(poller(), listener);
    ASSERT_TRUE(RunUntilAccepts(listener, 2));
    EXPECT_GE(loop().Of(listener).back().result, 0);
  }
}

// io_uring's next poll reports whether more connections are queued. An edge does not, so the last
// accept finds none.
TEST_P(AcceptFaultsTest, OneConnectionCostsOneAcceptAndOverReadinessOneInVain) {
  Fail(0, 0);
  const evnet_handle listener = AcceptOne();
  loop().Turn(0);
  EXPECT_EQ(fault.calls, GetParam().calls_sockets ? 2 : 1);
  EXPECT_EQ(loop().Of(listener).size(), 1u);
}

TEST_P(AcceptFaultsTest, AFloodTakesFewTurnsAndFewAcceptsInVain) {
  constexpr size_t kClients = 200;
  Fail(0, 0);
  const evnet_handle listener = Listen();
  std::vector<std::unique_ptr<Peer>> clients;
  const evnet_address address = AddressOf(listener);
  while (clients.size() < kClients) clients.push_back(fixture().Connect(address, {}));
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, kClients));
  const std::vector<Event> accepts = loop().Of(listener);
  EXPECT_LE(accepts.back().turn - accepts.front().turn, 10u);
  EXPECT_LE(fault.calls, static_cast<int>(kClients) + 1);
}

TEST_P(AcceptFaultsTest, AFailureWithoutEndIsToldInsteadOfSpinning) {
  Fail(EPERM, 1 << 30);
  const evnet_handle listener = AcceptOne();
  ASSERT_FALSE(loop().Of(listener).empty());
  EXPECT_EQ(loop().Of(listener).front().result, -EPERM);
  EXPECT_FALSE(loop().Of(listener).front().more);
  const int calls = fault.calls;
  loop().Turn(0);
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(20000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 20000000u);
  EXPECT_EQ(fault.calls, calls);
  Fail(0, 0);
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, 2));
  EXPECT_GE(loop().Of(listener).back().result, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, AcceptFaultsTest, ::testing::ValuesIn(AcceptCallBackends()),
                         BackendName);

}  // namespace
}  // namespace evnet_testing
