// Workers in a simulation (net/server/workers.h): what the handler submits is taken by one of them,
// takes its time, and answers by the connection's id. Which of them is done first is the dice's
// affair.
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

  int Boot();  // 0, or -ENOMEM: there are no workers then
  // Hands a connection's bytes to a worker, which holds the connection until it has answered.
  // False: no worker takes them.
  bool Submit(Conn *c, const std::string &bytes);

  uint64_t NextNs() const;
  void Step();
  void End();  // the server has stopped: all that was submitted ends

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
  uint64_t last_taken_ = 0;  // a serial
  size_t queued_ = 0;
  bool ending_ = false;
};

}  // namespace evnet_simulation

#endif  // EVNET_NET_SERVER_SIMULATE_JOBS_H_
