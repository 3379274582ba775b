#include "net/base/thread.h"

#include <signal.h>
#include <stddef.h>

static void block_signals(sigset_t *out_before) {
  sigset_t blocked;
  (void)sigfillset(&blocked);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
    (void)sigdelset(&blocked, faults[i]);
  (void)pthread_sigmask(SIG_BLOCK, &blocked, out_before);
}

int evnet_thread_create(pthread_t *out_thread, void *(*main)(void *argument), void *argument) {
  sigset_t before;
  block_signals(&before);  // a new thread has its creator's mask (pthread_create(3))
  int status = -pthread_create(out_thread, NULL, main, argument);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}
