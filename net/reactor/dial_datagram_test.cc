// A dialled UDP socket is a connection whose bytes are datagrams. It has one on_open and one
// on_close, one peer, one datagram for each write, and it ends as a connection does.
#include <errno.h>
#include <fcntl.h>

#include "net/base/testing/udp_client.h"
#include "net/reactor/testing/dial_allocations.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class DialDatagramTest : public ::testing::Test {
 protected:
  struct Pair {
    UdpClient peer;
    evnet_conn *conn = nullptr;
    evnet_address address = {};  // the address of conn's own end
  };

  // Dials `pair` and waits until it is open.
  void Dial(Pair *pair, const evnet_dial_options &options = {}) {
    const struct evnet_conn_id id = harness.Dial(FormatAddress(pair->peer.Address()), options);
    ASSERT_TRUE(harness.Until([&] { return harness.Of(id).opened == 1; }));
    pair->conn = harness.Of(id).conn;
    ASSERT_EQ(evnet_conn_local_address(pair->conn, &pair->address), 0);
  }

  bool UntilClosed(const evnet_conn *conn) {
    return harness.Until([&] { return harness.Of(conn).closed == 1; });
  }

  // Makes sendmmsg fail with EAGAIN while `full` is true.
  void FillUp(bool *full) {
    TheKernel().on_sendmmsg = [full](int, unsigned) { return *full ? -EAGAIN : 0; };
  }

  Harness harness;
};

TEST_F(DialDatagramTest, EachWriteIsADatagramAndEachDatagramAnOnData) {
  std::vector<std::string> got;
  harness.on.data = [&](evnet_conn *conn) {
    EXPECT_FALSE(evnet_conn_is_truncated(conn));
    got.push_back(Peek(conn));
    return EVNET_NONE;
  };
  harness.Start();
  Pair pair;
  Dial(&pair);
  EXPECT_EQ(Write(pair.conn, "one"), 3);
  EXPECT_EQ(Write(pair.conn, ""), 0);
  const std::string large = Pattern(9000);
  EXPECT_EQ(Write(pair.conn, large), 9000);
  EXPECT_EQ(Write(pair.conn, Pattern(65508)), -EMSGSIZE);
  harness.Turn();
  evnet_address from = {};
  EXPECT_EQ(pair.peer.Receive(&from), "one");
  EXPECT_EQ(FormatAddress(from), FormatAddress(pair.address));
  EXPECT_EQ(pair.peer.Receive(), "");
  EXPECT_TRUE(pair.peer.Receive() == large);
  pair.peer.Send(pair.address, "answer");
  pair.peer.Send(pair.address, "");
  UdpClient stranger;
  stranger.Send(pair.address, "noise");
  ASSERT_TRUE(harness.Until([&] { return got.size() >= 2; }));
  harness.Settle();
  EXPECT_EQ(got, (std::vector<std::string>{"answer", ""}));
  evnet_address remote = {};
  evnet_conn_remote_address(pair.conn, &remote);
  EXPECT_EQ(FormatAddress(remote), FormatAddress(pair.peer.Address()));
  EXPECT_EQ(harness.Stats().datagrams_sent, 3u);
  EXPECT_EQ(harness.Stats().datagrams_received, 2u);
}

TEST_F(DialDatagramTest, WhatOnDataLeavesIsGoneAndWhatItWritesIsAnAnswer) {
  harness.on.data = [](evnet_conn *conn) {
    const std::string text = Peek(conn);
    evnet_conn_discard(conn, 1);
    Write(conn, "<" + text + ">");
    return EVNET_NONE;
  };
  harness.Start();
  Pair pair;
  Dial(&pair);
  pair.peer.Send(pair.address, "first");
  pair.peer.Send(pair.address, "second");
  ASSERT_TRUE(harness.Until([&] { return harness.Stats().datagrams_sent == 2; }));
  EXPECT_EQ(pair.peer.Receive(), "<first>");
  EXPECT_EQ(pair.peer.Receive(), "<second>");
}

TEST_F(DialDatagramTest, ACloseSendsWhatWasWritten) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  Write(pair.conn, "last");
  harness.Close(pair.conn);
  EXPECT_EQ(Write(pair.conn, "late"), -ENOTCONN);
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(harness.Of(pair.conn).Story(), "open close");
  EXPECT_EQ(pair.peer.Receive(), "last");
  EXPECT_EQ(harness.Stats().connections_open, 0u);
}

TEST_F(DialDatagramTest, OnDataMayClose) {
  harness.on.data = [](evnet_conn *) { return EVNET_CLOSE; };
  harness.Start();
  Pair pair;
  Dial(&pair);
  pair.peer.Send(pair.address, "one");
  pair.peer.Send(pair.address, "two");
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(harness.Of(pair.conn).Count("data"), 1);
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_LOCAL);
}

TEST_F(DialDatagramTest, AnAbortClosesIt) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  harness.Abort(pair.conn);
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_ABORTED);
}

TEST_F(DialDatagramTest, APeerThatIsNotThereEndsIt) {
  harness.Start();
  for (const bool by_send : {false, true}) {
    Pair pair;
    Dial(&pair);
    pair.peer.Close();
    if (by_send) evnet_conn_pause_reading(pair.conn);
    // The first datagram brings an ICMP error, which the socket or the next send reports.
    for (int i = 0; i < 2; i++) {
      Write(pair.conn, "x");
      evnet_conn_flush(pair.conn);
    }
    ASSERT_TRUE(UntilClosed(pair.conn));
    EXPECT_EQ(harness.Of(pair.conn).reason, -ECONNREFUSED);
  }
}

TEST_F(DialDatagramTest, ADatagramThatCannotBeSentIsDroppedAndCountedOnly) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  TheKernel().on_sendmmsg = [](int, unsigned) { return -ENETUNREACH; };
  EXPECT_EQ(Write(pair.conn, "x"), 1);
  harness.Settle();
  TheKernel().on_sendmmsg = nullptr;
  EXPECT_EQ(harness.Stats().datagrams_dropped, 1u);
  EXPECT_EQ(Write(pair.conn, "y"), 1);
  harness.Settle();
  EXPECT_EQ(pair.peer.Receive(), "y");
}

TEST_F(DialDatagramTest, WhatFindsTheSocketFullIsSentBeforeItCloses) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  bool full = true;
  FillUp(&full);
  Write(pair.conn, "queued");
  evnet_conn_flush(pair.conn);
  EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 6u);
  full = false;
  harness.Close(pair.conn);
  EXPECT_EQ(harness.Of(pair.conn).closed, 0);
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(pair.peer.Receive(), "queued");
}

TEST_F(DialDatagramTest, IdleAndLifetimeTimeoutsEndIt) {
  TheKernel().StopClock();
  harness.options.idle_timeout_ms = 1000;
  harness.Start();
  Pair pair;
  Dial(&pair);
  TheKernel().Advance(900);
  pair.peer.Send(pair.address, "x");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair.conn).received == "x"; }));
  TheKernel().Advance(900);
  harness.Settle();
  Write(pair.conn, "y");
  harness.Settle();
  TheKernel().Advance(999);
  harness.Settle();
  EXPECT_EQ(harness.Of(pair.conn).closed, 0);
  TheKernel().Advance(1);
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_IDLE_TIMEOUT);
  Pair other;
  Dial(&other);
  EXPECT_EQ(evnet_conn_set_timeout(other.conn, EVNET_TIMEOUT_LIFETIME, 300), 0);
  TheKernel().Advance(300);
  ASSERT_TRUE(UntilClosed(other.conn));
  EXPECT_EQ(harness.Of(other.conn).reason, EVNET_REASON_LIFETIME);
}

TEST_F(DialDatagramTest, WhatAStreamHasItHasNot) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_sendfile(pair.conn, file, 0, 1), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_set_linger(pair.conn, 1), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_set_water_marks(pair.conn, 0, 0), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_set_high_action(pair.conn, EVNET_HIGH_CLOSE), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_set_nodelay(pair.conn, true), -EOPNOTSUPP);
  EXPECT_EQ(evnet_conn_send_to(pair.conn, &pair.address, "x", 1), -EISCONN);
  harness.on.close = [file](evnet_conn *conn, int) {
    EXPECT_EQ(evnet_conn_sendfile(conn, file, 0, 1), -EOPNOTSUPP);
    return EVNET_NONE;
  };
  harness.Close(pair.conn);
  ASSERT_TRUE(UntilClosed(pair.conn));
  (void)close(file);
}

TEST_F(DialDatagramTest, PausedItReadsNothingUntilItResumes) {
  harness.Start();
  Pair pair;
  Dial(&pair);
  evnet_conn_pause_reading(pair.conn);
  harness.Settle();
  pair.peer.Send(pair.address, "x");
  harness.Settle();
  EXPECT_EQ(harness.Of(pair.conn).received, "");
  evnet_conn_resume_reading(pair.conn);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair.conn).received == "x"; }));
}

TEST_F(DialDatagramTest, AStopTellsItAndWaitsForItsHold) {
  harness.on.stopping = [](evnet_conn *conn) { Write(conn, "stopping"); };
  harness.Start();
  Pair pair;
  Dial(&pair);
  evnet_conn_hold(pair.conn);
  evnet_reactor_stop(harness.reactor(), 60000);
  harness.Settle();
  EXPECT_EQ(pair.peer.Receive(), "stopping");
  EXPECT_EQ(harness.Of(pair.conn).closed, 0);
  pair.peer.Send(pair.address, "still");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair.conn).received == "still"; }));
  evnet_conn_release(pair.conn);
  while (harness.Turn() > 0) {
  }
  EXPECT_EQ(harness.Of(pair.conn).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(harness.Of(pair.conn).Story(), "open stopping close");
}

// Each way in which datagrams of `conn` are sent; `other` is a second connection. Returns the
// number of datagrams that were accepted.
struct WayOut {
  const char *name;
  int (*write)(evnet_conn *conn, evnet_conn *other);
};

int Taken(ssize_t status) {
  EXPECT_TRUE(status >= 0 || status == -ENOTCONN) << status;
  return status >= 0 ? 1 : 0;
}

const WayOut kWaysOut[] = {
    {"when the callback returns",
     [](evnet_conn *conn, evnet_conn *) { return Taken(Write(conn, "x")); }},
    {"when as many are gathered as one call sends",
     [](evnet_conn *conn, evnet_conn *) {
       int taken = 0;
       for (int i = 0; i < 200; i++) taken += Taken(Write(conn, std::string(100, 'x')));
       return taken;
     }},
    {"when they are large",
     [](evnet_conn *conn, evnet_conn *) {
       int taken = 0;
       for (int i = 0; i < 3; i++) taken += Taken(Write(conn, std::string(5000, 'x')));
       return taken;
     }},
    {"when a large one follows a small one",
     [](evnet_conn *conn, evnet_conn *) {
       return Taken(Write(conn, "x")) + Taken(Write(conn, std::string(60000, 'x'))) +
              Taken(Write(conn, std::string(60000, 'x')));
     }},
    {"when another socket has something to send",
     [](evnet_conn *conn, evnet_conn *other) {
       return Taken(Write(conn, "x")) + Taken(Write(other, "y")) + Taken(Write(conn, "z"));
     }},
    {"when it closes",
     [](evnet_conn *conn, evnet_conn *) {
       const int taken = Taken(Write(conn, "x"));
       evnet_conn_close(conn);
       return taken;
     }},
};

class PrewriteEnds : public DialDatagramTest, public testing::WithParamInterface<bool> {
 protected:
  PrewriteEnds() {
    harness.on.prewrite = [this](evnet_conn *conn) {
      if (conn != victim) return;
      EXPECT_EQ(harness.Of(conn).closed, 0);
      if (GetParam()) {
        harness.Abort(conn);
      } else {
        harness.Close(conn);
      }
    };
  }
  uint64_t Handled() { return harness.Stats().datagrams_sent + harness.Stats().datagrams_dropped; }

  evnet_conn *victim = nullptr;
};

TEST_P(PrewriteEnds, TheConnectionOnceOnEachWayOut) {
  harness.Start();
  Pair other;
  Dial(&other);
  for (const WayOut &way : kWaysOut) {
    SCOPED_TRACE(way.name);
    Pair pair;
    Dial(&pair);
    const uint64_t handled = Handled();
    int taken = 0;
    harness.Post([&] {
      victim = pair.conn;
      taken = way.write(pair.conn, other.conn);
    });
    ASSERT_TRUE(UntilClosed(pair.conn));
    harness.Settle();
    EXPECT_EQ(harness.Of(pair.conn).closed, 1);
    EXPECT_GE(taken, 1);
    EXPECT_EQ(Handled() - handled, static_cast<uint64_t>(taken))
        << "each datagram must be handled once";
    victim = nullptr;
  }
}

TEST_P(PrewriteEnds, TheConnectionWhenItsSocketHasRoomAgain) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  harness.Start();
  Pair pair;
  Dial(&pair);
  bool full = true;
  FillUp(&full);
  harness.Post([&] {
    for (int i = 0; i < 100; i++) EXPECT_EQ(Write(pair.conn, "x"), 1);
  });
  harness.Settle();
  EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 100u);
  victim = pair.conn;
  full = false;
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(Handled(), 100u);
}

INSTANTIATE_TEST_SUITE_P(Each, PrewriteEnds, testing::Bool(), [](const auto &param) {
  return std::string(param.param ? "Aborted" : "Closed");
});

TEST_F(DialDatagramTest, AtHoldsMaxItReceivesNothingUntilOneIsReleased) {
  harness.options.holds_max = 1;
  std::string received;
  harness.on.data = [&](evnet_conn *conn) {
    received += Peek(conn);
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    return EVNET_NONE;
  };
  harness.Start();
  Pair pair;
  Dial(&pair);
  for (const char *datagram : {"a", "b"}) {
    pair.peer.Send(pair.address, datagram);
    harness.Settle();
    EXPECT_EQ(received, "a");
  }
  harness.Post([&] { evnet_conn_release(pair.conn); });
  ASSERT_TRUE(harness.Until([&] { return received == "ab"; }));
  evnet_conn_release(pair.conn);
}

TEST_F(DialDatagramTest, ItsSourceIsItsOwnAddress) {
  harness.Start();
  Pair pair;
  evnet_dial_options options = {};
  options.source = "127.0.0.5:0";
  Dial(&pair, options);
  EXPECT_EQ(FormatAddress(pair.address).substr(0, 16), "udp://127.0.0.5:");
}

TEST_F(DialDatagramTest, ClosedItSendsNothing) {
  ssize_t sent_to = 0;
  ssize_t written = 0;
  Pair pair;
  const evnet_address peer = pair.peer.Address();
  harness.on.close = [&](evnet_conn *conn, int) {
    sent_to = evnet_conn_send_to(conn, &peer, "x", 1);
    written = evnet_conn_write(conn, "x", 1);
    return EVNET_NONE;
  };
  harness.Start();
  Dial(&pair);
  harness.Abort(pair.conn);
  ASSERT_TRUE(UntilClosed(pair.conn));
  EXPECT_EQ(sent_to, -ENOTCONN);
  EXPECT_EQ(written, -ENOTCONN);
}

TEST_F(DialDatagramTest, ADatagramThatThereIsNoMemoryToQueueIsRefusedAndTheNextOneIsNot) {
  bool full = true;
  harness.Start();
  Pair pair;
  Dial(&pair);
  FillUp(&full);
  EXPECT_EQ(Write(pair.conn, Pattern(9000)), 9000);
  harness.Turn();
  ASSERT_GT(evnet_conn_outbound_bytes(pair.conn), 0u);
  harness.allocator().fail_at(1, false);
  EXPECT_EQ(Write(pair.conn, "lost"), -ENOMEM);
  EXPECT_EQ(Write(pair.conn, "kept"), 4);
  full = false;
  harness.Until([&] { return evnet_conn_outbound_bytes(pair.conn) == 0; });
  EXPECT_EQ(pair.peer.Receive().size(), 9000u);
  EXPECT_EQ(pair.peer.Receive(), "kept");
}

TEST_F(DialDatagramTest, TheNthAllocationThatFailsLeavesNothingBehind) {
  harness.Start();
  const UdpClient peer;
  DialWithEachAllocationFailing(
      &harness, FormatAddress(peer.Address()), [] {},
      [this](evnet_conn *conn) {
        Write(conn, "x");
        harness.Settle();
      });
}

}  // namespace
}  // namespace evnet_testing
