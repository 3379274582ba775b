// Events that could keep a draining reactor turning: dials that follow each other, and datagrams
// that never stop. The deadline of the drain ends both, on a clock that the test advances.
#include <errno.h>

#include <functional>

#include "gtest/gtest.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/datagram.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr int64_t kDrainMs = 50;
const char *const kRefusing = "tcp://127.0.0.1:1";

class Drain : public ::testing::Test {
 protected:
  Drain() { TheKernel().StopClock(); }
  // Turns until the reactor is done, with one millisecond for each turn. Returns the number of
  // turns.
  int Run() {
    int turns = 0;
    h.Until([&] {
      turns++;
      if (meanwhile) meanwhile();
      TheKernel().Advance(1);
      return h.Turn() == 0;
    });
    return turns;
  }
  int TryDial() {
    struct evnet_conn_id id = {};
    const int status = evnet_dial(h.reactor(), kRefusing, nullptr, &id);
    if (status == 0) h.Of(id).dialled = true;
    return status;
  }

  std::function<void()> meanwhile;
  Harness h;
};

TEST_F(Drain, ADialFromEachOnCloseEndsAtTheDeadline) {
  int dialled = 0;
  int status = 0;
  h.on.close = [&](evnet_conn *, int) {
    status = TryDial();
    dialled += status == 0;
    return EVNET_NONE;
  };
  h.Start();
  ASSERT_EQ(TryDial(), 0);
  evnet_reactor_stop(h.reactor(), kDrainMs);
  EXPECT_LE(Run(), kDrainMs + 10);
  EXPECT_GT(dialled, 1) << "dials must be possible while a stop drains";
  EXPECT_EQ(status, -ESHUTDOWN);
}

// Each dial brings a new connection, for which the reactor reads once more.
TEST_F(Drain, ADialFromEachOnOpenEndsAtTheDeadline) {
  Harness peer;  // listens until h has stopped
  TheKernel().StopClock();
  peer.Start();
  int opened = 0;
  const std::string address = peer.AddressText();
  const auto dial = [&] {
    struct evnet_conn_id id = {};
    const int status = evnet_dial(h.reactor(), address.c_str(), nullptr, &id);
    if (status == 0) h.Of(id).dialled = true;
  };
  h.on.open = [&](evnet_conn *conn) {
    opened++;
    dial();
    h.Close(conn);
    return EVNET_NONE;
  };
  h.Start();
  dial();
  evnet_reactor_stop(h.reactor(), kDrainMs);
  meanwhile = [&] { peer.Turn(); };
  EXPECT_LE(Run(), kDrainMs + 10);
  EXPECT_GT(opened, 1);
}

TEST_F(Drain, AFloodOfDatagramsEndsAtTheDeadline) {
  for (const bool held : {false, true}) {
    Harness g;
    TheKernel().StopClock();
    g.on.data = [held](evnet_conn *conn) {
      if (held && evnet_conn_holds(conn) == 0) evnet_conn_hold(conn);
      evnet_conn_write(conn, "answer", 6);
      return EVNET_NONE;
    };
    g.Start();
    evnet_address address = ParseAddress("udp://127.0.0.1:0");
    ASSERT_GE(evnet_reactor_listen(g.reactor(), &address, nullptr, &address), 0);
    UdpClient client;
    evnet_reactor_stop(g.reactor(), kDrainMs);
    int turns = 0;
    g.Until([&] {
      turns++;
      for (int i = 0; i < 3; i++) client.Send(address, "question");
      TheKernel().Advance(1);
      return g.Turn() == 0;
    });
    EXPECT_LE(turns, kDrainMs + 10);
  }
}

// The number is above that of the spare handles, because a connection that closes may be dialled
// again in the same turn.
TEST_F(Drain, TwelveThousandDialsThatFailTogetherMayAllBeDialledAgain) {
  constexpr int kCount = 12000;
  h.options.connections_max = kCount;
  evnet_dial_options options = {};
  options.allow = [](const evnet_address *, void *) { return false; };
  int closed = 0;
  int refused = 0;
  const auto dial = [&] {
    struct evnet_conn_id id = {};
    const int status = evnet_dial(h.reactor(), kRefusing, &options, &id);
    if (status == 0) h.Of(id).dialled = true;
    refused += status != 0;
  };
  h.on.close = [&](evnet_conn *, int) {
    if (++closed <= kCount) dial();
    return EVNET_NONE;
  };
  h.Start();
  h.Post([&] {
    for (int i = 0; i < kCount; i++) dial();
  });
  h.Until([&] { return closed + refused >= 2 * kCount; });
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace evnet_testing
