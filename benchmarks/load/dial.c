// Client sockets of the load generator: see dial.h.

#include "benchmarks/load/dial.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/run.h"

static const uint64_t kDialNs = UINT64_C(30000000000);

static bool is_loopback_tcp4(const struct bench_address *address) {
  const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address->storage;
  return address->kind == BENCH_ADDRESS_TCP && in4->sin_family == AF_INET &&
         ntohl(in4->sin_addr.s_addr) >> 24 == 127;
}

static int bind_source(int fd, uint32_t source) {
  // connect then chooses the port, and may use one that is in use for another destination.
  const int on = 1;
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0) return -errno;
  struct sockaddr_in in4 = {.sin_family = AF_INET,
                            .sin_addr = {.s_addr = htonl(0x7f000000u + source)}};
  return bind(fd, (struct sockaddr *)&in4, sizeof(in4)) < 0 ? -errno : 0;
}

int dial_begin(const struct bench_address *address, uint32_t source) {
  int type = bench_address_socket_type(address);
  int fd = socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int status = source != 0 && is_loopback_tcp4(address) ? bind_source(fd, source) : 0;
  if (status == 0 &&
      connect(fd, (const struct sockaddr *)&address->storage, address->size_bytes) < 0 &&
      errno != EINPROGRESS) {
    status = -errno;
  }
  if (status == 0) return fd;
  close(fd);
  return status;
}

// Waits until the connect completes. Returns 0 or -errno.
static int await_connect(int fd, int wait_ms) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
  int count = poll(&poll_fd, 1, wait_ms);
  if (count < 0) return errno == EINTR ? -ETIMEDOUT : -errno;
  if (count == 0) return -ETIMEDOUT;
  int error = 0;
  socklen_t error_bytes = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0) return -errno;
  return -error;
}

static int dial_one(const struct bench_address *address, uint32_t source, uint64_t deadline_ns) {
  for (;;) {
    uint64_t now_ns = run_now_ns();
    if (now_ns >= deadline_ns) return -ETIMEDOUT;
    int fd = dial_begin(address, source);
    if (fd == -EAGAIN && address->kind == BENCH_ADDRESS_UNIX) {
      poll(NULL, 0, 1);
      continue;
    }
    if (fd < 0) return fd;
    int status = await_connect(fd, (int)((deadline_ns - now_ns) / 1000000) + 1);
    if (status == 0 && address->kind == BENCH_ADDRESS_TCP) {
      const int on = 1;
      if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) status = -errno;
    }
    if (status == 0) return fd;
    close(fd);
    return status;
  }
}

int dial_all(const struct bench_address *address, uint32_t count, int *out_fds) {
  uint64_t deadline_ns = run_now_ns() + kDialNs;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t source = count > DIAL_PER_SOURCE_MAX ? 1 + i / DIAL_PER_SOURCE_MAX : 0;
    out_fds[i] = dial_one(address, source, deadline_ns);
    if (out_fds[i] < 0) return run_fail("connection %u: connect: %s", i, strerror(-out_fds[i]));
  }
  return 0;
}
