// evnet_conn_sendfile and the end of a connection: which ends wait for a file, and how a connection
// ends whose file cannot be sent in full.
#include <errno.h>
#include <signal.h>

#include <algorithm>

#include "net/reactor/testing/sendfile.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 3 << 20;

class SendfileEnds : public Sendfile {
 protected:
  void ExpectReset(int reason) {
    h.Until([&] { return h.Of(pair).closed == 1; });
    EXPECT_STREQ(evnet_status_name(h.Of(pair).reason), evnet_status_name(reason));
    (void)h.ReadToEnd(&pair.client);
    EXPECT_EQ(pair.client.end(), End::kReset) << "a FIN would make the file look complete";
  }
};

TEST_F(SendfileEnds, CloseDeliversIt) {
  Start();
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    h.Close(pair.conn);
  });
  EXPECT_TRUE(h.ReadToEnd(&pair.client) == data);
  EXPECT_EQ(pair.client.end(), End::kEnd);
  pair.client.Close();
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_LOCAL);
}

TEST_F(SendfileEnds, OurEndComesBehindIt) {
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  Start();
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0);
  });
  EXPECT_TRUE(h.ReadToEnd(&pair.client) == data);
  EXPECT_EQ(pair.client.end(), End::kEnd);
  EXPECT_EQ(h.Of(pair).closed, 0);
  pair.client.Write("still heard");
  h.Until([&] { return h.Of(pair).received == "still heard"; });
}

TEST_F(SendfileEnds, TheEndOfThePeerWaitsForIt) {
  Start();  // on_half_close is NULL: deliver output, then close
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Run([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
  pair.client.Shutdown();
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  EXPECT_TRUE(h.ReadToEnd(&pair.client) == data);
  h.Until([&] { return h.Of(pair).closed == 1; });
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_PEER);
}

TEST_F(SendfileEnds, AStopWaitsForIt) {
  h.on.stopping = [](evnet_conn *) {};
  Start();
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Run([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
  WaitUntilBlocked();
  evnet_reactor_stop(h.reactor(), 60000);
  h.Settle();
  EXPECT_EQ(h.Of(pair).Story(), "open stopping");
  Run([&] { EXPECT_EQ(Write(pair.conn, "one more"), 8) << "the connection must still be open"; });
  EXPECT_TRUE(h.ReadToEnd(&pair.client) == data + "one more");
  pair.client.Close();
  while (h.Turn(1) > 0) {
  }
  EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_SHUTDOWN);
}

TEST_F(SendfileEnds, TheWriteTimeoutCountsFromTheLastByteTaken) {
  TheKernel().StopClock();
  h.options.write_timeout_ms = 1000;
  Start();
  const TestFile file(Pattern(kMuch));
  Run([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
  WaitUntilBlocked();
  TheKernel().Advance(900);
  h.Settle();
  const uint64_t sent = h.Stats().bytes_sent;
  h.Until([&] {
    (void)pair.client.Read();
    return h.Stats().bytes_sent > sent;
  });
  WaitUntilBlocked();
  TheKernel().Advance(900);
  h.Settle();
  EXPECT_EQ(h.Of(pair).closed, 0);
  TheKernel().Advance(200);
  ExpectReset(EVNET_REASON_WRITE_TIMEOUT);
}

TEST_F(SendfileEnds, TheWriteTimeoutBoundsAClose) {
  TheKernel().StopClock();
  h.options.write_timeout_ms = 1000;
  Start();
  const TestFile file(Pattern(kMuch));
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    h.Close(pair.conn);
  });
  WaitUntilBlocked();
  TheKernel().Advance(1100);
  ExpectReset(EVNET_REASON_WRITE_TIMEOUT);
}

TEST_F(SendfileEnds, AFileTooShortFromTheStartEndsTheConnection) {
  Start();
  const TestFile file("short");
  Run([&] {
    EXPECT_EQ(SendFile(file, 0, 100), 100);
    Write(pair.conn, "must not be taken for the file's bytes");
  });
  h.Until([&] { return h.Of(pair).closed == 1; });
  ExpectReset(EVNET_REASON_FILE_SHORT);
}

TEST_F(SendfileEnds, AFileCutShortWhileItIsSentEndsTheConnection) {
  for (const bool closing : {false, true}) {
    if (!closing) Start();
    if (closing) pair = h.Connect(4096);
    const std::string data = Pattern(kMuch);
    const TestFile file(data);
    Run([&] {
      EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
      Write(pair.conn, "beyond");
      if (closing) h.Close(pair.conn);
    });
    WaitUntilBlocked();
    file.Truncate(4096);
    std::string got;
    h.Until([&] {
      got += pair.client.Read();
      return h.Of(pair).closed == 1;
    });
    EXPECT_EQ(h.Of(pair).reason, EVNET_REASON_FILE_SHORT);
    got += h.ReadToEnd(&pair.client);
    EXPECT_EQ(pair.client.end(), End::kReset);
    EXPECT_LT(got.size(), data.size());
    // The socket holds the pages of the file, not a copy. Pages that are cut off may have become
    // zeroes.
    size_t other = 0;
    for (size_t i = 0; i < std::min(got.size(), data.size()); i++)
      other += got[i] != data[i] && !(got[i] == 0 && i >= 4096);
    EXPECT_EQ(other, 0u);
  }
}

TEST_F(SendfileEnds, AFileThatCannotBeReadEndsTheConnection) {
  Start();
  TheKernel().on_sendfile = [](int, size_t) -> ssize_t { return -EIO; };
  const TestFile file("x");
  Run([&] { EXPECT_EQ(SendFile(file, 0, 1), 1); });
  h.Until([&] { return h.Of(pair).closed == 1; });
  ExpectReset(-EIO);
}

TEST_F(SendfileEnds, AnAbortDropsItAndClosesTheDescriptor) {
  Start();
  const TestFile file(Pattern(kMuch));
  const size_t before = OpenDescriptors();
  Run([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
  WaitUntilBlocked();
  Run([&] { h.Abort(pair.conn); });
  ExpectReset(EVNET_REASON_ABORTED);
  h.Settle();
  EXPECT_EQ(OpenDescriptors(), before - 1) << "only the connection's descriptor may be gone";
}

TEST_F(SendfileEnds, AReactorThatIsDestroyedClosesTheDescriptors) {
  const size_t before = OpenDescriptors();
  {
    const TestFile file(Pattern(kMuch));
    Start();
    Run([&] {
      for (int i = 0; i < 10; i++) EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch});
    });
    WaitUntilBlocked();
    h.Destroy();
    pair.client.Close();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// The loop runs on the caller's thread, where SIGPIPE has its default action and would end the
// process.
TEST_F(SendfileEnds, APeersResetInTheMiddleIsAnErrorAndNoSignal) {
  struct sigaction before;
  struct sigaction deadly = {};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &before), 0);
  sigset_t mask_before;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask_before), 0);
  h.on.half_close = [](evnet_conn *) { return EVNET_NONE; };
  Start();
  const TestFile file(Pattern(kMuch));
  for (int i = 0; i < 4; i++) {
    if (i > 0) pair = h.Connect(4096);
    Run([&] { EXPECT_EQ(SendFile(file, 0, kMuch), ssize_t{kMuch}); });
    if (i % 2 == 1) WaitUntilBlocked();
    if (i >= 2) {  // a reset after the peer's FIN makes a send fail with EPIPE and SIGPIPE
      pair.client.Shutdown();
      h.Until([&] { return h.Of(pair).Count("half_close") == 1; });
    }
    pair.client.Reset();
    h.Until([&] { return h.Of(pair).closed == 1; });
    const int reason = h.Of(pair).reason;
    EXPECT_TRUE(reason == -ECONNRESET || reason == -EPIPE) << evnet_status_name(reason);
  }
  sigset_t now;
  ASSERT_EQ(sigpending(&now), 0);
  EXPECT_EQ(sigismember(&now, SIGPIPE), 0);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
  for (int number = 1; number < SIGRTMAX; number++)
    EXPECT_EQ(sigismember(&now, number), sigismember(&mask_before, number)) << number;
  EXPECT_EQ(sigaction(SIGPIPE, &before, nullptr), 0);
}

}  // namespace
}  // namespace evnet_testing
