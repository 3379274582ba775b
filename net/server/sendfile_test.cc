// Files that a server sends: among writes of other threads, until the end of a stop, and on the
// caller's thread, where a SIGPIPE would reach the program.
#include <errno.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/poller/testing/file.h"
#include "net/server/async.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

constexpr size_t kMuch = 6 << 20;  // more than the kernel buffers for a client that does not read

// Replies to the first bytes of a connection with a range of a file.
class SendfileServer : public testing::Test {
 protected:
  void Answer(const TestFile *file, int64_t size) {
    callbacks.on_data = [=](evnet_conn *conn) {
      evnet_conn_discard(conn, SIZE_MAX);
      id = evnet_conn_get_id(conn);
      EXPECT_EQ(evnet_conn_sendfile(conn, file->descriptor(), 0, size), size);
      answered = true;
      return EVNET_NONE;
    };
    callbacks.on_close = [=](evnet_conn *, int reason) {
      journal.Add(evnet_status_name(reason));
      return EVNET_NONE;
    };
  }

  // Returns a client that has sent a request. The server has called sendfile for it.
  std::unique_ptr<Client> Ask(uint16_t port) {
    ClientOptions small;
    small.receive_buffer_bytes = 4096;
    answered = false;
    auto client = std::make_unique<Client>(port, small);
    client->SendAll("x");
    EXPECT_TRUE(WaitUntil([&] { return answered.load(); }));
    return client;
  }

  int AsyncWrite(const Server &server, const std::string &data) {
    return evnet_async_write(server.get(), id, data.data(), data.size(), Done, this);
  }

  static void Done(struct evnet_conn_id, int status, void *user) {
    auto *self = static_cast<SendfileServer *>(user);
    self->journal.Add(std::string("done ") + evnet_status_name(status));
  }

  Callbacks callbacks;
  struct evnet_conn_id id = {};  // set before `answered`
  std::atomic<bool> answered{false};
  Journal journal;
};

TEST_F(SendfileServer, WritesOfOtherThreadsGoBehindTheFile) {
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Answer(&file, kMuch);
  Server server(callbacks);
  auto client = Ask(server.port());
  ASSERT_EQ(AsyncWrite(server, "tail"), 0);
  ASSERT_EQ(AsyncWrite(server, ""), 0);  // completes when all bytes before it are sent
  EXPECT_TRUE(client->Receive(kMuch + 4) == data + "tail");
  EXPECT_TRUE(journal.WaitFor("done OK", 2));
}

TEST_F(SendfileServer, WritesBehindAFileThatIsTooShortLearnIt) {
  const TestFile file(Pattern(kMuch));
  Answer(&file, kMuch + 1);
  Server server(callbacks);
  auto client = Ask(server.port());
  ASSERT_EQ(AsyncWrite(server, "tail"), 0);
  EXPECT_LE(client->ReceiveToEnd().size(), kMuch);
  EXPECT_EQ(client->end(), Client::End::kReset);
  EXPECT_TRUE(journal.WaitFor("EVNET_REASON_FILE_SHORT"));
  EXPECT_TRUE(journal.WaitFor("done EVNET_REASON_FILE_SHORT"));
}

TEST_F(SendfileServer, AStopDeliversIt) {
  const std::string data = Pattern(kMuch);
  const TestFile file(data);
  Answer(&file, kMuch);
  Server server(callbacks);
  auto client = Ask(server.port());
  ASSERT_EQ(evnet_server_stop(server.get(), 20000), 0);
  EXPECT_TRUE(client->ReceiveToEnd() == data);
  EXPECT_EQ(client->end(), Client::End::kEnd);
  client->Close();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(journal.Lines(), std::vector<std::string>{"EVNET_REASON_SHUTDOWN"});
}

// sendfile(2) of Linux raises SIGPIPE for EPIPE, and no socket option prevents it. A reset that
// follows the peer's FIN causes EPIPE.
TEST_F(SendfileServer, AResetRaisesNoSignalOnTheCallersThread) {
  struct sigaction action;
  struct sigaction deadly = {};
  deadly.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &deadly, &action), 0);
  sigset_t mask;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  const TestFile file(Pattern(kMuch));
  Answer(&file, kMuch);
  callbacks.on_half_close = [this](evnet_conn *) {
    journal.Add("half_close");
    return EVNET_NONE;
  };
  evnet_options options = {};
  options.backend = TestBackend();
  Created server(callbacks, options);
  ASSERT_EQ(server.status(), 0);
  std::thread clients([&] {
    EXPECT_TRUE(WaitUntil([&] { return server.port() != 0; }));
    for (int i = 0; i < 20; i++) {
      auto client = Ask(server.port());
      if (i % 2 == 0) (void)client->Receive(100000);
      client->ShutdownWrite();
      EXPECT_TRUE(journal.WaitFor("half_close", static_cast<size_t>(i) + 1));
      client->Reset();
    }
    EXPECT_TRUE(WaitUntil([&] { return server.stats().connections_closed == 20; }));
    EXPECT_EQ(evnet_server_stop(server.get(), 0), 0);
  });
  EXPECT_EQ(evnet_server_run(server.get()), 0);
  clients.join();
  for (const std::string &line : journal.Lines())
    EXPECT_TRUE(line == "half_close" || line == "EPIPE" || line == "ECONNRESET") << line;
  sigset_t now;
  ASSERT_EQ(sigpending(&now), 0);
  EXPECT_EQ(sigismember(&now, SIGPIPE), 0);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGPIPE), sigismember(&mask, SIGPIPE));
  EXPECT_EQ(sigaction(SIGPIPE, &action, nullptr), 0);
}

}  // namespace
}  // namespace evnet_testing
