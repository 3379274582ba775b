#include "net/reactor/internal/lookup_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "net/base/thread.h"

// A thread that is idle for this long ends.
enum { IDLE_S = 1 };

static struct pool {
  pthread_mutex_t mutex;   // protects the fields below, and the pool's fields in queues and jobs
  pthread_cond_t changed;  // a lookup is waiting, or the last queue has ended
  struct lookup_queue *queues;
  struct lookup_queue **queues_end;
  uint32_t queue_count;    // of all queues that have begun
  uint32_t waiting_count;  // lookups in all queues
  uint32_t thread_count;   // including threads that have not begun to run yet
  uint32_t running_count;  // lookups that are running
  uint32_t next_name;      // the number in the next thread's name
  uint32_t process;        // the number of forks between the first process and this one
} pool = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
    .queues_end = &pool.queues,
};

static void lock(void) { (void)pthread_mutex_lock(&pool.mutex); }
static void unlock(void) { (void)pthread_mutex_unlock(&pool.mutex); }

// Lists, with the mutex locked

static void push_queue(struct lookup_queue *queue) {
  queue->next = NULL;
  queue->to_this = pool.queues_end;
  *pool.queues_end = queue;
  pool.queues_end = &queue->next;
}

static void remove_queue(struct lookup_queue *queue) {
  if (queue->to_this == NULL) return;
  *queue->to_this = queue->next;
  if (queue->next != NULL) {
    queue->next->to_this = queue->to_this;
  } else {
    pool.queues_end = queue->to_this;
  }
  queue->to_this = NULL;
}

static void push_waiting(struct lookup_queue *queue, struct lookup_job *job) {
  job->next = NULL;
  job->to_this = queue->waiting_end;
  *queue->waiting_end = job;
  queue->waiting_end = &job->next;
  if (queue->waiting_count++ == 0) push_queue(queue);
  pool.waiting_count++;
}

static void remove_waiting(struct lookup_job *job) {
  struct lookup_queue *queue = job->queue;
  *job->to_this = job->next;
  if (job->next != NULL) {
    job->next->to_this = job->to_this;
  } else {
    queue->waiting_end = job->to_this;
  }
  if (--queue->waiting_count == 0) remove_queue(queue);
  pool.waiting_count--;
}

static void push_running(struct lookup_queue *queue, struct lookup_job *job) {
  job->is_running = true;
  job->next = queue->running;
  job->to_this = &queue->running;
  if (job->next != NULL) job->next->to_this = &job->next;
  queue->running = job;
}

static void remove_running(struct lookup_job *job) {
  if (job->queue == NULL) return;
  *job->to_this = job->next;
  if (job->next != NULL) job->next->to_this = job->to_this;
}

// The threads

// Returns the next lookup that may run now, or NULL. The lookup's queue moves to the end of the
// list.
static struct lookup_job *take(void) {
  for (struct lookup_queue *queue = pool.queues; queue != NULL; queue = queue->next) {
    if (pool.running_count >= queue->running_max) continue;
    struct lookup_job *job = queue->waiting;
    remove_waiting(job);
    if (queue->waiting_count > 0) {
      remove_queue(queue);
      push_queue(queue);
    }
    push_running(queue, job);
    return job;
  }
  return NULL;
}

// Runs a lookup. The caller holds the mutex, which is unlocked during `run`.
static void run(struct lookup_job *job) {
  pool.running_count++;
  unlock();
  job->run(job);
  lock();
  pool.running_count--;
  remove_running(job);
  job->finish(job);
}

// Waits for a lookup. Returns false when the thread has been idle for IDLE_S or no queue is left.
static bool wait_for_work(void) {
  // A condition variable without attributes uses this clock. If the clock is set, a thread ends too
  // early or too late, which is harmless.
  struct timespec end;
  (void)clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += IDLE_S;
  return pool.queue_count > 0 && pthread_cond_timedwait(&pool.changed, &pool.mutex, &end) == 0;
}

static void *thread_main(void *argument) {
  (void)argument;
  lock();
  const uint32_t name = pool.next_name++;
  unlock();
  evnet_thread_set_name("evnet-name", name % 10000);  // 15 characters are kept
  lock();
  for (;;) {
    struct lookup_job *job = take();
    if (job != NULL) {
      run(job);
    } else if (!wait_for_work() && (pool.queue_count == 0 || pool.waiting_count == 0)) {
      break;
    }
  }
  pool.thread_count--;
  unlock();
  return NULL;
}

// Starts a thread if waiting lookups need one. The caller holds the mutex. Returns 0, or the error
// if there is no thread at all.
static int start_thread(const struct lookup_queue *queue) {
  const bool is_enough = pool.waiting_count <= pool.thread_count - pool.running_count;
  if (is_enough || pool.thread_count >= queue->running_max) return 0;
  pthread_t thread;
  const int status = evnet_thread_create(&thread, thread_main, NULL);
  if (status < 0) return pool.thread_count > 0 ? 0 : status;
  pool.thread_count++;
  // No code joins the thread, because it may be in getaddrinfo when its reactor or the process
  // ends.
  (void)pthread_detach(thread);
  return 0;
}

// Starts as many threads as the waiting lookups may use. The caller holds the mutex.
static void start_threads(const struct lookup_queue *queue) {
  uint32_t before;
  do {
    before = pool.thread_count;
    (void)start_thread(queue);
  } while (pool.thread_count > before);
}

// fork(2)

static void forget_parent(void) {
  pool.process++;
  pool.thread_count = 0;
  pool.running_count = 0;
  // Queues may belong to reactors that only the parent uses, and their descriptors may be closed in
  // the child.
  while (pool.queues != NULL) remove_queue(pool.queues);
  pool.waiting_count = 0;
  pool.queue_count = 0;
  // The parent's threads may have been waiting on the condition variable.
  pool.changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  unlock();
}

static void prepare_for_fork(void) {
  // If this fails for lack of memory, a child may find the mutex locked.
  (void)pthread_atfork(lock, unlock, forget_parent);
}

// Registers a queue that was begun before a fork and is used in the child.
static void join(struct lookup_queue *queue) {
  if (queue->process == pool.process) return;
  queue->process = pool.process;
  pool.queue_count++;
  pool.waiting_count += queue->waiting_count;
  if (queue->waiting_count > 0) push_queue(queue);
  start_threads(queue);
}

// The owner's side

void lookup_pool_begin(struct lookup_queue *queue) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, prepare_for_fork);
  queue->waiting = NULL;
  queue->waiting_end = &queue->waiting;
  queue->waiting_count = 0;
  queue->running = NULL;
  queue->to_this = NULL;
  lock();
  queue->process = pool.process;
  pool.queue_count++;
  unlock();
}

int lookup_pool_submit(struct lookup_queue *queue, struct lookup_job *job) {
  job->queue = queue;
  job->is_running = false;
  lock();
  join(queue);
  push_waiting(queue, job);
  const int status = start_thread(queue);
  if (status < 0) remove_waiting(job);
  (void)pthread_cond_signal(&pool.changed);
  unlock();
  return status;
}

bool lookup_pool_cancel(struct lookup_job *job) {
  lock();
  join(job->queue);
  const bool waits = !job->is_running;
  if (waits) remove_waiting(job);
  unlock();
  return waits;
}

struct lookup_job *lookup_pool_end(struct lookup_queue *queue) {
  lock();
  join(queue);
  remove_queue(queue);
  pool.waiting_count -= queue->waiting_count;
  for (struct lookup_job *job = queue->running; job != NULL; job = job->next) job->queue = NULL;
  if (--pool.queue_count == 0) (void)pthread_cond_broadcast(&pool.changed);
  unlock();
  return queue->waiting;
}
