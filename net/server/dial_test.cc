// Dialling from a server. The dial runs on the reactor that the balancer picks, is counted, and is
// completed once.
#include <errno.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/server.h"
#include "net/server/testing/dial_answer.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

std::string TextOf(const evnet_address &address) { return FormatAddress(address); }

TEST(ServerDial, IsOpenedOnAReactorWithItsUserAndServes) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    PlainListener listener;
    Journal journal;
    int mark = 0;
    Callbacks callbacks;
    callbacks.on_open = [&](evnet_conn *conn) {
      journal.Add(evnet_conn_user(conn) == &mark ? "open with its user" : "open");
      Write(conn, "hello");
      return EVNET_NONE;
    };
    callbacks.on_data = [&](evnet_conn *conn) {
      journal.Add(Take(conn));
      return EVNET_CLOSE;
    };
    callbacks.on_close = [&](evnet_conn *conn, int reason) {
      EXPECT_EQ(evnet_conn_user(conn), &mark);
      journal.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = reactors;
    Server server(callbacks, options);
    evnet_dial_options dial_options = {};
    dial_options.conn_user = &mark;
    Answer answer;
    ASSERT_EQ(evnet_server_dial(server.get(), listener.text().c_str(), &dial_options, Answer::Done,
                                &answer),
              0);
    const int peer = listener.Accept();
    char text[6] = "";
    ASSERT_EQ(recv(peer, text, 5, MSG_WAITALL), 5);
    EXPECT_STREQ(text, "hello");
    ASSERT_EQ(send(peer, "bye", 3, 0), 3);
    ASSERT_EQ(recv(peer, text, 1, 0), 0);
    (void)close(peer);
    ASSERT_TRUE(server.WaitForClosed(1));
    EXPECT_EQ(journal.Lines(),
              (std::vector<std::string>{"open with its user", "bye", "EVNET_REASON_LOCAL"}));
    EXPECT_EQ(answer.calls, 1);
    EXPECT_EQ(answer.status, 0);
    EXPECT_NE(answer.id.generation, 0u);
  }
}

TEST(ServerDial, EachReactorGetsItsTurn) {
  PlainListener listener("tcp://127.0.0.1:0", 64);
  std::mutex mutex;
  std::map<evnet_reactor *, int> opened;
  std::atomic<int> count{0};
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *conn) {
    const std::lock_guard<std::mutex> lock(mutex);
    opened[evnet_conn_reactor(conn)]++;
    count++;
    return EVNET_NONE;
  };
  for (const evnet_balancing balancing :
       {EVNET_ROUND_ROBIN, EVNET_LEAST_CONNECTIONS, EVNET_SOURCE_HASH}) {
    opened.clear();
    count = 0;
    evnet_options options = {};
    options.reactors = 3;
    options.balancer = balancing;
    Server server(callbacks, options);
    for (int i = 0; i < 30; i++)
      ASSERT_EQ(evnet_server_dial(server.get(), listener.text().c_str(), nullptr, nullptr, nullptr),
                0);
    ASSERT_TRUE(WaitUntil([&] { return count == 30; }));
    EXPECT_EQ(opened.size(), 3u);
    for (const auto &each : opened) EXPECT_EQ(each.second, 10);
    for (int i = 0; i < 30; i++) (void)close(listener.Accept());
    server.Stop(0);
  }
}

TEST(ServerDial, AFailedOneIsOnCloseAlone) {
  const PlainListener bound("tcp://127.0.0.1:0", -1);
  Journal journal;
  Callbacks callbacks;
  callbacks.on_open = [&](evnet_conn *) {
    journal.Add("open");
    return EVNET_NONE;
  };
  callbacks.on_close = [&](evnet_conn *, int reason) {
    journal.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.reactors = 2;
  options.connections_per_address_max = 1;
  Server server(callbacks, options);
  for (int i = 0; i < 4; i++)
    ASSERT_EQ(evnet_server_dial(server.get(), bound.text().c_str(), nullptr, nullptr, nullptr), 0);
  ASSERT_TRUE(journal.WaitFor("ECONNREFUSED", 4));
  ASSERT_TRUE(WaitUntil([&] { return server.stats().dials_failed == 4; }));
  EXPECT_EQ(server.stats().connections_closed, 0u);
  EXPECT_EQ(journal.Count("open"), 0u);
}

TEST(ServerDial, IsCancelledByItsId) {
  const Blackhole nowhere;
  Journal journal;
  Callbacks callbacks;
  callbacks.on_close = [&](evnet_conn *, int reason) {
    journal.Add(evnet_status_name(reason));
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.reactors = 2;
  Server server(callbacks, options);
  for (int i = 0; i < 3; i++) {
    Answer dialled, written, woken, resumed, closed;
    ASSERT_EQ(
        evnet_server_dial(server.get(), nowhere.text().c_str(), nullptr, Answer::Done, &dialled),
        0);
    ASSERT_TRUE(dialled.Wait());
    ASSERT_EQ(evnet_async_write(server.get(), dialled.id, "x", 1, Answer::Done, &written), 0);
    ASSERT_EQ(evnet_async_wake(server.get(), dialled.id, Answer::Done, &woken), 0);
    ASSERT_EQ(evnet_async_resume_reading(server.get(), dialled.id, Answer::Done, &resumed), 0);
    const auto end = i == 1 ? evnet_async_abort : evnet_async_close;
    ASSERT_EQ(end(server.get(), dialled.id, Answer::Done, &closed), 0);
    ASSERT_TRUE(resumed.Wait());
    EXPECT_EQ(resumed.status, -ENOTCONN);
    ASSERT_TRUE(written.Wait() && woken.Wait() && closed.Wait());
    EXPECT_EQ(written.status, -ECANCELED);
    EXPECT_EQ(woken.status, -ECANCELED);
    EXPECT_EQ(closed.status, 0);
    ASSERT_TRUE(journal.WaitFor("ECANCELED", static_cast<size_t>(i) + 1));
    Answer again;
    ASSERT_EQ(evnet_async_close(server.get(), dialled.id, Answer::Done, &again), 0);
    ASSERT_TRUE(again.Wait());
    EXPECT_EQ(again.status, -ESTALE);
  }
}

TEST(ServerDial, ABadOneIsRefusedAtOnce) {
  Server server;
  Answer answer;
  EXPECT_EQ(evnet_server_dial(server.get(), "nonsense", nullptr, Answer::Done, &answer),
            EVNET_STATUS_ADDRESS);
  EXPECT_TRUE(server.log().Has("nonsense"));
  evnet_dial_options options = {};
  options.timeout_ms = -7;
  EXPECT_EQ(evnet_server_dial(server.get(), "tcp://127.0.0.1:1", &options, Answer::Done, &answer),
            EVNET_STATUS_OPTION);
  EXPECT_TRUE(server.log().Has("timeout_ms"));
  EXPECT_EQ(answer.calls, 0);
}

TEST(ServerDial, BeforeItsStartAndAfterItsEndItIsRefused) {
  Created created(Echo(), {});
  EXPECT_EQ(evnet_server_dial(created.get(), "tcp://127.0.0.1:1", nullptr, nullptr, nullptr),
            -ENOTCONN);
  Server server;
  server.Stop(0);
  EXPECT_EQ(evnet_server_dial(server.get(), "tcp://127.0.0.1:1", nullptr, nullptr, nullptr),
            -ESHUTDOWN);
}

TEST(ServerDial, OnBootMayDial) {
  PlainListener listener;
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    EXPECT_EQ(evnet_server_dial(server, listener.text().c_str(), nullptr, nullptr, nullptr), 0);
    return EVNET_NONE;
  };
  Server server(callbacks);
  const int peer = listener.Accept();
  ASSERT_TRUE(server.WaitForOpen(1));
  (void)close(peer);
}

// Each accepted dial has one call of `done`, and each dial that has begun has an on_close, whenever
// the stop comes.
TEST(ServerDial, AStopAmongDialsLeavesNoneUnanswered) {
  PlainListener listener("tcp://127.0.0.1:0", 128);
  const Blackhole nowhere;
  for (int round = 0; round < 10; round++) {
    std::atomic<int> closed{0};
    Callbacks callbacks;
    callbacks.on_close = [&](evnet_conn *, int) {
      closed++;
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = 3;
    std::vector<std::unique_ptr<Answer>> answers;
    int taken = 0;
    {
      Server server(callbacks, options);
      for (int i = 0; i < 60; i++) {
        if (i == 3 * round + 20) evnet_server_stop(server.get(), 0);
        answers.push_back(std::make_unique<Answer>());
        const std::string &address = i % 2 == 0 ? listener.text() : nowhere.text();
        const int status = evnet_server_dial(server.get(), address.c_str(), nullptr, Answer::Done,
                                             answers.back().get());
        if (status == 0) {
          taken++;
        } else {
          EXPECT_EQ(status, -ESHUTDOWN);
        }
      }
      EXPECT_EQ(server.Wait(), 0);
    }
    int answered = 0, begun = 0;
    for (const auto &answer : answers) {
      answered += answer->calls;
      begun += answer->calls == 1 && answer->status == 0;
      if (answer->calls == 1 && answer->status != 0) {
        EXPECT_EQ(answer->status, -ESHUTDOWN);
      }
    }
    EXPECT_EQ(answered, taken);
    EXPECT_EQ(closed, begun);
    pollfd waiting = {listener.descriptor(), POLLIN, 0};
    while (poll(&waiting, 1, 0) == 1) (void)close(listener.Accept());
  }
}

TEST(ServerDial, ADialledUdpSocketIsWrittenToByItsId) {
  UdpClient peer;
  std::atomic<int> opened{0};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *) {
    opened++;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp://127.0.0.1:0"});
  Answer dialled, written, sent_to;
  ASSERT_EQ(evnet_server_dial(server.get(), TextOf(peer.Address()).c_str(), nullptr, Answer::Done,
                              &dialled),
            0);
  ASSERT_TRUE(dialled.Wait());
  ASSERT_TRUE(WaitUntil([&] { return opened == 1; }));
  ASSERT_EQ(evnet_async_write(server.get(), dialled.id, "question", 8, Answer::Done, &written), 0);
  evnet_address from = {};
  EXPECT_EQ(peer.Receive(&from), "question");
  ASSERT_TRUE(written.Wait());
  EXPECT_EQ(written.status, 0);
  const evnet_address to = peer.Address();
  ASSERT_EQ(evnet_async_send_to(server.get(), dialled.id, &to, "x", 1, Answer::Done, &sent_to), 0);
  ASSERT_TRUE(sent_to.Wait());
  EXPECT_EQ(sent_to.status, -EISCONN);
  peer.Send(from, "echo");
  EXPECT_EQ(peer.Receive(), "echo");
}

}  // namespace
}  // namespace evnet_testing
