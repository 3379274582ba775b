// Output: which writes are joined into one send, which are sent immediately, and that each byte is
// sent once and in order, however little the kernel takes.
#include <errno.h>
#include <sys/uio.h>

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "net/reactor/async.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

constexpr size_t kDirect = 4096;  // a write of this size or more is sent immediately
constexpr size_t kScratch = EVNET_POLLER_SCRATCH_BYTES;

class Outbound : public ::testing::Test {
 protected:
  void Start() {
    h.Start();
    pair = h.Connect();
  }
  // Returns the sizes of the sends that `function` causes in its turn. The client reads all bytes.
  std::vector<size_t> SendsOf(const std::function<void()> &function) {
    TheKernel().sends.clear();
    h.Post(function);
    h.Turn();
    return TheKernel().sends;
  }

  Harness h;
  Harness::Pair pair;
};

TEST_F(Outbound, SmallWritesOfACallbackLeaveInOneSend) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  Start();
  EXPECT_EQ(SendsOf([&] {
              for (int i = 0; i < 100; i++) EXPECT_EQ(Write(pair.conn, "0123456789"), 10);
              EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 1000u);
              EXPECT_TRUE(TheKernel().sends.empty());
            }),
            (std::vector<size_t>{1000}));
  EXPECT_EQ(h.ReadExactly(&pair.client, 1000).size(), 1000u);
}

TEST_F(Outbound, WritesToAnotherConnectionInBetweenKeepTheOrderOfEach) {
  Start();
  Harness::Pair other = h.Connect();
  const std::vector<size_t> sends = SendsOf([&] {
    Write(pair.conn, "a1 ");
    Write(pair.conn, "a2 ");
    Write(other.conn, "b1 ");
    Write(pair.conn, "a3 ");
    Write(other.conn, Pattern(kDirect));
    Write(pair.conn, "a4 ");
    Write(other.conn, "b2 ");
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 12), "a1 a2 a3 a4 ");
  EXPECT_EQ(h.ReadExactly(&other.client, kDirect + 6), "b1 " + Pattern(kDirect) + "b2 ");
}

TEST_F(Outbound, FromThePageOnAWriteIsSentAtOnceTogetherWithWhatWasGathered) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  Start();
  EXPECT_EQ(SendsOf([&] {
              Write(pair.conn, "head");
              EXPECT_EQ(Write(pair.conn, Pattern(kDirect)), ssize_t{kDirect});
              EXPECT_EQ(TheKernel().sends.size(), 1u);
              Write(pair.conn, "tail");
            }),
            (std::vector<size_t>{kDirect + 4, 4}));
  EXPECT_EQ(h.ReadExactly(&pair.client, kDirect + 8), "head" + Pattern(kDirect) + "tail");
}

TEST_F(Outbound, ALargeWriteIsSentFromWhereItLies) {
  Start();
  const std::string data = Pattern(kDirect + 50000);
  const iovec pieces[] = {{const_cast<char *>(data.data()), kDirect},
                          {const_cast<char *>(data.data()) + kDirect, 50000}};
  const size_t allocations = h.allocator().allocations();
  h.Post([&] {
    TheKernel().sources.clear();
    EXPECT_EQ(evnet_conn_write(pair.conn, data.data(), kDirect), ssize_t{kDirect});
    EXPECT_EQ(evnet_conn_writev(pair.conn, pieces, 2), ssize_t{kDirect + 50000});
  });
  const size_t posted = h.allocator().allocations() - allocations;
  h.Turn();
  EXPECT_EQ(TheKernel().sources,
            (std::vector<const void *>{data.data(), data.data(), data.data() + kDirect}));
  EXPECT_EQ(h.allocator().allocations() - allocations, posted) << "no memory for a copy";
  EXPECT_TRUE(h.ReadExactly(&pair.client, 2 * kDirect + 50000) == data.substr(0, kDirect) + data);
}

TEST_F(Outbound, JustBelowThePageAWriteIsGathered) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  Start();
  EXPECT_EQ(SendsOf([&] {
              Write(pair.conn, Pattern(kDirect - 1));
              EXPECT_TRUE(TheKernel().sends.empty());
              Write(pair.conn, "x");
            }),
            (std::vector<size_t>{kDirect}));
}

TEST_F(Outbound, TheScratchIsSentWhenTheNextWriteDoesNotFitAndNotBefore) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  Start();
  const std::string all = Pattern(kScratch + 1);
  EXPECT_EQ(SendsOf([&] {
              for (size_t at = 0; at < kScratch; at += 2048) {
                Write(pair.conn, all.substr(at, 2048));
              }
              EXPECT_TRUE(TheKernel().sends.empty()) << "it is exactly full";
              Write(pair.conn, all.substr(kScratch));
              EXPECT_EQ(TheKernel().sends.size(), 1u);
            }),
            (std::vector<size_t>{kScratch, 1}));
  EXPECT_EQ(h.ReadExactly(&pair.client, all.size()), all);
}

TEST_F(Outbound, AFullScratchThatTheKernelDoesNotTakeIsQueuedWithWhatFollows) {
  Start();
  TheKernel().on_send = [](int, size_t) -> ssize_t { return -EAGAIN; };
  const std::string all = Pattern(kScratch + 3000);
  h.Post([&] {
    for (size_t at = 0; at < all.size(); at += 1000) Write(pair.conn, all.substr(at, 1000));
    EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), all.size());
  });
  h.Turn();
  TheKernel().on_send = nullptr;
  h.Post([&] { Write(pair.conn, "!"); });
  h.Turn();
  pair.client.Write("x");  // causes an event, because a simulated refusal has none
  EXPECT_EQ(h.ReadExactly(&pair.client, all.size() + 1), all + "!");
}

TEST_F(Outbound, FlushSendsNow) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  Start();
  EXPECT_EQ(SendsOf([&] {
              Write(pair.conn, "one");
              EXPECT_EQ(evnet_conn_flush(pair.conn), 0);
              EXPECT_EQ(TheKernel().sends.size(), 1u);
              EXPECT_EQ(evnet_conn_flush(pair.conn), 0) << "nothing more to send";
              Write(pair.conn, "two");
            }),
            (std::vector<size_t>{3, 3}));
}

TEST_F(Outbound, FlushReportsWhatTheKernelDidNotTake) {
  Start();
  for (const ssize_t taken : {ssize_t{-EAGAIN}, ssize_t{1}}) {
    TheKernel().on_send = [taken](int, size_t) { return taken; };
    h.Post([&] {
      Write(pair.conn, "four");
      const ssize_t queued = evnet_conn_flush(pair.conn);
      EXPECT_EQ(static_cast<size_t>(queued), evnet_conn_outbound_bytes(pair.conn));
      EXPECT_GT(queued, 0);
    });
    h.Turn();
    TheKernel().on_send = nullptr;
    pair.client.Write("x");  // causes an event, because a simulated refusal has none
    EXPECT_EQ(h.ReadExactly(&pair.client, 4), "four");
  }
}

TEST_F(Outbound, NothingIsSentForNothing) {
  Start();
  iovec empty[3] = {};
  EXPECT_EQ(SendsOf([&] {
              EXPECT_EQ(evnet_conn_write(pair.conn, nullptr, 0), 0);
              EXPECT_EQ(evnet_conn_writev(pair.conn, empty, 3), 0);
              EXPECT_EQ(evnet_conn_writev(pair.conn, nullptr, 0), 0);
              EXPECT_EQ(evnet_conn_flush(pair.conn), 0);
            }),
            std::vector<size_t>{});
}

TEST_F(Outbound, WritevTakesMorePiecesThanOneSendDoes) {
  Start();
  const std::string all = Pattern(150 * 100);
  std::vector<iovec> pieces;
  for (size_t i = 0; i < 150; i++) {
    pieces.push_back({const_cast<char *>(all.data()) + i * 100, 100});
    if (i % 7 == 0) pieces.push_back({nullptr, 0});
  }
  EXPECT_EQ(SendsOf([&] {
              EXPECT_EQ(evnet_conn_writev(pair.conn, pieces.data(), pieces.size()), 15000);
            }),
            (std::vector<size_t>{6400, 6400, 2200}));
  EXPECT_EQ(h.ReadExactly(&pair.client, all.size()), all);
}

// The kernel takes k bytes of the first send of gathered bytes and 130 pieces, and everything
// later. k takes all values around each border and many in between. The rest must be queued exactly
// once.
TEST_F(Outbound, AShortSendAtAnyOffsetLosesAndDoublesNothing) {
  Start();
  const size_t piece = 40;
  const std::string all = Pattern(100 + 130 * piece);
  std::vector<iovec> pieces;
  for (size_t i = 0; i < 130; i++) {
    pieces.push_back({const_cast<char *>(all.data()) + 100 + i * piece, piece});
  }
  for (size_t take = 1; take <= all.size(); take += take < 300 || take % 64 < 2 ? 1 : 7) {
    size_t left = take;
    TheKernel().on_send = [&](int, size_t size) -> ssize_t {
      if (left == 0) return kPass;
      const size_t now = left < size ? left : size;
      left -= now;
      return static_cast<ssize_t>(now);
    };
    h.Post([&] {
      Write(pair.conn, all.substr(0, 100));
      ASSERT_EQ(evnet_conn_writev(pair.conn, pieces.data(), pieces.size()), ssize_t{130 * 40});
    });
    h.Turn();
    std::string got;
    h.Until([&] {
      got += pair.client.Read();
      // Cause an event, because a simulated short send has none.
      if (got.size() < all.size()) pair.client.TryWrite("x");
      return got.size() >= all.size();
    });
    ASSERT_EQ(got, all) << take;
  }
}

TEST_F(Outbound, RandomWritesAndShortSendsArriveInOrder) {
  for (uint32_t seed = 1; seed <= 20; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Harness g;
    g.options.outbound_high_action = EVNET_HIGH_NOTIFY;
    g.listen_options.send_buffer_bytes = 4608;
    g.Start();
    Harness::Pair p = g.Connect(4096);
    std::mt19937 random(seed);
    auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
    TheKernel().on_send = [&](int, size_t size) -> ssize_t {
      return below(3) == 0 ? kPass : static_cast<ssize_t>(1 + below(static_cast<uint32_t>(size)));
    };
    std::string model;
    std::string got;
    for (int step = 0; step < 200; step++) {
      g.Post([&] {
        for (uint32_t i = below(5); i > 0; i--) {
          const std::string data = Pattern(below(4) == 0 ? below(20000) : below(300), random());
          if (below(2) == 0) {
            ASSERT_EQ(Write(p.conn, data), static_cast<ssize_t>(data.size()));
          } else {
            std::vector<iovec> pieces;
            for (size_t at = 0; at < data.size();) {
              const size_t part = std::min<size_t>(data.size() - at, below(200));
              pieces.push_back({const_cast<char *>(data.data()) + at, part});
              at += part;
            }
            ASSERT_EQ(evnet_conn_writev(p.conn, pieces.data(), pieces.size()),
                      static_cast<ssize_t>(data.size()));
          }
          model += data;
          if (below(4) == 0) {
            ASSERT_GE(evnet_conn_flush(p.conn), 0);
          }
        }
      });
      g.Turn();
      got += p.client.Read(below(30000) + 1);
      ASSERT_EQ(model.compare(0, got.size(), got), 0);
      ASSERT_EQ(g.Stats().bytes_sent + evnet_conn_outbound_bytes(p.conn), model.size());
    }
    g.Post([&] { g.Close(p.conn); });
    g.Until([&] {
      got += p.client.Read();
      p.client.TryWrite("x");  // causes an event, because a simulated short send has none
      return p.client.end() != End::kOpen;
    });
    ASSERT_EQ(got.size(), model.size());
    ASSERT_EQ(got, model);
  }
}

TEST_F(Outbound, RefuseKeepsTheConnectionAndTakesNothing) {
  h.options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  h.options.outbound_high_water_bytes = 100000;
  h.options.read_turn_bytes_max = 1000;
  h.options.outbound_bytes_max = 200000;
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  const std::string block = Pattern(50000);
  size_t taken = 0;
  h.Post([&] {
    for (;;) {
      const size_t queued = evnet_conn_outbound_bytes(pair.conn);
      const ssize_t status = Write(pair.conn, block);
      if (status < 0) {
        EXPECT_EQ(status, -ENOBUFS);
        EXPECT_GT(queued + block.size(), 200000u);
        EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), queued);
        break;
      }
      taken += block.size();
    }
    const size_t room = 200000 - evnet_conn_outbound_bytes(pair.conn);
    EXPECT_EQ(Write(pair.conn, Pattern(room + 1)), -ENOBUFS);
    EXPECT_EQ(Write(pair.conn, Pattern(room)), static_cast<ssize_t>(room)) << "exactly the bound";
    EXPECT_EQ(Write(pair.conn, "x"), -ENOBUFS);
    iovec huge[2] = {{const_cast<char *>("x"), SIZE_MAX}, {const_cast<char *>("x"), SIZE_MAX}};
    EXPECT_EQ(evnet_conn_writev(pair.conn, huge, 2), -ENOBUFS) << "the sum overflows";
    taken += room;
  });
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_EQ(h.ReadExactly(&pair.client, taken).size(), taken);
}

TEST_F(Outbound, AnAbortDropsGatheredBytesForGood) {
  Start();
  h.Post([&] {
    Write(pair.conn, "stale");
    h.Abort(pair.conn);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  h.Settle();
  Harness::Pair next = h.Connect();
  EXPECT_EQ(next.conn, pair.conn) << "the test's premise: the slot is used again";
  h.Post([&] { Write(next.conn, "new"); });
  EXPECT_EQ(h.ReadExactly(&next.client, 3), "new");
  EXPECT_EQ(h.Stats().bytes_sent, 3u);
}

TEST_F(Outbound, WithoutMemoryForTheQueueTheConnectionEnds) {
  Start();
  TheKernel().on_send = [](int, size_t) -> ssize_t { return 10; };
  h.Post([&] {
    h.allocator().fail_at(1, true);
    EXPECT_EQ(Write(pair.conn, Pattern(5000)), -ENOMEM);
    EXPECT_EQ(Write(pair.conn, "x"), -ENOTCONN);
    h.allocator().fail_at(0, false);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, -ENOMEM);
}

// A completion-based kernel reports the bytes it did not take when no callback is running any more.
TEST_F(Outbound, WithoutMemoryForWhatTheKernelDidNotTakeTheConnectionEnds) {
  h.listen_options.send_buffer_bytes = 4608;
  h.Start();
  pair = h.Connect(4096);
  for (int i = 0; i < 1000 && h.Of(pair).closed == 0; i++) {
    h.Post([&] {
      h.allocator().fail_at(1, true);
      Write(pair.conn, Pattern(kDirect - 1));
    });
    h.Turns(2);
    h.allocator().fail_at(0, false);
  }
  ASSERT_EQ(h.Of(pair).closed, 1);
  EXPECT_EQ(h.Of(pair).reason, -ENOMEM);
}

TEST_F(Outbound, ARequestMayFillTheQueueToItsBoundAndAnEmptyOneFitsThen) {
  EVNET_SKIP_UNLESS_SOCKET_CALLS_ARE_SEEN();
  constexpr size_t kBound = 100000;
  h.options.outbound_high_water_bytes = 1000;
  h.options.read_turn_bytes_max = 512;
  h.options.outbound_bytes_max = kBound;
  h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
  h.options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  Start();
  TheKernel().on_send = [](int, size_t) -> ssize_t { return -EAGAIN; };
  h.Post([&] { EXPECT_EQ(Write(pair.conn, Pattern(kBound - 10)), ssize_t{kBound - 10}); });
  h.Turn();
  struct Request {
    evnet_async async = {};
    int status = 1;
  } requests[3];
  const size_t sizes[] = {10, 0, 1};
  for (int i = 0; i < 3; i++) {
    evnet_async *async = &requests[i].async;
    async->message.bytes = sizeof *async;
    async->id = evnet_conn_get_id(pair.conn);
    async->act = EVNET_ASYNC_WRITE;
    async->data = "0123456789";
    async->size = sizes[i];
    async->finish = [](evnet_async *finished, int status) {
      reinterpret_cast<Request *>(finished)->status = status;
    };
    ASSERT_EQ(evnet_reactor_async(h.reactor(), async), 0);
    h.Turns(2);
  }
  EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), kBound);
  EXPECT_EQ(requests[0].status, 1) << "the request must wait for the kernel";
  EXPECT_EQ(requests[1].status, 1);
  EXPECT_EQ(requests[2].status, -ENOBUFS);
  h.Abort(pair.conn);
  h.Turns(2);
  EXPECT_EQ(requests[0].status, EVNET_REASON_ABORTED);
  EXPECT_EQ(requests[1].status, EVNET_REASON_ABORTED);
}

}  // namespace
}  // namespace evnet_testing
