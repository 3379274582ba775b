// The cost of one turn of the loop: with no work, with a posted function, and with one connection
// that echoes 64 bytes over loopback.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmark/benchmark.h"
#include "net/base/address.h"
#include "net/reactor/owner.h"

namespace {

constexpr size_t kEchoBytes = 64;

void Check(bool good, const char *what) {
  if (good) return;
  perror(what);
  abort();
}

evnet_action Echo(evnet_conn *conn, void *) {
  const evnet_bytes bytes = evnet_conn_peek(conn);
  evnet_conn_write(conn, bytes.data, bytes.size);
  evnet_conn_discard(conn, bytes.size);
  return EVNET_NONE;
}

class Loop {
 public:
  explicit Loop(int64_t idle_timeout_ms = 0) {
    evnet_handler handler = {};
    handler.on_data = Echo;
    struct evnet_reactor_options options = {};
    options.idle_timeout_ms = idle_timeout_ms;
    Check(evnet_reactor_create(&handler, nullptr, &options, &reactor_) == 0, "create");
    evnet_address loopback = {};
    Check(evnet_address_parse("tcp4://127.0.0.1:0", &loopback, nullptr, 0) == 0, "parse");
    Check(evnet_reactor_listen(reactor_, &loopback, nullptr, &address_) >= 0, "listen");
    evnet_reactor_accept_resume(reactor_);
  }
  ~Loop() { evnet_reactor_destroy(reactor_); }

  int Connect() {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    Check(client >= 0, "socket");
    Check(connect(client, &address_.socket.any, address_.size) == 0, "connect");
    struct evnet_reactor_stats stats = {};
    const uint64_t before = Opened(&stats);
    while (Opened(&stats) == before) Turn();
    return client;
  }
  void Turn() { Check(evnet_reactor_turn(reactor_, 0) == 1, "turn"); }
  evnet_reactor *get() { return reactor_; }

 private:
  uint64_t Opened(struct evnet_reactor_stats *stats) {
    evnet_reactor_get_stats(reactor_, stats);
    return stats->connections_opened;
  }

  evnet_reactor *reactor_ = nullptr;
  evnet_address address_ = {};
};

void EmptyTurn(benchmark::State &state) {
  Loop loop;
  for (auto _ : state) loop.Turn();
}
BENCHMARK(EmptyTurn);

void PostThenTurn(benchmark::State &state) {
  Loop loop;
  int64_t ran = 0;
  for (auto _ : state) {
    Check(evnet_reactor_post(
              loop.get(), [](void *user) { ++*static_cast<int64_t *>(user); }, &ran) == 0,
          "post");
    loop.Turn();
  }
  Check(ran == state.iterations(), "every function runs in the next turn");
}
BENCHMARK(PostThenTurn);

// range(0) is the idle timeout in ms; -1 means none. The time includes the two system calls of the
// client; EchoBySystemCallsAlone shows the floor.
void EchoTurn(benchmark::State &state) {
  Loop loop(state.range(0));
  const int client = loop.Connect();
  char bytes[kEchoBytes] = {};
  for (auto _ : state) {
    Check(send(client, bytes, sizeof bytes, 0) == sizeof bytes, "send");
    ssize_t got;
    do {
      loop.Turn();
      got = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
    } while (got < 0 && errno == EAGAIN);
    Check(got == sizeof bytes, "recv");
  }
  (void)close(client);
}
BENCHMARK(EchoTurn)->Arg(-1)->Arg(60000);

// The floor of EchoTurn: the same bytes over the same path, with the four necessary system calls
// alone.
void EchoBySystemCallsAlone(benchmark::State &state) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto *any = reinterpret_cast<sockaddr *>(&address);
  Check(bind(listener, any, size) == 0 && listen(listener, 1) == 0, "listen");
  Check(getsockname(listener, any, &size) == 0, "getsockname");
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  Check(connect(client, any, size) == 0, "connect");
  const int server = accept(listener, nullptr, nullptr);
  Check(server >= 0, "accept");
  char bytes[kEchoBytes] = {};
  for (auto _ : state) {
    Check(send(client, bytes, sizeof bytes, 0) == sizeof bytes, "send");
    Check(recv(server, bytes, sizeof bytes, 0) == sizeof bytes, "recv");
    Check(send(server, bytes, sizeof bytes, 0) == sizeof bytes, "send");
    Check(recv(client, bytes, sizeof bytes, 0) == sizeof bytes, "recv");
  }
  (void)close(server);
  (void)close(client);
  (void)close(listener);
}
BENCHMARK(EchoBySystemCallsAlone);

}  // namespace
