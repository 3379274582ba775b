// What the handler does to a connection, now or later, each told to the oracle.
#include <errno.h>

#include <algorithm>

#include "net/server/internal/steps.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/posters.h"

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
  // Now and then it is forgotten.
  if (w_.Chance(900)) PutOff(Deed::kResume, c);
}

void Handler::Resume(Conn *c) {
  evnet_conn_resume_reading(c->conn);
  c->paused = false;
}

void Handler::Hold(Conn *c) {
  // Once it is ending a hold means nothing.
  if (!Oracle::IsOpen(c)) return;
  evnet_conn_hold(c->conn);
  c->holds++;
  PutOff(Deed::kRelease, c);
}

void Handler::ShutdownWrite(Conn *c) {
  const int status = evnet_conn_shutdown_write(c->conn);
  if (status == 0) c->write_ended = true;
}

// Later

void Handler::PutOff(Deed deed, Conn *c) {
  later_.push_back({w_.now() + evnet_sim_random(w_.sim) % (100 * kNsPerMs), deed, c});
}

uint64_t Handler::NextLaterNs() const {
  uint64_t next = UINT64_MAX;
  for (const Later &each : later_) next = std::min(next, each.at_ns);
  return next;
}

void Handler::RunLater() {
  for (size_t i = 0; i < later_.size(); i++) {
    if (later_[i].at_ns > w_.now()) continue;
    const Later due = later_[i];
    later_[i] = later_.back();
    later_.pop_back();
    const bool by_id = due.deed == Deed::kRelease && w_.Chance(500);
    const int status = by_id ? posters_->Release(due.c) : Post(due.c->id.reactor, due.deed, due.c);
    if (status == -ENOMEM || status == -ENOBUFS)
      later_.push_back({w_.now() + kNsPerMs, due.deed, due.c});
    return;
  }
}

int Handler::Post(uint32_t reactor, Deed deed, Conn *c, std::function<void()> function) {
  auto task = std::make_unique<Task>(Task{this, deed, c, reactor, std::move(function)});
  w_.tasks++;
  w_.tasks_max = std::max(w_.tasks_max, w_.tasks);
  const int status =
      evnet_reactor_post(evnet_server_reactor(w_.server, reactor), RunTask, task.get());
  evnet_sim_note(w_.sim, "post", reactor, static_cast<int64_t>(deed), status);
  if (status == 0) {
    (void)task.release();  // RunTask frees it
    w_.mail[reactor] = true;
    return 0;
  }
  w_.tasks--;
  const bool legal = (status == -ENOMEM && w_.memory.failed() > 0) ||
                     (status == -ENOBUFS && w_.plan.server.mailbox_bytes_max > 0) ||
                     (status == -ESHUTDOWN && (w_.ended[reactor] || reactor == w_.current_reactor));
  if (status == -ESHUTDOWN) w_.sealed[reactor] = true;
  if (!legal)
    evnet_sim_fail(w_.sim, "a post is refused for no reason with %s", evnet_status_name(status));
  return status;
}

void Handler::PostNothing(uint32_t reactor) { (void)Post(reactor, Deed::kNothing, nullptr); }

int Handler::PostFunction(uint32_t reactor, std::function<void()> function) {
  return Post(reactor, Deed::kNothing, nullptr, std::move(function));
}

void Handler::RunTask(void *user) {
  const std::unique_ptr<Task> task(static_cast<Task *>(user));
  task->handler->Do(*task);
}

void Handler::Do(const Task &task) {
  w_.tasks--;
  w_.callbacks++;
  evnet_sim_note(w_.sim, "task", task.reactor, static_cast<int64_t>(task.deed), 0);
  if (task.reactor != w_.current_reactor)
    evnet_sim_fail(w_.sim, "a function posted to reactor %u runs on %u", task.reactor,
                   w_.current_reactor);
  if (task.function) task.function();
  Conn *c = task.c;
  if (c == nullptr || c->closed) return;
  switch (task.deed) {
    case Deed::kNothing:
      break;
    case Deed::kResume:
      Resume(c);
      break;
    case Deed::kRelease:
      if (w_.Chance(500)) WriteSome(c, 1000);
      c->holds--;
      evnet_conn_release(c->conn);
      break;
    case Deed::kClose:
      Close(c);
      break;
    case Deed::kWrite:
      WriteSome(c, 5000);
      break;
    case Deed::kActs:
      Acts(c, 3);
      break;
  }
}

}  // namespace evnet_simulation
