// Tests of the server with clients of its own: several reactors, limits, and clients that misbehave.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "examples/kv/resp_client.h"
#include "examples/testing/process.h"
#include "gtest/gtest.h"
#include "net/base/testing/sanitizers.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

std::string Bulk(const std::string &text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

class Kv : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void Start(Words more = {}) {
    more.insert(more.end(), {"--backend=" + std::get<0>(GetParam()),
                             "--reactors=" + std::get<1>(GetParam()), "tcp://127.0.0.1:0"});
    process_ = std::make_unique<Process>(more);
    port_ = PortOf(process_->Line());
  }
  void SetUp() override {
    if (!HasBackend(std::get<0>(GetParam()))) GTEST_SKIP() << "the backend is not available";
  }
  void TearDown() override {
    if (process_ == nullptr) return;
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->ExitCode(), 0);
    EXPECT_EQ(process_->RestOfErr(), "");
  }

  // The process's resident memory in bytes.
  size_t Resident() const {
    std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/statm");
    size_t total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }

  std::unique_ptr<Process> process_;
  uint16_t port_ = 0;
};

TEST_P(Kv, RequestsInOnePieceAreAnsweredInOrder) {
  Start();
  RespClient client(port_);
  std::string all, expected;
  for (int i = 0; i < 1000; i++) {
    all += i % 2 == 0 ? Encoded({"INCR", "n"}) : "GET n\r\n";
    expected +=
        i % 2 == 0 ? ":" + std::to_string(i / 2 + 1) + "\r\n" : Bulk(std::to_string(i / 2 + 1));
  }
  client.client()->SendAll(all);
  EXPECT_EQ(client.client()->Receive(expected.size()), expected);
}

TEST_P(Kv, AByteAtATimeIsTheSame) {
  Start();
  RespClient client(port_);
  for (const char byte : Encoded({"SET", "key", "value"}))
    client.client()->SendAll(std::string(1, byte));
  EXPECT_EQ(client.Reply(), "+OK\r\n");
  EXPECT_EQ(client.Ask({"GET", "key"}), Bulk("value"));
}

TEST_P(Kv, BrokenRequestsAreNamedAndTheirClientIsClosed) {
  Start();
  const std::pair<const char *, const char *> cases[] = {
      {"*1\r\n$-2\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
      {"*99999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
      {"*1\r\nX\r\n", "-ERR Protocol error: expected '$', got 'X'\r\n"},
      {"GET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
  };
  for (const auto &[bytes, error] : cases) {
    Client client(port_);
    client.SendAll(bytes);
    EXPECT_EQ(client.ReceiveToEnd(), error) << bytes;
  }
  Client endless(port_);
  endless.SendAll(std::string(70000, 'a'));
  EXPECT_EQ(endless.ReceiveToEnd(), "-ERR Protocol error: too big inline request\r\n");
}

TEST_P(Kv, AMessageReachesSubscribersOfAllReactors) {
  Start();
  std::vector<std::unique_ptr<RespClient>> subscribers;
  for (int i = 0; i < 8; i++) {
    subscribers.push_back(std::make_unique<RespClient>(port_));
    const bool is_pattern = i % 2 == 1;
    EXPECT_NE(subscribers.back()->Ask(
                  {is_pattern ? "PSUBSCRIBE" : "SUBSCRIBE", is_pattern ? "ne*" : "news"}),
              "");
  }
  RespClient publisher(port_);
  for (int message = 0; message < 50; message++)
    EXPECT_EQ(publisher.Ask({"PUBLISH", "news", std::to_string(message)}), ":8\r\n");
  for (int i = 0; i < 8; i++) {
    for (int message = 0; message < 50; message++) {
      const std::string text = Bulk(std::to_string(message));
      EXPECT_EQ(subscribers[static_cast<size_t>(i)]->Reply(),
                i % 2 == 1 ? "*4\r\n" + Bulk("pmessage") + Bulk("ne*") + Bulk("news") + text
                           : "*3\r\n" + Bulk("message") + Bulk("news") + text);
    }
  }
  subscribers.clear();
  EXPECT_TRUE(WaitUntil([&] { return publisher.Ask({"PUBLISH", "news", "x"}) == ":0\r\n"; }));
}

TEST_P(Kv, ATransactionFailsIfAnotherClientChangesAWatchedKey) {
  Start();
  RespClient one(port_), other(port_);
  for (const bool changes : {true, false}) {
    EXPECT_EQ(one.Ask({"WATCH", "k"}), "+OK\r\n");
    EXPECT_EQ(one.Ask({"MULTI"}), "+OK\r\n");
    EXPECT_EQ(one.Ask({"SET", "k", "mine"}), "+QUEUED\r\n");
    EXPECT_EQ(other.Ask({"SET", changes ? "k" : "other", "theirs"}), "+OK\r\n");
    EXPECT_EQ(one.Ask({"EXEC"}), changes ? "*-1\r\n" : "*1\r\n+OK\r\n");
  }
  EXPECT_EQ(one.Ask({"WATCH", "k"}), "+OK\r\n");
  EXPECT_EQ(other.Ask({"FLUSHALL"}), "+OK\r\n");
  EXPECT_EQ(one.Ask({"MULTI"}), "+OK\r\n");
  EXPECT_EQ(one.Ask({"EXEC"}), "*-1\r\n");
}

TEST_P(Kv, ATransactionIsSeenWholeOrNotAtAll) {
  Start();
  std::thread writer([&] {
    RespClient client(port_);
    for (int i = 0; i < 300; i++) {
      std::string all = Encoded({"MULTI"});
      for (int key = 0; key < 20; key++)
        all += Encoded({"SET", "k" + std::to_string(key), std::to_string(i)});
      client.client()->SendAll(all + Encoded({"EXEC"}));
      for (int reply = 0; reply < 22; reply++) (void)client.Reply();
    }
  });
  RespClient reader(port_);
  Words request = {"MGET"};
  for (int key = 0; key < 20; key++) request.push_back("k" + std::to_string(key));
  for (int i = 0; i < 300; i++) {
    std::string values = reader.Ask(request);
    const size_t head = values.find("\r\n") + 2;
    const std::string first =
        values.substr(head, values.size() > head && values[head + 1] == '-'
                                ? 5
                                : values.find("\r\n", values.find("\r\n", head) + 2) + 2 - head);
    std::string expected = "*20\r\n";
    for (int key = 0; key < 20; key++) expected += first;
    ASSERT_EQ(values, expected);
  }
  writer.join();
}

// A recorded history of clients that run simultaneously, in which each reply must be explained by one order of all
// requests that keeps the order of those that do not overlap.
struct Step {
  std::chrono::steady_clock::time_point began, ended;
  long value;
};

TEST_P(Kv, CountersOfConcurrentClientsAreLinearizable) {
  Start();
  constexpr int kClients = 8, kSteps = 400, kKeys = 3;
  std::vector<std::vector<std::vector<Step>>> history(kClients,
                                                      std::vector<std::vector<Step>>(kKeys));
  std::vector<std::thread> threads;
  for (int client = 0; client < kClients; client++) {
    threads.emplace_back([&, client] {
      RespClient connection(port_);
      for (int i = 0; i < kSteps; i++) {
        const int key = (i * 7 + client) % kKeys;
        const auto began = std::chrono::steady_clock::now();
        const std::string reply = connection.Ask({"INCR", "n" + std::to_string(key)});
        history[static_cast<size_t>(client)][static_cast<size_t>(key)].push_back(
            {began, std::chrono::steady_clock::now(), atol(reply.c_str() + 1)});
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (size_t key = 0; key < kKeys; key++) {
    std::vector<Step> steps;
    for (const auto &client : history)
      steps.insert(steps.end(), client[key].begin(), client[key].end());
    std::sort(steps.begin(), steps.end(),
              [](const Step &a, const Step &b) { return a.value < b.value; });
    auto latest = steps[0].began;
    for (size_t i = 0; i < steps.size(); i++) {
      ASSERT_EQ(steps[i].value, static_cast<long>(i) + 1) << "a value came twice or never";
      ASSERT_GE(steps[i].ended, latest)
          << "a later value was returned before an earlier request began";
      latest = std::max(latest, steps[i].began);
    }
  }
}

TEST_P(Kv, ValuesOfConcurrentClientsFormOneChain) {
  Start();
  constexpr int kClients = 8, kSteps = 300;
  struct Write {
    Step step;
    std::string value, before;
  };
  std::vector<std::vector<Write>> history(kClients);
  std::vector<std::thread> threads;
  for (int client = 0; client < kClients; client++) {
    threads.emplace_back([&, client] {
      RespClient connection(port_);
      for (int i = 0; i < kSteps; i++) {
        const std::string value = std::to_string(client) + "-" + std::to_string(i);
        const auto began = std::chrono::steady_clock::now();
        const std::string before = connection.Ask({"SET", "k", value, "GET"});
        history[static_cast<size_t>(client)].push_back(
            {{began, std::chrono::steady_clock::now(), 0}, value, before});
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  std::map<std::string, const Write *> after;  // by the value before
  for (const auto &client : history)
    for (const Write &write : client)
      ASSERT_TRUE(after.emplace(write.before, &write).second)
          << write.before << " was replaced twice";
  std::string at = "$-1\r\n";
  auto latest = std::chrono::steady_clock::time_point::min();
  for (int i = 0; i < kClients * kSteps; i++) {
    const auto found = after.find(at);
    ASSERT_NE(found, after.end()) << "nothing replaced " << at;
    ASSERT_GE(found->second->step.ended, latest);
    latest = std::max(latest, found->second->step.began);
    at = Bulk(found->second->value);
  }
}

TEST_P(Kv, ASubscriberThatDoesNotReadIsDroppedByItsCap) {
  Start();
  ClientOptions small;
  small.receive_buffer_bytes = 4096;
  Client silent(port_, small);
  silent.SendAll("SUBSCRIBE news\r\n");
  (void)silent.Receive(10);
  RespClient publisher(port_);
  const std::string text(1 << 20, 'x');
  int sent = 0;
  while (sent < 200 && publisher.Ask({"PUBLISH", "news", text}) == ":1\r\n") sent++;
  EXPECT_GE(sent, 32);
  EXPECT_LT(sent, 200);
  if (!kIsSanitized) {
    EXPECT_LT(Resident(), size_t{160} << 20);
  }
  (void)silent.ReceiveToEnd();
  EXPECT_EQ(silent.end(), Client::End::kReset);
}

TEST_P(Kv, AClientThatDoesNotReadItsRepliesIsNotReadFrom) {
  Start();
  RespClient other(port_);
  EXPECT_EQ(other.Ask({"SET", "big", std::string(1 << 20, 'x')}), "+OK\r\n");
  ClientOptions small;
  small.receive_buffer_bytes = 4096;
  Client silent(port_, small);
  std::string gets;
  for (int i = 0; i < 3000; i++) gets += "GET big\r\n";
  silent.SendAll(gets);
  EXPECT_EQ(other.Ask({"PING"}), "+PONG\r\n");
  if (!kIsSanitized) {
    EXPECT_LT(Resident(), size_t{100} << 20);
  }
  // It gets all of them when it reads.
  for (int i = 0; i < 50; i++)
    EXPECT_EQ(silent.Receive((1 << 20) + 12).size(), size_t{(1 << 20) + 12});
}

TEST_P(Kv, ExpiredKeysAreRemovedWithoutBeingAskedFor) {
  Start();
  RespClient client(port_);
  std::string all;
  for (int i = 0; i < 5000; i++) all += Encoded({"SET", std::to_string(i), "x", "PX", "50"});
  client.client()->SendAll(all);
  for (int i = 0; i < 5000; i++) ASSERT_EQ(client.Reply(), "+OK\r\n");
  EXPECT_TRUE(WaitUntil([&] { return client.Ask({"DBSIZE"}) == ":0\r\n"; }));
}

TEST_P(Kv, MaxmemoryRefusesWhatNeedsMemory) {
  Start({"--maxmemory-mb=1"});
  RespClient client(port_);
  const std::string oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  EXPECT_TRUE(WaitUntil([&] {
    static int key = 0;
    return client.Ask({"SET", std::to_string(key++), std::string(10000, 'x')}) == oom;
  }));
  EXPECT_EQ(client.Ask({"GET", "nosuch"}), "$-1\r\n");
  EXPECT_EQ(client.Ask({"FLUSHALL"}), "+OK\r\n");
  EXPECT_TRUE(WaitUntil([&] { return client.Ask({"SET", "k", "v"}) == "+OK\r\n"; }));
}

TEST_P(Kv, ScanReturnsEveryKeyOnce) {
  Start();
  RespClient client(port_);
  std::set<std::string> keys, seen;
  for (int i = 0; i < 3000; i++) {
    const std::string key = "key" + std::to_string(i);
    keys.insert(key);
    ASSERT_EQ(client.Ask({"SET", key, "x"}), "+OK\r\n");
  }
  std::string cursor = "0";
  int calls = 0;
  do {
    client.Send({"SCAN", cursor, "COUNT", "100"});
    const std::string reply = client.Reply();
    size_t at = reply.find("\r\n", reply.find("\r\n") + 2) + 2;
    cursor = reply.substr(at, reply.find("\r\n", at) - at);
    for (at = reply.find("\r\nkey"); at != std::string::npos; at = reply.find("\r\nkey", at + 2))
      seen.insert(reply.substr(at + 2, reply.find("\r\n", at + 2) - at - 2));
    ASSERT_LT(calls++, 3000);
  } while (cursor != "0");
  EXPECT_EQ(seen, keys);
}

TEST_P(Kv, ClientsAreListedAndKilledAcrossReactors) {
  Start();
  RespClient admin(port_);
  EXPECT_EQ(admin.Ask({"CLIENT", "SETNAME", "admin"}), "+OK\r\n");
  std::vector<std::unique_ptr<RespClient>> others;
  for (int i = 0; i < 4; i++) {
    others.push_back(std::make_unique<RespClient>(port_));
    EXPECT_EQ(others.back()->Ask({"CLIENT", "SETNAME", "victim"}), "+OK\r\n");
  }
  const std::string list = admin.Ask({"CLIENT", "LIST"});
  EXPECT_NE(list.find("name=admin"), std::string::npos) << list;
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 5 + 2) << list;
  EXPECT_EQ(admin.Ask({"CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal"}), ":4\r\n");
  for (auto &other : others) (void)other->client()->ReceiveToEnd();
  EXPECT_EQ(admin.Ask({"PING"}), "+PONG\r\n");
}

TEST_P(Kv, InfoNamesItsSections) {
  Start();
  RespClient client(port_);
  EXPECT_EQ(client.Ask({"SET", "k", "v", "EX", "100"}), "+OK\r\n");
  const std::string info = client.Ask({"INFO"});
  for (const char *text : {"# Server", "redis_version:7.0.15", "connected_clients:1",
                           "used_memory:", "keyspace_hits:", "db0:keys=1,expires=1,avg_ttl=0"})
    EXPECT_NE(info.find(text), std::string::npos) << text << "\n" << info;
}

INSTANTIATE_TEST_SUITE_P(
    Servers, Kv,
    ::testing::Combine(::testing::Values("epoll", "io_uring"), ::testing::Values("1", "2")),
    [](const ::testing::TestParamInfo<std::tuple<std::string, std::string>> &each) {
      return std::get<0>(each.param) + "_" + std::get<1>(each.param);
    });

TEST(KvArguments, InvalidOnesAreUsageErrors) {
  EXPECT_EQ(Process({"--maxmemory-mb=0"}).ExitCode(), 2);
  EXPECT_EQ(Process({"udp://127.0.0.1:0"}).ExitCode(), 2);
}

}  // namespace
}  // namespace evnet_testing
