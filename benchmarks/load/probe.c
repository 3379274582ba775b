// The first requests of a connection, before the loop: see exchange.h.

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <sys/socket.h>

#include "benchmarks/load/exchange.h"
#include "benchmarks/load/run.h"

enum { REPLY_MS_MAX = 10000 };

int exchange_send(int fd, const char *data, size_t size) {
  const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
  if (sent == (ssize_t)size) return 0;
  return run_fail("connection 0: send: %s", sent < 0 ? strerror(errno) : "the socket is full");
}

ssize_t exchange_receive(int fd, char *out, size_t size) {
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  const ssize_t got = poll(&readable, 1, REPLY_MS_MAX) == 1 ? recv(fd, out, size, 0) : -1;
  return got > 0 ? got : run_fail("connection 0: no reply");
}

int exchange_expect(int fd, char *reply, size_t size, const char *start) {
  for (size_t used = 0; used < size;) {
    const ssize_t got = exchange_receive(fd, reply + used, size - used);
    if (got < 0) return -1;
    used += (size_t)got;
    const size_t known = used < strlen(start) ? used : strlen(start);
    if (memcmp(reply, start, known) != 0)
      return run_fail("connection 0: a reply does not begin with %s", start);
  }
  return 0;
}
