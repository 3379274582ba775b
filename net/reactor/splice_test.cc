// evnet_conn_splice: bytes of one connection reach another one in order, however they are moved, and
// as if they had been read and written. The linker (--wrap) replaces splice(2).
#include "net/reactor/splice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "net/reactor/testing/harness.h"

namespace {
// 0, or the error with which splice(2) fails next time, or always.
int splice_error = 0;
bool splice_fails_always = false;
int splice_calls = 0;
}  // namespace

extern "C" {
ssize_t __real_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
                      unsigned flags);
ssize_t __wrap_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
                      unsigned flags);
ssize_t __wrap_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
                      unsigned flags) {
  splice_calls++;
  if (splice_error == 0) return __real_splice(in, in_offset, out, out_offset, size, flags);
  errno = splice_error;
  if (!splice_fails_always) splice_error = 0;
  return -1;
}
}

namespace evnet_testing {
namespace {

constexpr size_t kLarge = 64 << 10;

bool MaySplice() { return TestBackend() != EVNET_BACKEND_IO_URING; }

class Splice : public ::testing::Test {
 protected:
  Splice() {
    splice_error = 0;
    splice_fails_always = false;
    splice_calls = 0;
    h.on.data = [this](evnet_conn *conn) {
      if (conn != from.conn) return EVNET_NONE;
      if (evnet_conn_inbound_bytes(conn) == 0) calls_without_bytes++;
      const ssize_t moved = evnet_conn_splice(from.conn, to.conn);
      if (moved >= 0) {
        total += static_cast<size_t>(moved);
        EXPECT_EQ(evnet_conn_inbound_bytes(conn), 0U);
      } else {
        EXPECT_TRUE(may_fail) << moved;
      }
      return EVNET_NONE;
    };
    h.options.outbound_high_action = EVNET_HIGH_NOTIFY;
    h.on.pressure = [this](evnet_conn *conn) {
      if (conn == to.conn) evnet_conn_pause_reading(from.conn);
      return EVNET_NONE;
    };
    h.on.drain = [this](evnet_conn *conn) {
      if (conn == to.conn) evnet_conn_resume_reading(from.conn);
      return EVNET_NONE;
    };
    h.on.half_close = [this](evnet_conn *conn) {
      if (conn == from.conn) evnet_conn_shutdown_write(to.conn);
      return EVNET_NONE;
    };
  }

  void Start(int to_receive_buffer_bytes = 0) {
    h.Start();
    from = h.Connect();
    to = h.Connect(to_receive_buffer_bytes);
  }
  // Sends from one client and receives at the other.
  void Pass(const std::string &data, Place place = Place::Here()) {
    const ::testing::ScopedTrace trace(place.file, place.line, "called here");
    size_t sent = 0;
    std::string got;
    EXPECT_TRUE(h.Until([&] {
      sent += from.client.TryWrite(data.substr(sent, 1 << 20));
      got += to.client.Read();
      return got.size() >= data.size();
    }));
    EXPECT_TRUE(got == data);
  }
  // Passes large amounts until bytes are moved in the kernel.
  void Warm() {
    Pass(Pattern(kLarge));
    Pass(Pattern(4 * kLarge, 2));
    EXPECT_EQ(splice_calls > 0, MaySplice());
  }
  void Run(const std::function<void()> &function) {
    h.Post(function);
    h.Turn();
  }
  static size_t OpenDescriptors() {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != nullptr && readdir(directory) != nullptr) count++;
    if (directory != nullptr) (void)closedir(directory);
    return count;
  }

  Harness h;
  Harness::Pair from, to;
  size_t total = 0;
  int calls_without_bytes = 0;
  bool may_fail = false;
};

TEST_F(Splice, BytesOfAllSizesArriveInOrderAndAreCounted) {
  Start();
  size_t size = 0;
  uint32_t seed = 1;
  for (const size_t each : {1UL, 100UL, 64UL << 10, 1UL, 200UL << 10, 3UL << 20, 20UL << 10, 7UL}) {
    Pass(Pattern(each, seed++));
    size += each;
    EXPECT_EQ(total, size);
    EXPECT_EQ(h.Stats().bytes_received, size);
    EXPECT_EQ(h.Stats().bytes_sent, size);
  }
  EXPECT_EQ(h.Of(from).closed + h.Of(to).closed, 0);
}

TEST_F(Splice, LargeAmountsAreMovedInTheKernelAndSmallOnesAreNot) {
  if (!MaySplice()) GTEST_SKIP() << "io_uring receives by itself";
  Start();
  for (int i = 0; i < 5; i++) Pass("small");
  EXPECT_EQ(splice_calls, 0);
  Warm();
  EXPECT_GT(calls_without_bytes, 0);
  for (int i = 0; i < 10; i++) Pass("small");
  const int calls = splice_calls;
  Pass("small");
  EXPECT_EQ(splice_calls, calls) << "small amounts are received again";
}

TEST_F(Splice, BytesOfAHandlerThatDoesNotSpliceAnyMoreAreReceived) {
  Start();
  Warm();
  h.on.data = [this](evnet_conn *conn) {
    h.Of(conn).received += TakeAll(conn);
    return EVNET_NONE;
  };
  const std::string data = Pattern(kLarge, 3);
  size_t sent = 0;
  h.Until([&] {
    sent += from.client.TryWrite(data.substr(sent));
    return h.Of(from).received.size() == data.size();
  });
  EXPECT_TRUE(h.Of(from).received == data);
}

TEST_F(Splice, AReaderThatIsSlowHoldsTheSenderBack) {
  h.options.outbound_high_water_bytes = 128 << 10;
  h.options.read_turn_bytes_max = 64 << 10;
  h.listen_options.send_buffer_bytes = 64 << 10;
  Start(8192);
  Warm();
  const std::string data = Pattern(16 << 20, 3);
  size_t sent = 0;
  for (int quiet = 0; quiet < 50 && sent < data.size(); h.Turn()) {
    const size_t now = from.client.TryWrite(data.substr(sent, 1 << 20));
    sent += now;
    quiet = now > 0 ? 0 : quiet + 1;
    // The mark, and the amount of a turn, once received and once moved in the kernel.
    EXPECT_LE(evnet_conn_outbound_bytes(to.conn), (128U + 2 * 64) << 10);
  }
  EXPECT_LT(sent, data.size());
  EXPECT_EQ(h.Of(to).Count("pressure"), 1);
  const std::string got = h.ReadExactly(&to.client, sent);
  EXPECT_TRUE(got == data.substr(0, sent));
  Pass("more");
}

TEST_F(Splice, ATurnMovesABoundedAmount) {
  h.options.read_turn_bytes_max = 64 << 10;
  Start();
  Warm();
  const std::string data = Pattern(1 << 20, 3);
  size_t sent = 0, got = 0;
  while (got < data.size()) {
    sent += from.client.TryWrite(data.substr(sent));
    const size_t before = total;
    h.Turn();
    EXPECT_LE(total - before, size_t{2 * 64 << 10});
    got += to.client.Read().size();
  }
}

TEST_F(Splice, TheEndComesAfterTheBytes) {
  Start();
  Warm();
  const std::string data = Pattern(kLarge, 3);
  from.client.Write(data);
  from.client.Shutdown();
  EXPECT_TRUE(h.ReadToEnd(&to.client) == data);
  EXPECT_EQ(to.client.end(), End::kEnd);
  EXPECT_EQ(h.Of(from).Count("half_close"), 1);
  EXPECT_EQ(h.Of(from).closed, 0);
}

TEST_F(Splice, AResetOfTheSenderIsReported) {
  Start();
  Warm();
  from.client.Write(Pattern(kLarge, 3));
  from.client.Reset();
  h.Until([&] { return h.Of(from).closed == 1; });
  EXPECT_EQ(h.Of(from).reason, -ECONNRESET);
  EXPECT_EQ(h.Of(to).closed, 0);
  // Likewise, if the bytes are moved before the reset comes.
  from = h.Connect();
  to = h.Connect();
  Warm();
  from.client.Reset();
  Run([&] { (void)evnet_conn_splice(from.conn, to.conn); });
  h.Until([&] { return h.Of(from).closed == 1; });
  EXPECT_EQ(h.Of(from).reason, -ECONNRESET);
}

TEST_F(Splice, AReceiverThatIsResetClosesWithoutASignal) {
  Start();
  Warm();
  may_fail = true;
  const size_t descriptors = OpenDescriptors();
  from.client.Write(Pattern(kLarge, 3));
  to.client.Reset();
  Run([&] { (void)evnet_conn_splice(from.conn, to.conn); });
  h.Until([&] { return h.Of(to).closed == 1; });
  EXPECT_TRUE(h.Of(to).reason == -ECONNRESET || h.Of(to).reason == -EPIPE) << h.Of(to).reason;
  EXPECT_EQ(h.Of(from).closed, 0);
  // The pipe has kept nothing.
  h.Until([&] { return OpenDescriptors() < descriptors; });
  from = h.Connect();
  to = h.Connect();
  Warm();
}

TEST_F(Splice, BytesThatTheReceiverDoesNotTakeComeFirstLater) {
  h.options.outbound_high_water_bytes = 4 << 20;
  h.options.outbound_bytes_max = 8 << 20;
  h.listen_options.send_buffer_bytes = 4608;
  Start(4096);
  std::string data;
  // Nothing is read for a while, and the bytes alternate between both ways of moving.
  for (int i = 0; i < 8; i++) {
    const std::string part = Pattern(i % 2 == 0 ? kLarge : 5, 10U + static_cast<uint32_t>(i));
    from.client.Write(part);
    data += part;
    h.Settle();
  }
  EXPECT_TRUE(h.ReadExactly(&to.client, data.size()) == data);
}

TEST_F(Splice, ARefusedCallIsReplacedByReceivingAndSending) {
  for (const int refused : {EPERM, ENOSYS, EINVAL}) {
    Harness fresh;
    splice_error = refused;
    splice_fails_always = true;
    if (from.conn == nullptr) Start();
    Pass(Pattern(kLarge));
    Pass(Pattern(1 << 20, 2));
    EXPECT_EQ(h.Of(from).closed + h.Of(to).closed, 0);
  }
  splice_error = 0;
  Warm();
}

TEST_F(Splice, AnInterruptedCallIsRepeated) {
  Start();
  Warm();
  for (int i = 0; i < 4; i++) {
    splice_error = EINTR;
    Pass(Pattern(kLarge, 7));
  }
}

TEST_F(Splice, OnPrewriteIsStillCalledBeforeAllOutput) {
  int calls = 0;
  h.on.prewrite = [&](evnet_conn *conn) { calls += conn == to.conn ? 1 : 0; };
  Start();
  Pass(Pattern(kLarge));
  Pass(Pattern(4 * kLarge, 2));
  EXPECT_GT(calls, 1);
  EXPECT_EQ(splice_calls, 0);
}

TEST_F(Splice, ARateLimitsBothConnections) {
  TheKernel().StopClock();
  for (const bool limits_sender : {true, false}) {
    if (from.conn == nullptr) Start();
    Warm();
    const int calls = splice_calls;
    const size_t before = total;
    evnet_rate rate = {};
    rate.receive_bytes_per_s = rate.send_bytes_per_s = 8000;
    evnet_conn *conn = limits_sender ? from.conn : to.conn;
    Run([&] { EXPECT_EQ(evnet_conn_set_rate(conn, &rate), 0); });
    from.client.Write(Pattern(kLarge, 3));
    h.Settle();
    EXPECT_EQ(splice_calls, calls);
    const std::string got = to.client.Read();
    EXPECT_LT(got.size(), kLarge);
    Run([&] { EXPECT_EQ(evnet_conn_set_rate(conn, nullptr), 0); });
    EXPECT_TRUE(got + h.ReadExactly(&to.client, kLarge - got.size()) == Pattern(kLarge, 3));
    EXPECT_EQ(total - before, kLarge);
  }
}

TEST_F(Splice, NothingIsMovedWhileReadingIsPaused) {
  Start();
  Warm();
  Run([&] { evnet_conn_pause_reading(from.conn); });
  const size_t before = total;
  const std::string data = Pattern(kLarge, 3);
  from.client.Write(data);
  h.Settle();
  const int calls = splice_calls;
  Run([&] {
    // io_uring may have received some before the pause.
    total += static_cast<size_t>(evnet_conn_splice(from.conn, to.conn));
  });
  EXPECT_EQ(splice_calls, calls);
  Run([&] { evnet_conn_resume_reading(from.conn); });
  EXPECT_TRUE(h.ReadExactly(&to.client, data.size()) == data);
  EXPECT_EQ(total - before, kLarge);
}

TEST_F(Splice, TheEndsOfTheReceiverAreErrors) {
  Start();
  Warm();
  Run([&] { EXPECT_EQ(evnet_conn_shutdown_write(to.conn), 0); });
  const std::string data = Pattern(kLarge, 3);
  h.on.data = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_splice(from.conn, to.conn),
              evnet_conn_inbound_bytes(conn) == 0 ? 0 : -EPIPE);
    h.Of(conn).received += TakeAll(conn);
    return EVNET_NONE;
  };
  from.client.Write(data);
  h.Until([&] { return h.Of(from).received.size() == data.size(); });
  EXPECT_TRUE(h.Of(from).received == data) << "no byte was moved";
}

TEST_F(Splice, DatagramsAreNotMoved) {
  Start();
  const struct evnet_conn_id id = h.Dial("udp://127.0.0.1:9");
  h.Until([&] { return h.Of(id).opened == 1; });
  Run([&] {
    evnet_conn *datagrams = evnet_conn_find(h.reactor(), id);
    EXPECT_EQ(evnet_conn_splice(datagrams, to.conn), -EOPNOTSUPP);
    EXPECT_EQ(evnet_conn_splice(from.conn, datagrams), -EOPNOTSUPP);
  });
}

TEST_F(Splice, NoDescriptorIsLeft) {
  const size_t before = OpenDescriptors();
  Start();
  Warm();
  from.client.Close();
  to.client.Close();
  h.Destroy();
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace evnet_testing
