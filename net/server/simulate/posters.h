// Other threads in a simulation: they ask things of connections by id (net/server/async.h), of
// those that are there, of those that have gone, and of those that never were.
//
// Each request is posted between two messages of the simulation's own, which the reactor runs just
// before it and just after it. So what it finds, and what it does to the connection, is known
// exactly, and its bytes have their place in what the client has to read.
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
  void Post();  // anything, for anybody

  // Gives back a hold by the connection's id; sometimes writes before it. Returns what
  // evnet_async_release did.
  int Release(Conn *c);
  // Writes an answer that is evnet's from now on, and gives back a hold.
  int Answer(Conn *c, const std::string &bytes);

  void CheckAllAreRefused();  // the reactors have ended
  void TheEnd();

 private:
  enum class Kind { kWrite, kWritev, kOwned, kShared, kSendTo, kWake, kClose, kRelease };
  static constexpr uint32_t kKinds = 8;
  static constexpr size_t kWaitingMax = 100;
  // Of memory beside its bytes, at most: its own, and a block for what is written behind it.
  static constexpr size_t kRequestBytes = 512 + 512 + 128;
  struct Request;
  struct Marker {
    evnet_message message;  // first: run gets a pointer to it
    Request *request;
    bool is_behind;
  };
  struct Request {
    Posters *posters;
    Kind kind;
    uint32_t poster;
    uint64_t serial;
    struct evnet_conn_id id;
    Conn *c;            // whose id it is, if it is a connection's
    UdpSocket *socket;  // likewise
    std::string bytes;
    evnet_address to;
    bool asks;  // `done` is given

    Marker before;
    Marker behind;
    evnet_message probe;
    bool accepted = false;
    bool began = false;
    bool ended = false;
    int gone = 0;           // what is answered if there is no such connection
    bool found = false;     // when it began: there was such a connection or socket
    bool was_open = false;  // and the connection was open
    bool has_taken = false;
    int expected = 0;  // why what was not taken was not
    size_t queued = 0;
    size_t end = 0;  // of its bytes among all that is written to the connection
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
  std::function<void()> ask_again_;  // Post, for an answer
  std::vector<uint64_t> next_ns_;    // by poster
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<std::vector<uint64_t>> last_began_;  // serials, by poster and reactor
  evnet_shared *shared_ = nullptr;
  std::string shared_bytes_;
  uint64_t serial_ = 0;
  size_t waiting_ = 0;  // taken, and not begun
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_POSTERS_H_
