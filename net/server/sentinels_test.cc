// The smallest and largest values of each type and the special values (0, EVNET_OFF,
// EVNET_UNLIMITED), in every function and option that takes a time or a bound.
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <functional>

#include "gtest/gtest.h"
#include "net/reactor/timer.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/workers.h"

namespace evnet_testing {
namespace {

struct Drain {
  int64_t ms;
  bool resets;  // the stop resets held connections instead of waiting for them
};

const Drain kDrains[] = {
    {INT64_MIN, true},
    {EVNET_OFF, true},
    {0, true},
    {60000, false},
    {EVNET_TIMEOUT_MS_MAX, false},
    {INT64_MAX / 1000000, false},
    {INT64_MAX - 1, false},
    {INT64_MAX, false},
};

TEST(Sentinels, AnyDrainBeforeTheStartStopsTheServer) {
  for (const Drain &drain : kDrains) {
    SCOPED_TRACE(drain.ms);
    for (const int reactors : {1, 2}) {
      evnet_options options = {};
      options.reactors = reactors;
      Created server(Echo(), options);
      EXPECT_EQ(evnet_server_stop(server.get(), drain.ms), 0);
      EXPECT_EQ(evnet_server_run(server.get()), 0);
      EXPECT_EQ(evnet_server_stop(server.get(), drain.ms), 0) << "after the end";
    }
  }
}

TEST(Sentinels, AnyDrainInOnBootOrByASignalStopsTheServer) {
  for (const Drain &drain : kDrains) {
    SCOPED_TRACE(drain.ms);
    Callbacks callbacks = Echo();
    callbacks.on_boot = [&](evnet_server *server) {
      evnet_server_stop(server, drain.ms);
      return EVNET_NONE;
    };
    EXPECT_EQ(evnet_server_run(Created(callbacks, {}).get()), 0);
    Created server(Echo(), {});
    ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGUSR1, drain.ms), 0);
    ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
    EXPECT_EQ(evnet_server_run(server.get()), 0);
  }
}

Callbacks Holding() {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  return callbacks;
}

TEST(Sentinels, ADrainResetsWhatIsHeldOrWaitsForItWithoutSpinning) {
  for (const Drain &drain : kDrains) {
    SCOPED_TRACE(drain.ms);
    Server server(Holding());
    Client client(server.port());
    ASSERT_TRUE(server.WaitForOpen(1));
    evnet_server_stop(server.get(), drain.ms);
    if (!drain.resets) {
      EXPECT_FALSE(client.Readable(20));
      evnet_server_stop(server.get(), INT64_MAX);  // a later deadline has no effect
      EXPECT_FALSE(client.Readable(20));
      EXPECT_LT(server.stats().turns, 100u);
      evnet_server_stop(server.get(), 0);
    }
    EXPECT_EQ(server.Wait(), 0);
    client.ReceiveToEnd();
    EXPECT_EQ(client.end(), Client::End::kReset);
  }
}

// Runs a function on the reactor's thread with a connection, and waits until it returns.
void OnReactor(const std::function<void(evnet_conn *)> &function) {
  Callbacks callbacks = Echo();
  std::atomic<bool> ran{false};
  callbacks.on_open = [&](evnet_conn *conn) {
    function(conn);
    ran = true;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(WaitUntil([&] { return ran.load(); }));
  EXPECT_EQ(client.Exchange("still here"), "still here");
  EXPECT_FALSE(client.Readable(10));
  EXPECT_LT(server.stats().turns, 100u) << "no reactor spins";
}

TEST(Sentinels, ATimeoutOfAConnectionIsOffOrDefaultOrInRangeOrRefused) {
  OnReactor([](evnet_conn *conn) {
    for (const int64_t bad :
         {INT64_MIN, int64_t{-2}, int64_t{EVNET_TIMEOUT_MS_MAX} + 1, INT64_MAX}) {
      SCOPED_TRACE(bad);
      for (const evnet_timeout which :
           {EVNET_TIMEOUT_IDLE, EVNET_TIMEOUT_READ, EVNET_TIMEOUT_WRITE, EVNET_TIMEOUT_LIFETIME}) {
        EXPECT_EQ(evnet_conn_set_timeout(conn, which, bad), -EINVAL);
      }
      EXPECT_EQ(evnet_conn_set_linger(conn, bad), -EINVAL);
      EXPECT_EQ(evnet_conn_set_user_timeout(conn, bad), -EINVAL);
      evnet_dial_options options = {};
      options.timeout_ms = bad;
      EXPECT_EQ(evnet_dial(evnet_conn_reactor(conn), "tcp://127.0.0.1:9", &options, nullptr),
                EVNET_STATUS_OPTION);
    }
    for (const int64_t good : {int64_t{0}, EVNET_OFF, int64_t{EVNET_TIMEOUT_MS_MAX}}) {
      SCOPED_TRACE(good);
      for (const evnet_timeout which :
           {EVNET_TIMEOUT_IDLE, EVNET_TIMEOUT_READ, EVNET_TIMEOUT_WRITE, EVNET_TIMEOUT_LIFETIME}) {
        EXPECT_EQ(evnet_conn_set_timeout(conn, which, good), 0);
      }
      EXPECT_EQ(evnet_conn_set_linger(conn, good), 0);
    }
  });
}

TEST(Sentinels, ABoundOfAConnectionIsDefaultOrInRangeOrRefused) {
  OnReactor([](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_set_water_marks(conn, EVNET_UNLIMITED, 0), -EINVAL);
    EXPECT_EQ(evnet_conn_set_water_marks(conn, EVNET_UNLIMITED, EVNET_UNLIMITED), -EINVAL);
    EXPECT_EQ(evnet_conn_set_water_marks(conn, 0, EVNET_UNLIMITED), -EINVAL);
    EXPECT_EQ(evnet_conn_set_water_marks(conn, 1, 0), 0);
    EXPECT_EQ(evnet_conn_set_water_marks(conn, 0, 0), 0);
    EXPECT_EQ(evnet_conn_set_buffers(conn, -1, 0), -EINVAL);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 0, INT_MIN), -EINVAL);
    EXPECT_EQ(evnet_conn_set_buffers(conn, 0, 0), 0);
    EXPECT_EQ(evnet_conn_set_keepalive(conn, INT_MAX, 1, 1), -EINVAL);
    EXPECT_EQ(evnet_conn_set_keepalive(conn, -2, 0, 0), -EINVAL);
    EXPECT_EQ(evnet_conn_set_keepalive(conn, EVNET_OFF, 0, 0), 0);
    EXPECT_EQ(evnet_conn_discard(conn, SIZE_MAX), 0u);
    char file[] = "/tmp/sentinelsXXXXXX";
    const int descriptor = mkstemp(file);
    EXPECT_EQ(unlink(file), 0);
    EXPECT_EQ(evnet_conn_sendfile(conn, descriptor, INT64_MAX, 1), -EINVAL);
    EXPECT_EQ(evnet_conn_sendfile(conn, descriptor, 1, INT64_MAX), -EINVAL);
    EXPECT_EQ(evnet_conn_sendfile(conn, descriptor, -1, 1), -EINVAL);
    EXPECT_EQ(evnet_conn_sendfile(conn, descriptor, 0, INT64_MIN), -EINVAL);
    EXPECT_EQ(evnet_conn_sendfile(conn, descriptor, INT64_MAX, 0), 0);
    close(descriptor);
  });
}

TEST(Sentinels, ASizeThatNothingHoldsIsRefusedWithNothingTaken) {
  evnet_options options = {};
  options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  Callbacks callbacks = Echo();
  std::atomic<bool> ran{false};
  callbacks.on_data = [&](evnet_conn *conn) {
    char byte = 'x';
    const iovec wraps[] = {{&byte, SIZE_MAX}, {&byte, 2}};
    EXPECT_EQ(evnet_conn_write(conn, &byte, SIZE_MAX), -ENOBUFS);
    EXPECT_EQ(evnet_conn_writev(conn, wraps, 2), -ENOBUFS);
    EXPECT_EQ(evnet_conn_writev(conn, wraps, 0), 0);
    EXPECT_EQ(evnet_conn_write(conn, nullptr, 0), 0);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u);
    EXPECT_EQ(evnet_conn_next(conn, SIZE_MAX).data, nullptr);
    evnet_shared *shared;
    EXPECT_EQ(evnet_shared_create(&byte, SIZE_MAX, &shared), -ENOMEM);
    ran = true;
    return EchoData(conn);
  };
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("echo"), "echo");
  EXPECT_TRUE(ran);
}

TEST(Sentinels, ATimerThatIsFarAwayNeitherRunsNorSpins) {
  static evnet_timer timers[6];
  for (evnet_timer &timer : timers) timer = {};
  static std::atomic<int> early;
  early = 0;
  OnReactor([](evnet_conn *conn) {
    evnet_reactor *reactor = evnet_conn_reactor(conn);
    const auto expired = [](evnet_timer *, void *) { early++; };
    int i = 0;
    for (const uint64_t delay_ms : {UINT64_MAX, UINT64_MAX - 1, uint64_t{INT64_MAX}}) {
      evnet_timer_start(reactor, &timers[i++], delay_ms, expired, nullptr);
      evnet_timer_repeat(reactor, &timers[i++], delay_ms, expired, nullptr);
    }
  });
  EXPECT_EQ(early, 0);
}

TEST(Sentinels, APostThatIsFarAwayRunsWhenTheReactorEnds) {
  static std::atomic<int> ran;
  ran = 0;
  Server server;
  for (const uint64_t delay_ms : {UINT64_MAX, UINT64_MAX - 1, uint64_t{INT64_MAX}}) {
    ASSERT_EQ(evnet_reactor_post_after(
                  evnet_server_reactor(server.get(), 0), delay_ms, [](void *) { ran++; }, nullptr),
              0);
  }
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  EXPECT_EQ(ran, 0);
  EXPECT_LT(server.stats().turns, 100u);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(ran, 3);
}

TEST(Sentinels, ATickThatIsFarAwayDoesNotSpin) {
  for (const uint64_t delay_ms : {UINT64_MAX, UINT64_MAX - 1, uint64_t{INT64_MAX}}) {
    std::atomic<int> ticks{0};
    Callbacks callbacks = Echo();
    callbacks.on_tick = [&](evnet_server *, uint64_t *out_delay_ms) {
      ticks++;
      *out_delay_ms = delay_ms;
      return EVNET_NONE;
    };
    Server server(callbacks);
    Client client(server.port());
    EXPECT_EQ(client.Exchange("x"), "x");
    EXPECT_EQ(ticks, 1);
    EXPECT_LT(server.stats().turns, 100u);
  }
}

TEST(Sentinels, ATurnWaitsAsLongAsItsSignSays) {
  evnet_handler handler = {};
  evnet_reactor *reactor;
  ASSERT_EQ(evnet_reactor_create(&handler, nullptr, nullptr, &reactor), 0);
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
  for (const int64_t wait_ms : {INT64_MAX, int64_t{-1}, INT64_MIN}) {
    evnet_timer timer = {};
    bool expired = false;
    evnet_timer_start(
        reactor, &timer, 20, [](evnet_timer *, void *user) { *static_cast<bool *>(user) = true; },
        &expired);
    for (int turns = 0; !expired; turns++) {
      ASSERT_LT(turns, 20) << wait_ms;
      ASSERT_EQ(evnet_reactor_turn(reactor, wait_ms), 1);
    }
  }
  evnet_reactor_destroy(reactor);
}

TEST(Sentinels, WorkersTakeNoNumberOutOfRange) {
  for (const int threads : {INT_MIN, -1, EVNET_WORKERS_MAX + 1, INT_MAX}) {
    evnet_workers_options options = {};
    options.threads = threads;
    evnet_workers *workers;
    EXPECT_EQ(evnet_workers_create(&options, &workers), -EINVAL) << threads;
  }
  evnet_workers_options options = {};
  options.queue_max = EVNET_UNLIMITED;
  evnet_workers *workers;
  EXPECT_LT(evnet_workers_create(&options, &workers), 0);
}

TEST(Sentinels, TimesAndSizesThatNoOptionTakesAreRefused) {
  const struct {
    const char *name;
    int64_t evnet_options::*option;
  } times[] = {
      {"idle_timeout_ms", &evnet_options::idle_timeout_ms},
      {"read_timeout_ms", &evnet_options::read_timeout_ms},
      {"write_timeout_ms", &evnet_options::write_timeout_ms},
      {"lifetime_ms", &evnet_options::lifetime_ms},
      {"linger_ms", &evnet_options::linger_ms},
      {"drain_ms", &evnet_options::drain_ms},
      {"user_timeout_ms", &evnet_options::user_timeout_ms},
      {"busy_poll_us", &evnet_options::busy_poll_us},
  };
  for (const auto &time : times) {
    for (const int64_t value : {INT64_MIN, int64_t{-2}, INT64_MAX}) {
      evnet_options options = {};
      options.*time.option = value;
      Created server(Echo(), options);
      EXPECT_EQ(server.status(), EVNET_STATUS_OPTION) << time.name << " " << value;
      EXPECT_TRUE(server.log().Has(time.name)) << server.log().Text();
    }
  }
}

}  // namespace
}  // namespace evnet_testing
