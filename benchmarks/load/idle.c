// Opens connections, has each echo one request, and holds them while another program measures the
// server's memory; see modes.h.
//
// The reply proves that the server, not only the kernel, has accepted the connection. The
// measurement then also includes memory that a server allocates for a request and does not free.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/modes.h"
#include "benchmarks/load/pattern.h"

enum { REPLY_WAIT_MS = 10000 };

static uint8_t buffer[PATTERN_CHUNK_MAX];

// Sends unsent bytes and receives bytes that have arrived. Returns 0 or -1.
static int exchange_step(int fd, uint32_t index, uint32_t payload_bytes, uint32_t *sent_bytes,
                         uint32_t *replied_bytes) {
  const uint32_t start = pattern_start(index);
  uint32_t size = payload_bytes - *sent_bytes;
  if (size > PATTERN_CHUNK_MAX) size = PATTERN_CHUNK_MAX;
  if (size > 0) {
    ssize_t sent = send(fd, pattern_at(pattern_skip(start, *sent_bytes)), size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
      return run_fail("connection %u: send: %s", index, strerror(errno));
    if (sent > 0) *sent_bytes += (uint32_t)sent;
  }
  ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) return run_fail("connection %u: recv: %s", index, strerror(errno));
  if (got == 0) return run_fail("connection %u: closed by the server", index);
  if ((size_t)got > *sent_bytes - *replied_bytes ||
      pattern_mismatch(pattern_skip(start, *replied_bytes), buffer, (size_t)got) >= 0) {
    return run_fail("connection %u: the reply differs from the request", index);
  }
  *replied_bytes += (uint32_t)got;
  return 0;
}

static int exchange(int fd, uint32_t index, uint32_t payload_bytes) {
  uint32_t sent_bytes = 0;
  uint32_t replied_bytes = 0;
  for (;;) {
    if (exchange_step(fd, index, payload_bytes, &sent_bytes, &replied_bytes) < 0) return -1;
    if (replied_bytes == payload_bytes) return 0;
    short events = sent_bytes < payload_bytes ? POLLIN | POLLOUT : POLLIN;
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int count = poll(&poll_fd, 1, REPLY_WAIT_MS);
    if (count < 0) return run_fail("poll: %s", strerror(errno));
    if (count == 0) return run_fail("connection %u: no reply within 10 s", index);
  }
}

// Holds the connections until stdin ends or the time is over. An event on a connection is a
// failure.
static int hold(const struct load_options *options, const int *fds) {
  int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return run_fail("epoll_create1: %s", strerror(errno));
  for (uint32_t i = 0; i < options->connections; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data = {.u32 = i}};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0) {
      return run_fail("epoll_ctl: %s", strerror(errno));
    }
  }
  struct pollfd poll_fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = epoll_fd, .events = POLLIN}};
  const uint64_t deadline_ns = run_now_ns() + options->window_ns;
  for (;;) {
    uint64_t now_ns = run_now_ns();
    if (now_ns >= deadline_ns) return 0;
    if (poll(poll_fds, 2, (int)((deadline_ns - now_ns) / 1000000) + 1) < 0 && errno != EINTR) {
      return run_fail("poll: %s", strerror(errno));
    }
    if (poll_fds[1].revents != 0) {
      struct epoll_event event = {0};
      epoll_wait(epoll_fd, &event, 1, 0);
      return run_fail("connection %u: closed by the server, or it sent more bytes", event.data.u32);
    }
    if (poll_fds[0].revents != 0 && read(STDIN_FILENO, buffer, sizeof(buffer)) <= 0) return 0;
  }
}

static int hold_all(const struct load_options *options, int *fds) {
  if (dial_all(&options->address, options->connections, fds) < 0) return -1;
  for (uint32_t i = 0; i < options->connections; i++) {
    if (exchange(fds[i], i, options->payload_bytes) < 0) return -1;
  }
  printf("holding %u\n", options->connections);
  fflush(stdout);
  if (hold(options, fds) < 0) return -1;
  for (uint32_t i = 0; i < options->connections; i++) close(fds[i]);
  return 0;
}

int idle_run(const struct load_options *options) {
  int *fds = calloc(options->connections, sizeof(*fds));
  if (fds == NULL) return run_fail("out of memory");
  int status = hold_all(options, fds);
  free(fds);
  return status;
}
