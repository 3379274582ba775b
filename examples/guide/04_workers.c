// Sends files of a directory; each line of a client names one: 04_workers [ADDRESS [DIRECTORY]]
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evnet/evnet.h"

enum { NAME_BYTES_MAX = 255, FILE_BYTES_MAX = 64 * 1024, DRAIN_MS = 5000 };

struct app {
  struct evnet_server *server;
  struct evnet_workers *workers;
  int directory;
};

struct job {
  const struct app *app;
  struct evnet_hold *hold;  // not the connection, because it may close while the work runs
  char name[NAME_BYTES_MAX + 1];
};

// Runs on a worker's thread, so it may block.
static void work(void *argument) {
  struct job *job = argument;
  char text[FILE_BYTES_MAX];
  const int file = openat(job->app->directory, job->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t size = file >= 0 ? read(file, text, sizeof text) : -1;
  if (size < 0) size = snprintf(text, sizeof text, "error: %s\n", evnet_status_message(-errno));
  if (file >= 0) close(file);
  struct evnet_server *server = job->app->server;
  const struct evnet_conn_id id = evnet_hold_id(job->hold);
  // If the reply cannot be posted, the client must not wait for it.
  if (evnet_async_write(server, id, text, (size_t)size, NULL, NULL) < 0)
    evnet_async_close(server, id, NULL, NULL);
  evnet_hold_release(job->hold);
  free(job);
}

// Takes one line. The hold lasts until the worker has replied.
static void submit(struct evnet_conn *conn, const struct app *app, const uint8_t *name,
                   size_t size) {
  struct job *job = calloc(1, sizeof *job);
  if (job != NULL && evnet_hold_take(conn, &job->hold) == 0) {
    job->app = app;
    memcpy(job->name, name, size);
    if (evnet_workers_submit(app->workers, work, job) == 0) return;
    evnet_hold_release(job->hold);
  }
  free(job);
  evnet_conn_write(conn, "error: busy\n", 12);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  while (evnet_conn_holds(conn) == 0) {
    const struct evnet_bytes in = evnet_conn_peek(conn);
    const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    const size_t size = end != NULL ? (size_t)(end - in.data) : in.size;
    if (size > NAME_BYTES_MAX) return EVNET_CLOSE;
    if (end == NULL) break;
    if (size == 0 || in.data[0] == '.' || memchr(in.data, '/', size) != NULL) {
      evnet_conn_write(conn, "error: not a name\n", 18);
    } else {
      submit(conn, user, in.data, size);
    }
    evnet_conn_discard(conn, size + 1);
  }
  return EVNET_NONE;
}

int main(int argc, char **argv) {
  const char *const addresses[] = {argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"};
  const struct evnet_handler handler = {.on_data = on_data};
  const struct evnet_workers_options workers = {.threads = 8, .queue_max = 100};
  const struct evnet_options options = {.holds_max = 1,
                                        .idle_timeout_ms = 60000,
                                        .log = evnet_log_stderr,
                                        .log_level = EVNET_LOG_INFO};
  struct app app = {.directory = open(argc > 2 ? argv[2] : ".", O_DIRECTORY | O_CLOEXEC)};
  int status = app.directory >= 0 ? 0 : -errno;
  if (status == 0) status = evnet_workers_create(&workers, &app.workers);
  if (status == 0)
    status = evnet_server_create(&handler, &app, addresses, 1, &options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_workers_destroy(app.workers);  // before the server, because late replies use it
  evnet_server_destroy(app.server);
  if (app.directory >= 0) close(app.directory);
  if (status < 0) fprintf(stderr, "04_workers: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
