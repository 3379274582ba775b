// The server of the examples; see its header.
#include "examples/embed/echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64, DRAIN_MS = 2000 };

static struct evnet_reactor *the_reactor;  // for the signal handler

static void on_signal(int number) {
  (void)number;
  evnet_reactor_stop(the_reactor, DRAIN_MS);  // async-signal-safe
}

static int listen_anywhere(uint16_t *out_port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
      listen(descriptor, BACKLOG) != 0 ||
      getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
    const int error = errno;
    if (descriptor >= 0) (void)close(descriptor);
    return -error;
  }
  *out_port = ntohs(address.sin_port);
  return descriptor;
}

int echo_create(const struct evnet_handler *handler, void *user,
                struct evnet_reactor **out_reactor) {
  uint16_t port = 0;
  int descriptor = listen_anywhere(&port);
  if (descriptor < 0) return descriptor;
  int status = evnet_reactor_create(handler, user, NULL, out_reactor);
  if (status == 0) {
    status = evnet_adopt(*out_reactor, descriptor, NULL, NULL);
    if (status < 0) evnet_reactor_destroy(*out_reactor);
  }
  if (status < 0) {
    (void)close(descriptor);
    return status;
  }
  the_reactor = *out_reactor;
  (void)signal(SIGTERM, on_signal);
  (void)signal(SIGINT, on_signal);
  printf("listening on tcp://127.0.0.1:%u\n", port);
  (void)fflush(stdout);
  return 0;
}

void echo_reply(struct evnet_conn *conn) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
}
