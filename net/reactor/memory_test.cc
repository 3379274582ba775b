// The memory that connections take, and the effects of running out of memory.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/poller/testing/backend.h"
#include "net/reactor/internal/conn.h"

#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

TEST(Memory, AnIdleConnectionIsOneOfThese) {
  EXPECT_EQ(sizeof(struct evnet_conn), 104u);
  // With the poller's slot of 24 bytes this makes the 128 bytes that the design permits.
  EXPECT_LE(sizeof(struct evnet_conn) + 24, 128u);
}

class MemoryTest : public ::testing::Test {
 protected:
  void StartEcho() {
    h.on.data = [&](evnet_conn *conn) {
      if (hold) return EVNET_NONE;
      const evnet_bytes bytes = evnet_conn_peek(conn);
      evnet_conn_write(conn, bytes.data, bytes.size);
      evnet_conn_discard(conn, bytes.size);
      return EVNET_NONE;
    };
    h.Start();
    pair = h.Connect(4096);
    idle_blocks = h.allocator().live_blocks();
    idle_bytes = h.allocator().live_bytes();
  }
  void ExpectIdle() {
    EXPECT_EQ(h.allocator().live_blocks(), idle_blocks);
    EXPECT_EQ(h.allocator().live_bytes(), idle_bytes);
    EXPECT_EQ(pair.conn->side, nullptr);
  }

  Harness h;
  Harness::Pair pair;
  bool hold = false;
  size_t idle_blocks = 0;
  size_t idle_bytes = 0;
};

TEST_F(MemoryTest, OpeningAConnectionAllocatesNothing) {
  h.Start();
  h.Settle();
  const size_t allocations = h.allocator().allocations();
  Harness::Pair a = h.Connect();
  EXPECT_EQ(h.allocator().allocations(), allocations);
}

TEST_F(MemoryTest, AnEchoThatTheKernelTakesAllocatesNothing) {
  StartEcho();
  const size_t allocations = h.allocator().allocations();
  for (int i = 0; i < 10; i++) {
    pair.client.Write("ping");
    EXPECT_EQ(h.ReadExactly(&pair.client, 4), "ping");
  }
  EXPECT_EQ(h.allocator().allocations(), allocations);
  ExpectIdle();
}

TEST_F(MemoryTest, AfterUnreadBytesWereTakenNothingIsKept) {
  StartEcho();
  hold = true;
  pair.client.Write(Pattern(5000));
  h.Settle();
  EXPECT_GT(h.allocator().live_blocks(), idle_blocks);
  hold = false;
  pair.client.Write("!");
  EXPECT_EQ(h.ReadExactly(&pair.client, 5001), Pattern(5000) + "!");
  h.Settle();
  ExpectIdle();
}

TEST_F(MemoryTest, AfterUnreadBytesWereTakenOutsideOnDataNothingIsKept) {
  StartEcho();
  hold = true;
  pair.client.Write(Pattern(5000));
  h.Settle();
  EXPECT_GT(h.allocator().live_blocks(), idle_blocks);
  h.Post([&] { EXPECT_EQ(evnet_conn_discard(pair.conn, SIZE_MAX), 5000u); });
  h.Settle();
  ExpectIdle();
}

TEST_F(MemoryTest, AfterQueuedOutputWasSentNothingIsKept) {
  StartEcho();
  h.Post([&] { Write(pair.conn, Pattern(8 << 20)); });
  h.Turns(2);
  EXPECT_GT(h.allocator().live_bytes(), idle_bytes + (1 << 20));
  EXPECT_EQ(h.ReadExactly(&pair.client, 8 << 20), Pattern(8 << 20));
  h.Settle();
  ExpectIdle();
}

TEST_F(MemoryTest, AfterAShutdownOfWritingNothingIsKept) {
  StartEcho();
  hold = true;
  pair.client.Write("abc");
  h.Settle();
  h.Post([&] { EXPECT_EQ(evnet_conn_shutdown_write(pair.conn), 0); });
  h.Settle();
  h.on.data = [](evnet_conn *conn) {
    TakeAll(conn);
    return EVNET_NONE;
  };
  pair.client.Write("d");
  h.Settle();
  ExpectIdle();
}

TEST_F(MemoryTest, AClosedConnectionGivesAllBack) {
  StartEcho();
  hold = true;
  pair.client.Write("unread");
  h.Post([&] { Write(pair.conn, Pattern(8 << 20)); });
  h.Settle();
  h.Post([&] { h.Abort(pair.conn); });
  h.Until([&] { return h.Of(pair).closed == 1; });
  h.Settle();
  EXPECT_EQ(h.allocator().live_blocks(), idle_blocks);
}

// The outcome of a script in which everything allocates: unread bytes that grow and wrap, queued output,
// posts, and a lifetime.
struct Outcome {
  bool created = false;
  bool echoed = false;
  size_t allocations = 0;
  size_t failures = 0;
};

Outcome RunScript(size_t fail_at, bool forever, bool lifetime) {
  Outcome outcome;
  Harness h;
  bool take = false;
  h.on.data = [&](evnet_conn *conn) {
    Record &record = h.Of(conn);
    const evnet_bytes bytes = evnet_conn_peek(conn);
    if (!take) return EVNET_NONE;
    record.received.append(reinterpret_cast<const char *>(bytes.data), bytes.size);
    evnet_conn_write(conn, bytes.data, bytes.size);
    evnet_conn_discard(conn, bytes.size);
    return EVNET_NONE;
  };
  if (lifetime) h.options.lifetime_ms = 1000000;
  h.listen_options.send_buffer_bytes = 4608;
  h.allocator().fail_at(fail_at, forever);
  const int status = h.TryStart();
  if (status < 0) {
    EXPECT_EQ(status, -ENOMEM);
    EXPECT_EQ(h.allocator().live_blocks(), 0u);
    outcome.failures = h.allocator().failures();
    return outcome;
  }
  outcome.created = true;
  Client client = h.ConnectOnly(4096);
  const std::string data = Pattern(60000);
  std::string got;
  size_t written = 0;
  for (int i = 0; i < 400 && client.end() == End::kOpen; i++) {
    if (i == 20) take = true;
    written += client.TryWrite(data.substr(written, 2000));
    (void)evnet_reactor_post(
        h.reactor(), [](void *) {}, nullptr);
    h.Turn();
    if (i > 40) got += client.Read();
    if (got.size() == data.size()) break;
  }
  EXPECT_EQ(data.compare(0, got.size(), got), 0);
  outcome.echoed = got.size() == data.size();
  for (auto &each : h.records()) {
    if (each.second.closed == 1) {
      EXPECT_EQ(each.second.reason, -ENOMEM);
    }
  }
  // The connection was unaffected, closed because of the failure, or never opened.
  EXPECT_TRUE(outcome.echoed || h.records().empty() || h.records().begin()->second.closed == 1);
  outcome.allocations = h.allocator().allocations();
  outcome.failures = h.allocator().failures();
  h.allocator().fail_at(0, false);
  h.Destroy();  // checks for leaks
  return outcome;
}

TEST(MemoryFaults, TheNthAllocationFailsOnceAndForEver) {
  for (bool lifetime : {false, true}) {
    const Outcome all = RunScript(0, false, lifetime);
    ASSERT_TRUE(all.echoed);
    ASSERT_GT(all.allocations, 20u);
    for (bool forever : {false, true}) {
      // A run with a failure may allocate more often than the run without one. Twice the good run's
      // number is far beyond its end.
      for (size_t n = 1; n <= all.allocations; n++) {
        SCOPED_TRACE("allocation " + std::to_string(n) + (forever ? " and all later" : ""));
        const Outcome outcome = RunScript(n, forever, lifetime);
        ASSERT_GE(outcome.failures, 1u);
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(MemoryFaults, AConnectionThatCannotBeMadeHasNoCallbackAndIsReset) {
  Harness h;
  h.options.lifetime_ms = 1000;
  h.owner.context = &h;
  static int status;
  status = 1;
  h.owner.accepted = [](void *context, int descriptor, const evnet_address *peer,
                        evnet_origin origin) {
    Harness *self = static_cast<Harness *>(context);
    self->allocator().fail_at(1, false);
    status = evnet_reactor_open(self->reactor(), descriptor, peer, origin);
    self->allocator().fail_at(0, false);
  };
  h.Start();
  Client client = h.ConnectOnly();
  h.Until([&] {
    client.Read();
    return client.end() == End::kReset;
  });
  EXPECT_EQ(status, -ENOMEM);
  EXPECT_TRUE(h.records().empty());
  EXPECT_EQ(h.Stats().connections_open, 0u);
  evnet_reactor_stop(h.reactor(), 0);
  h.Until([&] { return h.Turn() == 0; });
}

// Returns the address space in use, in bytes.
size_t AddressSpace() {
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  EXPECT_NE(file, nullptr);
  EXPECT_EQ(fscanf(file, "%zu", &pages), 1);
  fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(MemoryFaults, AReactorThatCannotBeCreatedLeavesNoAddressSpaceReserved) {
  FailingAllocator allocator;
  const evnet_handler handler = {};
  evnet_reactor_options options = {};
  options.allocator = allocator.get();
  options.backend = TestBackend();
  options.connections_max = 1 << 20;  // about 100 MiB for the table
  size_t before = 0;
  int refused = 0;
  for (size_t n = 1; n < 100; n++) {
    evnet_reactor *reactor = nullptr;
    allocator.fail_at(n, false);
    const int status = evnet_reactor_create(&handler, nullptr, &options, &reactor);
    if (status == 0) {
      evnet_reactor_destroy(reactor);
      break;
    }
    EXPECT_EQ(status, -ENOMEM);
    if (before == 0) before = AddressSpace();
    refused++;
  }
  EXPECT_GT(refused, 1);
  EXPECT_EQ(allocator.live_blocks(), 0u);
  EXPECT_LT(AddressSpace(), before + (64u << 20));
}

}  // namespace
}  // namespace evnet_testing
