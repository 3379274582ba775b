// Requests of other threads with the id of a dial wait until the dial has ended.
#include <memory>

#include "net/reactor/adopt.h"
#include "net/reactor/async.h"
#include "net/reactor/testing/dial_fixture.h"

namespace evnet_testing {
namespace {

struct Request {
  evnet_async async = {};  // first, because finish gets a pointer to it
  std::string bytes;
  int answers = 0;
  int status = 1;
};

class RequestsTest : public DialTest {
 protected:
  Request *Post(const struct evnet_conn_id &id, evnet_async_act act,
                const std::string &bytes = "") {
    requests_.push_back(std::make_unique<Request>());
    Request *const request = requests_.back().get();
    request->bytes = bytes;
    request->async.id = id;
    request->async.act = act;
    request->async.data = request->bytes.data();
    request->async.size = request->bytes.size();
    request->async.finish = [](evnet_async *async, int status) {
      Request *const self = reinterpret_cast<Request *>(async);
      self->answers++;
      self->status = status;
    };
    EXPECT_EQ(evnet_reactor_async(harness.reactor(), &request->async), 0);
    return request;
  }
  Request *PostWrite(const struct evnet_conn_id &id, const std::string &bytes) {
    return Post(id, EVNET_ASYNC_WRITE, bytes);
  }

  // Starts a dial that waits for its name until Release.
  struct evnet_conn_id DialSlowly(const std::string &address) {
    TheNames().Know("slow.test", {"127.0.0.1"});
    return harness.Dial(address);
  }

  bool UntilAnswered(const Request *request) {
    return harness.Until([=] { return request->answers > 0; });
  }

 private:
  std::vector<std::unique_ptr<Request>> requests_;
};

// Regression test: the write failed with -ENOTCONN if the connect was slow, and succeeded if it was
// fast.
TEST_F(RequestsTest, AWriteWaitsForTheConnect) {
  harness.Start();
  PlainListener listener;
  harness.on.open = [](evnet_conn *conn) {
    Write(conn, "open ");
    return EVNET_NONE;
  };
  const struct evnet_conn_id id = DialSlowly("tcp://slow.test:" + std::to_string(listener.port()));
  const Request *const first = PostWrite(id, "first ");
  const Request *const second = PostWrite(id, "second");
  harness.Settle();
  EXPECT_EQ(first->answers, 0);
  TheNames().Release();
  ASSERT_TRUE(UntilAnswered(second));
  EXPECT_EQ(first->status, 0);
  EXPECT_EQ(second->status, 0);
  const int peer = listener.Accept();
  harness.Close(harness.Of(id).conn);
  EXPECT_EQ(ReadToEnd(peer), "open first second");
  (void)close(peer);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(first->answers, 1);
}

TEST_F(RequestsTest, AWriteOfADialThatFailsGetsItsReason) {
  harness.Start();
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  const struct evnet_conn_id id = harness.Dial(bound.text());
  const Request *const refused = PostWrite(id, "x");
  ASSERT_TRUE(UntilAnswered(refused));
  EXPECT_EQ(refused->status, -ECONNREFUSED);
  ASSERT_TRUE(UntilClosed(id));
  const Blackhole nowhere;
  const struct evnet_conn_id cancelled = harness.Dial(nowhere.text());
  const Request *const write = PostWrite(cancelled, "x");
  harness.Settle();
  const Request *const end = Post(cancelled, EVNET_ASYNC_CLOSE);
  ASSERT_TRUE(UntilAnswered(write));
  EXPECT_EQ(write->status, -ECANCELED);
  EXPECT_EQ(end->status, 0);
  const Request *const late = PostWrite(cancelled, "x");
  ASSERT_TRUE(UntilAnswered(late));
  EXPECT_EQ(late->status, -ESTALE);
}

TEST_F(RequestsTest, AWakeComesAfterOnOpen) {
  harness.Start();
  PlainListener listener;
  const struct evnet_conn_id id = DialSlowly("tcp://slow.test:" + std::to_string(listener.port()));
  const Request *const wake = Post(id, EVNET_ASYNC_WAKE);
  harness.Settle();
  EXPECT_EQ(wake->answers, 0);
  TheNames().Release();
  ASSERT_TRUE(UntilAnswered(wake));
  EXPECT_EQ(wake->status, 0);
  EXPECT_EQ(harness.Of(id).events, (std::vector<std::string>{"open", "data"}));
}

class BoundTest : public RequestsTest, public testing::WithParamInterface<evnet_overflow> {};

TEST_P(BoundTest, WhatDoesNotFitIntoTheBoundIsRefused) {
  harness.options.outbound_high_water_bytes = 1000;
  harness.options.read_turn_bytes_max = 512;
  harness.options.outbound_bytes_max = 1512;
  harness.options.outbound_overflow = GetParam();
  harness.Start();
  const Blackhole nowhere;
  const struct evnet_conn_id id = harness.Dial(nowhere.text());
  const Request *const fits = PostWrite(id, std::string(1512, 'x'));
  const Request *const exceeds = PostWrite(id, "x");
  ASSERT_TRUE(UntilAnswered(exceeds));
  EXPECT_EQ(exceeds->status, -ENOBUFS);
  if (GetParam() == EVNET_OVERFLOW_REFUSE) {
    EXPECT_EQ(fits->answers, 0);
  } else {
    EXPECT_EQ(fits->status, EVNET_REASON_OUTBOUND_OVERFLOW);
  }
  harness.Destroy();
  EXPECT_EQ(fits->answers, 1);
  EXPECT_EQ(harness.Of(id).closed, 1);
}

INSTANTIATE_TEST_SUITE_P(All, BoundTest,
                         testing::Values(EVNET_OVERFLOW_REFUSE, EVNET_OVERFLOW_CLOSE));

TEST_F(RequestsTest, ADialledUdpSocketSendsWhatWaited) {
  harness.Start();
  UdpClient peer;
  const evnet_address address = peer.Address();
  const struct evnet_conn_id id =
      DialSlowly("udp://slow.test:" + std::to_string(evnet_address_port(&address)));
  const Request *const write = PostWrite(id, "datagram");
  const Request *const wake = Post(id, EVNET_ASYNC_WAKE);
  ASSERT_TRUE(UntilAnswered(wake));
  EXPECT_EQ(wake->status, -EOPNOTSUPP);
  EXPECT_EQ(write->answers, 0);
  TheNames().Release();
  ASSERT_TRUE(UntilAnswered(write));
  EXPECT_EQ(write->status, 0);
  EXPECT_EQ(peer.Receive(), "datagram");
}

TEST_F(RequestsTest, ASocketThatWasJustAdoptedIsWrittenTo) {
  harness.Start();
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  struct evnet_conn_id id = {};
  ASSERT_EQ(evnet_adopt(harness.reactor(), ends[0], nullptr, &id), 0);
  const Request *const write = PostWrite(id, "early");
  ASSERT_TRUE(UntilAnswered(write));
  EXPECT_EQ(write->status, 0);
  char got[5] = {};
  EXPECT_EQ(read(ends[1], got, sizeof got), 5);
  (void)close(ends[1]);
  ASSERT_TRUE(UntilClosed(id));
}

}  // namespace
}  // namespace evnet_testing
