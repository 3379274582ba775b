// The poller's contract: a quota limits how much handles receive and send.
#include <stdio.h>
#include <unistd.h>

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "net/poller/testing/contract.h"

namespace evnet_testing {
namespace {

class QuotaTest : public ContractTest {
 protected:
  QuotaTest() {
    quota_.context = this;
    quota_.is_limited = [](void *context, evnet_handle handle) {
      return static_cast<QuotaTest *>(context)->left_.count(handle.index) > 0;
    };
    quota_.ask = [](void *context, evnet_handle handle, evnet_op op) {
      auto *self = static_cast<QuotaTest *>(context);
      self->asked_[op]++;
      return self->left_[handle.index];
    };
  }

  // Limits a handle to `bytes` for each operation.
  void Limit(evnet_handle handle, size_t bytes) {
    left_[handle.index] = bytes;
    evnet_poller_set_quota(poller(), &quota_);
  }
  size_t Received(evnet_handle handle) { return loop().Data(handle).size(); }

  evnet_quota quota_ = {};
  std::map<uint32_t, size_t> left_;
  std::map<int, int> asked_;
};

TEST_P(QuotaTest, ALimitedHandleReceivesPartByPart) {
  Connection connection = Connect();
  Limit(connection.handle, 7);
  const std::string data = Pattern(1000);
  connection.peer->Send(data);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return Received(connection.handle) == data.size(); }));
  EXPECT_TRUE(loop().Data(connection.handle) == data);
  for (const Event &event : loop().Of(connection.handle, EVNET_OP_RECV))
    EXPECT_LE(event.data.size(), 7u);
}

TEST_P(QuotaTest, WithoutBytesReceivingIsDisarmedUntilItStartsAgain) {
  Connection connection = Connect();
  Limit(connection.handle, 0);
  connection.peer->Send("data");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return asked_[EVNET_OP_RECV] == 1; }));
  Settle();
  EXPECT_EQ(loop().Story(connection.handle), "");
  EXPECT_EQ(asked_[EVNET_OP_RECV], 1) << "a refused handle is not asked again and again";
  Limit(connection.handle, 2);
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return Received(connection.handle) == 4; }));
  EXPECT_EQ(loop().Data(connection.handle), "data");
}

TEST_P(QuotaTest, ARefusedHandleStillReportsThatItIsDead) {
  Connection connection = Connect();
  Limit(connection.handle, 0);
  connection.peer->Send("data");
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return asked_[EVNET_OP_RECV] == 1; }));
  if (!GetParam().is_tcp()) return;  // a Unix socket has no reset, and data precedes its EOF
  connection.peer->Reset();
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_HANGUP).empty(); }));
  EXPECT_LT(loop().Of(connection.handle, EVNET_OP_HANGUP).back().result, 0);
}

TEST_P(QuotaTest, AnEndComesAfterTheLastPart) {
  Connection connection = Connect();
  Limit(connection.handle, 3);
  connection.peer->Send("last words");
  connection.peer->ShutdownWrite();
  evnet_poller_recv_start(poller(), connection.handle);
  ASSERT_TRUE(loop().RunUntil([&] {
    const std::vector<Event> events = loop().Of(connection.handle, EVNET_OP_RECV);
    return !events.empty() && !events.back().more;
  }));
  EXPECT_EQ(loop().Data(connection.handle), "last words");
  EXPECT_EQ(loop().Of(connection.handle, EVNET_OP_RECV).back().result, 0);
}

TEST_P(QuotaTest, ALimitThatBeginsWhileReceivingHoldsAfterARestart) {
  Connection connection = Connect();
  evnet_poller_recv_start(poller(), connection.handle);
  connection.peer->Send("first");
  ASSERT_TRUE(loop().RunUntil([&] { return Received(connection.handle) == 5; }));
  Limit(connection.handle, 3);
  evnet_poller_recv_stop(poller(), connection.handle);
  evnet_poller_recv_start(poller(), connection.handle);
  Settle();
  loop().Clear();
  connection.peer->Send("second part");
  ASSERT_TRUE(loop().RunUntil([&] { return Received(connection.handle) == 11; }));
  for (const Event &event : loop().Of(connection.handle, EVNET_OP_RECV))
    EXPECT_LE(event.data.size(), 3u);
}

TEST_P(QuotaTest, OtherHandlesAreNotLimited) {
  Connection limited = Connect();
  Connection other = Connect();
  Limit(limited.handle, 1);
  const std::string data = Pattern(1000);
  other.peer->Send(data);
  evnet_poller_recv_start(poller(), other.handle);
  ASSERT_TRUE(loop().RunUntil([&] { return Received(other.handle) == data.size(); }));
  EXPECT_EQ(asked_[EVNET_OP_RECV], 0);
}

TEST_P(QuotaTest, ALimitedSendTakesAPart) {
  Connection connection = Connect();
  Limit(connection.handle, 5);
  const std::string data = "0123456789";
  iovec pieces[2] = {{const_cast<char *>(data.data()), 3},
                     {const_cast<char *>(data.data()) + 3, 7}};
  evnet_send send = {};
  send.pieces = pieces;
  send.count = 2;
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  const int64_t sent = loop().Of(connection.handle, EVNET_OP_SEND).back().result;
  EXPECT_GT(sent, 0);
  EXPECT_LE(sent, 5);
  const auto size = static_cast<size_t>(sent);
  EXPECT_EQ(connection.peer->Receive(size), data.substr(0, size));
}

TEST_P(QuotaTest, ASendWithoutBytesCompletesWithZero) {
  Connection connection = Connect();
  Limit(connection.handle, 0);
  iovec piece = {const_cast<char *>("x"), 1};
  evnet_send send = {};
  send.pieces = &piece;
  send.count = 1;
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  EXPECT_EQ(loop().Of(connection.handle, EVNET_OP_SEND).back().result, 0);
}

TEST_P(QuotaTest, ALimitedFileIsSentInPart) {
  Connection connection = Connect();
  Limit(connection.handle, 4);
  FILE *file = tmpfile();
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(write(fileno(file), "0123456789", 10), 10);
  evnet_file_range range = {};
  range.descriptor = fileno(file);
  range.offset = 1;
  range.size = 9;
  evnet_send send = {};
  send.file = &range;
  evnet_poller_send_start(poller(), connection.handle, &send);
  ASSERT_TRUE(
      loop().RunUntil([&] { return !loop().Of(connection.handle, EVNET_OP_SEND).empty(); }));
  const int64_t sent = loop().Of(connection.handle, EVNET_OP_SEND).back().result;
  EXPECT_GT(sent, 0);
  EXPECT_LE(sent, 4);
  EXPECT_EQ(connection.peer->Receive(1), "1");
  fclose(file);
}

INSTANTIATE_TEST_SUITE_P(Backends, QuotaTest, ::testing::ValuesIn(Backends()), BackendName);

}  // namespace
}  // namespace evnet_testing
