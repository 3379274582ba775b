// The start and the end of a floor: arguments, socket, signals; see floor.h.

#include "benchmarks/floor/floor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "benchmarks/address/address.h"

// The kernel limits it to net.core.somaxconn.
enum { FLOOR_BACKLOG = 4096 };

static int refused(const char *what) {
  int error = errno;
  fprintf(stderr, "floor: %s: %s\n", what, strerror(error));
  return -error;
}

// Opens, binds and listens. *address becomes the address that the kernel bound.
static int open_socket(struct bench_address *address) {
  int type = bench_address_socket_type(address);
  int fd = socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused("socket");
  const int on = 1;
  if (address->kind == BENCH_ADDRESS_TCP) {
    // On Linux, accepted sockets inherit TCP_NODELAY from the listener, so they need no call.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
      return refused("setsockopt");
    }
  }
  if (bind(fd, (struct sockaddr *)&address->storage, address->size_bytes) < 0) {
    return refused("bind");
  }
  if (type == SOCK_STREAM && listen(fd, FLOOR_BACKLOG) < 0) return refused("listen");
  address->size_bytes = sizeof(address->storage);
  if (getsockname(fd, (struct sockaddr *)&address->storage, &address->size_bytes) < 0) {
    return refused("getsockname");
  }
  return fd;
}

// Reads signals from a descriptor, which needs no flag, no EINTR and no epoll_pwait. So signals
// cost nothing on the path of a request.
static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return refused("sigprocmask");
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return fd < 0 ? refused("signalfd") : fd;
}

static int watch(struct floor *floor, int fd, uint32_t events, void *key) {
  struct epoll_event event = {.events = events, .data = {.ptr = key}};
  return epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? refused("epoll_ctl") : 0;
}

static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(struct floor *floor, struct bench_address *address, floor_run *run) {
  floor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (floor->epoll_fd < 0) return refused("epoll_create1");
  floor->signal_fd = open_signals();
  if (floor->signal_fd < 0) return floor->signal_fd;
  floor->socket_fd = open_socket(address);
  if (floor->socket_fd < 0) return floor->socket_fd;

  bool datagrams = address->kind == BENCH_ADDRESS_UDP;
  // A listener is level-triggered in both floors, because a turn may leave connections to accept.
  uint32_t events = EPOLLIN;
  if (datagrams && floor->trigger == FLOOR_EDGE) events |= EPOLLET;
  int status = watch(floor, floor->signal_fd, EPOLLIN, &floor->signal_fd);
  if (status == 0) status = watch(floor, floor->socket_fd, events, &floor->socket_fd);
  if (status < 0) return status;

  char text[BENCH_ADDRESS_TEXT_BYTES];
  bench_address_format(address, text);
  printf("listening on %s\n", text);
  fflush(stdout);
  status = datagrams ? floor_datagram_run(floor) : run(floor);

  const struct sockaddr_un *un = (const struct sockaddr_un *)&address->storage;
  if (address->kind == BENCH_ADDRESS_UNIX && un->sun_path[0] != '\0') unlink(un->sun_path);
  return status;
}

int floor_main(int argc, char **argv, enum floor_trigger trigger, floor_run *run) {
  static struct floor floor;  // too large for the stack
  struct bench_address address;
  if (argc != 2 || bench_address_parse(argv[1], &address) < 0) {
    fprintf(stderr, "usage: %s tcp://HOST:PORT | udp://HOST:PORT | unix://PATH | unix://@NAME\n",
            argv[0]);
    return 2;
  }
  if (address.kind == BENCH_ADDRESS_UDP && run != floor_stream_run) {
    fprintf(stderr, "%s: '%s' is a UDP address, which this server does not take\n", argv[0],
            argv[1]);
    return 2;
  }
  floor.trigger = trigger;
  raise_descriptor_limit();
  return serve(&floor, &address, run) < 0 ? 1 : 0;
}
