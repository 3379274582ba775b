// Adopted sockets: connections and listeners that other code has made.
#include "net/reactor/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/base/testing/listener.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/testing/harness.h"

namespace evnet_testing {
namespace {

class AdoptTest : public ::testing::Test {
 protected:
  ~AdoptTest() override {
    harness.on = {};  // the callbacks use variables of the test, which no longer exist
    harness.Destroy();
    if (peer >= 0) (void)close(peer);
  }

  // Adopts one end of a socket pair; the other end is `peer`.
  struct evnet_conn_id AdoptPair(void *conn_user = nullptr) {
    int pair[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peer = pair[1];
    return Adopt(pair[0], conn_user);
  }

  struct evnet_conn_id Adopt(int descriptor, void *conn_user = nullptr) {
    struct evnet_conn_id id = {};
    const size_t before = harness.records().size();
    EXPECT_EQ(evnet_adopt(harness.reactor(), descriptor, conn_user, &id), 0);
    EXPECT_EQ(harness.records().size(), before) << "evnet_adopt called a callback";
    if (id.generation != 0) harness.Of(id).dialled = true;
    return id;
  }

  // Returns the listener's id.
  struct evnet_conn_id AdoptListener(int descriptor) {
    struct evnet_conn_id id = {};
    EXPECT_EQ(evnet_adopt(harness.reactor(), descriptor, nullptr, &id), 0);
    EXPECT_NE(id.generation, 0u);
    return id;
  }

  void ExpectRefused(int descriptor, int status) {
    EXPECT_EQ(evnet_adopt(harness.reactor(), descriptor, nullptr, nullptr), status);
    EXPECT_EQ(close(descriptor), 0) << "the descriptor must stay the caller's";
  }

  Harness harness;
  int peer = -1;
};

TEST_F(AdoptTest, AnEndOfAPairOpensLaterInTheTurnAndServes) {
  harness.Start();
  int mark = 0;
  const struct evnet_conn_id id = AdoptPair(&mark);
  ASSERT_EQ(write(peer, "early", 5), 5);
  harness.Turn();
  ASSERT_EQ(harness.Of(id).opened, 1);
  evnet_conn *const conn = harness.Of(id).conn;
  EXPECT_EQ(evnet_conn_user(conn), &mark);
  EXPECT_EQ(evnet_conn_listener_index(conn), -1);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).received == "early"; }));
  Write(conn, "answer");
  EXPECT_GE(evnet_conn_flush(conn), 0);
  char text[7] = "";
  ASSERT_TRUE(harness.Until([&] { return recv(peer, text, 6, MSG_DONTWAIT) == 6; }));
  EXPECT_STREQ(text, "answer");
  EXPECT_EQ(close(peer), 0);
  peer = -1;
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).closed == 1; }));
  EXPECT_EQ(harness.Of(id).Story(), "open close");
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_PEER);
  EXPECT_EQ(harness.Stats().connections_opened, 1u);
}

TEST_F(AdoptTest, ATcpConnectionKnowsItsPeer) {
  harness.Start();
  PlainListener listener;
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(descriptor, &listener.address().socket.any, listener.address().size), 0);
  peer = listener.Accept();
  const struct evnet_conn_id id = Adopt(descriptor);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).opened == 1; }));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), listener.text());
  harness.Close(harness.Of(id).conn);
  char byte;
  ASSERT_TRUE(harness.Until([&] { return recv(peer, &byte, 1, MSG_DONTWAIT) == 0; }));
}

TEST_F(AdoptTest, AConnectedUdpSocketIsAConnection) {
  harness.Start();
  UdpClient other;
  const evnet_address to = other.Address();
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(descriptor, &to.socket.any, to.size), 0);
  const struct evnet_conn_id id = Adopt(descriptor);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).opened == 1; }));
  Write(harness.Of(id).conn, "question");
  harness.Turn();
  evnet_address from = {};
  EXPECT_EQ(other.Receive(&from), "question");
  other.Send(from, "answer");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).received == "answer"; }));
}

TEST_F(AdoptTest, OneThatWasResetMeanwhileHasBothCallbacks) {
  harness.Start();
  PlainListener listener;
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(descriptor, &listener.address().socket.any, listener.address().size), 0);
  const int other = listener.Accept();
  const struct evnet_conn_id id = Adopt(descriptor);
  const linger none = {1, 0};
  ASSERT_EQ(setsockopt(other, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  (void)close(other);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).closed == 1; }));
  EXPECT_EQ(harness.Of(id).Story(), "open close");
  EXPECT_EQ(harness.Of(id).reason, -ECONNRESET);
}

TEST_F(AdoptTest, FromEveryCallbackItOpensBeforeAnythingElseOfIt) {
  harness.Start();
  struct evnet_conn_id id = {};
  // A connection that is adopted while the due list runs stays on the list until the end of the
  // next turn.
  harness.on.close = [&](evnet_conn *, int) {
    id = AdoptPair();
    EXPECT_EQ(write(peer, "x", 1), 1);
    // Both ends of the stream have ended, so the poller reports a HANGUP.
    EXPECT_EQ(close(peer), 0);
    peer = -1;
    harness.on.close = nullptr;
    return EVNET_NONE;
  };
  Harness::Pair pair = harness.Connect();
  harness.Abort(pair.conn);
  ASSERT_TRUE(harness.Until([&] { return id.generation != 0 && harness.Of(id).closed == 1; }));
  EXPECT_EQ(harness.Of(id).events, (std::vector<std::string>{"open", "data", "close"}));
}

TEST_F(AdoptTest, OneThatIsNotOpenYetIsCancelledByItsId) {
  harness.Start();
  const struct evnet_conn_id id = AdoptPair();
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(id).closed == 1; }));
  EXPECT_EQ(harness.Of(id).reason, -ECANCELED);
  EXPECT_EQ(harness.Of(id).Story(), "close");
  char byte;
  ASSERT_TRUE(harness.Until([&] { return recv(peer, &byte, 1, MSG_DONTWAIT) == 0; }));
}

TEST_F(AdoptTest, AListenerAcceptsHereUntilAStop) {
  harness.Start();
  const TempDirectory directory;
  const std::string path = directory.File("socket");
  const std::string texts[] = {"tcp://127.0.0.1:0", "unix://" + path};
  for (const std::string &text : texts) {
    PlainListener listener(text);
    AdoptListener(dup(listener.descriptor()));
    const size_t before = harness.open_count();
    const int client = socket(listener.address().socket.any.sa_family, SOCK_STREAM, 0);
    ASSERT_EQ(connect(client, &listener.address().socket.any, listener.address().size), 0);
    ASSERT_EQ(write(client, "hello", 5), 5);
    ASSERT_TRUE(harness.Until([&] { return harness.open_count() == before + 1; }));
    const Record &record = harness.records().rbegin()->second;
    EXPECT_EQ(evnet_conn_listener_index(record.conn), -1);
    ASSERT_TRUE(harness.Until([&] { return record.received == "hello"; }));
    (void)close(client);
    ASSERT_TRUE(harness.Until([&] { return record.closed == 1; }));
  }
  evnet_reactor_stop(harness.reactor(), 0);
  while (harness.Turn() > 0) {
  }
  EXPECT_EQ(access(path.c_str(), F_OK), 0) << "evnet must not remove a path that it did not create";
}

TEST(AdoptAlone, AReactorWithoutAListenerOfItsOwnAcceptsFromAnAdoptedOne) {
  evnet_handler handler = {};
  handler.on_open = [](evnet_conn *, void *opened) {
    ++*static_cast<int *>(opened);
    return EVNET_CLOSE;
  };
  evnet_reactor_options options = {};
  options.backend = TestBackend();
  options.connections_max = 16;
  int opened = 0;
  evnet_reactor *reactor = nullptr;
  ASSERT_EQ(evnet_reactor_create(&handler, &opened, &options, &reactor), 0);
  PlainListener listener;
  ASSERT_EQ(evnet_adopt(reactor, dup(listener.descriptor()), nullptr, nullptr), 0);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, &listener.address().socket.any, listener.address().size), 0);
  for (int i = 0; i < 1000 && opened == 0; i++) ASSERT_GE(evnet_reactor_turn(reactor, 10), 0);
  EXPECT_EQ(opened, 1);
  (void)close(client);
  evnet_reactor_destroy(reactor);
}

TEST_F(AdoptTest, WhatCannotBeAdoptedStaysTheCallers) {
  harness.options.connections_max = 1;
  harness.Start();
  int pair[2];
  ASSERT_EQ(pipe(pair), 0);
  ExpectRefused(pair[0], -ENOTSOCK);
  ExpectRefused(pair[1], -ENOTSOCK);
  EXPECT_EQ(evnet_adopt(harness.reactor(), -1, nullptr, nullptr), -EBADF);
  ExpectRefused(socket(AF_INET, SOCK_STREAM, 0), -ENOTCONN);
  ExpectRefused(socket(AF_UNIX, SOCK_DGRAM, 0), -ESOCKTNOSUPPORT);
  AdoptPair();
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ExpectRefused(pair[0], -ENOBUFS);
  evnet_reactor_stop(harness.reactor(), 0);
  while (harness.Turn() > 0) {
  }
  ExpectRefused(pair[1], -ESHUTDOWN);
}

TEST_F(AdoptTest, AtMost64ListenersAreTaken) {
  harness.Start();
  PlainListener listener;
  struct evnet_conn_id id = {};
  for (int i = 1; i < 64; i++) id = AdoptListener(dup(listener.descriptor()));
  ExpectRefused(dup(listener.descriptor()), -ENOBUFS);
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  EXPECT_EQ(evnet_close(harness.reactor(), id), -ESTALE);
  AdoptListener(dup(listener.descriptor()));
}

TEST_F(AdoptTest, AListenerThatIsClosedByItsIdLeavesItsConnections) {
  harness.Start();
  PlainListener listener;
  const struct evnet_conn_id id = AdoptListener(dup(listener.descriptor()));
  const auto connect_to = [&] {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(client, &listener.address().socket.any, listener.address().size), 0);
    return client;
  };
  const int client = connect_to();
  ASSERT_TRUE(harness.Until([&] { return harness.open_count() == 1; }));
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  harness.Settle();
  // The test's descriptor of the listener still queues connections.
  const int waiting = connect_to();
  harness.Settle();
  EXPECT_EQ(harness.open_count(), 1u);
  (void)close(listener.Accept());
  const Record &record = harness.records().rbegin()->second;
  ASSERT_EQ(write(client, "hello", 5), 5);
  ASSERT_TRUE(harness.Until([&] { return record.received == "hello"; }));
  (void)close(client);
  (void)close(waiting);
  ASSERT_TRUE(harness.Until([&] { return record.closed == 1; }));
}

TEST_F(AdoptTest, OnesThatAreNotOpenYetGetTheirOnCloseWithTheReactor) {
  harness.Start();
  const struct evnet_conn_id id = AdoptPair();
  harness.Destroy();
  EXPECT_EQ(harness.Of(id).closed, 1);
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_ABORTED);
}

}  // namespace
}  // namespace evnet_testing
