// What all parts of a simulation share: the simulated kernel, the server, and a record of each
// client and connection.
#ifndef EVNET_NET_SERVER_SIMULATE_WORLD_H_
#define EVNET_NET_SERVER_SIMULATE_WORLD_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/poller/testing/sim.h"
#include "net/server/server.h"
#include "net/server/simulate/memory.h"
#include "net/server/simulate/plan.h"

namespace evnet_simulation {

struct Conn;

enum class Ending { kHalfClose, kClose, kReset, kStay };

// One client, by its script and by what happened to it.
struct Client {
  uint32_t number = 0;
  uint64_t next_ns = 0;  // of its next step; UINT64_MAX: none
  size_t to_send = 0;
  size_t read_max = 0;  // at a time; 0: it never reads
  Ending ending = Ending::kHalfClose;

  evnet_sim_socket *socket = nullptr;  // NULL: not connected
  uint8_t host = 0;                    // its address is 127.0.0.x
  size_t listener = 0;                 // it connects to
  Conn *conn = nullptr;                // the server's record of it, from on_open on
  size_t sent = 0;
  size_t received = 0;
  bool ended = false;   // its end was sent, in order
  bool closed = false;  // and it reads no more
  bool saw_end = false;
  bool saw_reset = false;

  // The bytes that client `number` sends, in order.
  uint8_t Byte(size_t offset) const {
    return static_cast<uint8_t>(((offset + 1) * (2654435761u + 2 * number)) >> 17);
  }
};

enum class Style { kEcho, kPartial, kLater, kSink, kSource, kChaos, kWork };

// One connection, by what the handler did and was told.
struct Conn {
  evnet_conn *conn = nullptr;  // valid until `closed`
  struct evnet_conn_id id = {};
  Client *client = nullptr;
  Style style = Style::kEcho;
  uint64_t opened_ns = 0;
  uint64_t came_ns = 0;   // when on_data last brought bytes that were new
  uint64_t wrote_ns = 0;  // when a write was last accepted

  size_t consumed = 0;
  size_t presented = 0;  // the most that on_data has had before it, or another callback has taken
  std::string written;   // accepted, in order
  std::string perhaps;   // of a write that failed half-way
  size_t writing = 0;    // bytes of the writes that have not returned yet
  size_t announced = 0;  // of all bytes accepted, those that its on_prewrite was told of
  int holds = 0;
  int wakes = 0;            // by id: so often on_data may come for nothing
  bool wake_due = false;    // and has to come
  size_t files = 0;         // ranges of files accepted, ever
  bool file_short = false;  // one of them is longer than the file

  // Its settings: the server's, or its own.
  int64_t timeouts_ms[4] = {EVNET_OFF, EVNET_OFF, EVNET_OFF, EVNET_OFF};
  uint64_t set_ns[4] = {};       // when each was set
  bool may_time_out[4] = {};     // it has been on
  int64_t linger_ms_min = 2000;  // the shortest that it had; EVNET_OFF: it had none
  evnet_high_action high_action = EVNET_HIGH_STOP_READING;
  bool high_action_is_new = false;  // since on_pressure, whose on_drain may be due already
  bool high_may_close = false;      // it has been EVNET_HIGH_CLOSE

  bool closed = false;
  bool half_closed = false;
  bool stopping_told = false;
  bool told_late = false;  // of the stop: when its deadline had come
  bool lingers = false;    // everything and the end were sent: only the client's end is awaited
  bool pressed_in_stop = false;
  bool pressed = false;
  bool paused = false;
  bool write_ended = false;
  bool close_asked = false;  // by evnet_conn_close or EVNET_CLOSE
  bool abort_asked = false;
  bool takes_nothing = false;  // evnet_conn_close or _abort has returned
  bool inbound_overflow = false;
  bool outbound_overflow = false;
  uint64_t kept_ns[4] = {};  // when on_timeout of each last returned EVNET_KEEP, which restarts it
  bool timed_out[4] = {};    // by enum evnet_timeout: told, and not kept
  size_t owed = 0;           // bytes that a stop has to read: those which had arrived when it came
  uint64_t ending_ns = 0;    // when it was ended by the handler's hand or with its knowledge
  uint64_t closed_ns = 0;
  int reason = 0;  // once closed
};

struct World {
  explicit World(const Plan &chosen)
      : plan(chosen), sim(evnet_sim_create(&chosen.sim)), memory(sim) {}
  World(const World &) = delete;
  World &operator=(const World &) = delete;
  ~World() { evnet_sim_destroy(sim); }

  uint32_t Below(uint32_t bound) { return evnet_sim_below(sim, bound); }
  bool Chance(uint32_t thousandths) { return evnet_sim_chance(sim, thousandths); }
  uint64_t now() const { return evnet_sim_now_ns(sim); }
  // Time passes, and nothing of the server runs: a slow callback, SIGSTOP, a suspended machine.
  void StandStill() {
    const uint64_t ns = 1 + evnet_sim_random(sim) % plan.standstill_ns_max;
    evnet_sim_note(sim, "standstill", static_cast<int64_t>(ns), 0, 0);
    stood_still_ns += ns;
    evnet_sim_advance(sim, now() + ns);
  }
  bool broken() const { return evnet_sim_failure(sim) != nullptr; }
  bool stop_asked() const { return stop_by_ns != UINT64_MAX; }
  void NoteStop(int64_t drain_ms) {
    const uint64_t by = now() + static_cast<uint64_t>(drain_ms) * kNsPerMs;
    if (!stop_asked()) NoteOwed();
    if (!stop_asked() && stop_noted) stop_noted();
    if (!stop_asked()) stop_asked_ns = now();
    if (by < stop_by_ns) stop_by_ns = by;
    if (drain_ms <= 0) stop_has_time = false;
  }

  // So many holds are out that its reading is stopped.
  bool IsHeldBack(const evnet_conn *conn) const {
    const size_t most = plan.server.holds_max;
    return most > 0 && evnet_conn_holds(conn) >= most;
  }

  // What each connection that is reading has got, or lies ready for it.
  void NoteOwed() {
    for (const auto &c : conns) {
      if (c->closed || c->paused || IsHeldBack(c->conn)) continue;
      c->pressed_in_stop = c->pressed;
      evnet_sim_state state;
      evnet_sim_inspect(c->client->socket, &state);
      c->owed = c->client->sent - state.to_server_bytes;
    }
  }

  const Plan plan;
  evnet_sim *const sim;
  Memory memory;
  evnet_server *server = nullptr;
  std::vector<uint16_t> ports;  // of the listeners, by the index of the address

  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Conn>> conns;
  size_t open_conns = 0;
  size_t open_conns_max = 0;
  size_t open_dials = 0;  // under way or open
  size_t open_dials_max = 0;
  uint32_t current_reactor = 0;  // whose turn it is
  uint64_t callbacks = 0;
  std::vector<int> reactor_of_host = std::vector<int>(256, -1);
  std::vector<bool> ended;   // by reactor: its stop is complete
  std::vector<bool> sealed;  // by reactor: it has refused a post because its end has come
  std::vector<bool> mail;    // by reactor: something may have been posted to it while it was awake
  bool booted = false;
  bool shut_down = false;
  size_t booted_bytes = 0;  // the server's memory before anybody has connected
  size_t tasks = 0;         // posted and not yet run
  size_t tasks_max = 0;
  size_t request_bytes = 0;  // of requests by id that are taken and not answered
  size_t request_bytes_max = 0;
  uint64_t turns = 0;  // of all reactors
  uint64_t ticks = 0;
  uint64_t stood_still_ns = 0;       // in all
  uint64_t tick_ns = 0;              // no on_tick before it; UINT64_MAX: never again
  std::function<void()> stop_noted;  // the first stop is being asked for
  uint64_t stop_asked_ns = UINT64_MAX;
  uint64_t stop_by_ns = UINT64_MAX;  // the earliest deadline of those asked for
  bool stop_has_time = true;         // none of them was to reset everything immediately
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_WORLD_H_
