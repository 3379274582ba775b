#include "net/poller/internal/fork.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

// The most times that a fork waits. The limit is needed because a signal handler that calls fork(2)
// may have interrupted the thread that holds.
enum { WAITS_MAX = 1000 };

static atomic_bool has_happened;
static atomic_uint holders;

// Runs in the parent, before the child is made. Either this function sees the holder, or the holder
// sees the flag, because both write before they read (sequentially consistent).
static void before_fork(void) {
  atomic_store(&has_happened, true);
  for (int i = 0; i < WAITS_MAX && atomic_load(&holders) > 0; i++) (void)sched_yield();
}

// The threads that hold exist only in the parent.
static void in_child(void) { atomic_store(&holders, 0); }

static void watch(void) {
  // Without memory for the handlers, assume for every close that a fork may have happened.
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
