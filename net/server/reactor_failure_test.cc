// The wait of one reactor fails. The server shuts down gracefully and returns that reactor's error,
// whichever reactor it is.
#include <errno.h>
#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace {

thread_local int wait_error;  // the errno of all waits of this thread; 0 for none

}  // namespace

extern "C" {

int __real_epoll_wait(int, struct epoll_event *, int, int);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms);

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms) {
  if (wait_error == 0) return __real_epoll_wait(epoll, events, count, timeout_ms);
  errno = wait_error;
  return -1;
}

}  // extern "C"

namespace evnet_testing {
namespace {

TEST(ReactorFailure, OfAnyReactorEndsTheServerWithItsError) {
  constexpr uint32_t kReactors = 3;
  for (uint32_t failing = 0; failing < kReactors; failing++) {
    SCOPED_TRACE(failing);
    Journal journal;
    Callbacks callbacks = Echo();
    callbacks.on_close = [&](evnet_conn *, int) {
      journal.Add("close");
      return EVNET_NONE;
    };
    callbacks.on_shutdown = [&](evnet_server *) { journal.Add("shutdown"); };
    evnet_options options = {};
    options.reactors = kReactors;
    options.backend = EVNET_BACKEND_EPOLL;
    options.drain_ms = 100;
    Created server(callbacks, options);
    ASSERT_EQ(server.status(), 0);
    ASSERT_EQ(evnet_server_start(server.get()), 0);
    std::vector<Client> clients;
    for (uint32_t i = 0; i < kReactors; i++) {
      clients.emplace_back(server.port());
      EXPECT_EQ(clients.back().Exchange("hello"), "hello");
    }
    Post(evnet_server_reactor(server.get(), failing), [] { wait_error = EBADF; });
    EXPECT_EQ(evnet_server_wait(server.get()), -EBADF);
    EXPECT_EQ(journal.Count("close"), kReactors);
    EXPECT_EQ(journal.Lines().back(), "shutdown");
    EXPECT_EQ(server.stats().connections_open, 0u);
  }
}

// A stop waits for a connection that is being handed over. The failed reactor receives the
// connection after its end.
TEST(ReactorFailure, WithAConnectionOnItsWayThereEndsTheServerBeforeTheDeadline) {
  std::atomic<int> accepted{0};
  std::atomic<bool> has_begun{false};
  evnet_options options = {};
  options.reactors = 2;
  options.backend = EVNET_BACKEND_EPOLL;
  options.drain_ms = 20000;
  options.balance_user = &accepted;
  options.balance = [](const uint64_t *, size_t, const evnet_address *, size_t, void *user) {
    ++*static_cast<std::atomic<int> *>(user);
    return size_t{1};
  };
  Created server(Echo(), options);
  ASSERT_EQ(server.status(), 0);
  ASSERT_EQ(evnet_server_start(server.get()), 0);
  Post(evnet_server_reactor(server.get(), 1), [&] {
    has_begun = true;
    // When the second connection is accepted, the first has been handed over.
    EXPECT_TRUE(WaitUntil([&] { return accepted == 2; }));
    wait_error = EBADF;
  });
  EXPECT_TRUE(WaitUntil([&] { return has_begun.load(); }));
  const Client first(server.port()), second(server.port());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(evnet_server_wait(server.get()), -EBADF);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace evnet_testing
