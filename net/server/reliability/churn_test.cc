// Connections that open and close in every way. Afterwards all their resources are free again.
#include <atomic>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/base/testing/sanitizers.h"
#include "net/server/server.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr int kThreads = 4;

// Opens one connection, uses it, and closes it in the way that `kind` selects.
void Cycle(uint16_t port, uint32_t kind) {
  ClientOptions options;
  if (kind % 6 == 4) options.receive_buffer_bytes = 4096;
  Client client(port, options);
  switch (kind % 6) {
    case 0:  // says nothing
      break;
    case 1:
      EXPECT_EQ(client.Exchange("ping"), "ping");
      break;
    case 2:
      EXPECT_EQ(client.Exchange("ping"), "ping");
      client.Reset();
      break;
    case 3:
      client.SendAll("ping");
      client.ShutdownWrite();
      EXPECT_EQ(client.ReceiveToEnd(), "ping");
      break;
    case 4:  // much of the reply is queued
      client.SendAll(Pattern(200000));
      EXPECT_TRUE(client.Readable(10000));
      client.Reset();
      break;
    default:  // the server closes
      client.SendAll("q");
      EXPECT_EQ(client.ReceiveToEnd(), "q");
  }
}

class Churn : public testing::TestWithParam<int> {
 protected:
  // Runs `cycles` cycles on several threads, and waits until the server has no open connection.
  void Run(const Server &server, int cycles) {
    Progress progress("churn", static_cast<uint64_t>(cycles), "cycles");
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; thread++) {
      threads.emplace_back([&server, &progress, thread, cycles] {
        std::mt19937 random(static_cast<uint32_t>(thread));
        for (int i = 0; i < cycles / kThreads; i++) {
          Cycle(server.port(), static_cast<uint32_t>(random()));
          progress.Add(1);
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT_TRUE(WaitUntil([&] { return server.stats().connections_open == 0; }));
  }

  static Callbacks EchoOrClose() {
    Callbacks callbacks;
    callbacks.on_data = [](evnet_conn *conn) {
      const bool closes = *evnet_conn_peek(conn).data == 'q';
      EchoData(conn);
      return closes ? EVNET_CLOSE : EVNET_NONE;
    };
    return callbacks;
  }
};

TEST_P(Churn, LeavesDescriptorsAndMemoryAsTheyWere) {
  const int cycles = LongOr(20000, 1000);
  const size_t before = OpenDescriptors();
  FailingAllocator allocator;
  evnet_options options = {};
  options.reactors = GetParam();
  options.send_buffer_bytes = 20000;
  options.allocator = allocator.get();
  Server server(EchoOrClose(), options);
  const size_t descriptors = OpenDescriptors();
  const size_t blocks = allocator.live_blocks();
  const size_t bytes = allocator.live_bytes();
  // From now on each thread's arena contains the memory that evnet keeps for reuse.
  Run(server, cycles < 4000 ? 2000 : cycles / 2);
  const size_t resident = ResidentBytes();
  Run(server, cycles);
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() == descriptors; }));
  EXPECT_TRUE(WaitUntil([&] { return allocator.live_bytes() == bytes; }));
  EXPECT_EQ(allocator.live_blocks(), blocks);
  printf("%d cycles: the process grew by %zd KiB\n", cycles,
         (static_cast<ssize_t>(ResidentBytes()) - static_cast<ssize_t>(resident)) / 1024);
  // malloc has an arena for each thread, so the bound allows some growth. Sanitizers keep freed
  // memory.
  if (!kIsSanitized) {
    EXPECT_LT(ResidentBytes(), resident + (4 << 20));
  }
  EXPECT_EQ(server.stats().connections_accepted, server.stats().connections_closed);
  EXPECT_EQ(server.Stop(0), 0);
  server.Destroy();
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(allocator.live_blocks(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Reactors, Churn, testing::Values(1, 3));

}  // namespace
}  // namespace evnet_testing
