// What one turn of the loop costs: with nothing to do, with a posted function, and with a 64-byte
// request that is echoed through a loopback connection.
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmark/benchmark.h"
#include "net/base/address.h"
#include "net/reactor/owner.h"
#include "net/reactor/reactor.h"

namespace {

evnet_action Echo(evnet_conn *conn, void *) {
  const evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

// A reactor with one client's connection open.
class Served {
 public:
  Served() {
    evnet_handler handler = {};
    handler.on_data = Echo;
    if (evnet_reactor_create(&handler, nullptr, nullptr, &reactor_) < 0) abort();
    evnet_address wanted, bound;
    if (evnet_address_parse("tcp://127.0.0.1:0", &wanted, nullptr, 0) < 0) abort();
    if (evnet_reactor_listen(reactor_, &wanted, nullptr, &bound) < 0) abort();
    evnet_reactor_accept_resume(reactor_);
    client_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(client_, &bound.socket.any, bound.size) != 0) abort();
    struct evnet_reactor_stats stats = {};
    while (stats.connections_open == 0) {
      if (evnet_reactor_turn(reactor_, 1000) != 1) abort();
      evnet_reactor_stats(reactor_, &stats);
    }
  }

  ~Served() {
    close(client_);
    evnet_reactor_destroy(reactor_);
  }

  void Turn() {
    if (evnet_reactor_turn(reactor_, 0) != 1) abort();
  }

  evnet_reactor *reactor() { return reactor_; }
  int client() const { return client_; }

 private:
  evnet_reactor *reactor_ = nullptr;
  int client_ = -1;
};

void TurnWithNothingToDo(benchmark::State &state) {
  Served served;
  for (auto _ : state) served.Turn();
}
BENCHMARK(TurnWithNothingToDo);

void TurnWithAPostedFunction(benchmark::State &state) {
  Served served;
  for (auto _ : state) {
    if (evnet_reactor_post(
            served.reactor(), [](void *) {}, nullptr) < 0) {
      abort();
    }
    served.Turn();
  }
}
BENCHMARK(TurnWithAPostedFunction);

// The client's send and recv are in the figure: the kernel does the work of both sides in them.
void TurnWithAnEchoOf64Bytes(benchmark::State &state) {
  Served served;
  char bytes[64] = {};
  for (auto _ : state) {
    if (send(served.client(), bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes) abort();
    served.Turn();
    if (recv(served.client(), bytes, sizeof bytes, MSG_WAITALL) != sizeof bytes) abort();
  }
}
BENCHMARK(TurnWithAnEchoOf64Bytes);

}  // namespace
