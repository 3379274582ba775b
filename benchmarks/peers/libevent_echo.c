// An echo server on libevent's bufferevents, written for speed: it moves the bytes from the input
// to the output buffer without a copy. It takes one tcp:// address, as the floors do, and runs
// until SIGTERM or SIGINT.

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "benchmarks/address/address.h"

// The size of evnet's receive block; libevent's default is 16 KiB.
enum { TURN_BYTES_MAX = 256 * 1024, BACKLOG = 4096 };

static void on_read(struct bufferevent *peer, void *user) {
  (void)user;
  evbuffer_add_buffer(bufferevent_get_output(peer), bufferevent_get_input(peer));
}

static void on_event(struct bufferevent *peer, short events, void *user) {
  (void)user;
  if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) bufferevent_free(peer);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int size, void *user) {
  (void)address;
  (void)size;
  (void)user;
  struct bufferevent *peer =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  if (peer == NULL) {
    evutil_closesocket(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  bufferevent_set_max_single_read(peer, TURN_BYTES_MAX);
  bufferevent_set_max_single_write(peer, TURN_BYTES_MAX);
  bufferevent_setcb(peer, on_read, NULL, on_event, NULL);
  bufferevent_enable(peer, EV_READ | EV_WRITE);
}

static void on_signal(evutil_socket_t number, short events, void *user) {
  (void)number;
  (void)events;
  event_base_loopbreak(user);
}

static int serve(struct bench_address *address) {
  struct event_base *base = event_base_new();
  if (base == NULL) return -1;
  struct evconnlistener *listener = evconnlistener_new_bind(
      base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, BACKLOG,
      (struct sockaddr *)&address->storage, (int)address->size_bytes);
  if (listener == NULL) return -1;
  const int numbers[] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2; i++) {
    struct event *event = evsignal_new(base, numbers[i], on_signal, base);
    if (event == NULL || event_add(event, NULL) < 0) return -1;
  }
  address->size_bytes = sizeof(address->storage);
  if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address->storage,
                  &address->size_bytes) < 0) {
    return -1;
  }
  char text[BENCH_ADDRESS_TEXT_BYTES];
  bench_address_format(address, text);
  printf("listening on %s\n", text);
  fflush(stdout);
  return event_base_dispatch(base);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("libevent %s\n", event_get_version());
    return 0;
  }
  struct bench_address address;
  if (argc != 2 || bench_address_parse(argv[1], &address) < 0 ||
      address.kind != BENCH_ADDRESS_TCP) {
    fprintf(stderr, "usage: %s tcp://HOST:PORT | --version\n", argv[0]);
    return 2;
  }
  if (serve(&address) < 0) {
    perror("libevent_echo");
    return 1;
  }
  return 0;
}
