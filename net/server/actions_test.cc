// Every action, returned from every callback that can return an action.
#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

enum class From { kBoot, kOpen, kData, kHalfClose, kPressure, kDrain, kTimeout, kClose, kTick };

struct Case {
  From from;
  const char *name;
};

const Case kCases[] = {
    {From::kBoot, "Boot"},           {From::kOpen, "Open"},         {From::kData, "Data"},
    {From::kHalfClose, "HalfClose"}, {From::kPressure, "Pressure"}, {From::kDrain, "Drain"},
    {From::kTimeout, "Timeout"},     {From::kClose, "Close"},       {From::kTick, "Tick"}};

constexpr size_t kMuch = 12 << 20;  // more than the kernel buffers for a client that does not read

// A server, and a client that causes a certain callback. The first time, that callback writes "bye"
// and returns `action`.
class Actions : public testing::TestWithParam<Case> {
 protected:
  void Begin(evnet_action action) {
    action_ = action;
    const From from = GetParam().from;
    Callbacks callbacks;
    const auto once = [=](evnet_conn *conn) { return Reached(conn); };
    if (from == From::kBoot) callbacks.on_boot = [=](evnet_server *) { return Reached(nullptr); };
    if (from == From::kTick) {
      callbacks.on_tick = [=](evnet_server *, uint64_t *) { return Reached(nullptr); };
    }
    if (from == From::kOpen) callbacks.on_open = once;
    callbacks.on_data = [=](evnet_conn *conn) {
      if (from == From::kData && !reached_) {
        evnet_conn_discard(conn, 1);
        return Reached(conn);
      }
      if (from == From::kPressure || from == From::kDrain) {
        const std::string request = Take(conn);
        if (request != "x") Write(conn, request);
        if (request == "x") Write(conn, Pattern(kMuch));
        return EVNET_NONE;
      }
      return EchoData(conn);
    };
    if (from == From::kHalfClose) callbacks.on_half_close = once;
    if (from == From::kPressure) callbacks.on_pressure = once;
    if (from == From::kDrain) {
      callbacks.on_pressure = [=](evnet_conn *) {
        pressed_ = true;
        return EVNET_NONE;
      };
      callbacks.on_drain = once;
    }
    if (from == From::kTimeout) {
      callbacks.on_timeout = [=](evnet_conn *conn, evnet_timeout which) {
        EXPECT_EQ(which, EVNET_TIMEOUT_IDLE);
        return Reached(conn);
      };
    }
    callbacks.on_close = [=](evnet_conn *conn, int reason) {
      reason_ = reason;
      return from == From::kClose && !reached_ ? Reached(conn) : EVNET_NONE;
    };
    evnet_options options = {};
    options.drain_ms = 3000;
    if (from == From::kTimeout) options.idle_timeout_ms = 50;
    server_ = std::make_unique<Server>(callbacks, options);
    // A server that stops at boot or at the first tick never accepts.
    if ((from == From::kBoot || from == From::kTick) && action == EVNET_SHUTDOWN) return;
    client_ = std::make_unique<Client>(server_->port());
    Provoke();
  }

  void Provoke() {
    switch (GetParam().from) {
      case From::kData:
      case From::kPressure:
        client_->SendAll("x");
        break;
      case From::kHalfClose:
        client_->ShutdownWrite();
        break;
      case From::kDrain:
        client_->SendAll("x");
        // If the client read immediately, it might keep up with the server, and no byte would be
        // queued.
        EXPECT_TRUE(WaitUntil([&] { return pressed_.load(); }));
        EXPECT_EQ(client_->Receive(kMuch), Pattern(kMuch));
        break;
      case From::kClose:
        client_->Close();
        break;
      default:
        break;
    }
    EXPECT_TRUE(WaitUntil([&] { return reached_.load(); }));
  }

  // Returns the number of bytes that the client receives before the "bye".
  size_t Before() const { return GetParam().from == From::kPressure ? kMuch : 0; }

  bool OfAConnection() const {
    return GetParam().from != From::kBoot && GetParam().from != From::kTick &&
           GetParam().from != From::kClose;
  }

  void ExpectOpen() {
    if (OfAConnection()) {
      EXPECT_EQ(client_->Receive(Before() + 3).substr(Before()), "bye");
    }
    if (GetParam().from == From::kClose) client_ = std::make_unique<Client>(server_->port());
    if (GetParam().from == From::kHalfClose) {
      EXPECT_FALSE(client_->Readable(50));
      EXPECT_EQ(server_->stats().connections_open, 1u);
    } else {
      EXPECT_EQ(client_->Exchange("ping"), "ping");
    }
  }

  void ExpectClosed(int reason) {
    EXPECT_EQ(client_->ReceiveToEnd().substr(Before()), "bye") << "the written bytes are delivered";
    EXPECT_EQ(client_->end(), Client::End::kEnd);
    client_->Close();
    EXPECT_TRUE(server_->WaitForClosed(1));
    EXPECT_EQ(evnet_status_name(reason_), std::string(evnet_status_name(reason)));
  }

 private:
  evnet_action Reached(evnet_conn *conn) {
    if (reached_) return EVNET_NONE;
    if (conn != nullptr && GetParam().from != From::kClose) Write(conn, "bye");
    reached_ = true;
    return action_;
  }

  evnet_action action_ = EVNET_NONE;
  std::atomic<bool> reached_{false};
  std::atomic<bool> pressed_{false};
  std::atomic<int> reason_{0};

 protected:
  // The last member, so that it is destroyed before the data of its callbacks.
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_P(Actions, NoneGoesOn) {
  Begin(EVNET_NONE);
  if (GetParam().from == From::kTimeout) {
    ExpectClosed(EVNET_REASON_IDLE_TIMEOUT);
  } else {
    ExpectOpen();
  }
}

TEST_P(Actions, CloseDeliversWhatWasWrittenAndClosesOrIsIgnored) {
  Begin(EVNET_CLOSE);
  if (!OfAConnection()) {
    ExpectOpen();
  } else if (GetParam().from == From::kTimeout) {
    ExpectClosed(EVNET_REASON_IDLE_TIMEOUT);
  } else {
    ExpectClosed(EVNET_REASON_LOCAL);
  }
}

TEST_P(Actions, ShutdownStopsTheServerInAnOrderlyWay) {
  Begin(EVNET_SHUTDOWN);
  if (OfAConnection()) {
    EXPECT_EQ(client_->ReceiveToEnd().substr(Before()), "bye");
    EXPECT_EQ(client_->end(), Client::End::kEnd);
  }
  client_ = nullptr;
  EXPECT_EQ(server_->Wait(), 0);
}

TEST_P(Actions, KeepMeansSomethingFromOnTimeoutOnly) {
  Begin(EVNET_KEEP);
  if (GetParam().from == From::kTimeout) {
    EXPECT_EQ(server_->stats().connections_open, 1u);
  }
  ExpectOpen();
}

INSTANTIATE_TEST_SUITE_P(From, Actions, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case> &from) {
                           return std::string(from.param.name);
                         });

}  // namespace
}  // namespace evnet_testing
