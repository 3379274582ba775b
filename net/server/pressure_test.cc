// Clients that read slowly or not at all: the water marks, the actions at the high mark, and the
// bound above it.
#include <errno.h>

#include <algorithm>
#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kHigh = 200000;
constexpr size_t kTurn = 50000;

evnet_options SmallMarks() {
  evnet_options options = {};
  options.outbound_high_water_bytes = kHigh;
  options.read_turn_bytes_max = kTurn;
  // Small kernel buffers, so that evnet queues most bytes.
  options.send_buffer_bytes = options.receive_buffer_bytes = 100000;
  return options;
}

// An echo server that records the callbacks of its one connection.
class Pressure : public testing::Test {
 protected:
  Callbacks Noted() {
    Callbacks callbacks;
    callbacks.on_open = [this](evnet_conn *conn) {
      conn_ = conn;
      return EVNET_NONE;
    };
    callbacks.on_data = [this](evnet_conn *conn) {
      if (pressed_) while_pressed_++;
      EchoData(conn);
      most_ = std::max<size_t>(most_, evnet_conn_outbound_bytes(conn));
      return EVNET_NONE;
    };
    callbacks.on_pressure = [this](evnet_conn *conn) {
      // on_pressure is deferred to the end of the turn. The kernel may have accepted bytes before.
      EXPECT_GT(evnet_conn_outbound_bytes(conn), kHigh / 2);
      journal_.Add("pressure");
      pressed_ = true;
      return EVNET_NONE;
    };
    callbacks.on_drain = [this](evnet_conn *conn) {
      // on_drain is deferred to the end of the turn. With EVNET_HIGH_NOTIFY the handler may have
      // written more by then, but the queue must not be above the high mark again.
      EXPECT_LE(evnet_conn_outbound_bytes(conn), goes_on_reading_ ? kHigh : kHigh / 2);
      journal_.Add("drain");
      pressed_ = false;
      return EVNET_NONE;
    };
    callbacks.on_close = [this](evnet_conn *, int reason) {
      journal_.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
    return callbacks;
  }

  // Expects that the queue is above the high mark now. Before, growing kernel buffers may have
  // drained the queue.
  void ExpectPressed() {
    EXPECT_EQ(journal_.Count("pressure"), journal_.Count("drain") + 1);
    const std::vector<std::string> lines = journal_.Lines();
    for (size_t i = 0; i < lines.size(); i++) EXPECT_EQ(lines[i], i % 2 ? "drain" : "pressure");
  }

  bool goes_on_reading_ = false;  // reads also above the high mark
  Journal journal_;
  std::atomic<evnet_conn *> conn_{nullptr};
  std::atomic<bool> pressed_{false};
  std::atomic<int> while_pressed_{0};
  std::atomic<size_t> most_{0};
};

TEST_F(Pressure, ASlowReaderStopsTheServerFromReadingAndLosesNothing) {
  Server server(Noted(), SmallMarks());
  const std::string data = Pattern(8 << 20);
  Client client(server.port());
  const size_t sent = client.SendUntilBlocked(data, 200);
  ASSERT_LT(sent, data.size()) << "the server must stop reading";
  ExpectPressed();
  EXPECT_EQ(while_pressed_, 0) << "no on_data while reading is stopped";
  EXPECT_GT(most_, kHigh);
  EXPECT_LE(most_, kHigh + kTurn) << "growth is bounded by the high mark and one turn's bytes";
  EXPECT_TRUE(client.Receive(sent) == data.substr(0, sent));
  EXPECT_TRUE(client.Exchange(data.substr(sent)) == data.substr(sent)) << "the server reads again";
  EXPECT_TRUE(WaitUntil([&] { return journal_.Count("pressure") == journal_.Count("drain"); }));
  const std::vector<std::string> lines = journal_.Lines();
  for (size_t i = 0; i < lines.size(); i++) EXPECT_EQ(lines[i], i % 2 ? "drain" : "pressure");
  EXPECT_LE(most_, kHigh + kTurn);
}

TEST_F(Pressure, TheEndOfOneThatIsPressedIsNoticed) {
  Server server(Noted(), SmallMarks());
  Client client(server.port());
  client.SendUntilBlocked(Pattern(8 << 20), 200);
  ExpectPressed();
  const size_t drains = journal_.Count("drain");
  client.Reset();
  EXPECT_TRUE(journal_.WaitFor("ECONNRESET"));
  EXPECT_EQ(journal_.Count("drain"), drains);
}

TEST_F(Pressure, NoDrainWithoutAPressureBefore) {
  Server server(Noted(), SmallMarks());
  Client client(server.port());
  const std::string data = Pattern(kHigh / 2);
  for (int i = 0; i < 20; i++) EXPECT_TRUE(client.Exchange(data) == data);
  EXPECT_TRUE(journal_.Lines().empty());
}

TEST_F(Pressure, AUsersPauseAndTheAutomaticOneAreComposed) {
  std::atomic<bool> user_paused{false};
  Callbacks callbacks = Noted();
  callbacks.on_data = [&](evnet_conn *conn) {
    EXPECT_FALSE(user_paused);
    return EchoData(conn);
  };
  callbacks.on_pressure = [&](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    evnet_conn_resume_reading(conn);  // ends the user's pause only
    journal_.Add("pressure");
    return EVNET_NONE;
  };
  callbacks.on_drain = [&](evnet_conn *conn) {
    evnet_conn_pause_reading(conn);
    user_paused = true;
    journal_.Add("drain");
    return EVNET_NONE;
  };
  Server server(callbacks, SmallMarks());
  Client client(server.port());
  const std::string data = Pattern(8 << 20);
  const size_t sent = client.SendUntilBlocked(data, 200);
  ASSERT_LT(sent, data.size());
  EXPECT_GE(journal_.Count("pressure"), 1u);
  std::string received;
  // Whenever the client has received all that the server can send, the server has drained, and only
  // the user's pause stops it.
  while (received.size() < sent) {
    while (received.size() < sent && client.Readable(50)) {
      received += client.TryReceive();
      ASSERT_EQ(client.end(), Client::End::kOpen);
    }
    if (received.size() == sent) break;
    ASSERT_TRUE(WaitUntil([&] { return user_paused.load(); }));
    Post(evnet_conn_reactor(conn_), [&] {
      user_paused = false;
      evnet_conn_resume_reading(conn_);
    });
  }
  EXPECT_TRUE(received == data.substr(0, sent));
  EXPECT_GT(journal_.Count("drain"), 0u);
}

TEST_F(Pressure, HighActionNotifyGoesOnReading) {
  goes_on_reading_ = true;
  evnet_options options = SmallMarks();
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  options.outbound_bytes_max = 64 << 20;
  Server server(Noted(), options);
  Client client(server.port());
  const std::string data = Pattern(8 << 20);
  client.SendAll(data);
  EXPECT_TRUE(WaitUntil([&] { return server.stats().bytes_received == data.size(); }));
  ExpectPressed();
  EXPECT_TRUE(client.Receive(data.size()) == data);
  EXPECT_TRUE(WaitUntil([&] { return journal_.Count("pressure") == journal_.Count("drain"); }));
}

TEST_F(Pressure, HighActionCloseResets) {
  evnet_options options = SmallMarks();
  options.outbound_high_action = EVNET_HIGH_CLOSE;
  Server server(Noted(), options);
  Client client(server.port());
  client.SendUntilBlocked(Pattern(8 << 20), 100);
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_HIGH_WATER"));
  client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
  EXPECT_EQ(journal_.Count("pressure"), 0u);
}

// The bound above the water marks.
class Overflow : public Pressure {
 protected:
  // Fills the queue of a client that reads nothing, then writes once more than fits.
  void Run(evnet_overflow policy, std::function<void(evnet_conn *)> then) {
    evnet_options options = SmallMarks();
    options.outbound_high_action = EVNET_HIGH_NOTIFY;
    options.outbound_overflow = policy;
    options.outbound_bytes_max = kMax;
    Callbacks callbacks = Noted();
    callbacks.on_data = [=](evnet_conn *conn) {
      evnet_conn_discard(conn, SIZE_MAX);
      const std::string block = Pattern(10000);
      while (evnet_conn_outbound_bytes(conn) + block.size() < kMax) {
        Write(conn, block);
        written_ += block.size();
      }
      const size_t before = evnet_conn_outbound_bytes(conn);
      const std::string more(kMax - before + 1, 'x');
      EXPECT_EQ(evnet_conn_write(conn, more.data(), more.size()), -ENOBUFS);
      EXPECT_LE(evnet_conn_outbound_bytes(conn), before) << "nothing was taken";
      then(conn);
      journal_.Add("done");
      return EVNET_NONE;
    };
    server_ = std::make_unique<Server>(callbacks, options);
    client_ = std::make_unique<Client>(server_->port());
    client_->SendAll("x");
    ASSERT_TRUE(journal_.WaitFor("done"));
  }

  static constexpr size_t kMax = 400000;
  std::atomic<size_t> written_{0};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(Overflow, ClosesTheConnectionByDefault) {
  Run(EVNET_OVERFLOW_CLOSE,
      [](evnet_conn *conn) { EXPECT_EQ(evnet_conn_write(conn, "x", 1), -ENOTCONN); });
  EXPECT_TRUE(journal_.WaitFor("EVNET_REASON_OUTBOUND_OVERFLOW"));
  client_->ReceiveToEnd();
  EXPECT_EQ(client_->end(), Client::End::kReset);
}

TEST_F(Overflow, RefuseKeepsItOpenWithNothingTaken) {
  Run(EVNET_OVERFLOW_REFUSE, [](evnet_conn *conn) {
    const std::string huge(kMax, 'y');
    const iovec pieces[] = {{const_cast<char *>(huge.data()), huge.size()},
                            {const_cast<char *>(huge.data()), huge.size()}};
    EXPECT_EQ(evnet_conn_writev(conn, pieces, 2), -ENOBUFS);
    Write(conn, "z");
  });
  const std::string received = client_->Receive(written_ + 1);
  EXPECT_EQ(received.size(), written_ + 1);
  EXPECT_EQ(received.back(), 'z');
  EXPECT_EQ(received.find_first_of("y", received.size() - 1), std::string::npos);
  EXPECT_EQ(server_->stats().connections_open, 1u);
}

TEST_F(Overflow, AnEmptyConnectionTakesNoMoreThanTheBoundEither) {
  evnet_options options = SmallMarks();
  options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  options.outbound_bytes_max = kMax;
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    const std::string data(kMax + 1, 'x');
    EXPECT_EQ(evnet_conn_write(conn, data.data(), data.size()), -ENOBUFS);
    Write(conn, data.substr(1));
    return EVNET_CLOSE;
  };
  Server server(callbacks, options);
  Client client(server.port());
  EXPECT_EQ(client.ReceiveToEnd().size(), kMax);
}

}  // namespace
}  // namespace evnet_testing
