// The threads that look names up. getaddrinfo(3) blocks for as long as a name server is silent, and
// it cannot be interrupted. So each lookup that hangs has its own thread, and all reactors of the
// process share the threads.
//
//   lookup_pool_submit --> waits in its queue --a thread takes it--> running: run --> finish
//                              |                                        |
//                              +-- cancel, end: the owner frees it      +-- end: finish gets a
//                                                                           queue of NULL
//
// A thread is created when a lookup is submitted that no idle thread can take. It ends when it has
// been idle for a second, or when the last queue has ended. A lookup waits until fewer than its
// queue's `running_max` lookups run in the whole process; cancelled lookups count until they
// return. Queues take turns, and the lookups of a queue run in order.
//
// fork(2): the child has none of these threads and starts its own. A lookup that was running during
// the fork never finishes in the child. A lookup that was waiting continues once its reactor
// submits or cancels a lookup in the child.
#ifndef EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_
#define EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/reactor/internal/names.h"

struct lookup_queue;

// Embedded in the owner's record of the lookup.
struct lookup_job {
  // Called on a thread of the pool, without the pool's mutex. It may block for a long time.
  void (*run)(struct lookup_job *job);
  // Called after `run` on the same thread, with the pool's mutex, so that the queue cannot end
  // meanwhile. It must not block. If queue is NULL, the owner has gone, and `finish` frees the job.
  void (*finish)(struct lookup_job *job);

  // The remaining fields belong to the pool.
  struct lookup_queue *queue;
  struct lookup_job *next;
  struct lookup_job **to_this;  // the pointer that points to this job
  bool is_running;
};

// The queue of a reactor, in use from lookup_pool_begin to lookup_pool_end.
struct lookup_queue {
  uint32_t running_max;

  // The remaining fields belong to the pool.
  struct lookup_job *waiting;
  struct lookup_job **waiting_end;
  uint32_t waiting_count;
  struct lookup_job *running;
  struct lookup_queue *next;      // of queues with a waiting lookup, in the order of their turns
  struct lookup_queue **to_this;  // NULL if the queue is on no list
  uint32_t process;               // that last used the queue, as the number of forks before it
};

// lookup_pool_begin initializes a queue. The owner sets running_max, to at least 1.
void lookup_pool_begin(struct lookup_queue *queue);

// lookup_pool_submit queues a lookup, whose `run` and `finish` the caller has set.
//
// Returns: 0.
// Errors:  the job stays the caller's.
//          Those of pthread_create(3) if the pool has no thread and cannot create one.
int lookup_pool_submit(struct lookup_queue *queue, struct lookup_job *job);

// lookup_pool_cancel removes a lookup that is still waiting from its queue.
//
// Returns: true if it did; the job is the caller's. False if the lookup is running or has run;
//          `finish` is called then.
bool lookup_pool_cancel(struct lookup_job *job);

// lookup_pool_end ends a queue. Running lookups continue without it.
//
// Returns: the waiting lookups, linked by `next`; they are the caller's.
struct lookup_job *lookup_pool_end(struct lookup_queue *queue);

#endif  // EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_
