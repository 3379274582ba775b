// The functions peek, peek_pair, next, read and discard, and pausing, as a handler uses them.
#include <errno.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

std::string Text(const evnet_bytes &bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.data), bytes.size);
}

std::string PairText(const evnet_conn *conn) {
  evnet_bytes spans[2];
  evnet_conn_peek_pair(conn, spans);
  return Text(spans[0]) + Text(spans[1]);
}

bool Wraps(const evnet_conn *conn) {
  evnet_bytes spans[2];
  evnet_conn_peek_pair(conn, spans);
  return spans[1].size > 0;
}

// Sends each piece only after the server has received the previous piece, and calls `look` in
// on_data.
class Reading : public testing::Test {
 protected:
  void Run(const std::vector<std::string> &pieces, std::function<void(evnet_conn *, size_t)> look) {
    size_t bytes = 0;
    size_t calls = 0;
    std::atomic<size_t> seen{0};
    Callbacks callbacks;
    callbacks.on_data = [&](evnet_conn *conn) {
      // A piece may arrive in parts.
      size_t sum = 0;
      for (size_t i = 0; i <= calls; i++) sum += pieces[i].size();
      if (bytes + evnet_conn_inbound_bytes(conn) < sum) return EVNET_NONE;
      const size_t before = evnet_conn_inbound_bytes(conn);
      look(conn, calls++);
      bytes += before - evnet_conn_inbound_bytes(conn);
      seen = calls;
      return EVNET_NONE;
    };
    Server server(callbacks);
    Client client(server.port());
    for (size_t i = 0; i < pieces.size(); i++) {
      client.SendAll(pieces[i]);
      ASSERT_TRUE(WaitUntil([&] { return seen == i + 1; }));
    }
    EXPECT_EQ(server.Stop(0), 0);
  }
};

TEST_F(Reading, NothingIsUnreadWhenAConnectionOpens) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    char byte;
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), 0u);
    EXPECT_EQ(evnet_conn_peek(conn).size, 0u);
    EXPECT_EQ(PairText(conn), "");
    EXPECT_EQ(evnet_conn_next(conn, 1).size, 0u);
    EXPECT_EQ(evnet_conn_next(conn, 0).size, 0u);
    EXPECT_EQ(evnet_conn_read(conn, &byte, 1), 0u);
    EXPECT_EQ(evnet_conn_discard(conn, 1), 0u);
    return EVNET_CLOSE;
  };
  Server server(callbacks);
  Client client(server.port());
  EXPECT_EQ(client.ReceiveToEnd(), "");
}

TEST_F(Reading, WhatIsNotTakenIsPresentedAgainWithWhatComesNext) {
  Run({"abc", "def", "g"}, [](evnet_conn *conn, size_t call) {
    const std::string expected[] = {"abc", "abcdef", "abcdefg"};
    EXPECT_EQ(Text(evnet_conn_peek(conn)), expected[call]);
    EXPECT_EQ(PairText(conn), expected[call]);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), expected[call].size());
  });
}

TEST_F(Reading, NextTakesWholeOrNothing) {
  Run({"abcdef", "gh"}, [](evnet_conn *conn, size_t call) {
    if (call == 0) {
      EXPECT_EQ(Text(evnet_conn_next(conn, 2)), "ab");
      EXPECT_EQ(evnet_conn_next(conn, 5).size, 0u);
      EXPECT_EQ(evnet_conn_inbound_bytes(conn), 4u) << "nothing was consumed";
      EXPECT_EQ(evnet_conn_next(conn, SIZE_MAX).size, 0u);
    } else {
      EXPECT_EQ(Text(evnet_conn_next(conn, 5)), "cdefg");
      EXPECT_EQ(Text(evnet_conn_next(conn, 1)), "h");
    }
  });
}

TEST_F(Reading, ReadCopiesUpToWhatThereIs) {
  Run({"abcdef", "gh"}, [](evnet_conn *conn, size_t call) {
    char out[16];
    if (call == 0) {
      EXPECT_EQ(evnet_conn_read(conn, out, 0), 0u);
      EXPECT_EQ(evnet_conn_read(conn, out, 4), 4u);
      EXPECT_EQ(std::string(out, 4), "abcd");
    } else {
      EXPECT_EQ(evnet_conn_read(conn, out, sizeof out), 4u);
      EXPECT_EQ(std::string(out, 4), "efgh");
      EXPECT_EQ(evnet_conn_read(conn, out, sizeof out), 0u);
    }
  });
}

TEST_F(Reading, DiscardTellsHowMuchThereWas) {
  Run({"abcdef"}, [](evnet_conn *conn, size_t) {
    EXPECT_EQ(evnet_conn_discard(conn, 0), 0u);
    EXPECT_EQ(evnet_conn_discard(conn, 2), 2u);
    EXPECT_EQ(Text(evnet_conn_peek(conn)), "cdef");
    EXPECT_EQ(evnet_conn_discard(conn, SIZE_MAX), 4u);
    EXPECT_EQ(evnet_conn_discard(conn, 1), 0u);
  });
}

TEST_F(Reading, DiscardLeavesPointersValid) {
  Run({"abcdef"}, [](evnet_conn *conn, size_t) {
    const evnet_bytes all = evnet_conn_peek(conn);
    EXPECT_EQ(evnet_conn_discard(conn, 6), 6u);
    EXPECT_EQ(Text(all), "abcdef");
    Write(conn, Text(all));
    EXPECT_EQ(Text(all), "abcdef");
  });
}

// Unread bytes that wrap around inside their buffer: 1,300 bytes of the first piece stay, and the
// second piece wraps around the end.
class Wrapped : public Reading {
 protected:
  void RunWrapped(std::function<void(evnet_conn *, const std::string &)> look) {
    const std::string first = Pattern(3000, 1);
    const std::string second = Pattern(2500, 2);
    bool wrapped = false;
    Run({first.substr(0, 10), first.substr(10), second}, [&](evnet_conn *conn, size_t call) {
      if (call == 0) return;  // leave the bytes unread, so that the next piece is buffered
      if (call == 1) {
        EXPECT_EQ(evnet_conn_discard(conn, 1700), 1700u);
        return;
      }
      wrapped = Wraps(conn);
      look(conn, first.substr(1700) + second);
    });
    EXPECT_TRUE(wrapped) << "this test needs bytes that wrap";
  }
};

TEST_F(Wrapped, PeekGivesThemContiguous) {
  RunWrapped([](evnet_conn *conn, const std::string &expected) {
    EXPECT_EQ(PairText(conn), expected);
    EXPECT_TRUE(Wraps(conn)) << "peek_pair never copies";
    EXPECT_EQ(Text(evnet_conn_peek(conn)), expected);
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), expected.size());
  });
}

TEST_F(Wrapped, PeekDoesNotMoveWhatWasHandedOut) {
  RunWrapped([](evnet_conn *conn, const std::string &expected) {
    evnet_bytes spans[2];
    evnet_conn_peek_pair(conn, spans);
    const evnet_bytes all = evnet_conn_peek(conn);
    EXPECT_EQ(Text(spans[0]) + Text(spans[1]), expected)
        << "the old memory still contains the bytes";
    EXPECT_EQ(evnet_conn_discard(conn, expected.size()), expected.size());
    EXPECT_EQ(Text(all), expected);
    EXPECT_EQ(Text(spans[0]) + Text(spans[1]), expected);
  });
}

TEST_F(Wrapped, NextGivesWhatLiesInOnePieceWithoutMovingAndTheRestContiguous) {
  RunWrapped([](evnet_conn *conn, const std::string &expected) {
    const evnet_bytes head = evnet_conn_next(conn, 700);
    EXPECT_EQ(Text(head), expected.substr(0, 700));
    const evnet_bytes rest = evnet_conn_next(conn, expected.size() - 700);
    EXPECT_EQ(Text(rest), expected.substr(700));
    EXPECT_EQ(Text(head), expected.substr(0, 700));
    EXPECT_EQ(evnet_conn_inbound_bytes(conn), 0u);
  });
}

TEST_F(Wrapped, ReadCopiesAcrossTheEdge) {
  RunWrapped([](evnet_conn *conn, const std::string &expected) {
    std::string out(expected.size() + 10, '\0');
    EXPECT_EQ(evnet_conn_read(conn, &out[0], out.size()), expected.size());
    out.resize(expected.size());
    EXPECT_EQ(out, expected);
  });
}

TEST_F(Wrapped, DiscardGoesAcrossTheEdge) {
  RunWrapped([](evnet_conn *conn, const std::string &expected) {
    EXPECT_EQ(evnet_conn_discard(conn, 2000), 2000u);
    EXPECT_EQ(Text(evnet_conn_peek(conn)), expected.substr(2000));
  });
}

TEST_F(Wrapped, PeekOutsideOnDataDoesNotHinderALaterOne) {
  // A posted function makes wrapped bytes contiguous and consumes some of them. More bytes arrive
  // and wrap again, and on_data peeks.
  const std::string data = Pattern(7700);
  std::atomic<size_t> received{0};
  std::atomic<evnet_conn *> of_all{nullptr};
  int wraps = 0;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    of_all = conn;
    struct evnet_reactor_stats stats;
    evnet_reactor_get_stats(evnet_conn_reactor(conn), &stats);
    if (stats.bytes_received == data.size()) {
      if (Wraps(conn)) wraps++;
      EXPECT_EQ(Text(evnet_conn_peek(conn)), data.substr(4300));
    }
    received = stats.bytes_received;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  const auto send = [&](size_t from, size_t to) {
    client.SendAll(data.substr(from, to - from));
    ASSERT_TRUE(WaitUntil([&] { return received == to; }));
  };
  const auto run = [&](std::function<void()> function) {
    std::atomic<bool> done{false};
    Post(evnet_conn_reactor(of_all), [&] {
      function();
      done = true;
    });
    ASSERT_TRUE(WaitUntil([&] { return done.load(); }));
  };
  send(0, 3000);
  run([&] { EXPECT_EQ(evnet_conn_discard(of_all, 1700), 1700u); });
  send(3000, 5700);
  run([&] {
    if (Wraps(of_all)) wraps++;
    EXPECT_EQ(Text(evnet_conn_peek(of_all)), data.substr(1700, 4000));
    EXPECT_EQ(evnet_conn_discard(of_all, 2600), 2600u);
  });
  send(5700, 7700);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(wraps, 2) << "this test needs bytes that wrap twice";
}

TEST(Pausing, StopsOnDataUntilResumedAndLosesNothing) {
  Journal journal;
  std::string received;
  std::atomic<evnet_conn *> of_all{nullptr};
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    evnet_conn_pause_reading(conn);  // a second pause has no effect
    of_all = conn;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    received += Take(conn);
    journal.Add(std::to_string(received.size()));
    return EVNET_NONE;
  };
  callbacks.on_half_close = [&](evnet_conn *) {
    journal.Add("end");
    return EVNET_CLOSE;
  };
  Server server(callbacks);
  Client client(server.port());
  const std::string data = Pattern(100000);
  client.SendAll(data);
  client.ShutdownWrite();
  ASSERT_TRUE(WaitUntil([&] { return of_all.load() != nullptr; }));
  EXPECT_FALSE(client.Readable(100)) << "EOF is not reported before the data";
  EXPECT_TRUE(journal.Lines().empty());
  Post(evnet_conn_reactor(of_all), [&] { evnet_conn_resume_reading(of_all); });
  EXPECT_TRUE(journal.WaitFor("end"));
  EXPECT_EQ(received, data);
  client.ReceiveToEnd();
}

TEST(Pausing, ResumePresentsWhatStandsUnreadWithoutNewBytes) {
  std::atomic<int> calls{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    calls++;
    if (calls == 1) {
      evnet_conn_pause_reading(conn);
      Post(evnet_conn_reactor(conn), [conn] { evnet_conn_resume_reading(conn); });
      return EVNET_NONE;
    }
    Write(conn, Take(conn));
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("hello");
  EXPECT_EQ(client.Receive(5), "hello");
  EXPECT_EQ(calls, 2);
}

TEST(Pausing, ResumeInsideOnDataPresentsTheRestAgainLater) {
  std::atomic<int> depth{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    EXPECT_EQ(++depth, 1) << "never from inside another callback";
    Write(conn, Text(evnet_conn_next(conn, 1)));
    evnet_conn_pause_reading(conn);
    evnet_conn_resume_reading(conn);
    depth--;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("one by one");
  EXPECT_EQ(client.Receive(10), "one by one");
}

TEST(Pausing, AResetIsNoticedAtOnce) {
  std::atomic<int> reason{0};
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  client.SendAll("unread");
  client.Reset();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(reason, -ECONNRESET);
}

TEST(InboundBound, ClosesAConnectionWhoseHandlerTakesNothing) {
  std::atomic<int> reason{0};
  std::atomic<size_t> most{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    most = std::max<size_t>(most, evnet_conn_inbound_bytes(conn));
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.inbound_bytes_max = 100000;
  options.read_turn_bytes_max = 10000;
  Server server(callbacks, options);
  Client client(server.port());
  client.TrySend(Pattern(99999));
  EXPECT_TRUE(WaitUntil([&] { return most == 99999; }));
  EXPECT_EQ(server.stats().connections_open, 1u) << "below the bound the connection stays open";
  client.SendAll("x");
  client.ReceiveToEnd();
  client.Close();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(reason, EVNET_REASON_INBOUND_OVERFLOW);
  EXPECT_LT(most, 100000u + 10000u);
}

TEST(InboundBound, MerelyStopsReadingUnderAPause) {
  std::atomic<size_t> most{0};
  std::string received;
  std::atomic<bool> take{false};
  std::atomic<evnet_conn *> of_all{nullptr};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    of_all = conn;
    most = std::max<size_t>(most, evnet_conn_inbound_bytes(conn));
    if (take) {
      received += Take(conn);
    } else if (evnet_conn_inbound_bytes(conn) >= 100000) {
      evnet_conn_pause_reading(conn);
    }
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.inbound_bytes_max = 100000;
  options.read_turn_bytes_max = 10000;
  Server server(callbacks, options);
  Client client(server.port());
  const std::string data = Pattern(8 << 20);
  const size_t sent = client.SendUntilBlocked(data, 200);
  EXPECT_GT(sent, 100000u);
  EXPECT_LT(sent, data.size());
  EXPECT_EQ(server.stats().connections_open, 1u);
  take = true;
  Post(evnet_conn_reactor(of_all), [&] { evnet_conn_resume_reading(of_all); });
  client.SendAll(data.substr(sent));
  EXPECT_TRUE(WaitUntil([&] { return server.stats().bytes_received == data.size(); }));
  EXPECT_EQ(server.Stop(1000), 0);
  // With io_uring the kernel may have filled up to half of the buffers before the pause.
  const size_t late = TestBackend() == EVNET_BACKEND_IO_URING ? 128 * 10000 : 0;
  EXPECT_LT(most, 100000u + 10000u + late);
  EXPECT_TRUE(received == data);
}

}  // namespace
}  // namespace evnet_testing
