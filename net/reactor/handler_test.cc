// A handler for a dial, for an adopted socket, and on an open connection.
#include "net/reactor/handler.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "net/base/testing/listener.h"
#include "net/reactor/adopt.h"
#include "net/reactor/handlers.h"
#include "net/reactor/internal/conn.h"
#include "net/reactor/testing/harness.h"
#include "net/reactor/testing/second.h"

namespace evnet_testing {
namespace {

class HandlerTest : public ::testing::Test {
 protected:
  ~HandlerTest() override {
    harness.on = {};
    second.close = third.close = nullptr;
    harness.Destroy();
  }

  struct evnet_conn_id Dial(const std::string &address, const evnet_dial_options &options) {
    struct evnet_conn_id id = {};
    EXPECT_EQ(evnet_dial(harness.reactor(), address.c_str(), &options, &id), 0);
    return id;
  }

  // A harness's connection that `taker` has taken over.
  Harness::Pair TakeOver(Second *taker) {
    Harness::Pair pair = harness.Connect();
    EXPECT_EQ(taker->Take(pair.conn), 0);
    harness.Of(pair).closed = 1;  // this handler gets no on_close
    return pair;
  }

  bool UntilStory(const Second &of, const std::string &story, Place place = Place::Here()) {
    const bool same = harness.Until([&] { return of.story == story; }, place);
    if (!same) ADD_FAILURE_AT(place.file, place.line) << of.story;
    return same;
  }

  Second second, third;  // they outlive the reactor
  Harness harness;
};

// The table

class HandlersTest : public ::testing::Test {
 protected:
  HandlersTest() {
    const evnet_handler first = {};
    EXPECT_EQ(evnet_handlers_create(&first, &users[0], nullptr, &handlers), 0);
  }
  ~HandlersTest() override { evnet_handlers_destroy(handlers); }

  char users[EVNET_HANDLERS_MAX + 1] = {};
  evnet_handlers *handlers = nullptr;
};

TEST_F(HandlersTest, TheSameHandlerWithTheSameUserHasOneIndex) {
  Second second;
  const evnet_handler a = {}, b = second.Handler();
  EXPECT_EQ(evnet_handlers_add(handlers, nullptr, &users[5]), EVNET_HANDLER_FIRST);
  EXPECT_EQ(evnet_handlers_add(handlers, &a, &users[0]), EVNET_HANDLER_FIRST);
  EXPECT_EQ(evnet_handlers_add(handlers, &a, &users[1]), 1);
  EXPECT_EQ(evnet_handlers_add(handlers, &b, &users[1]), 2);
  EXPECT_EQ(evnet_handlers_add(handlers, &b, &users[0]), 3);
  EXPECT_EQ(evnet_handlers_add(handlers, &b, &users[1]), 2);
}

TEST_F(HandlersTest, OneAboveTheBoundIsRefusedAndTheOthersStay) {
  const evnet_handler handler = {};
  for (int i = 1; i < EVNET_HANDLERS_MAX; i++)
    ASSERT_EQ(evnet_handlers_add(handlers, &handler, &users[i]), i);
  EXPECT_EQ(evnet_handlers_add(handlers, &handler, &users[EVNET_HANDLERS_MAX]), -ENOBUFS);
  for (int i = 0; i < EVNET_HANDLERS_MAX; i++)
    ASSERT_EQ(evnet_handlers_add(handlers, &handler, &users[i]), i);
}

// Dials

TEST_F(HandlerTest, ADialHasItsOwnHandlerAndUserFromItsOnOpenToItsOnClose) {
  harness.Start();
  Dial(harness.AddressText(), second.Dial());
  Dial(harness.AddressText(), third.Dial());
  ASSERT_TRUE(harness.Until([&] { return harness.open_count() == 2; }));
  ASSERT_TRUE(UntilStory(second, "open"));
  ASSERT_TRUE(UntilStory(third, "open"));
  for (auto &each : harness.records()) Write(each.second.conn, "ab");
  ASSERT_TRUE(UntilStory(second, "open data(ab)"));
  ASSERT_TRUE(UntilStory(third, "open data(ab)"));
  evnet_conn_close(second.conn);
  ASSERT_TRUE(UntilStory(second, "open data(ab) close"));
  for (auto &each : harness.records())
    if (each.second.closed == 0) harness.Close(each.second.conn);
  ASSERT_TRUE(UntilStory(third, "open data(ab) half_close close"));
}

TEST_F(HandlerTest, AFailedDialGetsTheOnCloseOfItsOwnHandler) {
  harness.Start();
  PlainListener nowhere("tcp://127.0.0.1:0", -1);
  int mark = 0;
  evnet_dial_options options = second.Dial();
  options.conn_user = &mark;
  second.close = [&](evnet_conn *conn) { EXPECT_EQ(evnet_conn_user(conn), &mark); };
  Dial(nowhere.text(), options);
  ASSERT_TRUE(UntilStory(second, "close"));
  EXPECT_EQ(second.reason, -ECONNREFUSED);
}

TEST_F(HandlerTest, ACancelledDialGetsTheOnCloseOfItsOwnHandler) {
  harness.Start();
  const struct evnet_conn_id id = Dial(harness.AddressText(), second.Dial());
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  ASSERT_TRUE(UntilStory(second, "close"));
  EXPECT_EQ(second.reason, -ECANCELED);
}

TEST_F(HandlerTest, AnAbandonedDialGetsTheOnCloseOfItsOwnHandler) {
  harness.Start();
  Dial(harness.AddressText(), second.Dial());
  harness.Destroy();
  EXPECT_EQ(second.story, "close");
  EXPECT_EQ(second.reason, EVNET_REASON_ABORTED);
}

TEST_F(HandlerTest, ADialOfAUdpSocketHasItsOwnHandler) {
  harness.Start();
  Dial("udp://127.0.0.1:9", second.Dial());
  ASSERT_TRUE(UntilStory(second, "open"));
  evnet_conn_close(second.conn);
  ASSERT_TRUE(UntilStory(second, "open close"));
}

TEST_F(HandlerTest, ADialForWhoseHandlerMemoryRunsOutHasNoCallback) {
  harness.Start();
  bool succeeded = false;
  for (int n = 1; n < 32 && !succeeded; n++) {
    harness.allocator().fail_at(n, false);
    const evnet_dial_options options = second.Dial();
    struct evnet_conn_id id = {};
    const int status = evnet_dial(harness.reactor(), harness.AddressText().c_str(), &options, &id);
    harness.allocator().fail_at(0, false);
    succeeded = status == 0;
    if (succeeded) {
      EXPECT_GE(n, 4) << "the record, its side and the handler are three allocations";
    } else {
      EXPECT_EQ(status, -ENOMEM) << n;
      harness.Settle();
      EXPECT_EQ(second.story, "");
    }
  }
  ASSERT_TRUE(UntilStory(second, "open"));
}

TEST_F(HandlerTest, TheLifetimeOfADialWithAHandlerBeginsWithItsOnOpen) {
  TheKernel().StopClock();
  harness.options.lifetime_ms = 60000;
  harness.Start();
  evnet_dial_options options = second.Dial();
  options.timeout_ms = EVNET_OFF;
  const struct evnet_conn_id id = Dial(harness.AddressText(), options);
  TheKernel().Advance(50000);
  ASSERT_TRUE(UntilStory(second, "open"));
  TheKernel().Advance(50000);
  harness.Settle();
  EXPECT_EQ(second.story, "open");
  EXPECT_NE(evnet_conn_find(harness.reactor(), id), nullptr);
}

// Adopted sockets

TEST_F(HandlerTest, AnAdoptedConnectionHasItsOwnHandlerUserAndMark) {
  harness.Start();
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  int mark = 0;
  const evnet_handler handler = second.Handler();
  evnet_adopt_options options = {};
  options.handler = &handler;
  options.user = &second;
  options.conn_user = &mark;
  options.background = true;
  struct evnet_conn_id id = {};
  ASSERT_EQ(evnet_adopt_with(harness.reactor(), pair[0], &options, &id), 0);
  ASSERT_EQ(write(pair[1], "early", 5), 5);
  ASSERT_TRUE(UntilStory(second, "open data(early)"));
  EXPECT_EQ(evnet_conn_user(second.conn), &mark);
  // A stop does not wait for it.
  evnet_reactor_stop(harness.reactor(), 60000);
  ASSERT_TRUE(UntilStory(second, "open data(early) stopping close"));
  EXPECT_EQ(second.reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(close(pair[1]), 0);
}

TEST_F(HandlerTest, AnAdoptedConnectionThatClosesBeforeItOpensHasItsOwnHandler) {
  harness.Start();
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const evnet_handler handler = second.Handler();
  evnet_adopt_options options = {};
  options.handler = &handler;
  options.user = &second;
  struct evnet_conn_id id = {};
  ASSERT_EQ(evnet_adopt_with(harness.reactor(), pair[0], &options, &id), 0);
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  ASSERT_TRUE(UntilStory(second, "close"));
  EXPECT_EQ(close(pair[1]), 0);
}

TEST_F(HandlerTest, ADescriptorStaysTheCallersIfMemoryRunsOut) {
  harness.Start();
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const evnet_handler handler = second.Handler();
  evnet_adopt_options options = {};
  options.handler = &handler;
  options.user = &second;
  for (const int n : {1, 2}) {
    harness.allocator().fail_at(n, false);
    EXPECT_EQ(evnet_adopt_with(harness.reactor(), pair[0], &options, nullptr), -ENOMEM);
    harness.allocator().fail_at(0, false);
  }
  // The refusal of the poller comes after the handler was copied.
  EXPECT_EQ(evnet_adopt_with(harness.reactor(), -1, &options, nullptr), -EBADF);
  EXPECT_EQ(close(pair[0]), 0);
  EXPECT_EQ(close(pair[1]), 0);
}

TEST_F(HandlerTest, TheConnectionsOfAnAdoptedListenerHaveItsHandler) {
  harness.Start();
  PlainListener listener;
  const int descriptor = fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0);
  const evnet_handler handler = second.Handler();
  evnet_adopt_options options = {};
  options.handler = &handler;
  options.user = &second;
  ASSERT_EQ(evnet_adopt_with(harness.reactor(), descriptor, &options, nullptr), 0);
  Client client(listener.address());
  ASSERT_TRUE(UntilStory(second, "open"));
  EXPECT_EQ(second.conn->side, nullptr) << "it costs memory";
  client.Write("ab");
  ASSERT_TRUE(UntilStory(second, "open data(ab)"));
  Harness::Pair own = harness.Connect();  // those of the reactor's listener have the reactor's
  EXPECT_EQ(harness.Of(own).Story(), "open");
}

// An open connection

TEST_F(HandlerTest, ANewHandlerGetsEveryCallbackFromTheNextOneOn) {
  harness.Start();
  Harness::Pair pair = TakeOver(&second);
  pair.client.Write("ab");
  ASSERT_TRUE(UntilStory(second, "data(ab)"));
  EXPECT_EQ(evnet_conn_set_handler(pair.conn, nullptr, nullptr), 0);
  harness.Of(pair).closed = 0;
  pair.client.Write("cd");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair).received == "cd"; }));
  EXPECT_EQ(third.Take(pair.conn), 0);
  EXPECT_EQ(second.Take(pair.conn), 0);
  harness.Of(pair).closed = 1;
  pair.client.Close();
  ASSERT_TRUE(UntilStory(second, "data(ab) half_close close"));
  EXPECT_EQ(third.story, "");
  EXPECT_EQ(harness.Of(pair).Story(), "open");
}

TEST_F(HandlerTest, ANewHandlerGetsTheBytesThatTheFormerOneLeft) {
  harness.on.data = [&](evnet_conn *conn) {
    evnet_conn_discard(conn, 2);  // "up", the request to upgrade
    EXPECT_EQ(second.Take(conn), 0);
    harness.Of(conn).closed = 1;
    return EVNET_NONE;
  };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("uprest");
  ASSERT_TRUE(UntilStory(second, "data(rest)"));
  harness.Settle();
  EXPECT_EQ(second.story, "data(rest)") << "presented once";
}

TEST_F(HandlerTest, ANewHandlerIsNotCalledWithoutUnreadBytes) {
  harness.on.data = [&](evnet_conn *conn) {
    EXPECT_EQ(second.Take(conn), 0);
    harness.Of(conn).closed = 1;
    (void)TakeAll(conn);  // after the change: it may still read
    return EVNET_NONE;
  };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("ab");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair).closed == 1; }));
  harness.Settle();
  EXPECT_EQ(second.story, "");
}

TEST_F(HandlerTest, UnreadBytesOfAPausedConnectionWaitForTheResume) {
  harness.on.data = [&](evnet_conn *) { return EVNET_NONE; };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("ab");
  ASSERT_TRUE(harness.Until([&] { return evnet_conn_inbound_bytes(pair.conn) == 2; }));
  evnet_conn_pause_reading(pair.conn);
  EXPECT_EQ(second.Take(pair.conn), 0);
  harness.Of(pair).closed = 1;
  harness.Settle();
  EXPECT_EQ(second.story, "");
  evnet_conn_resume_reading(pair.conn);
  ASSERT_TRUE(UntilStory(second, "data(ab)"));
}

TEST_F(HandlerTest, TheEndOfStreamFollowsTheBytesThatTheFormerHandlerLeft) {
  harness.on.data = [&](evnet_conn *) { return EVNET_NONE; };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("ab");
  ASSERT_TRUE(harness.Until([&] { return evnet_conn_inbound_bytes(pair.conn) == 2; }));
  pair.client.Shutdown();
  EXPECT_EQ(second.Take(pair.conn), 0);
  harness.Of(pair).closed = 1;
  ASSERT_TRUE(UntilStory(second, "data(ab) half_close close"));
}

TEST_F(HandlerTest, AnEndOfStreamThatIsPendingWaitsForTheBytesOfANewHandler) {
  int calls = 0;
  harness.on.data = [&](evnet_conn *conn) {
    if (calls++ == 0) {
      // on_data is due again, and the FIN arrives before.
      evnet_conn_pause_reading(conn);
      evnet_conn_resume_reading(conn);
      return EVNET_NONE;
    }
    evnet_conn_discard(conn, 2);
    EXPECT_EQ(second.Take(conn), 0);
    harness.Of(conn).closed = 1;
    return EVNET_NONE;
  };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("uprest");
  pair.client.Shutdown();
  ASSERT_TRUE(UntilStory(second, "data(rest) half_close close"));
}

TEST_F(HandlerTest, TheActionOfTheFormerHandlersCallbackStillApplies) {
  harness.on.data = [&](evnet_conn *conn) {
    (void)TakeAll(conn);
    EXPECT_EQ(second.Take(conn), 0);
    harness.Of(conn).closed = 1;
    return EVNET_CLOSE;
  };
  harness.Start();
  Harness::Pair pair = harness.Connect();
  pair.client.Write("ab");
  EXPECT_EQ(harness.ReadToEnd(&pair.client), "");
  pair.client.Close();
  ASSERT_TRUE(UntilStory(second, "close"));
  EXPECT_EQ(second.reason, EVNET_REASON_LOCAL);
}

TEST_F(HandlerTest, AHandlerThatIsReplacedWhileItsOnCloseIsDueGetsNothingMore) {
  harness.Start();
  Harness::Pair pair = harness.Connect();
  evnet_conn_abort(pair.conn);
  EXPECT_EQ(second.Take(pair.conn), 0);
  harness.Of(pair).closed = 1;
  ASSERT_TRUE(UntilStory(second, "close"));
  EXPECT_EQ(second.reason, EVNET_REASON_ABORTED);
}

TEST_F(HandlerTest, AChangeInOnCloseHasNoEffect) {
  second.close = [&](evnet_conn *conn) { EXPECT_EQ(third.Take(conn), 0); };
  harness.Start();
  Harness::Pair pair = TakeOver(&second);
  evnet_conn_abort(pair.conn);
  ASSERT_TRUE(UntilStory(second, "close"));
  harness.Settle();
  EXPECT_EQ(third.story, "");
}

TEST_F(HandlerTest, AHandlerThatTakesOverAboveTheMarkGetsTheDrain) {
  harness.options.outbound_high_water_bytes = 64 << 10;
  harness.options.send_buffer_bytes = 8 << 10;
  harness.Start();
  Harness::Pair pair = harness.Connect();
  Write(pair.conn, std::string(8 << 20, 'x'));
  harness.Turn();
  EXPECT_EQ(second.Take(pair.conn), 0);
  harness.Of(pair).closed = 1;
  EXPECT_EQ(harness.ReadExactly(&pair.client, 8 << 20).size(), size_t{8} << 20);
  ASSERT_TRUE(UntilStory(second, "drain"));
}

TEST_F(HandlerTest, TheFormerHandlerStaysIfMemoryRunsOut) {
  harness.Start();
  Harness::Pair pair = harness.Connect();
  for (const int n : {1, 2}) {
    harness.allocator().fail_at(n, false);
    EXPECT_EQ(second.Take(pair.conn), -ENOMEM);
    harness.allocator().fail_at(0, false);
  }
  pair.client.Write("ab");
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair).received == "ab"; }));
  harness.Turn();
  EXPECT_EQ(pair.conn->side, nullptr) << "the side of the second attempt is freed";
}

TEST_F(HandlerTest, TheMemoryOfAHandlerIsFreedWithIt) {
  harness.Start();
  Harness::Pair pair = harness.Connect();
  ASSERT_EQ(pair.conn->side, nullptr);
  EXPECT_EQ(second.Take(pair.conn), 0);
  ASSERT_NE(pair.conn->side, nullptr);
  harness.Settle();
  ASSERT_NE(pair.conn->side, nullptr);
  EXPECT_EQ(evnet_conn_set_handler(pair.conn, nullptr, &second), 0);
  harness.Settle();
  EXPECT_EQ(pair.conn->side, nullptr);
}

// The begin and the end of a reactor

struct Life {
  std::string story;
  evnet_reactor *reactor = nullptr;
  evnet_action action = EVNET_NONE;

  evnet_handler Handler() {
    evnet_handler handler = {};
    handler.on_reactor_boot = [](evnet_reactor *of, void *user) {
      Life *self = static_cast<Life *>(user);
      self->story += "boot ";
      self->reactor = of;
      evnet_reactor_set_user(of, self);
      return self->action;
    };
    handler.on_reactor_shutdown = [](evnet_reactor *of, void *user) {
      Life *self = static_cast<Life *>(user);
      self->story += "shutdown ";
      EXPECT_EQ(of, self->reactor);
      EXPECT_EQ(evnet_reactor_user(of), user);
    };
    return handler;
  }
  evnet_reactor *Create() {
    evnet_reactor_options options = {};
    options.backend = TestBackend();
    const evnet_handler handler = Handler();
    evnet_reactor *created = nullptr;
    EXPECT_EQ(evnet_reactor_create(&handler, this, &options, &created), 0);
    EXPECT_EQ(evnet_reactor_user(created), nullptr);
    EXPECT_EQ(evnet_reactor_index(created), 0u);
    return created;
  }
};

TEST(ReactorLife, AReactorAloneTellsItsBeginInItsFirstTurnAndItsEndInItsLast) {
  Life life;
  evnet_reactor *reactor = life.Create();
  EXPECT_EQ(life.story, "");
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
  EXPECT_EQ(life.story, "boot ");
  evnet_reactor_stop(reactor, 0);
  while (evnet_reactor_turn(reactor, 0) > 0) {
  }
  EXPECT_EQ(life.story, "boot shutdown ");
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 0);
  evnet_reactor_destroy(reactor);
  EXPECT_EQ(life.story, "boot shutdown ");
}

TEST(ReactorLife, AReactorThatIsDestroyedWithoutAStopTellsItsEnd) {
  Life life;
  evnet_reactor *reactor = life.Create();
  EXPECT_EQ(evnet_reactor_turn(reactor, 0), 1);
  evnet_reactor_destroy(reactor);
  EXPECT_EQ(life.story, "boot shutdown ");
}

TEST(ReactorLife, AReactorThatNeverRanTellsNothing) {
  Life life;
  evnet_reactor_destroy(life.Create());
  EXPECT_EQ(life.story, "");
}

TEST(ReactorLife, AShutdownFromItsBeginEndsTheReactor) {
  Life life;
  life.action = EVNET_SHUTDOWN;
  evnet_reactor *reactor = life.Create();
  EXPECT_EQ(evnet_reactor_run(reactor), 0);
  EXPECT_EQ(life.story, "boot shutdown ");
  evnet_reactor_destroy(reactor);
}

// Finding

TEST_F(HandlerTest, AnIdFindsItsConnectionFromItsOnOpenUntilItsOnClose) {
  struct evnet_conn_id id = {};
  int found = 0;
  harness.on.open = [&](evnet_conn *conn) {
    found += evnet_conn_find(harness.reactor(), evnet_conn_get_id(conn)) == conn;
    return EVNET_NONE;
  };
  harness.on.close = [&](evnet_conn *conn, int) {
    EXPECT_EQ(evnet_conn_find(harness.reactor(), id), nullptr) << "in on_close";
    EXPECT_EQ(evnet_reactor_next_conn(harness.reactor(), {}), nullptr) << "in on_close";
    (void)conn;
    return EVNET_NONE;
  };
  harness.Start();
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), nullptr) << "an id of zeros";
  Harness::Pair pair = harness.Connect();
  EXPECT_EQ(found, 1);
  id = evnet_conn_get_id(pair.conn);
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), pair.conn);
  struct evnet_conn_id other = id;
  other.reactor++;
  EXPECT_EQ(evnet_conn_find(harness.reactor(), other), nullptr) << "another reactor";
  other = id;
  other.generation++;
  EXPECT_EQ(evnet_conn_find(harness.reactor(), other), nullptr) << "another generation";
  other = id;
  other.index = UINT32_MAX;
  EXPECT_EQ(evnet_conn_find(harness.reactor(), other), nullptr) << "beyond the table";
  harness.Close(pair.conn);
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), pair.conn) << "closing";
  evnet_conn_abort(pair.conn);
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), pair.conn) << "on_close is due";
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair).closed == 1; }));
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), nullptr) << "closed";
}

TEST_F(HandlerTest, ADialInProgressAndAListenerAreNotFound) {
  harness.Start();
  const struct evnet_conn_id id = Dial(harness.AddressText(), second.Dial());
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), nullptr);
  EXPECT_EQ(evnet_reactor_next_conn(harness.reactor(), {}), nullptr);
  ASSERT_TRUE(UntilStory(second, "open"));
  EXPECT_EQ(evnet_conn_find(harness.reactor(), id), second.conn);
}

TEST_F(HandlerTest, ALoopVisitsEachOpenConnectionOnceWhileItClosesSome) {
  harness.Start();
  std::vector<Harness::Pair> pairs;
  for (int i = 0; i < 9; i++) pairs.push_back(harness.Connect());
  std::map<uint64_t, int> visits;
  struct evnet_conn_id at = {};
  evnet_conn *conn = nullptr;
  int turn = 0;
  while ((conn = evnet_reactor_next_conn(harness.reactor(), at)) != nullptr) {
    at = evnet_conn_get_id(conn);
    visits[at.generation]++;
    ++turn;
    // Those that close are the one that the loop is at and one that it has not reached.
    if (turn == 2) harness.Abort(conn);
    if (turn == 2) harness.Abort(pairs[4].conn);
    // The places of both are free from here on, and one is used again.
    if (turn == 3) harness.Settle();
    if (turn == 3) pairs.push_back(harness.Connect());
  }
  for (size_t i = 0; i < 9; i++) EXPECT_LE(visits[pairs[i].generation], 1) << "of connection " << i;
  for (size_t i : {0, 1, 2, 3, 5, 6, 7, 8})
    EXPECT_EQ(visits[pairs[i].generation], 1) << "of connection " << i;
  EXPECT_LE(visits[pairs[9].generation], 1);
}

}  // namespace
}  // namespace evnet_testing
