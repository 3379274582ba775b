// evnet and libuv on one thread: embed_uv host runs a reactor inside a libuv loop, embed_uv guest
// runs a libuv loop inside a reactor.
//
// Either way the program is a server that replies after 20 ms. evnet has the connections, and libuv
// has the timers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "evnet/evnet.h"
#include "examples/embed/echo.h"

// The server

struct app {
  uv_loop_t loop;
  struct evnet_reactor *reactor;

  // libuv is the host:
  uv_poll_t poll;        // of the reactor's descriptor
  uv_prepare_t prepare;  // runs before libuv waits
  uv_timer_t deadline;   // when the next turn is due

  // libuv is the guest:
  struct evnet_watcher watcher;  // of libuv's descriptor
  struct evnet_timer timer;      // libuv's timeout
  bool is_guest;
};

// A reply under way. libuv closes its timer later than evnet closes the connection.
struct reply {
  uv_timer_t timer;
  struct evnet_conn *conn;
  struct app *app;
};

static void guest_prepare(struct app *app);

static void free_reply(uv_handle_t *timer) { free(timer->data); }

static void end_reply(struct reply *reply) {
  evnet_conn_set_user(reply->conn, NULL);
  uv_close((uv_handle_t *)&reply->timer, free_reply);
}

static void on_timeout(uv_timer_t *timer) {
  struct reply *reply = timer->data;
  echo_reply(reply->conn);
  end_reply(reply);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  if (evnet_conn_user(conn) != NULL) return EVNET_NONE;
  struct reply *reply = calloc(1, sizeof *reply);
  if (reply == NULL) return EVNET_CLOSE;
  reply->conn = conn;
  reply->app = app;
  evnet_conn_set_user(conn, reply);
  uv_update_time(&app->loop);
  (void)uv_timer_init(&app->loop, &reply->timer);
  reply->timer.data = reply;
  (void)uv_timer_start(&reply->timer, on_timeout, ECHO_DELAY_MS, 0);
  if (app->is_guest) guest_prepare(app);  // libuv has a new timeout
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  struct app *app = user;
  struct reply *reply = evnet_conn_user(conn);
  if (reply != NULL) end_reply(reply);
  if (app->is_guest) guest_prepare(app);
  return EVNET_NONE;
}

static const struct evnet_handler handler = {.on_data = on_data, .on_close = on_close};

// A reactor inside libuv

static void host_close(struct app *app) {
  uv_close((uv_handle_t *)&app->poll, NULL);
  uv_close((uv_handle_t *)&app->prepare, NULL);
  uv_close((uv_handle_t *)&app->deadline, NULL);
}

// The reactor's next turn. The stop of the reactor ends uv_run, because no handle is left.
static void host_turn(struct app *app) {
  if (uv_is_closing((uv_handle_t *)&app->poll)) return;
  if (evnet_reactor_turn(app->reactor, 0) <= 0) host_close(app);
}

static void host_due(uv_timer_t *timer) { host_turn(timer->data); }

static void host_ready(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  host_turn(poll->data);
}

// libuv has run its callbacks, and computes how long it waits after this one.
static void host_prepare(uv_prepare_t *prepare) {
  struct app *app = prepare->data;
  const int64_t wait_ms = evnet_reactor_wait_ms(app->reactor);
  if (wait_ms < 0) {
    (void)uv_timer_stop(&app->deadline);
    return;
  }
  uv_update_time(&app->loop);
  (void)uv_timer_start(&app->deadline, host_due, (uint64_t)wait_ms, 0);
}

static int run_in_libuv(struct app *app) {
  const int descriptor = evnet_reactor_descriptor(app->reactor);
  if (descriptor < 0) return descriptor;
  int status = uv_poll_init(&app->loop, &app->poll, descriptor);
  if (status < 0) return status;
  app->poll.data = app->prepare.data = app->deadline.data = app;
  (void)uv_prepare_init(&app->loop, &app->prepare);
  (void)uv_timer_init(&app->loop, &app->deadline);
  status = uv_poll_start(&app->poll, UV_READABLE, host_ready);
  if (status == 0) status = uv_prepare_start(&app->prepare, host_prepare);
  if (status < 0) host_close(app);
  (void)uv_run(&app->loop, UV_RUN_DEFAULT);
  return status;
}

// libuv inside a reactor

static void guest_run(struct app *app) {
  (void)uv_run(&app->loop, UV_RUN_NOWAIT);
  guest_prepare(app);
}

static void guest_due(struct evnet_timer *timer, void *user) {
  (void)timer;
  guest_run(user);
}

static void guest_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  (void)watcher;
  if (events != EVNET_WATCH_ENDED) guest_run(user);
}

// Called after each run, and when a callback of evnet has started or closed a timer of libuv. A
// callback that starts I/O of libuv needs a run instead, by a timer of 0 ms, because libuv passes
// its new descriptors to epoll only in uv_run.
static void guest_prepare(struct app *app) {
  // Without handles, uv_backend_timeout returns 0.
  const int timeout_ms = uv_loop_alive(&app->loop) ? uv_backend_timeout(&app->loop) : -1;
  if (timeout_ms < 0) {
    evnet_timer_stop(app->reactor, &app->timer);
  } else {
    evnet_timer_start(app->reactor, &app->timer, (uint64_t)timeout_ms, guest_due, app);
  }
}

static int run_libuv_inside(struct app *app) {
  int status = evnet_watch(app->reactor, uv_backend_fd(&app->loop), EVNET_READABLE, guest_ready,
                           app, &app->watcher);
  if (status < 0) return status;
  guest_run(app);
  status = evnet_reactor_run(app->reactor);
  evnet_timer_stop(app->reactor, &app->timer);
  app->is_guest = false;
  (void)uv_run(&app->loop, UV_RUN_DEFAULT);  // closes the handles that were left
  return status;
}

int main(int argc, char **argv) {
  static struct app app;
  app.is_guest = argc == 2 && strcmp(argv[1], "guest") == 0;
  if (!app.is_guest && (argc != 2 || strcmp(argv[1], "host") != 0)) {
    fprintf(stderr, "usage: embed_uv host|guest\n");
    return 2;
  }
  int status = uv_loop_init(&app.loop);
  if (status == 0) status = echo_create(&handler, &app, &app.reactor);
  if (status == 0) {
    status = app.is_guest ? run_libuv_inside(&app) : run_in_libuv(&app);
    evnet_reactor_destroy(app.reactor);
    (void)uv_loop_close(&app.loop);
  }
  if (status < 0) fprintf(stderr, "embed_uv: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
