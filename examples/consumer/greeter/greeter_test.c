// Starts the server on a free port and exchanges lines with it through a blocking socket.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "greeter/greeter.h"
#include "net/server/server.h"

// An assertion that NDEBUG does not disable.
#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                      \
    }                                                                               \
  } while (0)

static int dial(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  // If the server does not reply, the test fails instead of hanging.
  struct timeval limit = {.tv_sec = 10};
  CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons(port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

static void send_text(int fd, const char *text) {
  CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void expect_text(int fd, const char *text) {
  char received[256];
  size_t size = strlen(text);
  CHECK(size <= sizeof received);
  CHECK(recv(fd, received, size, MSG_WAITALL) == (ssize_t)size);
  CHECK(memcmp(received, text, size) == 0);
}

int main(void) {
  struct evnet_server *server;
  uint16_t port = 0;
  CHECK(greeter_start(0, &server, &port) == 0);
  CHECK(port != 0);

  int fd = dial(port);
  send_text(fd, "world\nagain");
  expect_text(fd, "hello, world\n");
  send_text(fd, " and again\n");
  expect_text(fd, "hello, again and again\n");
  // The compiler included the consumer's own headers, not evnet's headers of the same names.
  CHECK(server_reply_size(strlen("world\n")) == strlen("hello, world\n"));

  // After a half-close, the server sends its last reply and closes.
  send_text(fd, "last\n");
  CHECK(shutdown(fd, SHUT_WR) == 0);
  expect_text(fd, "hello, last\n");
  char byte;
  CHECK(recv(fd, &byte, 1, 0) == 0);
  close(fd);

  CHECK(evnet_server_stop(server, 1000) == 0);
  CHECK(evnet_server_wait(server) == 0);
  evnet_server_destroy(server);
  return 0;
}
