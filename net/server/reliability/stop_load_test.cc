// A stop under load. The server replies to each byte that its handler received, including replies
// that other threads owe, and all replies arrive before EOF.
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/server/server.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr int64_t kDrainMs = 20000;

// A server that echoes each byte. Every third echo comes later from another thread, under a hold.
class LoadedServer {
 public:
  explicit LoadedServer(int reactors) {
    evnet_options options = {};
    options.reactors = reactors;
    Callbacks callbacks;
    callbacks.on_open = [this](evnet_conn *conn) {
      std::lock_guard<std::mutex> lock(mutex_);
      alive_[Port(conn)] = conn;
      return EVNET_NONE;
    };
    callbacks.on_data = [this](evnet_conn *conn) { return OnData(conn); };
    callbacks.on_close = [this](evnet_conn *conn, int reason) {
      std::lock_guard<std::mutex> lock(mutex_);
      alive_.erase(Port(conn));
      reasons_[evnet_status_name(reason)]++;
      return EVNET_NONE;
    };
    server_ = std::make_unique<Server>(callbacks, options);
    worker_ = std::thread([this] { Work(); });
  }

  ~LoadedServer() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    worker_.join();
  }

  Server &server() { return *server_; }

  // Returns how many bytes of the client with this port the handler has received.
  size_t Delivered(uint16_t port) {
    std::lock_guard<std::mutex> lock(mutex_);
    return delivered_[port];
  }
  size_t Owed() {
    std::lock_guard<std::mutex> lock(mutex_);
    return owed_count_;
  }
  std::map<std::string, int> reasons() {
    std::lock_guard<std::mutex> lock(mutex_);
    return reasons_;
  }

 private:
  struct Answer {
    evnet_reactor *reactor;
    uint16_t port;
    std::string bytes;
  };

  static uint16_t Port(const evnet_conn *conn) {
    evnet_address address;
    evnet_conn_remote_address(conn, &address);
    return evnet_address_port(&address);
  }

  evnet_action OnData(evnet_conn *conn) {
    const std::string bytes = Take(conn);
    std::lock_guard<std::mutex> lock(mutex_);
    const uint16_t port = Port(conn);
    delivered_[port] += bytes.size();
    if (++calls_ % 3 == 0) {
      evnet_conn_hold(conn);
      owed_.push_back({evnet_conn_reactor(conn), port, bytes});
      owed_count_++;
    } else {
      Write(conn, bytes);
    }
    return EVNET_NONE;
  }

  void Work() {
    for (;;) {
      std::vector<Answer> answers;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        if (ended_ && owed_.empty()) return;
        answers.swap(owed_);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the work
      for (const Answer &answer : answers) {
        Post(answer.reactor, [this, answer] {
          evnet_conn *conn = Find(answer.port);
          if (conn == nullptr) return;  // the client has reset it
          Write(conn, answer.bytes);
          evnet_conn_release(conn);
        });
      }
    }
  }

  evnet_conn *Find(uint16_t port) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = alive_.find(port);
    return found == alive_.end() ? nullptr : found->second;
  }

  std::mutex mutex_;
  std::map<uint16_t, evnet_conn *> alive_;  // by the client's port
  std::map<uint16_t, size_t> delivered_;
  std::map<std::string, int> reasons_;
  std::vector<Answer> owed_;
  size_t owed_count_ = 0;
  size_t calls_ = 0;
  bool ended_ = false;
  std::unique_ptr<Server> server_;
  std::thread worker_;
};

// Sends and receives until the server closes. Returns the number of bytes received.
size_t LoadUntilTheEnd(Client *client) {
  const std::string block(1000, 'x');
  size_t received = 0;
  while (client->end() == Client::End::kOpen) {
    client->TrySend(block);
    if (client->Readable(1)) received += client->TryReceive().size();
  }
  return received;
}

class StopUnderLoad : public testing::TestWithParam<int> {};

TEST_P(StopUnderLoad, AnswersAllThatWasDelivered) {
  const size_t count = LongOr<size_t>(50, 10);
  size_t bytes = 0;
  size_t owed = 0;
  const int rounds = LongOr(100, 3);
  Progress progress("stop_load", static_cast<uint64_t>(rounds), "stops");
  for (int round = 0; round < rounds; round++) {
    LoadedServer loaded(GetParam());
    std::vector<Client> clients;
    for (size_t i = 0; i < count; i++) clients.emplace_back(loaded.server().port());
    ASSERT_TRUE(loaded.server().WaitForOpen(count));
    std::vector<std::thread> threads;
    for (Client &client : clients) {
      threads.emplace_back([&loaded, &client, &bytes] {
        const evnet_address own = client.LocalAddress();
        const size_t received = LoadUntilTheEnd(&client);
        EXPECT_EQ(client.end(), Client::End::kEnd);
        client.Close();
        EXPECT_EQ(received, loaded.Delivered(evnet_address_port(&own)));
        __atomic_add_fetch(&bytes, received, __ATOMIC_RELAXED);
      });
    }
    ASSERT_TRUE(WaitUntil([&] { return loaded.Owed() > count; }));
    const int64_t began_ms = NowMs();
    EXPECT_EQ(loaded.server().Stop(kDrainMs), 0);
    EXPECT_LT(NowMs() - began_ms, kDrainMs);
    for (std::thread &thread : threads) thread.join();
    owed += loaded.Owed();
    progress.Add(1);
    EXPECT_EQ(loaded.reasons(),
              (std::map<std::string, int>{{"EVNET_REASON_SHUTDOWN", static_cast<int>(count)}}));
  }
  printf("%zu KiB answered, %zu times later under a hold\n", bytes >> 10, owed);
}

TEST_P(StopUnderLoad, ExitsWithZero) {
  const int rounds = LongOr(20, 1);
  Progress progress("stop_load", static_cast<uint64_t>(rounds), "stops");
  for (int round = 0; round < rounds; round++) {
    evnet_options options = {};
    options.reactors = GetParam();
    std::vector<Client> clients;
    std::vector<std::thread> threads;
    {
      const ChildServer server(0, options);
      for (int i = 0; i < 10; i++) clients.emplace_back(server.port());
      for (Client &client : clients) EXPECT_EQ(client.Exchange("ready"), "ready");
      for (Client &client : clients) {
        threads.emplace_back([&client] {
          (void)LoadUntilTheEnd(&client);
          EXPECT_EQ(client.end(), Client::End::kEnd);
          client.Close();
        });
      }
    }
    for (std::thread &thread : threads) thread.join();
    progress.Add(1);
  }
}

INSTANTIATE_TEST_SUITE_P(Reactors, StopUnderLoad, testing::Values(1, 3));

}  // namespace
}  // namespace evnet_testing
