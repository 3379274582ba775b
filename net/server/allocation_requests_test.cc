// Requests to a running server while the n-th allocation fails, for each n, once or permanently.
// Each request returns -ENOMEM or is completed once, and no memory leaks. When there is memory
// again, the server serves and stops.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/adopt.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"
#include "net/server/workers.h"

namespace evnet_testing {
namespace {

// Counts the requests that were accepted and those that were completed.
class Requests {
 public:
  // Counts what a request returned.
  void Asked(int status) {
    EXPECT_TRUE(status == 0 || status == -ENOMEM) << evnet_status_name(status);
    if (status == 0) taken_++;
  }
  static void Done(struct evnet_conn_id, int status, void *user) {
    Requests *self = static_cast<Requests *>(user);
    self->answered_++;
    if (status == 0) self->good_++;
  }
  void ExpectOneAnswerEach() {
    EXPECT_TRUE(WaitUntil([this] { return answered_ >= taken_; })) << answered_ << " of " << taken_;
    EXPECT_EQ(answered_, taken_);
  }
  int good() const { return good_; }

 private:
  std::atomic<int> taken_{0};
  std::atomic<int> answered_{0};
  std::atomic<int> good_{0};
};

// A server whose allocator can fail, with a first connection.
struct Life {
  explicit Life(const Callbacks &callbacks) {
    options.allocator = allocator.get();
    options.reactors = 2;
    options.linger_ms = 50;
    // Small buffers, so that evnet has to queue output.
    options.send_buffer_bytes = options.receive_buffer_bytes = 4096;
    server = std::make_unique<Server>(
        callbacks, options, std::vector<std::string>{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  }
  evnet_server *get() const { return server->get(); }

  FailingAllocator allocator;
  evnet_options options = {};
  std::unique_ptr<Server> server;
};

using Scenario = void (*)(Life *life, Requests *requests, const std::function<void()> &arm);

// The connection that opened last.
std::mutex opened_mutex;
struct evnet_conn_id opened_id;

Callbacks Serving() {
  Callbacks callbacks = Echo();
  callbacks.on_open = [](evnet_conn *conn) {
    const std::lock_guard<std::mutex> lock(opened_mutex);
    opened_id = evnet_conn_get_id(conn);
    return EVNET_NONE;
  };
  callbacks.on_close = [](evnet_conn *, int) { return EVNET_NONE; };
  return callbacks;
}

struct evnet_conn_id OpenedId() {
  const std::lock_guard<std::mutex> lock(opened_mutex);
  return opened_id;
}

void Greet(Client *client) {
  client->SendAll("hello");
  ASSERT_EQ(client->Receive(5), "hello");
}

// Scenarios

void Dials(Life *life, Requests *requests, const std::function<void()> &arm) {
  PlainListener listener;
  const std::string port = std::to_string(listener.port());
  arm();
  for (const std::string &text : {listener.text(), "tcp://localhost:" + port})
    requests->Asked(
        evnet_server_dial(life->get(), text.c_str(), nullptr, Requests::Done, requests));
  requests->ExpectOneAnswerEach();
  // Each dial that has begun opens or fails, once.
  EXPECT_TRUE(WaitUntil([&] {
    const struct evnet_server_stats stats = life->server->stats();
    return stats.connections_accepted + stats.dials_failed >=
           static_cast<uint64_t>(requests->good());
  }));
}

struct Adopted {
  evnet_reactor *reactor;
  int descriptor;
  std::atomic<int> status{1};
};

void Adopts(Life *life, Requests *, const std::function<void()> &arm) {
  std::vector<int> peers;
  std::vector<std::unique_ptr<Adopted>> adopted;
  for (uint32_t i = 0; i < 4; i++) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peers.push_back(pair[1]);
    adopted.push_back(std::make_unique<Adopted>());
    adopted.back()->reactor = evnet_server_reactor(life->get(), i % 2);
    adopted.back()->descriptor = pair[0];
  }
  arm();
  for (const auto &one : adopted) {
    const int posted = evnet_reactor_post(
        one->reactor,
        [](void *user) {
          Adopted *self = static_cast<Adopted *>(user);
          self->status = evnet_adopt(self->reactor, self->descriptor, nullptr, nullptr);
        },
        one.get());
    if (posted < 0) one->status = posted;
  }
  for (size_t i = 0; i < adopted.size(); i++) {
    ASSERT_TRUE(WaitUntil([&] { return adopted[i]->status <= 0; }));
    if (adopted[i]->status < 0) {
      EXPECT_EQ(adopted[i]->status, -ENOMEM);
      EXPECT_EQ(close(adopted[i]->descriptor), 0) << "the descriptor still belongs to the caller";
    } else {
      // The server serves the connection, or closes it because there is no memory.
      char byte = 'x';
      (void)send(peers[i], &byte, 1, MSG_NOSIGNAL);
      EXPECT_GE(recv(peers[i], &byte, 1, 0), 0);
    }
    (void)close(peers[i]);
  }
}

void AsyncWrites(Life *life, Requests *requests, const std::function<void()> &arm) {
  Client client(life->server->port());
  Greet(&client);
  const struct evnet_conn_id id = OpenedId();
  const std::string data = Pattern(60000);
  static std::atomic<int> released;
  released = 0;
  evnet_shared *shared = nullptr;
  ASSERT_EQ(evnet_shared_create(data.data(), data.size(), &shared), 0);
  iovec pieces[] = {
      {const_cast<char *>(data.data()), 1000}, {nullptr, 0}, {const_cast<char *>(data.data()), 9}};
  arm();
  requests->Asked(
      evnet_async_write(life->get(), id, data.data(), data.size(), Requests::Done, requests));
  requests->Asked(evnet_async_writev(life->get(), id, pieces, 3, Requests::Done, requests));
  const int owned = evnet_async_write_owned(
      life->get(), id, const_cast<char *>(data.data()), data.size(),
      [](void *, void *) { released++; }, Requests::Done, requests);
  requests->Asked(owned);
  requests->Asked(evnet_async_write_shared(life->get(), id, shared, Requests::Done, requests));
  requests->Asked(evnet_async_wake(life->get(), id, Requests::Done, requests));
  requests->Asked(evnet_async_resume_reading(life->get(), id, Requests::Done, requests));
  requests->Asked(evnet_async_close(life->get(), id, Requests::Done, requests));
  evnet_shared_release(shared);
  client.ShutdownWrite();
  (void)client.ReceiveToEnd();
  requests->ExpectOneAnswerEach();
  EXPECT_EQ(released, owned == 0 ? 1 : 0);
}

void Datagrams(Life *life, Requests *requests, const std::function<void()> &arm) {
  UdpClient client;
  const evnet_address server = life->server->address(1);
  const evnet_address own = client.Address();
  struct evnet_conn_id id = {};
  std::atomic<bool> known{false};
  Post(evnet_server_reactor(life->get(), 0), [&] {
    id = evnet_conn_get_id(evnet_server_datagram_socket(life->get(), 1));
    known = true;
  });
  ASSERT_TRUE(WaitUntil([&] { return known.load(); }));
  arm();
  for (const size_t bytes : {0, 1, 1400, 60000}) client.Send(server, Pattern(bytes));
  const std::string data = Pattern(1400);
  for (int i = 0; i < 3; i++)
    requests->Asked(evnet_async_send_to(life->get(), id, &own, data.data(), data.size(),
                                        Requests::Done, requests));
  requests->ExpectOneAnswerEach();
}

// A worker's job: replies by id, and releases the hold unless there is no memory for the request.
struct Job {
  evnet_server *server;
  struct evnet_conn_id id;
  Requests *requests;
};

void Workers(Life *life, Requests *requests, const std::function<void()> &arm) {
  const evnet_workers_options options = {2, 8, life->allocator.get()};
  Client client(life->server->port());
  Greet(&client);
  Job job = {life->get(), OpenedId(), requests};
  arm();
  evnet_workers *workers = nullptr;
  const int created = evnet_workers_create(&options, &workers);
  EXPECT_TRUE(created == 0 || created == -ENOMEM);
  if (created < 0) return;
  for (int i = 0; i < 4; i++) {
    EXPECT_EQ(evnet_workers_submit(
                  workers,
                  [](void *argument) {
                    const Job *self = static_cast<const Job *>(argument);
                    self->requests->Asked(evnet_async_write(self->server, self->id, "answer", 6,
                                                            Requests::Done, self->requests));
                  },
                  &job),
              0);
  }
  evnet_workers_destroy(workers);
  requests->ExpectOneAnswerEach();
}

void StopUnderLoad(Life *life, Requests *requests, const std::function<void()> &arm) {
  std::vector<Client> clients;
  for (int i = 0; i < 4; i++) {
    clients.emplace_back(life->server->port());
    Greet(&clients.back());
  }
  const struct evnet_conn_id id = OpenedId();
  const std::string data = Pattern(30000);
  for (Client &client : clients) (void)client.TrySend(data);
  arm();
  for (int i = 0; i < 3; i++)
    requests->Asked(
        evnet_async_write(life->get(), id, data.data(), data.size(), Requests::Done, requests));
  evnet_server_stop(life->get(), 100);
  EXPECT_EQ(life->server->Wait(), 0);
  requests->ExpectOneAnswerEach();
}

struct Case {
  const char *name;
  Scenario scenario;
  size_t allocations_min;
  bool stops;
};

class AllocationFaultsOf : public testing::TestWithParam<Case> {
 protected:
  // Returns whether the run reached the n-th allocation.
  bool Run(size_t n, bool forever) {
    const size_t descriptors = OpenDescriptors();
    bool reached = false;
    {
      Life life(Serving());
      Requests requests;
      GetParam().scenario(&life, &requests, [&] { life.allocator.fail_at(n, forever); });
      reached = life.allocator.failures() > 0;
      life.allocator.fail_at(0, false);
      if (!GetParam().stops) {
        Client again(life.server->port());
        Greet(&again);
        again.Close();
        EXPECT_EQ(life.server->Stop(300), 0);
      }
      const struct evnet_server_stats stats = life.server->stats();
      EXPECT_EQ(stats.connections_open, 0u);
      EXPECT_EQ(stats.connections_accepted, stats.connections_closed);
      life.server.reset();
      EXPECT_EQ(life.allocator.live_blocks(), 0u);
    }
    EXPECT_EQ(OpenDescriptors(), descriptors);
    return reached;
  }
};

TEST_P(AllocationFaultsOf, EachRequestIsRefusedOrAnsweredOnceAndTheServerGoesOn) {
  for (const bool forever : {false, true}) {
    size_t n = 1;
    while (Run(n, forever)) {
      ASSERT_FALSE(HasFailure()) << "allocation " << n << (forever ? " and all after it" : "");
      n++;
      ASSERT_LT(n, 300u);
    }
    ASSERT_FALSE(HasFailure()) << "without a failed allocation";
    EXPECT_GT(n, GetParam().allocations_min);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Server, AllocationFaultsOf,
    testing::Values(Case{"Dials", Dials, 4, false}, Case{"Adopts", Adopts, 4, false},
                    Case{"AsyncWrites", AsyncWrites, 6, false},
                    Case{"Datagrams", Datagrams, 3, false}, Case{"Workers", Workers, 4, false},
                    Case{"StopUnderLoad", StopUnderLoad, 3, true}),
    [](const testing::TestParamInfo<Case> &tested) { return tested.param.name; });

}  // namespace
}  // namespace evnet_testing
