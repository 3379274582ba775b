// A connection: requests in, replies out.
#include "examples/kv/session.h"

#include <stdlib.h>
#include <string.h>

void session_reset(struct session *session) {
  transaction_end(session);
  pubsub_forget(session);
  session->database = 0;
  session->no_evict = false;
  (void)pthread_mutex_lock(&session->kv->registry);
  session->name[0] = '\0';
  (void)pthread_mutex_unlock(&session->kv->registry);
  atomic_store_explicit(&session->seen_database, 0, memory_order_relaxed);
}

enum evnet_action session_on_open(struct evnet_conn *conn, void *user) {
  struct kv *kv = user;
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return EVNET_CLOSE;
  session->kv = kv;
  session->conn = conn;
  session->worker = evnet_reactor_user(evnet_conn_reactor(conn));
  session->reply = &session->worker->reply;
  session->queue_end = &session->queue;
  session->conn_id = evnet_conn_get_id(conn);
  session->fd = evnet_conn_fd(conn);
  evnet_conn_remote_address(conn, &session->peer);
  if (evnet_conn_local_address(conn, &session->local) < 0) session->local = session->peer;
  session->opened_ms = kv_wall_ms();
  atomic_init(&session->used_ms, session->opened_ms);
  atomic_init(&session->seen_multi, -1);
  const int64_t timeout_s = atomic_load_explicit(&kv->settings.timeout_s, memory_order_relaxed);
  if (timeout_s > 0) (void)evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, timeout_s * 1000);
  evnet_conn_set_user(conn, session);
  clients_add(session);
  atomic_fetch_add_explicit(&session->worker->connections, 1, memory_order_relaxed);
  return EVNET_NONE;
}

// Passes the replies on to evnet. Returns false if the connection cannot go on.
static bool flush(struct session *session) {
  struct reply *reply = session->reply;
  bool goes_on = !reply->has_failed;
  if (goes_on && reply->size > 0)
    goes_on = evnet_conn_write(session->conn, reply->data, reply->size) >= 0;
  reply_reset(reply, KV_REPLY_BYTES_KEPT);
  if (!goes_on) evnet_conn_abort(session->conn);
  return goes_on;
}

static void refuse(struct session *session, enum resp_error error) {
  char message[RESP_ERROR_BYTES_MAX];
  resp_error_message(&session->request, error, message);
  reply_error(session->reply, message);
  session->ends = true;
}

// Sets what CLIENT LIST shows.
static void show(struct session *session) {
  atomic_store_explicit(&session->used_ms, session->worker->now_ms, memory_order_relaxed);
  const int multi = session->in_multi ? (int)session->queued_count : -1;
  atomic_store_explicit(&session->seen_multi, multi, memory_order_relaxed);
}

// Carries out the requests in `in`. Returns the number of bytes that were used, or -1 if the connection cannot go on.
static ssize_t serve(struct session *session, struct evnet_bytes in) {
  const struct resp_limits limits = {
      .args_max = resp_limits_default.args_max,
      .bulk_bytes_max =
          atomic_load_explicit(&session->kv->settings.bulk_bytes_max, memory_order_relaxed)};
  size_t at = 0;
  while (!session->ends) {
    const ssize_t used = resp_parse(&session->request, &limits, in.data + at, in.size - at);
    if (used == 0) break;
    if (used < 0) {
      refuse(session, (enum resp_error)used);
      break;
    }
    const struct request request = {session->request.args, session->request.args_count};
    if (request.count > 0) command_execute(session, &request);
    at += (size_t)used;
    if (session->reply->size < KV_REPLY_BYTES_KEPT) continue;
    if (!flush(session)) return -1;
    session->is_waiting = evnet_conn_outbound_bytes(session->conn) >= KV_HIGH_WATER_BYTES;
    if (session->is_waiting) break;
  }
  return (ssize_t)at;
}

// Carries out all requests that are complete, and writes their replies together.
static enum evnet_action proceed(struct session *session) {
  struct evnet_conn *conn = session->conn;
  session->worker->now_ms = kv_wall_ms();
  const ssize_t used = serve(session, evnet_conn_peek(conn));
  if (used < 0) return EVNET_NONE;
  show(session);
  if (!flush(session)) return EVNET_NONE;
  if (session->ends) return EVNET_CLOSE;
  evnet_conn_discard(conn, (size_t)used);
  return EVNET_NONE;
}

enum evnet_action session_on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = evnet_conn_user(conn);
  return session->is_waiting || session->ends ? EVNET_NONE : proceed(session);
}

// Output has fallen to the low-water mark.
enum evnet_action session_on_drain(struct evnet_conn *conn, void *user) {
  (void)user;
  struct session *session = evnet_conn_user(conn);
  if (!session->is_waiting) return EVNET_NONE;
  session->is_waiting = false;
  return proceed(session);
}

enum evnet_action session_on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct session *session = evnet_conn_user(conn);
  if (session == NULL) return EVNET_NONE;
  clients_remove(session);
  pubsub_forget(session);
  transaction_end(session);
  resp_deinit(&session->request);
  free(session);
  return EVNET_NONE;
}
