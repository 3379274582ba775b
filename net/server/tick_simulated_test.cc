// The callback on_tick with several reactors, on a clock that only the test advances.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/poller/testing/sim.h"
#include "net/server/internal/steps.h"
#include "net/server/server.h"

namespace {

constexpr uint64_t kMs = 1000000;
constexpr uint32_t kReactors = 3;

class TickSimulated : public ::testing::Test {
 protected:
  ~TickSimulated() override {
    (void)evnet_server_stop(server, 0);
    for (uint32_t i = 0; i < kReactors; i++) {
      int status;
      while ((status = evnet_server_turn(server, i)) > 0) {
      }
      EXPECT_EQ(status, 0);
    }
    evnet_server_finish(server);
    evnet_server_destroy(server);
    EXPECT_EQ(evnet_sim_failure(sim), nullptr);
    evnet_sim_destroy(sim);
  }

  // Boots a server whose on_tick always requests `delay_ms`.
  void Boot(uint64_t delay_ms) {
    delay_ms_ = delay_ms;
    const evnet_sim_options sim_options = {};
    sim = evnet_sim_create(&sim_options);
    evnet_handler handler = {};
    handler.on_boot = [](evnet_server *, void *user) {
      static_cast<TickSimulated *>(user)->journal += "boot ";
      return EVNET_NONE;
    };
    handler.on_tick = [](evnet_server *of, uint64_t *delay, void *user) {
      auto *self = static_cast<TickSimulated *>(user);
      EXPECT_EQ(*delay, UINT64_MAX);
      struct evnet_server_stats stats;
      evnet_server_get_stats(of, &stats);
      if (self->ticks == 0) self->turns_before_first = stats.turns;
      self->ticks++;
      self->journal += "tick ";
      *delay = self->delay_ms_;
      return EVNET_NONE;
    };
    handler.on_data = [](evnet_conn *conn, void *user) {
      static_cast<TickSimulated *>(user)->journal += "data ";
      (void)evnet_conn_discard(conn, SIZE_MAX);
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = kReactors;
    const char *address = "tcp4://127.0.0.1:80";
    ASSERT_EQ(evnet_server_create(&handler, this, &address, 1, &options, &server), 0);
    ASSERT_EQ(evnet_server_boot(server, evnet_sim_kernel(sim)), 0);
  }

  void Pass(uint64_t ms) { evnet_sim_advance(sim, evnet_sim_now_ns(sim) + ms * kMs); }
  void Turn(uint32_t reactor = 0) { EXPECT_EQ(evnet_server_turn(server, reactor), 1); }

  evnet_sim *sim = nullptr;
  evnet_server *server = nullptr;
  int ticks = 0;
  uint64_t turns_before_first = 1;
  std::string journal;

 private:
  uint64_t delay_ms_ = 0;
};

TEST_F(TickSimulated, FirstComesRightAfterOnBootBeforeAnyReactorWaits) {
  Boot(UINT64_MAX);
  EXPECT_EQ(journal, "boot tick ");
  EXPECT_EQ(turns_before_first, 0u);
}

TEST_F(TickSimulated, DelayZeroComesOnceATurnWithInputBetween) {
  Boot(0);
  evnet_sim_socket *client;
  ASSERT_EQ(evnet_sim_connect(sim, 80, 1, &client), 0);
  Pass(1);
  Turn();
  Turn();
  journal.clear();
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(evnet_sim_write(client, "x", 1), 1);
    Pass(1);
    Turn();
  }
  EXPECT_EQ(journal, "tick data tick data tick data ");
}

TEST_F(TickSimulated, DelayZeroDoesNotSleep) {
  Boot(0);
  for (int i = 0; i < 10; i++) {
    Turn();
    EXPECT_TRUE(evnet_sim_is_runnable(sim, 0));
  }
  EXPECT_EQ(ticks, 11);
}

TEST_F(TickSimulated, NeverAgainIsNever) {
  Boot(UINT64_MAX);
  for (int i = 0; i < 100; i++) {
    Pass(uint64_t{1} << i / 3);
    for (uint32_t reactor = 0; reactor < kReactors; reactor++) Turn(reactor);
  }
  EXPECT_EQ(ticks, 1);
  EXPECT_EQ(evnet_sim_next_ns(sim), UINT64_MAX) << "no reactor may wake for it";
}

TEST_F(TickSimulated, ComesWhenItsDelayHasPassedAndNotBefore) {
  Boot(10);
  for (int i = 0; i < 5; i++) {
    Turn();
    Pass(9);
    Turn();
    EXPECT_EQ(ticks, 1 + i);
    Pass(1);
    Turn();
    EXPECT_EQ(ticks, 2 + i);
  }
}

TEST_F(TickSimulated, LateOnesAreNotMadeUpFor) {
  Boot(10);
  Turn();
  Pass(1000);
  for (int i = 0; i < 5; i++) Turn();
  EXPECT_EQ(ticks, 2) << "one tick comes for a hundred missed ones";
  Pass(9);
  Turn();
  EXPECT_EQ(ticks, 2) << "the next period begins at that tick";
  Pass(1);
  Turn();
  EXPECT_EQ(ticks, 3);
}

TEST_F(TickSimulated, IsReactorZerosAlone) {
  Boot(10);
  Pass(100);
  for (int i = 0; i < 5; i++) {
    Turn(1);
    Turn(2);
  }
  EXPECT_EQ(ticks, 1);
  Turn(0);
  EXPECT_EQ(ticks, 2);
}

}  // namespace
