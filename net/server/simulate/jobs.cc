#include "net/server/simulate/jobs.h"

#include <errno.h>

#include <algorithm>

namespace evnet_simulation {

int Jobs::Boot() {
  if (w_.plan.workers == 0) return 0;
  evnet_workers_options options = {};
  options.threads = static_cast<int>(w_.plan.workers);
  options.queue_max = w_.plan.workers_queue_max;
  options.allocator = w_.memory.hook();
  const int status = evnet_workers_create_stepped(&options, &workers_);
  if (status < 0 && w_.memory.failed() == 0)
    evnet_sim_fail(w_.sim, "no workers: %s", evnet_status_name(status));
  if (status == 0) threads_.resize(w_.plan.workers);
  return status;
}

void Jobs::CheckQueued() const {
  if (evnet_workers_queued(workers_) != queued_)
    evnet_sim_fail(w_.sim, "evnet_workers_queued returns %zu, but %zu are queued",
                   evnet_workers_queued(workers_), queued_);
}

bool Jobs::Submit(Conn *c, const std::string &bytes) {
  if (workers_ == nullptr || !Oracle::IsOpen(c)) return false;
  jobs_.push_back(std::make_unique<Job>());
  Job *job = jobs_.back().get();
  *job = {this, jobs_.size(), c, bytes, false};
  evnet_conn_hold(c->conn);
  c->holds++;
  const int status = evnet_workers_submit(workers_, Run, job);
  evnet_sim_note(w_.sim, "submit", static_cast<int64_t>(job->serial),
                 evnet_sim_port(c->client->socket), status);
  const bool full = queued_ == w_.plan.workers_queue_max;
  if (status != (full ? -EAGAIN : 0))
    evnet_sim_fail(w_.sim, "evnet_workers_submit returns %s with %zu queued",
                   evnet_status_name(status), queued_);
  if (status == 0) {
    queued_++;
    CheckQueued();
    return true;
  }
  job->ran = true;
  c->holds--;
  evnet_conn_release(c->conn);
  return false;
}

uint64_t Jobs::NextNs() const {
  uint64_t next = UINT64_MAX;
  for (const Worker &each : threads_) {
    if (each.busy) {
      next = std::min(next, each.done_ns);
    } else if (queued_ > 0) {
      next = 0;
    }
  }
  return next;
}

void Jobs::Step() {
  const size_t count = threads_.size();
  const size_t first = w_.Below(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; i++) {
    Worker *worker = &threads_[(first + i) % count];
    if (worker->busy ? worker->done_ns > w_.now() : queued_ == 0) continue;
    if (worker->busy) {
      worker->busy = false;
      worker->work.work(worker->work.argument);
    } else {
      Take(worker);
    }
    return;
  }
}

void Jobs::Take(Worker *worker) {
  if (!evnet_workers_take(workers_, &worker->work)) {
    evnet_sim_fail(w_.sim, "a worker finds no work, but %zu are queued", queued_);
    return;
  }
  queued_--;
  CheckQueued();
  worker->busy = true;
  worker->done_ns = w_.now() + evnet_sim_random(w_.sim) % (20 * kNsPerMs);
  const Job *job = static_cast<Job *>(worker->work.argument);
  if (job->serial <= last_taken_)
    evnet_sim_fail(w_.sim, "work %llu begins after later work",
                   static_cast<unsigned long long>(job->serial));
  last_taken_ = job->serial;
}

void Jobs::Run(void *argument) {
  Job *job = static_cast<Job *>(argument);
  Jobs *self = job->jobs;
  World &w = self->w_;
  evnet_sim_note(w.sim, "work ends", static_cast<int64_t>(job->serial), 0, 0);
  if (job->ran) evnet_sim_fail(w.sim, "work runs twice");
  job->ran = true;
  if (self->ending_) {
    self->ending_ = false;  // one try is enough
    if (evnet_workers_submit(self->workers_, Run, job) != -ESHUTDOWN)
      evnet_sim_fail(w.sim, "workers that are being destroyed accept work");
  }
  const int status = self->posters_.Answer(job->c, job->bytes);
  if (status == -ENOMEM) self->handler_.ReleaseLater(job->c);
}

void Jobs::End() {
  if (workers_ == nullptr) return;
  for (Worker &worker : threads_) {
    if (worker.busy) worker.work.work(worker.work.argument);
    worker.busy = false;
  }
  ending_ = true;
  evnet_workers_destroy(workers_);
  workers_ = nullptr;
  for (const auto &job : jobs_) {
    if (!job->ran) evnet_sim_fail(w_.sim, "work was submitted, and never ran");
  }
}

}  // namespace evnet_simulation
