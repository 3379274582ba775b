// Duplicates of listeners, with which a successor process takes over.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr int kWaitMs = 20000;

// A duplicate of a listener, closed by the destructor.
class Duplicate {
 public:
  explicit Duplicate(const Created &server, size_t index = 0)
      : descriptor_(evnet_server_dup_listener(server.get(), index)) {
    EXPECT_GE(descriptor_, 0) << evnet_status_name(descriptor_);
  }
  Duplicate(const Duplicate &) = delete;
  Duplicate &operator=(const Duplicate &) = delete;
  ~Duplicate() { (void)close(descriptor_); }

  int get() const { return descriptor_; }

  int Option(int name) const {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(descriptor_, SOL_SOCKET, name, &value, &size), 0) << strerror(errno);
    return value;
  }

  // Waits for one connection and accepts it. Returns -1 and fails the test if none arrives.
  int Accept() const {
    pollfd entry = {descriptor_, POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, kWaitMs), 1);
    const int accepted = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(accepted, 0) << strerror(errno);
    return accepted;
  }

  // Serves one client, which sends five bytes.
  void Echo() const {
    const int accepted = Accept();
    char bytes[5];
    EXPECT_EQ(recv(accepted, bytes, sizeof bytes, MSG_WAITALL), 5);
    EXPECT_EQ(send(accepted, bytes, sizeof bytes, MSG_NOSIGNAL), 5);
    (void)close(accepted);
  }

 private:
  const int descriptor_;
};

TEST(DupListener, ListensOnWhenTheServerHasStopped) {
  for (const int reactors : {1, 2}) {
    evnet_options options = {};
    options.reactors = reactors;
    Server server(Echo(), options);
    const Duplicate duplicate(server);
    EXPECT_EQ(duplicate.Option(SO_ACCEPTCONN), 1);
    EXPECT_TRUE(fcntl(duplicate.get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(fcntl(duplicate.get(), F_GETFL) & O_NONBLOCK);
    Client served(server.port());
    EXPECT_EQ(served.Exchange("by the server"), "by the server");
    const uint16_t port = server.port();
    EXPECT_EQ(server.Stop(0), 0);
    server.Destroy();
    EXPECT_EQ(duplicate.Option(SO_ACCEPTCONN), 1);
    Client client(port);
    client.SendAll("hello");
    duplicate.Echo();
    EXPECT_EQ(client.ReceiveToEnd(), "hello");
  }
}

TEST(DupListener, KeepsWhatWaitsToBeAcceptedThroughTheStop) {
  evnet_options options = {};
  options.connections_max = 1;  // the second connection waits in the backlog
  Server server(Echo(), options);
  Client first(server.port());
  EXPECT_EQ(first.Exchange("x"), "x");
  Client second(server.port());
  second.SendAll("hello");
  const Duplicate duplicate(server);
  // Only the stop frees a place, and after the stop the server does not accept.
  EXPECT_EQ(server.Stop(0), 0);
  duplicate.Echo();
  EXPECT_EQ(second.ReceiveToEnd(), "hello");
  EXPECT_EQ(second.end(), Client::End::kEnd);
}

// Forks the process that takes over. After fork(2) it may call only async-signal-safe functions.
pid_t ForkSuccessor(int listener, int clients) {
  const pid_t child = fork();
  if (child != 0) return child;
  for (int i = 0; i < clients; i++) {
    pollfd entry = {listener, POLLIN, 0};
    if (poll(&entry, 1, kWaitMs) != 1) _exit(1);
    const int accepted = accept(listener, nullptr, nullptr);
    if (accepted < 0) _exit(2);
    char bytes[5];
    if (recv(accepted, bytes, sizeof bytes, MSG_WAITALL) != 5) _exit(3);
    if (send(accepted, bytes, sizeof bytes, MSG_NOSIGNAL) != 5) _exit(4);
    (void)close(accepted);
  }
  _exit(0);
}

TEST(DupListener, LetsAnotherProcessTakeOverWithoutRefusingAnybody) {
  constexpr int kClients = 20;
  Server server;
  int listener = -1;
  const uint16_t port = server.port();
  {
    const Duplicate duplicate(server);
    listener = dup(duplicate.get());
  }
  EXPECT_EQ(server.Stop(5000), 0);
  server.Destroy();
  std::vector<Client> clients;
  for (int i = 0; i < kClients / 2; i++) clients.emplace_back(port);  // into the backlog
  const pid_t child = ForkSuccessor(listener, kClients);
  ASSERT_GT(child, 0);
  (void)close(listener);
  for (int i = 0; i < kClients / 2; i++) clients.emplace_back(port);
  for (Client &client : clients) client.SendAll("hello");
  for (Client &client : clients) EXPECT_EQ(client.ReceiveToEnd(), "hello");
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(DupListener, WithoutDescriptorsItIsRefusedAsThat) {
  const Server server;
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest = dup(STDERR_FILENO);  // the first number that is free
  ASSERT_GE(lowest, 0);
  ASSERT_EQ(close(lowest), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(evnet_server_dup_listener(server.get(), 0), -EMFILE);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const Duplicate duplicate(server);
}

TEST(DupListener, IsThereFromOnBootUntilTheStop) {
  int at_boot = -1;
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    at_boot = evnet_server_dup_listener(server, 0);
    EXPECT_EQ(evnet_server_dup_listener(server, 1), -EINVAL);
    return EVNET_NONE;
  };
  Created created(callbacks, {});
  EXPECT_EQ(evnet_server_dup_listener(created.get(), 0), -ENOTCONN);
  EXPECT_EQ(evnet_server_dup_listener(created.get(), 1), -EINVAL);
  ASSERT_EQ(evnet_server_start(created.get()), 0);
  EXPECT_GE(at_boot, 0);
  EXPECT_EQ(close(at_boot), 0);
  evnet_server_stop(created.get(), 0);
  EXPECT_EQ(evnet_server_wait(created.get()), 0);
  EXPECT_EQ(evnet_server_dup_listener(created.get(), 0), -ENOTCONN);
}

TEST(DupListener, IsNeverAnotherSocketWhileTheServerStops) {
  for (int round = 0; round < 10; round++) {
    Server server(Echo(), {}, {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
    const uint16_t port = server.port(1);
    std::atomic<int> duplicates{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 3; thread++) {
      threads.emplace_back([&] {
        for (;;) {
          const int duplicate = evnet_server_dup_listener(server.get(), 1);
          if (duplicate < 0) {
            EXPECT_EQ(duplicate, -ENOTCONN);
            return;
          }
          evnet_address address = {};
          address.size = sizeof address.socket;
          EXPECT_EQ(getsockname(duplicate, &address.socket.any, &address.size), 0);
          EXPECT_EQ(evnet_address_port(&address), port);
          (void)close(duplicate);
          duplicates++;
        }
      });
    }
    // This thread reuses the descriptor numbers that become free.
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; i++) (void)close(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    });
    EXPECT_TRUE(WaitUntil([&] { return duplicates > 50; }));
    EXPECT_EQ(server.Stop(0), 0);
    for (std::thread &thread : threads) thread.join();
  }
}

TEST(DupListener, OfAUnixPathKeepsWhatWaitsThoughThePathGoes) {
  const TempDirectory directory;
  const std::string path = directory.File("socket");
  evnet_options options = {};
  options.connections_max = 1;
  Server server(Echo(), options, {"unix://" + path});
  Client first(server.address());
  EXPECT_EQ(first.Exchange("x"), "x");
  Client second(server.address());
  second.SendAll("hello");
  const Duplicate duplicate(server);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_TRUE(directory.Names().empty());
  duplicate.Echo();
  EXPECT_EQ(second.ReceiveToEnd(), "hello");
  // The path is free for the next server.
  Server next(Echo(), {}, {"unix://" + path});
  Client third(next.address());
  EXPECT_EQ(third.Exchange("x"), "x");
  EXPECT_EQ(next.Stop(0), 0);
}

TEST(DupListener, OfAnAbstractNameKeepsTheName) {
  const TempDirectory directory;  // provides a unique name
  Created server(Echo(), {}, {"unix://@" + directory.path()});
  if (evnet_server_start(server.get()) < 0) GTEST_SKIP() << server.log().Text();
  const evnet_address address = server.address();
  const Duplicate duplicate(server);
  evnet_server_stop(server.get(), 0);
  EXPECT_EQ(evnet_server_wait(server.get()), 0);
  Client client(address);
  client.SendAll("hello");
  duplicate.Echo();
  EXPECT_EQ(client.ReceiveToEnd(), "hello");
}

TEST(DupListener, OfUdpIsTheSocket) {
  Server server(Echo(), {}, {"udp://127.0.0.1:0"});
  const Duplicate duplicate(server);
  EXPECT_EQ(duplicate.Option(SO_TYPE), SOCK_DGRAM);
  const evnet_address address = server.address();
  EXPECT_EQ(server.Stop(0), 0);
  UdpClient client;
  client.Send(address, "hello");
  char bytes[16];
  pollfd entry = {duplicate.get(), POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, kWaitMs), 1);
  EXPECT_EQ(recv(duplicate.get(), bytes, sizeof bytes, 0), 5);
}

}  // namespace
}  // namespace evnet_testing
