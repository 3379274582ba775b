// Opens files for processes that may not: 14_passing DIRECTORY [ADDRESS]
//
// A client sends a file name and a line feed. The answer is "ok\n" with a descriptor of the file, or
// "no\n". A client may send a descriptor of its own with a line; the answer then is the file's size.
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evnet/evnet.h"

enum { NAME_BYTES_MAX = 255, DRAIN_MS = 1000 };

struct app {
  int directory;
};

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  return evnet_conn_accept_descriptors(conn, 1) == 0 ? EVNET_NONE : EVNET_CLOSE;
}

// Answers the size of a file that the client has passed. fstat(2) works on any kind of descriptor,
// and does not block.
static void answer_size(struct evnet_conn *conn, int descriptor) {
  struct stat status;
  char line[32];
  const int size = fstat(descriptor, &status) == 0
                       ? snprintf(line, sizeof line, "%" PRIdMAX "\n", (intmax_t)status.st_size)
                       : snprintf(line, sizeof line, "no\n");
  close(descriptor);
  evnet_conn_write(conn, line, (size_t)size);
}

// Names with a slash are refused, and symbolic links are not followed.
static enum evnet_action answer_open(struct evnet_conn *conn, const struct app *app,
                                     const char *name) {
  const int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
  const int file = strchr(name, '/') == NULL ? openat(app->directory, name, flags) : -1;
  if (file < 0) {
    evnet_conn_write(conn, "no\n", 3);
    return EVNET_NONE;
  }
  const ssize_t sent = evnet_conn_send_descriptor(conn, file, "ok\n", 3);
  close(file);  // the client has a duplicate
  // A client that sends names and does not read has filled its socket.
  return sent < 0 ? EVNET_CLOSE : EVNET_NONE;
}

// Takes the next line, without its line feed. Returns 1, 0 if it is not complete, or -1 if it cannot
// be a name.
static int take_line(struct evnet_conn *conn, char name[NAME_BYTES_MAX + 1]) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
  if (end == NULL) return in.size > NAME_BYTES_MAX ? -1 : 0;
  const size_t size = (size_t)(end - in.data);
  if (size > NAME_BYTES_MAX || memchr(in.data, '\0', size) != NULL) return -1;
  memcpy(name, in.data, size);
  name[size] = '\0';
  evnet_conn_discard(conn, size + 1);
  return 1;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  char name[NAME_BYTES_MAX + 1];
  int taken;
  enum evnet_action action = EVNET_NONE;
  while (action == EVNET_NONE && (taken = take_line(conn, name)) != 0) {
    if (taken < 0) return EVNET_CLOSE;
    const int descriptor = evnet_conn_take_descriptor(conn);
    if (descriptor >= 0) {
      answer_size(conn, descriptor);
    } else {
      action = answer_open(conn, user, name);
    }
  }
  return action;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: 14_passing DIRECTORY [ADDRESS]\n");
    return 2;
  }
  struct app app = {.directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (app.directory < 0) {
    perror(argv[1]);
    return 1;
  }
  const char *const addresses[] = {argc > 2 ? argv[2] : "unix:///tmp/evnet-passing"};
  const struct evnet_handler handler = {.on_open = on_open, .on_data = on_data};
  const struct evnet_options options = {.log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &app, addresses, 1, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  close(app.directory);
  if (status < 0) fprintf(stderr, "14_passing: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
