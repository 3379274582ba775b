// The function evnet_server_stop_on_signal, and evnet_server_stop in a user's signal handler.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// Holds its connections, so that a stop has to wait.
Callbacks Holding() {
  Callbacks callbacks;
  callbacks.on_open = [](evnet_conn *conn) {
    evnet_conn_hold(conn);
    return EVNET_NONE;
  };
  return callbacks;
}

void Raise(int signal_number) { ASSERT_EQ(kill(getpid(), signal_number), 0); }

void (*Disposition(int signal_number))(int) {
  struct sigaction action;
  EXPECT_EQ(sigaction(signal_number, nullptr, &action), 0);
  return action.sa_handler;
}

TEST(Signal, StopsAStartedServer) {
  Server server;
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGTERM, 60000), 0);
  Raise(SIGTERM);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), Client::End::kEnd) << "graceful shutdown";
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
}

TEST(Signal, StopsARunningServerOnTheCallersThread) {
  Callbacks callbacks;
  callbacks.on_tick = [](evnet_server *, uint64_t *) {
    Raise(SIGTERM);
    return EVNET_NONE;
  };
  Created server(callbacks, {});
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGTERM, 60000), 0);
  EXPECT_EQ(evnet_server_run(server.get()), 0);
}

TEST(Signal, BeforeTheStartStopsItAsSoonAsItHasStarted) {
  Created server(Echo(), {});
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGTERM, 60000), 0);
  Raise(SIGTERM);
  EXPECT_EQ(evnet_server_run(server.get()), 0);
}

// A hold keeps the server running after the first signal. The second signal ends it immediately.
void ExpectTheSecondEndsAtOnce(int first, int second) {
  Server server(Holding());
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), first, 60000), 0);
  if (second != first) {
    ASSERT_EQ(evnet_server_stop_on_signal(server.get(), second, 60000), 0);
  }
  const int64_t began_ms = NowMs();
  Raise(first);
  EXPECT_FALSE(client.Readable(50));
  Raise(second);
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_LT(NowMs() - began_ms, 10000);
  client.ReceiveToEnd();
  EXPECT_EQ(client.end(), Client::End::kReset);
}

TEST(Signal, ASecondOneEndsAtOnce) { ExpectTheSecondEndsAtOnce(SIGTERM, SIGTERM); }

TEST(Signal, ASecondOneMayBeAnotherOfTheServersSignals) {
  ExpectTheSecondEndsAtOnce(SIGINT, SIGTERM);
}

TEST(Signal, RegisteredTwiceIsStillStoppedInOrderByTheFirst) {
  Server server(Holding());
  Client client(server.port());
  ASSERT_TRUE(server.WaitForOpen(1));
  for (int twice = 0; twice < 2; twice++)
    ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGTERM, 60000), 0);
  Raise(SIGTERM);
  EXPECT_FALSE(client.Readable(50));
  client.Close();
  EXPECT_EQ(server.Stop(0), 0);
}

TEST(Signal, TheDispositionBeforeComesBackWithDestroy) {
  const auto before = [](int) {};
  ASSERT_NE(signal(SIGUSR1, before), SIG_ERR);
  {
    Server server;
    ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGUSR1, 0), 0);
    ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGUSR1, 100), 0)
        << "a second registration is harmless";
    EXPECT_NE(Disposition(SIGUSR1), static_cast<void (*)(int)>(before));
    EXPECT_EQ(server.Stop(0), 0);
    EXPECT_NE(Disposition(SIGUSR1), static_cast<void (*)(int)>(before)) << "not before destroy";
  }
  EXPECT_EQ(Disposition(SIGUSR1), static_cast<void (*)(int)>(before));
  ASSERT_NE(signal(SIGUSR1, SIG_DFL), SIG_ERR);
}

TEST(Signal, SeveralServersShareOneAndTheLastOneGivesItBack) {
  const auto before = Disposition(SIGUSR2);
  {
    Server second;
    {
      Server first;
      Server third;
      ASSERT_EQ(evnet_server_stop_on_signal(first.get(), SIGUSR2, 60000), 0);
      ASSERT_EQ(evnet_server_stop_on_signal(second.get(), SIGUSR2, 60000), 0);
      Client client(third.port());
      Raise(SIGUSR2);
      EXPECT_EQ(first.Wait(), 0);
      EXPECT_EQ(second.Wait(), 0);
      EXPECT_EQ(client.Exchange("not asked"), "not asked");
    }
    EXPECT_NE(Disposition(SIGUSR2), before);
    Raise(SIGUSR2);  // no effect, because its servers have stopped
  }
  EXPECT_EQ(Disposition(SIGUSR2), before);
}

TEST(Signal, EachOfTwoMayStopAServer) {
  Server server;
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGINT, 60000), 0);
  ASSERT_EQ(evnet_server_stop_on_signal(server.get(), SIGTERM, 60000), 0);
  Raise(SIGINT);
  EXPECT_EQ(server.Wait(), 0);
}

TEST(Signal, WhatCannotBeCaughtIsRefused) {
  Created server(Echo(), {});
  for (const int number : {0, -1, 9999, SIGKILL, SIGSTOP}) {
    EXPECT_EQ(evnet_server_stop_on_signal(server.get(), number, 0), -EINVAL) << number;
  }
}

TEST(Signal, SixteenRegistrationsAreTheMostAndComeBackWithDestroy) {
  for (int twice = 0; twice < 2; twice++) {
    Created server(Echo(), {});
    for (int i = 0; i < 16; i++) {
      EXPECT_EQ(evnet_server_stop_on_signal(server.get(), SIGUSR1, 0), 0) << i;
    }
    EXPECT_EQ(evnet_server_stop_on_signal(server.get(), SIGUSR1, 0), -ENOSPC);
  }
}

TEST(Signal, ARegistrationComesBackThoughAnotherServerSharesTheSignal) {
  Created second(Echo(), {});
  {
    Created first(Echo(), {});  // the first server of the signal sets its disposition
    ASSERT_EQ(evnet_server_stop_on_signal(first.get(), SIGUSR1, 0), 0);
    ASSERT_EQ(evnet_server_stop_on_signal(second.get(), SIGUSR1, 0), 0);
  }
  for (int i = 1; i < 16; i++)
    EXPECT_EQ(evnet_server_stop_on_signal(second.get(), SIGUSR1, 0), 0) << i;
  EXPECT_EQ(evnet_server_stop_on_signal(second.get(), SIGUSR1, 0), -ENOSPC);
}

evnet_server *to_stop;

TEST(Signal, StopMayBeCalledInAHandlerOfTheUsersOwnAndKeepsErrno) {
  Server server;
  to_stop = server.get();
  ASSERT_NE(signal(SIGUSR1,
                   [](int) {
                     errno = ENOTTY;
                     evnet_server_stop(to_stop, 60000);
                     if (errno != ENOTTY) abort();
                   }),
            SIG_ERR);
  Raise(SIGUSR1);
  EXPECT_EQ(server.Wait(), 0);
  ASSERT_NE(signal(SIGUSR1, SIG_DFL), SIG_ERR);
}

std::atomic<int> taken_elsewhere{0};
thread_local bool is_tests_thread = false;

TEST(Signal, ThreadsOfTheServerTakeNone) {
  is_tests_thread = true;
  ASSERT_NE(signal(SIGUSR1,
                   [](int) {
                     if (!is_tests_thread) taken_elsewhere++;
                   }),
            SIG_ERR);
  evnet_options options = {};
  options.reactors = 3;
  Server server(Echo(), options);
  // This thread blocks the signal, so the kernel delivers it to another thread.
  sigset_t usr1, before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
  Raise(SIGUSR1);
  std::vector<Client> clients;
  for (int i = 0; i < 6; i++) {
    clients.emplace_back(server.port());
    EXPECT_EQ(clients.back().Exchange("fine"), "fine");
  }
  EXPECT_EQ(server.Stop(0), 0);
  // The pending signal is delivered to this thread now.
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  EXPECT_EQ(taken_elsewhere, 0);
  ASSERT_NE(signal(SIGUSR1, SIG_DFL), SIG_ERR);
}

}  // namespace
}  // namespace evnet_testing
