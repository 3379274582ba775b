// Connections that a simulated server makes itself: dials by its handler and by strangers, to a
// server outside that takes, talks, ends and resets as the dice fall, and to where nobody listens.
//
// What must hold: of each dial that was taken exactly one thing comes first, on_open or an on_close
// with a reason that there is, and one on_close in all; in time; nothing of one that was refused.
// While a stop drains, dials go on and are taken, and those in the background close last.
// Of a name's addresses: attempts begin in the order of RFC 8305, with its delays, and at most 8
// run; the connection's peer is the one that connected first; and if none does, the most telling of
// the failures that occurred is reported. (That the other sockets are closed, the oracle sees at
// the end.) The first bytes that a dialled connection sends are its number, so that the outside
// knows whose bytes it gets.
#ifndef EVNET_NET_SERVER_SIMULATE_DIALS_H_
#define EVNET_NET_SERVER_SIMULATE_DIALS_H_

#include <memory>
#include <string>
#include <vector>

#include "net/poller/testing/sim_connect.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Dials {
 public:
  struct Dial;

  explicit Dials(World *world);
  ~Dials();
  Dials(const Dials &) = delete;
  Dials &operator=(const Dials &) = delete;

  // Whose connection it is; NULL: that of a client.
  Dial *Find(const evnet_conn *conn) const;

  // The handler's side, on the reactor whose turn it is.
  void Act();
  evnet_action OnOpen(Dial *dial, evnet_conn *conn);
  evnet_action OnData(Dial *dial, evnet_conn *conn);
  evnet_action OnHalfClose(Dial *dial);
  evnet_action OnAny(Dial *dial, const char *what);  // every other callback but on_close
  evnet_action OnClose(Dial *dial, evnet_conn *conn, int reason);

  // Strangers, who dial by evnet_server_dial, and the outside.
  uint64_t NextNs() const;
  void Step();

  void Turned(uint32_t reactor, bool stop_is_over);
  void Idle() const;
  void ReadAll();
  void Stats(const struct evnet_server_stats &stats, size_t accepted);
  void TheEnd() const;

 private:
  struct Outside;

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
  uint16_t port_ = 0;  // of the outside
  uint64_t next_dial_ns_ = UINT64_MAX;
  std::vector<std::unique_ptr<Dial>> dials_;
  std::vector<std::unique_ptr<Outside>> outsides_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_DIALS_H_
