// sendfile(2) of Linux, which does not have a flag against SIGPIPE. Therefore the signal is blocked
// during the call. If the call raised it, it goes to the calling thread (signal(7)) and is
// discarded. A SIGPIPE that was pending before has another cause, and stays pending.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <time.h>

#include "net/poller/internal/socket_system.h"

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

int64_t evnet_socket_system_sendfile(int descriptor, const struct evnet_file_range *file) {
  sigset_t sigpipe;
  sigset_t before;
  (void)sigemptyset(&sigpipe);
  (void)sigaddset(&sigpipe, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  bool was_blocked = sigismember(&before, SIGPIPE) == 1;
  bool was_pending = was_blocked && is_pending();
  off_t offset = file->offset;
  ssize_t sent = sendfile(descriptor, file->descriptor, &offset, file->size);
  int64_t result = sent >= 0 ? sent : -errno;
  // A reset during the call can raise the signal even if a part was sent.
  bool may_have_raised = result != (int64_t)file->size;
  if (may_have_raised && !was_pending) {
    const struct timespec now = {0};
    while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  if (!was_blocked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}
