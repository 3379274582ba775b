// Adopted sockets in a server. They count like accepted connections, and the balancer distributes
// the connections of adopted listeners.
#include "net/reactor/adopt.h"

#include <errno.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

// Adopts a socket on one of the server's reactors. Returns the status.
int AdoptOn(evnet_server *server, uint32_t reactor_index, int descriptor) {
  std::atomic<int> status{1};
  evnet_reactor *reactor = evnet_server_reactor(server, reactor_index);
  Post(reactor, [&, reactor] { status = evnet_adopt(reactor, descriptor, nullptr, nullptr); });
  EXPECT_TRUE(WaitUntil([&] { return status <= 0; }));
  return status;
}

TEST(ServerAdopt, AListenersConnectionsAreBalancedFromReactor0AndKeptByTheOthers) {
  for (const uint32_t reactor_index : {0u, 1u}) {
    SCOPED_TRACE(reactor_index);
    PlainListener listener;
    std::mutex mutex;
    std::set<evnet_reactor *> opened;
    Callbacks callbacks = Echo();
    callbacks.on_open = [&](evnet_conn *conn) {
      const std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(evnet_conn_listener_index(conn), -1);
      opened.insert(evnet_conn_reactor(conn));
      return EVNET_NONE;
    };
    evnet_options options = {};
    options.reactors = 3;
    options.connections_per_address_max = 6;
    Server server(callbacks, options);
    ASSERT_EQ(AdoptOn(server.get(), reactor_index, dup(listener.descriptor())), 0);
    {
      std::vector<Client> clients;
      for (int i = 0; i < 6; i++) {
        clients.emplace_back(listener.port());
        clients.back().SendAll("hello");
        EXPECT_EQ(clients.back().Receive(5), "hello");
      }
      {
        const std::lock_guard<std::mutex> lock(mutex);
        EXPECT_EQ(opened.size(), reactor_index == 0 ? 3u : 1u);
      }
      Client refused(listener.port());
      (void)refused.ReceiveToEnd();
      EXPECT_EQ(refused.end(), Client::End::kReset);
    }
    // The closed connections have given their places back.
    ASSERT_TRUE(server.WaitForClosed(6));
    Client again(listener.port());
    again.SendAll("again");
    EXPECT_EQ(again.Receive(5), "again");
  }
}

TEST(ServerAdopt, AListenerIsHeldAgainstConnectionsMax) {
  for (const uint32_t reactor_index : {0u, 1u}) {
    SCOPED_TRACE(reactor_index);
    PlainListener listener;
    evnet_options options = {};
    options.reactors = 2;
    options.connections_max = 1;
    Server server(Echo(), options);
    ASSERT_EQ(AdoptOn(server.get(), reactor_index, dup(listener.descriptor())), 0);
    Client first(listener.port());
    first.SendAll("hello");
    EXPECT_EQ(first.Receive(5), "hello");
    // Each reactor pauses separately, and a place that is given back wakes both.
    Client second(server.port());
    second.SendAll("other");
    EXPECT_FALSE(second.Readable(50));
    Client third(listener.port());
    third.SendAll("other");
    EXPECT_FALSE(third.Readable(50));
    first.Close();
    ASSERT_TRUE(WaitUntil([&] { return second.Readable(0) || third.Readable(0); }));
    const bool second_came = second.Readable(0);
    Client &served = second_came ? second : third;
    Client &waiting = second_came ? third : second;
    EXPECT_FALSE(waiting.Readable(50));
    served.Close();
    EXPECT_EQ(waiting.Receive(5), "other");
    EXPECT_EQ(server.stats().connections_refused, 0u);
  }
}

TEST(ServerAdopt, AConnectionIsCountedLikeADialledOne) {
  evnet_options options = {};
  options.reactors = 2;
  options.connections_max = 2;
  options.connections_per_address_max = 1;
  Server server(Echo(), options);
  int first[2], second[2], third[2];
  for (int *pair : {first, second, third}) ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_EQ(AdoptOn(server.get(), 0, first[0]), 0);
  ASSERT_EQ(AdoptOn(server.get(), 1, second[0]), 0);
  EXPECT_EQ(AdoptOn(server.get(), 1, third[0]), -ENOBUFS);
  for (const int *pair : {first, second}) {
    char text[3] = "";
    ASSERT_EQ(send(pair[1], "hi", 2, 0), 2);
    ASSERT_EQ(recv(pair[1], text, 2, MSG_WAITALL), 2);
    EXPECT_STREQ(text, "hi");
  }
  Client waiting(server.port());
  waiting.SendAll("hello");
  EXPECT_FALSE(waiting.Readable(50));
  (void)close(first[1]);
  EXPECT_EQ(waiting.Receive(5), "hello");
  (void)close(second[1]);
  (void)close(third[0]);
  (void)close(third[1]);
}

TEST(ServerAdopt, ASuccessorTakesTheListenerOver) {
  Server old_one;
  const uint16_t port = old_one.port();
  const int duplicate = evnet_server_dup_listener(old_one.get(), 0);
  ASSERT_GE(duplicate, 0);
  Server successor;
  ASSERT_EQ(AdoptOn(successor.get(), 0, duplicate), 0);
  EXPECT_EQ(old_one.Stop(5000), 0);
  Client client(port);
  client.SendAll("hello");
  EXPECT_EQ(client.Receive(5), "hello");
}

}  // namespace
}  // namespace evnet_testing
