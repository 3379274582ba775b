// Chooses the handler's acts at random, in a callback or in a posted function.
#include <errno.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "net/server/internal/steps.h"
#include "net/server/simulate/datagrams.h"
#include "net/server/simulate/dials.h"
#include "net/server/simulate/handler.h"

namespace evnet_simulation {

void Handler::Acts(Conn *c, uint32_t most) {
  if (depth_ > 2) return;
  depth_++;
  for (uint32_t left = w_.Below(most + 1); left > 0; left--) {
    Conn *which = w_.Chance(200) ? Another(c) : c;
    if (which != nullptr && !which->closed) Act(which);
  }
  depth_--;
}

// Returns a connection of the same reactor, because other threads' connections must not be used
// here.
Conn *Handler::Another(const Conn *c) {
  const size_t count = w_.conns.size();
  const size_t first = w_.Below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; i++) {
    Conn *each = w_.conns[(first + i) % count].get();
    if (each != c && !each->closed && each->id.reactor == w_.current_reactor) return each;
  }
  return nullptr;
}

void Handler::Act(Conn *c) {
  switch (w_.Below(26)) {
    case 0:
    case 1:
    case 2:
      Consume(c, w_.Below(3000));
      break;
    case 3:
    case 4:
      WriteSome(c, 300);
      break;
    case 5:
      WriteSome(c, 12000);
      break;
    case 6:
      WritePieces(c);
      break;
    case 7:
      (void)evnet_conn_flush(c->conn);
      break;
    case 8:
    case 9:
      Pause(c);
      break;
    case 10:
    case 11:
      Resume(c);
      break;
    case 12:
      Hold(c);
      break;
    case 13:
      (void)Post(w_.current_reactor, Deed::kActs, c);
      break;
    case 14:
    case 15:
      SendFile(c);
      break;
    case 16:
    case 17:
      Set(c);
      break;
    case 18:
    case 19:
      datagrams_->Act();
      break;
    case 20:
    case 21:
      dials_->Act();
      break;
    case 22:
    case 23:
      SetHandler(c);
      break;
    default:
      if (w_.Chance(w_.plan.endings)) Finish(c);
  }
}

void Handler::Finish(Conn *c) {
  switch (w_.Below(3)) {
    case 0:
      Close(c);
      break;
    case 1:
      Abort(c);
      break;
    default:
      ShutdownWrite(c);
  }
}

uint64_t Handler::NextLaterNs() const {
  uint64_t next = UINT64_MAX;
  for (const Later &each : later_) next = std::min(next, each.at_ns);
  return next;
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
