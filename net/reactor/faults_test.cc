// Every failure of recv and send, on the first call and on a later one, and interrupted waits.
// Either nothing is lost, or one connection closes with the error as its reason; the reactor goes
// on.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

struct Fault {
  int error;
  int call;  // counted from 1
};

void PrintTo(const Fault &fault, std::ostream *out) {
  *out << evnet_status_name(-fault.error) << " on call " << fault.call;
}

std::vector<Fault> Faults(const std::vector<int> &errors) {
  std::vector<Fault> faults;
  for (int error : errors) {
    for (int call : {1, 3}) faults.push_back({error, call});
  }
  return faults;
}

class SocketFaults : public ::testing::TestWithParam<Fault> {
 protected:
  void SetUp() override { EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN(); }
  void Start() {
    h.on.data = [](evnet_conn *conn) {
      Write(conn, TakeAll(conn));
      return EVNET_NONE;
    };
    h.options.linger_ms = EVNET_OFF;
    h.Start();
    bystander = h.Connect();
    pair = h.Connect();
  }
  // Returns a fault that lets the n-th call fail once.
  std::function<ssize_t(int, size_t)> Fail() {
    calls = 0;
    return [this](int, size_t) -> ssize_t {
      return ++calls == GetParam().call ? -GetParam().error : kPass;
    };
  }
  void ExpectBystanderServed() {
    TheKernel().on_recv = nullptr;
    TheKernel().on_send = nullptr;
    bystander.client.Write("still here");
    EXPECT_EQ(h.ReadExactly(&bystander.client, 10), "still here");
    EXPECT_EQ(h.Of(bystander).closed, 0);
  }
  // Echoes until the call that fails, which closes the connection with its error.
  void ExpectItClosesTheConnection() {
    std::string got;
    for (int i = 0; i < 5 && h.Of(pair).closed == 0; i++) {
      pair.client.TryWrite("x");
      h.Settle();
      got += pair.client.Read();
    }
    EXPECT_EQ(got, std::string(static_cast<size_t>(GetParam().call - 1), 'x'));
    EXPECT_EQ(h.Of(pair).closed, 1);
    EXPECT_EQ(h.Of(pair).reason, -GetParam().error);
    ExpectBystanderServed();
  }

  Harness h;
  Harness::Pair bystander;
  Harness::Pair pair;
  int calls = 0;
};

using RecvFaults = SocketFaults;

TEST_P(RecvFaults, CloseThatConnectionWithTheReason) {
  Start();
  TheKernel().on_recv = Fail();
  ExpectItClosesTheConnection();
}

INSTANTIATE_TEST_SUITE_P(Errors, RecvFaults,
                         ::testing::ValuesIn(Faults({EBADF, ECONNREFUSED, ECONNRESET, EFAULT,
                                                     EINVAL, ENOMEM, ENOTCONN, ENOTSOCK, ETIMEDOUT,
                                                     EHOSTUNREACH, ENETDOWN, EPIPE})));

using RecvPasses = SocketFaults;

TEST_P(RecvPasses, AreTriedAgain) {
  Start();
  TheKernel().on_recv = Fail();
  for (int i = 0; i < 4; i++) {
    pair.client.Write("x");
    h.Settle();
  }
  EXPECT_EQ(h.ReadExactly(&pair.client, 4), "xxxx");
  EXPECT_EQ(h.Of(pair).closed, 0);
}

INSTANTIATE_TEST_SUITE_P(Errors, RecvPasses, ::testing::ValuesIn(Faults({EINTR, EAGAIN})));

using SendFaults = SocketFaults;

TEST_P(SendFaults, OfAGatheredWriteCloseThatConnectionWithTheReason) {
  Start();
  TheKernel().on_send = Fail();
  ExpectItClosesTheConnection();
}

TEST_P(SendFaults, OfALargeWriteAreReturned) {
  Start();
  TheKernel().on_send = Fail();
  h.Post([&] {
    for (int i = 1; i < GetParam().call; i++) EXPECT_EQ(Write(pair.conn, Pattern(5000)), 5000);
    EXPECT_EQ(Write(pair.conn, Pattern(5000)), -GetParam().error);
    EXPECT_EQ(Write(pair.conn, "x"), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(pair.conn), -ENOTCONN);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -GetParam().error);
  ExpectBystanderServed();
}

TEST_P(SendFaults, OfAFlushAreReturned) {
  Start();
  TheKernel().on_send = Fail();
  h.Post([&] {
    for (int i = 1; i < GetParam().call; i++) {
      Write(pair.conn, "x");
      EXPECT_EQ(evnet_conn_flush(pair.conn), 0);
    }
    Write(pair.conn, "x");
    EXPECT_EQ(evnet_conn_flush(pair.conn), -GetParam().error);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  ExpectBystanderServed();
}

TEST_P(SendFaults, OfTheQueueCloseThatConnection) {
  Start();
  TheKernel().on_send = [](int, size_t) -> ssize_t { return 100; };
  h.Post([&] { EXPECT_EQ(Write(pair.conn, Pattern(5000)), 5000); });
  h.Turn();
  calls = 0;
  TheKernel().on_send = [this](int, size_t) -> ssize_t {
    return ++calls == GetParam().call ? -GetParam().error : 100;
  };
  h.Until([&] {
    if (h.Of(pair).closed == 0) pair.client.TryWrite("x");  // causes an event
    return h.Of(pair).closed == 1;
  });
  EXPECT_EQ(h.Of(pair).reason, -GetParam().error);
  ExpectBystanderServed();
}

TEST_P(SendFaults, InOnDataLeaveNoTraceOfTheLease) {
  Start();
  h.on.data = [&](evnet_conn *conn) {
    const evnet_bytes bytes = evnet_conn_peek(conn);
    for (int i = 0; i < GetParam().call; i++) (void)evnet_conn_write(conn, bytes.data, bytes.size);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), 6000u);
    return EVNET_NONE;
  };
  TheKernel().on_send = Fail();
  pair.client.Write(Pattern(6000));
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(Errors, SendFaults,
                         ::testing::ValuesIn(Faults({EACCES, EALREADY, EBADF, ECONNRESET,
                                                     EDESTADDRREQ, EFAULT, EINVAL, EISCONN,
                                                     EMSGSIZE, ENOBUFS, ENOMEM, ENOTCONN, ENOTSOCK,
                                                     EOPNOTSUPP, EPIPE, ETIMEDOUT})));

using SendPasses = SocketFaults;

TEST_P(SendPasses, LoseNothing) {
  Start();
  TheKernel().on_send = Fail();
  h.Post([&] {
    for (int i = 0; i < 4; i++) EXPECT_EQ(Write(pair.conn, Pattern(5000, i)), 5000);
  });
  h.Turn();
  h.on.data = [](evnet_conn *conn) {
    TakeAll(conn);
    return EVNET_NONE;
  };
  pair.client.Write("x");  // causes an event
  EXPECT_EQ(h.ReadExactly(&pair.client, 20000),
            Pattern(5000, 0) + Pattern(5000, 1) + Pattern(5000, 2) + Pattern(5000, 3));
}

INSTANTIATE_TEST_SUITE_P(Errors, SendPasses, ::testing::ValuesIn(Faults({EINTR, EAGAIN})));

TEST(WaitFaults, AnInterruptedWaitIsNoError) {
  Harness h;
  h.Start();
  TheKernel().on_wait = [] { return -EINTR; };
  EXPECT_EQ(h.Turn(), 1);
}

TEST(WaitFaults, AnyOtherIsReturnedByTheTurn) {
  for (int error : {EBADF, EFAULT, EINVAL}) {
    Harness h;
    h.Start();
    Harness::Pair pair = h.Connect();
    TheKernel().on_wait = [&] { return -error; };
    EXPECT_EQ(h.Turn(), -error);
    h.Destroy();
    EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_ABORTED);
  }
}

}  // namespace
}  // namespace evnet_testing
