// Dials and the places of connections. Each dial counts on its reactor, and the last place is taken
// only once.
#include <errno.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/dial_answer.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

// In the past the second redial from on_close failed with -ENOBUFS.
TEST(ServerDial, ADialFromTheOnCloseOfTheLastPlaceTakesThatPlace) {
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  Journal journal;
  Callbacks callbacks;
  std::atomic<int> redials{0};
  callbacks.on_close = [&](evnet_conn *conn, int reason) {
    journal.Add(evnet_status_name(reason));
    if (redials++ < 3) {
      EXPECT_EQ(evnet_dial(evnet_conn_reactor(conn), bound.text().c_str(), nullptr, nullptr), 0);
    }
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.connections_max = 1;
  Server server(callbacks, options);
  ASSERT_EQ(evnet_server_dial(server.get(), bound.text().c_str(), nullptr, nullptr, nullptr), 0);
  EXPECT_TRUE(journal.WaitFor("ECONNREFUSED", 4));
}

TEST(ServerDial, CountsAgainstConnectionsMaxAndHoldsBackWhatComesIn) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    const Blackhole nowhere;
    evnet_options options = {};
    options.connections_max = 2;
    options.reactors = reactors;
    Server server(Echo(), options);
    Answer first, second, third;
    for (Answer *answer : {&first, &second, &third}) {
      ASSERT_EQ(
          evnet_server_dial(server.get(), nowhere.text().c_str(), nullptr, Answer::Done, answer),
          0);
      ASSERT_TRUE(answer->Wait());
    }
    EXPECT_EQ(first.status, 0);
    EXPECT_EQ(second.status, 0);
    EXPECT_EQ(third.status, -ENOBUFS);
    Client client(server.port());
    client.SendAll("hello");
    EXPECT_FALSE(client.Readable(50)) << "the client waits in the backlog";
    ASSERT_EQ(evnet_async_close(server.get(), first.id, nullptr, nullptr), 0);
    EXPECT_EQ(client.Receive(5), "hello");
    Answer fourth;
    ASSERT_EQ(
        evnet_server_dial(server.get(), nowhere.text().c_str(), nullptr, Answer::Done, &fourth), 0);
    ASSERT_TRUE(fourth.Wait());
    EXPECT_EQ(fourth.status, -ENOBUFS);
  }
}

TEST(ServerDial, ReservedPlacesAreForDialsOnly) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    const Blackhole nowhere;
    evnet_options options = {};
    options.connections_max = 3;
    options.dials_reserved = 2;
    options.reactors = reactors;
    Server server(Echo(), options);
    Client first(server.port());
    EXPECT_EQ(first.Exchange("first"), "first");
    Client second(server.port());
    second.SendAll("second");
    Answer answers[3];
    for (Answer &answer : answers) {
      ASSERT_EQ(
          evnet_server_dial(server.get(), nowhere.text().c_str(), nullptr, Answer::Done, &answer),
          0);
      ASSERT_TRUE(answer.Wait());
    }
    EXPECT_EQ(answers[0].status, 0);
    EXPECT_EQ(answers[1].status, 0);
    EXPECT_EQ(answers[2].status, -ENOBUFS) << "connections_max holds for dials, too";
    first.Close();
    ASSERT_TRUE(server.WaitForClosed(1));
    EXPECT_FALSE(second.Readable(50)) << "two of three places are left for dials only";
    for (int i = 0; i < 2; i++)
      ASSERT_EQ(evnet_async_close(server.get(), answers[i].id, nullptr, nullptr), 0);
    EXPECT_EQ(second.Receive(6), "second");
  }
}

TEST(ServerDial, WhoConnectsBeyondTheUnreservedPlacesMayBeRefused) {
  evnet_options options = {};
  options.connections_max = 3;
  options.dials_reserved = 2;
  options.connections_full_action = EVNET_FULL_REFUSE;
  Server server(Echo(), options);
  Client first(server.port());
  EXPECT_EQ(first.Exchange("first"), "first");
  Client second(server.port());
  second.ReceiveToEnd();
  EXPECT_EQ(server.stats().connections_refused, 1u);
  EXPECT_TRUE(server.log().Has("dials_reserved")) << server.log().Text();
}

// In the past the client was reset: reactor 0 learned of its own dial only by a message, and
// accepted until then.
TEST(ServerDial, WhoConnectsAsACallbackDialsForTheLastPlaceWaits) {
  const Blackhole nowhere;
  struct evnet_conn_id dialled = {};
  std::atomic<bool> is_dialled{false};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    if (!is_dialled) {
      EXPECT_EQ(evnet_dial(evnet_conn_reactor(conn), nowhere.text().c_str(), nullptr, &dialled), 0);
      is_dialled = true;
    }
    return EchoData(conn);
  };
  evnet_options options = {};
  options.connections_max = 2;
  Server server(callbacks, options);
  Client first(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  // The request and the connection arrive in one turn, the request first.
  std::atomic<bool> blocks{false}, goes_on{false};
  Post(evnet_server_reactor(server.get(), 0), [&] {
    blocks = true;
    EXPECT_TRUE(WaitUntil([&] { return goes_on.load(); }));
  });
  ASSERT_TRUE(WaitUntil([&] { return blocks.load(); }));
  first.SendAll("hello");
  Client second(server.port());
  second.SendAll("second");
  goes_on = true;
  EXPECT_EQ(first.Receive(5), "hello");
  ASSERT_TRUE(WaitUntil([&] { return is_dialled.load(); }));
  EXPECT_FALSE(second.Readable(50)) << "the client waits in the backlog";
  EXPECT_EQ(server.stats().connections_refused, 0u);
  ASSERT_EQ(evnet_async_close(server.get(), dialled, nullptr, nullptr), 0);
  EXPECT_EQ(second.Receive(6), "second");
}

TEST(ServerDial, OnBootMayDialForAllPlaces) {
  const Blackhole nowhere;
  struct evnet_conn_id dialled = {};
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    evnet_reactor *reactor = evnet_server_reactor(server, 0);
    EXPECT_EQ(evnet_dial(reactor, nowhere.text().c_str(), nullptr, &dialled), 0);
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.connections_max = 1;
  Server server(callbacks, options);
  Client client(server.port());
  client.SendAll("hello");
  EXPECT_FALSE(client.Readable(50)) << "the client waits in the backlog";
  ASSERT_EQ(evnet_async_close(server.get(), dialled, nullptr, nullptr), 0);
  EXPECT_EQ(client.Receive(5), "hello");
}

TEST(ServerDial, ADialInACallbackIsCountedLikeIt) {
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  std::atomic<int> refused{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    evnet_reactor *reactor = evnet_conn_reactor(conn);
    const int status = evnet_dial(reactor, bound.text().c_str(), nullptr, nullptr);
    const int beyond = evnet_dial(reactor, bound.text().c_str(), nullptr, nullptr);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(beyond, -ENOBUFS);
    refused += beyond == -ENOBUFS;
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.connections_max = 2;
  options.connections_per_address_max = 1;
  options.reactors = 2;
  Server server(callbacks, options);
  // Each connection leaves the number of free places unchanged.
  for (int i = 1; i <= 5; i++) {
    Client client(server.port());
    client.SendAll("x");
    EXPECT_EQ(client.Receive(1), "x");
    ASSERT_TRUE(WaitUntil([&] { return server.stats().dials_failed == static_cast<uint64_t>(i); }));
    client.Close();
    ASSERT_TRUE(server.WaitForClosed(static_cast<uint64_t>(i)));
  }
  EXPECT_EQ(refused, 5);
}

// Records the loads of the last call of `balance`, which always picks reactor 1.
struct SeenLoads {
  std::mutex mutex;
  std::vector<uint64_t> loads;

  static size_t Balance(const uint64_t *loads, size_t count, const evnet_address *, size_t,
                        void *user) {
    SeenLoads *self = static_cast<SeenLoads *>(user);
    const std::lock_guard<std::mutex> lock(self->mutex);
    self->loads.assign(loads, loads + count);
    return 1;
  }
  uint64_t OfReactor1() {
    const std::lock_guard<std::mutex> lock(mutex);
    return loads.at(1);
  }
};

TEST(ServerDial, OneThatFindsNoPlaceLeavesTheNextClaimCounted) {
  PlainListener listener;
  SeenLoads seen;
  evnet_options options = {};
  options.reactors = 2;
  options.connections_max = 1;
  options.balance = SeenLoads::Balance;
  options.balance_user = &seen;
  Server server(Echo(), options);
  {
    Client client(server.port());
    EXPECT_EQ(client.Exchange("hello"), "hello");
    Answer refused;
    ASSERT_EQ(
        evnet_server_dial(server.get(), listener.text().c_str(), nullptr, Answer::Done, &refused),
        0);
    ASSERT_TRUE(refused.Wait());
    EXPECT_EQ(refused.status, -ENOBUFS);
  }
  ASSERT_TRUE(server.WaitForClosed(1));
  // A dial on the reactor itself does not use the balancer, but counts once in the reactor's load.
  evnet_reactor *reactor = evnet_server_reactor(server.get(), 1);
  std::atomic<int> status{1};
  Post(reactor,
       [&, reactor] { status = evnet_dial(reactor, listener.text().c_str(), nullptr, nullptr); });
  ASSERT_TRUE(WaitUntil([&] { return status <= 0; }));
  ASSERT_EQ(status, 0);
  Answer last;
  ASSERT_EQ(evnet_server_dial(server.get(), listener.text().c_str(), nullptr, Answer::Done, &last),
            0);
  ASSERT_TRUE(last.Wait());
  EXPECT_EQ(last.status, -ENOBUFS);
  EXPECT_EQ(seen.OfReactor1(), 1u);
}

TEST(ServerDial, OneThatAFullReactorDoesNotTakeIsNotCountedThere) {
  PlainListener listener;
  SeenLoads seen;
  evnet_options options = {};
  options.reactors = 2;
  options.mailbox_bytes_max = 20000;
  options.balance = SeenLoads::Balance;
  options.balance_user = &seen;
  std::atomic<bool> inside{false}, go{false};  // reactor 1 uses them until the server has stopped
  Server server(Echo(), options);
  evnet_reactor *reactor = evnet_server_reactor(server.get(), 1);
  Post(reactor, [&] {
    inside = true;
    EXPECT_TRUE(WaitUntil([&] { return go.load(); }));
  });
  ASSERT_TRUE(WaitUntil([&] { return inside.load(); }));
  while (evnet_reactor_post(
             reactor, [](void *) {}, nullptr) == 0) {
  }
  for (int i = 0; i < 2; i++) {
    Answer answer;
    ASSERT_EQ(
        evnet_server_dial(server.get(), listener.text().c_str(), nullptr, Answer::Done, &answer),
        0);
    ASSERT_TRUE(answer.Wait());
    EXPECT_EQ(answer.status, -ENOBUFS);
    EXPECT_EQ(seen.OfReactor1(), 0u);
  }
  go = true;
}

}  // namespace
}  // namespace evnet_testing
