// hiredis on a reactor, with a real redis-server.
#include <errno.h>
#include <hiredis/async.h>

#include <string>
#include <vector>

#include "adapters/hiredis/evnet_hiredis.h"
#include "adapters/testing/database.h"
#include "adapters/testing/loop.h"
#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

constexpr int kNotCalled = 77;

// A record of what the callbacks of one context saw. It is the context's `data`.
struct Seen {
  std::vector<std::string> replies;
  int connected = kNotCalled;     // the status of the connect callback
  int disconnected = kNotCalled;  // the status of the disconnect callback
};

Seen *SeenOf(const redisAsyncContext *context) { return static_cast<Seen *>(context->data); }

void OnReply(redisAsyncContext *context, void *reply, void *) {
  const redisReply *got = static_cast<redisReply *>(reply);
  std::string text = "none";
  if (got != nullptr && got->str != nullptr) text.assign(got->str, got->len);
  if (got != nullptr && got->type == REDIS_REPLY_INTEGER) text = std::to_string(got->integer);
  if (got != nullptr && got->type == REDIS_REPLY_NIL) text = "nil";
  if (got != nullptr && got->type == REDIS_REPLY_ARRAY) {
    text = "array";
    for (size_t i = 0; i < got->elements; i++) {
      const redisReply *element = got->element[i];
      text += " " + (element->str != nullptr ? std::string(element->str, element->len)
                                             : std::to_string(element->integer));
    }
  }
  SeenOf(context)->replies.push_back(text);
}

class Hiredis : public ::testing::TestWithParam<evnet_backend> {
 protected:
  void SetUp() override {
    if (!server_.installed()) GTEST_SKIP() << "redis-server is not installed";
    server_.Start();
  }
  redisAsyncContext *Connect(Seen *seen) {
    redisAsyncContext *context = redisAsyncConnectUnix(server_.socket());
    EXPECT_EQ(context->err, 0) << context->errstr;
    context->data = seen;
    EXPECT_EQ(evnet_hiredis_attach(loop_.get(), context), 0);
    redisAsyncSetConnectCallback(
        context, [](const redisAsyncContext *c, int status) { SeenOf(c)->connected = status; });
    redisAsyncSetDisconnectCallback(
        context, [](const redisAsyncContext *c, int status) { SeenOf(c)->disconnected = status; });
    return context;
  }

  RedisServer server_;
  Loop loop_{GetParam()};
};

TEST_P(Hiredis, CommandsAreAnsweredInOrder) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  constexpr int kCommands = 10000;
  for (int i = 0; i < kCommands; i++) redisAsyncCommand(context, OnReply, nullptr, "INCR n");
  loop_.Until([&] { return seen.replies.size() == kCommands; });
  for (int i = 0; i < kCommands; i++) ASSERT_EQ(seen.replies[i], std::to_string(i + 1));
  EXPECT_EQ(seen.connected, REDIS_OK);
  redisAsyncDisconnect(context);
  loop_.Until([&] { return seen.disconnected == REDIS_OK; });
}

TEST_P(Hiredis, ACallbackMayIssueCommandsAndDisconnect) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  redisAsyncCommand(
      context,
      [](redisAsyncContext *c, void *reply, void *user) {
        OnReply(c, reply, user);
        redisAsyncCommand(
            c,
            [](redisAsyncContext *again, void *second, void *) {
              OnReply(again, second, nullptr);
              redisAsyncDisconnect(again);
            },
            nullptr, "GET key");
      },
      nullptr, "SET key value");
  loop_.Until([&] { return seen.disconnected == REDIS_OK; });
  EXPECT_EQ(seen.replies, (std::vector<std::string>{"OK", "value"}));
}

TEST_P(Hiredis, ACallbackMayFreeTheContext) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  redisAsyncCommand(
      context,
      [](redisAsyncContext *c, void *reply, void *) {
        OnReply(c, reply, nullptr);
        if (reply != nullptr) redisAsyncFree(c);
      },
      nullptr, "PING");
  redisAsyncCommand(context, OnReply, nullptr, "PING");
  loop_.Until([&] { return seen.disconnected == REDIS_OK; });
  EXPECT_EQ(seen.replies, (std::vector<std::string>{"PONG", "none"}));
}

TEST_P(Hiredis, LargeValuesPassBothWays) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  const std::string value(8 << 20, 'x');
  redisAsyncCommand(context, OnReply, nullptr, "SET large %b", value.data(), value.size());
  redisAsyncCommand(context, OnReply, nullptr, "GET large");
  loop_.Until([&] { return seen.replies.size() == 2; });
  EXPECT_EQ(seen.replies[0], "OK");
  EXPECT_TRUE(seen.replies[1] == value);
  redisAsyncFree(context);
}

TEST_P(Hiredis, MessagesOfAChannelArrive) {
  Seen subscriber, publisher;
  redisAsyncContext *listens = Connect(&subscriber);
  redisAsyncContext *speaks = Connect(&publisher);
  redisAsyncCommand(listens, OnReply, nullptr, "SUBSCRIBE news");
  loop_.Until([&] { return subscriber.replies.size() == 1; });
  redisAsyncCommand(speaks, OnReply, nullptr, "PUBLISH news hello");
  loop_.Until([&] { return subscriber.replies.size() == 2; });
  EXPECT_EQ(subscriber.replies[1], "array message news hello");
  redisAsyncFree(listens);
  redisAsyncFree(speaks);
}

TEST_P(Hiredis, AServerThatStopsEndsEachCommandOnce) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  redisAsyncCommand(context, OnReply, nullptr, "PING");
  loop_.Until([&] { return seen.replies.size() == 1; });
  redisAsyncCommand(context, OnReply, nullptr, "BLPOP never 0");
  redisAsyncCommand(context, OnReply, nullptr, "PING");
  for (int i = 0; i < 3; i++) ASSERT_EQ(evnet_reactor_turn(loop_.get(), 0), 1);
  server_.Stop(9);
  loop_.Until([&] { return seen.disconnected != kNotCalled; });
  EXPECT_EQ(seen.disconnected, REDIS_ERR);
  EXPECT_EQ(seen.replies, (std::vector<std::string>{"PONG", "none", "none"}));

  server_.Start();
  Seen again;
  context = Connect(&again);
  redisAsyncCommand(context, OnReply, nullptr, "PING");
  loop_.Until([&] { return again.replies.size() == 1; });
  EXPECT_EQ(again.replies[0], "PONG");
  redisAsyncFree(context);
}

TEST_P(Hiredis, AReactorThatEndsEndsEachCommandOnce) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  redisAsyncCommand(context, OnReply, nullptr, "PING");
  loop_.Until([&] { return seen.replies.size() == 1; });
  redisAsyncCommand(context, OnReply, nullptr, "BLPOP never 0");
  loop_.Destroy();
  EXPECT_EQ(seen.replies, (std::vector<std::string>{"PONG", "none"}));
  EXPECT_EQ(seen.disconnected, REDIS_OK);
}

TEST_P(Hiredis, AttachRefusesAContextThatHasALoopOrNoSocket) {
  Seen seen;
  redisAsyncContext *context = Connect(&seen);
  EXPECT_EQ(evnet_hiredis_attach(loop_.get(), context), -EALREADY);
  redisAsyncFree(context);
  redisAsyncContext *none = redisAsyncConnectUnix("/nonexistent/socket");
  ASSERT_NE(none->err, 0);
  EXPECT_EQ(evnet_hiredis_attach(loop_.get(), none), -EINVAL);
  redisAsyncFree(none);
}

TEST_P(Hiredis, AttachRefusesAReactorThatHasEndedAndLeavesTheContext) {
  evnet_reactor_stop(loop_.get(), 0);
  while (evnet_reactor_turn(loop_.get(), 100) == 1) continue;
  redisAsyncContext *context = redisAsyncConnectUnix(server_.socket());
  ASSERT_EQ(context->err, 0) << context->errstr;
  EXPECT_EQ(evnet_hiredis_attach(loop_.get(), context), -ESHUTDOWN);
  EXPECT_EQ(context->ev.data, nullptr);
  redisAsyncFree(context);
}

INSTANTIATE_TEST_SUITE_P(OnEach, Hiredis,
                         ::testing::Values(EVNET_BACKEND_EPOLL, EVNET_BACKEND_AUTO));

}  // namespace
}  // namespace evnet_testing
