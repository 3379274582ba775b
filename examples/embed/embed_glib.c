// evnet and GLib on one thread: embed_glib host runs a reactor inside GLib's main loop, embed_glib
// guest runs GLib's main loop inside a reactor.
//
// Either way the program is a server that replies after 20 ms. evnet has the connections, and GLib
// has the timers.
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/embed/echo.h"

// The server

static struct guest *the_guest;  // NULL: GLib is the host

static void guest_prepare(struct guest *guest);

static gboolean on_timeout(gpointer user) {
  struct evnet_conn *conn = user;
  evnet_conn_set_user(conn, NULL);
  echo_reply(conn);
  return G_SOURCE_REMOVE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  if (evnet_conn_user(conn) != NULL) return EVNET_NONE;  // a reply is under way
  const guint source = g_timeout_add(ECHO_DELAY_MS, on_timeout, conn);
  evnet_conn_set_user(conn, GUINT_TO_POINTER(source));
  if (the_guest != NULL) guest_prepare(the_guest);  // GLib has a new timeout
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  const guint source = GPOINTER_TO_UINT(evnet_conn_user(conn));
  if (source != 0) (void)g_source_remove(source);
  return EVNET_NONE;
}

static const struct evnet_handler handler = {.on_data = on_data, .on_close = on_close};

// A reactor inside GLib: a source that polls the reactor's descriptor

struct host {
  GSource source;  // first, because GLib passes it to the functions
  struct evnet_reactor *reactor;
  GMainLoop *loop;
  GPollFD polled;
};

static gboolean host_prepare(GSource *source, gint *timeout_ms) {
  const int64_t wait_ms = evnet_reactor_wait_ms(((struct host *)source)->reactor);
  *timeout_ms = wait_ms > G_MAXINT ? G_MAXINT : (gint)wait_ms;
  return wait_ms == 0;
}

static gboolean host_check(GSource *source) {
  struct host *host = (struct host *)source;
  return host->polled.revents != 0 || evnet_reactor_wait_ms(host->reactor) == 0;
}

static gboolean host_dispatch(GSource *source, GSourceFunc callback, gpointer user) {
  (void)callback;
  (void)user;
  struct host *host = (struct host *)source;
  if (evnet_reactor_turn(host->reactor, 0) > 0) return G_SOURCE_CONTINUE;
  g_main_loop_quit(host->loop);
  return G_SOURCE_REMOVE;
}

static int run_in_glib(struct evnet_reactor *reactor) {
  static GSourceFuncs functions = {
      .prepare = host_prepare, .check = host_check, .dispatch = host_dispatch};
  const int descriptor = evnet_reactor_descriptor(reactor);
  if (descriptor < 0) return descriptor;
  struct host *host = (struct host *)g_source_new(&functions, sizeof *host);
  host->reactor = reactor;
  host->loop = g_main_loop_new(NULL, FALSE);
  host->polled = (GPollFD){.fd = descriptor, .events = G_IO_IN};
  g_source_add_poll(&host->source, &host->polled);
  (void)g_source_attach(&host->source, NULL);
  g_main_loop_run(host->loop);
  g_main_loop_unref(host->loop);
  g_source_destroy(&host->source);
  g_source_unref(&host->source);
  return 0;
}

// GLib inside a reactor: a watch for each descriptor of the context, and a timer for its timeout

enum { POLLED_MAX = 64 };

struct guest {
  struct evnet_reactor *reactor;
  GMainContext *context;
  gint priority;
  GPollFD polled[POLLED_MAX];  // count of them
  gint count;
  struct evnet_watcher watchers[POLLED_MAX];
  struct evnet_timer timer;  // GLib's timeout, or an iteration in the next turn
};

// One iteration of GLib: takes the results, calls the callbacks, and prepares the next one.
static void guest_iterate(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct guest *guest = user;
  if (g_main_context_check(guest->context, guest->priority, guest->polled, guest->count))
    g_main_context_dispatch(guest->context);
  guest_prepare(guest);
}

// Several descriptors may be ready in a turn. The iteration follows them, in the next turn.
static void guest_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  struct guest *guest = user;
  if (events == EVNET_WATCH_ENDED) return;
  guest->polled[watcher - guest->watchers].revents = (gushort)events;  // poll(2)'s values, too
  evnet_watch_stop(watcher);
  evnet_timer_start(guest->reactor, &guest->timer, 0, guest_iterate, guest);
}

static void guest_stop(struct guest *guest) {
  for (gint i = 0; i < guest->count; i++) evnet_watch_stop(&guest->watchers[i]);
  evnet_timer_stop(guest->reactor, &guest->timer);
}

// Called after each iteration, and when a callback of evnet has given GLib something to wait for.
static void guest_prepare(struct guest *guest) {
  gint timeout_ms;
  guest_stop(guest);
  const gboolean is_ready = g_main_context_prepare(guest->context, &guest->priority);
  guest->count =
      g_main_context_query(guest->context, guest->priority, &timeout_ms, guest->polled, POLLED_MAX);
  if (guest->count > POLLED_MAX) abort();
  for (gint i = 0; i < guest->count; i++) {
    GPollFD *polled = &guest->polled[i];
    polled->revents = 0;
    const uint32_t events = polled->events & (EVNET_READABLE | EVNET_WRITABLE);
    if (events != 0 && evnet_watch(guest->reactor, polled->fd, events, guest_ready, guest,
                                   &guest->watchers[i]) < 0)
      polled->revents = G_IO_ERR;
  }
  if (is_ready) timeout_ms = 0;
  if (timeout_ms >= 0)
    evnet_timer_start(guest->reactor, &guest->timer, (uint64_t)timeout_ms, guest_iterate, guest);
}

static int run_glib_inside(struct evnet_reactor *reactor) {
  struct guest guest = {.reactor = reactor, .context = g_main_context_default()};
  if (!g_main_context_acquire(guest.context)) return -1;
  the_guest = &guest;
  guest_prepare(&guest);
  const int status = evnet_reactor_run(reactor);
  the_guest = NULL;
  guest_stop(&guest);
  g_main_context_release(guest.context);
  return status;
}

int main(int argc, char **argv) {
  const bool is_guest = argc == 2 && strcmp(argv[1], "guest") == 0;
  if (!is_guest && (argc != 2 || strcmp(argv[1], "host") != 0)) {
    fprintf(stderr, "usage: embed_glib host|guest\n");
    return 2;
  }
  struct evnet_reactor *reactor;
  int status = echo_create(&handler, NULL, &reactor);
  if (status == 0) {
    status = is_guest ? run_glib_inside(reactor) : run_in_glib(reactor);
    evnet_reactor_destroy(reactor);
  }
  if (status < 0) fprintf(stderr, "embed_glib: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
