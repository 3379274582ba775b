// A server that records the ids of its connections, and the results of requests by id.
#ifndef EVNET_NET_SERVER_TESTING_ASYNC_FIXTURE_H_
#define EVNET_NET_SERVER_TESTING_ASYNC_FIXTURE_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/server/async.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {

// Collects the results of requests. Tests wait for them.
class Answers {
 public:
  static void Done(struct evnet_conn_id, int status, void *user) {
    auto *self = static_cast<Answers *>(user);
    std::lock_guard<std::mutex> lock(self->mutex_);
    self->statuses_.push_back(status);
  }
  static void Release(void *data, void *user) {
    auto *self = static_cast<Answers *>(user);
    std::lock_guard<std::mutex> lock(self->mutex_);
    self->released_.push_back(data);
    self->released_before_done_.push_back(self->statuses_.size());
  }
  std::vector<int> statuses() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return statuses_;
  }
  std::vector<void *> released() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return released_;
  }
  std::vector<size_t> released_before_done() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return released_before_done_;
  }
  bool WaitFor(size_t count, Place place = Place::Here()) const {
    return WaitUntil([&] { return statuses().size() >= count; }, place);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<int> statuses_;
  std::vector<void *> released_;
  std::vector<size_t> released_before_done_;
};

// A server that records its connections in the order in which they open.
class Async : public ::testing::Test {
 protected:
  Async() : callbacks(Echo()) {
    callbacks.on_open = [this](evnet_conn *conn) {
      std::lock_guard<std::mutex> lock(mutex_);
      ids_.push_back(evnet_conn_get_id(conn));
      return EVNET_NONE;
    };
  }
  void Start(const std::vector<std::string> &addresses = {"tcp://127.0.0.1:0"}) {
    server = std::make_unique<Server>(callbacks, options, addresses);
  }
  std::unique_ptr<Client> Connect(const ClientOptions &client_options = {}) {
    const size_t before = Count();
    auto client = std::make_unique<Client>(server->port(), client_options);
    EXPECT_TRUE(WaitUntil([&] { return Count() > before; }));
    return client;
  }
  struct evnet_conn_id Id(size_t index = 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    return ids_.at(index);
  }
  size_t Count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return ids_.size();
  }
  int Write(const std::string &data, size_t index = 0) {
    return evnet_async_write(server->get(), Id(index), data.data(), data.size(), Answers::Done,
                             &answers);
  }
  // Returns a client that does not read. The server has filled all kernel buffers, so further
  // writes are queued.
  std::unique_ptr<Client> ConnectBlocked() {
    ClientOptions small;
    small.receive_buffer_bytes = 4096;
    auto client = Connect(small);
    blocked_bytes = 8 << 20;
    EXPECT_EQ(Write(std::string(blocked_bytes, 'b')), 0);
    return client;
  }

  Callbacks callbacks;
  evnet_options options = {};
  Answers answers;
  size_t blocked_bytes = 0;
  std::unique_ptr<Server> server;

 private:
  std::mutex mutex_;
  std::vector<struct evnet_conn_id> ids_;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_ASYNC_FIXTURE_H_
