// The state that all parts of a simulation share: the simulated kernel, the server, and a record of
// each client and connection.
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

// One client: its script and its state.
struct Client {
  uint32_t number = 0;
  uint64_t next_ns = 0;  // time of its next step; UINT64_MAX if there is none
  size_t to_send = 0;
  size_t read_max = 0;  // bytes of a read; 0 if it never reads
  Ending ending = Ending::kHalfClose;

  evnet_sim_socket *socket = nullptr;  // NULL while not connected
  uint8_t host = 0;                    // its address is 127.0.0.host
  size_t listener = 0;                 // index of the address that it connects to
  Conn *conn = nullptr;                // its connection, set in on_open
  size_t sent = 0;
  size_t received = 0;
  bool ended = false;   // it has carried out `ending`
  bool closed = false;  // it has closed its socket
  bool saw_end = false;
  bool saw_reset = false;

  // The bytes that client `number` sends, in order.
  uint8_t Byte(size_t offset) const {
    return static_cast<uint8_t>(((offset + 1) * (2654435761u + 2 * number)) >> 17);
  }
};

enum class Style { kEcho, kPartial, kLater, kSink, kSource, kChaos, kWork };

// A rate limit of one direction, as a model.
struct Limit {
  uint64_t rate = 0;  // bytes a second; 0: no limit
  double burst = 0;
  double level = 0;  // below 0: more bytes have passed than the limit allows
};

// Since when a connection may wait for a limit.
struct Wait {
  uint64_t since_ns = 0;  // 0: it does not
  size_t passed = 0;      // the bytes that had passed then
};

// One connection: the handler's acts and callbacks.
struct Conn {
  evnet_conn *conn = nullptr;  // valid until `closed`
  struct evnet_conn_id id = {};
  Client *client = nullptr;
  Style style = Style::kEcho;
  uint64_t opened_ns = 0;
  uint64_t came_ns = 0;   // when on_data last presented new bytes
  uint64_t wrote_ns = 0;  // when a write was last accepted

  size_t consumed = 0;
  size_t presented = 0;  // position up to which on_data or another callback has seen the input
  std::string written;   // all accepted bytes, in order
  std::string perhaps;   // bytes of a failed write, of which a part may be sent
  size_t writing = 0;    // bytes of the writes that have not returned yet
  size_t announced = 0;  // accepted bytes that an on_prewrite has preceded
  size_t need = 0;       // of evnet_conn_need
  size_t below = 0;      // of evnet_conn_notify_below, until on_below
  Limit limits[2];       // its own rates: of receiving, of sending
  Wait waits[2];
  size_t passed[2] = {};    // bytes received and sent at the last measurement
  size_t before_limit = 0;  // bytes written before the limit, at most these passed without it
  bool in_group = false;
  int holds = 0;
  std::vector<evnet_hold *> taken_holds;  // those of evnet_hold_take among them
  int wakes = 0;          // number of on_data that may come without bytes, after wakes by id
  bool wake_due = false;  // an on_data has to come after a wake
  // A handler was set since the last on_data, so unread bytes have to be presented to it.
  bool handler_is_new = false;
  size_t files = 0;         // number of file ranges accepted so far
  bool file_short = false;  // a range is longer than the file

  // Its settings: the server's, or its own.
  int64_t timeouts_ms[4] = {EVNET_OFF, EVNET_OFF, EVNET_OFF, EVNET_OFF};
  uint64_t set_ns[4] = {};       // when each was set
  bool may_time_out[4] = {};     // the timeout has been on at some time
  int64_t linger_ms_min = 2000;  // the shortest value that it had; EVNET_OFF if it was ever off
  evnet_high_action high_action = EVNET_HIGH_STOP_READING;
  // high_action was set after on_pressure, and the on_drain may be due already.
  bool high_action_is_new = false;
  bool high_may_close = false;  // high_action has been EVNET_HIGH_CLOSE at some time

  bool closed = false;
  bool half_closed = false;
  bool stopping_told = false;
  bool told_late = false;  // on_stopping came after the deadline of the stop
  bool lingers = false;    // all bytes and FIN were sent, and evnet waits for the client's FIN
  bool pressed_in_stop = false;
  bool pressed = false;
  bool paused = false;
  bool write_ended = false;
  bool close_asked = false;  // by evnet_conn_close or EVNET_CLOSE
  bool abort_asked = false;
  bool takes_nothing = false;  // evnet_conn_close or _abort has returned
  bool inbound_overflow = false;
  bool outbound_overflow = false;
  uint64_t kept_ns[4] = {};  // when each on_timeout last returned EVNET_KEEP, which restarts it
  bool timed_out[4] = {};    // by enum evnet_timeout: reported, and not kept
  size_t owed = 0;           // bytes that had arrived when the stop began, which it has to read
  uint64_t ending_ns = 0;    // when the handler closed it or learned of its close
  uint64_t closed_ns = 0;
  int reason = 0;  // on_close's reason, set if `closed`
};

// An address of the server, by its index.
struct Address {
  uint16_t port = 0;  // 0: removed
  uint32_t face = 0;  // the handler of its connections (faces.h)
  bool is_udp = false;
  bool is_leaving = false;  // a removal was posted
  bool paused = false;      // the last request for it was a pause
  bool held = false;        // a pause has been answered, and no resume was posted since
  uint64_t added_ns = 0;    // when its addition was answered; 0: at the start
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
  // Time passes and the server does not run, as in a slow callback, after SIGSTOP, or on a
  // suspended machine.
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

  // Returns whether holds_max holds stop the connection's reading.
  bool IsHeldBack(const evnet_conn *conn) const {
    const size_t most = plan.server.holds_max;
    return most > 0 && evnet_conn_holds(conn) >= most;
  }

  // Returns whether a rate may hold the connection back.
  static bool IsLimited(const Conn *c) {
    return c->limits[0].rate > 0 || c->limits[1].rate > 0 || c->in_group;
  }
  // Returns whether the inbound mark is in effect for the connection.
  bool IsMarked(const Conn *c) const {
    return c->need > 0 && c->need <= plan.server.inbound_high_water_bytes;
  }
  // Returns whether the inbound mark stops the connection's reading.
  bool IsFull(const Conn *c) const {
    return IsMarked(c) && evnet_conn_inbound_bytes(c->conn) >= plan.server.inbound_high_water_bytes;
  }

  // Records, for each connection that reads, how many bytes have arrived.
  void NoteOwed() {
    for (const auto &c : conns) {
      if (c->closed || c->paused || IsHeldBack(c->conn) || IsFull(c.get())) continue;
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
  std::vector<Address> addresses;  // by index
  bool all_paused = false;         // as Address::paused, for all addresses
  bool all_held = false;           // likewise held
  size_t changes = 0;              // requests for addresses that are not answered yet
  size_t changes_max = 0;

  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Conn>> conns;
  size_t open_conns = 0;
  size_t open_conns_max = 0;
  size_t open_dials = 0;  // in progress or open
  size_t open_dials_max = 0;
  uint32_t current_reactor = 0;  // the reactor that runs its turn
  uint64_t callbacks = 0;
  std::vector<int> reactor_of_host = std::vector<int>(256, -1);
  std::vector<bool> ended;   // by reactor: its stop is complete
  std::vector<bool> sealed;  // by reactor: it has refused a post with -ESHUTDOWN
  std::vector<bool> mail;    // by reactor: a message may have been posted while it was awake
  bool booted = false;
  bool shut_down = false;
  size_t booted_bytes = 0;  // the server's memory before the first connection
  size_t tasks = 0;         // functions posted and not yet run
  size_t tasks_max = 0;
  size_t request_bytes = 0;  // memory of requests by id that are accepted and not completed
  size_t request_bytes_max = 0;
  uint64_t turns = 0;  // of all reactors
  uint64_t ticks = 0;
  uint64_t stood_still_ns = 0;       // total duration of standstills
  uint64_t tick_ns = 0;              // earliest time of the next on_tick; UINT64_MAX for never
  std::function<void()> stop_noted;  // called when the first stop is requested
  uint64_t stop_asked_ns = UINT64_MAX;
  uint64_t stop_by_ns = UINT64_MAX;  // the earliest deadline of all requested stops
  bool stop_has_time = true;         // no requested stop has a drain of 0
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_WORLD_H_
