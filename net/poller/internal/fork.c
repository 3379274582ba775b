#include "net/poller/internal/fork.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

// A fork waits this many times at most: a signal handler that forks may have interrupted the very
// thread that holds it.
enum { WAITS_MAX = 1000 };

static atomic_bool has_happened;
static atomic_uint holders;

// Runs in the parent, before the child is made. Either it sees the holder, or the holder sees the
// flag: both are written before the other is read (sequentially consistent).
static void before_fork(void) {
  atomic_store(&has_happened, true);
  for (int i = 0; i < WAITS_MAX && atomic_load(&holders) > 0; i++) (void)sched_yield();
}

// The threads that held it are the parent's alone.
static void in_child(void) { atomic_store(&holders, 0); }

static void watch(void) {
  // Without memory for the handlers, every close has to reckon with a fork.
  if (pthread_atfork(before_fork, NULL, in_child) != 0) atomic_store(&has_happened, true);
}

void evnet_fork_watch(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, watch);
}

bool evnet_fork_has_happened(void) {
  return atomic_load_explicit(&has_happened, memory_order_relaxed);
}

bool evnet_fork_hold(void) {
  (void)atomic_fetch_add(&holders, 1);
  return atomic_load(&has_happened);
}

void evnet_fork_release(void) { (void)atomic_fetch_sub(&holders, 1); }
