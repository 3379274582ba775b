// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//
// EXEC locks the shards of all queued requests and of all watched keys together, looks at the watches, and then runs the
// requests. So no other client sees a part of a transaction, and none changes a watched key in between.
#include <stdlib.h>
#include <string.h>

#include "examples/kv/kv.h"

bool transaction_queue(struct session *session, const struct command *command,
                       const struct request *request) {
  size_t bytes = sizeof(struct queued) + request->count * sizeof(struct resp_arg);
  for (size_t i = 0; i < request->count; i++) bytes += request->args[i].size;
  struct queued *queued = malloc(bytes);
  if (queued == NULL) return false;
  *queued = (struct queued){.command = command, .request = {queued->args, request->count}};
  char *to = (char *)&queued->args[request->count];
  for (size_t i = 0; i < request->count; i++) {
    const struct resp_arg *arg = &request->args[i];
    memcpy(to, arg->data, arg->size);
    queued->args[i] = (struct resp_arg){to, arg->size};
    to += arg->size;
  }
  *session->queue_end = queued;
  session->queue_end = &queued->next;
  session->queued_count++;
  return true;
}

static void forget_queue(struct session *session) {
  for (struct queued *queued = session->queue, *next; queued != NULL; queued = next) {
    next = queued->next;
    free(queued);
  }
  session->queue = NULL;
  session->queue_end = &session->queue;
  session->queued_count = 0;
  session->in_multi = false;
  session->has_failed = false;
}

static uint64_t shard_of_watch(struct session *session, const struct watch *watch) {
  const struct key key = {.hash = watch->hash};
  return store_shard_of(&session->kv->store, &key);
}

// Ends all watches. The caller has locked the shards in `locked`.
static void forget_watches(struct session *session, uint64_t locked) {
  for (struct watch *watch = session->watches, *next; watch != NULL; watch = next) {
    next = watch->own_next;
    const uint64_t shard = shard_of_watch(session, watch) & ~locked;
    store_lock(&session->kv->store, shard);
    store_unwatch(&session->kv->store, watch);
    store_unlock(&session->kv->store, shard);
  }
  session->watches = NULL;
  atomic_store_explicit(&session->watched_changed, false, memory_order_relaxed);
}

void transaction_end(struct session *session) {
  forget_queue(session);
  forget_watches(session, session->shards);
}

void cmd_multi(struct session *session, const struct request *request) {
  (void)request;
  if (session->in_multi) {
    reply_error(session->reply, "ERR MULTI calls can not be nested");
    return;
  }
  session->in_multi = true;
  reply_ok(session->reply);
}

void cmd_discard(struct session *session, const struct request *request) {
  (void)request;
  if (!session->in_multi) {
    reply_error(session->reply, "ERR DISCARD without MULTI");
    return;
  }
  transaction_end(session);
  reply_ok(session->reply);
}

static bool has_changed(struct session *session) {
  if (atomic_load_explicit(&session->watched_changed, memory_order_acquire)) return true;
  for (const struct watch *watch = session->watches; watch != NULL; watch = watch->own_next) {
    if (store_is_expired(&session->kv->store, watch, session->worker->now_ms)) return true;
  }
  return false;
}

static void run_queue(struct session *session) {
  struct reply *reply = session->reply;
  reply_array(reply, session->queued_count);
  for (const struct queued *queued = session->queue; queued != NULL; queued = queued->next) {
    atomic_store_explicit(&session->last, queued->command, memory_order_relaxed);
    queued->command->run(session, &queued->request);
  }
}

void cmd_exec(struct session *session, const struct request *request) {
  (void)request;
  if (!session->in_multi) {
    reply_error(session->reply, "ERR EXEC without MULTI");
    return;
  }
  uint64_t shards = 0;
  for (const struct queued *queued = session->queue; queued != NULL; queued = queued->next)
    shards |= command_shards(session, queued->command, &queued->request);
  for (const struct watch *watch = session->watches; watch != NULL; watch = watch->own_next)
    shards |= shard_of_watch(session, watch);
  store_lock(&session->kv->store, shards);
  session->shards = shards;
  const bool changed = has_changed(session);
  if (session->has_failed) {
    reply_error(session->reply, "EXECABORT Transaction discarded because of previous errors.");
  } else if (changed) {
    reply_null_array(session->reply);
  } else {
    forget_watches(session, shards);
    run_queue(session);
  }
  transaction_end(session);
  session->shards = 0;
  store_unlock(&session->kv->store, shards);
}

void cmd_watch(struct session *session, const struct request *request) {
  if (session->in_multi) {
    reply_error(session->reply, "ERR WATCH inside MULTI is not allowed");
    return;
  }
  // The transaction fails already, so there is nothing to watch.
  const bool fails = atomic_load_explicit(&session->watched_changed, memory_order_acquire);
  for (size_t i = 1; i < request->count && !fails; i++) {
    const struct key key = session_key(session, &request->args[i]);
    if (store_watches(&session->kv->store, session->database, &key, &session->watched_changed))
      continue;
    struct watch *watch = store_watch(&session->kv->store, session->database, &key,
                                      &session->watched_changed, session->worker->now_ms);
    if (watch == NULL) {
      reply_no_memory(session);
      return;
    }
    watch->own_next = session->watches;
    session->watches = watch;
  }
  reply_ok(session->reply);
}

void cmd_unwatch(struct session *session, const struct request *request) {
  (void)request;
  forget_watches(session, session->shards);
  reply_ok(session->reply);
}
