// on_prewrite: it runs just before bytes are sent on a socket; and the calls that it may make.
#include <errno.h>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class Prewrite : public ::testing::Test {
 protected:
  Harness h;
};

TEST_F(Prewrite, WhatItWritesLeavesInTheSameSend) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.on.prewrite = [](evnet_conn *conn) { Write(conn, "!"); };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "one ");
    Write(pair.conn, "two");
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 8), "one two!");
  EXPECT_EQ(TheKernel().sends, (std::vector<size_t>{8}));
  EXPECT_EQ(h.Of(pair).Count("prewrite"), 1);
}

TEST_F(Prewrite, ComesBeforeALargeWriteAndWhatItWritesGoesInFrontOfIt) {
  h.on.prewrite = [](evnet_conn *conn) { Write(conn, "<"); };
  h.Start();
  Harness::Pair pair = h.Connect();
  h.Post([&] { EXPECT_EQ(Write(pair.conn, Pattern(10000)), 10000); });
  EXPECT_EQ(h.ReadExactly(&pair.client, 10001), "<" + Pattern(10000));
  EXPECT_EQ(TheKernel().sends.size(), 1u);
}

// The bytes that on_prewrite writes come after the check of the large write against the bound, so
// more than the bound may be queued.
TEST_F(Prewrite, AWriteOfNothingIsTakenThoughItHasFilledTheQueueAboveItsBound) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.options.outbound_high_water_bytes = 5000;
  h.options.read_turn_bytes_max = 1000;
  h.options.outbound_bytes_max = 6000;
  h.on.prewrite = [](evnet_conn *conn) { Write(conn, Pattern(2000)); };
  h.Start();
  Harness::Pair pair = h.Connect();
  TheKernel().on_send = [](int, size_t) -> ssize_t { return -EAGAIN; };
  h.Post([&] {
    EXPECT_EQ(Write(pair.conn, Pattern(5000)), 5000);
    EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 7000u);
    EXPECT_EQ(evnet_conn_write(pair.conn, "", 0), 0);
    EXPECT_EQ(evnet_conn_write(pair.conn, "x", 1), -ENOBUFS);
    EXPECT_EQ(evnet_conn_write(pair.conn, "", 0), -ENOTCONN);
  });
  h.Settle();
  TheKernel().on_send = nullptr;
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_OUTBOUND_OVERFLOW);
}

TEST_F(Prewrite, ComesOnTheQueuesPathToo) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  h.on.prewrite = [](evnet_conn *conn) { Write(conn, "!"); };
  h.Start();
  Harness::Pair pair = h.Connect();
  ssize_t room = 10;
  TheKernel().on_send = [&](int, size_t) -> ssize_t {
    const ssize_t now = room;
    room = 0;
    return now > 0 ? now : -EAGAIN;
  };
  h.Post([&] { Write(pair.conn, Pattern(100)); });
  h.Turn();
  room = 5;
  pair.client.Write("x");  // causes an event, because a simulated refusal has none
  h.Turns(2);
  TheKernel().on_send = nullptr;
  pair.client.Write("x");
  h.Settle();
  const std::string got = pair.client.Read();
  ASSERT_GT(got.size(), 101u);
  EXPECT_EQ(got.substr(0, 100), Pattern(100));
  EXPECT_EQ(got.substr(100), std::string(got.size() - 100, '!'));
  EXPECT_EQ(static_cast<int>(got.size()) - 100, h.Of(pair).Count("prewrite"));
}

TEST_F(Prewrite, WhatItWritesToAnotherConnectionLeavesInTheSameTurn) {
  Harness::Pair a;
  Harness::Pair b;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn == a.conn) Write(b.conn, "log");
  };
  h.Start();
  a = h.Connect();
  b = h.Connect();
  h.Post([&] { Write(a.conn, "data"); });
  h.Turn();
  EXPECT_EQ(a.client.Read(), "data");
  EXPECT_EQ(b.client.Read(), "log");
  h.Post([&] { Write(a.conn, Pattern(5000)); });
  h.Turn();
  EXPECT_EQ(a.client.Read(), Pattern(5000));
  EXPECT_EQ(b.client.Read(), "log");
}

// Gathering for c first flushes a's bytes, and a's on_prewrite gathers bytes for b. The bytes of c
// must not be mixed with those of b.
TEST_F(Prewrite, WritingToAThirdConnectionMixesNoBytes) {
  Harness::Pair a;
  Harness::Pair b;
  Harness::Pair c;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn == a.conn) Write(b.conn, "b");
  };
  h.Start();
  a = h.Connect();
  b = h.Connect();
  c = h.Connect();
  h.Post([&] {
    Write(a.conn, "a");
    Write(c.conn, "c");
  });
  h.Settle();
  EXPECT_EQ(a.client.Read(), "a");
  EXPECT_EQ(b.client.Read(), "b");
  EXPECT_EQ(c.client.Read(), "c");
}

TEST_F(Prewrite, WritingToAThirdConnectionWhenTheScratchIsFullMixesNoBytes) {
  Harness::Pair a;
  Harness::Pair b;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn == a.conn) Write(b.conn, "b");
  };
  h.Start();
  a = h.Connect();
  b = h.Connect();
  const size_t total = 20 * 4000;
  h.Post([&] {
    for (int i = 0; i < 20; i++) Write(a.conn, Pattern(total).substr(i * 4000, 4000));
  });
  EXPECT_EQ(h.ReadExactly(&a.client, total), Pattern(total));
  h.Settle();
  const std::string others = b.client.Read();
  EXPECT_EQ(others, std::string(others.size(), 'b'));
  EXPECT_EQ(static_cast<int>(others.size()), h.Of(a).Count("prewrite"));
}

TEST_F(Prewrite, AbortingTheConnectionThatIsAboutToGatherDropsItsBytesForGood) {
  Harness::Pair a;
  Harness::Pair c;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn == a.conn) h.Abort(c.conn);
  };
  h.Start();
  a = h.Connect();
  c = h.Connect();
  h.Post([&] {
    Write(a.conn, "a");
    EXPECT_EQ(Write(c.conn, "stale"), -ENOTCONN);
  });
  h.Until([&] { return h.Of(c).closed == 1; });
  // The slots are reused, and the connection that gets c's slot must not get c's bytes.
  std::vector<Client> fresh;
  for (int i = 0; i < 4; i++) fresh.push_back(h.ConnectOnly());
  h.Settle();
  for (Client &client : fresh) {
    h.Turn();
    EXPECT_EQ(client.Read(), "");
  }
  EXPECT_EQ(h.Stats().bytes_sent, 1u);
}

TEST_F(Prewrite, ClosingInFrontOfALargeWriteRefusesIt) {
  Harness::Pair pair;
  h.on.prewrite = [&](evnet_conn *conn) { h.Close(conn); };
  h.Start();
  pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "small");
    EXPECT_EQ(Write(pair.conn, Pattern(8000)), -ENOTCONN);
  });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "small");
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Prewrite, ShuttingDownInFrontOfALargeWriteRefusesItAndKeepsTheConnection) {
  Harness::Pair pair;
  bool done = false;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (done) return;
    done = true;
    EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
  };
  h.Start();
  pair = h.Connect();
  h.Post([&] { EXPECT_EQ(Write(pair.conn, Pattern(8000)), -EPIPE); });
  EXPECT_EQ(h.ReadToEnd(&pair.client), "");
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
}

TEST_F(Prewrite, ClosingWhenTheScratchIsFullRefusesTheWriteThatDidNotFit) {
  Harness::Pair pair;
  h.on.prewrite = [&](evnet_conn *conn) { h.Close(conn); };
  h.Start();
  pair = h.Connect();
  h.Post([&] {
    ssize_t written = 0;
    for (int i = 0; i < 16; i++) {
      written += Write(pair.conn, Pattern(4000));
      EXPECT_EQ(written, (i + 1) * 4000);
    }
    EXPECT_EQ(Write(pair.conn, Pattern(4000)), -ENOTCONN);
  });
  EXPECT_EQ(h.ReadToEnd(&pair.client).size(), 64000u);
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(Prewrite, AbortingDropsTheBytesItWasCalledFor) {
  Harness::Pair pair;
  h.on.prewrite = [&](evnet_conn *conn) { h.Abort(conn); };
  h.Start();
  pair = h.Connect();
  h.Post([&] {
    Write(pair.conn, "x");
    EXPECT_EQ(Write(pair.conn, Pattern(8000)), -ENOTCONN);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_TRUE(TheKernel().sends.empty());
}

TEST_F(Prewrite, WhatItWritesToAnotherConnectionIsAnnouncedThere) {
  Harness::Pair a;
  Harness::Pair b;
  for (size_t size : {size_t{3}, size_t{9000}}) {
    ResetKernel();
    Harness g;
    g.on.prewrite = [&](evnet_conn *conn) { Write(conn == a.conn ? b.conn : conn, Pattern(size)); };
    g.Start();
    a = g.Connect();
    b = g.Connect();
    g.Post([&] { Write(a.conn, "data"); });
    g.Settle();
    EXPECT_EQ(a.client.Read(), "data");
    EXPECT_EQ(b.client.Read(), Pattern(size) + Pattern(size));
    EXPECT_EQ(g.Of(a).Count("prewrite"), 1);
    EXPECT_EQ(g.Of(b).Count("prewrite"), 1);
    if (SocketCallsAreSeen()) {
      EXPECT_EQ(TheKernel().sends, (std::vector<size_t>{4, 2 * size})) << "one send each";
    }
  }
}

TEST_F(Prewrite, ClosingAnotherConnectionThatItWroteToDeliversFirst) {
  Harness::Pair a;
  Harness::Pair b;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn != a.conn) return;
    Write(b.conn, "last words");
    h.Close(b.conn);
  };
  h.Start();
  a = h.Connect();
  b = h.Connect();
  h.Post([&] { Write(a.conn, "data"); });
  EXPECT_EQ(h.ReadToEnd(&b.client), "last words");
  EXPECT_EQ(b.client.end(), End::kEnd);
}

// Each on_prewrite writes to the other connection, endlessly. It runs once a turn, so other work
// gets its time.
TEST_F(Prewrite, TwoConnectionsThatWriteToEachOtherTakeTurns) {
  Harness::Pair a;
  Harness::Pair b;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn == a.conn) Write(b.conn, "x");
    if (conn == b.conn) Write(a.conn, "x");
  };
  h.Start();
  a = h.Connect();
  b = h.Connect();
  h.Post([&] { Write(a.conn, "start"); });
  h.Turns(10);
  EXPECT_EQ(a.client.Read().substr(0, 5), "start");
  EXPECT_LE(b.client.Read().size(), 20u);
  Harness::Pair c = h.Connect();
  c.client.Write("served");
  h.Until([&] { return h.Of(c).received == "served"; });
}

}  // namespace
}  // namespace evnet_testing
