// Graceful shutdown of a server: the places where a stop may be requested, the bytes that are still
// delivered, and the deadline.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 12 << 20;  // more than the kernel buffers for a client that does not read

// Adds the reason of each close to the journal.
Callbacks Noted(Journal *journal, Callbacks callbacks = Echo()) {
  callbacks.on_close = [=](evnet_conn *, int reason) {
    journal->Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  return callbacks;
}

TEST(Stop, WithoutConnectionsIsImmediate) {
  for (const int reactors : {1, 3}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Echo(), options);
    const int64_t began_ms = NowMs();
    EXPECT_EQ(server.Stop(60000), 0);
    EXPECT_LT(NowMs() - began_ms, 5000);
  }
}

TEST(Stop, FromEveryCallback) {
  for (const std::string where :
       {"open", "data", "half_close", "close", "tick", "boot", "stopping"}) {
    SCOPED_TRACE(where);
    for (const int reactors : {1, 3}) {
      Callbacks callbacks = Echo();
      std::atomic<evnet_server *> running{nullptr};
      const auto stop = [&](const char *here) {
        if (where == here) evnet_server_stop(running, 5000);
      };
      callbacks.on_boot = [&](evnet_server *server) {
        running = server;
        stop("boot");
        return EVNET_NONE;
      };
      callbacks.on_tick = [&](evnet_server *, uint64_t *delay_ms) {
        stop("tick");
        *delay_ms = 1;
        return EVNET_NONE;
      };
      callbacks.on_open = [&](evnet_conn *) {
        stop("open");
        if (where == "stopping") evnet_server_stop(running, 5000);
        return EVNET_NONE;
      };
      callbacks.on_data = [&](evnet_conn *conn) {
        stop("data");
        return EchoData(conn);
      };
      callbacks.on_half_close = [&](evnet_conn *) {
        stop("half_close");
        return EVNET_CLOSE;
      };
      callbacks.on_close = [&](evnet_conn *, int) {
        stop("close");
        return EVNET_NONE;
      };
      callbacks.on_stopping = [&](evnet_conn *) { stop("stopping"); };
      evnet_options options = {};
      options.reactors = reactors;
      Server server(callbacks, options);
      if (where != "boot" && where != "tick") {
        Client client(server.port());
        client.TrySend("x");
        if (where != "stopping" && where != "open") client.ShutdownWrite();
        client.ReceiveToEnd();
      }
      EXPECT_EQ(server.Wait(), 0);
      EXPECT_EQ(server.stats().connections_open, 0u);
    }
  }
}

TEST(Stop, FromManyThreadsAtOnce) {
  Journal journal;
  Callbacks callbacks = Noted(&journal);
  std::atomic<int> shutdowns{0};
  callbacks.on_shutdown = [&](evnet_server *) { shutdowns++; };
  evnet_options options = {};
  options.reactors = 3;
  Server server(callbacks, options);
  std::vector<Client> clients;
  for (int i = 0; i < 12; i++) clients.emplace_back(server.port());
  ASSERT_TRUE(server.WaitForOpen(12));
  std::vector<std::thread> stoppers;
  for (int i = 0; i < 8; i++) {
    stoppers.emplace_back([&, i] { evnet_server_stop(server.get(), 1000 * i); });
  }
  EXPECT_EQ(server.Wait(), 0);
  for (std::thread &stopper : stoppers) stopper.join();
  EXPECT_EQ(shutdowns, 1);
  EXPECT_EQ(journal.Lines().size(), 12u);
}

TEST(Stop, ClosesIdleConnectionsInAnOrderlyWay) {
  for (const int reactors : {1, 3}) {
    Journal journal;
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Noted(&journal), options);
    std::vector<Client> clients;
    for (int i = 0; i < 9; i++) {
      clients.emplace_back(server.port());
      EXPECT_EQ(clients.back().Exchange("hello"), "hello");
    }
    evnet_server_stop(server.get(), 60000);
    for (Client &client : clients) {
      EXPECT_EQ(client.ReceiveToEnd(), "");
      EXPECT_EQ(client.end(), Client::End::kEnd);
      client.Close();
    }
    EXPECT_EQ(server.Wait(), 0);
    EXPECT_EQ(journal.Count("EVNET_REASON_SHUTDOWN"), 9u);
  }
}

TEST(Stop, AcceptsNothingMore) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  std::atomic<int> stopping{0};
  callbacks.on_stopping = [&](evnet_conn *) { stopping++; };
  Server server(callbacks);
  const uint16_t port = server.port();
  Client client(port);
  ASSERT_TRUE(server.WaitForOpen(1));
  evnet_server_stop(server.get(), 60000);
  ASSERT_TRUE(WaitUntil([&] { return stopping == 1; }));
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const evnet_address address = client.RemoteAddress();
  EXPECT_NE(connect(descriptor, &address.socket.any, address.size), 0);
  EXPECT_EQ(errno, ECONNREFUSED);
  close(descriptor);
  client.Reset();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(server.stats().connections_accepted, 1u);
}

TEST(Stop, DeliversWhatIsQueued) {
  const std::string data = Pattern(kMuch);
  Journal journal;
  Callbacks callbacks = Noted(&journal, Callbacks());
  callbacks.on_open = [&](evnet_conn *conn) {
    Write(conn, data);
    EXPECT_GT(evnet_conn_outbound_bytes(conn), 0u);
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  evnet_server_stop(server.get(), 60000);
  EXPECT_TRUE(client.ReceiveToEnd() == data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(journal.Count("EVNET_REASON_SHUTDOWN"), 1u);
}

TEST(Stop, AnswersWhatClientsHadSentBeforeIt) {
  // A callback blocks the loop while clients send, and the stop is the loop's next step.
  for (const size_t bytes : {size_t{5}, size_t{30000}}) {
    const std::string request = Pattern(bytes);
    std::atomic<bool> held{false}, go_on{false};
    Callbacks callbacks = Echo();
    std::atomic<evnet_conn *> any{nullptr};
    callbacks.on_open = [&](evnet_conn *conn) {
      any = conn;
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.read_turn_bytes_max = 4096;  // each request needs several reads
    Server server(callbacks, options);
    std::vector<Client> clients;
    for (int i = 0; i < 4; i++) clients.emplace_back(server.port());
    ASSERT_TRUE(server.WaitForOpen(4));
    Post(evnet_conn_reactor(any), [&] {
      held = true;
      EXPECT_TRUE(WaitUntil([&] { return go_on.load(); }));
    });
    ASSERT_TRUE(WaitUntil([&] { return held.load(); }));
    for (Client &client : clients) {
      client.SendAll(request);
      client.WaitUntilDelivered();
    }
    evnet_server_stop(server.get(), 60000);
    go_on = true;
    for (Client &client : clients) {
      EXPECT_TRUE(client.ReceiveToEnd() == request);
      EXPECT_EQ(client.end(), Client::End::kEnd);
      client.Close();
    }
    EXPECT_EQ(server.Wait(), 0);
  }
}

TEST(Stop, OnStoppingMayStillSayGoodbye) {
  Callbacks callbacks;
  callbacks.on_stopping = [](evnet_conn *conn) { Write(conn, "bye"); };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  evnet_server_stop(server.get(), 60000);
  EXPECT_EQ(client.ReceiveToEnd(), "bye");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
}

TEST(Stop, WaitsForAnswersThatAreOwed) {
  std::atomic<evnet_conn *> asked{nullptr};
  std::atomic<bool> stopping{false};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    evnet_conn_hold(conn);
    asked = conn;
    return EVNET_NONE;
  };
  callbacks.on_stopping = [&](evnet_conn *) { stopping = true; };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("question");
  ASSERT_TRUE(WaitUntil([&] { return asked.load() != nullptr; }));
  evnet_server_stop(server.get(), 60000);
  ASSERT_TRUE(WaitUntil([&] { return stopping.load(); }));
  EXPECT_FALSE(client.Readable(50));
  Post(evnet_conn_reactor(asked), [&] {
    Write(asked, "answer");
    evnet_conn_release(asked);
  });
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
}

TEST(Stop, WaitsForARequestOfWhichAPartIsUnread) {
  Journal journal;
  Callbacks callbacks = Noted(&journal, Callbacks());
  callbacks.on_data = [&](evnet_conn *conn) {
    if (evnet_conn_inbound_bytes(conn) < 4) return EVNET_NONE;
    Write(conn, "got " + Take(conn));
    return EVNET_NONE;
  };
  callbacks.on_stopping = [&](evnet_conn *) { journal.Add("stopping"); };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("ab");
  ASSERT_TRUE(WaitUntil([&] { return server.stats().bytes_received == 2; }));
  evnet_server_stop(server.get(), 60000);
  ASSERT_TRUE(journal.WaitFor("stopping"));
  EXPECT_FALSE(client.Readable(50));
  client.SendAll("cd");
  EXPECT_EQ(client.ReceiveToEnd(), "got abcd");
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(journal.Count("EVNET_REASON_SHUTDOWN"), 1u);
}

TEST(Stop, AClientThatNeverReadsDelaysItToTheDeadlineAndNoLonger) {
  Journal journal;
  Callbacks callbacks = Noted(&journal, Callbacks());
  const std::string data = Pattern(kMuch);
  callbacks.on_open = [&](evnet_conn *conn) {
    Write(conn, data);
    return EVNET_NONE;
  };
  std::atomic<int> stopping{0};
  callbacks.on_stopping = [&](evnet_conn *) { stopping++; };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  const int64_t began_ms = NowMs();
  EXPECT_EQ(server.Stop(200), 0);
  EXPECT_GE(NowMs() - began_ms, 195);
  EXPECT_LT(NowMs() - began_ms, 5000);
  EXPECT_EQ(journal.Lines(), std::vector<std::string>{"EVNET_REASON_DRAIN_DEADLINE"});
  EXPECT_EQ(stopping, 1);
  client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
}

TEST(Stop, ZeroResetsAtOnceAndEachConnectionIsStillTold) {
  Journal journal;
  Callbacks callbacks = Noted(&journal, Callbacks());
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  callbacks.on_stopping = [&](evnet_conn *) { journal.Add("stopping"); };
  Server server(callbacks);
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Lines(), (std::vector<std::string>{"stopping", "EVNET_REASON_DRAIN_DEADLINE"}));
  client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
}

TEST(Stop, TheShorterOfTwoDeadlinesWinsWhicheverComesFirst) {
  for (const bool short_first : {false, true}) {
    Callbacks callbacks;
    callbacks.on_open = [](evnet_conn *conn) {
      evnet_conn_hold(conn);
      return EVNET_NONE;
    };
    Server server(callbacks);
    Client client(server.port());
    ASSERT_TRUE(server.WaitForOpen(1));
    const int64_t began_ms = NowMs();
    evnet_server_stop(server.get(), short_first ? 100 : 60000);
    evnet_server_stop(server.get(), short_first ? 60000 : 100);
    EXPECT_EQ(server.Wait(), 0);
    EXPECT_GE(NowMs() - began_ms, 95);
    EXPECT_LT(NowMs() - began_ms, 10000);
  }
}

TEST(Stop, ShutdownDrainsAsLongAsTheOptionSays) {
  evnet_options options = {};
  options.drain_ms = 150;
  Callbacks callbacks;
  callbacks.on_data = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    evnet_conn_discard(conn, SIZE_MAX);
    return EVNET_SHUTDOWN;
  };
  Server server(callbacks, options);
  Client client(server.port());
  client.SendAll("x");
  const int64_t began_ms = NowMs();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_GE(NowMs() - began_ms, 100);
  EXPECT_LT(NowMs() - began_ms, 5000);
}

TEST(Stop, AClientThatNeverStopsSendingDoesNotDelayIt) {
  Journal journal;
  Server server(Noted(&journal, Callbacks()));
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  std::atomic<bool> ended{false};
  std::thread sender([&] {
    const std::string block = Pattern(1 << 20);
    while (!ended) client.TrySend(block);
  });
  ASSERT_TRUE(WaitUntil([&] { return server.stats().bytes_received > 1000000; }));
  const int64_t began_ms = NowMs();
  EXPECT_EQ(server.Stop(500), 0);
  EXPECT_LT(NowMs() - began_ms, 5000);
  ended = true;
  sender.join();
  EXPECT_EQ(journal.Lines().size(), 1u);
}

}  // namespace
}  // namespace evnet_testing
