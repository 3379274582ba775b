// A server starts and stops under load repeatedly. Afterwards all its resources are free again.
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/failing_allocator.h"
#include "net/base/testing/long.h"
#include "net/base/testing/progress.h"
#include "net/base/testing/sanitizers.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/child.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/workers.h"

namespace evnet_testing {
namespace {

enum { kTcp, kUdp, kOther, kAddresses };  // kOther is a Unix path, or a second TCP address

// How the server stops.
enum class End { kAtOnce, kDrained, kByACallback, kByTwoThreads };

// One start and stop of a server, with workers, and clients of all its addresses.
class Life {
 public:
  Life(const evnet_allocator *allocator, const std::string &third, bool reuse_port) {
    evnet_workers_options workers = {};
    workers.threads = 2;
    workers.queue_max = 16;
    workers.allocator = allocator;
    EXPECT_EQ(evnet_workers_create(&workers, &workers_), 0);
    Callbacks callbacks;
    callbacks.on_boot = [this](evnet_server *server) {
      booted_ = server;
      return EVNET_NONE;
    };
    callbacks.on_data = [this](evnet_conn *conn) { return OnData(conn); };
    evnet_options options = {};
    options.reactors = 2;
    options.reuse_port = reuse_port;
    options.allocator = allocator;
    options.drain_ms = 20;
    options.linger_ms = 20;
    options.idle_timeout_ms = 60000;
    options.connections_per_address_max = 1000;
    server_ = std::make_unique<Server>(
        callbacks, options,
        std::vector<std::string>{"tcp://127.0.0.1:0", "udp://127.0.0.1:0", third});
  }

  ~Life() {
    for (std::thread &thread : clients_) thread.join();
    evnet_workers_destroy(workers_);
    EXPECT_EQ(jobs_begun_, jobs_done_);
  }

  // Starts clients that send until they are disconnected. Returns when each part of the server has
  // work.
  void Load() {
    for (int i = 0; i < 3; i++) {
      for (const size_t address : {kTcp, kOther}) {
        auto client = std::make_shared<Client>(server_->address(address));
        clients_.emplace_back([client] {
          const std::string block = Pattern(1000);
          while (client->end() == Client::End::kOpen) {
            client->TrySend(block);
            if (client->Readable(1)) client->TryReceive();
          }
        });
      }
    }
    const evnet_address to = server_->address(kUdp);
    clients_.emplace_back([this, to] {
      UdpClient client;
      while (!ended_) {
        client.Send(to, "datagram");
        if (client.Readable(1)) client.Receive();
      }
    });
    EXPECT_TRUE(WaitUntil([&] {
      return served_[kTcp] > 20 && served_[kUdp] > 5 && served_[kOther] > 20 && jobs_done_ > 5;
    }));
  }

  void Stop(End how) {
    std::thread other;
    if (how == End::kByACallback) {
      shuts_down_ = true;
      EXPECT_EQ(server_->Wait(), 0);
    } else {
      if (how == End::kByTwoThreads)
        other = std::thread([this] { evnet_server_stop(server_->get(), 10); });
      EXPECT_EQ(server_->Stop(how == End::kAtOnce ? 0 : 20), 0);
    }
    if (other.joinable()) other.join();
    ended_ = true;
    EXPECT_EQ(server_->stats().connections_open, 0u);
    EXPECT_EQ(server_->stats().connections_accepted, server_->stats().connections_closed);
  }

 private:
  struct Job {
    Life *life;
    struct evnet_conn_id id;
    std::string bytes;
  };

  evnet_action OnData(evnet_conn *conn) {
    const auto address = static_cast<size_t>(evnet_conn_listener_index(conn));
    const std::string bytes = Take(conn);
    served_[address]++;
    if (shuts_down_) return EVNET_SHUTDOWN;
    if (address == kUdp || served_[address] % 3 != 0 || !Submit(conn, bytes))
      (void)evnet_conn_write(conn, bytes.data(), bytes.size());
    return EVNET_NONE;
  }

  // Submits a reply to a worker. Returns false if the workers' queue is full.
  bool Submit(evnet_conn *conn, const std::string &bytes) {
    auto job = std::make_unique<Job>(Job{this, evnet_conn_get_id(conn), bytes});
    evnet_conn_hold(conn);
    if (evnet_workers_submit(workers_, Work, job.get()) < 0) {
      evnet_conn_release(conn);
      return false;
    }
    (void)job.release();
    jobs_begun_++;
    return true;
  }

  static void Work(void *argument) {
    const std::unique_ptr<Job> job(static_cast<Job *>(argument));
    Life *life = job->life;
    // The write may fail, because the connection may have closed or its reactor ended.
    (void)evnet_async_write(life->booted_, job->id, job->bytes.data(), job->bytes.size(), nullptr,
                            nullptr);
    (void)evnet_async_release(life->booted_, job->id);
    life->jobs_done_++;
  }

  std::unique_ptr<Server> server_;  // destroyed after the workers, whose late replies use it
  evnet_workers *workers_ = nullptr;
  evnet_server *booted_ = nullptr;
  std::vector<std::thread> clients_;
  std::atomic<size_t> served_[kAddresses] = {};
  std::atomic<size_t> jobs_begun_{0}, jobs_done_{0};
  std::atomic<bool> shuts_down_{false}, ended_{false};
};

// Returns the size of this process's address space.
size_t AddressSpaceBytes() {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  EXPECT_EQ(fscanf(file, "%lu", &pages), 1);
  (void)fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(StartStop, UnderLoadLeavesNoDescriptorThreadOrByte) {
  const int rounds = LongOr(1000, 100);
  const int settled = rounds / 5;  // from this round on, memory kept for reuse does not grow
  const TempDirectory directory;
  FailingAllocator allocator;
  const size_t descriptors = OpenDescriptors();
  const size_t threads = Threads();
  size_t resident = 0, reserved = 0;
  Progress progress("start_stop", static_cast<uint64_t>(rounds), "lives");
  for (int round = 0; round < rounds; round++) {
    progress.Add(1);
    SCOPED_TRACE("round " + std::to_string(round));
    const bool reuse_port = round % 8 >= 4;
    {
      Life life(allocator.get(),
                reuse_port ? "tcp://127.0.0.1:0" : "unix://" + directory.File("socket"),
                reuse_port);
      life.Load();
      life.Stop(static_cast<End>(round % 4));
    }
    ASSERT_EQ(allocator.live_blocks(), 0u);
    ASSERT_EQ(OpenDescriptors(), descriptors);
    // The kernel may list a joined thread for a moment.
    ASSERT_TRUE(WaitUntil([&] { return Threads() == threads; }));
    ASSERT_TRUE(directory.Names().empty());
    ASSERT_FALSE(testing::Test::HasFailure());
    if (round != settled) continue;
    resident = ResidentBytes();
    reserved = AddressSpaceBytes();
  }
  const size_t lives = static_cast<size_t>(rounds - settled);
  printf("%zu lives: the process grew by %zd KiB in memory, %zd KiB reserved\n", lives,
         (static_cast<ssize_t>(ResidentBytes()) - static_cast<ssize_t>(resident)) / 1024,
         (static_cast<ssize_t>(AddressSpaceBytes()) - static_cast<ssize_t>(reserved)) / 1024);
  if (kIsSanitized) return;  // sanitizers keep freed memory
  EXPECT_LT(ResidentBytes(), resident + (4 << 20));
  // The tables of one server reserve more than 100 MiB each, so a leak exceeds 1 GiB. malloc may
  // still create arenas of 64 MiB each.
  EXPECT_LT(AddressSpaceBytes(), reserved + (size_t{1} << 30));
}

}  // namespace
}  // namespace evnet_testing
