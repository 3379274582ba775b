// Threads for work that blocks: a database, a disk, a computation of milliseconds. A callback
// submits work and returns immediately; the work replies by the connection's id.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     struct job *job = job_create(evnet_conn_get_id(conn), evnet_conn_peek(conn));
//     evnet_conn_hold(conn);  // a reply is owed
//     if (evnet_workers_submit(workers, work, job) == -EAGAIN) ...  // full: reply so, do not block
//   }
//
// The number of threads is fixed and the queue is bounded, so a flood of work has a bounded cost.
// Work starts in the order of submission.
#ifndef EVNET_NET_SERVER_WORKERS_H_
#define EVNET_NET_SERVER_WORKERS_H_

#include <stddef.h>
#include <stdint.h>

#include "../base/memory.h"
#include "../base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_workers;

// A field of 0 selects the default; a structure of zeros is valid.
struct evnet_workers_options {
  // Number of threads.
  // Bounds: 1 to EVNET_WORKERS_MAX.
  // Default: 4.
  int threads EVNET_ZERO;

  // Largest number of calls that are submitted and not started. The queue's memory is allocated at
  // creation, 16 bytes for each call.
  // Default: 1024.
  size_t queue_max EVNET_ZERO;

  // Borrowed until evnet_workers_destroy.
  // Default: NULL, malloc(3) and free(3).
  const struct evnet_allocator *allocator EVNET_ZERO;
};

// The largest value of evnet_workers_options.threads.
enum { EVNET_WORKERS_MAX = 1024 };

// evnet_workers_create starts the threads. They block all signals except those that a fault of the
// thread itself raises, as evnet_server_start describes.
//
//   options      copied; NULL: all defaults.
//   out_workers  the workers; the caller frees them with evnet_workers_destroy.
//
// Returns: 0.
// Errors:  -EINVAL if an option is out of bounds.
//          -EAGAIN if a thread cannot be created (pthread_create(3)).
//          -ENOMEM if memory runs out.
//          After an error nothing runs.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_workers_create(const struct evnet_workers_options *options,
                                                     struct evnet_workers **out_workers);

// evnet_workers_submit queues a call of work(argument) on one of the threads.
//
//   work      called once, on a worker's thread.
//   argument  passed to work.
//
// Returns: 0.
// Errors:  -EAGAIN if queue_max calls are queued.
//          -ESHUTDOWN if evnet_workers_destroy has begun.
// Thread:  any. It does not wait for work to finish.
EVNET_API EVNET_WARN_UNUSED int evnet_workers_submit(struct evnet_workers *workers,
                                                     void (*work)(void *argument), void *argument);

// evnet_workers_queued returns the number of calls that are submitted and not started.
//
// Thread:  any.
EVNET_API size_t evnet_workers_queued(struct evnet_workers *workers);

// evnet_workers_destroy waits until all submitted work has finished, ends the threads and frees the
// workers. From now on evnet_workers_submit fails, even on a worker. NULL is accepted.
//
// With a server, call it after evnet_server_wait, because the server's stop waits for holds that
// the work releases, and before evnet_server_destroy, because late replies use the server.
//
// Thread:  any but a worker's.
EVNET_API void evnet_workers_destroy(struct evnet_workers *workers);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_WORKERS_H_
