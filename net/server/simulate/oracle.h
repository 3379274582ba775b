// The rules that hold in every run. The oracle checks them at each callback, at each result, when
// no participant can run, and at the end.
#ifndef EVNET_NET_SERVER_SIMULATE_ORACLE_H_
#define EVNET_NET_SERVER_SIMULATE_ORACLE_H_

#include "net/server/simulate/world.h"

namespace evnet_simulation {

constexpr uint64_t kRoundingNs = 2 * kNsPerMs;  // the reactor counts whole milliseconds

class Oracle {
 public:
  explicit Oracle(World *world) : w_(*world) {}

  static bool IsOpen(const Conn *c);  // false if the connection is closing for any reason

  // Called at the beginning of each callback of a connection.
  void Opened(Conn *c);
  void Data(Conn *c);
  void DataDone(Conn *c);
  void HalfClosed(Conn *c);
  void Pressed(Conn *c);
  void Drained(Conn *c);
  void Below(Conn *c);
  void TimedOut(Conn *c, evnet_timeout which);
  void Prewrite(Conn *c);
  void Announced(Conn *c);  // called at the end of on_prewrite
  void Stopping(Conn *c);
  void Closed(Conn *c, int reason);
  void Tick(uint64_t delay_ms);
  void TickedInTurn(uint64_t ticks_before, bool was_due);
  void ShutDown();

  // Called after the handler's acts.
  void Consumed(Conn *c, const uint8_t *data, size_t size);
  void Wrote(Conn *c, const void *data, size_t size, size_t queued_before, bool was_ending,
             ssize_t result);
  void SentFile(Conn *c, const std::string &bytes, size_t size, bool was_ending, int64_t result);
  void Bounds(Conn *c);
  void EndsNow(Conn *c);  // the handler closes the connection, or causes its close

  // Called after a client's read.
  void ClientRead(Client *client, const uint8_t *data, int64_t result);

  // Called after a reactor's turn. `stop_is_over`: the turn must not leave any connection open.
  void Turned(uint32_t reactor, bool stop_is_over);
  void Idle();  // called when no participant can run, before the clock advances
  void Stats(const struct evnet_server_stats &stats);  // called after the server has stopped
  void TheEnd();  // called after the server is destroyed and the clients have read everything

 private:
  static evnet_sim_state Inspect(const Conn *c) {
    evnet_sim_state state;
    evnet_sim_inspect(c->client->socket, &state);
    return state;
  }
  void Broken(const Conn *c, const char *format, ...) EVNET_PRINTF(3, 4);
  void Enter(Conn *c, const char *what);
  void LastRead(const Conn *c);
  bool HasLastRead(const Conn *c) const;
  void OnlyAnnounced(const Conn *c);
  static size_t Unsent(const Conn *c, const evnet_sim_state &state);
  static bool Lingers(const Conn *c, const evnet_sim_state &state);
  bool MayBeEnding(const Conn *c) const;
  bool IsLegal(const Conn *c, int reason) const;
  bool IsRefusalLegal(const Conn *c, bool was_ending, bool overflows, int64_t error) const;
  bool MayHaveReset(const Conn *c, const evnet_sim_state &state) const;
  void IdleConn(const Conn *c);
  void IdleListener();
  void Overdue(const Conn *c, const evnet_sim_state &state);
  void LingeredEnough(const Conn *c, const evnet_sim_state &state);
  void KernelWasAsked(const Conn *c, evnet_timeout which);
  void FinalClient(const Client *client);

  World &w_;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_ORACLE_H_
