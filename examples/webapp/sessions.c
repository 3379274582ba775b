#include "examples/webapp/sessions.h"

#include <errno.h>
#include <hiredis/async.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hiredis/evnet_hiredis.h"

enum {
  PENDING_MAX = 10000,
  RETRY_MS = 200,
  CHECK_MS = 1000,
  SILENT_CHECKS_MAX = 5,  // after this many seconds without a reply the connection is replaced
};

struct sessions {
  struct evnet_reactor *reactor;
  const char *address;
  redisAsyncContext *redis;  // NULL: not connected
  bool ready;                // the connection is established
  struct evnet_timer retry;
  struct evnet_timer check;
  size_t pending;     // commands without a reply
  int silent_checks;  // since the last reply
};

// A command in progress. hiredis owns it until the reply.
struct session_request {
  struct sessions *sessions;
  void (*done)(void *user, int status, const char *name);  // NULL: cancelled
  void *user;
};

static void connect_to_redis(struct sessions *sessions);

static void retry(struct evnet_timer *timer, void *user) {
  (void)timer;
  connect_to_redis(user);
}

static void lost(struct sessions *sessions) {
  sessions->redis = NULL;
  sessions->ready = false;
  evnet_timer_start(sessions->reactor, &sessions->retry, RETRY_MS, retry, sessions);
}

// hiredis frees the context after these two.
static void on_connect(const redisAsyncContext *redis, int status) {
  struct sessions *sessions = redis->data;
  if (sessions == NULL) return;
  sessions->ready = status == REDIS_OK;
  sessions->silent_checks = 0;
  if (status != REDIS_OK) lost(sessions);
}

static void on_disconnect(const redisAsyncContext *redis, int status) {
  (void)status;
  if (redis->data != NULL) lost(redis->data);
}

static redisAsyncContext *begin(const char *address) {
  const char *colon = strrchr(address, ':');
  char host[64];
  if (address[0] == '/' || colon == NULL) return redisAsyncConnectUnix(address);
  size_t size = (size_t)(colon - address);
  if (size >= sizeof host) return NULL;
  memcpy(host, address, size);
  host[size] = '\0';
  return redisAsyncConnect(host, atoi(colon + 1));
}

static void connect_to_redis(struct sessions *sessions) {
  redisAsyncContext *redis = begin(sessions->address);
  if (redis == NULL || redis->err != 0 || evnet_hiredis_attach(sessions->reactor, redis) < 0) {
    if (redis != NULL) redisAsyncFree(redis);
    lost(sessions);
    return;
  }
  sessions->redis = redis;
  redis->data = sessions;
  redisAsyncSetConnectCallback(redis, on_connect);
  redisAsyncSetDisconnectCallback(redis, on_disconnect);
}

// Replaces a connection whose server is silent: a stopped process keeps its sockets open.
static void check(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct sessions *sessions = user;
  bool waits = sessions->redis != NULL && (sessions->pending > 0 || !sessions->ready);
  sessions->silent_checks = waits ? sessions->silent_checks + 1 : 0;
  if (sessions->silent_checks < SILENT_CHECKS_MAX) return;
  redisAsyncContext *redis = sessions->redis;
  redis->data = NULL;
  lost(sessions);
  redisAsyncFree(redis);
}

struct sessions *sessions_create(struct evnet_reactor *reactor, const char *address) {
  struct sessions *sessions = calloc(1, sizeof *sessions);
  if (sessions == NULL) return NULL;
  sessions->reactor = reactor;
  sessions->address = address;
  evnet_timer_repeat(reactor, &sessions->check, CHECK_MS, check, sessions);
  connect_to_redis(sessions);
  return sessions;
}

void sessions_destroy(struct sessions *sessions) {
  if (sessions == NULL) return;
  evnet_timer_stop(sessions->reactor, &sessions->retry);
  evnet_timer_stop(sessions->reactor, &sessions->check);
  if (sessions->redis != NULL) {
    sessions->redis->data = NULL;
    redisAsyncFree(sessions->redis);
  }
  free(sessions);
}

// Requests

static int status_of(const redisReply *reply) {
  if (reply == NULL) return -ECANCELED;
  switch (reply->type) {
    case REDIS_REPLY_NIL:
      return -ENOENT;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return 0;
    default:
      return -EIO;  // also an error, such as OOM or LOADING
  }
}

static void on_reply(redisAsyncContext *redis, void *reply, void *user) {
  struct session_request *request = user;
  const redisReply *got = reply;
  (void)redis;
  request->sessions->pending--;
  if (reply != NULL) request->sessions->silent_checks = 0;
  if (request->done != NULL) {
    const char *text = got != NULL && got->type == REDIS_REPLY_STRING ? got->str : NULL;
    request->done(request->user, status_of(got), text);
  }
  free(request);
}

static struct session_request *prepare(struct sessions *sessions,
                                       void (*done)(void *user, int status, const char *name),
                                       void *user) {
  if (!sessions->ready || sessions->pending >= PENDING_MAX) return NULL;
  struct session_request *request = malloc(sizeof *request);
  if (request == NULL) return NULL;
  *request = (struct session_request){.sessions = sessions, .done = done, .user = user};
  return request;
}

static struct session_request *issued(struct session_request *request, int status) {
  if (status != REDIS_OK) {
    free(request);
    return NULL;
  }
  request->sessions->pending++;
  return request;
}

struct session_request *sessions_find(struct sessions *sessions, const char *token,
                                      void (*done)(void *user, int status, const char *name),
                                      void *user) {
  struct session_request *request = prepare(sessions, done, user);
  if (request == NULL) return NULL;
  return issued(request, redisAsyncCommand(sessions->redis, on_reply, request,
                                           "GETEX session:%s EX 3600", token));
}

struct session_request *sessions_store(struct sessions *sessions, const char *token,
                                       const char *name,
                                       void (*done)(void *user, int status, const char *name),
                                       void *user) {
  struct session_request *request = prepare(sessions, done, user);
  if (request == NULL) return NULL;
  return issued(request, redisAsyncCommand(sessions->redis, on_reply, request,
                                           "SET session:%s %s EX 3600", token, name));
}

void session_request_cancel(struct session_request *request) {
  if (request != NULL) request->done = NULL;
}
