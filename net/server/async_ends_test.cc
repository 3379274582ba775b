// Requests by id around a half-close, a close, and the stop of the server.
#include <errno.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/server/testing/async_fixture.h"

namespace evnet_testing {
namespace {

TEST_F(Async, AfterTheStopNothingIsTaken) {
  Start();
  auto client = Connect();
  EXPECT_EQ(server->Stop(0), 0);
  EXPECT_EQ(Write("x"), -ESHUTDOWN);
  EXPECT_EQ(evnet_async_release(server->get(), Id()), -ESHUTDOWN);
  EXPECT_TRUE(answers.statuses().empty());
}

TEST_F(Async, ACloseDeliversWhatWasWrittenBeforeIt) {
  Start();
  auto client = Connect();
  const std::string data = Pattern(300000);
  ASSERT_EQ(Write(data), 0);
  ASSERT_EQ(evnet_async_close(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_EQ(Write("late"), 0);
  EXPECT_EQ(client->ReceiveToEnd(), data);
  EXPECT_EQ(client->end(), Client::End::kEnd);
  ASSERT_TRUE(answers.WaitFor(3));
  std::vector<int> statuses = answers.statuses();
  std::sort(statuses.begin(), statuses.end());
  EXPECT_EQ(statuses, std::vector<int>({-ESTALE, 0, 0}));
}

TEST_F(Async, AnAbortDropsWhatIsQueuedAndResets) {
  std::atomic<int> reason{0};
  callbacks.on_close = [&](evnet_conn *, int why) {
    reason = why;
    return EVNET_NONE;
  };
  Start();
  auto client = ConnectBlocked();
  // Closing has begun and waits for the client to read. The abort ends it.
  ASSERT_EQ(evnet_async_close(server->get(), Id(), nullptr, nullptr), 0);
  ASSERT_EQ(evnet_async_abort(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(2));
  std::vector<int> statuses = answers.statuses();
  std::sort(statuses.begin(), statuses.end());
  EXPECT_EQ(statuses, std::vector<int>({EVNET_REASON_ABORTED, 0}));
  ASSERT_TRUE(server->WaitForClosed(1));
  EXPECT_EQ(reason, EVNET_REASON_ABORTED);
  EXPECT_LT(client->ReceiveToEnd().size(), blocked_bytes);
  EXPECT_EQ(client->end(), Client::End::kReset);
  ASSERT_EQ(evnet_async_abort(server->get(), Id(), Answers::Done, &answers), 0);
  ASSERT_TRUE(answers.WaitFor(3));
  EXPECT_EQ(answers.statuses().back(), -ESTALE);
}

TEST_F(Async, AfterAShutdownOfWritingItIsABrokenPipe) {
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    EXPECT_EQ(evnet_conn_shutdown_write(conn), 0);
    return EVNET_NONE;
  };
  Start();
  auto client = Connect();
  client->SendAll("end");
  EXPECT_EQ(client->ReceiveToEnd(), "");
  ASSERT_EQ(Write("x"), 0);
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(answers.statuses(), std::vector<int>({-EPIPE}));
}

TEST_F(Async, AHeldAnswerReachesAClientThatHasEndedItsSide) {
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  Start();
  auto client = Connect();
  client->SendAll("question");
  client->ShutdownWrite();
  ASSERT_TRUE(WaitUntil([&] { return server->stats().bytes_received == 8; }));
  ASSERT_EQ(Write("answer"), 0);
  ASSERT_EQ(evnet_async_release(server->get(), Id()), 0);
  EXPECT_EQ(client->ReceiveToEnd(), "answer");
  EXPECT_EQ(client->end(), Client::End::kEnd);
}

TEST_F(Async, AStopWaitsForAHeldAnswer) {
  callbacks.on_data = [](evnet_conn *conn) {
    Take(conn);
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  Start();
  auto client = Connect();
  client->SendAll("question");
  ASSERT_TRUE(WaitUntil([&] { return server->stats().bytes_received == 8; }));
  evnet_server_stop(server->get(), 20000);
  ASSERT_EQ(Write("answer"), 0);
  ASSERT_EQ(evnet_async_release(server->get(), Id()), 0);
  EXPECT_EQ(client->ReceiveToEnd(), "answer");
  EXPECT_EQ(server->Wait(), 0);
  EXPECT_EQ(answers.statuses(), std::vector<int>({0}));
}

TEST_F(Async, AnAnswerMayPostTheNext) {
  struct Chain {
    evnet_server *server;
    int left;
    std::atomic<bool> over{false};
    static void Next(struct evnet_conn_id id, int status, void *user) {
      auto *self = static_cast<Chain *>(user);
      EXPECT_EQ(status, 0);
      if (--self->left == 0) {
        self->over = true;
      } else {
        EXPECT_EQ(evnet_async_write(self->server, id, "x", 1, Next, self), 0);
      }
    }
  };
  Start();
  auto client = Connect();
  Chain chain{server->get(), 1000, {}};
  ASSERT_EQ(evnet_async_write(server->get(), Id(), "x", 1, Chain::Next, &chain), 0);
  EXPECT_EQ(client->Receive(1000), std::string(1000, 'x'));
  EXPECT_TRUE(WaitUntil([&] { return chain.over.load(); }));
  EXPECT_EQ(server->Stop(5000), 0);
}

TEST_F(Async, EveryRequestAroundAStopIsAnsweredOrRefused) {
  options.reactors = 2;
  for (int round = 0; round < 10; round++) {
    Start();
    const size_t base = Count();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 4; i++) clients.push_back(Connect());
    std::atomic<size_t> taken{0}, answered{0};
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 4; t++) {
      threads.emplace_back([&, t] {
        const auto count = [](struct evnet_conn_id, int, void *user) {
          NoteProgress();
          ++*static_cast<std::atomic<size_t> *>(user);
        };
        // The number of writes is bounded, because the clients do not read and queues would grow.
        for (int i = 0; i < 20000; i++) {
          const int status =
              evnet_async_write(server->get(), Id(base + t), "0123456789", 10, count, &answered);
          if (status == -ESHUTDOWN) break;
          if (status == 0) taken++;
        }
      });
    }
    EXPECT_TRUE(WaitUntil([&] { return taken > 100; }));
    EXPECT_EQ(server->Stop(round % 2 == 0 ? 0 : 50), 0);
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(answered, taken);
  }
}

}  // namespace
}  // namespace evnet_testing
