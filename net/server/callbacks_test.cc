// Which callbacks run, how often and in which order, and the defaults of NULL callbacks.
#include <errno.h>
#include <string.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

using Lines = std::vector<std::string>;

// Each callback adds its name to the journal. on_data echoes.
Callbacks Journalled(Journal *journal) {
  Callbacks callbacks;
  callbacks.on_boot = [=](evnet_server *) {
    journal->Add("boot");
    return EVNET_NONE;
  };
  callbacks.on_open = [=](evnet_conn *) {
    journal->Add("open");
    return EVNET_NONE;
  };
  callbacks.on_data = [=](evnet_conn *conn) {
    journal->Add("data");
    return EchoData(conn);
  };
  callbacks.on_half_close = [=](evnet_conn *) {
    journal->Add("half_close");
    return EVNET_CLOSE;
  };
  callbacks.on_close = [=](evnet_conn *, int reason) {
    journal->Add(std::string("close ") + evnet_status_name(reason));
    return EVNET_NONE;
  };
  callbacks.on_tick = [=](evnet_server *, uint64_t *) {
    journal->Add("tick");
    return EVNET_NONE;
  };
  callbacks.on_stopping = [=](evnet_conn *) { journal->Add("stopping"); };
  callbacks.on_shutdown = [=](evnet_server *) { journal->Add("shutdown"); };
  return callbacks;
}

TEST(Callbacks, ComeInTheOrderOfALife) {
  Journal journal;
  Server server(Journalled(&journal));
  Client client(server.port());
  EXPECT_EQ(client.Exchange("hello"), "hello");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  client.Close();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(server.Stop(1000), 0);
  EXPECT_EQ(journal.Lines(), (Lines{"boot", "tick", "open", "data", "half_close",
                                    "close EVNET_REASON_LOCAL", "shutdown"}));
}

TEST(Callbacks, StoppingComesOnceToEachOpenConnectionAndShutdownLast) {
  for (const int reactors : {1, 3}) {
    Journal journal;
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Journalled(&journal), options);
    std::vector<Client> clients;
    for (int i = 0; i < 6; i++) clients.emplace_back(server.port());
    ASSERT_TRUE(journal.WaitFor("open", 6));
    evnet_server_stop(server.get(), 10000);
    EXPECT_TRUE(journal.WaitFor("stopping", 6));
    evnet_server_stop(server.get(), 9000);  // a second stop has no effect here
    clients.clear();
    EXPECT_EQ(server.Wait(), 0);
    EXPECT_EQ(journal.Count("stopping"), 6u);
    EXPECT_EQ(journal.Count("close EVNET_REASON_SHUTDOWN"), 6u);
    EXPECT_EQ(journal.Count("half_close"), 0u) << "a closing connection has only on_close";
    EXPECT_EQ(journal.Count("shutdown"), 1u);
    EXPECT_EQ(journal.Lines().back(), "shutdown");
  }
}

TEST(Callbacks, OnOpenAndOnCloseComeOnceWhateverEndsTheConnection) {
  Journal journal;
  Server server(Journalled(&journal));
  {
    Client ends(server.port());
    EXPECT_EQ(ends.Exchange("a"), "a");
  }
  ASSERT_TRUE(server.WaitForClosed(1));
  {
    Client resets(server.port());
    EXPECT_EQ(resets.Exchange("a"), "a");
    resets.Reset();
  }
  ASSERT_TRUE(server.WaitForClosed(2));
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(journal.Count("open"), 2u);
  EXPECT_EQ(journal.Count("close EVNET_REASON_LOCAL"), 1u);
  EXPECT_EQ(journal.Count("close ECONNRESET"), 1u);
}

TEST(Callbacks, AClosingConnectionHasItsDescriptorAndNoPlaceInOnClose) {
  std::atomic<uint64_t> open_at_close{1};
  evnet_server *server_of_all = nullptr;
  Callbacks callbacks;
  callbacks.on_boot = [&](evnet_server *server) {
    server_of_all = server;
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *conn, int) {
    struct evnet_server_stats stats;
    evnet_server_get_stats(server_of_all, &stats);
    open_at_close = stats.connections_open;
    evnet_address local;
    EXPECT_EQ(evnet_conn_local_address(conn, &local), 0) << "the descriptor is still open";
    return EVNET_NONE;
  };
  Server server(callbacks);
  { Client client(server.port()); }
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(open_at_close, 0u);
  EXPECT_EQ(server.stats().connections_open, 0u);
}

TEST(Callbacks, AHandlerOfNullsThrowsInputAwayAndClosesWithItsPeer) {
  Server server((Callbacks()));
  Client client(server.port());
  client.SendAll(Pattern(1 << 20));
  EXPECT_TRUE(WaitUntil([&] { return server.stats().bytes_received == 1 << 20; }));
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
  EXPECT_TRUE(server.WaitForClosed(1));
}

TEST(Callbacks, ANullOnHalfCloseDeliversWhatWasWrittenThenCloses) {
  Journal journal;
  Callbacks callbacks = Journalled(&journal);
  callbacks.on_half_close = nullptr;
  Server server(callbacks);
  Client client(server.port());
  const std::string data = Pattern(1 << 20);
  client.SendAll(data);
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), data);
  EXPECT_EQ(client.end(), Client::End::kEnd);
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_EQ(journal.Count("close EVNET_REASON_PEER"), 1u);
}

TEST(Callbacks, OnHalfCloseComesAfterAllThatThePeerSentAndWritingStillWorks) {
  std::string received;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    received += Take(conn);
    return EVNET_NONE;
  };
  callbacks.on_half_close = [&](evnet_conn *conn) {
    Write(conn, "got " + std::to_string(received.size()));
    return EVNET_CLOSE;
  };
  Server server(callbacks);
  Client client(server.port());
  const std::string data = Pattern(3 << 20);
  client.SendAll(data);
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "got 3145728");
  EXPECT_EQ(server.Stop(0), 0);  // TSan does not see that the socket orders the accesses
  EXPECT_EQ(received, data);
}

TEST(Callbacks, AUserPointerStaysWithItsConnection) {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_user(conn), nullptr);
    evnet_conn_set_user(conn, new std::string);
    return EVNET_NONE;
  };
  callbacks.on_data = [](evnet_conn *conn) {
    auto *said = static_cast<std::string *>(evnet_conn_user(conn));
    *said += Take(conn);
    Write(conn, *said);
    return EVNET_NONE;
  };
  callbacks.on_close = [](evnet_conn *conn, int) {
    delete static_cast<std::string *>(evnet_conn_user(conn));
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client first(server.port());
  Client second(server.port());
  first.SendAll("a");
  EXPECT_EQ(first.Receive(1), "a");
  second.SendAll("b");
  EXPECT_EQ(second.Receive(1), "b");
  first.SendAll("c");
  EXPECT_EQ(first.Receive(2), "ac");
}

TEST(Callbacks, NoTwoConnectionsOfAReactorHaveTheSameId) {
  std::vector<uint64_t> generations;
  std::vector<uint32_t> indexes;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    const struct evnet_conn_id id = evnet_conn_get_id(conn);
    EXPECT_EQ(id.reactor, 0u);
    generations.push_back(id.generation);
    return EVNET_NONE;
  };
  Server server(callbacks);
  for (uint64_t i = 0; i < 20; i++) {
    { Client client(server.port()); }
    ASSERT_TRUE(server.WaitForClosed(i + 1));
  }
  EXPECT_EQ(server.Stop(0), 0);
  ASSERT_EQ(generations.size(), 20u);
  for (size_t i = 0; i < generations.size(); i++) EXPECT_EQ(generations[i], i + 1);
}

TEST(Callbacks, AnEndInsideAnyCallbackTwiceOrFromOnCloseIsHarmless) {
  for (const bool abort : {false, true}) {
    std::atomic<int> closes{0};
    const auto end = [=](evnet_conn *conn) {
      for (int twice = 0; twice < 2; twice++) {
        abort ? evnet_conn_abort(conn) : evnet_conn_close(conn);
      }
      EXPECT_EQ(evnet_conn_write(conn, "x", 1), -ENOTCONN);
      EXPECT_EQ(evnet_conn_shutdown_write(conn), -ENOTCONN);
      return EVNET_CLOSE;
    };
    for (const std::string where : {"open", "data", "half_close"}) {
      Callbacks callbacks;
      if (where == "open") callbacks.on_open = end;
      callbacks.on_data = [&](evnet_conn *conn) {
        return where == "data" ? end(conn) : EVNET_NONE;
      };
      if (where == "half_close") callbacks.on_half_close = end;
      callbacks.on_close = [&](evnet_conn *conn, int reason) {
        EXPECT_EQ(reason, abort ? EVNET_REASON_ABORTED : EVNET_REASON_LOCAL);
        closes++;
        return end(conn);
      };
      const int before = closes;
      Server server(callbacks);
      Client client(server.port());
      if (where != "open") client.SendAll("x");
      if (where == "half_close") client.ShutdownWrite();
      client.ReceiveToEnd();
      client.Close();
      ASSERT_TRUE(server.WaitForClosed(1));
      EXPECT_EQ(server.Stop(0), 0);
      EXPECT_EQ(closes, before + 1) << where;
    }
  }
}

}  // namespace
}  // namespace evnet_testing
