// The reactor's options: defaults and bounds. A refusal names the option and its value.
#include <string.h>

#include <string>

#include "gtest/gtest.h"
#include "net/reactor/owner.h"

namespace evnet_testing {
namespace {

class Options : public ::testing::Test {
 protected:
  Options() {
    options.logger.log = [](evnet_log_level level, const char *message, void *user) {
      Options *self = static_cast<Options *>(user);
      EXPECT_EQ(level, EVNET_LOG_ERROR);
      self->log += message;
    };
    options.logger.user = this;
    options.logger.level = EVNET_LOG_ERROR;
  }
  int Resolve() {
    log.clear();
    return evnet_reactor_options_resolve(&options, &resolved);
  }
  void ExpectRefused(const std::string &name, const std::string &value) {
    EXPECT_EQ(Resolve(), EVNET_STATUS_OPTION);
    EXPECT_NE(log.find(name), std::string::npos) << log;
    EXPECT_NE(log.find(value), std::string::npos) << log;
    struct evnet_reactor *reactor = nullptr;
    const struct evnet_handler handler = {};
    EXPECT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor), EVNET_STATUS_OPTION);
    EXPECT_EQ(reactor, nullptr);
  }
  void ExpectTaken() {
    EXPECT_EQ(Resolve(), 0) << log;
    EXPECT_EQ(log, "");
  }

  struct evnet_reactor_options options = {};
  struct evnet_reactor_options resolved = {};
  std::string log;
};

TEST_F(Options, DefaultsAreThoseOfTheTable) {
  ASSERT_EQ(evnet_reactor_options_resolve(nullptr, &resolved), 0);
  EXPECT_EQ(resolved.idle_timeout_ms, EVNET_OFF);
  EXPECT_EQ(resolved.read_timeout_ms, EVNET_OFF);
  EXPECT_EQ(resolved.write_timeout_ms, 30000);
  EXPECT_EQ(resolved.lifetime_ms, EVNET_OFF);
  EXPECT_EQ(resolved.linger_ms, 2000);
  EXPECT_EQ(resolved.drain_ms, 5000);
  EXPECT_EQ(resolved.inbound_bytes_max, 16777216u);
  EXPECT_EQ(resolved.inbound_high_water_bytes, EVNET_UNLIMITED);
  EXPECT_EQ(resolved.outbound_high_water_bytes, 1048576u);
  EXPECT_EQ(resolved.outbound_low_water_bytes, 524288u);
  EXPECT_EQ(resolved.outbound_bytes_max, 16777216u);
  EXPECT_EQ(resolved.outbound_high_action, EVNET_HIGH_STOP_READING);
  EXPECT_EQ(resolved.outbound_overflow, EVNET_OVERFLOW_CLOSE);
  EXPECT_EQ(resolved.read_turn_bytes_max, 262144u);
  EXPECT_EQ(resolved.mailbox_bytes_max, 67108864u);
  EXPECT_EQ(resolved.lookup_threads_max, 128u);
  EXPECT_EQ(resolved.lookups_max, 16384u);
  EXPECT_EQ(resolved.resolve, nullptr);
  EXPECT_EQ(resolved.connections_max, 1048576u);
}

TEST_F(Options, TheInboundMarkIsAtMostTheBound) {
  options.inbound_bytes_max = 1000;
  options.inbound_high_water_bytes = 1000;
  ExpectTaken();
  EXPECT_EQ(resolved.inbound_high_water_bytes, 1000u);
  options.inbound_high_water_bytes = EVNET_UNLIMITED;
  ExpectTaken();
  options.inbound_high_water_bytes = 1001;
  ExpectRefused("inbound_high_water_bytes", "1001");
}

TEST_F(Options, TimesAreOffOrFromOneToTwelveDays) {
  const struct {
    const char *name;
    int64_t evnet_reactor_options::*value;
  } times[] = {
      {"idle_timeout_ms", &evnet_reactor_options::idle_timeout_ms},
      {"read_timeout_ms", &evnet_reactor_options::read_timeout_ms},
      {"write_timeout_ms", &evnet_reactor_options::write_timeout_ms},
      {"lifetime_ms", &evnet_reactor_options::lifetime_ms},
      {"linger_ms", &evnet_reactor_options::linger_ms},
      {"drain_ms", &evnet_reactor_options::drain_ms},
  };
  for (const auto &time : times) {
    options.*time.value = 1;
    ExpectTaken();
    EXPECT_EQ(resolved.*time.value, 1);
    options.*time.value = 1073741823;
    ExpectTaken();
    options.*time.value = EVNET_OFF;
    ExpectTaken();
    options.*time.value = 1073741824;
    ExpectRefused(time.name, "1073741824");
    options.*time.value = -2;
    ExpectRefused(time.name, "-2");
    options.*time.value = INT64_MIN;
    ExpectRefused(time.name, "-9223372036854775808");
    options.*time.value = INT64_MAX;
    ExpectRefused(time.name, "9223372036854775807");
    options.*time.value = 0;
  }
}

TEST_F(Options, ADrainTimeThatIsOffIsTheLongestThereIs) {
  options.drain_ms = EVNET_OFF;
  ExpectTaken();
  EXPECT_EQ(resolved.drain_ms, EVNET_TIMEOUT_MS_MAX);
}

TEST_F(Options, ReadTurn) {
  options.read_turn_bytes_max = 511;
  ExpectRefused("read_turn_bytes_max", "511");
  options.read_turn_bytes_max = 512;
  ExpectTaken();
  options.read_turn_bytes_max = 67108864;
  ExpectTaken();
  options.read_turn_bytes_max = 67108865;
  ExpectRefused("read_turn_bytes_max", "67108865");
  options.read_turn_bytes_max = SIZE_MAX;
  ExpectRefused("read_turn_bytes_max", "");
}

TEST_F(Options, LookupThreads) {
  options.lookup_threads_max = 1;
  ExpectTaken();
  EXPECT_EQ(resolved.lookup_threads_max, 1u);
  options.lookup_threads_max = 4096;
  ExpectTaken();
  options.lookup_threads_max = 4097;
  ExpectRefused("lookup_threads_max", "4097");
  options.lookup_threads_max = 0;
  options.lookups_max = 1048576;
  ASSERT_EQ(evnet_reactor_options_resolve(&options, &resolved), 0);
  EXPECT_EQ(resolved.lookups_max, 1048576u);
  options.lookups_max = 1048577;
  ExpectRefused("lookups_max", "1048577");
  options.lookups_max = 0;
  const evnet_resolver without_functions = {};
  options.resolve = &without_functions;
  ExpectRefused("resolve", "0");
}

TEST_F(Options, SocketsThatAreDialled) {
  options.keepalive_idle_s = 32767;
  options.keepalive_count = 127;
  options.user_timeout_ms = 1073741823;
  ExpectTaken();
  options.user_timeout_ms = 1073741824;
  ExpectRefused("user_timeout_ms", "1073741824");
  options.user_timeout_ms = EVNET_OFF;
  options.keepalive_idle_s = EVNET_OFF;
  ExpectRefused("keepalive_count", "127");  // keepalive_idle_s is missing
  options.keepalive_count = 0;
  options.send_buffer_bytes = -1;
  ExpectRefused("send_buffer_bytes", "-1");
}

TEST_F(Options, TheLowMarkIsAtMostTheHighOne) {
  options.outbound_high_water_bytes = 1000;
  options.outbound_low_water_bytes = 1000;
  ExpectTaken();
  options.outbound_low_water_bytes = 1001;
  ExpectRefused("outbound_low_water_bytes", "1001: must be at most 1000 (");
}

TEST_F(Options, TheBoundOnOutputLeavesRoomForOneTurnAboveTheHighMark) {
  options.outbound_high_water_bytes = 1000;
  options.read_turn_bytes_max = 512;
  options.outbound_bytes_max = 1512;
  ExpectTaken();
  options.outbound_bytes_max = 1511;
  ExpectRefused("outbound_bytes_max", "1511: must be at least 1512 (");
  options.outbound_bytes_max = 0;
  options.outbound_high_water_bytes = 100 << 20;
  ExpectTaken();
  EXPECT_EQ(resolved.outbound_bytes_max, (100u << 20) + 512);
}

TEST_F(Options, UnlimitedIsTakenEverywhere) {
  options.inbound_bytes_max = EVNET_UNLIMITED;
  options.outbound_high_water_bytes = EVNET_UNLIMITED;
  options.outbound_bytes_max = EVNET_UNLIMITED;
  options.mailbox_bytes_max = EVNET_UNLIMITED;
  options.connections_max = EVNET_UNLIMITED;
  ExpectTaken();
  struct evnet_reactor *reactor = nullptr;
  const struct evnet_handler handler = {};
  ASSERT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor), 0);
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
  evnet_reactor_destroy(reactor);
}

TEST_F(Options, Enumerations) {
  options.outbound_high_action = static_cast<evnet_high_action>(3);
  ExpectRefused("outbound_high_action", "3");
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  ExpectTaken();
  options.outbound_overflow = static_cast<evnet_overflow>(2);
  ExpectRefused("outbound_overflow", "2");
  options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  ExpectTaken();
}

TEST_F(Options, TheBackendIsNamedAndOneThatThereIsNotIsRefused) {
  const struct evnet_handler handler = {};
  struct evnet_reactor *reactor = nullptr;
  options.backend = EVNET_BACKEND_EPOLL;
  ASSERT_EQ(evnet_reactor_create(&handler, nullptr, &options, &reactor), 0);
  EXPECT_STREQ(evnet_reactor_backend_name(reactor), "epoll");
  evnet_reactor_destroy(reactor);
  evnet_reactor_destroy(nullptr);
  options.backend = static_cast<evnet_backend>(99);
  EXPECT_LT(evnet_reactor_create(&handler, nullptr, &options, &reactor), 0);
}

}  // namespace
}  // namespace evnet_testing
