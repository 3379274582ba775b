// Addresses of a running server: pausing and resuming accepting, adding and removing addresses.
#include "net/server/addresses.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <list>
#include <thread>

#include "gtest/gtest.h"
#include "net/base/testing/listener.h"
#include "net/base/testing/temp_directory.h"
#include "net/base/testing/udp_client.h"
#include "net/reactor/adopt.h"
#include "net/server/server.h"
#include "net/server/testing/client.h"
#include "net/server/testing/dial_answer.h"
#include "net/server/testing/server.h"

namespace evnet_testing {
namespace {

// The arguments of the one call of `done`.
struct Done {
  std::atomic<int> calls{0};
  std::atomic<int> status{1};
  std::atomic<size_t> index{0};
  std::function<void(evnet_server *, size_t)> run;

  static void Call(evnet_server *server, size_t index, int status, void *user) {
    NoteProgress();
    Done *self = static_cast<Done *>(user);
    self->index = index;
    self->status = status;
    if (self->run) self->run(server, index);
    self->calls++;
  }
  Status Wait(Place place = Place::Here()) {
    EXPECT_TRUE(WaitUntil([this] { return calls > 0; }, place));
    return Status(status.load());
  }
};

Status Pause(evnet_server *server, size_t index) {
  Done done;
  const int status = evnet_server_pause_accept(server, index, Done::Call, &done);
  return status < 0 ? Status(status) : done.Wait();
}

Status Resume(evnet_server *server, size_t index) {
  Done done;
  const int status = evnet_server_resume_accept(server, index, Done::Call, &done);
  return status < 0 ? Status(status) : done.Wait();
}

Status Remove(evnet_server *server, size_t index) {
  Done done;
  const int status = evnet_server_remove_address(server, index, Done::Call, &done);
  return status < 0 ? Status(status) : done.Wait();
}

int AddTo(evnet_server *server, const std::string &address, Done *done) {
  evnet_listen listen = {};
  listen.address = address.c_str();
  return evnet_server_add_address(server, &listen, Done::Call, done);
}

Status Add(evnet_server *server, const std::string &address, size_t *out_index) {
  Done done;
  const int status = AddTo(server, address, &done);
  if (status < 0) return Status(status);
  const Status result = done.Wait();
  *out_index = done.index;
  return result;
}

// Sends each client the index of its address, and echoes from then on.
Callbacks Telling() {
  Callbacks callbacks = Echo();
  callbacks.on_open = [](evnet_conn *conn) {
    Write(conn, std::to_string(evnet_conn_listener_index(conn)));
    return EVNET_NONE;
  };
  return callbacks;
}

evnet_options Reactors(int count, bool reuse_port = false) {
  evnet_options options = {};
  options.reactors = count;
  options.reuse_port = reuse_port;
  return options;
}

std::string Tcp(uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

bool IsRefused(uint16_t port) {
  const evnet_address to = ParseAddress(Tcp(port));
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused = connect(descriptor, &to.socket.any, to.size) < 0 && errno == ECONNREFUSED;
  (void)close(descriptor);
  return refused;
}

// Pausing

TEST(PauseAccept, NoConnectionComesUntilTheResumeAndNoneOfTheBacklogIsLost) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    Server server(Echo(), Reactors(3, reuse_port));
    Client before(server.port());
    EXPECT_EQ(before.Exchange("hello"), "hello");
    ASSERT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
    const uint64_t accepted = server.stats().connections_accepted;
    std::list<Client> waiting;
    for (int i = 0; i < 40; i++) {
      waiting.emplace_back(server.port());
      waiting.back().SendAll("x");
    }
    EXPECT_EQ(before.Exchange("again"), "again") << "open connections are not affected";
    EXPECT_FALSE(waiting.front().Readable(20));
    EXPECT_EQ(server.stats().connections_accepted, accepted);
    ASSERT_EQ(Resume(server.get(), EVNET_ADDRESSES_ALL), 0);
    for (Client &client : waiting) EXPECT_EQ(client.Receive(1), "x");
    EXPECT_EQ(server.stats().connections_accepted, accepted + 40);
  }
}

TEST(PauseAccept, OneAddressLeavesTheOthers) {
  Server server(Telling(), Reactors(2), {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  ASSERT_EQ(Pause(server.get(), 1), 0);
  ASSERT_EQ(Pause(server.get(), 1), 0);
  Client other(server.port(1));
  Client client(server.port(0));
  EXPECT_EQ(client.Receive(1), "0");
  EXPECT_FALSE(other.Readable(20));
  // The pause of all addresses does not end the pause of one, and the reverse.
  ASSERT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
  ASSERT_EQ(Resume(server.get(), 1), 0);
  EXPECT_FALSE(other.Readable(20));
  ASSERT_EQ(Resume(server.get(), EVNET_ADDRESSES_ALL), 0);
  EXPECT_EQ(other.Receive(1), "1");
}

TEST(PauseAccept, AfterItIsDoneEveryAcceptedConnectionHasOpened) {
  std::atomic<uint64_t> opened{0};
  std::atomic<bool> paused{false};
  Callbacks callbacks = Echo();
  callbacks.on_open = [&](evnet_conn *) {
    EXPECT_FALSE(paused);
    opened++;
    return EVNET_NONE;
  };
  Server server(callbacks, Reactors(3));
  std::list<Client> clients;
  std::thread connects([&] {
    for (int i = 0; i < 100; i++) clients.emplace_back(server.port());
  });
  for (int i = 0; i < 10; i++) {
    Done done;
    done.run = [&](evnet_server *, size_t) { paused = true; };
    ASSERT_EQ(evnet_server_pause_accept(server.get(), 0, Done::Call, &done), 0);
    EXPECT_EQ(done.Wait(), 0);
    paused = false;
    ASSERT_EQ(Resume(server.get(), 0), 0);
  }
  connects.join();
  ASSERT_TRUE(WaitUntil([&] { return opened == 100; }));
}

TEST(PauseAccept, InOnBootItHoldsBackTheFirstConnection) {
  Done done;
  Callbacks callbacks = Echo();
  callbacks.on_boot = [&](evnet_server *server) {
    EXPECT_EQ(evnet_server_pause_accept(server, 0, Done::Call, &done), 0);
    return EVNET_NONE;
  };
  Server server(callbacks);
  Client client(server.port());
  client.SendAll("x");
  EXPECT_EQ(done.Wait(), 0);
  EXPECT_FALSE(client.Readable(20));
  EXPECT_EQ(server.stats().connections_accepted, 0u);
  ASSERT_EQ(Resume(server.get(), 0), 0);
  EXPECT_EQ(client.Receive(1), "x");
}

TEST(PauseAccept, DoesNotEndAPauseForLackOfPlacesNorTheReverse) {
  evnet_options options = Reactors(2);
  options.connections_max = 1;
  Server server(Echo(), options);
  Client first(server.port());
  EXPECT_EQ(first.Exchange("x"), "x");
  Client second(server.port());
  second.SendAll("y");
  ASSERT_EQ(Pause(server.get(), 0), 0);
  ASSERT_EQ(Resume(server.get(), 0), 0);
  EXPECT_FALSE(second.Readable(20));
  ASSERT_EQ(Pause(server.get(), 0), 0);
  first.Close();
  ASSERT_TRUE(server.WaitForClosed(1));
  EXPECT_FALSE(second.Readable(20));
  ASSERT_EQ(Resume(server.get(), 0), 0);
  EXPECT_EQ(second.Receive(1), "y");
}

TEST(PauseAccept, AppliesToAdoptedListenersOfEachReactor) {
  for (const uint32_t reactor_index : {0u, 1u}) {
    SCOPED_TRACE(reactor_index);
    PlainListener listener;
    Server server(Echo(), Reactors(2));
    evnet_reactor *reactor = evnet_server_reactor(server.get(), reactor_index);
    std::atomic<int> adopted{1};
    Post(reactor,
         [&] { adopted = evnet_adopt(reactor, dup(listener.descriptor()), nullptr, nullptr); });
    ASSERT_TRUE(WaitUntil([&] { return adopted <= 0; }));
    ASSERT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
    Client client(listener.port());
    client.SendAll("x");
    EXPECT_FALSE(client.Readable(20));
    ASSERT_EQ(Resume(server.get(), EVNET_ADDRESSES_ALL), 0);
    EXPECT_EQ(client.Receive(1), "x");
  }
}

TEST(PauseAccept, NamesItsFailures) {
  Server server(Echo(), {}, {"tcp://127.0.0.1:0", "udp://127.0.0.1:0"});
  EXPECT_EQ(Pause(server.get(), 64), -EINVAL);
  EXPECT_EQ(Pause(server.get(), 2), -EINVAL);
  EXPECT_EQ(Pause(server.get(), 1), -EOPNOTSUPP);
  ASSERT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
  UdpClient udp;
  udp.Send(server.address(1), "x");
  EXPECT_EQ(udp.Receive(), "x") << "a pause of all addresses leaves UDP alone";
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(evnet_server_pause_accept(server.get(), 0, nullptr, nullptr), -ESHUTDOWN);
  Created created(Echo(), {});
  EXPECT_EQ(evnet_server_pause_accept(created.get(), 0, nullptr, nullptr), -ENOTCONN);
}

// Adding

TEST(AddAddress, ServesOnEveryReactorAndKeepsTheOtherIndexes) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    Server server(Telling(), Reactors(3, reuse_port));
    size_t index = 0;
    ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
    EXPECT_EQ(index, 1u);
    EXPECT_NE(server.port(1), 0);
    EXPECT_TRUE(server.log().Has("listening on " + Tcp(server.port(1))));
    for (int i = 0; i < 30; i++) {
      EXPECT_EQ(Client(server.port(1)).Receive(1), "1");
      EXPECT_EQ(Client(server.port(0)).Receive(1), "0");
    }
    ASSERT_TRUE(server.WaitForClosed(60));
    uint32_t used = 0;
    for (uint32_t i = 0; i < 3; i++) {
      struct evnet_reactor_stats stats = {};
      ASSERT_EQ(evnet_server_get_reactor_stats(server.get(), i, &stats), 0);
      used += stats.connections_opened > 0;
    }
    EXPECT_EQ(used, 3u);
    EXPECT_EQ(server.Stop(1000), 0);
  }
}

TEST(AddAddress, DoneRunsOnReactor0BeforeTheFirstConnection) {
  std::atomic<bool> announced{false};
  Callbacks callbacks = Telling();
  const auto tell = callbacks.on_open;
  callbacks.on_open = [&](evnet_conn *conn) {
    EXPECT_TRUE(announced);
    return tell(conn);
  };
  Server server(callbacks, Reactors(3, true));
  std::unique_ptr<Client> early;
  std::atomic<bool> on_reactor_0{false};
  Done done;
  done.run = [&](evnet_server *called, size_t index) {
    evnet_address address;
    EXPECT_EQ(evnet_server_address(called, index, &address), 0);
    // It connects already, and waits in the backlog until this returns.
    early = std::make_unique<Client>(evnet_address_port(&address));
    EXPECT_FALSE(early->Readable(20));
    on_reactor_0 = evnet_server_wait(called) == -EDEADLK;
    announced = true;
  };
  ASSERT_EQ(AddTo(server.get(), "tcp://127.0.0.1:0", &done), 0);
  EXPECT_EQ(done.Wait(), 0);
  EXPECT_TRUE(on_reactor_0);
  EXPECT_EQ(early->Receive(1), "1");
}

TEST(AddAddress, OfUdpReceivesAfterDone) {
  Server server(Echo(), Reactors(2));
  size_t index = 0;
  Done done;
  done.run = [&](evnet_server *called, size_t at) {
    EXPECT_NE(evnet_server_datagram_socket(called, at), nullptr);
  };
  ASSERT_EQ(AddTo(server.get(), "udp://127.0.0.1:0", &done), 0);
  ASSERT_EQ(done.Wait(), 0);
  index = done.index;
  UdpClient client;
  client.Send(server.address(index), "hello");
  EXPECT_EQ(client.Receive(), "hello");
}

TEST(AddAddress, ItsConnectionsHaveTheHandlerThatItNames) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    Callbacks other;
    other.on_open = [](evnet_conn *conn) {
      Write(conn, "other");
      return EVNET_NONE;
    };
    const evnet_handler handler = other.Handler();
    Server server(Telling(), Reactors(3, reuse_port));
    evnet_listen listen = {};
    listen.address = "tcp://127.0.0.1:0";
    listen.handler = &handler;
    listen.user = &other;
    Done done;
    ASSERT_EQ(evnet_server_add_address(server.get(), &listen, Done::Call, &done), 0);
    ASSERT_EQ(done.Wait(), 0);
    std::list<Client> clients;
    for (int i = 0; i < 6; i++) {
      clients.emplace_back(server.port(1));
      EXPECT_EQ(clients.back().Receive(5), "other");
    }
    EXPECT_EQ(Client(server.port(0)).Receive(1), "0");
    EXPECT_EQ(server.Stop(0), 0);
  }
}

TEST(AddAddress, AServerWithoutAddressesGetsItsFirst) {
  Server server(Telling(), Reactors(2), {});
  size_t index = 1;
  ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
  EXPECT_EQ(index, 0u);
  EXPECT_EQ(Client(server.port(0)).Receive(1), "0");
}

TEST(AddAddress, WhileAllArePausedItIsPausedToo) {
  Server server(Telling());
  ASSERT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
  size_t index = 0;
  ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
  Client client(server.port(index));
  EXPECT_FALSE(client.Readable(20));
  ASSERT_EQ(Resume(server.get(), EVNET_ADDRESSES_ALL), 0);
  EXPECT_EQ(client.Receive(1), "1");
}

TEST(AddAddress, AFailureChangesNothing) {
  PlainListener taken;
  for (const bool reuse_port : {false, true}) {
    Server server(Telling(), Reactors(3, reuse_port));
    size_t index = 0;
    EXPECT_EQ(Add(server.get(), taken.text(), &index), -EADDRINUSE);
    EXPECT_EQ(index, SIZE_MAX);
    EXPECT_TRUE(server.log().Has("cannot listen on '" + taken.text() + "'"));
    EXPECT_EQ(Add(server.get(), "tcp://127.0.0.1:x", &index), EVNET_STATUS_ADDRESS);
    if (reuse_port) {
      EXPECT_EQ(Add(server.get(), "unix:///tmp/x", &index), EVNET_STATUS_OPTION);
    }
    EXPECT_EQ(Client(server.port(0)).Receive(1), "0");
  }
}

TEST(AddAddress, AtMost64IndexesAreInUse) {
  Server server(Telling());
  size_t index = 0;
  for (size_t i = 1; i < 64; i++) {
    ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
    EXPECT_EQ(index, i);
  }
  EXPECT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), -ENOBUFS);
  EXPECT_EQ(index, SIZE_MAX);
  // The index of a removed address is free when its last connection has closed.
  Client stays(server.port(7));
  EXPECT_EQ(stays.Receive(1), "7");
  ASSERT_EQ(Remove(server.get(), 7), 0);
  EXPECT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), -ENOBUFS);
  ASSERT_EQ(Remove(server.get(), 9), 0);
  ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
  EXPECT_EQ(index, 9u);
  stays.Close();
  ASSERT_TRUE(server.WaitForClosed(1));
  ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
  EXPECT_EQ(index, 7u);
  EXPECT_EQ(Client(server.port(7)).Receive(1), "7");
}

// Removing

TEST(RemoveAddress, LeavesItsConnectionsAndFreesThePort) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    Server server(Telling(), Reactors(3, reuse_port), {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
    const uint16_t port = server.port(0);
    std::list<Client> open;
    for (int i = 0; i < 6; i++) {
      open.emplace_back(port);
      EXPECT_EQ(open.back().Receive(1), "0");
    }
    ASSERT_EQ(Remove(server.get(), 0), 0);
    EXPECT_TRUE(IsRefused(port));
    evnet_address address;
    EXPECT_EQ(evnet_server_address(server.get(), 0, &address), -ENOTCONN);
    EXPECT_EQ(evnet_server_dup_listener(server.get(), 0), -ENOTCONN);
    for (Client &client : open) EXPECT_EQ(client.Exchange("hello"), "hello");
    EXPECT_EQ(Client(server.port(1)).Receive(1), "1");
    EXPECT_EQ(Remove(server.get(), 0), -EINVAL);
    // The same port again, under a new index.
    size_t index = 0;
    ASSERT_EQ(Add(server.get(), Tcp(port), &index), 0);
    EXPECT_EQ(index, 2u);
    EXPECT_EQ(Client(port).Receive(1), "2");
    EXPECT_EQ(server.Stop(1000), 0);
  }
}

TEST(RemoveAddress, OfUnixRemovesThePathAndTheLock) {
  TempDirectory directory;
  const std::string text = "unix://" + directory.File("socket");
  Server server(Echo(), Reactors(2), {"tcp://127.0.0.1:0", text});
  EXPECT_EQ(directory.Names().size(), 2u);
  size_t index = 0;
  EXPECT_EQ(Add(server.get(), text, &index), -EADDRINUSE) << "it is in use by this server";
  EXPECT_EQ(directory.Names().size(), 2u);
  Client client(ParseAddress(text));
  ASSERT_EQ(Remove(server.get(), 1), 0);
  EXPECT_EQ(directory.Names().size(), 0u);
  EXPECT_EQ(client.Exchange("hello"), "hello");
  ASSERT_EQ(Add(server.get(), text, &index), 0);
  EXPECT_EQ(Client(ParseAddress(text)).Exchange("hello"), "hello");
  EXPECT_EQ(directory.Names().size(), 2u);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(directory.Names().size(), 0u);
}

TEST(RemoveAddress, OfUdpWaitsForTheHolds) {
  std::atomic<uint32_t> held{0};
  struct evnet_conn_id id = {};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    id = evnet_conn_get_id(conn);
    held++;
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"udp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  UdpClient client;
  client.Send(server.address(0), "question");
  ASSERT_TRUE(WaitUntil([&] { return held == 1; }));
  Done done;
  ASSERT_EQ(evnet_server_remove_address(server.get(), 0, Done::Call, &done), 0);
  size_t index = 0;
  EXPECT_EQ(Add(server.get(), "udp://127.0.0.1:0", &index), 0) << "other requests go on";
  EXPECT_EQ(index, 2u);
  EXPECT_EQ(done.calls, 0);
  const evnet_address to = client.Address();
  ASSERT_EQ(evnet_async_send_to(server.get(), id, &to, "answer", 6, nullptr, nullptr), 0);
  ASSERT_EQ(evnet_async_release(server.get(), id), 0);
  EXPECT_EQ(client.Receive(), "answer");
  EXPECT_EQ(done.Wait(), 0);
  Answer late;
  ASSERT_EQ(evnet_async_send_to(server.get(), id, &to, "x", 1, Answer::Done, &late), 0);
  ASSERT_TRUE(late.Wait());
  EXPECT_EQ(late.status, -ESTALE);
}

TEST(RemoveAddress, OfUdpEndsReceivingOnEachReactorBeforeItWaitsForAHold) {
  std::atomic<bool> holds{true};
  std::atomic<uint32_t> received{0}, held{0};
  struct evnet_conn_id id = {};
  Callbacks callbacks;
  callbacks.on_data = [&](evnet_conn *conn) {
    if (evnet_conn_get_id(conn).reactor == 0 && holds.exchange(false)) {
      EXPECT_EQ(evnet_conn_hold(conn), 0);
      id = evnet_conn_get_id(conn);
      held++;
    }
    received++;
    return EVNET_NONE;
  };
  Server server(callbacks, Reactors(2, true), {"udp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  const evnet_address address = server.address(0);
  // The kernel selects the reactor by the client's port.
  std::list<UdpClient> clients(64);
  for (UdpClient &client : clients) client.Send(address, "x");
  ASSERT_TRUE(WaitUntil([&] { return received == clients.size() && held == 1; }));
  Done done;
  ASSERT_EQ(evnet_server_remove_address(server.get(), 0, Done::Call, &done), 0);
  // A later request visits each reactor after the removal.
  EXPECT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
  for (UdpClient &client : clients) client.Send(address, "y");
  for (int i = 0; i < 3; i++) EXPECT_EQ(Pause(server.get(), EVNET_ADDRESSES_ALL), 0);
  EXPECT_EQ(received, clients.size());
  EXPECT_EQ(done.calls, 0);
  ASSERT_EQ(evnet_async_release(server.get(), id), 0);
  EXPECT_EQ(done.Wait(), 0);
}

TEST(RemoveAddress, AnUnreleasedHoldEndsWithTheStop) {
  Callbacks callbacks;
  std::atomic<uint32_t> held{0};
  callbacks.on_data = [&](evnet_conn *conn) {
    EXPECT_EQ(evnet_conn_hold(conn), 0);
    held++;
    return EVNET_NONE;
  };
  Server server(callbacks, Reactors(2), {"udp://127.0.0.1:0"});
  UdpClient client;
  client.Send(server.address(0), "question");
  ASSERT_TRUE(WaitUntil([&] { return held == 1; }));
  Done done;
  ASSERT_EQ(evnet_server_remove_address(server.get(), 0, Done::Call, &done), 0);
  EXPECT_EQ(server.Stop(0), 0);
  EXPECT_EQ(done.calls, 1);
}

TEST(RemoveAddress, OfAnAdoptedListenerByItsId) {
  for (const bool by_thread : {false, true}) {
    SCOPED_TRACE(by_thread);
    PlainListener listener;
    Server server(Telling(), Reactors(2));
    evnet_reactor *reactor = evnet_server_reactor(server.get(), 1);
    struct evnet_conn_id id = {};
    std::atomic<int> status{1};
    Post(reactor, [&] { status = evnet_adopt(reactor, dup(listener.descriptor()), nullptr, &id); });
    ASSERT_TRUE(WaitUntil([&] { return status <= 0; }));
    EXPECT_NE(id.generation, 0u);
    Client client(listener.port());
    EXPECT_EQ(client.Receive(2), "-1");
    for (const int expected : {0, -ESTALE}) {
      if (by_thread) {
        Answer answer;
        ASSERT_EQ(evnet_async_close(server.get(), id, Answer::Done, &answer), 0);
        ASSERT_TRUE(answer.Wait());
        EXPECT_EQ(answer.status, expected);
      } else {
        status = 1;
        Post(reactor, [&] { status = evnet_close(reactor, id); });
        ASSERT_TRUE(WaitUntil([&] { return status <= 0; }));
        EXPECT_EQ(status, expected);
      }
    }
    // The test's own descriptor of the listener keeps the connection in the backlog.
    Client waiting(listener.port());
    EXPECT_FALSE(waiting.Readable(20));
    EXPECT_EQ(client.Exchange("hello"), "hello");
  }
}

// Together

TEST(ChangeAddresses, ManyThreadsAtOnceLeaveNoDescriptorBehind) {
  const size_t before = OpenDescriptors();
  for (const bool reuse_port : {false, true}) {
    Server server(Telling(), Reactors(3, reuse_port));
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; t++) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; i++) {
          size_t index = 0;
          ASSERT_EQ(Add(server.get(), "tcp://127.0.0.1:0", &index), 0);
          Client client(server.port(index));
          EXPECT_EQ(client.Receive(1)[0], std::to_string(index)[0]);
          ASSERT_EQ(Remove(server.get(), index), 0);
        }
      });
    }
    for (std::thread &each : threads) each.join();
    EXPECT_EQ(Client(server.port(0)).Receive(1), "0");
    EXPECT_EQ(server.Stop(1000), 0);
  }
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() == before; }));
}

TEST(ChangeAddresses, AStopAnswersEachRequestOnce) {
  for (int round = 0; round < 10; round++) {
    Server server(Telling(), Reactors(3, true));
    std::list<Done> dones;
    size_t posted = 0;
    for (int i = 0; i < 30; i++) {
      dones.emplace_back();
      int status;
      switch (i % 3) {
        case 0:
          status = AddTo(server.get(), "tcp://127.0.0.1:0", &dones.back());
          break;
        case 1:
          status = evnet_server_remove_address(server.get(), static_cast<size_t>(i / 3), Done::Call,
                                               &dones.back());
          break;
        default:
          status = evnet_server_pause_accept(server.get(), EVNET_ADDRESSES_ALL, Done::Call,
                                             &dones.back());
      }
      if (i == 10 + round) (void)evnet_server_stop(server.get(), 1000);
      posted += status == 0;
    }
    EXPECT_EQ(server.Wait(), 0);
    size_t answered = 0;
    for (const Done &done : dones) answered += static_cast<size_t>(done.calls);
    EXPECT_EQ(answered, posted);
  }
}

TEST(ChangeAddresses, FromACallbackAreCarriedOutAfterIt) {
  Done done;
  Callbacks callbacks = Telling();
  evnet_server *self = nullptr;
  callbacks.on_boot = [&](evnet_server *server) {
    self = server;
    return EVNET_NONE;
  };
  callbacks.on_open = [&](evnet_conn *conn) {
    // A removal of the address that is accepting at this moment.
    EXPECT_EQ(evnet_server_remove_address(self, 0, Done::Call, &done), 0);
    Write(conn, "0");
    return EVNET_NONE;
  };
  Server server(callbacks, {}, {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  Client client(server.port(0));
  EXPECT_EQ(client.Receive(1), "0");
  EXPECT_EQ(done.Wait(), 0);
  EXPECT_EQ(client.Exchange("hello"), "hello");
}

}  // namespace
}  // namespace evnet_testing
