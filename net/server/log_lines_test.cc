// The log lines of a server at each level, and untrusted text in log lines.
#include <algorithm>
#include <atomic>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/dial.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

size_t Count(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) count++;
  return count;
}

// Runs a server that logs at `level`, opens and closes a connection, and stops. Returns the lines.
std::string LinesOf(evnet_log_level level, int64_t drain_ms = 1234) {
  evnet_options options = {};
  Log log;
  log.Attach(&options, level);
  const Callbacks callbacks = Echo();
  const evnet_handler handler = callbacks.Handler();
  const char *const addresses[] = {"tcp://127.0.0.1:0"};
  evnet_server *server = nullptr;
  EXPECT_EQ(evnet_server_create(&handler, const_cast<Callbacks *>(&callbacks), addresses, 1,
                                &options, &server),
            0);
  EXPECT_EQ(evnet_server_start(server), 0);
  evnet_address address = {};
  EXPECT_EQ(evnet_server_address(server, 0, &address), 0);
  {
    Client client(address);
    EXPECT_EQ(client.Exchange("x"), "x");
  }
  EXPECT_TRUE(WaitUntil([&] {
    struct evnet_server_stats stats = {};
    evnet_server_get_stats(server, &stats);
    return stats.connections_closed == 1;
  }));
  evnet_server_stop(server, drain_ms);
  EXPECT_EQ(evnet_server_wait(server), 0);
  evnet_server_destroy(server);
  return log.Text();
}

TEST(LogLines, ConnectionsAreLoggedAtDebugAndTheServerAtInfo) {
  const std::string lines = LinesOf(EVNET_LOG_DEBUG);
  EXPECT_EQ(Count(lines, "listening on tcp://127.0.0.1:"), 1u) << lines;
  EXPECT_EQ(Count(lines, "connection 0.1 from tcp://127.0.0.1:"), 2u) << lines;
  EXPECT_EQ(Count(lines, " opened"), 1u) << lines;
  EXPECT_EQ(Count(lines, " closed: EVNET_REASON_PEER: closed by the peer"), 1u) << lines;
  EXPECT_EQ(Count(lines, "stopping: 0 open connections, drain deadline: 1234 ms"), 1u) << lines;
  EXPECT_EQ(Count(lines, "stopped"), 1u) << lines;
  EXPECT_LT(lines.find("listening"), lines.find("opened"));
  EXPECT_LT(lines.find("opened"), lines.find("closed"));
  EXPECT_LT(lines.find("closed"), lines.find("stopping"));
  EXPECT_LT(lines.find("stopping"), lines.find("stopped"));
}

TEST(LogLines, AStopWithoutADeadlineIsLoggedAsSuch) {
  const std::string lines = LinesOf(EVNET_LOG_INFO, INT64_MAX);
  EXPECT_EQ(Count(lines, "stopping: 0 open connections, drain deadline: none"), 1u) << lines;
}

// At DEBUG each connection adds two lines, but the bytes of its peer add none.
TEST(LogLines, AtDebugAConnectionIsTwoLinesWhateverItsPeerSends) {
  evnet_options options = {};
  Log log;
  log.Attach(&options, EVNET_LOG_DEBUG);
  constexpr int kCount = 20;
  const Server server(Echo(), options, {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  for (int i = 0; i < kCount; i++) {
    Client client(server.address(0));
    for (int k = 0; k < 10; k++) EXPECT_EQ(client.Exchange("question"), "question");
    if (i % 2 == 0) client.Reset();
  }
  UdpClient datagrams;
  for (int i = 0; i < 100; i++) datagrams.Send(server.address(1), "question");
  EXPECT_EQ(datagrams.Receive(), "question");
  ASSERT_TRUE(WaitUntil([&] { return Count(log.Text(), " closed: ") == kCount; }));
  EXPECT_EQ(Count(log.Text(), "\n"), 2u * kCount + 2) << log.Text();
}

TEST(LogLines, AtInfoConnectionsAreLeftOut) {
  const std::string lines = LinesOf(EVNET_LOG_INFO);
  EXPECT_EQ(Count(lines, "listening on "), 1u) << lines;
  EXPECT_EQ(Count(lines, "stopping: "), 1u) << lines;
  EXPECT_EQ(Count(lines, "stopped"), 1u) << lines;
  EXPECT_EQ(Count(lines, "connection 0"), 0u) << lines;
}

TEST(LogLines, AtWarningAServerThatWorksIsSilent) { EXPECT_EQ(LinesOf(EVNET_LOG_WARNING), ""); }

TEST(LogLines, AStartThatFailsNeitherStopsNorHasStopped) {
  const PlainListener taken;
  Created server(Echo(), {}, {taken.text()});
  EXPECT_EQ(evnet_server_start(server.get()), -EADDRINUSE);
  EXPECT_TRUE(server.log().Has("address in use")) << server.log().Text();
  EXPECT_FALSE(server.log().Has("stop")) << server.log().Text();
}

TEST(LogLines, ADialThatFailsIsOneLineAtDebugWithItsReason) {
  const PlainListener silent("tcp://127.0.0.1:0", -1);
  Server server;
  ASSERT_EQ(evnet_server_dial(server.get(), silent.text().c_str(), nullptr, nullptr, nullptr), 0);
  ASSERT_TRUE(WaitUntil([&] { return server.stats().dials_failed == 1; }));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_TRUE(server.log().Has("connection 0.2 to " + silent.text() +
                               " failed: ECONNREFUSED: connection refused") ||
              server.log().Has("connection 0.1 to " + silent.text() +
                               " failed: ECONNREFUSED: connection refused"))
      << server.log().Text();
}

TEST(LogLines, ADialThatIsNotBegunIsALineAtDebugOnlyWhereNothingElseReportsIt) {
  evnet_options options = {};
  options.connections_max = 1;
  Server server(Echo(), options);
  Client client(server.port());
  EXPECT_EQ(client.Exchange("x"), "x");
  std::atomic<int> reported{0};
  const auto report = [](struct evnet_conn_id, int status, void *user) {
    if (status == -ENOBUFS) ++*static_cast<std::atomic<int> *>(user);
  };
  ASSERT_EQ(evnet_server_dial(server.get(), "tcp://127.0.0.1:1", nullptr, report, &reported), 0);
  ASSERT_EQ(evnet_server_dial(server.get(), "tcp://127.0.0.1:2", nullptr, nullptr, nullptr), 0);
  const std::string line = "cannot dial 'tcp://127.0.0.1:2': ";
  EXPECT_TRUE(WaitUntil([&] { return server.log().Has(line + evnet_status_message(-ENOBUFS)); }))
      << server.log().Text();
  EXPECT_EQ(reported, 1);
  EXPECT_FALSE(server.log().Has("'tcp://127.0.0.1:1'")) << server.log().Text();
}

// Hosts that an untrusted peer might have supplied.
const char *const kHostile[] = {
    "tcp://a\nevnet: error: forged:1:2",
    "tcp://a\nevnet: error: forged\x1b[31m:1",
    "tcp://[::\x1b[2J]:1",
    "tcp://127.0.0.1:\r\n80",
    "http\n://x",
    "tcp://x\n",
    "unix://",
};

TEST(LogLines, WhatIsDialledComesEscapedAndNotAboveDebug) {
  for (const evnet_log_level level : {EVNET_LOG_WARNING, EVNET_LOG_DEBUG}) {
    evnet_options options = {};
    Log log;
    log.Attach(&options, level);
    const std::string megabyte = "tcp://" + std::string(1 << 20, '\n') + ":1";
    evnet_handler handler = {};
    const char *const addresses[] = {"tcp://127.0.0.1:0"};
    evnet_server *server = nullptr;
    ASSERT_EQ(evnet_server_create(&handler, nullptr, addresses, 1, &options, &server), 0);
    ASSERT_EQ(evnet_server_start(server), 0);
    const std::string before = log.Text();
    std::vector<const char *> texts(std::begin(kHostile), std::end(kHostile));
    texts.push_back(megabyte.c_str());
    int refused = 0;
    for (const char *text : texts) {
      if (evnet_server_dial(server, text, nullptr, nullptr, nullptr) < 0) refused++;
    }
    EXPECT_GE(refused, 6);  // the others are names that are looked up
    evnet_dial_options dial = {};
    const std::string device(1 << 20, '\n');
    dial.bind_to_device = device.c_str();
    EXPECT_LT(evnet_server_dial(server, "127.0.0.1:1", &dial, nullptr, nullptr), 0);
    dial = {};
    dial.source = megabyte.c_str();
    EXPECT_LT(evnet_server_dial(server, "127.0.0.1:1", &dial, nullptr, nullptr), 0);
    evnet_server_stop(server, 0);
    EXPECT_EQ(evnet_server_wait(server), 0);
    evnet_server_destroy(server);
    const std::string lines = log.Text();
    if (level == EVNET_LOG_WARNING) {
      EXPECT_EQ(lines, before);
    } else {
      EXPECT_GT(Count(lines, "\\n"), 5u) << lines;
    }
    // Log appends a line feed to each line, and no line begins with the forged text.
    EXPECT_EQ(Count(lines, "\nevnet: error"), 0u);
    for (const char c : lines) EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f));
    EXPECT_LT(lines.size(), 10000u);
  }
}

TEST(LogLines, AUnixPeersPathComesEscaped) {
  const TempDirectory directory;
  evnet_options options = {};
  options.connections_max = 1;
  options.connections_full_action = EVNET_FULL_REFUSE;
  const Server server(Echo(), options, {"unix://" + directory.path() + "/s"});
  Client first(server.address());
  EXPECT_EQ(first.Exchange("x"), "x");
  ClientOptions named;
  named.path = directory.path() + "/p\nevnet: error: forged";
  Client second(server.address(), named);
  EXPECT_EQ(second.ReceiveToEnd(), "");
  ASSERT_TRUE(WaitUntil([&] { return server.log().Has("refused a connection"); }));
  EXPECT_TRUE(server.log().Has("/p\\nevnet: error: forged': ")) << server.log().Text();
}

TEST(LogLines, AnAddressThatTheServerRefusesComesEscaped) {
  const Created server(Echo(), {}, {"tcp://a\nb:\x1b"});
  EXPECT_EQ(server.status(), EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(server.log().Has("address 'tcp://a\\nb:\\x1b': the port '\\x1b' is not a number"))
      << server.log().Text();
}

TEST(LogLines, OfRefusalsThereIsOneLineInTenSecondsForAllReactors) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    evnet_options options = {};
    options.reactors = 4;
    options.reuse_port = reuse_port;
    options.connections_per_address_max = 1;
    const Server server(Echo(), options);
    Client first(server.port());
    EXPECT_EQ(first.Exchange("x"), "x");
    for (uint64_t i = 0; i < 60; i++) {
      Client refused(server.port());
      EXPECT_EQ(refused.ReceiveToEnd(), "");
    }
    ASSERT_TRUE(WaitUntil([&] { return server.stats().connections_refused == 60; }));
    EXPECT_EQ(Count(server.log().Text(), "refused a connection"), 1u) << server.log().Text();
  }
}

}  // namespace
}  // namespace evnet_testing
