// The handler's acts on one connection. Each act is reported to the oracle.
#include <algorithm>

#include "net/server/simulate/handler.h"

namespace evnet_simulation {

void Handler::Consume(Conn *c, size_t size) {
  const size_t unread = evnet_conn_inbound_bytes(c->conn);
  const size_t part = std::min(size, unread);
  std::string out;
  evnet_bytes spans[2] = {};
  switch (w_.Below(4)) {
    case 0:
      spans[0] = evnet_conn_peek(c->conn);
      if (spans[0].size != unread && w_.memory.failed() == 0)
        evnet_sim_fail(w_.sim, "peek gives %zu bytes of %zu", spans[0].size, unread);
      spans[0].size = std::min(spans[0].size, part);
      oracle_.Consumed(c, spans[0].data, spans[0].size);
      (void)evnet_conn_discard(c->conn, spans[0].size);
      break;
    case 1:
      out.resize(part + 1);
      out.resize(evnet_conn_read(c->conn, &out[0], part));
      oracle_.Consumed(c, reinterpret_cast<const uint8_t *>(out.data()), out.size());
      break;
    case 2:
      spans[0] = evnet_conn_next(c->conn, part);
      oracle_.Consumed(c, spans[0].data, spans[0].size);
      break;
    default:
      evnet_conn_peek_pair(c->conn, spans);
      if (spans[0].size + spans[1].size != unread)
        evnet_sim_fail(w_.sim, "peek_pair gives %zu + %zu bytes of %zu", spans[0].size,
                       spans[1].size, unread);
      spans[0].size = std::min(spans[0].size, part);
      spans[1].size = std::min(spans[1].size, part - spans[0].size);
      oracle_.Consumed(c, spans[0].data, spans[0].size);
      oracle_.Consumed(c, spans[1].data, spans[1].size);
      (void)evnet_conn_discard(c->conn, part);
  }
  oracle_.Bounds(c);
}

void Handler::Write(Conn *c, const void *data, size_t size) {
  const size_t before = evnet_conn_outbound_bytes(c->conn);
  const bool was_ending = c->takes_nothing || c->closed;
  c->writing += size;
  const ssize_t result = evnet_conn_write(c->conn, data, size);
  c->writing -= size;
  oracle_.Wrote(c, data, size, before, was_ending, result);
  oracle_.Bounds(c);
}

void Handler::WriteSome(Conn *c, size_t most) {
  if (c->written.size() >= w_.plan.bytes_max) most = std::min<size_t>(most, 8);
  noise_.resize(1 + w_.Below(static_cast<uint32_t>(std::max<size_t>(most, 1))));
  const uint64_t first = evnet_sim_random(w_.sim);
  for (size_t i = 0; i < noise_.size(); i++)
    noise_[i] = static_cast<char>((first + i) * 0x9e3779b97f4a7c15u >> 40);
  const std::string bytes = noise_;  // on_prewrite writes too
  Write(c, bytes.data(), bytes.size());
}

void Handler::WritePieces(Conn *c) {
  std::string bytes(1 + w_.Below(600), 'p');
  bytes[0] = static_cast<char>(w_.Below(256));
  std::vector<iovec> pieces;
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t part = std::min<size_t>(bytes.size() - at, w_.Below(20));
    iovec piece = {};
    piece.iov_base = &bytes[0] + at;
    piece.iov_len = part;
    pieces.push_back(piece);
    at += part;
  }
  const size_t before = evnet_conn_outbound_bytes(c->conn);
  const bool was_ending = c->takes_nothing || c->closed;
  c->writing += bytes.size();
  const ssize_t result = evnet_conn_writev(c->conn, pieces.data(), pieces.size());
  c->writing -= bytes.size();
  oracle_.Wrote(c, bytes.data(), bytes.size(), before, was_ending, result);
}

void Handler::Close(Conn *c) {
  c->close_asked = true;
  oracle_.EndsNow(c);
  evnet_conn_close(c->conn);
  c->takes_nothing = true;
}

void Handler::Abort(Conn *c) {
  c->abort_asked = true;
  oracle_.EndsNow(c);
  evnet_conn_abort(c->conn);
  c->takes_nothing = true;
}

void Handler::Pause(Conn *c) {
  evnet_conn_pause_reading(c->conn);
  c->paused = true;
  c->owed = 0;
  // Sometimes the handler forgets to resume.
  if (w_.Chance(900)) PutOff(Deed::kResume, c);
}

void Handler::Resume(Conn *c) {
  evnet_conn_resume_reading(c->conn);
  c->paused = false;
}

void Handler::Hold(Conn *c) {
  // A hold has no effect on a connection that is closing.
  if (!Oracle::IsOpen(c)) return;
  if (w_.Chance(300)) {
    evnet_hold *hold = nullptr;
    if (evnet_hold_take(c->conn, &hold) < 0) {
      if (w_.memory.failed() == 0) evnet_sim_fail(w_.sim, "a hold is refused for no reason");
      return;
    }
    c->taken_holds.push_back(hold);
  } else {
    evnet_conn_hold(c->conn);
  }
  c->holds++;
  PutOff(Deed::kRelease, c);
}

void Handler::ShutdownWrite(Conn *c) {
  const int status = evnet_conn_shutdown_write(c->conn);
  if (status == 0) c->write_ended = true;
}

void Handler::PutOff(Deed deed, Conn *c) {
  later_.push_back({w_.now() + evnet_sim_random(w_.sim) % (100 * kNsPerMs), deed, c});
}

evnet_action Handler::Shutdown() {
  w_.NoteStop(w_.plan.server.drain_ms == 0 ? 5000 : w_.plan.server.drain_ms);
  return EVNET_SHUTDOWN;
}

}  // namespace evnet_simulation
