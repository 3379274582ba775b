// A server for tests, on its own threads and on a port that the kernel chooses. The destructor
// stops the server and waits for its end.
//
//   Callbacks callbacks = Echo();
//   callbacks.on_close = [&](evnet_conn *, int reason) { ...; return EVNET_NONE; };
//   Server server(callbacks);
//   Client client(server.port());
#ifndef EVNET_NET_SERVER_TESTING_SERVER_H_
#define EVNET_NET_SERVER_TESTING_SERVER_H_

#include <stdint.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/base/testing/explain.h"
#include "net/base/testing/place.h"
#include "net/base/testing/status.h"
#include "net/poller/testing/backend.h"
#include "net/server/server.h"
#include "net/server/testing/spin.h"
#include "net/server/testing/wait.h"

namespace evnet_testing {

// struct evnet_handler for C++. An empty function becomes NULL in the handler, the default.
struct Callbacks {
  std::function<evnet_action(evnet_server *)> on_boot;
  std::function<evnet_action(evnet_conn *)> on_open;
  std::function<evnet_action(evnet_conn *)> on_data;
  std::function<evnet_action(evnet_conn *)> on_half_close;
  std::function<evnet_action(evnet_conn *)> on_pressure;
  std::function<evnet_action(evnet_conn *)> on_drain;
  std::function<evnet_action(evnet_conn *)> on_below;
  std::function<evnet_action(evnet_conn *, evnet_timeout)> on_timeout;
  std::function<void(evnet_conn *)> on_prewrite;
  std::function<void(evnet_conn *, const evnet_datagram_error *)> on_datagram_error;
  std::function<evnet_action(evnet_conn *, int)> on_close;
  std::function<evnet_action(evnet_server *, uint64_t *)> on_tick;
  std::function<void(evnet_conn *)> on_stopping;
  std::function<void(evnet_server *)> on_shutdown;
  std::function<evnet_action(evnet_reactor *)> on_reactor_boot;
  std::function<void(evnet_reactor *)> on_reactor_shutdown;

  // Returns a handler that expects this object as `user`.
  evnet_handler Handler() const;
};

// An on_data that echoes all bytes.
evnet_action EchoData(evnet_conn *conn);
Callbacks Echo();

// Consumes and returns all unread bytes.
std::string Take(evnet_conn *conn);
// Writes all bytes, or fails the test.
void Write(evnet_conn *conn, const std::string &data);

// Counts as progress for the spin watch, as a callback does. Call it in functions that evnet calls
// and that are not callbacks of the handler.
void NoteProgress();

// Posts a function to the reactor's thread.
void Post(evnet_reactor *reactor, std::function<void()> function);

// Collects the lines of options.log. It keeps at least the latest 32 KiB, and not all lines, so
// that a test of the server's memory does not measure its log.
class Log {
 public:
  void Attach(evnet_options *options, evnet_log_level level = EVNET_LOG_DEBUG);
  std::string Text() const;
  bool Has(const std::string &part) const { return Text().find(part) != std::string::npos; }

 private:
  static constexpr size_t kBytesMax = 64 << 10;

  static void Line(evnet_log_level level, const char *message, void *user);

  mutable std::mutex mutex_;
  std::string text_;
};

// evnet_server_create, and later evnet_server_destroy. Fails the test if the server spins
// meanwhile: turns while no callback runs, no byte moves and nothing is accepted, closed or posted.
// A server with busy_poll_us is not watched, because it spins by intention. A failed test prints
// the server's state and last events.
//
//   of_addresses  the callbacks of each address, which outlive the server; nullptr, or beyond the
//                 end: those of the server.
class Created {
 public:
  Created(const Callbacks &callbacks, const evnet_options &options,
          const std::vector<std::string> &addresses = {"tcp://127.0.0.1:0"},
          const std::vector<const Callbacks *> &of_addresses = {});
  Created(const Created &) = delete;
  Created &operator=(const Created &) = delete;
  ~Created();

  Status status() const { return status_; }
  evnet_server *get() const { return server_; }
  const Log &log() const { return log_; }
  // The port of an address; 0 before it is bound.
  uint16_t port(size_t index = 0) const;
  evnet_address address(size_t index = 0) const;
  // `struct` is needed, because a function has the same name.
  struct evnet_server_stats stats() const;
  // Destroys the server now.
  void Destroy();

 protected:
  // evnet_server_wait. If it does not return, the test prints what it knows and aborts, before a
  // timeout from outside ends it without a word.
  Status WaitForEnd();

 private:
  Activity Look() const;
  // Prints the statistics, the last callbacks of all servers and the last lines of the log.
  void Explain(std::ostream *out) const;

  Callbacks callbacks_;
  Log log_;
  evnet_server *server_ = nullptr;
  Status status_;
  std::unique_ptr<SpinWatch> watch_;
  std::unique_ptr<Witness> witness_;
  std::atomic<int64_t> waits_since_ms_{0};  // since evnet_server_wait began; 0: not called
};

// A created server that runs.
class Server : public Created {
 public:
  explicit Server(const Callbacks &callbacks = Echo(), const evnet_options &options = {},
                  const std::vector<std::string> &addresses = {"tcp://127.0.0.1:0"},
                  const std::vector<const Callbacks *> &of_addresses = {});
  ~Server();

  // Waits for the end. Returns the value of evnet_server_wait.
  Status Wait();
  // evnet_server_stop and Wait.
  Status Stop(int64_t drain_ms);

  // Waits until this many connections have been closed.
  bool WaitForClosed(uint64_t count, Place place = Place::Here()) const;
  bool WaitForOpen(uint64_t count, Place place = Place::Here()) const;

 private:
  bool running_ = false;
};

}  // namespace evnet_testing

#endif  // EVNET_NET_SERVER_TESTING_SERVER_H_
