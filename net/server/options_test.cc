// The options: their defaults, their bounds, and the log lines for rejected values.
#include <errno.h>
#include <sched.h>

#include "gtest/gtest.h"
#include "net/reactor/owner.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

evnet_reactor_options Resolve(const evnet_reactor_options &given) {
  evnet_reactor_options resolved = {};
  EXPECT_EQ(evnet_reactor_options_resolve(&given, &resolved), 0);
  return resolved;
}

TEST(Options, DefaultsAreThoseOfTheTableInServerH) {
  const evnet_reactor_options defaults = Resolve({});
  EXPECT_EQ(defaults.connections_max, 1048576u);
  EXPECT_EQ(defaults.idle_timeout_ms, EVNET_OFF);
  EXPECT_EQ(defaults.read_timeout_ms, EVNET_OFF);
  EXPECT_EQ(defaults.write_timeout_ms, 30000);
  EXPECT_EQ(defaults.lifetime_ms, EVNET_OFF);
  EXPECT_EQ(defaults.linger_ms, 2000);
  EXPECT_EQ(defaults.drain_ms, 5000);
  EXPECT_EQ(defaults.inbound_bytes_max, 16777216u);
  EXPECT_EQ(defaults.inbound_high_water_bytes, EVNET_UNLIMITED);
  EXPECT_EQ(defaults.outbound_high_water_bytes, 1048576u);
  EXPECT_EQ(defaults.outbound_low_water_bytes, 524288u);
  EXPECT_EQ(defaults.outbound_bytes_max, 16777216u);
  EXPECT_EQ(defaults.outbound_high_action, EVNET_HIGH_STOP_READING);
  EXPECT_EQ(defaults.outbound_overflow, EVNET_OVERFLOW_CLOSE);
  EXPECT_EQ(defaults.read_turn_bytes_max, 262144u);
  EXPECT_EQ(defaults.udp_datagram_bytes_max, 65535u);
  EXPECT_EQ(defaults.udp_outbound_bytes_max, 262144u);
  EXPECT_EQ(defaults.holds_max, 1048576u);
  EXPECT_EQ(defaults.mailbox_bytes_max, 67108864u);
  EXPECT_EQ(defaults.lookup_threads_max, 128u);
  EXPECT_EQ(defaults.lookups_max, 16384u);
  EXPECT_EQ(defaults.resolve, nullptr);
  EXPECT_EQ(defaults.busy_poll_us, 0);
  EXPECT_EQ(defaults.backend, EVNET_BACKEND_AUTO);
  // The defaults of zeroed fields.
  EXPECT_EQ(static_cast<int>(EVNET_ROUND_ROBIN), 0);
  EXPECT_EQ(static_cast<int>(EVNET_BACKEND_AUTO), 0);
  EXPECT_EQ(static_cast<int>(EVNET_FULL_PAUSE), 0);
  EXPECT_EQ(Server().stats().reactors, 1u);
}

TEST(Options, TheLowMarkFollowsTheHighOneAndTheBoundStaysAboveATurn) {
  evnet_reactor_options given = {};
  given.outbound_high_water_bytes = 1000;
  EXPECT_EQ(Resolve(given).outbound_low_water_bytes, 500u);
  given.outbound_high_water_bytes = 64 << 20;
  given.read_turn_bytes_max = 1 << 20;
  EXPECT_EQ(Resolve(given).outbound_bytes_max, 65u << 20);
}

TEST(Options, TheLongestBusyPollIsTaken) {
  evnet_reactor_options given = {};
  given.busy_poll_us = EVNET_BUSY_POLL_US_MAX;
  EXPECT_EQ(Resolve(given).busy_poll_us, 1000000);
}

TEST(Options, OffAndUnlimitedAreTaken) {
  evnet_options options = {};
  options.idle_timeout_ms = options.read_timeout_ms = options.write_timeout_ms = EVNET_OFF;
  options.lifetime_ms = options.linger_ms = options.drain_ms = EVNET_OFF;
  options.connections_max = options.inbound_bytes_max = EVNET_UNLIMITED;
  options.connections_per_address_max = EVNET_UNLIMITED;
  options.inbound_high_water_bytes = EVNET_UNLIMITED;
  options.outbound_high_water_bytes = options.outbound_bytes_max = EVNET_UNLIMITED;
  options.mailbox_bytes_max = options.holds_max = EVNET_UNLIMITED;
  Server server(Echo(), options);
  Client client(server.port());
  const std::string data = Pattern(1 << 20);
  EXPECT_EQ(client.Exchange(data), data);
}

struct Bad {
  const char *name;
  const char *value;  // as logged
  void (*set)(evnet_options *options);
};

class RefusedOption : public testing::TestWithParam<Bad> {};

TEST_P(RefusedOption, IsNamedWithItsValueInTheLog) {
  const Bad &bad = GetParam();
  evnet_options options = {};
  bad.set(&options);
  Created server(Echo(), options);
  EXPECT_EQ(server.status(), EVNET_STATUS_OPTION);
  EXPECT_EQ(server.get(), nullptr);
  EXPECT_TRUE(server.log().Has(std::string("option ") + bad.name + " = " + bad.value + ":"))
      << server.log().Text();
}

const Bad kBad[] = {
    {"reactors", "-2", [](evnet_options *options) { options->reactors = -2; }},
    {"reactors", "1025", [](evnet_options *options) { options->reactors = 1025; }},
    {"balancer", "3", [](evnet_options *options) { options->balancer = evnet_balancing(3); }},
    {"connections_full_action", "2",
     [](evnet_options *options) { options->connections_full_action = evnet_full_action(2); }},
    {"reuse_port_by_cpu", "1",  // without pin_reactors
     [](evnet_options *options) { options->reuse_port = options->reuse_port_by_cpu = true; }},
    {"reuse_port_by_cpu", "1",  // without reuse_port
     [](evnet_options *options) { options->pin_reactors = options->reuse_port_by_cpu = true; }},
    {"backend", "4", [](evnet_options *options) { options->backend = evnet_backend(4); }},
    {"dials_reserved", "1048576",
     [](evnet_options *options) { options->dials_reserved = 1048576; }},
    {"dials_reserved", "5",
     [](evnet_options *options) { options->connections_max = options->dials_reserved = 5; }},
    {"inbound_high_water_bytes", "16777217",
     [](evnet_options *options) { options->inbound_high_water_bytes = 16777217; }},
    {"inbound_high_water_bytes", "101",
     [](evnet_options *options) {
       options->inbound_bytes_max = 100;
       options->inbound_high_water_bytes = 101;
     }},
    {"backlog", "-1", [](evnet_options *options) { options->backlog = -1; }},
    {"send_buffer_bytes", "-1", [](evnet_options *options) { options->send_buffer_bytes = -1; }},
    {"receive_buffer_bytes", "-5",
     [](evnet_options *options) { options->receive_buffer_bytes = -5; }},
    {"keepalive_idle_s", "-2", [](evnet_options *options) { options->keepalive_idle_s = -2; }},
    {"keepalive_idle_s", "32768",
     [](evnet_options *options) { options->keepalive_idle_s = 32768; }},
    {"keepalive_interval_s", "-1",
     [](evnet_options *options) {
       options->keepalive_idle_s = 1;
       options->keepalive_interval_s = -1;
     }},
    {"keepalive_interval_s", "32768",
     [](evnet_options *options) {
       options->keepalive_idle_s = 1;
       options->keepalive_interval_s = 32768;
     }},
    {"keepalive_interval_s", "5",  // without keepalive_idle_s
     [](evnet_options *options) { options->keepalive_interval_s = 5; }},
    {"keepalive_count", "-1",
     [](evnet_options *options) {
       options->keepalive_idle_s = 1;
       options->keepalive_count = -1;
     }},
    {"keepalive_count", "128",
     [](evnet_options *options) {
       options->keepalive_idle_s = 1;
       options->keepalive_count = 128;
     }},
    {"keepalive_count", "3",  // without keepalive_idle_s
     [](evnet_options *options) {
       options->keepalive_idle_s = EVNET_OFF;
       options->keepalive_count = 3;
     }},
    {"user_timeout_ms", "-2", [](evnet_options *options) { options->user_timeout_ms = -2; }},
    {"user_timeout_ms", "1073741824",
     [](evnet_options *options) { options->user_timeout_ms = 1073741824; }},
    {"notsent_lowat_bytes", "-1",
     [](evnet_options *options) { options->notsent_lowat_bytes = -1; }},
    {"fast_open_queue_max", "-1",
     [](evnet_options *options) { options->fast_open_queue_max = -1; }},
    {"defer_accept_s", "-1", [](evnet_options *options) { options->defer_accept_s = -1; }},
    {"bind_to_device", "''", [](evnet_options *options) { options->bind_to_device = ""; }},
    {"bind_to_device", "'0123456789abcdef'",
     [](evnet_options *options) { options->bind_to_device = "0123456789abcdef"; }},
    {"unix_mode", "512", [](evnet_options *options) { options->unix_mode = 01000; }},
    {"idle_timeout_ms", "-2", [](evnet_options *options) { options->idle_timeout_ms = -2; }},
    {"idle_timeout_ms", "1073741824",
     [](evnet_options *options) { options->idle_timeout_ms = 1073741824; }},
    {"read_timeout_ms", "-2", [](evnet_options *options) { options->read_timeout_ms = -2; }},
    {"read_timeout_ms", "1073741824",
     [](evnet_options *options) { options->read_timeout_ms = 1073741824; }},
    {"write_timeout_ms", "-7", [](evnet_options *options) { options->write_timeout_ms = -7; }},
    {"write_timeout_ms", "9223372036854775807",
     [](evnet_options *options) { options->write_timeout_ms = INT64_MAX; }},
    {"lifetime_ms", "-2", [](evnet_options *options) { options->lifetime_ms = -2; }},
    {"lifetime_ms", "1073741824",
     [](evnet_options *options) { options->lifetime_ms = 1073741824; }},
    {"linger_ms", "-2", [](evnet_options *options) { options->linger_ms = -2; }},
    {"linger_ms", "1073741824", [](evnet_options *options) { options->linger_ms = 1073741824; }},
    {"drain_ms", "-2", [](evnet_options *options) { options->drain_ms = -2; }},
    {"drain_ms", "1073741824", [](evnet_options *options) { options->drain_ms = 1073741824; }},
    {"outbound_low_water_bytes", "1048577",
     [](evnet_options *options) { options->outbound_low_water_bytes = 1048577; }},
    {"outbound_bytes_max", "1310719",
     [](evnet_options *options) { options->outbound_bytes_max = (1 << 20) + (256 << 10) - 1; }},
    {"outbound_high_action", "3",
     [](evnet_options *options) { options->outbound_high_action = evnet_high_action(3); }},
    {"outbound_overflow", "2",
     [](evnet_options *options) { options->outbound_overflow = evnet_overflow(2); }},
    {"read_turn_bytes_max", "511",
     [](evnet_options *options) { options->read_turn_bytes_max = 511; }},
    {"udp_datagram_bytes_max", "65536",
     [](evnet_options *options) { options->udp_datagram_bytes_max = 65536; }},
    {"busy_poll_us", "-1", [](evnet_options *options) { options->busy_poll_us = -1; }},
    {"busy_poll_us", "1000001", [](evnet_options *options) { options->busy_poll_us = 1000001; }},
    {"read_turn_bytes_max", "67108865",
     [](evnet_options *options) { options->read_turn_bytes_max = 67108865; }},
};

INSTANTIATE_TEST_SUITE_P(Options, RefusedOption, testing::ValuesIn(kBad),
                         [](const testing::TestParamInfo<Bad> &bad) {
                           return std::string(bad.param.name) + "_" + std::to_string(bad.index);
                         });

TEST(Options, TheEdgesOfTheRangesAreTaken) {
  evnet_options options = {};
  options.idle_timeout_ms = EVNET_TIMEOUT_MS_MAX;
  options.read_timeout_ms = options.write_timeout_ms = options.lifetime_ms = EVNET_TIMEOUT_MS_MAX;
  options.linger_ms = options.drain_ms = EVNET_TIMEOUT_MS_MAX;
  options.read_turn_bytes_max = 512;
  options.outbound_low_water_bytes = 1 << 20;
  options.outbound_bytes_max = (1 << 20) + 512;
  Server server(Echo(), options);
  Client client(server.port());
  const std::string data = Pattern(100000);
  EXPECT_EQ(client.Exchange(data), data);
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(Options, OneReactorForEachCpuThatTheProcessMayUse) {
  cpu_set_t one;
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  evnet_options options = {};
  options.reactors = EVNET_REACTOR_PER_CPU;
  {
    Server server(Echo(), options);
    EXPECT_GE(server.stats().reactors, 1u);
    EXPECT_LE(server.stats().reactors, static_cast<uint32_t>(CPU_COUNT(&before)));
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  Server server(Echo(), options);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(server.stats().reactors, 1u);
}

TEST(Options, NullMeansAllDefaults) {
  const evnet_handler handler = {};
  const char *const addresses[] = {"tcp://127.0.0.1:0"};
  evnet_server *server = nullptr;
  ASSERT_EQ(evnet_server_create(&handler, nullptr, addresses, 1, nullptr, &server), 0);
  ASSERT_EQ(evnet_server_start(server), 0);
  evnet_server_stop(server, 0);
  EXPECT_EQ(evnet_server_wait(server), 0);
  evnet_server_destroy(server);
}

TEST(Options, TheLogIsAsDetailedAsItsLevel) {
  const auto text_at = [](evnet_log_level level) {
    Log log;
    evnet_options options = {};
    log.Attach(&options, level);
    { Server server(Echo(), options); }
    return log.Text();
  };
  EXPECT_NE(text_at(EVNET_LOG_INFO).find("listening on"), std::string::npos);
  EXPECT_EQ(text_at(EVNET_LOG_WARNING), "");
}

}  // namespace
}  // namespace evnet_testing
