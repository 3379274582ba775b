// The idle, read, write, lifetime and linger timeouts. Each is reported with its name and not too
// early.
#include <algorithm>
#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr int64_t kTimeoutMs = 100;
// The reactor's clock has whole milliseconds and is read once a turn.
constexpr int64_t kEarlyMs = 5;

class Timeout : public testing::Test {
 protected:
  Callbacks Noted(Callbacks callbacks = Echo()) {
    callbacks.on_timeout = [this](evnet_conn *, evnet_timeout which) {
      which_ = which;
      timeouts_++;
      return action_;
    };
    callbacks.on_close = [this](evnet_conn *, int reason) {
      closed_ms_ = NowMs();
      journal_.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
    return callbacks;
  }

  void ExpectAfter(int64_t since_ms, int64_t timeout_ms) {
    EXPECT_GE(closed_ms_ - since_ms, timeout_ms - kEarlyMs);
  }

  evnet_action action_ = EVNET_NONE;
  std::atomic<int> which_{-1};
  std::atomic<int> timeouts_{0};
  std::atomic<int64_t> closed_ms_{0};
  Journal journal_;
};

TEST_F(Timeout, IdleClosesAQuietConnectionAndDeliversWhatWasWritten) {
  evnet_options options = {};
  options.idle_timeout_ms = kTimeoutMs;
  Server server(Noted(), options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_IDLE_TIMEOUT"));
  EXPECT_EQ(which_, EVNET_TIMEOUT_IDLE);
  ExpectAfter(opened_ms, kTimeoutMs);
}

TEST_F(Timeout, IdleIsPutOffByEachByte) {
  evnet_options options = {};
  options.idle_timeout_ms = kTimeoutMs;
  Server server(Noted(), options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  int64_t last_ms = 0;
  while (NowMs() - opened_ms < 3 * kTimeoutMs) {
    last_ms = NowMs();
    ASSERT_EQ(client.Exchange("x"), "x");
    client.Readable(10);
  }
  EXPECT_EQ(timeouts_, 0);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_IDLE_TIMEOUT"));
  ExpectAfter(last_ms, kTimeoutMs);
}

TEST_F(Timeout, IdleIsPutOffByBytesOfEitherDirectionAlone) {
  for (const bool from_client : {true, false}) {
    evnet_options options = {};
    options.idle_timeout_ms = kTimeoutMs;
    std::atomic<evnet_conn *> open{nullptr};
    Callbacks callbacks = Noted(Callbacks());
    callbacks.on_open = [&](evnet_conn *conn) {
      open = conn;
      return EVNET_NONE;
    };
    Server server(callbacks, options);
    Client quiet(server.port());
    ASSERT_TRUE(server.WaitForOpen(1));
    Client client(server.port());
    ASSERT_TRUE(server.WaitForOpen(2));
    const int64_t began_ms = NowMs();
    int64_t last_ms = began_ms;
    int64_t longest_pause_ms = 0;
    while (NowMs() - began_ms < 3 * kTimeoutMs) {
      longest_pause_ms = std::max(longest_pause_ms, NowMs() - last_ms);
      last_ms = NowMs();
      if (from_client) {
        client.SendAll("x");
      } else {
        Post(evnet_conn_reactor(open), [&] { Write(open, "x"); });
        EXPECT_EQ(client.Receive(1), "x");
      }
      if (quiet.Readable(10) && quiet.end() == Client::End::kOpen) {
        EXPECT_EQ(quiet.ReceiveToEnd(), "");
        quiet.ShutdownWrite();
      }
    }
    // If the machine stood still for that long, the other connection was idle, too.
    if (longest_pause_ms < kTimeoutMs / 2) {
      EXPECT_EQ(timeouts_, 1) << "only the quiet connection times out";
    }
    timeouts_ = 0;
    client.Close();
    ASSERT_TRUE(server.WaitForClosed(2));
    EXPECT_EQ(server.Stop(0), 0);
  }
}

TEST_F(Timeout, KeepStartsItAgain) {
  evnet_options options = {};
  options.idle_timeout_ms = 40;
  action_ = EVNET_KEEP;
  Server server(Noted(), options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  EXPECT_TRUE(WaitUntil([&] { return timeouts_ == 4; }));
  EXPECT_GE(NowMs() - opened_ms, 4 * (40 - kEarlyMs));
  EXPECT_EQ(client.Exchange("still here"), "still here");
  EXPECT_TRUE(journal_.Lines().empty());
}

TEST_F(Timeout, ANullCallbackCloses) {
  evnet_options options = {};
  options.idle_timeout_ms = 30;
  Callbacks callbacks = Noted();
  callbacks.on_timeout = nullptr;
  Server server(callbacks, options);
  Client client(server.port());
  client.ReceiveToEnd();
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_IDLE_TIMEOUT"));
}

TEST_F(Timeout, ReadIsNotPutOffByWhatTheServerSends) {
  evnet_options options = {};
  options.read_timeout_ms = kTimeoutMs;
  Callbacks callbacks = Noted(Callbacks());
  evnet_conn *open = nullptr;
  callbacks.on_open = [&](evnet_conn *conn) {
    open = conn;
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int reason) {
    open = nullptr;
    closed_ms_ = NowMs();
    journal_.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    if (open != nullptr) evnet_conn_write(open, "x", 1);
    *delay_ms = 5;
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  EXPECT_GT(client.ReceiveToEnd().size(), 5u);
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_READ_TIMEOUT"));
  EXPECT_EQ(which_, EVNET_TIMEOUT_READ);
  ExpectAfter(opened_ms, kTimeoutMs);
}

TEST_F(Timeout, ReadDoesNotCountWhileReadingIsStopped) {
  evnet_options options = {};
  options.read_timeout_ms = 50;
  std::atomic<evnet_conn *> open{nullptr};
  Callbacks callbacks = Noted();
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    open = conn;
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  EXPECT_FALSE(client.Readable(250));
  EXPECT_EQ(timeouts_, 0);
  const int64_t resumed_ms = NowMs();
  Post(evnet_conn_reactor(open), [&] { evnet_conn_resume_reading(open); });
  EXPECT_EQ(client.ReceiveToEnd(), "");
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_READ_TIMEOUT"));
  ExpectAfter(resumed_ms, 50);
}

TEST_F(Timeout, WriteResetsAPeerThatTakesNothing) {
  evnet_options options = {};
  options.write_timeout_ms = kTimeoutMs;
  std::atomic<int64_t> written_ms{0};
  const std::string data = Pattern(12 << 20);
  Callbacks callbacks = Noted();
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    written_ms = NowMs();
    Write(conn, data);
    EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u);
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  Client client(server.port());
  client.SendAll("x");
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_WRITE_TIMEOUT"));
  EXPECT_EQ(which_, EVNET_TIMEOUT_WRITE);
  ExpectAfter(written_ms, kTimeoutMs);
  client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
}

TEST_F(Timeout, WriteBoundsTheFlushOfAClose) {
  evnet_options options = {};
  options.write_timeout_ms = kTimeoutMs;
  Callbacks callbacks = Noted();
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, Pattern(12 << 20));
    return EVNET_CLOSE;
  };
  Server server(callbacks, options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  EXPECT_TRUE(server.WaitForClosed(1));
  ExpectAfter(opened_ms, kTimeoutMs);
  EXPECT_EQ(timeouts_, 0) << "a closing connection has only on_close";
}

TEST_F(Timeout, WriteDoesNotEndAPeerThatReadsSlowly) {
  evnet_options options = {};
  options.write_timeout_ms = 300;
  options.send_buffer_bytes = 50000;
  const std::string data = Pattern(2 << 20);
  Callbacks callbacks = Noted();
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    Write(conn, data);
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  ClientOptions small;
  small.receive_buffer_bytes = 50000;
  Client client(server.port(), small);
  client.SendAll("x");
  Client quiet(server.port());
  std::string received;
  const int64_t began_ms = NowMs();
  // The client reads so slowly that the transfer takes several times the timeout.
  while (received.size() < data.size() && client.end() == Client::End::kOpen) {
    received += client.Receive(std::min<size_t>(data.size() - received.size(), 64 << 10));
    quiet.Readable(20);
  }
  EXPECT_GT(NowMs() - began_ms, 2 * 300);
  EXPECT_TRUE(received == data);
  EXPECT_EQ(timeouts_, 0);
}

TEST_F(Timeout, LifetimeEndsABusyConnection) {
  evnet_options options = {};
  options.lifetime_ms = kTimeoutMs;
  Server server(Noted(), options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  int rounds = 0;
  while (timeouts_ == 0 && NowMs() - opened_ms < 10000) {
    client.TrySend("x");
    client.Readable(5);
    rounds++;
  }
  EXPECT_GT(rounds, 5);
  client.ReceiveToEnd();
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_LIFETIME"));
  EXPECT_EQ(which_, EVNET_TIMEOUT_LIFETIME);
  ExpectAfter(opened_ms, kTimeoutMs);
}

TEST_F(Timeout, LingerWaitsForThePeersEndButNotForEver) {
  evnet_options options = {};
  options.linger_ms = kTimeoutMs;
  Callbacks callbacks = Noted();
  callbacks.on_open = [](evnet_conn *) { return EVNET_CLOSE; };
  Server server(callbacks, options);
  const int64_t opened_ms = NowMs();
  Client client(server.port());
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_LOCAL"));
  ExpectAfter(opened_ms, kTimeoutMs);
  EXPECT_EQ(timeouts_, 0);
}

TEST_F(Timeout, LingerEndsWithThePeersEnd) {
  evnet_options options = {};
  options.linger_ms = 60000;
  Callbacks callbacks = Noted();
  callbacks.on_open = [](evnet_conn *) { return EVNET_CLOSE; };
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(server.stats().connections_open, 1u);
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_LOCAL"));
}

TEST_F(Timeout, LingerOffClosesAtOnce) {
  evnet_options options = {};
  options.linger_ms = EVNET_OFF;
  Callbacks callbacks = Noted();
  callbacks.on_open = [](evnet_conn *) { return EVNET_CLOSE; };
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_LOCAL"));
  EXPECT_EQ(client.ReceiveToEnd(), "");
}

TEST_F(Timeout, TheEarliestOfSeveralWins) {
  evnet_options options = {};
  options.idle_timeout_ms = 5000;
  options.read_timeout_ms = 50;
  options.lifetime_ms = 5000;
  Server server(Noted(), options);
  Client client(server.port());
  client.ReceiveToEnd();
  client.Close();
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_READ_TIMEOUT"));
}

TEST_F(Timeout, AThousandConnectionsTimeOutEachByItself) {
  evnet_options options = {};
  options.idle_timeout_ms = kTimeoutMs;
  Server server(Noted(), options);
  std::vector<Client> clients;
  for (int i = 0; i < 1000; i++) clients.emplace_back(server.port());
  for (Client &client : clients) {
    EXPECT_EQ(client.ReceiveToEnd(), "");
    client.Close();
  }
  EXPECT_TRUE(server.WaitForClosed(1000));
  EXPECT_EQ(timeouts_, 1000);
}

}  // namespace
}  // namespace evnet_testing
