#include "adapters/libpq/evnet_libpq.h"

#include <errno.h>
#include <stdlib.h>

#include "net/reactor/timer.h"
#include "net/reactor/watch.h"

enum state {
  CONNECTING,
  READY,
  FAILED,
};

struct evnet_libpq {
  struct evnet_reactor *reactor;
  PGconn *connection;
  struct evnet_libpq_callbacks callbacks;
  void *user;
  enum state state;
  bool copying;   // the last result began a COPY
  bool has_more;  // on_copy has more to send
  bool in_query;  // a result of a query was presented, and its end was not
  struct evnet_watcher watcher;
  uint32_t events;           // that are watched; 0: none
  struct evnet_timer later;  // continues outside of the caller's function
  const char *failure;       // to be reported by `later`; NULL: none
  int depth;                 // of callbacks
  bool detached;             // to be freed when depth is 0
};

static void on_ready(struct evnet_watcher *watcher, uint32_t events, void *user);
static void on_later(struct evnet_timer *timer, void *user);

static bool is_over(const struct evnet_libpq *attachment) {
  return attachment->detached || attachment->state == FAILED;
}

static void leave(struct evnet_libpq *attachment) {
  if (--attachment->depth == 0 && attachment->detached) free(attachment);
}

static void fail(struct evnet_libpq *attachment, const char *message) {
  if (is_over(attachment)) return;
  attachment->state = FAILED;
  evnet_watch_stop(&attachment->watcher);
  evnet_timer_stop(attachment->reactor, &attachment->later);
  attachment->depth++;
  if (attachment->callbacks.on_failed != NULL)
    attachment->callbacks.on_failed(attachment, message, attachment->user);
  leave(attachment);
}

static void fail_later(struct evnet_libpq *attachment, const char *message) {
  if (attachment->failure == NULL) attachment->failure = message;
  evnet_timer_start(attachment->reactor, &attachment->later, 0, on_later, attachment);
}

static void request(struct evnet_libpq *attachment, uint32_t events) {
  if (is_over(attachment) || events == attachment->events) return;
  int status = attachment->events == 0
                   ? evnet_watch(attachment->reactor, PQsocket(attachment->connection), events,
                                 on_ready, attachment, &attachment->watcher)
                   : evnet_watch_change(&attachment->watcher, events);
  if (status == 0) {
    attachment->events = events;
  } else {
    fail_later(attachment, evnet_status_message(status));
  }
}

// Connecting

// libpq may close the socket and open another one, for the next address, inside PQconnectPoll. The
// watch must be stopped before that.
static void connect_on(struct evnet_libpq *attachment) {
  evnet_watch_stop(&attachment->watcher);
  attachment->events = 0;
  switch (PQconnectPoll(attachment->connection)) {
    case PGRES_POLLING_READING:
      request(attachment, EVNET_READABLE);
      return;
    case PGRES_POLLING_WRITING:
      request(attachment, EVNET_WRITABLE);
      return;
    case PGRES_POLLING_OK:
      attachment->state = READY;
      request(attachment, EVNET_READABLE);
      if (PQsetnonblocking(attachment->connection, 1) != 0) break;
      if (attachment->callbacks.on_connected != NULL)
        attachment->callbacks.on_connected(attachment, attachment->user);
      if (!attachment->detached) evnet_libpq_flush(attachment);
      return;
    default:
      break;
  }
  fail(attachment, PQerrorMessage(attachment->connection));
}

// Connected

static bool is_copy(const PGresult *result) {
  ExecStatusType status = result != NULL ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

// Presents the results that have arrived. libpq returns NULL after each query, and NULL again if no
// query is left. During a COPY it returns the result that began the COPY again and again.
static void present_results(struct evnet_libpq *attachment) {
  while (!is_over(attachment) && PQisBusy(attachment->connection) == 0) {
    PGresult *result = PQgetResult(attachment->connection);
    if (result == NULL && !attachment->in_query) return;
    bool was_copying = attachment->copying;
    attachment->copying = is_copy(result);
    if (was_copying && attachment->copying) {
      PQclear(result);
      return;
    }
    // A pipeline's synchronisation point is not followed by NULL.
    attachment->in_query = result != NULL && PQresultStatus(result) != PGRES_PIPELINE_SYNC;
    if (attachment->callbacks.on_result != NULL) {
      attachment->callbacks.on_result(attachment, result, attachment->user);
    } else {
      PQclear(result);
    }
  }
}

static void present_notifies(struct evnet_libpq *attachment) {
  while (!is_over(attachment)) {
    PGnotify *notify = PQnotifies(attachment->connection);
    if (notify == NULL) return;
    if (attachment->callbacks.on_notify != NULL) {
      attachment->callbacks.on_notify(attachment, notify, attachment->user);
    } else {
      PQfreemem(notify);
    }
  }
}

static void present_copy(struct evnet_libpq *attachment) {
  attachment->has_more = false;
  if (is_over(attachment) || !attachment->copying) return;
  if (attachment->callbacks.on_copy != NULL)
    attachment->has_more = attachment->callbacks.on_copy(attachment, attachment->user);
  present_results(attachment);
}

static void proceed(struct evnet_libpq *attachment, uint32_t events) {
  if (attachment->state == CONNECTING) {
    connect_on(attachment);
    return;
  }
  bool is_lost = (events & EVNET_READABLE) != 0 && PQconsumeInput(attachment->connection) == 0;
  present_results(attachment);
  bool is_sent = !is_over(attachment) && PQflush(attachment->connection) == 0;
  if ((events & EVNET_READABLE) != 0 || is_sent) present_copy(attachment);
  present_notifies(attachment);
  if (is_over(attachment)) return;
  if (is_lost || PQstatus(attachment->connection) == CONNECTION_BAD) {
    fail(attachment, PQerrorMessage(attachment->connection));
    return;
  }
  evnet_libpq_flush(attachment);
}

static void on_ready(struct evnet_watcher *watcher, uint32_t events, void *user) {
  (void)watcher;
  struct evnet_libpq *attachment = user;
  if ((events & EVNET_WATCH_ENDED) != 0) {
    fail(attachment, "the event loop has ended");
    return;
  }
  // libpq learns of an error from recv(2).
  if ((events & (EVNET_WATCH_ERROR | EVNET_WATCH_HANGUP)) != 0) events |= EVNET_READABLE;
  attachment->depth++;
  proceed(attachment, events);
  leave(attachment);
}

static void on_later(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct evnet_libpq *attachment = user;
  if (attachment->failure != NULL) {
    fail(attachment, attachment->failure);
    return;
  }
  attachment->depth++;
  proceed(attachment, EVNET_READABLE);
  leave(attachment);
}

void evnet_libpq_flush(struct evnet_libpq *attachment) {
  if (is_over(attachment) || attachment->state == CONNECTING) return;
  int left = PQflush(attachment->connection);
  if (left < 0) {
    // The reason is in the state of the connection. The last results are presented before.
    evnet_timer_start(attachment->reactor, &attachment->later, 0, on_later, attachment);
    return;
  }
  // The bytes that on_copy queued may be sent by now, but it still waits for room.
  bool waits = left > 0 || attachment->has_more;
  request(attachment, EVNET_READABLE | (waits ? EVNET_WRITABLE : 0u));
}

int evnet_libpq_attach(struct evnet_reactor *reactor, PGconn *connection,
                       const struct evnet_libpq_callbacks *callbacks, void *user,
                       struct evnet_libpq **out_attachment) {
  if (connection == NULL || PQstatus(connection) == CONNECTION_BAD) return -EINVAL;
  struct evnet_libpq *attachment = calloc(1, sizeof *attachment);
  if (attachment == NULL) return -ENOMEM;
  attachment->reactor = reactor;
  attachment->connection = connection;
  attachment->callbacks = *callbacks;
  attachment->user = user;
  // As after PQconnectStart, PQconnectPoll first waits until the socket is writable. For a connection
  // that is established it returns PGRES_POLLING_OK.
  int status = evnet_watch(reactor, PQsocket(connection), EVNET_WRITABLE, on_ready, attachment,
                           &attachment->watcher);
  if (status < 0) {
    free(attachment);
    return status;
  }
  attachment->events = EVNET_WRITABLE;
  *out_attachment = attachment;
  return 0;
}

PGconn *evnet_libpq_connection(const struct evnet_libpq *attachment) {
  return attachment->connection;
}

void evnet_libpq_detach(struct evnet_libpq *attachment) {
  if (attachment == NULL || attachment->detached) return;
  if (attachment->state != FAILED) {
    evnet_watch_stop(&attachment->watcher);
    evnet_timer_stop(attachment->reactor, &attachment->later);
  }
  attachment->detached = true;
  if (attachment->depth == 0) free(attachment);
}
