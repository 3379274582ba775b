// Blocking work beside an event loop: a line that begins with "slow" takes a second of a worker's
// time, every other line is answered at once. One reactor serves them all, since it never waits.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/server/server.h"
#include "net/server/workers.h"

enum {
  WORKERS = 100,
  QUEUE_MAX = 200,  // beyond that a client is told "busy"
  LINE_BYTES_MAX = 4096,
  DRAIN_MS = 5000,
};

struct app {
  struct evnet_server *server;
  struct evnet_workers *workers;
};

struct job {
  struct evnet_server *server;
  struct evnet_conn_id id;
  size_t size;
  char line[];
};

static const char busy[] = "busy\n";

// On a worker's thread: the connection may close meanwhile, and then nothing happens.
static void work(void *argument) {
  struct job *job = argument;
  sleep(1);  // a database, a disk
  evnet_async_write(job->server, job->id, job->line, job->size, NULL, NULL);
  evnet_async_release(job->server, job->id);
  free(job);
}

static struct job *job_create(struct evnet_server *server, struct evnet_conn_id id,
                              struct evnet_bytes line) {
  struct job *job = malloc(sizeof *job + line.size);
  if (job == NULL) return NULL;
  job->server = server;
  job->id = id;
  job->size = line.size;
  memcpy(job->line, line.data, line.size);
  return job;
}

static void hand_over(struct evnet_conn *conn, const struct app *app, struct evnet_bytes line) {
  struct job *job = job_create(app->server, evnet_conn_id(conn), line);
  evnet_conn_hold(conn);  // an answer is owed: the peer's end and a stop wait for it
  if (job != NULL && evnet_workers_submit(app->workers, work, job) == 0) return;
  free(job);
  evnet_conn_release(conn);
  evnet_conn_write(conn, busy, sizeof busy - 1);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end;
  while (in.size > 0 && (end = memchr(in.data, '\n', in.size)) != NULL) {
    const struct evnet_bytes line = {.data = in.data, .size = (size_t)(end - in.data) + 1};
    if (line.size > 4 && memcmp(line.data, "slow", 4) == 0) {
      hand_over(conn, user, line);
    } else {
      evnet_conn_write(conn, line.data, line.size);
    }
    evnet_conn_discard(conn, line.size);
    in.data += line.size;
    in.size -= line.size;
  }
  return in.size > LINE_BYTES_MAX ? EVNET_CLOSE : EVNET_NONE;
}

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  (void)user;
  struct evnet_address address;
  char text[EVNET_ADDRESS_TEXT_BYTES];
  if (evnet_server_address(server, 0, &address) < 0) return EVNET_NONE;
  evnet_address_format(&address, text, sizeof text);
  printf("listening on %s\n", text);
  fflush(stdout);
  return EVNET_NONE;
}

static int serve(const char *address) {
  static const struct evnet_handler handler = {.on_boot = on_boot, .on_data = on_data};
  const struct evnet_options options = {.log = evnet_log_stderr};
  const struct evnet_workers_options workers_options = {.threads = WORKERS, .queue_max = QUEUE_MAX};
  struct app app = {0};
  int status = evnet_workers_create(&workers_options, &app.workers);
  if (status == 0) status = evnet_server_create(&handler, &app, &address, 1, &options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGINT, DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_workers_destroy(app.workers);  // before the server, which late answers name
  evnet_server_destroy(app.server);
  return status;
}

int main(int argc, char **argv) {
  if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
    fputs(
        "usage: blocking [ADDRESS]\n"
        "\n"
        "Sends every line back to its client: at once, or after a second if it begins with\n"
        "\"slow\". ADDRESS is tcp://127.0.0.1:9000 unless given.\n",
        argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : 2;
  }
  int status = serve(argc == 2 ? argv[1] : "tcp://127.0.0.1:9000");
  if (status < 0) fprintf(stderr, "blocking: %s\n", evnet_status_message(status));
  return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
