// The functions write, writev and flush, and on_prewrite: order and completeness on each path to
// the socket. Small writes gather in the scratch block. Writes of 4,096 bytes or more are sent
// directly. Bytes that the kernel does not accept, and all bytes after them, are queued.
#include <errno.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 12 << 20;  // more than the kernel buffers for a client that does not read

// Serves one connection. Runs `answer` when the client has sent a byte.
class Writing : public testing::Test {
 protected:
  // Stops the server before the test's variables are destroyed, because its callbacks use them.
  class Running {
   public:
    explicit Running(Writing *test) : test_(test) {}
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;
    ~Running() { test_->server_ = nullptr; }

   private:
    Writing *test_;
  };

  [[nodiscard]] Running Begin(std::function<evnet_action(evnet_conn *)> answer,
                              const evnet_options &options = {}) {
    callbacks_.on_data = [=](evnet_conn *conn) {
      evnet_conn_discard(conn, SIZE_MAX);
      return answer(conn);
    };
    server_ = std::make_unique<Server>(callbacks_, options);
    client_ = std::make_unique<Client>(server_->port());
    client_->SendAll("x");
    return Running(this);
  }

  Callbacks callbacks_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(Writing, SmallWritesOfACallbackArriveInOrder) {
  std::string expected;
  for (int i = 0; i < 1000; i++) expected += std::to_string(i) + ",";
  const Running running = Begin([](evnet_conn *conn) {
    for (int i = 0; i < 1000; i++) Write(conn, std::to_string(i) + ",");
    EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u) << "the bytes gather until the callback returns";
    return EVNET_CLOSE;
  });
  EXPECT_EQ(client_->ReceiveToEnd(), expected);
}

TEST_F(Writing, MoreSmallWritesThanTheScratchBlockHoldsArriveInOrder) {
  const std::string data = Pattern(kMuch);
  const Running running = Begin([&](evnet_conn *conn) {
    for (size_t i = 0; i < data.size(); i += 3000) Write(conn, data.substr(i, 3000));
    return EVNET_CLOSE;
  });
  EXPECT_TRUE(client_->ReceiveToEnd() == data);
}

TEST_F(Writing, SizesAroundEveryEdgeArriveInOrder) {
  std::string expected;
  std::vector<std::string> pieces;
  for (const size_t edge : {1, 4096, 65536, 131072, 1 << 20}) {
    for (const int off : {-1, 0, 1}) {
      pieces.push_back(Pattern(edge + static_cast<size_t>(off), static_cast<uint32_t>(edge)));
      expected += pieces.back();
      pieces.push_back("|");
      expected += "|";
    }
  }
  const Running running = Begin([&](evnet_conn *conn) {
    for (const std::string &piece : pieces) Write(conn, piece);
    return EVNET_CLOSE;
  });
  EXPECT_TRUE(client_->ReceiveToEnd() == expected);
}

TEST_F(Writing, EverythingIsTakenWhileTheClientReadsNothing) {
  const std::string data = Pattern(kMuch);
  evnet_options options = {};
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  std::atomic<bool> written{false};
  const Running running = Begin(
      [&](evnet_conn *conn) {
        Write(conn, "small ");
        Write(conn, data);
        Write(conn, " small");
        EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u);
        written = true;
        return EVNET_NONE;
      },
      options);
  EXPECT_TRUE(WaitUntil([&] { return written.load(); }));
  EXPECT_TRUE(client_->Receive(kMuch + 12) == "small " + data + " small");
}

TEST_F(Writing, WritevTakesTenThousandPiecesOfWhichSomeAreEmpty) {
  const std::string data = Pattern(10000 * 200);
  std::vector<iovec> pieces;
  std::string expected;
  for (size_t i = 0; i < 10000; i++) {
    const size_t size = i % 7 == 0 ? 0 : i % 200;
    pieces.push_back({const_cast<char *>(data.data() + i * 200), size});
    expected += data.substr(i * 200, size);
  }
  const Running running = Begin([&](evnet_conn *conn) {
    Write(conn, "<");
    EXPECT_EQ(evnet_conn_writev(conn, pieces.data(), pieces.size()),
              static_cast<ssize_t>(expected.size()));
    Write(conn, ">");
    return EVNET_CLOSE;
  });
  EXPECT_TRUE(client_->ReceiveToEnd() == "<" + expected + ">");
}

TEST_F(Writing, WritevBehindAQueueKeepsItsPlace) {
  const std::string data = Pattern(kMuch);
  const std::string tail = Pattern(300000, 2);
  const Running running = Begin([&](evnet_conn *conn) {
    Write(conn, data);
    EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u);
    std::vector<iovec> pieces;
    for (size_t i = 0; i < tail.size(); i += 100) {
      pieces.push_back({const_cast<char *>(tail.data() + i), 100});
    }
    EXPECT_EQ(evnet_conn_writev(conn, pieces.data(), pieces.size()), 300000);
    return EVNET_CLOSE;
  });
  EXPECT_TRUE(client_->ReceiveToEnd() == data + tail);
}

TEST_F(Writing, NothingIsWrittenByAnEmptyWrite) {
  const Running running = Begin([](evnet_conn *conn) {
    const iovec empty[] = {{nullptr, 0}, {nullptr, 0}};
    EXPECT_EQ(evnet_conn_write(conn, nullptr, 0), 0);
    EXPECT_EQ(evnet_conn_writev(conn, empty, 2), 0);
    EXPECT_EQ(evnet_conn_writev(conn, nullptr, 0), 0);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u);
    return EVNET_CLOSE;
  });
  EXPECT_EQ(client_->ReceiveToEnd(), "");
}

TEST_F(Writing, FlushSendsBeforeTheCallbackReturns) {
  std::atomic<bool> go_on{false};
  const Running running = Begin([&](evnet_conn *conn) {
    Write(conn, "first");
    EXPECT_EQ(evnet_conn_flush(conn), 0);
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u);
    EXPECT_TRUE(WaitUntil([&] { return go_on.load(); }));
    Write(conn, "second");
    return EVNET_CLOSE;
  });
  EXPECT_EQ(client_->Receive(5), "first") << "while the callback is still running";
  go_on = true;
  EXPECT_EQ(client_->ReceiveToEnd(), "second");
}

TEST_F(Writing, FlushTellsWhatStaysQueued) {
  const std::string data = Pattern(kMuch);
  const Running running = Begin([&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_flush(conn), 0);
    Write(conn, data);
    EXPECT_EQ(evnet_conn_flush(conn), static_cast<ssize_t>(evnet_conn_outbound_bytes(conn)));
    EXPECT_GT(evnet_conn_flush(conn), 0);
    evnet_conn_close(conn);
    return EVNET_NONE;
  });
  EXPECT_TRUE(client_->ReceiveToEnd() == data);
}

TEST_F(Writing, ToAnotherConnectionKeepsBothInOrder) {
  evnet_conn *first = nullptr;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    if (first == nullptr) first = conn;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    for (int i = 0; i < 100; i++) {
      Write(conn, "own" + std::to_string(i));
      Write(first, "other" + std::to_string(i));
    }
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client other(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  Client own(server.port());
  own.SendAll("x");
  std::string of_own, of_other;
  for (int i = 0; i < 100; i++) {
    of_own += "own" + std::to_string(i);
    of_other += "other" + std::to_string(i);
  }
  EXPECT_EQ(own.Receive(of_own.size()), of_own);
  EXPECT_EQ(other.Receive(of_other.size()), of_other);
}

TEST_F(Writing, AfterShutdownWriteIsRefusedAndTheOtherDirectionGoesOn) {
  std::string received;
  Journal journal;
  callbacks_.on_half_close = [&](evnet_conn *) {
    journal.Add("half_close");
    return EVNET_CLOSE;
  };
  const std::string data = Pattern(kMuch);
  bool first = true;
  callbacks_.on_data = [&](evnet_conn *conn) {
    received += Take(conn);
    if (!first) return EVNET_NONE;
    first = false;
    Write(conn, data);
    EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
    EXPECT_EQ(evnet_conn_shutdown_write(conn), 0) << "a second time";
    EXPECT_EQ(evnet_conn_write(conn, "x", 1), -EPIPE);
    return EVNET_NONE;
  };
  Server server(callbacks_);
  Client client(server.port());
  client.SendAll("x");
  EXPECT_TRUE(client.ReceiveToEnd() == data) << "FIN comes after the written bytes";
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.SendAll("still taken");
  client.ShutdownWrite();
  EXPECT_TRUE(journal.WaitFor("half_close"));
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(received, "xstill taken");
}

TEST_F(Writing, PrewriteComesOnceForAGatheredSendAndItsBytesLeaveWithIt) {
  std::atomic<int> calls{0};
  callbacks_.on_prewrite = [&](evnet_conn *conn) {
    calls++;
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 2u) << "before the bytes are sent";
    Write(conn, "[pre]");
  };
  const Running running = Begin([](evnet_conn *conn) {
    Write(conn, "a");
    Write(conn, "b");
    return EVNET_CLOSE;
  });
  EXPECT_EQ(client_->ReceiveToEnd(), "ab[pre]");
  EXPECT_EQ(calls, 1);
}

TEST_F(Writing, PrewriteComesForADirectSendAndForFlush) {
  std::atomic<int> calls{0};
  callbacks_.on_prewrite = [&](evnet_conn *conn) {
    calls++;
    Write(conn, "[pre]");
  };
  const std::string data = Pattern(8192);
  const Running running = Begin([&](evnet_conn *conn) {
    Write(conn, "a");
    EXPECT_EQ(evnet_conn_flush(conn), 0);
    EXPECT_EQ(calls, 1);
    Write(conn, "b");
    Write(conn, data);
    EXPECT_EQ(calls, 2);
    return EVNET_CLOSE;
  });
  EXPECT_EQ(client_->ReceiveToEnd(), "a[pre]b[pre]" + data);
  EXPECT_EQ(calls, 2);
}

TEST_F(Writing, PrewriteComesForWhatWasQueued) {
  std::atomic<int> calls{0};
  callbacks_.on_prewrite = [&](evnet_conn *conn) {
    calls++;
    if (calls > 1) evnet_conn_write(conn, "!", 1);
  };
  const std::string data = Pattern(kMuch);
  const Running running = Begin([&](evnet_conn *conn) {
    Write(conn, data);
    EXPECT_EQ(calls, 1);
    return EVNET_NONE;
  });
  EXPECT_TRUE(client_->Receive(data.size()) == data);
  EXPECT_TRUE(WaitUntil([&] { return calls > 1; })) << "each send of the queue is announced";
  const int extra = calls - 1;
  EXPECT_EQ(client_->Receive(static_cast<size_t>(extra)),
            std::string(static_cast<size_t>(extra), '!'));
}

TEST_F(Writing, ALargeWriteOfPrewriteIsTakenToo) {
  const std::string large = Pattern(100000);
  callbacks_.on_prewrite = [&](evnet_conn *conn) { Write(conn, large); };
  const Running running = Begin([](evnet_conn *conn) {
    Write(conn, "a");
    return EVNET_NONE;
  });
  EXPECT_EQ(client_->Receive(1 + large.size()), "a" + large);
}

TEST_F(Writing, PrewriteMayEndTheConnection) {
  Journal journal;
  callbacks_.on_prewrite = [](evnet_conn *conn) { evnet_conn_abort(conn); };
  callbacks_.on_close = [&](evnet_conn *, int reason) {
    journal.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  const Running running = Begin([](evnet_conn *conn) {
    Write(conn, "never sent");
    return EVNET_NONE;
  });
  EXPECT_EQ(client_->ReceiveToEnd(), "");
  EXPECT_EQ(client_->end(), Client::End::kReset);
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_ABORTED"));
}

}  // namespace
}  // namespace evnet_testing
