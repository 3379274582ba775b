// Other threads in a simulation (posters). They send requests by id (net/server/async.h) to
// connections that are open, that are closed, or that never existed.
//
// The simulation posts a message of its own before and after each request. The reactor runs the
// three in a row. So the simulation knows the connection's state before and after the request, and
// the position of the request's bytes in the client's stream.
#ifndef EVNET_NET_SERVER_SIMULATE_POSTERS_H_
#define EVNET_NET_SERVER_SIMULATE_POSTERS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/reactor/owner.h"
#include "net/server/simulate/datagrams.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/oracle.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Posters {
 public:
  Posters(World *world, Oracle *oracle, Handler *handler, Datagrams *datagrams);
  ~Posters();
  Posters(const Posters &) = delete;
  Posters &operator=(const Posters &) = delete;

  uint64_t NextNs() const;
  void Step();
  void Post();  // posts a random request to a random id

  // Releases a hold by the connection's id; sometimes writes before. Returns the result of
  // evnet_async_release.
  int Release(Conn *c);
  // Replies with evnet_async_write_owned, and releases a hold. Returns the result of
  // evnet_async_release.
  int Answer(Conn *c, const std::string &bytes);

  void CheckAllAreRefused();  // called after the reactors have ended
  void TheEnd();

 private:
  enum class Kind {
    kWrite,
    kWritev,
    kOwned,
    kShared,
    kSendTo,
    kWake,
    kResume,
    kClose,
    kRelease,
    kAbort
  };
  static constexpr uint32_t kKinds = 10;
  static constexpr size_t kWaitingMax = 100;
  // Bound of a request's memory in addition to its bytes: the request, and a block for later
  // writes.
  static constexpr size_t kRequestBytes = 512 + 512 + 128;
  struct Request;
  struct Marker {
    evnet_message message;  // first member: run casts a pointer to it
    Request *request;
    bool is_behind;
  };
  struct Request {
    Posters *posters;
    Kind kind;
    uint32_t poster;
    uint64_t serial;
    struct evnet_conn_id id;
    Conn *c;            // the connection with this id, or NULL
    UdpSocket *socket;  // the UDP socket with this id, or NULL
    std::string bytes;
    evnet_address to;
    bool asks;  // the request has a `done`

    Marker before;
    Marker behind;
    bool refused = false;  // the reactor refuses messages, because it has ended
    evnet_message probe;
    bool accepted = false;
    bool began = false;
    bool ended = false;
    int gone = 0;           // the expected status if there is no such connection
    bool found = false;     // the connection or socket existed when the request began
    bool was_open = false;  // the connection was open when the request began
    bool has_taken = false;
    int expected = 0;  // the expected error of a write that was not accepted
    size_t queued = 0;
    size_t end = 0;  // the end of its bytes in the connection's `written`
    Outgoing *outgoing = nullptr;
    bool released = false;
    bool told = false;
  };

  static void RunMarker(evnet_message *message, void *reactor);
  static void OnDone(struct evnet_conn_id id, int status, void *user);
  static void OnRelease(void *data, void *user);

  Request *Make(Kind kind);
  void Aim(Request *request);
  int PostRequest(Request *request);
  int Call(Request *request);
  bool IsRefusalLegal(const Request &request, int status) const;
  void Begin(Request *request);
  void BeginConn(Request *request);
  void End(Request *request);
  void EndWrite(Request *request);
  void Done(Request *request, int status);
  bool IsLegal(const Request &request, int status) const;
  bool IsWriteLegal(const Request &request, int status) const;
  bool IsSendToLegal(const Request &request, int status);
  bool IsWrite(const Request &request) const { return request.kind <= Kind::kShared; }
  size_t Size();

  World &w_;
  Oracle &oracle_;
  Handler &handler_;
  Datagrams &datagrams_;
  std::function<void()> ask_again_;  // calls Post from inside a `done`
  std::vector<uint64_t> next_ns_;    // by poster
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<std::vector<uint64_t>> last_began_;  // serials, by poster and reactor
  evnet_shared *shared_ = nullptr;
  std::string shared_bytes_;
  uint64_t serial_ = 0;
  size_t waiting_ = 0;  // requests accepted and not begun
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_POSTERS_H_
