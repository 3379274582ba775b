#include "net/server/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "net/base/thread.h"
#include "net/server/internal/worker_steps.h"

enum {
  THREADS_DEFAULT = 4,
  QUEUE_MAX_DEFAULT = 1024,
};

struct worker {
  struct evnet_workers *workers;
  uint32_t index;
  pthread_t thread;
};

struct evnet_workers {
  const struct evnet_allocator *allocator;
  struct worker *threads;
  uint32_t thread_count;     // threads that were started
  struct evnet_work *queue;  // a ring of queue_max elements
  size_t queue_max;

  pthread_mutex_t mutex;   // guards the fields below
  pthread_cond_t changed;  // signalled when work was queued or `ending` was set
  size_t first;            // index of the oldest element
  size_t queued;
  bool ending;
};

static bool take_locked(struct evnet_workers *workers, struct evnet_work *out_work) {
  if (workers->queued == 0) return false;
  *out_work = workers->queue[workers->first];
  workers->first = workers->first + 1 < workers->queue_max ? workers->first + 1 : 0;
  workers->queued--;
  return true;
}

bool evnet_workers_take(struct evnet_workers *workers, struct evnet_work *out_work) {
  (void)pthread_mutex_lock(&workers->mutex);
  bool taken = take_locked(workers, out_work);
  (void)pthread_mutex_unlock(&workers->mutex);
  return taken;
}

// Waits for work. Returns false if the queue is empty and evnet_workers_destroy was called.
static bool await(struct evnet_workers *workers, struct evnet_work *out_work) {
  (void)pthread_mutex_lock(&workers->mutex);
  while (workers->queued == 0 && !workers->ending)
    (void)pthread_cond_wait(&workers->changed, &workers->mutex);
  bool taken = take_locked(workers, out_work);
  (void)pthread_mutex_unlock(&workers->mutex);
  return taken;
}

static void *worker_main(void *argument) {
  const struct worker *self = argument;
  evnet_thread_set_name("evnet-worker", self->index);
  struct evnet_work work;
  while (await(self->workers, &work)) work.work(work.argument);
  return NULL;
}

static int start_threads(struct evnet_workers *workers, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct worker *worker = &workers->threads[i];
    *worker = (struct worker){.workers = workers, .index = i};
    int status = evnet_thread_create(&worker->thread, worker_main, worker);
    if (status < 0) return status;
    workers->thread_count++;
  }
  return 0;
}

static int init_locks(struct evnet_workers *workers) {
  int status = -pthread_mutex_init(&workers->mutex, NULL);
  if (status < 0) return status;
  status = -pthread_cond_init(&workers->changed, NULL);
  if (status < 0) (void)pthread_mutex_destroy(&workers->mutex);
  return status;
}

static void free_parts(struct evnet_workers *workers) {
  evnet_release(workers->allocator, workers->queue);
  evnet_release(workers->allocator, workers->threads);
  evnet_release(workers->allocator, workers);
}

static int create(const struct evnet_workers_options *options, bool has_threads,
                  struct evnet_workers **out_workers) {
  static const struct evnet_workers_options defaults = {0};
  if (options == NULL) options = &defaults;
  const int threads = options->threads == 0 ? THREADS_DEFAULT : options->threads;
  const size_t queue_max = options->queue_max == 0 ? QUEUE_MAX_DEFAULT : options->queue_max;
  if (threads < 1 || threads > EVNET_WORKERS_MAX ||
      queue_max > SIZE_MAX / sizeof(struct evnet_work))
    return -EINVAL;
  const struct evnet_allocator *allocator = options->allocator;
  struct evnet_workers *workers = evnet_allocate_zeroed(allocator, sizeof *workers);
  if (workers == NULL) return -ENOMEM;
  workers->allocator = allocator;
  workers->queue_max = queue_max;
  workers->threads = evnet_allocate_zeroed(allocator, (size_t)threads * sizeof *workers->threads);
  workers->queue = evnet_allocate(allocator, queue_max * sizeof *workers->queue);
  int status = workers->threads == NULL || workers->queue == NULL ? -ENOMEM : init_locks(workers);
  if (status < 0) {
    free_parts(workers);
    return status;
  }
  if (has_threads) status = start_threads(workers, (uint32_t)threads);
  if (status < 0) {
    evnet_workers_destroy(workers);
    return status;
  }
  *out_workers = workers;
  return 0;
}

int evnet_workers_create(const struct evnet_workers_options *options,
                         struct evnet_workers **out_workers) {
  return create(options, true, out_workers);
}

int evnet_workers_create_stepped(const struct evnet_workers_options *options,
                                 struct evnet_workers **out_workers) {
  return create(options, false, out_workers);
}

int evnet_workers_submit(struct evnet_workers *workers, void (*work)(void *argument),
                         void *argument) {
  (void)pthread_mutex_lock(&workers->mutex);
  int status = workers->ending ? -ESHUTDOWN : workers->queued == workers->queue_max ? -EAGAIN : 0;
  if (status == 0) {
    size_t last = workers->first + workers->queued;
    if (last >= workers->queue_max) last -= workers->queue_max;
    workers->queue[last] = (struct evnet_work){.work = work, .argument = argument};
    workers->queued++;
    (void)pthread_cond_signal(&workers->changed);
  }
  (void)pthread_mutex_unlock(&workers->mutex);
  return status;
}

size_t evnet_workers_queued(struct evnet_workers *workers) {
  (void)pthread_mutex_lock(&workers->mutex);
  size_t queued = workers->queued;
  (void)pthread_mutex_unlock(&workers->mutex);
  return queued;
}

void evnet_workers_destroy(struct evnet_workers *workers) {
  if (workers == NULL) return;
  (void)pthread_mutex_lock(&workers->mutex);
  workers->ending = true;
  (void)pthread_cond_broadcast(&workers->changed);
  (void)pthread_mutex_unlock(&workers->mutex);
  for (uint32_t i = 0; i < workers->thread_count; i++)
    (void)pthread_join(workers->threads[i].thread, NULL);
  // Threads leave the queue empty. Stepped workers have no threads, so their queue is run here.
  struct evnet_work work;
  while (evnet_workers_take(workers, &work)) work.work(work.argument);
  (void)pthread_cond_destroy(&workers->changed);
  (void)pthread_mutex_destroy(&workers->mutex);
  free_parts(workers);
}
