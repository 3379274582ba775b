// The ends of connections: close, half-close from either side, abort, and holds.
#include <errno.h>
#include <signal.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 12 << 20;  // more than the kernel buffers for a client that does not read

// Returns an on_close that adds its reason to the journal.
std::function<evnet_action(evnet_conn *, int)> Reasons(Journal *journal) {
  return [=](evnet_conn *, int reason) {
    journal->Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
}

TEST(Close, DeliversEverythingToAClientThatReadsLate) {
  const std::string data = Pattern(kMuch);
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    Write(conn, data);
    EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u);
    evnet_conn_close(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_LOCAL"));
}

TEST(Close, LingersSoThatUnreadInputDestroysNothing) {
  // If there are unread bytes, close(2) sends a reset, and the client loses what it has not read.
  const std::string data = Pattern(kMuch);
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    Write(conn, data);
    return EVNET_CLOSE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("request");
  client.SendUntilBlocked(Pattern(1 << 20), 10);
  const std::string half = client.Receive(kMuch / 2);
  client.TrySend("more that stays unread");
  EXPECT_TRUE(half + client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST(Close, InputThatComesLateIsThrownAwayWithoutOnData) {
  std::atomic<int> calls{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    calls++;
    Write(conn, "bye");
    return EVNET_CLOSE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("x");
  EXPECT_EQ(client.ReceiveToEnd(), "bye");
  client.SendAll(Pattern(100000));
  EXPECT_TRUE(WaitUntil([&] { return server.stats().bytes_received == 100001; }));
  EXPECT_EQ(server.stats().connections_open, 1u) << "the server waits for the client's FIN";
  client.Close();
  EXPECT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(calls, 1);
}

TEST(HalfClose, AClientThatSendsAllThenReadsGetsAll) {
  for (const size_t bytes : {size_t{1}, size_t{64} << 10, size_t{1} << 20, size_t{4} << 20}) {
    Server server;
    Client client(server.port());
    const std::string data = Pattern(bytes);
    client.SendAll(data);
    client.ShutdownWrite();
    EXPECT_TRUE(client.ReceiveToEnd() == data) << bytes;
    EXPECT_EQ(client.end(), Client::End::kEnd);
    client.Close();
    EXPECT_TRUE(server.WaitForClosed(1));
  }
}

TEST(HalfClose, MegabytesStillQueuedTowardThePeerArriveThenTheEnd) {
  const std::string data = Pattern(kMuch);
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    Write(conn, data);
    return EVNET_NONE;
  };
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("x");
  client.ShutdownWrite();
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_PEER"));
}

TEST(HalfClose, AnEndWithoutABye) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  { Client client(server.port()); }
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_PEER"));
}

TEST(HalfClose, AHandlerMayGoOnWritingLongAfterIt) {
  std::atomic<evnet_conn *> of_all{nullptr};
  Callbacks callbacks;
  callbacks.on_half_close = [&](evnet_conn *conn) {
    of_all = conn;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.ShutdownWrite();
  ASSERT_TRUE(WaitUntil([&] { return of_all.load() != nullptr; }));
  const std::string data = Pattern(kMuch);
  for (int i = 0; i < 2; i++) {
    Post(evnet_conn_reactor(of_all), [&] { Write(of_all, data); });
    EXPECT_TRUE(client.Receive(data.size()) == data);
  }
  Post(evnet_conn_reactor(of_all), [&] { evnet_conn_close(of_all); });
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  EXPECT_TRUE(server.WaitForClosed(1)) << "both sides have sent FIN: no reason to linger";
}

TEST(HalfClose, AResetAfterItIsNoticed) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_half_close = [&](evnet_conn *) {
    journal.Add("half_close");
    return EVNET_NONE;
  };
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client client(server.port());
  client.ShutdownWrite();
  ASSERT_TRUE(journal.WaitFor("half_close"));
  client.Reset();
  // Linux reports EPIPE for a reset that follows a FIN (tcp_reset in net/ipv4/tcp_input.c).
  EXPECT_TRUE(WaitUntil([&] { return journal.Count("EPIPE") + journal.Count("ECONNRESET") == 1; }));
}

TEST(Abort, DropsEverythingAndTheClientSeesAReset) {
  Journal journal;
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    Write(conn, Pattern(kMuch));
    evnet_conn_abort(conn);
    EXPECT_EQ(evnet_conn_write(conn, "x", 1), -ENOTCONN);
    EXPECT_EQ(evnet_conn_flush(conn), -ENOTCONN);
    return EVNET_NONE;
  };
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("x");
  EXPECT_LT(client.ReceiveToEnd().size(), kMuch);
  EXPECT_EQ(client.end(), Client::End::kReset);
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_ABORTED"));
}

TEST(Reset, InTheMiddleHurtsNobodyElse) {
  Journal journal;
  Callbacks callbacks = Echo();
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client other(server.port());
  const std::string data = Pattern(300000);
  for (int i = 0; i < 10; i++) {
    Client client(server.port());
    client.SendUntilBlocked(Pattern(16 << 20), 20);
    client.Reset();
    EXPECT_TRUE(other.Exchange(data) == data);
  }
  ASSERT_TRUE(server.WaitForClosed(10));
  EXPECT_EQ(server.stats().connections_open, 1u);
  for (const std::string &reason : journal.Lines()) {
    EXPECT_TRUE(reason == "ECONNRESET" || reason == "EPIPE") << reason;
  }
}

TEST(Reset, NoSignalEvenIfSigpipeKills) {
  struct sigaction before;
  struct sigaction deadly = {};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &before), 0);
  std::atomic<int> failed{0};
  Callbacks callbacks;
  callbacks.on_half_close = [](evnet_conn *) { return EVNET_NONE; };
  callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
    *delay_ms = 1;
    return EVNET_NONE;
  };
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    // The client resets at the same time, so eventually a send fails.
    const std::string data = Pattern(100000);
    const bool broke = WaitUntil([&] {
      return evnet_conn_write(conn, data.data(), data.size()) < 0 ||
             evnet_conn_outbound_bytes(conn) > 0;
    });
    if (broke) failed++;
    return EVNET_NONE;
  };
  for (int i = 0; i < 3; i++) {
    Server server(callbacks);
    Client client(server.port());
    client.SendAll("x");
    client.Receive(1);
    client.Reset();
    EXPECT_TRUE(server.WaitForClosed(1));
  }
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(sigaction(SIGPIPE, &before, nullptr), 0);
}

// The hold stands for a reply that another thread owes.
TEST(Hold, AHalfClosedConnectionWaitsForIt) {
  Journal journal;
  std::atomic<evnet_conn *> of_all{nullptr};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    evnet_conn_hold(conn);
    evnet_conn_hold(conn);
    of_all = conn;
    return EVNET_NONE;
  };
  callbacks.on_close = Reasons(&journal);
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("question");
  client.ShutdownWrite();
  ASSERT_TRUE(WaitUntil([&] { return of_all.load() != nullptr; }));
  EXPECT_FALSE(client.Readable(100));
  Post(evnet_conn_reactor(of_all), [&] { evnet_conn_release(of_all); });
  EXPECT_FALSE(client.Readable(50)) << "one of two holds remains";
  Post(evnet_conn_reactor(of_all), [&] {
    Write(of_all, "answer");
    evnet_conn_release(of_all);
  });
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_PEER"));
}

TEST(Hold, DoesNotKeepAConnectionThatWasReset) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  client.Reset();
  EXPECT_TRUE(server.WaitForClosed(1));
}

TEST(Hold, WithoutAnEndOfThePeerChangesNothing) {
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    EchoData(conn);
    evnet_conn_release(conn);
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  for (int i = 0; i < 10; i++) EXPECT_EQ(client.Exchange("ping"), "ping");
}

}  // namespace
}  // namespace evnet_testing
