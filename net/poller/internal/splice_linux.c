// splice(2) of Linux between two sockets, through a pipe. It does not have a flag against SIGPIPE, so
// the signal is blocked as sendfile_linux.c describes.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "net/poller/internal/socket_system.h"

// As the default of recv_bytes_max. The pipe's memory is a table of pages: 2.5 KiB.
enum { PIPE_BYTES = 256 << 10 };

int evnet_socket_system_splice_open(int out_pipe[2]) {
  if (pipe2(out_pipe, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
  // A smaller pipe works, too, in smaller steps.
  (void)fcntl(out_pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
  return 0;
}

static int64_t move(int from, int to, size_t size) {
  for (;;) {
    const ssize_t moved = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved >= 0) return moved;
    if (errno != EINTR) return -errno;
  }
}

// Empties the pipe, which has `size` bytes, into `to`. Returns whether it is empty.
static bool empty_pipe(const int pipe[2], int to, size_t size, struct evnet_spliced *out) {
  while (size > 0) {
    const int64_t sent = move(pipe[0], to, size);
    if (sent <= 0) {
      out->to_status = sent == 0 ? -EPIPE : (int)sent;
      return false;
    }
    out->sent += (size_t)sent;
    size -= (size_t)sent;
  }
  return true;
}

// Moves until `from` has no more bytes, `to` has no more room, or `size` bytes were moved. An empty
// pipe has room, so -EAGAIN then means that `from` has no bytes.
static void move_all(int from, int to, const int pipe[2], size_t size, struct evnet_spliced *out) {
  while (out->received < size) {
    const int64_t got = move(from, pipe[1], size - out->received);
    if (got <= 0) {
      out->from_status = (int)got;
      out->from_ended = got == 0;
      return;
    }
    out->received += (size_t)got;
    if (!empty_pipe(pipe, to, (size_t)got, out)) return;
  }
}

void evnet_socket_system_splice(int from, int to, const int pipe[2], size_t size,
                                struct evnet_spliced *out) {
  sigset_t sigpipe;
  sigset_t before;
  (void)sigemptyset(&sigpipe);
  (void)sigaddset(&sigpipe, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  const bool was_blocked = sigismember(&before, SIGPIPE) == 1;
  sigset_t pending;
  const bool was_pending =
      was_blocked && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
  *out = (struct evnet_spliced){0};
  move_all(from, to, pipe, size, out);
  if (out->to_status < 0 && !was_pending) {
    const struct timespec now = {0};
    while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  if (!was_blocked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
