// Connections that a simulated server dials. The handler and other threads (strangers) dial. The
// peer is a server outside evnet that accepts, writes, closes and resets at random (the outside),
// or a port where no server listens.
//
// The rules:
// - The first callback of an accepted dial is on_open, or an on_close with a legal reason. There is
//   exactly one on_close. Both come in time. A refused dial has no callbacks.
// - While a stop drains, dials continue and new dials are accepted. Background connections close
//   last.
// - In half of the runs a resolver looks the names up. Each lookup ends by one answer or one cancel,
//   at the latest with its reactor. A later answer finds nothing.
// - Attempts to connect to the addresses of a name begin in the order of RFC 8305 with its delays,
//   and at most 8 run simultaneously. The connection's peer is the address that connected first. If
//   no attempt succeeds, the most specific failure is reported. The oracle checks at the end that
//   the sockets of all other attempts were closed.
//
// The first bytes that a dialled connection sends are its number, so that the outside knows which
// dial sent the bytes.
#ifndef EVNET_NET_SERVER_SIMULATE_DIALS_H_
#define EVNET_NET_SERVER_SIMULATE_DIALS_H_

#include <memory>
#include <string>
#include <vector>

#include "net/poller/testing/sim_connect.h"
#include "net/server/simulate/faces.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Dials {
 public:
  struct Dial;

  Dials(World *world, Faces *faces);
  ~Dials();
  Dials(const Dials &) = delete;
  Dials &operator=(const Dials &) = delete;

  // The resolver for the server's options, or NULL.
  const evnet_resolver *resolver() const { return used_resolver_; }

  // Returns the dial that made the connection, or NULL if a client did.
  Dial *Find(const evnet_conn *conn) const;

  // The handler. These run on the reactor that runs its turn.
  void Act();
  evnet_action OnOpen(Dial *dial, evnet_conn *conn);
  evnet_action OnData(Dial *dial, evnet_conn *conn);
  evnet_action OnHalfClose(Dial *dial);
  evnet_action OnAny(Dial *dial, const char *what);  // any callback that is not listed here
  evnet_action OnClose(Dial *dial, evnet_conn *conn, int reason);

  // The strangers, which call evnet_server_dial, and the outside.
  uint64_t NextNs() const;
  void Step();

  void Turned(uint32_t reactor, bool stop_is_over);
  void Idle() const;
  void ReadAll();
  size_t OpenOn(uint32_t reactor) const;  // connections after on_open and before on_close
  void Stats(const struct evnet_server_stats &stats, size_t accepted);
  void TheEnd() const;

 private:
  struct Outside;

  // A lookup that the resolver was asked for.
  struct Lookup {
    Dials *dials;
    evnet_reactor *reactor;
    uint32_t reactor_index;
    evnet_lookup_id id;
    std::string name;
    uint64_t due_ns;  // when to answer; UINT64_MAX: never again
    bool ended;       // it was answered or cancelled
  };

  // A reactor that the resolver serves.
  struct Hooked {
    Dials *dials;
    evnet_reactor *reactor;
  };

  const evnet_resolver *MakeResolver();
  int LookUp(evnet_reactor *reactor, evnet_lookup_id id, const char *name, void **out_query);
  void AnswerLookup(Lookup *lookup);
  uint64_t NextLookupNs() const;
  void StepLookups();
  void EndLookups(const evnet_reactor *reactor);
  void TheEndOfLookups() const;

  static const evnet_sim_dialling kDialling;
  static Dials *Self(void *user) { return static_cast<Dials *>(user); }
  Dial *DialOf(const evnet_address &address) const;
  int Resolve(const std::string &text, evnet_address *out, int count_max);
  void AttemptBegins(const evnet_address &address);
  void AttemptEnded(const evnet_address &address, int status);
  bool IsTheMostTelling(const Dial *dial, int reason) const;

  Dial *Make(evnet_dial_options *options, std::string *address);
  void Begin();
  void Cancel();
  void StrangerDials();
  void Answered(Dial *dial, const struct evnet_conn_id &id, int status);
  void Write(Dial *dial, evnet_conn *conn);
  void Broken(const Dial *dial, const char *format, ...) const EVNET_PRINTF(3, 4);
  void Enter(Dial *dial, const char *what);
  void Mark(Dial *dial, evnet_conn *conn);
  bool IsForegroundOpen() const;
  bool MayEndBackground() const;
  void Stopped(const Dial *dial) const;
  void IdleInStop() const;
  bool IsRefusalLegal(int status) const;
  bool IsFailureLegal(const Dial *dial, int reason) const;
  void Take();
  void ActOutside(Outside *outside);
  bool Read(Outside *outside);

  World &w_;
  evnet_resolver resolver_ = {};
  const evnet_resolver *used_resolver_ = nullptr;  // NULL: the kernel looks names up
  std::vector<std::unique_ptr<Hooked>> hooked_;
  std::vector<std::unique_ptr<Lookup>> lookups_;
  Faces &faces_;
  uint16_t port_ = 0;  // the outside's
  uint64_t next_dial_ns_ = UINT64_MAX;
  std::vector<std::unique_ptr<Dial>> dials_;
  std::vector<std::unique_ptr<Outside>> outsides_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_DIALS_H_
