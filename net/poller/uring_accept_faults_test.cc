// Faults of the poll that watches a listener over io_uring. accept_faults_test.cc tests the errors
// of accept(2).
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

TEST_P(UringAcceptFaultsTest, APollThatIsCancelledIsArmedAgain) {
  for (const bool armed : {false, true}) {
    const evnet_handle listener = Listen();
    if (!armed) FailSubmitted({UringOp::kAccept, -ECANCELED, 0, 3});
    evnet_poller_accept_start(poller(), listener);
    ConnectTo(listener);
    ASSERT_TRUE(RunUntilAccepts(listener, 1));
    loop().Turn(0);
    if (armed) EndArmed({UringOp::kAccept, -ECANCELED});
    ConnectTo(listener);
    ASSERT_TRUE(RunUntilAccepts(listener, 2));
    for (const Event &event : loop().Of(listener)) EXPECT_GE(event.result, 0);
    evnet_poller_detach(poller(), listener);
    Settle();
    Note();
  }
}

TEST_P(UringAcceptFaultsTest, APollThatFailsIsToldAndStartTriesAgain) {
  for (const int error : {EBADF, EFAULT, EINVAL, EINTR, ENOMEM, EPERM}) {
    for (const bool armed : {false, true}) {
      const evnet_handle listener = Listen();
      if (!armed) FailSubmitted({UringOp::kAccept, -error});
      evnet_poller_accept_start(poller(), listener);
      loop().Turn(0);
      if (armed) EndArmed({UringOp::kAccept, -error});
      ASSERT_TRUE(RunUntilAccepts(listener, 1));
      ConnectTo(listener);
      const Event told = loop().Of(listener)[0];
      EXPECT_EQ(told.result, -error);
      EXPECT_FALSE(told.more);
      const uint64_t accepts = CountUring().accepts;
      for (int i = 0; i < 5; i++) loop().Turn(0);
      EXPECT_EQ(CountUring().accepts, accepts);
      evnet_poller_accept_start(poller(), listener);
      ASSERT_TRUE(RunUntilAccepts(listener, 2));
      EXPECT_GE(loop().Of(listener).back().result, 0);
      evnet_poller_detach(poller(), listener);
      Settle();
      Note();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, UringAcceptFaultsTest, ::testing::ValuesIn(UringBackends()),
                         BackendName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(UringAcceptFaultsTest);

}  // namespace
}  // namespace evnet_testing
