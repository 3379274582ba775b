// A process that forks without exec(2). The child inherits all descriptors of the server and keeps
// them open.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// A child process that sleeps until the destructor kills it.
class Child {
 public:
  Child() = default;
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    (void)kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }

  void Fork() {
    const pid_t pid = fork();
    while (pid == 0) (void)pause();
    EXPECT_GT(pid, 0);
    pid_ = pid;
  }

 private:
  std::atomic<pid_t> pid_{0};
};

class ServerFork : public testing::TestWithParam<bool> {
 protected:
  std::string Address() const {
    return is_tcp() ? "tcp://127.0.0.1:0" : "unix://" + directory_.File("socket");
  }
  static bool is_tcp() { return GetParam(); }
  static Client::End AbortedEnd() { return is_tcp() ? Client::End::kReset : Client::End::kEnd; }

 private:
  const TempDirectory directory_;
};

TEST_P(ServerFork, APeerThatHalfClosesSeesTheEndWhileTheChildLives) {
  Server server(Echo(), {}, {Address()});
  Client client(server.address());
  client.SendAll("x");
  ASSERT_EQ(client.Receive(1), "x");
  Child child;
  child.Fork();
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_P(ServerFork, AClosedPeerGetsAllThatWasWrittenAndTheEnd) {
  Child child;
  const std::string answer(1 << 20, 'a');
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    (void)Take(conn);
    child.Fork();
    Write(conn, answer);
    return EVNET_CLOSE;
  };
  Server server(callbacks, {}, {Address()});
  Client client(server.address());
  client.SendAll("x");
  EXPECT_TRUE(client.ReceiveToEnd() == answer);
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_P(ServerFork, AnAbortedPeerIsResetWhileTheChildLives) {
  Child child;
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    child.Fork();
    evnet_conn_abort(conn);
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {Address()});
  Client client(server.address());
  client.SendAll("x");
  (void)client.ReceiveToEnd();
  EXPECT_EQ(client.end(), AbortedEnd());
}

TEST_P(ServerFork, AStopEndsEveryConnectionWhileTheChildLives) {
  Server server(Echo(), {}, {Address()});
  Client client(server.address());
  client.SendAll("x");
  ASSERT_EQ(client.Receive(1), "x");
  Child child;
  child.Fork();
  EXPECT_EQ(server.Stop(5000), 0);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd);
}

TEST_P(ServerFork, TheParentServesOnAfterTheFork) {
  Server server(Echo(), {}, {Address()});
  Child child;
  child.Fork();
  for (int i = 0; i < 50; i++) {
    Client client(server.address());
    client.SendAll("hello");
    client.ShutdownWrite();
    EXPECT_EQ(client.ReceiveToEnd(), "hello");
    EXPECT_EQ(client.end(), Client::End::kEnd);
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, ServerFork, testing::Values(true, false),
                         [](const testing::TestParamInfo<bool> &is_tcp) {
                           return is_tcp.param ? "Tcp" : "Unix";
                         });

}  // namespace
}  // namespace evnet_testing
