// io_uring's accept ending with every errno of accept(2), at once or behind connections.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"
#include "net/poller/testing/uring_faults.h"

namespace evnet_testing {
namespace {

class UringAcceptFaultsTest : public ContractTest {
 protected:
  void TearDown() override {
    ResetUring();
    for (const int descriptor : accepted_) evnet_poller_discard_descriptor(poller(), descriptor);
    Destroy();
  }

  void SetUp() override {
    ContractTest::SetUp();
    Note();
  }

  void Note() {
    loop().OnEvent([this](const Event &event) {
      if (event.op == EVNET_OP_ACCEPT && event.result >= 0) {
        accepted_.push_back(static_cast<int>(event.result));
      }
    });
  }

  bool RunUntilAccepts(evnet_handle listener, size_t count) {
    return loop().RunUntil(
        [this, listener, count] { return loop().Of(listener, EVNET_OP_ACCEPT).size() >= count; });
  }

  void ConnectTo(evnet_handle listener) {
    peers_.push_back(fixture().Connect(AddressOf(listener), {}));
  }

 private:
  std::vector<int> accepted_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

TEST_P(UringAcceptFaultsTest, WhatConcernsOneConnectionIsPassedOver) {
  for (const int error : {EINTR, EAGAIN, ECANCELED, ECONNABORTED, EOPNOTSUPP, EPERM, EPROTO, ENOSR,
                          ESOCKTNOSUPPORT, EPROTONOSUPPORT, ETIMEDOUT, ENETDOWN, ENOPROTOOPT,
                          EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH, EACCES}) {
    for (const bool armed : {false, true}) {
      const evnet_handle listener = Listen();
      if (!armed) FailSubmitted({UringOp::kAccept, -error, 0, 3});
      evnet_poller_accept_start(poller(), listener);
      ConnectTo(listener);
      ASSERT_TRUE(RunUntilAccepts(listener, 1));
      if (armed) EndArmed({UringOp::kAccept, -error});
      ConnectTo(listener);
      ASSERT_TRUE(RunUntilAccepts(listener, 2));
      for (const Event &event : loop().Of(listener)) EXPECT_GE(event.result, 0) << error;
      evnet_poller_detach(poller(), listener);
      Settle();
      Note();
    }
  }
}

TEST_P(UringAcceptFaultsTest, WhatConcernsTheSystemOrTheListenerIsToldAndStartTriesAgain) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EFAULT, EINVAL, ENOTSOCK}) {
    for (const size_t behind : {0u, 1u, 3u}) {
      const evnet_handle listener = Listen();
      if (behind == 0) FailSubmitted({UringOp::kAccept, -error});
      evnet_poller_accept_start(poller(), listener);
      for (size_t i = 0; i < behind; i++) ConnectTo(listener);
      ASSERT_TRUE(RunUntilAccepts(listener, behind));
      if (behind > 0) EndArmed({UringOp::kAccept, -error});
      ConnectTo(listener);
      ASSERT_TRUE(RunUntilAccepts(listener, behind + 1));
      const Event told = loop().Of(listener)[behind];
      EXPECT_EQ(told.result, -error);
      EXPECT_FALSE(told.more);
      const uint64_t accepts = CountUring().accepts;
      for (int i = 0; i < 5; i++) loop().Turn(0);
      EXPECT_EQ(CountUring().accepts, accepts);
      evnet_poller_accept_start(poller(), listener);
      ASSERT_TRUE(RunUntilAccepts(listener, behind + 2));
      EXPECT_GE(loop().Of(listener).back().result, 0);
      evnet_poller_detach(poller(), listener);
      Settle();
    }
  }
}

TEST_P(UringAcceptFaultsTest, AFailureWithoutEndIsToldInsteadOfSpinning) {
  const evnet_handle listener = Listen();
  FailSubmitted({UringOp::kAccept, -EPERM, 0, 1 << 30});
  ConnectTo(listener);
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, 1));
  EXPECT_EQ(loop().Of(listener).front().result, -EPERM);
  EXPECT_FALSE(loop().Of(listener).front().more);
  const uint64_t accepts = CountUring().accepts;
  loop().Turn(0);
  const uint64_t before = evnet_poller_now_ns(poller());
  loop().Turn(20000000);
  EXPECT_GE(evnet_poller_now_ns(poller()) - before, 20000000u);
  EXPECT_EQ(CountUring().accepts, accepts);
  ResetUring();
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, 2));
  EXPECT_GE(loop().Of(listener).back().result, 0);
}

// There is a bound to what was accepted and not yet told. An error needs no place within it.
TEST_P(UringAcceptFaultsTest, AnErrorBehindTooManyConnectionsIsNotLost) {
  constexpr int kNoDescriptor = 1 << 28;  // as accepted, and closed by the peer since
  const evnet_handle full = Listen();
  FailSubmitted({UringOp::kAccept, kNoDescriptor, 0, 8192});
  for (int i = 0; i < 8192; i++) {
    evnet_poller_accept_start(poller(), full);
    ASSERT_GE(evnet_poller_wait(poller(), 0), 0);
    evnet_poller_accept_stop(poller(), full);
    evnet_completion completion;
    ASSERT_FALSE(evnet_poller_next(poller(), &completion));
  }
  const evnet_handle listener = Listen();
  FailSubmitted({UringOp::kAccept, -EMFILE});
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, 1));
  EXPECT_EQ(loop().Of(listener).front().result, -EMFILE);
  evnet_poller_detach(poller(), full);
  loop().Turn(0);
  ConnectTo(listener);
  evnet_poller_accept_start(poller(), listener);
  ASSERT_TRUE(RunUntilAccepts(listener, 2));
  EXPECT_GE(loop().Of(listener).back().result, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, UringAcceptFaultsTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringAcceptFaultsTest);

}  // namespace
}  // namespace evnet_testing
