// Dialling: evnet calls either on_open or only on_close with the reason, never from inside
// evnet_dial. A dial ends in time, can be cancelled, and frees everything.
#include "net/reactor/dial.h"

#include <errno.h>

#include "net/base/testing/temp_directory.h"
#include "net/reactor/testing/dial_allocations.h"
#include "net/reactor/testing/dial_fixture.h"

namespace evnet_testing {
namespace {

TEST_F(DialTest, AConnectionIsOpenedOnceAndServesBothWays) {
  harness.Start();
  int mark = 0;
  evnet_dial_options options = {};
  options.conn_user = &mark;
  const struct evnet_conn_id id = harness.Dial(harness.AddressText(), options);
  EXPECT_EQ(harness.records().size(), 1u);
  ASSERT_TRUE(harness.Until([&] { return harness.open_count() == 2; }));
  evnet_conn *const dialled = harness.Of(id).conn;
  evnet_conn *accepted = nullptr;
  for (const auto &each : harness.records())
    if (!each.second.dialled) accepted = each.second.conn;
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(evnet_conn_user(dialled), &mark);
  EXPECT_EQ(evnet_conn_user(accepted), nullptr);
  EXPECT_EQ(evnet_conn_listener_index(dialled), -1);
  EXPECT_EQ(evnet_conn_get_id(dialled).index, id.index);
  evnet_address remote = {}, local = {};
  evnet_conn_remote_address(dialled, &remote);
  EXPECT_EQ(FormatAddress(remote), harness.AddressText());
  ASSERT_EQ(evnet_conn_local_address(dialled, &local), 0);
  evnet_conn_remote_address(accepted, &remote);
  EXPECT_EQ(FormatAddress(remote), FormatAddress(local));
  Write(dialled, "question");
  Write(accepted, "answer");
  ASSERT_GE(evnet_conn_flush(dialled), 0);
  ASSERT_GE(evnet_conn_flush(accepted), 0);
  ASSERT_TRUE(harness.Until([&] { return harness.Of(dialled).received == "answer"; }));
  EXPECT_EQ(harness.Of(accepted).received, "question");
  EXPECT_EQ(harness.Stats().connections_opened, 2u);
  EXPECT_EQ(harness.Stats().connections_open, 2u);
  harness.Close(dialled);
  ASSERT_TRUE(harness.Until([&] { return harness.open_count() == 0; }));
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_LOCAL);
  EXPECT_EQ(harness.Stats().dials_failed, 0u);
}

TEST_F(DialTest, ALargeTransferArrivesWhole) {
  harness.Start();
  const std::string data = Pattern(3 << 20);
  PlainListener listener;
  const struct evnet_conn_id id = harness.Dial(listener.text());
  const int peer = listener.Accept();
  ASSERT_TRUE(UntilOpen(id));
  Write(harness.Of(id).conn, data);
  harness.Close(harness.Of(id).conn);
  EXPECT_TRUE(ReadToEnd(peer) == data);
  (void)close(peer);
}

TEST_F(DialTest, RefusedIsOnCloseAlone) {
  harness.Start();
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  int mark = 0;
  evnet_dial_options options = {};
  options.conn_user = &mark;
  std::string remote;
  void *user = nullptr;
  ssize_t written = 0;
  harness.on.close = [&](evnet_conn *conn, int) {
    evnet_address address = {};
    evnet_conn_remote_address(conn, &address);
    remote = FormatAddress(address);
    user = evnet_conn_user(conn);
    written = Write(conn, "x");
    EXPECT_EQ(evnet_conn_outbound_bytes(conn), 0u);
    EXPECT_LT(evnet_conn_fd(conn), 0);
    evnet_conn_close(conn);
    evnet_conn_abort(conn);
    return EVNET_CLOSE;
  };
  EXPECT_EQ(Fail(bound.text(), options), -ECONNREFUSED);
  EXPECT_EQ(remote, bound.text());
  EXPECT_EQ(user, &mark);
  EXPECT_EQ(written, -ENOTCONN);
  EXPECT_EQ(harness.Stats().dials_failed, 1u);
  EXPECT_EQ(harness.Stats().connections_closed, 0u);
  EXPECT_EQ(harness.Stats().connections_open, 0u);
}

TEST_F(DialTest, ADialFromItsOwnOnCloseIsAnotherOne) {
  harness.Start();
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  struct evnet_conn_id second = {};
  harness.on.close = [&](evnet_conn *, int) {
    if (second.generation == 0) second = harness.Dial(harness.AddressText());
    return EVNET_NONE;
  };
  const struct evnet_conn_id first = harness.Dial(bound.text());
  ASSERT_TRUE(harness.Until([&] { return second.generation != 0; }));
  ASSERT_TRUE(UntilOpen(second));
  EXPECT_NE(first.generation, second.generation);
}

// Regression test: this dial failed with -ENOBUFS.
TEST_F(DialTest, TheLastPlaceIsFreeWhenItsOnCloseBegins) {
  harness.options.connections_max = 1;
  harness.Start();
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  PlainListener listener;
  struct evnet_conn_id second = {}, third = {};
  int closed = 0;
  harness.on.close = [&](evnet_conn *, int) {
    if (closed == 0) second = harness.Dial(listener.text());
    if (closed == 1) third = harness.Dial(listener.text());
    closed++;
    return EVNET_NONE;
  };
  harness.Dial(bound.text());
  ASSERT_TRUE(harness.Until([&] { return closed == 1; }));
  ASSERT_TRUE(UntilOpen(second));
  harness.Abort(harness.Of(second).conn);  // this connection was open
  ASSERT_TRUE(harness.Until([&] { return closed == 2; }));
  ASSERT_TRUE(UntilOpen(third));
  EXPECT_EQ(harness.Stats().connections_open, 1u);
}

TEST_F(DialTest, ItTimesOutThenAndNotBefore) {
  TheKernel().StopClock();
  harness.Start();
  const Blackhole nowhere;
  const struct evnet_conn_id by_default = harness.Dial(nowhere.text());
  const struct evnet_conn_id soon = harness.Dial(nowhere.text(), Within(300));
  const struct evnet_conn_id never = harness.Dial(nowhere.text(), Within(EVNET_OFF));
  TheKernel().Advance(299);
  harness.Settle();
  EXPECT_EQ(harness.Of(soon).closed, 0);
  TheKernel().Advance(1);
  ASSERT_TRUE(UntilClosed(soon));
  EXPECT_EQ(harness.Of(soon).reason, -ETIMEDOUT);
  TheKernel().Advance(9699);
  harness.Settle();
  EXPECT_EQ(harness.Of(by_default).closed, 0);
  TheKernel().Advance(1);
  ASSERT_TRUE(UntilClosed(by_default));
  EXPECT_EQ(harness.Of(by_default).reason, -ETIMEDOUT);
  TheKernel().Advance(1000000);
  harness.Settle();
  EXPECT_EQ(harness.Of(never).closed, 0);
}

TEST_F(DialTest, ATimeoutCountsFromTheCallHoweverLongTheCallbackHasRun) {
  TheKernel().StopClock();
  harness.Start();
  const Blackhole nowhere;
  struct evnet_conn_id id = {};
  harness.Post([&] {
    TheKernel().Advance(5000);
    id = harness.Dial(nowhere.text(), Within(300));
  });
  harness.Settle();
  EXPECT_EQ(harness.Of(id).closed, 0);
  TheKernel().Advance(300);
  ASSERT_TRUE(UntilClosed(id));
}

TEST_F(DialTest, ACloseByIdCancels) {
  harness.Start();
  const Blackhole nowhere;
  TheNames().Know("slow.test", {"127.0.0.1"});
  for (const std::string &address : {nowhere.text(), At("slow.test"), harness.AddressText()}) {
    for (const bool settled : {false, true}) {
      if (settled && address == harness.AddressText()) continue;  // the connection would be open
      const struct evnet_conn_id id = harness.Dial(address);
      if (settled) harness.Turns(3);
      EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
      EXPECT_EQ(harness.Of(id).closed, 0) << "evnet_close called on_close";
      EXPECT_EQ(evnet_close(harness.reactor(), id), -ESTALE);
      ASSERT_TRUE(UntilClosed(id));
      EXPECT_EQ(harness.Of(id).reason, -ECANCELED);
      EXPECT_EQ(harness.Of(id).Story(), "close");
      EXPECT_EQ(evnet_close(harness.reactor(), id), -ESTALE);
    }
  }
  TheNames().Release();
  harness.Settle();
}

TEST_F(DialTest, OneThatIsCancelledKnowsWhatItConnectedTo) {
  harness.Start();
  const Blackhole nowhere;
  std::string remote;
  harness.on.close = [&](evnet_conn *conn, int) {
    evnet_address address = {};
    evnet_conn_remote_address(conn, &address);
    remote = FormatAddress(address);
    return EVNET_NONE;
  };
  const struct evnet_conn_id id = harness.Dial(nowhere.text());
  harness.Turns(3);
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(remote, nowhere.text());
}

TEST_F(DialTest, ACloseByIdIsAnOrderlyOneOfWhatIsOpen) {
  harness.Start();
  Harness::Pair pair = harness.Connect();
  const struct evnet_conn_id id = evnet_conn_get_id(pair.conn);
  Write(pair.conn, "last words");
  harness.Of(pair).ending = true;
  EXPECT_EQ(evnet_close(harness.reactor(), id), 0);
  EXPECT_EQ(evnet_close(harness.reactor(), id), -ESTALE);
  EXPECT_EQ(harness.ReadToEnd(&pair.client), "last words");
  pair.client.Close();
  ASSERT_TRUE(harness.Until([&] { return harness.Of(pair).closed == 1; }));
  EXPECT_EQ(harness.Of(pair).reason, EVNET_REASON_LOCAL);
  struct evnet_conn_id other = id;
  other.reactor++;
  EXPECT_EQ(evnet_close(harness.reactor(), other), -ESTALE);
  EXPECT_EQ(evnet_close(harness.reactor(), {}), -ESTALE);
}

TEST_F(DialTest, AStopEndsDialsAndTakesNoMore) {
  harness.Start();
  const Blackhole nowhere;
  TheNames().Know("slow.test", {"127.0.0.1"});
  const struct evnet_conn_id connecting = harness.Dial(nowhere.text());
  const struct evnet_conn_id looking_up = harness.Dial(At("slow.test"));
  harness.Turns(2);
  int status = 0;
  harness.on.close = [&](evnet_conn *, int) {
    status = evnet_dial(harness.reactor(), nowhere.text().c_str(), nullptr, nullptr);
    return EVNET_NONE;
  };
  evnet_reactor_stop(harness.reactor(), 5000);
  while (harness.Turn() > 0) {
  }
  EXPECT_EQ(harness.Of(connecting).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(harness.Of(looking_up).reason, EVNET_REASON_SHUTDOWN);
  EXPECT_EQ(status, -ESHUTDOWN);
  EXPECT_EQ(evnet_dial(harness.reactor(), nowhere.text().c_str(), nullptr, nullptr), -ESHUTDOWN);
}

TEST_F(DialTest, OnesUnderWayGetTheirOnCloseWhenTheReactorIsDestroyed) {
  harness.Start();
  const Blackhole nowhere;
  TheNames().Know("slow.test", {"127.0.0.1"});
  const struct evnet_conn_id connecting = harness.Dial(nowhere.text());
  const struct evnet_conn_id looking_up = harness.Dial(At("slow.test"));
  const struct evnet_conn_id fresh = harness.Dial(harness.AddressText());
  harness.Destroy();
  for (const struct evnet_conn_id &id : {connecting, looking_up, fresh}) {
    EXPECT_EQ(harness.Of(id).closed, 1);
    EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_ABORTED);
  }
}

TEST_F(DialTest, DialsCountAgainstConnectionsMax) {
  harness.options.connections_max = 2;
  harness.Start();
  const Blackhole nowhere;
  const struct evnet_conn_id first = harness.Dial(nowhere.text());
  const struct evnet_conn_id second = harness.Dial(nowhere.text());
  EXPECT_EQ(evnet_dial(harness.reactor(), nowhere.text().c_str(), nullptr, nullptr), -ENOBUFS);
  EXPECT_EQ(evnet_close(harness.reactor(), first), 0);
  ASSERT_TRUE(UntilClosed(first));
  harness.Settle();
  EXPECT_EQ(evnet_close(harness.reactor(), harness.Dial(nowhere.text())), 0);
  (void)second;
}

TEST_F(DialTest, ANameIsLookedUp) {
  harness.Start();
  TheNames().Know("one.test", {"127.0.0.1"});
  const struct evnet_conn_id id = harness.Dial(At("one.test"));
  ASSERT_TRUE(UntilOpen(id));
  evnet_address remote = {};
  evnet_conn_remote_address(harness.Of(id).conn, &remote);
  EXPECT_EQ(FormatAddress(remote), harness.AddressText());
}

TEST_F(DialTest, ANameThatNobodyKnowsIsOnCloseAlone) {
  std::string log;
  LogTo(&log);
  harness.Start();
  std::string remote;
  harness.on.close = [&](evnet_conn *conn, int) {
    evnet_address address = {};
    evnet_conn_remote_address(conn, &address);
    remote = FormatAddress(address);
    return EVNET_NONE;
  };
  EXPECT_EQ(Fail(At("none.test")), EVNET_STATUS_ADDRESS);
  EXPECT_NE(log.find("none.test"), std::string::npos) << log;
  EXPECT_EQ(remote, "none");
}

TEST_F(DialTest, ALookupThatWaitsForAThreadHasItsOwnTimeout) {
  TheKernel().StopClock();
  harness.options.lookup_threads_max = 1;
  harness.Start();
  TheNames().Know("slow.test", {"127.0.0.1"});
  TheNames().Know("one.test", {"127.0.0.1"});
  const struct evnet_conn_id hangs = harness.Dial(At("slow.test"), Within(1000));
  const struct evnet_conn_id waits = harness.Dial(At("one.test"), Within(500));
  const struct evnet_conn_id waits_longer = harness.Dial(At("one.test"), Within(5000));
  TheKernel().Advance(500);
  ASSERT_TRUE(UntilClosed(waits));
  EXPECT_EQ(harness.Of(waits).reason, -ETIMEDOUT);
  TheKernel().Advance(500);
  ASSERT_TRUE(UntilClosed(hangs));
  EXPECT_EQ(harness.Of(waits_longer).Story(), "");  // a cancelled lookup keeps its thread
  TheNames().Release();
  ASSERT_TRUE(UntilOpen(waits_longer));
}

TEST_F(DialTest, LookupsAreCountedUntilTheyEndOrAreCancelled) {
  harness.Start();
  TheNames().Know("slow.test", {"127.0.0.1"});
  TheNames().Know("one.test", {"127.0.0.1"});
  const struct evnet_conn_id cancelled = harness.Dial(At("slow.test"));
  EXPECT_EQ(Fail(At("none.test")), EVNET_STATUS_ADDRESS);
  ASSERT_TRUE(UntilOpen(harness.Dial(At("one.test"))));
  EXPECT_EQ(harness.Stats().lookups, 3u);
  EXPECT_EQ(harness.Stats().lookups_failed, 1u);
  EXPECT_EQ(harness.Stats().lookups_pending, 1u);
  EXPECT_EQ(evnet_close(harness.reactor(), cancelled), 0);
  ASSERT_TRUE(UntilClosed(cancelled));
  EXPECT_EQ(harness.Stats().lookups_pending, 0u);
  TheNames().Release();
  harness.Settle();
  EXPECT_EQ(harness.Stats().lookups_pending, 0u);
}

TEST_F(DialTest, ALookupThatTakesTooLongTimesOut) {
  TheKernel().StopClock();
  harness.Start();
  TheNames().Know("slow.test", {"127.0.0.1"});
  const struct evnet_conn_id id = harness.Dial(At("slow.test"), Within(500));
  harness.Settle();
  TheKernel().Advance(499);
  harness.Settle();
  EXPECT_EQ(harness.Of(id).closed, 0);
  TheKernel().Advance(1);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, -ETIMEDOUT);
  TheNames().Release();
  harness.Settle();
  EXPECT_EQ(harness.Of(id).Story(), "close");
}

// Regression test: evnet_conn_fd returned -1 for the socket, which reads as -EPERM.
TEST_F(DialTest, OneThatFailedHasNoSocket) {
  int fd = 0, duplicate = 0, nodelay = 0;
  harness.on.close = [&](evnet_conn *conn, int) {
    fd = evnet_conn_fd(conn);
    duplicate = evnet_conn_dup(conn);
    nodelay = evnet_conn_set_nodelay(conn, true);
    evnet_address address = {};
    EXPECT_EQ(evnet_conn_local_address(conn, &address), -ENOTCONN);
    evnet_credentials credentials = {};
    EXPECT_EQ(evnet_conn_peer_credentials(conn, &credentials), -ENOTCONN);
    return EVNET_NONE;
  };
  harness.Start();
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  EXPECT_EQ(Fail(bound.text()), -ECONNREFUSED);
  EXPECT_EQ(fd, -ENOTCONN);
  EXPECT_EQ(duplicate, -ENOTCONN);
  EXPECT_EQ(nodelay, -ENOTCONN);
}

TEST_F(DialTest, AFullUnixBacklogIsWaitedFor) {
  harness.Start();
  const TempDirectory directory;
  PlainListener listener("unix://" + directory.File("full"), 0);
  const struct evnet_conn_id first = harness.Dial(listener.text());
  ASSERT_TRUE(UntilOpen(first));
  const struct evnet_conn_id second = harness.Dial(listener.text());
  const struct evnet_conn_id third = harness.Dial(listener.text(), Within(30));
  ASSERT_TRUE(UntilClosed(third));
  EXPECT_EQ(harness.Of(third).reason, -ETIMEDOUT);
  EXPECT_EQ(harness.Of(second).Story(), "");
  // The dial waits between two tries.
  const size_t before = TheKernel().waits;
  harness.Turn(20);
  harness.Turn(20);
  EXPECT_EQ(TheKernel().waits, before + 2);
  const int peer = listener.Accept();
  ASSERT_TRUE(UntilOpen(second));
  (void)close(peer);
  (void)close(listener.Accept());
}

TEST_F(DialTest, APathThatIsNotThereIsOnCloseAlone) {
  harness.Start();
  const TempDirectory directory;
  EXPECT_EQ(Fail("unix://" + directory.File("none")), -ENOENT);
}

TEST_F(DialTest, WhatThePeerSentBeforeOnOpenIsPresentedAfterIt) {
  harness.Start();
  PlainListener listener;
  const struct evnet_conn_id id = harness.Dial(listener.text());
  const int peer = listener.Accept();
  ASSERT_EQ(write(peer, "early", 5), 5);
  (void)close(peer);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).events, (std::vector<std::string>{"open", "data", "close"}));
  EXPECT_EQ(harness.Of(id).received, "early");
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_PEER);
}

TEST_F(DialTest, OnOpenMayCloseAtOnce) {
  harness.Start();
  PlainListener listener;
  harness.on.open = [](evnet_conn *conn) {
    Write(conn, "bye");
    return EVNET_CLOSE;
  };
  const struct evnet_conn_id id = harness.Dial(listener.text());
  const int peer = listener.Accept();
  ASSERT_TRUE(UntilOpen(id));
  EXPECT_EQ(ReadToEnd(peer), "bye");
  (void)close(peer);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).Story(), "open close");
}

TEST_F(DialTest, TimeoutsCountFromOnOpen) {
  TheKernel().StopClock();
  harness.options.idle_timeout_ms = 1000;
  harness.options.lifetime_ms = 5000;
  harness.Start();
  TheNames().Know("slow.test", {"127.0.0.1"});
  const struct evnet_conn_id id = harness.Dial(At("slow.test"), Within(EVNET_OFF));
  harness.Settle();
  TheKernel().Advance(20000);
  TheNames().Release();
  ASSERT_TRUE(UntilOpen(id));
  TheKernel().Advance(999);
  harness.Settle();
  EXPECT_EQ(harness.Of(id).closed, 0);
  TheKernel().Advance(1);
  ASSERT_TRUE(UntilClosed(id));
  EXPECT_EQ(harness.Of(id).reason, EVNET_REASON_IDLE_TIMEOUT);
}

TEST_F(DialTest, TheNthAllocationThatFailsLeavesNothingBehind) {
  harness.options.lifetime_ms = 60000;  // on_open then needs memory, too
  harness.Start();
  PlainListener listener("tcp://127.0.0.1:0", 256);
  TheNames().Know("one.test", {"127.0.0.1"});
  for (const std::string &address :
       {listener.text(), "tcp://one.test:" + std::to_string(listener.port())})
    DialWithEachAllocationFailing(&harness, address);
}

TEST_F(DialTest, ManyAreUnderWayAtOnce) {
  harness.Start();
  PlainListener listener("tcp://127.0.0.1:0", 512);
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  std::vector<struct evnet_conn_id> good, bad;
  for (int i = 0; i < 200; i++) {
    good.push_back(harness.Dial(listener.text()));
    bad.push_back(harness.Dial(bound.text()));
  }
  ASSERT_TRUE(harness.Until([&] {
    int done = 0;
    for (const struct evnet_conn_id &id : good) done += harness.Of(id).opened;
    for (const struct evnet_conn_id &id : bad) done += harness.Of(id).closed;
    return done == 400;
  }));
  EXPECT_EQ(harness.Stats().dials_failed, 200u);
  EXPECT_EQ(harness.Stats().connections_open, 200u);
}

}  // namespace
}  // namespace evnet_testing
