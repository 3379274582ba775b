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
#include "net/base/testing/udp_client.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/dial_answer.h"
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

// From any thread: evnet_server_adopt

Status AdoptOnServer(evnet_server *server, int descriptor, Answer *answer) {
  const int status = evnet_server_adopt(server, descriptor, nullptr, Answer::Done, answer);
  if (status < 0) return Status(status);
  EXPECT_TRUE(answer->Wait());
  return Status(answer->status.load());
}

TEST(ServerAdoptAnywhere, ConnectionsTakeTurnsOnTheReactors) {
  evnet_options options = {};
  options.reactors = 3;
  Server server(Echo(), options);
  std::map<uint32_t, int> counts;
  std::vector<int> peers;
  for (int i = 0; i < 6; i++) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Answer answer;
    ASSERT_EQ(AdoptOnServer(server.get(), pair[0], &answer), 0);
    counts[answer.id.reactor]++;
    char text[3] = "";
    ASSERT_EQ(send(pair[1], "hi", 2, 0), 2);
    ASSERT_EQ(recv(pair[1], text, 2, MSG_WAITALL), 2);
    EXPECT_STREQ(text, "hi");
    peers.push_back(pair[1]);
  }
  EXPECT_EQ(counts, (std::map<uint32_t, int>{{0, 2}, {1, 2}, {2, 2}}));
  for (const int peer : peers) (void)close(peer);
  EXPECT_TRUE(server.WaitForClosed(6));
}

TEST(ServerAdoptAnywhere, AConnectionsPeerIsHashed) {
  evnet_options options = {};
  options.reactors = 4;
  options.balancer = EVNET_SOURCE_HASH;
  Server server(Echo(), options);
  PlainListener listener;
  std::set<uint32_t> reactors;
  std::vector<int> accepted;
  for (int i = 0; i < 6; i++) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(connect(descriptor, &listener.address().socket.any, listener.address().size), 0);
    accepted.push_back(listener.Accept());
    Answer answer;
    ASSERT_EQ(AdoptOnServer(server.get(), descriptor, &answer), 0);
    reactors.insert(answer.id.reactor);
  }
  EXPECT_EQ(reactors.size(), 1u) << "one peer has several reactors";
  for (const int each : accepted) (void)close(each);
}

TEST(ServerAdoptAnywhere, AListenerIsDistributedByTheBalancer) {
  evnet_options options = {};
  options.reactors = 3;
  std::mutex mutex;
  std::set<evnet_reactor *> opened;
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *conn) {
    const std::lock_guard<std::mutex> lock(mutex);
    opened.insert(evnet_conn_reactor(conn));
    return EVNET_NONE;
  };
  Server server(callbacks, options);
  PlainListener listener;
  Answer answer;
  ASSERT_EQ(AdoptOnServer(server.get(), dup(listener.descriptor()), &answer), 0);
  EXPECT_EQ(answer.id.reactor, 0u);
  for (int i = 0; i < 6; i++) EXPECT_EQ(Client(listener.port()).Exchange("hello"), "hello");
  {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_EQ(opened.size(), 3u);
  }
  Answer closed;
  ASSERT_EQ(evnet_async_close(server.get(), answer.id, Answer::Done, &closed), 0);
  ASSERT_TRUE(closed.Wait());
  EXPECT_EQ(closed.status, 0);
}

TEST(ServerAdoptAnywhere, ADescriptorThatIsTakenAndFailsIsClosed) {
  evnet_options options = {};
  options.reactors = 2;
  options.connections_max = 1;
  Server server(Echo(), options);
  Client first(server.port());
  EXPECT_EQ(first.Exchange("x"), "x");
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  Answer full, wrong;
  EXPECT_EQ(AdoptOnServer(server.get(), pair[0], &full), -ENOBUFS);
  char byte;
  EXPECT_EQ(recv(pair[1], &byte, 1, 0), 0) << "evnet has closed the descriptor";
  (void)close(pair[1]);
  ASSERT_EQ(pipe(pair), 0);
  EXPECT_EQ(AdoptOnServer(server.get(), pair[0], &wrong), -ENOTSOCK);
  EXPECT_EQ(AdoptOnServer(server.get(), -1, &wrong), -EBADF);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(evnet_server_adopt(server.get(), pair[1], nullptr, nullptr, nullptr), -ESHUTDOWN);
  EXPECT_EQ(close(pair[1]), 0) << "the descriptor must stay the caller's";
}

TEST(ServerAdoptAnywhere, ABoundUdpSocketServesAndClosesByItsId) {
  for (const char *own : {"udp://127.0.0.1:0", "udp4://:0"}) {
    SCOPED_TRACE(own);
    std::atomic<int> index{0};
    Callbacks callbacks = Echo();
    callbacks.on_data = [&](evnet_conn *conn) {
      index = evnet_conn_listener_index(conn);
      return EchoData(conn);
    };
    Server server(callbacks);
    UdpClient bound(own);
    evnet_address to = ParseAddress("udp://127.0.0.1:0");
    const evnet_address taken = bound.Address();
    to.socket.ip4.sin_port = htons(evnet_address_port(&taken));
    Answer answer;
    ASSERT_EQ(AdoptOnServer(server.get(), bound.Release(), &answer), 0);
    UdpClient client;
    client.Send(to, "hello");
    EXPECT_EQ(client.Receive(), "hello");
    EXPECT_EQ(index, -1);
    const evnet_address back = client.Address();
    Answer sent, closed;
    ASSERT_EQ(evnet_async_send_to(server.get(), answer.id, &back, "news", 4, Answer::Done, &sent),
              0);
    ASSERT_TRUE(sent.Wait());
    EXPECT_EQ(client.Receive(), "news");
    ASSERT_EQ(evnet_async_close(server.get(), answer.id, Answer::Done, &closed), 0);
    ASSERT_TRUE(closed.Wait());
    EXPECT_EQ(closed.status, 0);
    // The port is free again.
    EXPECT_TRUE(WaitUntil([&] {
      const int again = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const bool is_free = bind(again, &to.socket.any, to.size) == 0;
      (void)close(again);
      return is_free;
    }));
    EXPECT_EQ(server.stats().connections_accepted, 0u);
    EXPECT_EQ(server.Stop(0), 0);
  }
}

}  // namespace
}  // namespace evnet_testing
