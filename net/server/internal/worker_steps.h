// Workers without threads, for simulations. Submitted work stays in the queue until the caller
// takes it. The caller runs the work, on any thread and at any time.
//
//   create_stepped --> submit, take, submit, take, ... --> evnet_workers_destroy
#ifndef EVNET_NET_SERVER_INTERNAL_WORKER_STEPS_H_
#define EVNET_NET_SERVER_INTERNAL_WORKER_STEPS_H_

#include <stdbool.h>

#include "net/server/workers.h"

#ifdef __cplusplus
extern "C" {
#endif

// One submitted call.
struct evnet_work {
  void (*work)(void *argument);
  void *argument;
};

// evnet_workers_create_stepped is evnet_workers_create without threads. evnet_workers_destroy runs
// the work that is still queued.
//
// Errors:  -EINVAL, -ENOMEM.
EVNET_WARN_UNUSED int evnet_workers_create_stepped(const struct evnet_workers_options *options,
                                                   struct evnet_workers **out_workers);

// evnet_workers_take removes the oldest work from the queue. The caller has to run it.
//
// Returns: false if nothing is queued.
bool evnet_workers_take(struct evnet_workers *workers, struct evnet_work *out_work);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_INTERNAL_WORKER_STEPS_H_
