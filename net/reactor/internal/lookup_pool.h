// The threads that look names up. getaddrinfo(3) blocks for as long as a name server is silent, and
// nothing can end it early: so there is a thread for each lookup that hangs, and all reactors of
// the process share them.
//
//   lookup_pool_submit --> waits in its queue --a thread takes it--> running: run --> finish
//                              |                                        |
//                              +-- cancel, end: the owner frees it      +-- end: finish gets a
//                                                                           queue of NULL
//
// A thread is made when a lookup is submitted that no idle thread can take, and ends when it has
// had nothing to do for a second, or when the last queue has ended. A lookup runs only while
// fewer than its queue's `running_max` lookups of the whole process run, those that were cancelled
// included; until then it waits. Queues take turns; the lookups of a queue run in order.
//
// fork(2): the child has none of these threads and starts its own. A lookup that ran as it was made
// never finishes there. Those that waited go on once their reactor submits or cancels a lookup in the
// child.
#ifndef EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_
#define EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_

#include <stdbool.h>
#include <stdint.h>

struct lookup_queue;

// Embedded in what its owner knows of the lookup.
struct lookup_job {
  // On a thread of the pool, without its mutex. May block for long.
  void (*run)(struct lookup_job *job);
  // Later on the same thread, with the pool's mutex, which keeps the queue from ending; it must not
  // block. queue NULL: its owner has gone, and the job is to be freed.
  void (*finish)(struct lookup_job *job);

  // The pool's.
  struct lookup_queue *queue;
  struct lookup_job *next;
  struct lookup_job **to_this;  // what points here
  bool is_running;
};

// Of one reactor. From lookup_pool_begin to lookup_pool_end.
struct lookup_queue {
  uint32_t running_max;
  uint32_t waiting_max;

  // The pool's.
  struct lookup_job *waiting;
  struct lookup_job **waiting_end;
  uint32_t waiting_count;
  struct lookup_job *running;
  struct lookup_queue *next;      // of those with a waiting lookup, in the order of their turns
  struct lookup_queue **to_this;  // NULL: on no list
  uint32_t process;               // in which it was used last, by the number of forks before it
};

// Sets a queue up; waiting_max and running_max are its owner's to set, at least 1.
void lookup_pool_begin(struct lookup_queue *queue);

// lookup_pool_submit queues a lookup whose run and finish are set.
//
// Returns: 0.
// Errors:  -EAGAIN if waiting_max wait already; and those of pthread_create(3) if the process has
//          no thread that could take it. The job is the caller's then.
int lookup_pool_submit(struct lookup_queue *queue, struct lookup_job *job);

// lookup_pool_cancel takes a lookup that still waits out of its queue: it is the caller's.
//
// Returns: whether it did; false: it is running, or has run, and `finish` is called.
bool lookup_pool_cancel(struct lookup_job *job);

// lookup_pool_end ends a queue; what runs goes on without it.
//
// Returns: the lookups that waited, linked by `next`, the caller's.
struct lookup_job *lookup_pool_end(struct lookup_queue *queue);

#endif  // EVNET_NET_REACTOR_INTERNAL_LOOKUP_POOL_H_
