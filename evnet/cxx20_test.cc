// A C++20 program uses evnet without a warning: it names only the fields that it needs. The BUILD file makes the
// warnings errors.
#include <string>

#include "evnet/evnet.h"
#include "gtest/gtest.h"

namespace {

enum evnet_action OnData(struct evnet_conn *conn, void *) {
  const evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

constexpr evnet_handler kHandler = {.on_data = OnData};
constexpr evnet_options kOptions = {.reactors = 1, .idle_timeout_ms = 1000};

TEST(Cxx20, FieldsThatAnInitializerLeavesOutAreZero) {
  EXPECT_EQ(kHandler.on_open, nullptr);
  EXPECT_EQ(kHandler.on_data, OnData);
  EXPECT_EQ(kOptions.connections_max, 0u);
  EXPECT_EQ(kOptions.idle_timeout_ms, 1000);
  const evnet_workers_options workers = {.threads = 1};
  EXPECT_EQ(workers.queue_max, 0u);
  const evnet_dial_options dial = {.timeout_ms = 1};
  EXPECT_EQ(dial.allow, nullptr);
  const evnet_adopt_options adopt = {};
  EXPECT_EQ(adopt.user, nullptr);
  const evnet_reactor_options reactor = {.drain_ms = 1};
  EXPECT_EQ(reactor.allocator, nullptr);
  const evnet_listen_options listen = {.backlog = 1};
  EXPECT_EQ(listen.v6only, false);
  const evnet_logger logger = {.log = evnet_log_stderr};
  EXPECT_EQ(logger.user, nullptr);
  const evnet_listen address = {.address = "tcp://:0"};
  EXPECT_EQ(address.handler, nullptr);
  const evnet_timer timer = {.expired = [](evnet_timer *, void *) {}};
  EXPECT_EQ(timer.period_ms, 0u);
}

TEST(Cxx20, AVariableWithoutAnInitializerIsZeroToo) {
  evnet_options options;
  EXPECT_EQ(options.log, nullptr);
  EXPECT_EQ(options.reactors, 0);
}

TEST(Cxx20, AServerStartsAndStops) {
  const char *const addresses[] = {"tcp://127.0.0.1:0"};
  evnet_server *server = nullptr;
  ASSERT_EQ(evnet_server_create(&kHandler, nullptr, addresses, 1, &kOptions, &server), 0);
  EXPECT_EQ(evnet_server_start(server), 0);
  EXPECT_EQ(evnet_server_stop(server, 1000), 0);
  EXPECT_EQ(evnet_server_wait(server), 0);
  evnet_server_destroy(server);
}

}  // namespace
