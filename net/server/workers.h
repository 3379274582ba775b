// Threads for what blocks: a database, a disk, a computation of milliseconds. A reactor's callback
// submits work and returns at once; the work answers by the connection's id.
//
//   static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
//     struct job *job = job_create(evnet_conn_id(conn), evnet_conn_peek(conn));
//     evnet_conn_hold(conn);  // an answer is owed
//     if (evnet_workers_submit(workers, work, job) == -EAGAIN) ...  // full: say so, do not block
//   }
//
// The threads are fixed in number and the queue is bounded, so a flood of work costs no more than
// that. Work is begun in the order in which it was submitted.
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

// All zero is the default of everything.
struct evnet_workers_options {
  int threads;       // 0: 4; up to EVNET_WORKERS_MAX
  size_t queue_max;  // submitted and not yet begun; 0: 1024. Its memory is taken at once, 16 bytes
                     // for each
  const struct evnet_allocator *allocator;  // borrowed for the workers' life; NULL: malloc
};

enum { EVNET_WORKERS_MAX = 1024 };

// evnet_workers_create starts the threads. All signals are blocked in them, except those that a
// fault of the thread itself raises, as in evnet_server_start's.
//
//   options  NULL: all defaults.
//
// Returns: 0.
// Errors:  -EINVAL for a number out of range; -ENOMEM; -EAGAIN from thread creation. Nothing runs
//          then.
// Thread:  any.
EVNET_API EVNET_WARN_UNUSED int evnet_workers_create(const struct evnet_workers_options *options,
                                                     struct evnet_workers **out_workers);

// evnet_workers_submit queues a call of work(argument) on one of the threads.
//
//   argument  the work's from now on; still the caller's on error.
//
// Returns: 0.
// Errors:  -EAGAIN when queue_max wait already; -ESHUTDOWN while the workers are being destroyed.
// Thread:  any; it never waits for work to end.
EVNET_API EVNET_WARN_UNUSED int evnet_workers_submit(struct evnet_workers *workers,
                                                     void (*work)(void *argument), void *argument);

// evnet_workers_queued tells how much was submitted and not yet begun.
//
// Thread:  any.
EVNET_API size_t evnet_workers_queued(struct evnet_workers *workers);

// evnet_workers_destroy waits until everything that was submitted has ended, ends the threads, and
// frees the workers; NULL is accepted. What work submits meanwhile is refused.
//
// With a server: after evnet_server_wait, as its stop waits for the answers that are owed, and
// before evnet_server_destroy, as late answers name the server.
//
// Thread:  any but a worker's.
EVNET_API void evnet_workers_destroy(struct evnet_workers *workers);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_SERVER_WORKERS_H_
