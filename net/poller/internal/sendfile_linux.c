// Linux's sendfile(2), which cannot be told that SIGPIPE is not wanted. So the signal is blocked
// for the call, and taken back if the call has raised it: it then goes to the calling thread
// (signal(7)). One that was pending before is somebody else's, and stays.
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
  // Also behind a part: the reset came while the call was under way.
  bool may_have_raised = result != (int64_t)file->size;
  if (may_have_raised && !was_pending) {
    const struct timespec now = {0};
    while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  if (!was_blocked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}
