// Blocking work beside an event loop. A line that begins with "slow" occupies a worker thread for a
// second; the reactor replies to any other line immediately. One reactor is enough for all clients,
// because it never blocks. Over UDP, each datagram is a line.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  WORKERS = 100,
  QUEUE_MAX = 200,  // jobs that wait for a worker; beyond this the reply is "busy"
  LINE_BYTES_MAX = 4096,
};

struct app {
  struct evnet_server *server;
  struct evnet_workers *workers;
};

struct job {
  struct evnet_server *server;
  struct evnet_conn_id id;
  struct evnet_address peer;   // UDP: the sender of the request
  struct evnet_address asked;  // UDP: the address that received it; the reply is sent from it
  size_t size;
  char line[];
};

static const char busy[] = "busy\n";

// Runs on a worker's thread. If the connection has closed meanwhile, the write and the release have
// no effect.
static void work(void *argument) {
  struct job *job = argument;
  sleep(1);  // stands in for a database or a disk
  if (job->peer.transport == EVNET_TRANSPORT_UDP) {
    evnet_async_send_from(job->server, job->id, &job->asked, &job->peer, job->line, job->size, NULL,
                          NULL);
  } else {
    evnet_async_write(job->server, job->id, job->line, job->size, NULL, NULL);
  }
  evnet_async_release(job->server, job->id);
  free(job);
}

static struct job *job_create(struct evnet_server *server, const struct evnet_conn *conn,
                              struct evnet_bytes line) {
  struct job *job = malloc(sizeof *job + line.size);
  if (job == NULL) return NULL;
  job->server = server;
  job->id = evnet_conn_get_id(conn);
  evnet_conn_remote_address(conn, &job->peer);
  if (evnet_conn_local_address(conn, &job->asked) < 0) job->asked = (struct evnet_address){0};
  job->size = line.size;
  memcpy(job->line, line.data, line.size);
  return job;
}

static void hand_over(struct evnet_conn *conn, const struct app *app, struct evnet_bytes line) {
  struct job *job = job_create(app->server, conn, line);
  evnet_conn_hold(conn);  // a reply is owed: half-close and shutdown wait for it
  if (job != NULL && evnet_workers_submit(app->workers, work, job) == 0) return;
  free(job);
  evnet_conn_release(conn);
  evnet_conn_write(conn, busy, sizeof busy - 1);
}

static void answer(struct evnet_conn *conn, const struct app *app, struct evnet_bytes line) {
  if (line.size > 4 && memcmp(line.data, "slow", 4) == 0) {
    hand_over(conn, app, line);
  } else {
    evnet_conn_write(conn, line.data, line.size);
  }
}

static bool is_datagram(const struct evnet_conn *conn) {
  struct evnet_address peer;
  evnet_conn_remote_address(conn, &peer);
  return peer.transport == EVNET_TRANSPORT_UDP;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct evnet_bytes in = evnet_conn_peek(conn);
  if (is_datagram(conn)) {
    answer(conn, user, in);
    return EVNET_NONE;
  }
  const uint8_t *end;
  while (in.size > 0 && (end = memchr(in.data, '\n', in.size)) != NULL) {
    const struct evnet_bytes line = {.data = in.data, .size = (size_t)(end - in.data) + 1};
    answer(conn, user, line);
    evnet_conn_discard(conn, line.size);
    in.data += line.size;
    in.size -= line.size;
  }
  return in.size > LINE_BYTES_MAX ? EVNET_CLOSE : EVNET_NONE;
}

static int serve(const struct command_line *line) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot, .on_data = on_data};
  const struct evnet_workers_options workers_options = {.threads = WORKERS, .queue_max = QUEUE_MAX};
  struct app app = {0};
  int status = evnet_workers_create(&workers_options, &app.workers);
  if (status == 0)
    status = evnet_server_create(&handler, &app, line->addresses, line->address_count,
                                 &line->options, &app.server);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(app.server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(app.server);
  evnet_workers_destroy(app.workers);  // before the server, because running jobs use the server
  evnet_server_destroy(app.server);
  return status;
}

static const char usage[] =
    "usage: blocking [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends every line, and every datagram, back to its client: immediately, or after a\n"
    "second if it begins with \"slow\".\n";

int main(int argc, char **argv) {
  struct command_line line = {.program = "blocking", .usage = usage};
  int exit_code = command_line_parse(&line, argc, argv);
  return exit_code >= 0 ? exit_code : command_line_exit_code(&line, serve(&line));
}
