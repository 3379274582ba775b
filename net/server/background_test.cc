// Dials while a stop drains, and background connections. A background connection serves other
// connections, so a stop does not wait for it and closes it last.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {
namespace {

int kUpstream;  // evnet_conn_user of dialled connections; NULL for clients

bool IsUpstream(const evnet_conn *conn) { return evnet_conn_user(conn) == &kUpstream; }

evnet_dial_options Options(bool background) {
  evnet_dial_options options = {};
  options.conn_user = &kUpstream;
  options.background = background;
  return options;
}

// Returns whether bytes, EOF or a reset arrive within timeout_ms.
bool IsReadable(int descriptor, int timeout_ms) {
  pollfd entry = {descriptor, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

evnet_options WithReactors(int reactors) {
  evnet_options options = {};
  options.reactors = reactors;
  return options;
}

// Holds its clients, records the order of all closes, and counts calls of on_stopping.
struct Holder {
  Journal journal;
  std::atomic<int> open{0}, told{0};
  std::atomic<evnet_conn *> client{nullptr};

  Callbacks callbacks() {
    Callbacks callbacks;
    callbacks.on_open = [this](evnet_conn *conn) {
      if (!IsUpstream(conn)) {
        evnet_conn_hold(conn);
        client = conn;
      }
      open++;
      return EVNET_NONE;
    };
    callbacks.on_stopping = [this](evnet_conn *) { told++; };
    callbacks.on_close = [this](evnet_conn *conn, int reason) {
      journal.Add(std::string(IsUpstream(conn) ? "upstream " : "client ") +
                  evnet_status_name(reason));
      return EVNET_NONE;
    };
    return callbacks;
  }
  bool WaitForOpen(int count) {
    return WaitUntil([&] { return open == count; });
  }
  bool WaitForTold(int count) {
    return WaitUntil([&] { return told == count; });
  }
  void Release() {
    evnet_conn *held = client;
    Post(evnet_conn_reactor(held), [held] { evnet_conn_release(held); });
  }
};

void DialAll(const Server &server, const PlainListener &listener, int count, bool background,
             std::vector<int> *out_peers) {
  const evnet_dial_options options = Options(background);
  for (int i = 0; i < count; i++) {
    ASSERT_EQ(evnet_server_dial(server.get(), listener.text().c_str(), &options, nullptr, nullptr),
              0);
    out_peers->push_back(
        listener.descriptor() >= 0 ? accept(listener.descriptor(), nullptr, nullptr) : -1);
  }
}

TEST(Background, ADialInAStopServesTheRequestThatIsBeingFinished) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    PlainListener listener;
    std::atomic<evnet_conn *> client{nullptr};
    evnet_conn *upstream = nullptr;  // this and the next: used on the client's reactor only
    int dialled = -1;
    Callbacks callbacks;
    callbacks.on_data = [&](evnet_conn *conn) {
      if (IsUpstream(conn)) {
        Write(client, Take(conn));
        evnet_conn_release(client);
        return EVNET_NONE;
      }
      Take(conn);
      evnet_conn_hold(conn);
      client = conn;
      return EVNET_NONE;
    };
    callbacks.on_stopping = [&](evnet_conn *conn) {
      if (IsUpstream(conn)) return;
      const evnet_dial_options options = Options(true);
      dialled = evnet_dial(evnet_conn_reactor(conn), listener.text().c_str(), &options, nullptr);
    };
    callbacks.on_open = [&](evnet_conn *conn) {
      if (IsUpstream(conn)) {
        upstream = conn;
        Write(conn, "ask");
      }
      return EVNET_NONE;
    };
    Server server(callbacks, WithReactors(reactors));
    Client asker(server.port());
    asker.SendAll("ask");
    ASSERT_TRUE(WaitUntil([&] { return client != nullptr; }));
    evnet_server_stop(server.get(), 60000);
    const int peer = listener.Accept();
    char text[4] = "";
    ASSERT_EQ(recv(peer, text, 3, MSG_WAITALL), 3);
    EXPECT_FALSE(IsReadable(peer, 50)) << "the stop leaves the background connection open";
    ASSERT_EQ(send(peer, "answer", 6, 0), 6);
    EXPECT_EQ(asker.ReceiveToEnd(), "answer");
    EXPECT_EQ(asker.end(), Client::End::kEnd);
    asker.Close();
    EXPECT_EQ(recv(peer, text, 1, 0), 0) << "it closes after the client";
    (void)close(peer);
    EXPECT_EQ(server.Wait(), 0);
    EXPECT_EQ(dialled, 0);
  }
}

TEST(Background, ClosesAfterTheLastOtherConnectionOnAnyReactor) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    PlainListener listener;
    Holder holder;
    Server server(holder.callbacks(), WithReactors(reactors));
    Client client(server.port());
    ASSERT_TRUE(holder.WaitForOpen(1));
    std::vector<int> peers;
    DialAll(server, listener, 6, true, &peers);
    ASSERT_TRUE(holder.WaitForOpen(7));
    evnet_server_stop(server.get(), 60000);
    ASSERT_TRUE(holder.WaitForTold(7)) << "each has its on_stopping";
    for (const int peer : peers) EXPECT_FALSE(IsReadable(peer, 10));
    // Each reactor still accepts dials, even a reactor without other connections.
    std::vector<int> late;
    DialAll(server, listener, reactors, true, &late);
    EXPECT_TRUE(holder.WaitForOpen(7 + reactors));
    holder.Release();
    EXPECT_EQ(client.ReceiveToEnd(), "");
    EXPECT_EQ(client.end(), Client::End::kEnd);
    client.Close();
    peers.insert(peers.end(), late.begin(), late.end());
    for (const int peer : peers) {
      char byte;
      EXPECT_EQ(recv(peer, &byte, 1, 0), 0);
      (void)close(peer);
    }
    EXPECT_EQ(server.Wait(), 0);
    const std::vector<std::string> lines = holder.journal.Lines();
    ASSERT_EQ(lines.size(), 7u + static_cast<size_t>(reactors));
    EXPECT_EQ(lines[0], "client EVNET_REASON_SHUTDOWN");
    EXPECT_EQ(holder.journal.Count("upstream EVNET_REASON_SHUTDOWN"), lines.size() - 1);
  }
}

TEST(Background, NoStopWaitsForItWhateverItHasToDo) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    PlainListener listener;
    std::atomic<int> open{0}, redialled{1};
    const std::string address = listener.text();
    Callbacks callbacks;
    callbacks.on_open = [&](evnet_conn *conn) {
      evnet_conn_hold(conn);
      Write(conn, Pattern(8 << 20));  // more than the kernel buffers
      EXPECT_EQ(evnet_conn_set_background(conn, true), 0);
      EXPECT_EQ(evnet_conn_set_background(conn, true), 0) << "a second call has no effect";
      open++;
      return EVNET_NONE;
    };
    callbacks.on_data = [](evnet_conn *) { return EVNET_NONE; };  // leaves the bytes unread
    callbacks.on_close = [&](evnet_conn *conn, int reason) {
      EXPECT_EQ(reason, EVNET_REASON_SHUTDOWN);
      EXPECT_EQ(evnet_conn_set_background(conn, false), -ENOTCONN);
      redialled = evnet_dial(evnet_conn_reactor(conn), address.c_str(), nullptr, nullptr);
      return EVNET_NONE;
    };
    Server server(callbacks, WithReactors(reactors));
    std::vector<int> peers;
    DialAll(server, listener, 2, false, &peers);
    for (const int peer : peers) ASSERT_EQ(send(peer, "unread", 6, 0), 6);
    ASSERT_TRUE(WaitUntil([&] { return open == 2; }));
    EXPECT_EQ(server.Stop(INT64_MAX), 0);
    EXPECT_EQ(redialled, -ESHUTDOWN);
    for (const int peer : peers) {
      std::string block(1 << 16, 0);
      ssize_t got;
      while ((got = recv(peer, &block[0], block.size(), 0)) > 0) {
      }
      EXPECT_EQ(got, -1) << "the peer has not received all bytes, so it must not see EOF";
      EXPECT_EQ(errno, ECONNRESET);
      (void)close(peer);
    }
  }
}

TEST(Background, IsResetBehindTheOthersAtTheDrainDeadline) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    PlainListener listener;
    Holder holder;
    Server server(holder.callbacks(), WithReactors(reactors));
    std::vector<int> peers;
    DialAll(server, listener, 1, true, &peers);
    ASSERT_TRUE(holder.WaitForOpen(1));
    Client client(server.port());
    ASSERT_TRUE(holder.WaitForOpen(2));
    EXPECT_EQ(server.Stop(50), 0);
    EXPECT_EQ(holder.journal.Count("client EVNET_REASON_DRAIN_DEADLINE"), 1u);
    // With several reactors, the client's reactor may reach the deadline first. Then all reactors
    // have drained, and the upstream connection closes as after a drain that ends in time.
    const bool is_reset = holder.journal.Count("upstream EVNET_REASON_DRAIN_DEADLINE") == 1;
    if (reactors == 1) {
      EXPECT_TRUE(is_reset);
      EXPECT_EQ(holder.journal.Lines()[0], "client EVNET_REASON_DRAIN_DEADLINE");
    }
    if (!is_reset) {
      EXPECT_EQ(holder.journal.Count("upstream EVNET_REASON_SHUTDOWN"), 1u);
    }
    char byte;
    EXPECT_EQ(recv(peers[0], &byte, 1, 0), is_reset ? -1 : 0);
    if (is_reset) {
      EXPECT_EQ(errno, ECONNRESET);
    }
    (void)close(peers[0]);
  }
}

TEST(Background, WithoutTheMarkADialledConnectionClosesAsTheOthersDo) {
  PlainListener listener;
  Holder holder;
  Callbacks callbacks = holder.callbacks();
  std::atomic<evnet_conn *> marked{nullptr};
  callbacks.on_data = [&](evnet_conn *conn) {
    Take(conn);
    marked = conn;
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  std::vector<int> peers;
  DialAll(server, listener, 1, false, &peers);
  DialAll(server, listener, 1, true, &peers);
  ASSERT_TRUE(holder.WaitForOpen(3));
  ASSERT_EQ(send(peers[1], "x", 1, 0), 1);
  ASSERT_TRUE(WaitUntil([&] { return marked != nullptr; }));
  evnet_server_stop(server.get(), 60000);
  char byte;
  EXPECT_EQ(recv(peers[0], &byte, 1, 0), 0) << "the connection is idle";
  (void)close(peers[0]);
  EXPECT_FALSE(IsReadable(peers[1], 20));
  evnet_conn *conn = marked;
  Post(evnet_conn_reactor(conn), [conn] { EXPECT_EQ(evnet_conn_set_background(conn, false), 0); });
  EXPECT_EQ(recv(peers[1], &byte, 1, 0), 0) << "the connection is no longer in the background";
  (void)close(peers[1]);
  holder.Release();
  client.ReceiveToEnd();
  client.Close();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(holder.journal.Lines().back(), "client EVNET_REASON_SHUTDOWN");
}

TEST(Background, ADialUnderWayGoesOnForOthersAndKeepsNoStopWaiting) {
  for (const int reactors : {1, 3}) {
    SCOPED_TRACE(reactors);
    const Blackhole nowhere;
    Holder holder;
    Server server(holder.callbacks(), WithReactors(reactors));
    Client client(server.port());
    ASSERT_TRUE(holder.WaitForOpen(1));
    std::atomic<int> begun{0};
    evnet_dial_options options = Options(false);
    options.timeout_ms = EVNET_OFF;
    for (int i = 0; i < reactors; i++) {
      ASSERT_EQ(evnet_server_dial(
                    server.get(), nowhere.text().c_str(), &options,
                    [](struct evnet_conn_id, int status, void *user) {
                      EXPECT_EQ(status, 0);
                      ++*static_cast<std::atomic<int> *>(user);
                    },
                    &begun),
                0);
    }
    ASSERT_TRUE(WaitUntil([&] { return begun == reactors; }));
    evnet_server_stop(server.get(), INT64_MAX);
    ASSERT_TRUE(holder.WaitForTold(1));
    EXPECT_FALSE(client.Readable(20));
    EXPECT_TRUE(holder.journal.Lines().empty());
    holder.Release();
    client.ReceiveToEnd();
    client.Close();
    EXPECT_EQ(server.Wait(), 0);
    EXPECT_EQ(holder.journal.Lines()[0], "client EVNET_REASON_SHUTDOWN");
    EXPECT_EQ(holder.journal.Count("upstream EVNET_REASON_SHUTDOWN"),
              static_cast<size_t>(reactors));
  }
}

TEST(Background, AnAnswerOwedByAServersUdpSocketKeepsItOpenToo) {
  PlainListener listener;
  std::atomic<evnet_conn *> asked{nullptr};
  std::atomic<int> open{0};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_set_background(conn, true), -EOPNOTSUPP);
    evnet_conn_hold(conn);
    asked = conn;
    return EVNET_NONE;
  };
  callbacks.on_open = [&](evnet_conn *) {
    open++;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp://127.0.0.1:0"});
  std::vector<int> peers;
  DialAll(server, listener, 1, true, &peers);
  const evnet_address address = server.address();
  const int asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(sendto(asker, "x", 1, 0, &address.socket.any, address.size), 1);
  ASSERT_TRUE(WaitUntil([&] { return asked != nullptr && open == 1; }));
  evnet_server_stop(server.get(), 60000);
  EXPECT_FALSE(IsReadable(peers[0], 20));
  evnet_conn *conn = asked;
  Post(evnet_conn_reactor(conn), [conn] { evnet_conn_release(conn); });
  char byte;
  EXPECT_EQ(recv(peers[0], &byte, 1, 0), 0);
  (void)close(peers[0]);
  (void)close(asker);
  EXPECT_EQ(server.Wait(), 0);
}

}  // namespace
}  // namespace evnet_testing
