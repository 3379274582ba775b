// Input: when bytes are presented, where unread bytes are kept, and how long pointers to them are
// valid.
#include <errno.h>
#include <string.h>

#include <random>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

std::string String(evnet_bytes bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.data), bytes.size);
}

class Inbound : public ::testing::Test {
 protected:
  // on_data consumes as many bytes as `take` says and leaves the rest.
  void Start() {
    h.on.data = [&](evnet_conn *conn) {
      seen.push_back(Peek(conn));
      evnet_conn_discard(conn, take);
      return EVNET_NONE;
    };
    h.Start();
    pair = h.Connect();
  }

  // Makes a connection whose unread bytes, `wrapped`, wrap around the end of their ring.
  void StartWrapped() {
    Start();
    const std::string all = Pattern(1500);
    take = 0;
    pair.client.Write(all.substr(0, 1000));
    h.Settle();
    h.Post([&] { evnet_conn_discard(pair.conn, 700); });  // the ring has 1,024
    h.Settle();
    h.on.data = [](evnet_conn *) { return EVNET_NONE; };
    pair.client.Write(all.substr(1000, 500));
    h.Settle();
    wrapped = all.substr(700);
    evnet_bytes spans[2];
    evnet_conn_peek_pair(pair.conn, spans);
    ASSERT_GT(spans[1].size, 0u) << "the test's premise";
    ASSERT_EQ(String(spans[0]) + String(spans[1]), wrapped);
  }

  Harness h;
  Harness::Pair pair;
  std::vector<std::string> seen;
  size_t take = SIZE_MAX;
  std::string wrapped;
};

TEST_F(Inbound, WhatIsNotTakenIsPresentedAgainTogetherWithWhatComes) {
  Start();
  take = 1;
  pair.client.Write("abc");
  h.Settle();
  pair.client.Write("de");
  h.Settle();
  pair.client.Write("f");
  h.Settle();
  EXPECT_EQ(seen, (std::vector<std::string>{"abc", "bcde", "cdef"}));
}

TEST_F(Inbound, NothingIsPresentedAgainWithoutACause) {
  Start();
  take = 0;
  pair.client.Write("abc");
  h.Turns(50);
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(Inbound, APauseStopsOnDataAndTheResumePresentsWhatStands) {
  Start();
  take = 0;
  pair.client.Write("ab");
  h.Settle();
  h.Post([&] {
    evnet_conn_pause_reading(pair.conn);
    evnet_conn_pause_reading(pair.conn);
  });
  h.Turn();
  pair.client.Write("cd");
  h.Settle();
  EXPECT_EQ(seen.size(), 1u);
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Settle();
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen[1].substr(0, 2), "ab");
  EXPECT_EQ(seen.back(), "abcd");
  const size_t count = seen.size();
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Settle();
  EXPECT_EQ(seen.size(), count) << "a resume without a pause must do nothing";
}

TEST_F(Inbound, APauseAndResumeInsideOnDataPresentsOnceMore) {
  int calls = 0;
  h.on.data = [&](evnet_conn *conn) {
    if (calls++ == 0) {
      evnet_conn_pause_reading(conn);
      evnet_conn_resume_reading(conn);
    } else {
      TakeAll(conn);
    }
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write("x");
  h.Settle();
  EXPECT_EQ(calls, 2);
}

TEST_F(Inbound, AResumeInEveryOnDataStarvesNobody) {
  h.on.data = [&](evnet_conn *conn) {
    if (conn == pair.conn) {  // this connection never consumes a byte
      evnet_conn_pause_reading(conn);
      evnet_conn_resume_reading(conn);
      return EVNET_NONE;
    }
    Write(conn, TakeAll(conn));
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write("x");
  h.Settle();
  Harness::Pair other = h.Connect();
  other.client.Write("echo");
  EXPECT_EQ(h.ReadExactly(&other.client, 4), "echo");
}

TEST_F(Inbound, OneSocketBringsAtMostItsShareATurnAndOthersGoBetween) {
  h.options.read_turn_bytes_max = 4096;
  std::vector<size_t> sizes;
  h.on.data = [&](evnet_conn *conn) {
    const size_t size = TakeAll(conn).size();
    if (conn == pair.conn) sizes.push_back(size);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  Harness::Pair other = h.Connect();
  pair.client.Write(Pattern(40000));
  h.Turn();
  ASSERT_EQ(sizes, (std::vector<size_t>{4096}));
  other.client.Write("y");
  h.Turn();
  EXPECT_EQ(sizes.size(), 2u);
  EXPECT_EQ(h.Of(other).Count("data"), 1);
  h.Until([&] { return sizes.size() == 10; });
}

TEST_F(Inbound, NextGivesPiecesAndNothingWhenTooFewAreUnread) {
  h.on.data = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_next(conn, 7).size, 0u);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), 6u) << "nothing consumed";
    EXPECT_EQ(String(evnet_conn_next(conn, 2)), "ab");
    EXPECT_EQ(evnet_conn_next(conn, 0).size, 0u);
    EXPECT_EQ(String(evnet_conn_next(conn, 4)), "cdef");
    EXPECT_EQ(evnet_conn_next(conn, 1).size, 0u);
    EXPECT_EQ(evnet_conn_discard(conn, 1), 0u);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), 0u);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write("abcdef");
  h.Until([&] { return h.Of(pair).Count("data") == 1; });
}

TEST_F(Inbound, ReadCopiesAndConsumesAcrossTheWrap) {
  StartWrapped();
  h.Post([&] {
    std::string out(wrapped.size() + 10, '?');
    EXPECT_EQ(evnet_conn_read(pair.conn, &out[0], 0), 0u);
    EXPECT_EQ(evnet_conn_read(pair.conn, &out[0], 400), 400u);
    EXPECT_EQ(evnet_conn_read(pair.conn, &out[400], out.size() - 400), wrapped.size() - 400);
    EXPECT_EQ(out.substr(0, wrapped.size()), wrapped);
  });
  h.Settle();
  EXPECT_EQ(evnet_conn_inbound_bytes(pair.conn), 0u);
}

TEST_F(Inbound, NextAcrossTheWrapIsContiguous) {
  StartWrapped();
  h.Post([&] {
    EXPECT_EQ(String(evnet_conn_next(pair.conn, 100)), wrapped.substr(0, 100));
    EXPECT_EQ(String(evnet_conn_next(pair.conn, 500)), wrapped.substr(100, 500));
    EXPECT_EQ(Peek(pair.conn), wrapped.substr(600));
  });
  h.Settle();
}

TEST_F(Inbound, ALinearisingPeekKeepsWhatWasHandedOutReadable) {
  StartWrapped();
  h.Post([&] {
    const evnet_bytes first = evnet_conn_next(pair.conn, 50);  // points into the old block
    evnet_bytes spans[2];
    evnet_conn_peek_pair(pair.conn, spans);
    const evnet_bytes straight = evnet_conn_peek(pair.conn);
    EXPECT_EQ(String(straight), wrapped.substr(50));
    EXPECT_EQ(String(first), wrapped.substr(0, 50));
    EXPECT_EQ(String(spans[0]) + String(spans[1]), wrapped.substr(50));
    evnet_conn_discard(pair.conn, SIZE_MAX);
    EXPECT_EQ(String(straight), wrapped.substr(50)) << "a discard does not invalidate";
    EXPECT_EQ(String(first), wrapped.substr(0, 50));
  });
  h.Settle();
}

// A posted function linearizes the ring. New bytes then make it wrap again before any on_data has
// returned.
TEST_F(Inbound, ARingMadeStraightByAPostedFunctionMayWrapAgain) {
  StartWrapped();
  h.on.data = [&](evnet_conn *conn) {
    seen.push_back(Peek(conn));
    return EVNET_NONE;
  };
  h.Post([&] {
    EXPECT_EQ(Peek(pair.conn), wrapped);
    evnet_conn_discard(pair.conn, 600);
  });
  h.Turn();
  const std::string more = Pattern(700, 9);
  pair.client.Write(more);
  h.Until([&] { return !seen.empty() && seen.back().size() == 900; });
  EXPECT_EQ(seen.back(), wrapped.substr(600) + more);
}

TEST_F(Inbound, PointersLastUntilTheCallbackReturnsWhateverElseIsDone) {
  for (bool standing : {false, true}) {
    Harness g;
    std::string expected;
    bool armed = !standing;
    g.on.data = [&](evnet_conn *conn) {
      if (!armed) return EVNET_NONE;
      const evnet_bytes bytes = evnet_conn_peek(conn);
      const std::string before = String(bytes);
      evnet_conn_discard(conn, SIZE_MAX);
      Write(conn, "answer");
      EXPECT_EQ(evnet_conn_flush(conn), 0);
      EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
      evnet_conn_pause_reading(conn);
      evnet_conn_resume_reading(conn);
      evnet_conn_close(conn);
      evnet_conn_abort(conn);
      EXPECT_EQ(String(bytes), before);
      expected = before;
      return EVNET_NONE;
    };
    g.Start();
    Harness::Pair p = g.Connect();
    p.client.Write("abc");
    g.Settle();
    armed = true;
    if (standing) p.client.Write("def");
    g.Until([&] { return g.Of(p).closed == 1; });
    EXPECT_EQ(expected, standing ? "abcdef" : "abc");
  }
}

TEST_F(Inbound, BytesOfTheLeaseMayBeWrittenBackWithoutACopyInBetween) {
  h.on.data = [&](evnet_conn *conn) {
    const evnet_bytes bytes = evnet_conn_peek(conn);
    EXPECT_EQ(evnet_conn_write(conn, bytes.data, bytes.size), static_cast<ssize_t>(bytes.size));
    evnet_conn_discard(conn, bytes.size);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect(4096);
  TheKernel().on_send = [](int, size_t size) -> ssize_t { return size > 100 ? 100 : -EAGAIN; };
  const std::string data = Pattern(50000);
  pair.client.Write(data);
  h.Turns(3);
  TheKernel().on_send = nullptr;
  EXPECT_EQ(h.ReadExactly(&pair.client, data.size()), data);
}

TEST_F(Inbound, WithoutMemoryToMakeBytesContiguousTheConnectionEnds) {
  StartWrapped();
  h.Post([&] {
    h.allocator().fail_at(1, true);
    h.Of(pair).ending = true;
    EXPECT_EQ(evnet_conn_peek(pair.conn).size, 0u);
    EXPECT_EQ(evnet_conn_next(pair.conn, 500).size, 0u);
    EXPECT_EQ(evnet_conn_inbound_bytes(pair.conn), 800u);
    h.allocator().fail_at(0, false);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -ENOMEM);
}

TEST_F(Inbound, WithoutMemoryToKeepBytesTheConnectionEnds) {
  Start();
  take = 0;
  h.allocator().fail_at(1, true);
  pair.client.Write("abc");
  h.Until([&] { return h.Of(pair).closed == 1; });
  h.allocator().fail_at(0, false);
  EXPECT_EQ(h.Of(pair).reason, -ENOMEM);
}

TEST_F(Inbound, TheBoundClosesUnlessReadingIsPaused) {
  h.options.inbound_bytes_max = 100;
  bool pause = true;
  h.on.data = [&](evnet_conn *conn) {
    if (pause) {
      evnet_conn_pause_reading(conn);
    } else {
      evnet_conn_discard(conn, 1);
    }
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  pair.client.Write(Pattern(100));
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(h.Of(pair).Count("data"), 2);
  pause = false;
  h.Post([&] { evnet_conn_resume_reading(pair.conn); });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0) << "99 bytes are unread, below the bound";
  pair.client.Write("ab");
  pair.client.Shutdown();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_INBOUND_OVERFLOW);
}

TEST_F(Inbound, ANullHandlerThrowsAllAway) {
  h.null_data = true;
  h.Start();
  pair = h.Connect();
  pair.client.Write(Pattern(100000));
  h.Until([&] { return h.Stats().bytes_received == 100000; });
  EXPECT_EQ(evnet_conn_inbound_bytes(pair.conn), 0u);
}

TEST_F(Inbound, BytesComeInOrderThroughShortReadsAndPartialTakes) {
  std::string got;
  std::mt19937 generator(5);
  const auto random = [&](uint32_t below) { return static_cast<uint32_t>(generator() % below); };
  TheKernel().on_recv = [&](int, size_t) -> ssize_t { return 1 + random(700); };
  h.on.data = [&](evnet_conn *conn) {
    const evnet_bytes bytes = evnet_conn_peek(conn);
    EXPECT_EQ(bytes.size, evnet_conn_inbound_bytes(conn));
    const size_t part =
        bytes.size > 3000 ? bytes.size : random(static_cast<uint32_t>(bytes.size) + 1);
    got += String({bytes.data, part});
    evnet_conn_discard(conn, part);
    return EVNET_NONE;
  };
  h.Start();
  pair = h.Connect();
  const std::string all = Pattern(300000);
  size_t written = 0;
  h.Until([&] {
    written += pair.client.TryWrite(all.substr(written, 1 + random(5000)));
    // A short read makes evnet assume that the socket is empty. So new bytes have to arrive while
    // older bytes are in the socket.
    return written == all.size();
  });
  TheKernel().on_recv = nullptr;
  pair.client.Write("!");
  h.Until([&] { return got.size() + evnet_conn_inbound_bytes(pair.conn) == all.size() + 1; });
  got += Peek(pair.conn);
  EXPECT_EQ(got, all + "!");
}

TEST_F(Inbound, WhatStandsAboveTheBoundIsPresentedBeforeMoreComes) {
  h.options.inbound_bytes_max = 1000;
  h.options.read_turn_bytes_max = 512;
  size_t taken = 0;
  bool pauses = true;
  h.on.data = [&](evnet_conn *conn) {
    if (!pauses) {
      taken += evnet_conn_discard(conn, SIZE_MAX);
    } else if (evnet_conn_inbound_bytes(conn) >= 1000) {
      evnet_conn_pause_reading(conn);
    }
    return EVNET_NONE;
  };
  // After the resume the kernel is polled first, and brings another 512 bytes.
  h.on.stopping = [](evnet_conn *conn) { evnet_conn_resume_reading(conn); };
  h.Start();
  pair = h.Connect();
  pair.client.Write(Pattern(1536));
  h.Settle();
  ASSERT_EQ(evnet_conn_inbound_bytes(pair.conn), 1024u) << "the test's premise";
  pauses = false;
  evnet_reactor_stop(h.reactor(), 60000);
  h.Until([&] { return h.Of(pair).closed == 1 || taken > 0; });
  EXPECT_EQ(taken, 1024u);
  h.ReadToEnd(&pair.client);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

}  // namespace
}  // namespace evnet_testing
