// Requests by id from other threads. Each request is completed once, even if its connection has
// closed.
#include "net/server/async.h"

#include <errno.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/server/testing/async_fixture.h"

namespace {

thread_local bool has_no_memory;  // malloc(3) fails

}  // namespace

extern "C" {

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) { return has_no_memory ? nullptr : __real_malloc(size); }

}  // extern "C"

namespace evnet_testing {
namespace {

TEST_F(Async, AWriteIsCopiedArrivesAndIsAnsweredOnce) {
  Start();
  auto client = Connect();
  std::string data = "from another thread";
  ASSERT_EQ(Write(data), 0);
  data.assign(data.size(), 'x');
  EXPECT_EQ(client->Receive(19), "from another thread");
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(server->Stop(5000), 0);
  EXPECT_EQ(answers.statuses(), std::vector<int>({0}));
}

TEST_F(Async, WritevJoinsPiecesOfWhichSomeAreEmpty) {
  Start();
  auto client = Connect();
  std::string first = "one ", second = "two";
  const iovec pieces[] = {
      {first.data(), first.size()}, {nullptr, 0}, {second.data(), second.size()}};
  ASSERT_EQ(evnet_async_writev(server->get(), Id(), pieces, 3, Answers::Done, &answers), 0);
  EXPECT_EQ(client->Receive(7), "one two");
  ASSERT_EQ(evnet_async_writev(server->get(), Id(), nullptr, 0, Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(2));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0, 0}));
}

TEST_F(Async, OwnedBytesAreNotCopiedAndGivenBackBeforeTheAnswer) {
  Start();
  auto client = Connect();
  std::string data = Pattern(1 << 20);
  ASSERT_EQ(evnet_async_write_owned(server->get(), Id(), data.data(), data.size(), Answers::Release,
                                    Answers::Done, &answers),
            0);
  EXPECT_EQ(client->Receive(data.size()), Pattern(1 << 20));
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(answers.released(), std::vector<void *>({data.data()}));
  EXPECT_EQ(answers.released_before_done(), std::vector<size_t>({0}));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0}));
}

TEST_F(Async, ASharedBufferIsSentByManyAndOutlivesItsCreator) {
  options.reactors = 3;
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; i++) clients.push_back(Connect());
  const std::string line = Pattern(100000);
  evnet_shared *shared;
  ASSERT_EQ(evnet_shared_create(line.data(), line.size(), &shared), 0);
  for (size_t i = 0; i < clients.size(); i++) {
    ASSERT_EQ(evnet_async_write_shared(server->get(), Id(i), shared, Answers::Done, &answers), 0);
  }
  evnet_shared_release(shared);
  for (auto &client : clients) EXPECT_EQ(client->Receive(line.size()), line);
  ASSERT_TRUE(answers.WaitFor(clients.size()));
  EXPECT_EQ(answers.statuses(), std::vector<int>(clients.size(), 0));
  evnet_shared_release(nullptr);
}

TEST_F(Async, ASharedBufferOfNothingIsSentToo) {
  Start();
  auto client = Connect();
  evnet_shared *shared;
  ASSERT_EQ(evnet_shared_create(nullptr, 0, &shared), 0);
  ASSERT_EQ(evnet_async_write_shared(server->get(), Id(), shared, Answers::Done, &answers), 0);
  evnet_shared_release(shared);
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0}));
  EXPECT_EQ(client->Exchange("still here"), "still here");
}

TEST_F(Async, WithoutMemoryThereIsNoSharedBuffer) {
  evnet_shared *shared = nullptr;
  has_no_memory = true;
  const int status = evnet_shared_create("x", 1, &shared);
  has_no_memory = false;
  EXPECT_EQ(status, -ENOMEM);
  EXPECT_EQ(shared, nullptr);
}

TEST_F(Async, ManySmallWritesArriveInOrder) {
  Start();
  auto client = Connect();
  std::string all;
  for (int i = 0; i < 5000; i++) {
    const std::string line = std::to_string(i) + "\n";
    ASSERT_EQ(Write(line), 0);
    all += line;
  }
  EXPECT_EQ(client->Receive(all.size()), all);
  EXPECT_TRUE(answers.WaitFor(5000));
}

TEST_F(Async, OfSeveralThreadsEachIsInOrder) {
  Start();
  auto client = Connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d %05d\n", t, i);
        ASSERT_EQ(evnet_async_write(server->get(), Id(), line, 8, nullptr, nullptr), 0);
      }
    });
  }
  const std::string all = client->Receive(4 * 1000 * 8);
  for (std::thread &thread : threads) thread.join();
  int next[4] = {0};
  for (size_t at = 0; at + 8 <= all.size(); at += 8) {
    const int t = all[at] - '0';
    ASSERT_TRUE(t >= 0 && t < 4);
    EXPECT_EQ(std::stoi(all.substr(at + 2, 5)), next[t]++);
  }
}

TEST_F(Async, AStaleIdIsHarmlessAlsoWhenItsPlaceIsTakenAgain) {
  Start();
  auto first = Connect();
  first->Reset();
  ASSERT_TRUE(server->WaitForClosed(1));
  ASSERT_EQ(Write("late"), 0);
  ASSERT_TRUE(answers.WaitFor(1));
  auto second = Connect();
  ASSERT_EQ(Write("late"), 0);
  ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_EQ(evnet_async_close(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_EQ(evnet_async_release(server->get(), Id()), 0);
  ASSERT_TRUE(answers.WaitFor(4));
  EXPECT_EQ(answers.statuses(), std::vector<int>(4, -ESTALE));
  EXPECT_EQ(second->Exchange("untouched"), "untouched");
}

TEST_F(Async, AResumeByIdEndsAPauseAndPresentsTheUnreadBytes) {
  std::atomic<bool> paused{false};
  callbacks.on_data = [&](evnet_conn *conn) {
    if (paused.exchange(true)) return EchoData(conn);
    evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  Start();
  auto client = Connect();
  client->SendAll("pause");
  ASSERT_TRUE(WaitUntil([&] { return paused.load(); }));
  ASSERT_EQ(evnet_async_resume_reading(server->get(), Id(), Answers::Done, &answers), 0);
  EXPECT_EQ(client->Receive(5), "pause");
  // It has no effect if reading is not paused.
  ASSERT_EQ(evnet_async_resume_reading(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(2));
  EXPECT_EQ(answers.statuses(), std::vector<int>(2, 0));
  EXPECT_EQ(client->Exchange("on"), "on");
  client->Reset();
  ASSERT_TRUE(server->WaitForClosed(1));
  ASSERT_EQ(evnet_async_resume_reading(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(3));
  EXPECT_EQ(answers.statuses()[2], -ESTALE);
}

TEST_F(Async, AnIdThatCannotBeOneIsRefusedAtOnce) {
  Start();
  auto client = Connect();
  for (struct evnet_conn_id id : {(struct evnet_conn_id){0, 0, 0}, {1, 0, 1}, {UINT32_MAX, 0, 1}}) {
    char data[] = "x";
    EXPECT_EQ(evnet_async_write(server->get(), id, data, 1, Answers::Done, &answers), -ESTALE);
    EXPECT_EQ(evnet_async_write_owned(server->get(), id, data, 1, Answers::Release, Answers::Done,
                                      &answers),
              -ESTALE);
    EXPECT_EQ(evnet_async_wake(server->get(), id, nullptr, nullptr), -ESTALE);
    EXPECT_EQ(evnet_async_close(server->get(), id, nullptr, nullptr), -ESTALE);
    EXPECT_EQ(evnet_async_resume_reading(server->get(), id, nullptr, nullptr), -ESTALE);
    EXPECT_EQ(evnet_async_release(server->get(), id), -ESTALE);
  }
  EXPECT_EQ(client->Exchange("still here"), "still here");
  EXPECT_EQ(server->Stop(5000), 0);
  EXPECT_TRUE(answers.statuses().empty());
  EXPECT_TRUE(answers.released().empty());
}

TEST_F(Async, SizesThatNoAddressSpaceHoldsAreRefusedAtOnce) {
  Start();
  auto client = Connect();
  char data[] = "xy";
  const iovec pieces[] = {{data, SIZE_MAX}, {data, 2}};
  EXPECT_EQ(evnet_async_writev(server->get(), Id(), pieces, 2, Answers::Done, &answers), -ENOMEM);
  EXPECT_EQ(evnet_async_write(server->get(), Id(), data, SIZE_MAX, Answers::Done, &answers),
            -ENOMEM);
  EXPECT_EQ(evnet_async_write(server->get(), Id(), data, SIZE_MAX - 8, Answers::Done, &answers),
            -ENOMEM);
  const evnet_address to = client->LocalAddress();
  for (const size_t size : {SIZE_MAX, SIZE_MAX - sizeof to, SIZE_MAX - 2 * sizeof to})
    EXPECT_EQ(evnet_async_send_to(server->get(), Id(), &to, data, size, Answers::Done, &answers),
              -ENOMEM);
  EXPECT_EQ(evnet_async_write_owned(server->get(), Id(), data, SIZE_MAX, Answers::Release,
                                    Answers::Done, &answers),
            -ENOBUFS);
  evnet_shared *shared = nullptr;
  EXPECT_EQ(evnet_shared_create(data, SIZE_MAX, &shared), -ENOMEM);
  EXPECT_EQ(client->Exchange("still here"), "still here");
  EXPECT_EQ(server->Stop(5000), 0);
  EXPECT_TRUE(answers.statuses().empty());
}

TEST_F(Async, AnIndexThatThereNeverWasIsStale) {
  Start();
  auto client = Connect();
  ASSERT_EQ(evnet_async_write(server->get(), {0, UINT32_MAX, 1}, "x", 1, Answers::Done, &answers),
            0);
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(answers.statuses(), std::vector<int>({-ESTALE}));
}

TEST_F(Async, TheAnswerComesWhenTheKernelHasTakenTheLastByte) {
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  Start();
  auto client = ConnectBlocked();
  ASSERT_EQ(Write("second"), 0);
  EXPECT_FALSE(client->Readable(0) && answers.statuses().size() > 0);
  EXPECT_EQ(client->Receive(blocked_bytes), std::string(blocked_bytes, 'b'));
  EXPECT_EQ(client->Receive(6), "second");
  ASSERT_TRUE(answers.WaitFor(2));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0, 0}));
}

TEST_F(Async, WhatEndsTheConnectionIsTheAnswerOfWhatWasNotSent) {
  Start();
  auto client = ConnectBlocked();
  std::string owned = Pattern(1000);
  ASSERT_EQ(evnet_async_write_owned(server->get(), Id(), owned.data(), owned.size(),
                                    Answers::Release, Answers::Done, &answers),
            0);
  ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(1));  // the earlier requests have begun before this one completes
  client->Reset();
  ASSERT_TRUE(answers.WaitFor(3));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0, -ECONNRESET, -ECONNRESET}));
  EXPECT_EQ(answers.released().size(), 1u);
}

TEST_F(Async, AboveTheBoundItIsRefusedAndTheConnectionStaysOrCloses) {
  options.outbound_bytes_max = 10 << 20;
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  for (evnet_overflow overflow : {EVNET_OVERFLOW_REFUSE, EVNET_OVERFLOW_CLOSE}) {
    options.outbound_overflow = overflow;
    const size_t answered = answers.statuses().size();
    Start();
    const size_t index = Count();
    auto client = Connect();
    ASSERT_EQ(Write(std::string(11 << 20, 'x'), index), 0);
    ASSERT_TRUE(answers.WaitFor(answered + 1));
    EXPECT_EQ(answers.statuses().back(), -ENOBUFS);
    if (overflow == EVNET_OVERFLOW_REFUSE) {
      EXPECT_EQ(client->Exchange("open"), "open");
    } else {
      client->ReceiveToEnd();
      EXPECT_EQ(client->end(), Client::End::kReset);
    }
    EXPECT_EQ(server->Stop(5000), 0);
  }
}

TEST_F(Async, AnEmptyWriteFitsBehindAQueueThatIsFull) {
  constexpr size_t kBound = 100000;
  options.outbound_high_water_bytes = 1000;
  options.read_turn_bytes_max = 512;
  options.outbound_bytes_max = kBound;
  options.outbound_high_action = EVNET_HIGH_NOTIFY;
  options.outbound_overflow = EVNET_OVERFLOW_REFUSE;
  std::atomic<size_t> written{0};
  std::atomic<bool> full{false};
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    while (evnet_conn_outbound_bytes(conn) < kBound) {
      const std::string part(kBound - evnet_conn_outbound_bytes(conn), 'x');
      EXPECT_GT(evnet_conn_write(conn, part.data(), part.size()), 0);
      written += part.size();
    }
    full = true;
    return EVNET_NONE;
  };
  // A small buffer, so that the kernel soon accepts no more bytes.
  options.send_buffer_bytes = 4096;
  ClientOptions small;
  small.receive_buffer_bytes = 4096;
  Start();
  auto client = Connect(small);
  client->SendAll("fill");
  ASSERT_TRUE(WaitUntil([&] { return full.load(); }));
  ASSERT_EQ(Write(""), 0);
  EXPECT_EQ(client->Receive(written).size(), written);
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0}));
  server.reset();  // the callbacks use variables of this test
}

TEST_F(Async, WhatItSendsIsCounted) {
  Start();
  auto client = Connect();
  ASSERT_EQ(Write(std::string(1000, 'x')), 0);
  EXPECT_EQ(client->Receive(1000).size(), 1000u);
  EXPECT_TRUE(WaitUntil([&] { return server->stats().bytes_sent == 1000; }))
      << server->stats().bytes_sent;
}

TEST_F(Async, AFullMailboxRefusesAtOnceAndTakesAReleaseAllTheSame) {
  options.mailbox_bytes_max = 100000;
  std::atomic<bool> inside{false}, go{false};
  callbacks.on_data = [&](evnet_conn *conn) {
    inside = true;
    EXPECT_TRUE(WaitUntil([&] { return go.load(); }));
    return EchoData(conn);
  };
  Start();
  auto client = Connect();
  client->SendAll("block");
  ASSERT_TRUE(WaitUntil([&] { return inside.load(); }));
  size_t taken = 0;
  int status;
  while ((status = Write(std::string(1000, 'x'))) == 0) taken++;
  EXPECT_EQ(status, -ENOBUFS);
  EXPECT_GT(taken, 50u);
  EXPECT_LT(taken, 100u);
  EXPECT_EQ(evnet_async_release(server->get(), {0, UINT32_MAX, 1}), 0);
  go = true;
  ASSERT_TRUE(answers.WaitFor(taken));
  EXPECT_EQ(client->Receive(5 + taken * 1000).size(), 5 + taken * 1000);
  server.reset();  // the callbacks use variables of this test
}

TEST_F(Async, AWakeCallsOnDataWithWhatIsUnreadPossiblyNothing) {
  Journal journal;
  std::atomic<bool> pause{false};
  callbacks.on_data = [&](evnet_conn *conn) {
    journal.Add("data " + std::to_string(evnet_conn_inbound_bytes(conn)));
    if (pause.exchange(false)) evnet_conn_pause_reading(conn);
    return EVNET_NONE;
  };
  evnet_conn *the_conn = nullptr;
  auto on_open = callbacks.on_open;
  callbacks.on_open = [&](evnet_conn *conn) {
    the_conn = conn;
    return on_open(conn);
  };
  Start();
  auto client = Connect();
  ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(journal.WaitFor("data 0"));
  client->SendAll("abc");
  ASSERT_TRUE(journal.WaitFor("data 3"));
  pause = true;
  ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(journal.WaitFor("data 3", 2));
  // While reading is paused, the wake waits for the resume.
  ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(3));
  EXPECT_EQ(journal.Count("data 3"), 2u);
  Post(evnet_conn_reactor(the_conn), [&] { evnet_conn_resume_reading(the_conn); });
  ASSERT_TRUE(journal.WaitFor("data 3", 3));
  EXPECT_EQ(answers.statuses(), std::vector<int>({0, 0, 0}));
  server.reset();  // the callbacks use variables of this test
}

TEST_F(Async, AWakeUnderAPauseWithNothingUnreadWaitsForTheResumeToo) {
  Journal journal;
  callbacks.on_data = [&](evnet_conn *) {
    journal.Add("data");
    return EVNET_NONE;
  };
  evnet_conn *the_conn = nullptr;
  auto on_open = callbacks.on_open;
  callbacks.on_open = [&](evnet_conn *conn) {
    the_conn = conn;
    evnet_conn_pause_reading(conn);
    return on_open(conn);
  };
  Start();
  auto client = Connect();
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(evnet_async_wake(server->get(), Id(), Answers::Done, &answers), 0);
  }
  ASSERT_TRUE(answers.WaitFor(3));
  EXPECT_EQ(journal.Count("data"), 0u);
  Post(evnet_conn_reactor(the_conn), [&] { evnet_conn_resume_reading(the_conn); });
  ASSERT_TRUE(journal.WaitFor("data"));
  EXPECT_EQ(server->Stop(5000), 0);
  EXPECT_EQ(journal.Count("data"), 1u);
  server.reset();  // the callbacks use variables of this test
}

TEST_F(Async, AnnouncedByOnPrewrite) {
  std::atomic<int> announced{0};
  callbacks.on_prewrite = [&](evnet_conn *) { announced++; };
  Start();
  auto client = Connect();
  ASSERT_EQ(Write("x"), 0);
  EXPECT_EQ(client->Receive(1), "x");
  EXPECT_EQ(server->Stop(5000), 0);
  EXPECT_EQ(announced, 1);
  server.reset();  // the callbacks use variables of this test
}

}  // namespace
}  // namespace evnet_testing
