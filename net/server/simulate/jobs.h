// Workers in a simulation (net/server/workers.h). A worker takes a job that the handler submitted,
// works for a random time, and replies by the connection's id. Jobs finish in random order.
#ifndef EVNET_NET_SERVER_SIMULATE_JOBS_H_
#define EVNET_NET_SERVER_SIMULATE_JOBS_H_

#include <memory>
#include <string>
#include <vector>

#include "net/server/internal/worker_steps.h"
#include "net/server/simulate/handler.h"
#include "net/server/simulate/posters.h"
#include "net/server/simulate/world.h"

namespace evnet_simulation {

class Jobs {
 public:
  Jobs(World *world, Handler *handler, Posters *posters)
      : w_(*world), handler_(*handler), posters_(*posters) {}
  ~Jobs() { evnet_workers_destroy(workers_); }
  Jobs(const Jobs &) = delete;
  Jobs &operator=(const Jobs &) = delete;

  int Boot();  // returns 0, or -ENOMEM if the workers could not be created
  // Submits a connection's bytes. The job holds the connection until it has replied. Returns false
  // if the workers do not accept the job.
  bool Submit(Conn *c, const std::string &bytes);

  uint64_t NextNs() const;
  void Step();
  void End();  // finishes all jobs after the server has stopped

 private:
  struct Job {
    Jobs *jobs;
    uint64_t serial;
    Conn *c;
    std::string bytes;
    bool ran;
  };
  struct Worker {
    bool busy;
    uint64_t done_ns;
    evnet_work work;
  };

  static void Run(void *job);
  void Take(Worker *worker);
  void CheckQueued() const;

  World &w_;
  Handler &handler_;
  Posters &posters_;
  evnet_workers *workers_ = nullptr;
  std::vector<Worker> threads_;
  std::vector<std::unique_ptr<Job>> jobs_;
  uint64_t last_taken_ = 0;  // serial of the last job that a worker took
  size_t queued_ = 0;
  bool ending_ = false;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_JOBS_H_
