#include "net/server/simulate/dials.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>

#include "net/server/simulate/dials_record.h"

namespace evnet_simulation {
namespace {

constexpr uint64_t kSlackNs = 4 * kNsPerMs;
constexpr size_t kNumberBytes = 4;
constexpr size_t kBlockBytes = 4096;
constexpr uint16_t kNobodysPort = 9;

// DialByte returns the byte at `offset` of the data that dial `number` sends after its number.
// OutsideByte does so for the data that the outside sends to each connection.
uint8_t DialByte(uint32_t number, size_t offset) {
  return static_cast<uint8_t>(((offset + 1) * (2654435761u + 2 * number)) >> 13);
}
uint8_t OutsideByte(size_t offset) { return static_cast<uint8_t>((offset * 2246822519u) >> 11); }

}  // namespace

struct Dials::Outside {
  evnet_sim_socket *socket = nullptr;
  uint64_t next_ns = 0;
  size_t to_send = 0;
  size_t sent = 0;
  std::string received;
  bool ended = false;
  bool closed = false;
  bool over = false;  // it has read EOF or a reset
};

Dials::Dials(World *world, Faces *faces) : w_(*world), faces_(*faces) {
  if (w_.plan.dials_max == 0) return;
  const int port = evnet_sim_serve(w_.sim);
  if (port < 0) {
    evnet_sim_fail(w_.sim, "no port outside: %s", evnet_status_name(port));
    return;
  }
  port_ = static_cast<uint16_t>(port);
  evnet_sim_set_dialling(w_.sim, &kDialling, this);
  if (w_.Chance(500)) used_resolver_ = MakeResolver();
  next_dial_ns_ = w_.now() + evnet_sim_random(w_.sim) % w_.plan.dials_every_ns;
}

Dials::~Dials() = default;

Dials::Dial *Dials::Find(const evnet_conn *conn) const {
  const void *user = evnet_conn_user(conn);
  for (const auto &each : dials_) {
    if (each.get() == user) return each.get();
  }
  return nullptr;
}

// Dialling

Dials::Dial *Dials::Make(evnet_dial_options *options, std::string *address) {
  dials_.push_back(std::make_unique<Dial>());
  Dial *dial = dials_.back().get();
  dial->dials = this;
  dial->number = static_cast<uint32_t>(dials_.size());
  dial->to_nobody = w_.Chance(200);
  options->conn_user = dial;
  options->timeout_ms = w_.Chance(200) ? EVNET_OFF : 1 + w_.Below(w_.Chance(300) ? 4000 : 300);
  if (w_.Chance(200)) options->source = w_.Chance(500) ? "127.0.0.7:0" : ":0";
  dial->port = dial->to_nobody ? kNobodysPort : port_;
  std::string host = "127.0.0.1";
  if (w_.Chance(500)) {
    options->source = nullptr;  // a source would exclude the addresses of the other family
    dial->addresses = 1 + w_.Below(w_.Chance(200) ? 64 : 12);
    dial->six_first = w_.Chance(500);
    host = "dial" + std::to_string(dial->number) + ".test";
  }
  options->background = dial->background = w_.Chance(300);
  dial->face = faces_.Any();
  if (dial->face > 0) options->handler = faces_.callbacks(dial->face);
  options->user = faces_.user(dial->face);
  *address = "tcp://" + host + ":" + std::to_string(dial->port);
  return dial;
}

bool Dials::IsRefusalLegal(int status) const {
  switch (status) {
    case -ENOMEM:
      return w_.memory.failed() > 0;
    case -ENOBUFS:
      return w_.plan.server.connections_max > 0 || w_.plan.server.mailbox_bytes_max > 0;
    case -EAGAIN:
      return used_resolver_ != nullptr;
    case -ESHUTDOWN:
      return MayEndBackground();
    default:
      return false;
  }
}

void Dials::Begin() {
  evnet_dial_options options = {};
  std::string address;
  Dial *dial = Make(&options, &address);
  if (options.timeout_ms != EVNET_OFF)
    dial->deadline_ns = w_.now() + static_cast<uint64_t>(options.timeout_ms) * kNsPerMs;
  evnet_reactor *reactor = evnet_server_reactor(w_.server, w_.current_reactor);
  const int status = evnet_dial(reactor, address.c_str(), &options, &dial->id);
  evnet_sim_note(w_.sim, "dial", dial->number, w_.current_reactor, status);
  if (dial->opened || dial->closed) Broken(dial, "a callback from inside evnet_dial");
  if (status == 0) {
    dial->begun = true;
    faces_.Give(dial->id, dial->face);
    w_.open_dials++;
    w_.open_dials_max = std::max(w_.open_dials_max, w_.open_dials);
  } else if (!IsRefusalLegal(status)) {
    Broken(dial, "is refused for no reason with %s", evnet_status_name(status));
  }
}

void Dials::StrangerDials() {
  evnet_dial_options options = {};
  std::string address;
  Dial *dial = Make(&options, &address);
  dial->by_stranger = true;
  const int status = evnet_server_dial(
      w_.server, address.c_str(), &options,
      [](struct evnet_conn_id id, int answer, void *user) {
        auto *self = static_cast<Dial *>(user);
        self->dials->Answered(self, id, answer);
      },
      dial);
  evnet_sim_note(w_.sim, "server dial", dial->number, 0, status);
  for (size_t i = 0; i < w_.mail.size(); i++) w_.mail[i] = true;
  if (status == 0) return;
  dial->answers = 1;  // `done` must not be called
  if (!IsRefusalLegal(status))
    Broken(dial, "is refused for no reason with %s", evnet_status_name(status));
}

void Dials::Answered(Dial *dial, const struct evnet_conn_id &id, int status) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, "dial is answered", dial->number, w_.current_reactor, status);
  if (dial->answers++ > 0) Broken(dial, "is answered twice");
  if (dial->opened || dial->closed) Broken(dial, "is answered after its first callback");
  if (status < 0) {
    if (!IsRefusalLegal(status))
      Broken(dial, "has not begun for no reason: %s", evnet_status_name(status));
    return;
  }
  if (id.reactor != w_.current_reactor) Broken(dial, "is answered on another reactor than its own");
  dial->id = id;
  dial->begun = true;
  faces_.Give(id, dial->face);
  w_.open_dials++;
  w_.open_dials_max = std::max(w_.open_dials_max, w_.open_dials);
}

// Closes a dial of the current reactor by its id.
void Dials::Cancel() {
  if (dials_.empty()) return;
  Dial *dial = dials_[w_.Below(static_cast<uint32_t>(dials_.size()))].get();
  if (!dial->begun || dial->id.reactor != w_.current_reactor) return;
  evnet_reactor *reactor = evnet_server_reactor(w_.server, w_.current_reactor);
  const int status = evnet_close(reactor, dial->id);
  evnet_sim_note(w_.sim, "close dial", dial->number, dial->opened, status);
  if (status == 0) {
    if (dial->closed) Broken(dial, "is closed by id after its on_close");
    if (!dial->opened) dial->cancelled = true;
  } else if (status != -ESTALE) {
    Broken(dial, "is not closed: %s", evnet_status_name(status));
  }
}

void Dials::Act() {
  if (dials_.size() < w_.plan.dials_max && w_.Chance(700)) {
    Begin();
  } else {
    Cancel();
  }
}

// Callbacks

void Dials::Enter(Dial *dial, const char *what) {
  w_.callbacks++;
  evnet_sim_note(w_.sim, what, w_.current_reactor, dial->number, dial->opened);
  if (!dial->begun) Broken(dial, "%s before the dial has begun", what);
  if (dial->closed) Broken(dial, "%s after on_close", what);
  if (w_.shut_down) Broken(dial, "%s after on_shutdown", what);
  if (dial->id.reactor != w_.current_reactor) Broken(dial, "%s on another reactor", what);
}

void Dials::Write(Dial *dial, evnet_conn *conn) {
  std::string bytes;
  if (dial->written.empty()) {
    bytes.resize(kNumberBytes);
    memcpy(&bytes[0], &dial->number, kNumberBytes);
  }
  const size_t before = dial->written.empty() ? 0 : dial->written.size() - kNumberBytes;
  for (size_t i = w_.Below(kBlockBytes), at = before; i > 0; i--)
    bytes.push_back(static_cast<char>(DialByte(dial->number, at++)));
  if (bytes.empty()) return;
  const ssize_t result = evnet_conn_write(conn, bytes.data(), bytes.size());
  if (result == static_cast<ssize_t>(bytes.size())) {
    dial->written += bytes;
  } else if (result >= 0) {
    Broken(dial, "a write took %zd bytes of %zu", result, bytes.size());
  } else {
    dial->is_sure = false;
  }
}

evnet_action Dials::OnOpen(Dial *dial, evnet_conn *conn) {
  Enter(dial, "on_open (dialled)");
  if (dial->opened) Broken(dial, "a second on_open");
  if (dial->to_nobody) Broken(dial, "is open, but no server listens there");
  if (dial->cancelled) Broken(dial, "is open though it was cancelled");
  dial->opened = true;
  dial->opened_ns = w_.now();
  evnet_address peer;
  evnet_conn_remote_address(conn, &peer);
  if (evnet_address_port(&peer) != port_) Broken(dial, "has another peer");
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(&peer, text, sizeof text);
  if (dial->addresses > 0 && dial->connected != text)
    Broken(dial, "is open to %s, but %s connected", text, dial->connected.c_str());
  if (evnet_conn_listener_index(conn) != -1) Broken(dial, "has come in by a listener");
  if (w_.Chance(700)) Write(dial, conn);
  if (w_.Chance(50)) evnet_conn_abort(conn);
  return w_.Chance(50) ? EVNET_CLOSE : EVNET_NONE;
}

evnet_action Dials::OnData(Dial *dial, evnet_conn *conn) {
  Enter(dial, "on_data (dialled)");
  evnet_bytes spans[2] = {};
  evnet_conn_peek_pair(conn, spans);
  for (const evnet_bytes &span : spans) {
    for (size_t i = 0; i < span.size; i++) {
      if (span.data[i] == OutsideByte(dial->received++)) continue;
      Broken(dial, "byte %zu is not what was sent to it", dial->received - 1);
      break;
    }
  }
  evnet_conn_discard(conn, spans[0].size + spans[1].size);
  if (dial->written.size() < w_.plan.bytes_max && w_.Chance(500)) Write(dial, conn);
  if (w_.Chance(20)) Mark(dial, conn);
  if (w_.Chance(100)) (void)faces_.Change(conn);
  if (w_.Chance(20)) evnet_conn_close(conn);
  return w_.Chance(20) ? EVNET_CLOSE : EVNET_NONE;
}

evnet_action Dials::OnHalfClose(Dial *dial) {
  Enter(dial, "on_half_close (dialled)");
  return EVNET_CLOSE;
}

evnet_action Dials::OnAny(Dial *dial, const char *what) {
  Enter(dial, what);
  if (!dial->opened) Broken(dial, "%s before on_open", what);
  return EVNET_NONE;
}

bool Dials::IsFailureLegal(const Dial *dial, int reason) const {
  const evnet_sim_faults &faults = w_.plan.sim.faults;
  switch (reason) {
    case -ECONNREFUSED:
      return true;  // the port is unused, or the outside's backlog is full
    case -ECONNRESET:
    case -EPIPE:  // the reset came after the peer's FIN
      return !dial->to_nobody;
    case -EADDRNOTAVAIL:
      return faults.connect_failure > 0;
    case -ENOMEM:
      return w_.memory.failed() > 0 || (dial->addresses > 1 && faults.attach_failure > 0);
    case EVNET_STATUS_ADDRESS:
    case EVNET_STATUS_LOOKUP:
      return dial->addresses > 0;
    case -ETIMEDOUT:
      return dial->by_stranger || w_.now() + kSlackNs >= dial->deadline_ns;
    case -ECANCELED:
      return dial->cancelled;
    case EVNET_REASON_SHUTDOWN:
      return MayEndBackground();
    default:
      return false;
  }
}

evnet_action Dials::OnClose(Dial *dial, evnet_conn *conn, int reason) {
  Enter(dial, "on_close (dialled)");
  evnet_sim_note(w_.sim, evnet_status_name(reason), reason, dial->number, dial->opened);
  if (!dial->opened && !IsFailureLegal(dial, reason))
    Broken(dial, "fails for no reason with %s", evnet_status_name(reason));
  if (dial->opened && reason == EVNET_REASON_SHUTDOWN) Stopped(dial);
  if (!dial->opened && !IsTheMostTelling(dial, reason))
    Broken(dial, "fails with %s, which is not the most specific failure",
           evnet_status_name(reason));
  if (evnet_conn_write(conn, "x", 1) != -ENOTCONN) Broken(dial, "on_close can write");
  evnet_conn_close(conn);
  dial->closed = true;
  w_.open_dials--;
  // Dial again from inside on_close.
  if (dials_.size() < w_.plan.dials_max && w_.Chance(300)) Begin();
  return EVNET_NONE;
}

// The outside

uint64_t Dials::NextNs() const {
  uint64_t next = dials_.size() < w_.plan.dials_max ? next_dial_ns_ : UINT64_MAX;
  for (const auto &each : outsides_) next = std::min(next, each->next_ns);
  return std::min(next, NextLookupNs());
}

void Dials::Step() {
  StepLookups();
  if (next_dial_ns_ <= w_.now()) {
    next_dial_ns_ = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.dials_every_ns;
    if (w_.Chance(500) && dials_.size() < w_.plan.dials_max) StrangerDials();
    Take();
    return;
  }
  for (const auto &each : outsides_) {
    if (each->next_ns > w_.now()) continue;
    each->next_ns = w_.now() + 1 + evnet_sim_random(w_.sim) % w_.plan.pause_ns_max;
    ActOutside(each.get());
    return;
  }
}

void Dials::Take() {
  while (evnet_sim_socket *socket = evnet_sim_take(w_.sim, port_)) {
    outsides_.push_back(std::make_unique<Outside>());
    Outside *outside = outsides_.back().get();
    outside->socket = socket;
    outside->next_ns = w_.now();
    outside->to_send = w_.Below(static_cast<uint32_t>(w_.plan.bytes_max));
  }
}

void Dials::ActOutside(Outside *outside) {
  if (outside->closed || outside->over) {
    if (outside->over && !outside->closed) evnet_sim_close(outside->socket);
    outside->closed = true;
    outside->next_ns = UINT64_MAX;
    return;
  }
  if (w_.Chance(500)) {
    (void)Read(outside);
  } else if (outside->sent < outside->to_send) {
    uint8_t bytes[512];
    const size_t size = std::min(sizeof bytes, outside->to_send - outside->sent);
    for (size_t i = 0; i < size; i++) bytes[i] = OutsideByte(outside->sent + i);
    const int64_t sent = evnet_sim_write(outside->socket, bytes, size);
    if (sent > 0) outside->sent += static_cast<size_t>(sent);
    if (sent < 0 && sent != -EAGAIN) outside->over = true;
  } else if (w_.Chance(200)) {
    outside->closed = true;
    evnet_sim_reset(outside->socket);
  } else if (!outside->ended) {
    outside->ended = true;
    evnet_sim_shutdown_write(outside->socket);
  }
}

bool Dials::Read(Outside *outside) {
  if (outside->closed || outside->over) return false;
  uint8_t bytes[kBlockBytes];
  const int64_t got = evnet_sim_read(outside->socket, bytes, sizeof bytes);
  if (got == -EAGAIN) return false;
  outside->over = got <= 0;
  if (got > 0)
    outside->received.append(reinterpret_cast<const char *>(bytes), static_cast<size_t>(got));
  const std::string &all = outside->received;
  if (all.size() < kNumberBytes) return got > 0;
  uint32_t number;
  memcpy(&number, all.data(), sizeof number);
  if (number == 0 || number > dials_.size() || !dials_[number - 1]->opened) {
    evnet_sim_fail(w_.sim, "the outside gets bytes of dial %u, which does not exist", number);
    return false;
  }
  const Dial *dial = dials_[number - 1].get();
  const size_t sure = std::min(all.size(), dial->written.size());
  if (all.compare(0, sure, dial->written, 0, sure) != 0 ||
      (dial->is_sure && all.size() > dial->written.size()))
    Broken(dial, "the outside gets bytes that the dial has not written");
  if (got == 0 && all.size() < dial->written.size())
    Broken(dial, "the outside has read %zu bytes of %zu, and then EOF", all.size(),
           dial->written.size());
  return got > 0;
}

void Dials::ReadAll() {
  if (port_ != 0) Take();
  for (const auto &each : outsides_) {
    while (Read(each.get())) {
    }
  }
}

// Rules

void Dials::Turned(uint32_t reactor, bool stop_is_over) {
  if (!stop_is_over) return;
  for (const auto &each : dials_) {
    if (each->begun && !each->closed && each->id.reactor == reactor)
      Broken(each.get(), "is still open after a turn past the deadline of the stop");
  }
}

void Dials::Idle() const {
  IdleInStop();
  for (const auto &each : dials_) {
    if (!each->begun || each->opened || each->closed) continue;
    if (w_.now() > each->deadline_ns && w_.now() - each->deadline_ns > kSlackNs)
      Broken(each.get(), "is past its timeout, and that was not reported");
  }
}

size_t Dials::OpenOn(uint32_t reactor) const {
  size_t count = 0;
  for (const auto &each : dials_)
    count += each->opened && !each->closed && each->id.reactor == reactor;
  return count;
}

void Dials::Stats(const struct evnet_server_stats &stats, size_t accepted) {
  size_t opened = 0, failed = 0;
  for (const auto &each : dials_) {
    opened += each->opened;
    failed += each->begun && !each->opened;
  }
  if (stats.connections_accepted != accepted + opened ||
      stats.connections_closed != accepted + opened || stats.dials_failed != failed)
    evnet_sim_fail(w_.sim,
                   "%zu were accepted, %zu dialled, %zu failed; counted are %" PRIu64
                   " opened, %" PRIu64 " closed, %" PRIu64 " failed",
                   accepted, opened, failed, stats.connections_accepted, stats.connections_closed,
                   stats.dials_failed);
}

void Dials::TheEnd() const {
  TheEndOfLookups();
  for (const auto &each : dials_) {
    if (each->begun && !each->closed) Broken(each.get(), "had no on_close");
    if (each->by_stranger && each->answers != 1) Broken(each.get(), "was never answered");
  }
}

}  // namespace evnet_simulation
