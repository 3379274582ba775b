// A server's threads, from start to shutdown.
//
//   reactor 0 (the caller of run, or a thread)             reactors 1 to N-1, a thread each
//   create the reactor                                     create the reactor, report
//   wait for all reports; bind                    ----->   with reuse_port: bind, report
//   wait for all reports; on_boot                 ----->   on_reactor_boot; or exit, if it failed
//   on_reactor_boot; on_tick; accept; run                  accept and run; on_reactor_shutdown
//   stopped: join the others; on_shutdown         <-----   stopped: exit
//
// Each reactor is created on its own thread, because a kernel interface may be bound to the thread
// that created it.
#include <errno.h>

#include "net/base/assert.h"
#include "net/base/thread.h"
#include "net/server/internal/affinity.h"
#include "net/server/internal/state.h"

// The server that runs a reactor on this thread, or NULL.
static _Thread_local const struct evnet_server *server_of_this_thread;

// Starting

static int create_thread(struct server_reactor *self, void *(*main)(void *)) {
  int status = evnet_thread_create(&self->thread, main, self);
  self->has_thread = status == 0;
  if (status == 0) return 0;
  const char *message = status == -EAGAIN ? "a limit on threads or memory is reached (ulimit -u or "
                                            "-v, or pids.max of the cgroup)"
                                          : evnet_status_message(status);
  evnet_log(&self->server->logger, EVNET_LOG_ERROR, "cannot create the thread of reactor %u: %s",
            self->index, message);
  return status;
}

int server_create_reactor(struct server_reactor *self) {
  struct evnet_server *server = self->server;
  const struct evnet_reactor_owner owner = {
      .context = self,
      .reactor_index = self->index,
      .admit = server_admit,
      .not_admitted = server_not_admitted,
      .accepted = server_accepted,
      .claim = server_claim,
      .unclaim = server_unclaim,
      .closed = server_closed,
      .closing = server_closing,
      .drained = server_drained,
      .shutdown = server_shutdown,
      .log_limits = &server->log_limits,
  };
  struct evnet_reactor *reactor;
  int status =
      evnet_reactor_create_owned(server->handlers, &server->reactor_options, &owner, &reactor);
  if (status < 0) return status;
  // Either evnet_server_stop sees the reactor, or this sees the stop.
  __atomic_store_n(&self->reactor, reactor, __ATOMIC_SEQ_CST);
  int64_t drain_ms = __atomic_load_n(&server->stop_drain_ms, __ATOMIC_SEQ_CST);
  if (drain_ms != NO_STOP) evnet_reactor_stop(reactor, drain_ms);
  return 0;
}

static void report(struct server_reactor *self, int status) {
  struct evnet_server *server = self->server;
  (void)pthread_mutex_lock(&server->mutex);
  self->status = status;
  server->ready_count++;
  (void)pthread_cond_broadcast(&server->changed);
  (void)pthread_mutex_unlock(&server->mutex);
}

void server_set_state(struct evnet_server *server, enum server_state state) {
  (void)pthread_mutex_lock(&server->mutex);
  server->state = state;
  (void)pthread_cond_broadcast(&server->changed);
  (void)pthread_mutex_unlock(&server->mutex);
}

// Waits until the server's state is later than `state`. Returns the new state.
static enum server_state wait_for_next(struct evnet_server *server, enum server_state state) {
  (void)pthread_mutex_lock(&server->mutex);
  while (server->state <= state) (void)pthread_cond_wait(&server->changed, &server->mutex);
  enum server_state next = server->state;
  (void)pthread_mutex_unlock(&server->mutex);
  return next;
}

// Waits until the server runs or has failed to start. Returns whether it runs.
static bool wait_for_start(struct evnet_server *server) {
  return wait_for_next(server, SERVER_SHARING) == SERVER_RUNNING;
}

// A reactor that cannot be pinned runs unpinned. Returns the affinity mask for evnet_thread_unpin,
// or NULL.
static struct evnet_affinity *pin(const struct server_reactor *self) {
  const struct evnet_server *server = self->server;
  struct evnet_affinity *before = NULL;
  if (!server->options.pin_reactors) return NULL;
  int status = evnet_thread_pin(self->index, &before);
  if (status < 0) {
    evnet_log(&server->logger, EVNET_LOG_WARNING,
              "cannot pin reactor %u to a CPU, running without: %s", self->index,
              evnet_status_message(status));
  }
  return before;
}

static int run_loop(struct server_reactor *self) {
  struct evnet_affinity *before = pin(self);
  evnet_reactor_boot(self->reactor);  // of reactor 0 it was called before
  int status = evnet_reactor_run(self->reactor);
  evnet_thread_unpin(before);
  // If one reactor fails, the whole server shuts down gracefully.
  if (status < 0) evnet_server_stop(self->server, self->server->reactor_options.drain_ms);
  return status;
}

// Closes the sockets of a reactor whose server failed to start. Without this they would stay open
// until evnet_server_destroy.
static void end_unstarted(struct server_reactor *self) {
  if (self->reactor == NULL) return;
  evnet_reactor_stop(self->reactor, 0);
  (void)evnet_reactor_run(self->reactor);
}

// Waits until all reactors before this one have bound their addresses, because the order of the
// sockets of a port must be that of the reactors.
static void wait_for_turn(const struct server_reactor *self) {
  struct evnet_server *server = self->server;
  (void)pthread_mutex_lock(&server->mutex);
  while (server->ready_count + 1 < self->index)
    (void)pthread_cond_wait(&server->changed, &server->mutex);
  (void)pthread_mutex_unlock(&server->mutex);
}

static void *sub_main(void *argument) {
  struct server_reactor *self = argument;
  evnet_thread_set_name("evnet", self->index);
  server_of_this_thread = self->server;
  int status = server_create_reactor(self);
  report(self, status);
  if (status == 0 && wait_for_next(self->server, SERVER_STARTING) == SERVER_SHARING) {
    if (self->server->options.reuse_port_by_cpu) wait_for_turn(self);
    status = server_listen(self);
    report(self, status);
  }
  if (status < 0 || !wait_for_start(self->server)) {
    end_unstarted(self);
    return NULL;
  }
  evnet_reactor_accept_resume(self->reactor);
  self->status = run_loop(self);  // needs no mutex: main_run reads it after the join
  return NULL;
}

// Waits until `count` of reactors 1 to N-1 have reported. Returns the first failure, or 0.
static int wait_for_reports(struct evnet_server *server, uint32_t count) {
  int status = 0;
  (void)pthread_mutex_lock(&server->mutex);
  while (server->ready_count < count) (void)pthread_cond_wait(&server->changed, &server->mutex);
  for (uint32_t i = 1; i <= count && status == 0; i++) status = server->reactors[i].status;
  (void)pthread_mutex_unlock(&server->mutex);
  return status;
}

static int start_subs(struct evnet_server *server) {
  uint32_t started = 0;
  int status = 0;
  for (uint32_t i = 1; i < server->reactor_count && status == 0; i++) {
    status = create_thread(&server->reactors[i], sub_main);
    if (status == 0) started++;
  }
  int reported = wait_for_reports(server, started);
  return status == 0 ? reported : status;  // the failure has been logged
}

static int listen_subs(struct evnet_server *server) {
  (void)pthread_mutex_lock(&server->mutex);
  server->ready_count = 0;
  server->state = SERVER_SHARING;
  (void)pthread_cond_broadcast(&server->changed);
  (void)pthread_mutex_unlock(&server->mutex);
  return wait_for_reports(server, server->reactor_count - 1);
}

// Running

static void join_subs(struct evnet_server *server) {
  for (uint32_t i = 1; i < server->reactor_count; i++) {
    if (server->reactors[i].has_thread) (void)pthread_join(server->reactors[i].thread, NULL);
  }
}

// The callbacks of the server are those of the server's handler and of the handlers of its
// addresses. They begin in the order of these handlers, and end in the reverse order.

static void stop_if(struct evnet_server *server, enum evnet_action action) {
  if (action == EVNET_SHUTDOWN) evnet_server_stop(server, server->reactor_options.drain_ms);
}

static void tick(struct evnet_timer *timer, void *user) {
  const struct server_tick *self = user;
  struct evnet_server *server = self->server;
  uint64_t delay_ms = UINT64_MAX;
  stop_if(server, self->bound->handler.on_tick(server, &delay_ms, self->bound->user));
  if (delay_ms != UINT64_MAX)
    evnet_timer_start(server->reactors[0].reactor, timer, delay_ms, tick, user);
}

static void begin_ticks(struct evnet_server *server) {
  for (uint32_t i = 0; i < server->handlers->boot_count; i++) {
    struct server_tick *each = &server->ticks[i];
    each->server = server;
    each->bound = &server->handlers->of[i];
    if (each->bound->handler.on_tick == NULL) continue;
    evnet_reactor_time_begin(server->reactors[0].reactor);
    tick(&each->timer, each);
    evnet_reactor_time_end(server->reactors[0].reactor);
  }
}

static void tell_boot(struct evnet_server *server) {
  for (uint32_t i = 0; i < server->handlers->boot_count; i++) {
    const struct evnet_bound_handler *bound = &server->handlers->of[i];
    if (bound->handler.on_boot == NULL) continue;
    evnet_reactor_time_begin(server->reactors[0].reactor);
    const enum evnet_action action = bound->handler.on_boot(server, bound->user);
    evnet_reactor_time_end(server->reactors[0].reactor);
    stop_if(server, action);
  }
}

static int boot(struct evnet_server *server, const struct server_others *others) {
  struct server_reactor *first = &server->reactors[0];
  int status = server_create_reactor(first);
  if (status == 0) status = others->create(server);
  if (status == 0) status = server_listen(first);
  if (status == 0 && server->spreads) status = others->listen(server);
  if (status < 0) return status;
  __atomic_store_n(&server->is_bound, true, __ATOMIC_RELEASE);
  tell_boot(server);
  return 0;
}

int server_boot(struct evnet_server *server, const struct server_others *others) {
  int status = boot(server, others);
  server_set_state(server, status < 0 ? SERVER_ENDED : SERVER_RUNNING);
  if (status < 0) return status;
  struct evnet_reactor *reactor = server->reactors[0].reactor;
  evnet_reactor_boot(reactor);
  begin_ticks(server);
  evnet_reactor_accept_resume(reactor);
  return 0;
}

void server_tell_shutdown(struct evnet_server *server) {
  for (uint32_t i = server->handlers->boot_count; i > 0; i--) {
    const struct evnet_bound_handler *bound = &server->handlers->of[i - 1];
    if (bound->handler.on_shutdown == NULL) continue;
    evnet_reactor_time_begin(server->reactors[0].reactor);
    bound->handler.on_shutdown(server, bound->user);
    evnet_reactor_time_end(server->reactors[0].reactor);
  }
  evnet_log(&server->logger, EVNET_LOG_INFO, "stopped");
}

static int main_run(struct evnet_server *server) {
  static const struct server_others subs = {.create = start_subs, .listen = listen_subs};
  const struct evnet_server *outer = server_of_this_thread;
  server_of_this_thread = server;
  int status = server_boot(server, &subs);
  if (status == 0) {
    status = run_loop(&server->reactors[0]);
    join_subs(server);
    for (uint32_t i = 1; i < server->reactor_count && status == 0; i++)
      status = server->reactors[i].status;
    server_tell_shutdown(server);
  } else {
    end_unstarted(&server->reactors[0]);
    join_subs(server);
  }
  server->reactors[0].status = status;
  server_of_this_thread = outer;
  return status;
}

static void *main_thread(void *argument) {
  struct server_reactor *self = argument;
  evnet_thread_set_name("evnet", self->index);
  (void)main_run(self->server);
  return NULL;
}

int server_begin(struct evnet_server *server) {
  (void)pthread_mutex_lock(&server->mutex);
  bool first = server->state == SERVER_CREATED;
  if (first) server->state = SERVER_STARTING;
  (void)pthread_mutex_unlock(&server->mutex);
  if (first) return 0;
  evnet_log(&server->logger, EVNET_LOG_ERROR,
            "server already started; create a new evnet_server to run again");
  return -EALREADY;
}

int evnet_server_run(struct evnet_server *server) {
  int status = server_begin(server);
  if (status < 0) return status;
  status = main_run(server);
  server_set_state(server, SERVER_ENDED);
  return status;
}

int evnet_server_start(struct evnet_server *server) {
  int status = server_begin(server);
  if (status < 0) return status;
  struct server_reactor *self = &server->reactors[0];
  status = create_thread(self, main_thread);
  if (status < 0) {
    server_set_state(server, SERVER_ENDED);
    return status;
  }
  if (wait_for_start(server)) return 0;
  (void)pthread_join(self->thread, NULL);
  self->has_thread = false;
  return self->status;
}

int evnet_server_wait(struct evnet_server *server) {
  if (server_of_this_thread == server) return -EDEADLK;
  (void)pthread_mutex_lock(&server->mutex);
  bool started = server->reactors[0].has_thread && !server->waited;
  if (started) server->waited = true;
  (void)pthread_mutex_unlock(&server->mutex);
  if (!started) return -EINVAL;
  (void)pthread_join(server->reactors[0].thread, NULL);
  server_set_state(server, SERVER_ENDED);
  return server->reactors[0].status;
}
