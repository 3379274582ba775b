#include "net/server/testing/server.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>

#include "gtest/gtest.h"

namespace evnet_testing {
namespace {

// Callbacks and posted functions that have run, of all servers of this process.
std::atomic<uint64_t> runs{0};

// The last callbacks that have run. One that runs while they are printed may be half of another.
struct Run {
  std::atomic<const char *> name{nullptr};
  std::atomic<uint32_t> reactor{0};
  std::atomic<uint64_t> generation{0};  // of the connection; 0: of none
  std::atomic<int64_t> value{0};        // on_data: unread bytes; on_close: the reason
};

constexpr size_t kRunsKept = 32;

// Twice that of the tests' other waits, and less than Bazel's timeout of a small test.
constexpr int64_t kEndDeadlineMs =
    2 * std::chrono::duration_cast<std::chrono::milliseconds>(kDeadline).count();
Run last_runs[kRunsKept];

// Servers alive, and how many callbacks had run when the first of them was made.
std::atomic<int> servers{0};
std::atomic<uint64_t> first_run{0};

const Callbacks *CallbacksOf(void *user, const char *name, const evnet_conn *conn = nullptr,
                             int64_t value = 0) {
  Run &run = last_runs[runs.fetch_add(1, std::memory_order_relaxed) % kRunsKept];
  const struct evnet_conn_id none = {};
  const struct evnet_conn_id id = conn != nullptr ? evnet_conn_get_id(conn) : none;
  run.name = name;
  run.reactor = id.reactor;
  run.generation = id.generation;
  run.value = value;
  return static_cast<const Callbacks *>(user);
}

int64_t Unread(const evnet_conn *conn) {
  return static_cast<int64_t>(evnet_conn_inbound_bytes(conn));
}

void PrintRuns(std::ostream *out) {
  const uint64_t end = runs;
  *out << "  last callbacks of all servers:\n";
  const uint64_t kept = end > kRunsKept ? end - kRunsKept : 0;
  for (uint64_t i = std::max<uint64_t>(kept, first_run); i < end; i++) {
    const Run &run = last_runs[i % kRunsKept];
    const char *name = run.name;
    if (name == nullptr) continue;  // NoteProgress
    *out << "    ";
    if (run.generation > 0) *out << "connection " << run.reactor << "." << run.generation << " ";
    *out << name;
    if (run.value > 0) *out << ", " << run.value << " bytes unread";
    if (run.value < 0) *out << ": " << Status(static_cast<int>(run.value));
    *out << "\n";
  }
}

}  // namespace

evnet_handler Callbacks::Handler() const {
  evnet_handler handler = {};
  if (on_boot) {
    handler.on_boot = [](evnet_server *server, void *user) {
      return CallbacksOf(user, "on_boot")->on_boot(server);
    };
  }
  if (on_open) {
    handler.on_open = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_open", conn)->on_open(conn);
    };
  }
  if (on_data) {
    handler.on_data = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_data", conn, Unread(conn))->on_data(conn);
    };
  }
  if (on_half_close) {
    handler.on_half_close = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_half_close", conn)->on_half_close(conn);
    };
  }
  if (on_pressure) {
    handler.on_pressure = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_pressure", conn)->on_pressure(conn);
    };
  }
  if (on_drain) {
    handler.on_drain = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_drain", conn)->on_drain(conn);
    };
  }
  if (on_below) {
    handler.on_below = [](evnet_conn *conn, void *user) {
      return CallbacksOf(user, "on_below", conn)->on_below(conn);
    };
  }
  if (on_timeout) {
    handler.on_timeout = [](evnet_conn *conn, evnet_timeout which, void *user) {
      return CallbacksOf(user, "on_timeout", conn)->on_timeout(conn, which);
    };
  }
  if (on_prewrite) {
    handler.on_prewrite = [](evnet_conn *conn, void *user) {
      CallbacksOf(user, "on_prewrite", conn)->on_prewrite(conn);
    };
  }
  if (on_datagram_error) {
    handler.on_datagram_error = [](evnet_conn *conn, const evnet_datagram_error *error,
                                   void *user) {
      CallbacksOf(user, "on_datagram_error", conn)->on_datagram_error(conn, error);
    };
  }
  if (on_close) {
    handler.on_close = [](evnet_conn *conn, int reason, void *user) {
      return CallbacksOf(user, "on_close", conn, reason)->on_close(conn, reason);
    };
  }
  if (on_tick) {
    handler.on_tick = [](evnet_server *server, uint64_t *delay_ms, void *user) {
      return CallbacksOf(user, "on_tick")->on_tick(server, delay_ms);
    };
  }
  if (on_stopping) {
    handler.on_stopping = [](evnet_conn *conn, void *user) {
      CallbacksOf(user, "on_stopping", conn)->on_stopping(conn);
    };
  }
  if (on_shutdown) {
    handler.on_shutdown = [](evnet_server *server, void *user) {
      CallbacksOf(user, "on_shutdown")->on_shutdown(server);
    };
  }
  if (on_reactor_boot) {
    handler.on_reactor_boot = [](evnet_reactor *reactor, void *user) {
      return CallbacksOf(user, "on_reactor_boot")->on_reactor_boot(reactor);
    };
  }
  if (on_reactor_shutdown) {
    handler.on_reactor_shutdown = [](evnet_reactor *reactor, void *user) {
      CallbacksOf(user, "on_reactor_shutdown")->on_reactor_shutdown(reactor);
    };
  }
  return handler;
}

evnet_action EchoData(evnet_conn *conn) {
  const evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

Callbacks Echo() {
  Callbacks callbacks;
  callbacks.on_data = EchoData;
  return callbacks;
}

std::string Take(evnet_conn *conn) {
  const evnet_bytes in = evnet_conn_peek(conn);
  std::string taken(reinterpret_cast<const char *>(in.data), in.size);
  evnet_conn_discard(conn, in.size);
  return taken;
}

void Write(evnet_conn *conn, const std::string &data) {
  EXPECT_EQ(evnet_conn_write(conn, data.data(), data.size()), static_cast<ssize_t>(data.size()));
}

void NoteProgress() { CallbacksOf(nullptr, nullptr); }

void Post(evnet_reactor *reactor, std::function<void()> function) {
  auto *posted = new std::function<void()>(std::move(function));
  const int status = evnet_reactor_post(
      reactor,
      [](void *user) {
        std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()> *>(user));
        NoteProgress();
        (*run)();
      },
      posted);
  if (status < 0) delete posted;
  EXPECT_EQ(status, 0);
}

void Log::Attach(evnet_options *options, evnet_log_level level) {
  options->log = Line;
  options->log_user = this;
  options->log_level = level;
}

std::string Log::Text() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return text_;
}

void Log::Line(evnet_log_level, const char *message, void *user) {
  Log *log = static_cast<Log *>(user);
  std::lock_guard<std::mutex> lock(log->mutex_);
  log->text_ += message;
  log->text_ += '\n';
  if (log->text_.size() > kBytesMax) log->text_.erase(0, kBytesMax / 2);
}

Created::Created(const Callbacks &callbacks, const evnet_options &options,
                 const std::vector<std::string> &addresses,
                 const std::vector<const Callbacks *> &of_addresses)
    : callbacks_(callbacks) {
  if (servers++ == 0) first_run = runs.load();
  evnet_options with_log = options;
  int backend = 0;  // an int, because a test may have set a value that is not an enumerator
  memcpy(&backend, &with_log.backend, sizeof backend);
  if (backend == EVNET_BACKEND_AUTO) with_log.backend = TestBackend();
  if (with_log.log == nullptr) log_.Attach(&with_log);
  std::vector<evnet_handler> handlers(addresses.size());
  std::vector<evnet_listen> listens(addresses.size());
  for (size_t i = 0; i < addresses.size(); i++) {
    listens[i].address = addresses[i].c_str();
    if (i >= of_addresses.size() || of_addresses[i] == nullptr) continue;
    handlers[i] = of_addresses[i]->Handler();
    listens[i].handler = &handlers[i];
    listens[i].user = const_cast<Callbacks *>(of_addresses[i]);
  }
  const evnet_handler handler = callbacks_.Handler();
  status_ = evnet_server_create_with(&handler, &callbacks_, listens.data(), listens.size(),
                                     &with_log, &server_);
  if (status_ == 0 && options.busy_poll_us == 0)
    watch_ = std::make_unique<SpinWatch>([this] { return Look(); });
  witness_ =
      std::make_unique<Witness>(Witness::Thread::kAny, [this](std::ostream *out) { Explain(out); });
}

Status Created::WaitForEnd() {
  waits_since_ms_ = NowMs();
  const Status status = evnet_server_wait(get());
  waits_since_ms_ = 0;
  return status;
}

Activity Created::Look() const {
  const int64_t waits_since_ms = waits_since_ms_;
  if (waits_since_ms > 0 && NowMs() - waits_since_ms > kEndDeadlineMs) {
    ADD_FAILURE() << "evnet_server_wait has not returned for " << kEndDeadlineMs
                  << " ms: the server does not end";
    abort();
  }
  const struct evnet_server_stats now = stats();
  return {now.turns, runs + now.connections_accepted + now.connections_closed +
                         now.connections_refused + now.dials_failed + now.bytes_received +
                         now.bytes_sent + now.datagrams_received + now.datagrams_sent +
                         now.datagrams_dropped};
}

void Created::Explain(std::ostream *out) const {
  if (status_ != 0) {
    *out << "The server was not created: " << status_ << "\n" << log_.Text();
    return;
  }
  const struct evnet_server_stats now = stats();
  *out << "The server: " << now.connections_open << " connections open, "
       << now.connections_accepted << " accepted, " << now.connections_closed << " closed, "
       << now.connections_refused << " refused, " << now.dials_failed << " dials failed; "
       << now.bytes_received << " bytes received, " << now.bytes_sent << " sent; "
       << now.datagrams_received << " datagrams received, " << now.datagrams_sent << " sent, "
       << now.datagrams_dropped << " dropped; " << now.turns << " turns\n";
  PrintRuns(out);
  constexpr size_t kLogBytes = 3000;
  const std::string log = log_.Text();
  const size_t cut = log.size() > kLogBytes ? log.find('\n', log.size() - kLogBytes) + 1 : 0;
  *out << "  last lines of the log:\n" << log.substr(cut);
}

Created::~Created() {
  Destroy();
  servers--;
}

void Created::Destroy() {
  witness_.reset();
  if (watch_ != nullptr) {
    EXPECT_EQ(watch_->Stop(), 0u) << "turns beyond those allowed while nothing made progress";
  }
  watch_.reset();
  evnet_server_destroy(server_);
  server_ = nullptr;
}

evnet_address Created::address(size_t index) const {
  evnet_address address = {};
  if (evnet_server_address(server_, index, &address) < 0) return evnet_address{};
  return address;
}

uint16_t Created::port(size_t index) const {
  const evnet_address bound = address(index);
  return evnet_address_port(&bound);
}

struct evnet_server_stats Created::stats() const {
  struct evnet_server_stats sum = {};
  evnet_server_get_stats(get(), &sum);
  return sum;
}

Server::Server(const Callbacks &callbacks, const evnet_options &options,
               const std::vector<std::string> &addresses,
               const std::vector<const Callbacks *> &of_addresses)
    : Created(callbacks, options, addresses, of_addresses) {
  Status started = status();
  if (started == 0) started = evnet_server_start(get());
  running_ = started == 0;
  EXPECT_EQ(started, 0) << log().Text();
}

Server::~Server() {
  if (running_) Stop(0);
}

Status Server::Wait() {
  running_ = false;
  return WaitForEnd();
}

Status Server::Stop(int64_t drain_ms) {
  evnet_server_stop(get(), drain_ms);
  return Wait();
}

bool Server::WaitForClosed(uint64_t count, Place place) const {
  return WaitUntil([&] { return stats().connections_closed >= count; }, place);
}

bool Server::WaitForOpen(uint64_t count, Place place) const {
  return WaitUntil([&] { return stats().connections_open >= count; }, place);
}

}  // namespace evnet_testing
