// All backends behave alike. Each scenario runs on each available backend, and its observations
// must be the same: callbacks and their reasons, bytes, open descriptors, how a client's stream
// ends, and that no reactor runs turns without progress.
//
// A scenario records each observation as a line. The test contains the expected lines, so a backend
// is also checked if it is the only one.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/poller/poller.h"
#include "net/poller/testing/file.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

using Lines = std::vector<std::string>;

constexpr size_t kMuch = 6 << 20;  // more than the kernel buffers for a client that does not read

const std::string &Much() {
  static const std::string *const bytes = new std::string(Pattern(kMuch));
  return *bytes;
}

// Returns the backends that this system supports, or the backend that the environment names.
std::vector<evnet_backend> Backends() {
  if (TestBackend() != EVNET_BACKEND_AUTO) return {TestBackend()};
  std::vector<evnet_backend> here;
  for (const evnet_backend backend :
       {EVNET_BACKEND_EPOLL, EVNET_BACKEND_IO_URING, EVNET_BACKEND_KQUEUE}) {
    evnet_poller_options options = {};
    options.backend = backend;
    evnet_poller *poller = nullptr;
    if (evnet_poller_create(&options, &poller) < 0) continue;
    evnet_poller_destroy(poller);
    here.push_back(backend);
  }
  EXPECT_FALSE(here.empty());
  return here;
}

const char *EndName(Client::End end) {
  return end == Client::End::kOpen ? "open" : end == Client::End::kEnd ? "end" : "reset";
}

// A server over one backend, and the lines observed. Each callback adds a line.
class World {
 public:
  explicit World(evnet_backend backend) {
    options.backend = backend;
    callbacks.on_open = [this](evnet_conn *) { return Note("on_open"); };
    callbacks.on_data = [this](evnet_conn *conn) {
      return Note("on_data " + std::to_string(Take(conn).size()));
    };
    callbacks.on_half_close = [this](evnet_conn *) { return Note("on_half_close"); };
    callbacks.on_close = [this](evnet_conn *, int reason) {
      return Note(std::string("on_close ") + evnet_status_name(reason));
    };
  }

  evnet_action Note(const std::string &line) {
    journal.Add(line);
    return EVNET_NONE;
  }

  void Start() {
    server = std::make_unique<Server>(callbacks, options, std::vector<std::string>{address});
    descriptors_ = OpenDescriptors();
  }

  Client Connect() { return Client(server->address()); }
  std::vector<Client> Connect(size_t count) {
    std::vector<Client> clients;
    for (size_t i = 0; i < count; i++) clients.push_back(Connect());
    return clients;
  }

  // Starts a server that pauses reading in on_open, and connects.
  Client ConnectPaused() {
    callbacks.on_open = [this](evnet_conn *conn) {
      evnet_conn_pause_reading(conn);
      return Note("on_open");
    };
    Start();
    Client client = Connect();
    EXPECT_TRUE(journal.WaitFor("on_open"));
    return client;
  }

  // Waits until the server runs hardly any turns. Returns whether it did before the deadline.
  bool IsQuiet() const {
    // On a busy machine a reactor may not be scheduled for a while, and then looks quiet. Two posted
    // functions show that it has finished a turn that began after this call.
    for (int i = 0; i < 2; i++) PassThroughReactor();
    return WaitUntil([this] {
      constexpr int kWhileMs = 40;
      constexpr uint64_t kTurnsMax = 2;
      const uint64_t before = server->stats().turns;
      const int64_t until_ms = NowMs() + kWhileMs;
      EXPECT_TRUE(WaitUntil([=] { return NowMs() >= until_ms; }));
      return server->stats().turns - before <= kTurnsMax;
    });
  }
  void NoteQuiet() { Note(IsQuiet() ? "quiet" : "turns while nothing can make progress"); }

  // Records the number of descriptors, without those of `clients` in this process.
  void NoteDescriptors(size_t clients) {
    EXPECT_TRUE(IsQuiet());  // on_close comes before the descriptor's close
    const size_t now = OpenDescriptors() - descriptors_ - clients;
    Note("descriptors " + std::to_string(now));
  }

  bool WaitForOnClose() const {
    return WaitUntil([this] {
      const Lines lines = journal.Lines();
      return std::any_of(lines.begin(), lines.end(),
                         [](const std::string &line) { return line.rfind("on_close", 0) == 0; });
    });
  }

  void NoteEnd(Client *client) {
    const std::string rest = client->ReceiveToEnd();
    Note("client got " + std::to_string(rest.size()) + ", then " + EndName(client->end()));
  }

  std::string address = "tcp://127.0.0.1:0";
  Callbacks callbacks;
  evnet_options options = {};
  Journal journal;
  std::unique_ptr<Server> server;

 private:
  void PassThroughReactor() const {
    std::atomic<bool> passed{false};
    Post(evnet_server_reactor(server->get(), 0), [&passed] { passed = true; });
    EXPECT_TRUE(WaitUntil([&passed] { return passed.load(); }));
  }

  size_t descriptors_ = 0;
};

// Runs a scenario on each backend, over TCP and optionally also over a Unix socket.
void ExpectAlike(const std::function<void(World *)> &scenario, const Lines &expected,
                 bool over_unix_too = false) {
  for (const evnet_backend backend : Backends()) {
    for (const bool is_unix : {false, true}) {
      if (is_unix && !over_unix_too) continue;
      SCOPED_TRACE(std::string("backend ") + std::to_string(static_cast<int>(backend)) +
                   (is_unix ? ", unix" : ", tcp"));
      const TempDirectory directory;
      World world(backend);
      if (is_unix) world.address = "unix://" + directory.File("s");
      scenario(&world);
      world.server.reset();
      EXPECT_EQ(world.journal.Lines(), expected);
    }
  }
}

constexpr bool kOverUnixToo = true;

// Peers that half-close and read slowly

// Replies to the first bytes with more than the kernel buffers.
void AnswerMuch(World *world, evnet_action then) {
  world->callbacks.on_data = [=](evnet_conn *conn) {
    evnet_conn_discard(conn, SIZE_MAX);
    Write(conn, Much());
    world->Note("answered");
    return then;
  };
}

// Returns the expected lines for a peer that half-closes and reads slowly.
Lines SlowReader(const std::string &reason) {
  return {"on_open", "answered", "quiet", "on_close " + reason, "client got 0, then end"};
}

// Sends a request, half-closes, and reads only after the server has become quiet.
void ReadSlowly(
    World *world, const std::function<void()> &meanwhile = [] {}) {
  Client client = world->Connect();
  client.SendAll("x");
  ASSERT_TRUE(world->journal.WaitFor("answered"));
  client.ShutdownWrite();
  meanwhile();
  world->NoteQuiet();
  EXPECT_TRUE(client.Receive(kMuch) == Much());
  // A connection that lingers sends its FIN before on_close, so the order of these two varies.
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_TRUE(world->WaitForOnClose());
  world->NoteEnd(&client);
}

TEST(Parity, AHalfClosedPeerThatReadsSlowlyGetsAll) {
  ExpectAlike(
      [](World *world) {
        world->callbacks.on_half_close = nullptr;
        AnswerMuch(world, EVNET_NONE);
        world->Start();
        ReadSlowly(world);
      },
      SlowReader("EVNET_REASON_PEER"), kOverUnixToo);
}

TEST(Parity, AHalfClosedPeerOfAConnectionThatClosesGetsAll) {
  ExpectAlike(
      [](World *world) {
        AnswerMuch(world, EVNET_CLOSE);
        world->Start();
        ReadSlowly(world);
      },
      SlowReader("EVNET_REASON_LOCAL"), kOverUnixToo);
}

TEST(Parity, AHalfClosedPeerOfAServerThatStopsGetsAll) {
  ExpectAlike(
      [](World *world) {
        world->callbacks.on_half_close = nullptr;
        AnswerMuch(world, EVNET_NONE);
        world->Start();
        ReadSlowly(world, [=] { evnet_server_stop(world->server->get(), 60000); });
      },
      SlowReader("EVNET_REASON_PEER"), kOverUnixToo);
}

TEST(Parity, AHalfClosedPeerGetsAllOfAFile) {
  const TestFile file(Much());
  ExpectAlike(
      [&](World *world) {
        world->callbacks.on_half_close = nullptr;
        world->callbacks.on_data = [&, world](evnet_conn *conn) {
          evnet_conn_discard(conn, SIZE_MAX);
          EXPECT_EQ(evnet_conn_sendfile(conn, file.descriptor(), 0, kMuch),
                    static_cast<int64_t>(kMuch));
          return world->Note("answered");
        };
        world->Start();
        ReadSlowly(world);
      },
      SlowReader("EVNET_REASON_PEER"), kOverUnixToo);
}

// Closes and half-closes

TEST(Parity, AnEndComesBehindTheDataInFrontOfIt) {
  ExpectAlike(
      [](World *world) {
        Client client = world->ConnectPaused();
        client.SendAll("hello");
        client.ShutdownWrite();
        world->NoteQuiet();
        EXPECT_EQ(world->server->Stop(60000), 0);
        world->NoteEnd(&client);
      },
      {"on_open", "quiet", "on_close EVNET_REASON_SHUTDOWN", "client got 0, then end"},
      kOverUnixToo);
}

TEST(Parity, AHalfClosedConnectionStaysOpenAndQuiet) {
  ExpectAlike(
      [](World *world) {
        world->Start();
        Client client = world->Connect();
        client.SendAll("hello");
        client.ShutdownWrite();
        ASSERT_TRUE(world->journal.WaitFor("on_half_close"));
        world->NoteQuiet();
        world->NoteDescriptors(1);
        EXPECT_EQ(world->server->Stop(60000), 0);
        world->NoteEnd(&client);
      },
      {"on_open", "on_data 5", "on_half_close", "quiet", "descriptors 1",
       "on_close EVNET_REASON_SHUTDOWN", "client got 0, then end"},
      kOverUnixToo);
}

TEST(Parity, AResetIsToldAlsoWhileReadingIsPaused) {
  ExpectAlike(
      [](World *world) {
        Client client = world->ConnectPaused();
        world->NoteQuiet();
        client.Reset();
        EXPECT_TRUE(world->server->WaitForClosed(1));
        world->NoteQuiet();
        world->NoteDescriptors(0);
      },
      {"on_open", "quiet", "on_close ECONNRESET", "quiet", "descriptors 0"});
}

// Limits

TEST(Parity, AtConnectionsMaxTheBacklogKeepsTheRestAndAStopResetsIt) {
  constexpr size_t kMax = 3;
  constexpr size_t kClients = 40;
  ExpectAlike(
      [](World *world) {
        world->options.connections_max = kMax;
        world->callbacks.on_half_close = nullptr;
        world->Start();
        std::vector<Client> clients = world->Connect(kClients);
        EXPECT_TRUE(world->server->WaitForOpen(kMax));
        world->NoteQuiet();
        world->NoteDescriptors(kClients);
        clients[0].Close();
        EXPECT_TRUE(world->journal.WaitFor("on_open", kMax + 1));
        world->NoteQuiet();
        world->NoteDescriptors(kClients - 1);
        EXPECT_EQ(world->server->Stop(0), 0);
        size_t resets = 0;
        for (size_t i = kMax + 1; i < kClients; i++) {
          (void)clients[i].ReceiveToEnd();
          if (clients[i].end() == Client::End::kReset) resets++;
        }
        world->Note("resets " + std::to_string(resets));
      },
      {"on_open", "on_open", "on_open", "quiet", "descriptors 3", "on_close EVNET_REASON_PEER",
       "on_open", "quiet", "descriptors 3", "on_close EVNET_REASON_DRAIN_DEADLINE",
       "on_close EVNET_REASON_DRAIN_DEADLINE", "on_close EVNET_REASON_DRAIN_DEADLINE",
       "resets 36"});
}

TEST(Parity, ASuccessorServesAllThatAStopLeftInTheBacklog) {
  constexpr size_t kClients = 40;
  ExpectAlike(
      [](World *world) {
        world->options.connections_max = 1;
        world->Start();
        std::vector<Client> clients = world->Connect(kClients);
        EXPECT_TRUE(world->server->WaitForOpen(1));
        world->NoteQuiet();
        const int listener = evnet_server_dup_listener(world->server->get(), 0);
        ASSERT_GE(listener, 0);
        EXPECT_EQ(world->server->Stop(0), 0);
        size_t served = 0;
        for (size_t i = 1; i < kClients; i++) {
          const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
          if (accepted < 0) break;
          if (send(accepted, "hello", 5, MSG_NOSIGNAL) == 5 && clients[i].Receive(5) == "hello")
            served++;
          (void)close(accepted);
        }
        world->Note("served " + std::to_string(served));
        (void)close(listener);
      },
      {"on_open", "quiet", "on_close EVNET_REASON_DRAIN_DEADLINE", "served 39"}, kOverUnixToo);
}

TEST(Parity, AConnectionThatWasResetInTheBacklogOpensAndCloses) {
  ExpectAlike(
      [](World *world) {
        world->options.connections_max = 1;
        world->Start();
        Client first = world->Connect();
        EXPECT_TRUE(world->server->WaitForOpen(1));
        Client second = world->Connect();
        second.Reset();
        world->NoteQuiet();
        first.Reset();
        EXPECT_TRUE(world->server->WaitForClosed(2));
        world->NoteDescriptors(0);
      },
      {"on_open", "quiet", "on_close ECONNRESET", "on_open", "on_close ECONNRESET",
       "descriptors 0"});
}

// Adopted sockets

TEST(Parity, ADescriptorIsAdoptedOnce) {
  ExpectAlike(
      [](World *world) {
        world->callbacks.on_half_close = nullptr;
        world->Start();
        int pair[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        std::atomic<bool> done{false};
        evnet_reactor *reactor = evnet_server_reactor(world->server->get(), 0);
        Post(reactor, [&, reactor] {
          for (int i = 0; i < 2; i++) {
            const int status = evnet_adopt(reactor, pair[0], nullptr, nullptr);
            world->Note(std::string("adopt ") + evnet_status_name(status));
          }
          done = true;
        });
        ASSERT_TRUE(WaitUntil([&] { return done.load(); }));
        (void)close(pair[1]);
        EXPECT_TRUE(world->server->WaitForClosed(1));
        world->NoteDescriptors(0);
      },
      {"adopt OK", "adopt EEXIST", "on_open", "on_close EVNET_REASON_PEER", "descriptors 0"});
}

// Idle servers

TEST(Parity, AServerWithIdleConnectionsSleeps) {
  ExpectAlike(
      [](World *world) {
        world->options.reactors = 3;
        world->callbacks.on_open = nullptr;
        world->callbacks.on_close = nullptr;
        world->callbacks.on_half_close = nullptr;
        world->Start();
        const std::vector<Client> clients = world->Connect(6);
        EXPECT_TRUE(world->server->WaitForOpen(6));
        world->NoteQuiet();
        world->NoteDescriptors(6);
      },
      {"quiet", "descriptors 6"}, kOverUnixToo);
}

// Datagrams

TEST(Parity, AUdpSocketOutlivesAnIcmpErrorAndSleeps) {
  ExpectAlike(
      [](World *world) {
        world->address = "udp://127.0.0.1:0";
        world->callbacks.on_data = [world](evnet_conn *conn) {
          world->Note("on_data " + std::to_string(evnet_conn_inbound_bytes(conn)));
          return EchoData(conn);
        };
        world->Start();
        UdpClient gone, client;
        gone.Send(world->server->address(), "x");
        gone.Close();
        for (const char *text : {"", "hello"}) {
          client.Send(world->server->address(), text);
          EXPECT_EQ(client.Receive(), text);
        }
        world->NoteQuiet();
      },
      {"on_data 1", "on_data 0", "on_data 5", "quiet"});
}

TEST(Parity, ADialledUdpSocketWhosePeerIsGoneClosesOnce) {
  ExpectAlike(
      [](World *world) {
        world->callbacks.on_open = [world](evnet_conn *conn) {
          EXPECT_EQ(evnet_conn_write(conn, "x", 1), 1);
          return world->Note("on_open");
        };
        world->Start();
        UdpClient peer;
        const std::string address = FormatAddress(peer.Address());
        peer.Close();
        EXPECT_EQ(
            evnet_server_dial(world->server->get(), address.c_str(), nullptr, nullptr, nullptr), 0);
        EXPECT_TRUE(world->journal.WaitFor("on_close ECONNREFUSED"));
        world->NoteDescriptors(0);
        world->NoteQuiet();
      },
      {"on_open", "on_close ECONNREFUSED", "descriptors 0", "quiet"});
}

}  // namespace
}  // namespace evnet_testing
