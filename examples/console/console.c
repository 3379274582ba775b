// A server that is operated by hand: a thread reads commands from standard input and controls
// connections of all reactors by their ids. Other threads may hold ids, unlike pointers.
//
// A connection is paused after each line that it sends, until the operator says "next". Connections
// come from clients, from dials, and from commands that the operator runs ("run"): a child process
// gets one end of a socket pair, and the server adopts the other.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  PLACES_MAX = 100,
  LINE_BYTES_MAX = 1000,
};

extern char **environ;

static const char usage[] =
    "usage: console [OPTION...] [ADDRESS...]\n"
    "\n"
    "Prints the lines that clients send. A client may send the next line when the operator "
    "permits\n"
    "it. UDP is not supported. Standard input has commands, and its end stops the server:\n"
    "\n"
    "  next N           permits the next line of connection N\n"
    "  say N TEXT       sends a line to connection N\n"
    "  kick N           resets connection N\n"
    "  dial HOST PORT   connects to a TCP server\n"
    "  run COMMAND      runs a shell command, whose input and output are a connection\n"
    "\n";

// The connections by their numbers, which begin with 1. The mutex also keeps lines of stdout whole.
struct app {
  struct evnet_server *server;
  pthread_mutex_t mutex;
  bool is_used[PLACES_MAX];
  struct evnet_conn_id ids[PLACES_MAX];
  int quit[2];  // a pipe whose end of file ends the operator's thread
};

// Prints what a connection has done. Its number is 0 if it has no place.
static void print(struct app *app, const char *what, size_t number, const char *text) {
  (void)pthread_mutex_lock(&app->mutex);
  printf("%s %zu %s\n", what, number, text);
  fflush(stdout);
  (void)pthread_mutex_unlock(&app->mutex);
}

// Connections

static size_t number_of(const struct evnet_conn *conn) {
  return (size_t)(uintptr_t)evnet_conn_user(conn);
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  size_t place = 0;
  (void)pthread_mutex_lock(&app->mutex);
  while (place < PLACES_MAX && app->is_used[place]) place++;
  if (place < PLACES_MAX) {
    app->is_used[place] = true;
    app->ids[place] = evnet_conn_get_id(conn);
  }
  (void)pthread_mutex_unlock(&app->mutex);
  if (place == PLACES_MAX) return EVNET_CLOSE;
  evnet_conn_set_user(conn, (void *)(uintptr_t)(place + 1));
  char text[EVNET_ADDRESS_TEXT_BYTES];
  struct evnet_address address;
  evnet_conn_remote_address(conn, &address);
  evnet_address_format(&address, text, sizeof text);
  print(app, "open", place + 1, text);
  return EVNET_NONE;
}

// Prints one line. The others stay unread, and on_data gets them after "next".
static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
  const size_t size = end != NULL ? (size_t)(end - in.data) : in.size;
  if (size > LINE_BYTES_MAX) return EVNET_CLOSE;
  if (end == NULL) return EVNET_NONE;
  char line[LINE_BYTES_MAX + 1], shown[4 * LINE_BYTES_MAX + 1];
  memcpy(line, in.data, size);
  line[size] = '\0';
  evnet_conn_discard(conn, size + 1);
  print(user, "line", number_of(conn), evnet_text_escape(line, shown, sizeof shown));
  evnet_conn_pause_reading(conn);
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  struct app *app = user;
  const size_t number = number_of(conn);  // 0: a dial that failed
  print(app, "closed", number, evnet_status_message(reason));
  if (number == 0) return EVNET_NONE;
  (void)pthread_mutex_lock(&app->mutex);
  app->is_used[number - 1] = false;
  (void)pthread_mutex_unlock(&app->mutex);
  return EVNET_NONE;
}

// The operator, on a thread of its own

// Copies the id of a connection. Returns false if there is none with this number.
static bool find(struct app *app, const char *number, struct evnet_conn_id *out_id) {
  long place;
  if (!command_line_parse_number(number, 1, PLACES_MAX, &place)) return false;
  (void)pthread_mutex_lock(&app->mutex);
  const bool is_used = app->is_used[place - 1];
  if (is_used) *out_id = app->ids[place - 1];
  (void)pthread_mutex_unlock(&app->mutex);
  return is_used;
}

// A request by id has no effect if the connection has closed meanwhile; on_close has reported that.
static int say(struct app *app, struct evnet_conn_id id, char *text) {
  const size_t size = strlen(text);
  text[size] = '\n';
  const int status = evnet_async_write(app->server, id, text, size + 1, NULL, NULL);
  text[size] = '\0';
  return status;
}

static void on_adopted(struct evnet_conn_id id, int status, void *user) {
  (void)id;
  if (status < 0) print(user, "closed", 0, evnet_status_message(status));
}

static int run(struct app *app, const char *command) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) return -1;
  char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL};
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status = posix_spawn_file_actions_init(&actions);
  if (status == 0) {
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
    status = posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
  }
  (void)close(ends[1]);
  if (status == 0) status = evnet_server_adopt(app->server, ends[0], NULL, on_adopted, app);
  if (status != 0) (void)close(ends[0]);
  return status;
}

static int dial(struct app *app, const char *host, const char *port) {
  long number;
  if (!command_line_parse_number(port, 1, 65535, &number)) return -1;
  return evnet_server_dial_host(app->server, EVNET_TRANSPORT_TCP, host, (uint16_t)number, NULL,
                                NULL, NULL);
}

// Carries out a command. Returns 0, or another number if it is malformed or failed.
static int obey(struct app *app, char *line) {
  char *rest = strchr(line, ' ');
  if (rest == NULL) return -1;
  *rest++ = '\0';
  if (strcmp(line, "run") == 0) return run(app, rest);
  char *text = strchr(rest, ' ');
  if (text != NULL) *text++ = '\0';
  if (strcmp(line, "dial") == 0) return text != NULL ? dial(app, rest, text) : -1;
  struct evnet_conn_id id;
  if (!find(app, rest, &id)) return -1;
  if (strcmp(line, "next") == 0) return evnet_async_resume_reading(app->server, id, NULL, NULL);
  if (strcmp(line, "kick") == 0) return evnet_async_abort(app->server, id, NULL, NULL);
  return strcmp(line, "say") == 0 && text != NULL ? say(app, id, text) : -1;
}

// Carries out the complete lines in a buffer. Returns the size of the rest.
static size_t obey_lines(struct app *app, char *buffer, size_t size) {
  char *line = buffer;
  for (char *end; (end = memchr(line, '\n', (size_t)(buffer + size - line))) != NULL;
       line = end + 1) {
    *end = '\0';
    if (obey(app, line) != 0) fprintf(stderr, "console: '%s' failed\n", line);
  }
  const size_t rest = (size_t)(buffer + size - line);
  memmove(buffer, line, rest);
  return rest;
}

static void *operate(void *user) {
  struct app *app = user;
  char buffer[LINE_BYTES_MAX];
  size_t size = 0;
  struct pollfd waited[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = app->quit[0]}};
  while (poll(waited, 2, -1) >= 0 && waited[1].revents == 0) {
    const ssize_t got = read(STDIN_FILENO, buffer + size, sizeof buffer - size);
    if (got <= 0) break;
    size = obey_lines(app, buffer, size + (size_t)got);
    if (size == sizeof buffer) size = 0;  // too long a line
  }
  evnet_server_stop(app->server, COMMAND_LINE_DRAIN_MS);
  return NULL;
}

// The start

static int serve(struct app *app, const struct command_line *line) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                               .on_open = on_open,
                                               .on_data = on_data,
                                               .on_close = on_close};
  pthread_t operator;
  int status = evnet_server_create(&handler, app, line->addresses, line->address_count,
                                   &line->options, &app->server);
  if (status < 0) return status;
  status = evnet_server_stop_on_signal(app->server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0)
    status = evnet_server_stop_on_signal(app->server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = -pthread_create(&operator, NULL, operate, app);
  if (status == 0) {
    status = evnet_server_run(app->server);
    (void)close(app->quit[1]);
    (void)pthread_join(operator, NULL);
  }
  evnet_server_destroy(app->server);
  return status;
}

int main(int argc, char **argv) {
  static struct app app = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  struct command_line line = {.program = "console", .usage = usage, .no_udp = true, .user = &app};
  const int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;
  if (pipe(app.quit) < 0) return EXIT_FAILURE;
  // A child must not keep the pipe open.
  for (int i = 0; i < 2; i++) (void)fcntl(app.quit[i], F_SETFD, FD_CLOEXEC);
  (void)signal(SIGCHLD, SIG_IGN);  // the system reaps children
  return command_line_exit_code(&line, serve(&app, &line));
}
