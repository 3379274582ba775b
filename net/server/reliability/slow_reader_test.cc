// Clients that never read. The memory for each is bounded, they cost no CPU time, and no byte is
// lost.
#include <time.h>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kClients = 16;
constexpr size_t kHigh = 200000;
constexpr size_t kTurn = 50000;
// The headers and the unused parts of the queue's blocks, and the connection's side.
constexpr size_t kOverhead = 80000;
// Over io_uring one wait may return all free buffers for one socket, because a multishot recv ends
// only when the socket is empty. Paused sockets keep at most half of the buffers; evnet copies the
// rest into memory as unread bytes. The worst case is all 256 buffers of 16 KiB.
constexpr size_t kUringBurst = 4 << 20;

class SlowReader : public testing::TestWithParam<int> {
 protected:
  SlowReader() {
    options_.reactors = GetParam();
    options_.outbound_high_water_bytes = kHigh;
    options_.read_turn_bytes_max = kTurn;
    // The kernel's buffers are small, so that evnet has to queue most bytes.
    options_.send_buffer_bytes = options_.receive_buffer_bytes = 100000;
    options_.write_timeout_ms = EVNET_OFF;
    options_.allocator = allocator_.get();
  }

  static int64_t CpuMs() {
    timespec time;
    EXPECT_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
  }

  FailingAllocator allocator_;
  evnet_options options_ = {};
};

TEST_P(SlowReader, ThatNeverReadsHoldsBoundedMemoryAndNoTimeAndLosesNothing) {
  Server server(Echo(), options_);
  const size_t idle_bytes = allocator_.live_bytes();
  const std::string data = Pattern(8 << 20);
  std::vector<Client> clients;
  std::vector<size_t> sent;
  for (size_t i = 0; i < kClients; i++) {
    clients.emplace_back(server.port());
    sent.push_back(clients.back().SendUntilBlocked(data, 100));
    EXPECT_LT(sent.back(), data.size()) << "the server must stop reading";
  }
  const size_t burst = TestBackend() == EVNET_BACKEND_IO_URING ? kUringBurst : 0;
  EXPECT_LE(allocator_.peak_bytes() - idle_bytes, kClients * (kHigh + kTurn + kOverhead + burst));

  Client quick(server.port());
  EXPECT_EQ(quick.Exchange("served"), "served");
  const int blocked_ms = LongOr(60000, 1000);
  const int64_t before_ms = CpuMs();
  Progress progress("slow_reader", static_cast<uint64_t>(blocked_ms) / 1000, "s");
  for (int waited_ms = 0; waited_ms < blocked_ms; waited_ms += 1000) {
    EXPECT_FALSE(quick.Readable(1000));
    progress.Add(1);
  }
  const int64_t cpu_ms = CpuMs() - before_ms;
  EXPECT_LT(cpu_ms, blocked_ms / 20) << "5 % of " << blocked_ms << " ms";
  printf("%zu KiB held by %zu clients; %d ms of CPU time in %d ms\n",
         (allocator_.live_bytes() - idle_bytes) >> 10, kClients, static_cast<int>(cpu_ms),
         blocked_ms);

  for (size_t i = 0; i < kClients; i++) {
    EXPECT_TRUE(clients[i].Receive(sent[i]) == data.substr(0, sent[i])) << "client " << i;
    EXPECT_EQ(clients[i].Exchange("goes on"), "goes on");
  }
  EXPECT_TRUE(WaitUntil([&] { return allocator_.live_bytes() == idle_bytes; }));
}

// Bytes that a peer sent before it could notice the pause are not an overflow, even if the bound on
// unread bytes is small, because a backend may have received them already.
TEST_P(SlowReader, ThatNeverReadsIsNotTakenForOneThatOverflows) {
  options_.inbound_bytes_max = 10000;
  Server server(Echo(), options_);
  const std::string data = Pattern(8 << 20);
  std::vector<Client> clients;
  std::vector<size_t> sent;
  for (size_t i = 0; i < kClients; i++) {
    clients.emplace_back(server.port());
    sent.push_back(clients.back().SendUntilBlocked(data, 50));
  }
  EXPECT_EQ(server.stats().connections_closed, 0u);
  for (size_t i = 0; i < kClients; i++) {
    EXPECT_TRUE(clients[i].Receive(sent[i]) == data.substr(0, sent[i])) << "client " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Reactors, SlowReader, testing::Values(1, 3));

}  // namespace
}  // namespace evnet_testing
