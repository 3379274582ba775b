// The simulated kernel's sends of lent bytes, which are in flight until a wait reports them.
#include <errno.h>
#include <string.h>

#include <string>

#include "net/poller/testing/sim_fixture.h"

namespace evnet_testing {
namespace {

constexpr int64_t kLongNs = 1000 * static_cast<int64_t>(kMs);

class SimFlights : public Sim {
 protected:
  SimFlights() { options.faults.flights = 1000; }

  // Sends bytes of the scratch block.
  int64_t SendScratch(const Pair &pair, const std::string &data) {
    uint8_t *scratch = evnet_poller_scratch(poller);
    memcpy(scratch, data.data(), data.size());
    return SendLent(pair, scratch, data.size());
  }

  int64_t SendLent(const Pair &pair, const uint8_t *data, size_t size) {
    iovec piece = {};
    piece.iov_base = const_cast<uint8_t *>(data);
    piece.iov_len = size;
    return evnet_poller_send(poller, pair.handle, &piece, 1);
  }
};

TEST_F(SimFlights, OnlyASinglePieceOfLentMemoryFlies) {
  Start();
  Pair pair = Connect();
  EXPECT_EQ(Send(pair, "own"), 3);
  EXPECT_EQ(SendScratch(pair, "lent"), -EINPROGRESS);
  EXPECT_EQ(evnet_poller_sending_bytes(poller, pair.handle), 4u);
  loop->Turn(0);
  EXPECT_EQ(Story(pair), "SEND=4");
  EXPECT_EQ(evnet_poller_sending_bytes(poller, pair.handle), 0u);
  Settle();
  EXPECT_EQ(Read(pair), "ownlent EAGAIN");
}

TEST_F(SimFlights, LeasedBytesFlyAndStayAsTheyAre) {
  Start();
  Pair pair = Connect();
  evnet_poller_recv_start(poller, pair.handle);
  ASSERT_EQ(Write(pair, "echo"), 4);
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  ASSERT_EQ(evnet_poller_wait(poller, 0), 0);
  evnet_completion completion;
  ASSERT_TRUE(evnet_poller_next(poller, &completion));
  ASSERT_EQ(completion.result, 4);
  EXPECT_EQ(SendLent(pair, completion.data + 1, 3), -EINPROGRESS);
  EXPECT_FALSE(evnet_poller_next(poller, &completion));
  Settle();
  EXPECT_EQ(Story(pair), "SEND=3");
  EXPECT_EQ(Read(pair), "cho EAGAIN");
}

TEST_F(SimFlights, AWaitTellsOfASuccessOnlyWhenItEndsAllTheSame) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
  loop->Turn(kLongNs);
  EXPECT_EQ(Story(pair), "");
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  EXPECT_EQ(Read(pair), "a EAGAIN");
  EXPECT_FALSE(evnet_sim_is_runnable(sim, 0));
  loop->Turn(kLongNs);
  EXPECT_EQ(Story(pair), "") << "a turn without an event does not end the wait";
  evnet_poller_wake(poller);
  loop->Turn(kLongNs);
  EXPECT_EQ(Story(pair), "SEND=1");
}

TEST_F(SimFlights, AWaitWhoseTimeHasPassedTellsOfThem) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
  loop->Turn(kLongNs);
  evnet_sim_advance(sim, evnet_sim_next_ns(sim));
  while (!evnet_sim_is_runnable(sim, 0)) evnet_sim_advance(sim, evnet_sim_next_ns(sim));
  loop->Turn(kLongNs);
  EXPECT_EQ(Story(pair), "SEND=1");
}

TEST_F(SimFlights, AnythingElseTellsOfThemToo) {
  Start();
  Pair pair = Connect();
  evnet_poller_recv_start(poller, pair.handle);
  ASSERT_EQ(Write(pair, "x"), 1);
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
  loop->Turn(kLongNs);
  EXPECT_EQ(Story(pair), "SEND=1 RECV:x");
}

TEST_F(SimFlights, WhatWasNotTakenComesBackAtOnce) {
  options.buffer_bytes_min = options.buffer_bytes_max = 4;
  Start();
  Pair pair = Connect();
  ASSERT_EQ(SendScratch(pair, "abcdef"), -EINPROGRESS);
  ASSERT_EQ(evnet_poller_wait(poller, kLongNs), 0);
  evnet_completion completion;
  ASSERT_TRUE(evnet_poller_next(poller, &completion));
  EXPECT_EQ(completion.op, EVNET_OP_SEND);
  EXPECT_EQ(completion.result, 4);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(completion.data), completion.rest), "ef");
  EXPECT_FALSE(evnet_poller_next(poller, &completion));
}

TEST_F(SimFlights, ABrokenConnectionGivesAllBack) {
  Start();
  Pair pair = Connect();
  evnet_sim_reset(pair.client);
  evnet_sim_advance(sim, evnet_sim_now_ns(sim) + kMs);
  ASSERT_EQ(SendScratch(pair, "abc"), -EINPROGRESS);
  ASSERT_EQ(evnet_poller_wait(poller, kLongNs), 0);
  evnet_completion completion;
  ASSERT_TRUE(evnet_poller_next(poller, &completion));
  EXPECT_EQ(completion.op, EVNET_OP_SEND);
  EXPECT_EQ(completion.result, -ECONNRESET);
  EXPECT_EQ(completion.rest, 3u);
  while (evnet_poller_next(poller, &completion)) {
  }
}

TEST_F(SimFlights, ADetachedOneIsToldOfBeforeTheDetach) {
  for (uint64_t seed = 1; seed <= 10; seed++) {
    options.seed = seed;
    options.faults.late_close = 500;
    Start();
    Pair pair = Connect();
    ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
    if (seed % 2 == 0) loop->Turn(kLongNs);
    evnet_poller_detach(poller, pair.handle);
    Settle();
    const std::string story = Story(pair);
    EXPECT_TRUE(story == "SEND=1 DETACH=0" || story == "SEND=-ECANCELED DETACH=0") << story;
    evnet_poller_destroy(poller);
    poller = nullptr;
    EXPECT_EQ(Failure(), "");
    evnet_sim_destroy(sim);
    sim = nullptr;
  }
}

TEST_F(SimFlights, TheScratchBlockIsNeverOneThatFlies) {
  Start();
  Pair first = Connect();
  Pair second = Connect();
  ASSERT_EQ(SendScratch(first, "one"), -EINPROGRESS);
  ASSERT_EQ(SendScratch(second, "two"), -EINPROGRESS);
  memset(evnet_poller_scratch(poller), 'x', EVNET_POLLER_SCRATCH_BYTES);
  loop->Turn(kLongNs);
  memset(evnet_poller_scratch(poller), 'y', EVNET_POLLER_SCRATCH_BYTES);
  Settle();
  EXPECT_EQ(Read(first), "one EAGAIN");
  EXPECT_EQ(Read(second), "two EAGAIN");
}

// Violations of the contract

TEST_F(SimFlights, BytesThatChangeInFlightAreNoticed) {
  Start();
  Pair pair = Connect();
  uint8_t *scratch = evnet_poller_scratch(poller);
  ASSERT_EQ(SendScratch(pair, "abc"), -EINPROGRESS);
  scratch[1] = 'x';
  loop->Turn(0);
  expected_failure = "bytes in flight changed before their SEND";
}

TEST_F(SimFlights, ASendWhileOneFliesIsNoticed) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
  EXPECT_EQ(Send(pair, "b"), 1);
  expected_failure = "send while a send is under way";
}

TEST_F(SimFlights, AnEndWhileOneFliesIsNoticed) {
  Start();
  Pair pair = Connect();
  ASSERT_EQ(SendScratch(pair, "a"), -EINPROGRESS);
  EXPECT_EQ(evnet_poller_shutdown_write(poller, pair.handle), 0);
  expected_failure = "shutdown_write while a send is under way";
}

}  // namespace
}  // namespace evnet_testing
