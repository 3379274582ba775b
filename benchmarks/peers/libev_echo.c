// An echo server on libev, written for speed: all connections share one receive buffer, and it
// sends before it copies bytes. It takes one tcp:// or unix:// address, as the floors do, and runs
// until SIGTERM or SIGINT. libev only reports readiness, so this file calls recv and send itself.

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/address/address.h"

// The size of evnet's receive block, with its alignment.
enum { BUFFER_BYTES = 256 * 1024, BUFFER_ALIGN = 4096, BACKLOG = 4096, ACCEPTS_PER_TURN_MAX = 64 };

static _Alignas(BUFFER_ALIGN) char buffer[BUFFER_BYTES];

struct peer {
  ev_io readable;
  ev_io writable;
  // Bytes that the kernel did not take. While there are any, the peer is not read.
  char *rest;
  size_t rest_bytes;
  size_t rest_sent_bytes;
};

static void peer_close(struct ev_loop *loop, struct peer *peer) {
  ev_io_stop(loop, &peer->readable);
  ev_io_stop(loop, &peer->writable);
  close(peer->readable.fd);
  free(peer->rest);
  free(peer);
}

// Returns the number of bytes that the kernel took; -1 for an error of the connection.
static ssize_t send_some(int fd, const char *data, size_t size) {
  const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return sent;
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events) {
  (void)events;
  struct peer *peer = watcher->data;
  const ssize_t sent = send_some(watcher->fd, peer->rest + peer->rest_sent_bytes,
                                 peer->rest_bytes - peer->rest_sent_bytes);
  if (sent < 0) {
    peer_close(loop, peer);
    return;
  }
  peer->rest_sent_bytes += (size_t)sent;
  if (peer->rest_sent_bytes < peer->rest_bytes) return;
  free(peer->rest);
  peer->rest = NULL;
  ev_io_stop(loop, &peer->writable);
  ev_io_start(loop, &peer->readable);
}

static int keep_rest(struct ev_loop *loop, struct peer *peer, const char *data, size_t size) {
  peer->rest = malloc(size);
  if (peer->rest == NULL) return -1;
  memcpy(peer->rest, data, size);
  peer->rest_bytes = size;
  peer->rest_sent_bytes = 0;
  ev_io_stop(loop, &peer->readable);
  ev_io_start(loop, &peer->writable);
  return 0;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events) {
  (void)events;
  struct peer *peer = watcher->data;
  const ssize_t got = recv(watcher->fd, buffer, sizeof(buffer), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  ssize_t sent = got > 0 ? send_some(watcher->fd, buffer, (size_t)got) : -1;
  if (sent >= 0 && sent < got && keep_rest(loop, peer, buffer + sent, (size_t)(got - sent)) < 0) {
    sent = -1;
  }
  if (sent < 0) peer_close(loop, peer);
}

static void on_connection(struct ev_loop *loop, ev_io *watcher, int events) {
  (void)events;
  for (int i = 0; i < ACCEPTS_PER_TURN_MAX; i++) {
    const int fd = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL) {
      close(fd);
      return;
    }
    ev_io_init(&peer->readable, on_readable, fd, EV_READ);
    ev_io_init(&peer->writable, on_writable, fd, EV_WRITE);
    peer->readable.data = peer->writable.data = peer;
    ev_io_start(loop, &peer->readable);
  }
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events) {
  (void)watcher;
  (void)events;
  ev_break(loop, EVBREAK_ALL);
}

// Returns a listening socket, or -1 with errno. *address becomes the address that the kernel bound.
static int open_listener(struct bench_address *address) {
  const int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd < 0) return -1;
  // On Linux, accepted sockets inherit TCP_NODELAY from the listener.
  if (address->kind == BENCH_ADDRESS_TCP &&
      (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
       setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)) {
    return -1;
  }
  if (bind(fd, (struct sockaddr *)&address->storage, address->size_bytes) < 0) return -1;
  if (listen(fd, BACKLOG) < 0) return -1;
  address->size_bytes = sizeof(address->storage);
  if (getsockname(fd, (struct sockaddr *)&address->storage, &address->size_bytes) < 0) return -1;
  return fd;
}

static int serve(struct bench_address *address) {
  struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
  const int fd = open_listener(address);
  if (loop == NULL || fd < 0) return -1;
  ev_io listener;
  ev_io_init(&listener, on_connection, fd, EV_READ);
  ev_io_start(loop, &listener);
  ev_signal signals[2];
  const int numbers[] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2; i++) {
    ev_signal_init(&signals[i], on_signal, numbers[i]);
    ev_signal_start(loop, &signals[i]);
  }
  char text[BENCH_ADDRESS_TEXT_BYTES];
  bench_address_format(address, text);
  printf("listening on %s\n", text);
  fflush(stdout);
  ev_run(loop, 0);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("libev %d.%d\n", ev_version_major(), ev_version_minor());
    return 0;
  }
  struct bench_address address;
  if (argc != 2 || bench_address_parse(argv[1], &address) < 0 ||
      address.kind == BENCH_ADDRESS_UDP) {
    fprintf(stderr, "usage: %s tcp://HOST:PORT | unix://PATH | --version\n", argv[0]);
    return 2;
  }
  if (serve(&address) < 0) {
    perror("libev_echo");
    return 1;
  }
  return 0;
}
