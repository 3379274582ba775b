// evnet_conn_sendfile: which files it accepts, the place of a file among bytes, and how much a turn
// sends.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "net/reactor/testing/sendfile.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 3 << 20;  // more than the kernel takes while the peer does not read

TEST_F(Sendfile, AFileArrivesInItsPlaceAmongWrites) {
  Start();
  const TestFile file("0123456789");
  Run([&] {
    Write(pair.conn, "head ");
    EXPECT_EQ(SendFile(file, 2, 5), 5);
    Write(pair.conn, " middle ");
    EXPECT_EQ(SendFile(file, 0, 1), 1);
    EXPECT_EQ(SendFile(file, 9, 1), 1);
    Write(pair.conn, Pattern(5000));
  });
  const std::string expected = "head 23456 middle 09" + Pattern(5000);
  EXPECT_EQ(h.ReadExactly(&pair.client, expected.size()), expected);
}

TEST_F(Sendfile, GoesBehindAQueueAndInFrontOfWhatIsWrittenLater) {
  Start();
  const std::string before = Pattern(kMuch);
  const std::string bytes = Pattern(kMuch, 2);
  const std::string behind = Pattern(kMuch, 3);
  const TestFile file(bytes);
  Run([&] {
    Write(pair.conn, before);
    EXPECT_GT(evnet_conn_outbound_bytes(pair.conn), 0u);
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    Write(pair.conn, behind);
  });
  EXPECT_TRUE(h.ReadExactly(&pair.client, 3 * kMuch) == before + bytes + behind);
}

// As in a daemon that has closed its standard input.
TEST_F(Sendfile, ItsOwnDescriptorOfTheFileMayBe0) {
  Start();
  const TestFile file("0123456789");
  const int kept = fcntl(0, F_DUPFD_CLOEXEC, 100);
  Run([&] {
    (void)close(0);
    EXPECT_EQ(SendFile(file, 0, 10), 10);
    EXPECT_NE(fcntl(0, F_GETFD), -1);
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 10), "0123456789");
  EXPECT_EQ(fcntl(0, F_GETFD), -1);
  if (kept < 0) return;
  EXPECT_EQ(dup2(kept, 0), 0);
  EXPECT_EQ(close(kept), 0);
}

// Flying bytes that the kernel did not take go before the file.
TEST_F(Sendfile, GoesBehindAShortSendOfWhatWasGathered) {
  Start();
  const TestFile file("file");
  const std::string head = Pattern(60000);
  Run([&] {
    for (size_t at = 0; at < head.size(); at += 3000) Write(pair.conn, head.substr(at, 3000));
    EXPECT_EQ(SendFile(file, 0, 4), 4);
    Write(pair.conn, "tail");
  });
  EXPECT_TRUE(h.ReadExactly(&pair.client, 60008) == head + "filetail");
}

// This also holds for a poller whose wait does not end when the bytes before the file have been
// sent.
TEST_F(Sendfile, TheAnswerToARequestLeavesWithoutFurtherEvents) {
  const TestFile file("file");
  h.on.data = [&](evnet_conn *conn) {
    (void)TakeAll(conn);
    Write(conn, "head ");
    EXPECT_EQ(SendFile(file, 0, 4), 4);
    return EVNET_NONE;
  };
  Start();
  pair.client.Write("x");
  std::string got;
  const auto begin = std::chrono::steady_clock::now();
  for (int turns = 0; got.size() < 9 && turns < 20; turns++) {
    ASSERT_EQ(h.Turn(10000), 1);
    got += pair.client.Read();
  }
  EXPECT_EQ(got, "head file");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5))
      << "no wait may sleep";
}

TEST_F(Sendfile, TheCallerMayCloseHisDescriptorAtOnce) {
  Start();
  const std::string data = Pattern(kMuch);
  Run([&] {
    const TestFile file(data);
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
  });
  EXPECT_TRUE(h.ReadExactly(&pair.client, kMuch) == data);
}

TEST_F(Sendfile, TheDuplicateIsClosedWithItsLastByteAndOnExec) {
  Start();
  const TestFile file("x");
  const size_t before = OpenDescriptors();
  Run([&] {
    const int lowest = open("/dev/null", O_RDONLY);
    (void)close(lowest);
    EXPECT_EQ(SendFile(file, 0, 1), 1);
    EXPECT_EQ(OpenDescriptors(), before + 1);
    EXPECT_EQ(fcntl(lowest, F_GETFD), FD_CLOEXEC)
        << "the duplicate must have the lowest free number";
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 1), "x");
  h.Settle();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(Sendfile, OfNothingIsNothing) {
  Start();
  Run([&] { EXPECT_EQ(evnet_conn_sendfile(pair.conn, -1, 0, 0), 0); });
  h.Settle();
  EXPECT_EQ(h.Stats().bytes_sent, 0u);
  EXPECT_EQ(h.Of(pair).closed, 0);
}

TEST_F(Sendfile, WhatCannotBeSentIsRefusedAtOnceAndTheConnectionStays) {
  Start();
  const TestFile file("x");
  const std::string path = "/proc/self/fd/" + std::to_string(file.descriptor());
  const int write_only = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const int path_only = open(".", O_PATH | O_CLOEXEC);
  const int file_path_only = open(path.c_str(), O_PATH | O_CLOEXEC);
  const int directory = open(".", O_RDONLY | O_CLOEXEC);
  const int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  const size_t before = OpenDescriptors();
  Run([&] {
    EXPECT_EQ(evnet_conn_sendfile(pair.conn, -1, 0, 1), -EBADF);
    EXPECT_EQ(evnet_conn_sendfile(pair.conn, 1 << 20, 0, 1), -EBADF);
    EXPECT_EQ(evnet_conn_sendfile(pair.conn, write_only, 0, 1), -EBADF);
    EXPECT_EQ(evnet_conn_sendfile(pair.conn, file_path_only, 0, 1), -EBADF);
    for (const int other : {path_only, directory, device, pipes[0], pair.client.descriptor()})
      EXPECT_EQ(evnet_conn_sendfile(pair.conn, other, 0, 1), -EINVAL);
    EXPECT_EQ(SendFile(file, -1, 1), -EINVAL);
    EXPECT_EQ(SendFile(file, 0, -1), -EINVAL);
    EXPECT_EQ(SendFile(file, INT64_MAX, 1), -EINVAL);
    EXPECT_EQ(OpenDescriptors(), before);
    Write(pair.conn, "as good as before");
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 17), "as good as before");
  for (const int each :
       {write_only, path_only, file_path_only, directory, device, pipes[0], pipes[1]})
    (void)close(each);
}

TEST_F(Sendfile, WithoutADescriptorItIsRefusedAndTheConnectionStays) {
  Start();
  const TestFile file("x");
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Run([&] {
    Write(pair.conn, "head ");
    const rlimit none = {static_cast<rlim_t>(file.descriptor()), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(SendFile(file, 0, 1), -EMFILE);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    Write(pair.conn, "tail");
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 9), "head tail");
}

TEST_F(Sendfile, BytesOfAFileCountNowhere) {
  h.options.outbound_high_water_bytes = 1000;
  h.on.pressure = [](evnet_conn *) { return EVNET_NONE; };
  Start();
  const TestFile file(Pattern(kMuch));
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 0u);
    EXPECT_EQ(evnet_conn_flush(pair.conn), 0);
  });
  WaitUntilBlocked();
  EXPECT_EQ(h.Of(pair).Count("pressure"), 0);
  Run([&] {
    Write(pair.conn, Pattern(1001));
    EXPECT_EQ(evnet_conn_outbound_bytes(pair.conn), 1001u);
    EXPECT_EQ(evnet_conn_flush(pair.conn), 1001);
  });
  EXPECT_EQ(h.Of(pair).Count("pressure"), 1) << "bytes after the file count";
  EXPECT_EQ(h.ReadExactly(&pair.client, kMuch + 1001).size(), kMuch + 1001);
  EXPECT_EQ(h.Stats().bytes_sent, kMuch + 1001);
}

TEST_F(Sendfile, ATurnBringsAtMost256KiBOfIt) {
  h.Start();  // the buffers are large
  pair = h.Connect();
  const TestFile file(Pattern(kMuch));
  h.Post([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
  uint64_t sent = 0;
  std::string got;
  h.Until([&] {
    EXPECT_LE(h.Stats().bytes_sent - sent, 256u << 10);
    sent = h.Stats().bytes_sent;
    got += pair.client.Read();
    return got.size() == kMuch;
  });
  EXPECT_TRUE(got == Pattern(kMuch));
  EXPECT_EQ(*std::max_element(TheKernel().files.begin(), TheKernel().files.end()), 256u << 10);
}

TEST_F(Sendfile, AtMostSixtyFourWaitAndOneMoreClosesTheConnection) {
  Start();
  const TestFile file(Pattern(kMuch));
  const size_t before = OpenDescriptors();
  Run([&] {
    for (int i = 0; i < 64; i++) ASSERT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    EXPECT_EQ(SendFile(file, 0, 1), -ENOBUFS);
    EXPECT_EQ(SendFile(file, 0, 1), -ENOTCONN);
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_OUTBOUND_OVERFLOW);
  pair.client.Close();
  h.Settle();
  EXPECT_EQ(OpenDescriptors(), before - 2)
      << "all duplicates and both ends of the connection must be closed";
}

TEST_F(Sendfile, RefuseKeepsTheConnectionWithSixtyFour) {
  h.options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  Start();
  const std::string data = Pattern(10000);
  const TestFile file(data);
  Run([&] {
    for (int i = 0; i < 64; i++) ASSERT_EQ(SendFile(file, 0, 10000), 10000);
    EXPECT_EQ(SendFile(file, 0, 1), -ENOBUFS);
  });
  std::string expected;
  for (int i = 0; i < 64; i++) expected += data;
  EXPECT_TRUE(h.ReadExactly(&pair.client, expected.size()) == expected);
  Run([&] { EXPECT_EQ(SendFile(file, 0, 4), 4) << "there is room again"; });
  EXPECT_EQ(h.ReadExactly(&pair.client, 4), data.substr(0, 4));
}

TEST_F(Sendfile, AfterTheEndItIsRefused) {
  Start();
  const TestFile file("x");
  Run([&] {
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
    EXPECT_EQ(SendFile(file, 0, 1), -EPIPE);
    h.Close(pair.conn);
    EXPECT_EQ(SendFile(file, 0, 1), -ENOTCONN);
  });
}

TEST_F(Sendfile, WithoutMemoryTheConnectionEndsAndNothingIsLeft) {
  Start();
  const TestFile file("x");
  for (size_t nth : {1, 2}) {
    if (nth > 1) pair = h.Connect(4096);
    const size_t before = OpenDescriptors();
    Run([&] {
      h.allocator().fail_at(nth, false);
      EXPECT_EQ(SendFile(file, 0, 1), -ENOMEM) << nth;
      h.allocator().fail_at(0, false);
    });
    h.Until([&] { return h.Of(pair).closed == 1; });
    EXPECT_EQ(h.Of(pair).reason, -ENOMEM);
    pair.client.Close();
    h.Settle();
    EXPECT_EQ(OpenDescriptors(), before - 2);
  }
}

TEST_F(Sendfile, PrewriteComesBeforeEachSend) {
  h.on.prewrite = [](evnet_conn *) {};
  Start();
  const TestFile file(Pattern(kMuch));
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    EXPECT_EQ(h.Of(pair).Count("prewrite"), 1);
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, kMuch).size(), kMuch);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Count("prewrite"), static_cast<int>(TheKernel().files.size()));
}

TEST_F(Sendfile, WhatPrewriteWritesFirstGoesInFrontOfTheFile) {
  bool done = false;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (!done) Write(conn, "<");
    done = true;
  };
  Start();
  const TestFile file("file");
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, 4), 4);
    Write(pair.conn, ">");
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 6), "<file>");
}

TEST_F(Sendfile, PrewriteMaySendAFileItself) {
  const TestFile inner("inner ");
  bool done = false;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (done) return;
    done = true;
    EXPECT_EQ(evnet_conn_sendfile(conn, inner.descriptor(), 0, 6), 6);
  };
  Start();
  const TestFile file("outer ");
  Run([&] {
    Write(pair.conn, "head ");
    EXPECT_EQ(SendFile(file, 0, 6), 6);
    Write(pair.conn, Pattern(9000));
  });
  EXPECT_EQ(h.ReadExactly(&pair.client, 9017), "head inner outer " + Pattern(9000));
}

TEST_F(Sendfile, PrewriteMayEndTheConnectionInFrontOfIt) {
  const TestFile file("x");
  for (const int how : {0, 1, 2}) {
    Harness g;
    bool done = false;
    g.on.prewrite = [&](evnet_conn *conn) {
      if (done) return;
      done = true;
      if (how == 0) g.Close(conn);
      if (how == 1) g.Abort(conn);
      if (how == 2) (void)evnet_conn_shutdown_write(conn);
    };
    g.Start();
    Harness::Pair p = g.Connect();
    const size_t before = OpenDescriptors();
    g.Post([&] {
      EXPECT_EQ(evnet_conn_sendfile(p.conn, file.descriptor(), 0, 1),
                how == 2 ? -EPIPE : -ENOTCONN);
      EXPECT_EQ(OpenDescriptors(), before);
    });
    g.Turn();
    EXPECT_EQ(g.ReadToEnd(&p.client), "");
  }
}

TEST_F(Sendfile, InAnothersPrewriteItIsAnnouncedThere) {
  const TestFile file("file");
  Harness::Pair other;
  h.on.prewrite = [&](evnet_conn *conn) {
    if (conn != pair.conn) return;
    EXPECT_EQ(evnet_conn_sendfile(other.conn, file.descriptor(), 0, 4), 4);
  };
  Start();
  other = h.Connect();
  Run([&] { Write(pair.conn, "x"); });
  EXPECT_EQ(h.ReadExactly(&other.client, 4), "file");
  EXPECT_EQ(h.Of(other).Count("prewrite"), 1);
}

}  // namespace
}  // namespace evnet_testing
