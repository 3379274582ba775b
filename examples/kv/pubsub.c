// Channels and patterns, shared by all reactors.
//
// One mutex guards them. Only these commands and the ends of subscribers take it. A message is written once, and each
// subscriber's reactor gets a reference to it by the connection's id.
#include <stdlib.h>
#include <string.h>

#include "examples/kv/kv.h"

enum {
  CHAINS = 4096,
  // A subscriber whose output exceeds this is disconnected, as by Redis's default for client-output-buffer-limit.
  SUBSCRIBER_BYTES_MAX = 32 * 1024 * 1024,
};

struct subscription {
  struct topic *topic;
  struct evnet_conn_id subscriber;
  struct subscription *next, *previous;          // of the topic
  struct subscription *own_next, *own_previous;  // of the session
};

// A channel or a pattern with subscribers.
struct topic {
  struct topic *next;                       // of the chain
  struct topic *list_next, *list_previous;  // of all patterns, or of all channels
  struct subscription *subscriptions;
  size_t count;
  size_t name_size;
  char name[];
};

struct topics {
  struct topic *chains[CHAINS];
  struct topic *list;
  size_t count;
};

struct pubsub {
  pthread_mutex_t mutex;
  struct evnet_hash_key seed;
  struct topics channels, patterns;
};

int pubsub_create(struct kv *kv) {
  kv->pubsub = calloc(1, sizeof *kv->pubsub);
  if (kv->pubsub == NULL) return -1;
  (void)pthread_mutex_init(&kv->pubsub->mutex, NULL);
  return evnet_hash_key_make(&kv->pubsub->seed);
}

void pubsub_destroy(struct kv *kv) {
  if (kv->pubsub == NULL) return;
  (void)pthread_mutex_destroy(&kv->pubsub->mutex);
  free(kv->pubsub);
}

static struct topic **chain_of(struct pubsub *pubsub, struct topics *topics,
                               const struct resp_arg *name) {
  return &topics->chains[evnet_hash(&pubsub->seed, name->data, name->size) % CHAINS];
}

static struct topic *find(struct pubsub *pubsub, struct topics *topics,
                          const struct resp_arg *name) {
  struct topic *topic = *chain_of(pubsub, topics, name);
  while (topic != NULL &&
         (topic->name_size != name->size || memcmp(topic->name, name->data, name->size) != 0))
    topic = topic->next;
  return topic;
}

static struct topic *add_topic(struct pubsub *pubsub, struct topics *topics,
                               const struct resp_arg *name) {
  struct topic *topic = calloc(1, sizeof *topic + name->size);
  if (topic == NULL) return NULL;
  memcpy(topic->name, name->data, name->size);
  topic->name_size = name->size;
  struct topic **chain = chain_of(pubsub, topics, name);
  topic->next = *chain;
  *chain = topic;
  topic->list_next = topics->list;
  if (topics->list != NULL) topics->list->list_previous = topic;
  topics->list = topic;
  topics->count++;
  return topic;
}

static void remove_topic(struct pubsub *pubsub, struct topics *topics, struct topic *topic) {
  const struct resp_arg name = {topic->name, topic->name_size};
  struct topic **at = chain_of(pubsub, topics, &name);
  while (*at != topic) at = &(*at)->next;
  *at = topic->next;
  if (topic->list_previous != NULL) topic->list_previous->list_next = topic->list_next;
  if (topic->list_next != NULL) topic->list_next->list_previous = topic->list_previous;
  if (topics->list == topic) topics->list = topic->list_next;
  topics->count--;
  free(topic);
}

static bool is_same(struct evnet_conn_id one, struct evnet_conn_id other) {
  return one.reactor == other.reactor && one.index == other.index &&
         one.generation == other.generation;
}

// Finds a session's subscription, in the shorter of the two lists that it would be in.
static struct subscription *find_own(const struct session *session, const struct topic *topic,
                                     const struct name_list *own) {
  if (topic == NULL) return NULL;
  struct subscription *each;
  if (topic->count < own->count) {
    for (each = topic->subscriptions; each != NULL; each = each->next) {
      if (is_same(each->subscriber, session->conn_id)) return each;
    }
  } else {
    for (each = own->first; each != NULL; each = each->own_next) {
      if (each->topic == topic) return each;
    }
  }
  return NULL;
}

// Returns false if memory runs out. A second subscription of the same name changes nothing.
static bool subscribe(struct session *session, struct topics *topics, struct name_list *own,
                      const struct resp_arg *name) {
  struct pubsub *pubsub = session->kv->pubsub;
  struct topic *topic = find(pubsub, topics, name);
  if (find_own(session, topic, own) != NULL) return true;
  struct subscription *subscription = calloc(1, sizeof *subscription);
  if (subscription == NULL) return false;
  if (topic == NULL) topic = add_topic(pubsub, topics, name);
  if (topic == NULL) {
    free(subscription);
    return false;
  }
  subscription->topic = topic;
  subscription->subscriber = session->conn_id;
  subscription->next = topic->subscriptions;
  if (topic->subscriptions != NULL) topic->subscriptions->previous = subscription;
  topic->subscriptions = subscription;
  topic->count++;
  subscription->own_next = own->first;
  if (own->first != NULL) own->first->own_previous = subscription;
  own->first = subscription;
  own->count++;
  return true;
}

static void end(struct session *session, struct topics *topics, struct name_list *own,
                struct subscription *subscription) {
  struct topic *topic = subscription->topic;
  if (subscription->own_previous != NULL)
    subscription->own_previous->own_next = subscription->own_next;
  if (subscription->own_next != NULL)
    subscription->own_next->own_previous = subscription->own_previous;
  if (own->first == subscription) own->first = subscription->own_next;
  own->count--;
  if (subscription->previous != NULL) subscription->previous->next = subscription->next;
  if (subscription->next != NULL) subscription->next->previous = subscription->previous;
  if (topic->subscriptions == subscription) topic->subscriptions = subscription->next;
  if (--topic->count == 0) remove_topic(session->kv->pubsub, topics, topic);
  free(subscription);
}

// While it has subscriptions, a connection that does not read is disconnected, because its messages do not stop.
static void set_limits(struct session *session) {
  const bool is_subscriber = session_subscriptions(session) > 0;
  if (is_subscriber) {
    (void)evnet_conn_set_water_marks(session->conn, SUBSCRIBER_BYTES_MAX, SUBSCRIBER_BYTES_MAX / 2);
    (void)evnet_conn_set_high_action(session->conn, EVNET_HIGH_CLOSE);
  } else {
    (void)evnet_conn_set_high_action(session->conn, EVNET_HIGH_STOP_READING);
    (void)evnet_conn_set_water_marks(session->conn, KV_HIGH_WATER_BYTES, KV_HIGH_WATER_BYTES / 2);
  }
  atomic_store_explicit(&session->seen_channels, (int)session->channels.count,
                        memory_order_relaxed);
  atomic_store_explicit(&session->seen_patterns, (int)session->patterns.count,
                        memory_order_relaxed);
}

static void reply_subscription(struct session *session, const char *kind,
                               const struct resp_arg *name) {
  reply_array(session->reply, 3);
  reply_text(session->reply, kind);
  if (name != NULL) {
    reply_bulk(session->reply, name->data, name->size);
  } else {
    reply_null(session->reply);
  }
  reply_integer(session->reply, (int64_t)session_subscriptions(session));
}

static void subscribe_all(struct session *session, const struct request *request, const char *kind,
                          struct topics *topics, struct name_list *own) {
  struct pubsub *pubsub = session->kv->pubsub;
  for (size_t i = 1; i < request->count; i++) {
    (void)pthread_mutex_lock(&pubsub->mutex);
    const bool done = subscribe(session, topics, own, &request->args[i]);
    (void)pthread_mutex_unlock(&pubsub->mutex);
    if (done) {
      reply_subscription(session, kind, &request->args[i]);
    } else {
      reply_no_memory(session);
    }
  }
  set_limits(session);
}

static void unsubscribe_all(struct session *session, const struct request *request,
                            const char *kind, struct topics *topics, struct name_list *own) {
  struct pubsub *pubsub = session->kv->pubsub;
  for (size_t i = 1; i < request->count; i++) {
    (void)pthread_mutex_lock(&pubsub->mutex);
    const struct topic *topic = find(pubsub, topics, &request->args[i]);
    struct subscription *subscription = find_own(session, topic, own);
    if (subscription != NULL) end(session, topics, own, subscription);
    (void)pthread_mutex_unlock(&pubsub->mutex);
    reply_subscription(session, kind, &request->args[i]);
  }
  if (request->count == 1 && own->count == 0) reply_subscription(session, kind, NULL);
  while (request->count == 1 && own->first != NULL) {
    (void)pthread_mutex_lock(&pubsub->mutex);
    const struct topic *topic = own->first->topic;
    char *name = malloc(topic->name_size + 1);
    const size_t size = name != NULL ? topic->name_size : 0;
    if (name != NULL) memcpy(name, topic->name, size);
    end(session, topics, own, own->first);
    (void)pthread_mutex_unlock(&pubsub->mutex);
    if (name == NULL) session->reply->has_failed = true;
    const struct resp_arg arg = {name != NULL ? name : "", size};
    reply_subscription(session, kind, &arg);
    free(name);
  }
  set_limits(session);
}

void cmd_subscribe(struct session *session, const struct request *request) {
  subscribe_all(session, request, "subscribe", &session->kv->pubsub->channels, &session->channels);
}

void cmd_psubscribe(struct session *session, const struct request *request) {
  subscribe_all(session, request, "psubscribe", &session->kv->pubsub->patterns, &session->patterns);
}

void cmd_unsubscribe(struct session *session, const struct request *request) {
  unsubscribe_all(session, request, "unsubscribe", &session->kv->pubsub->channels,
                  &session->channels);
}

void cmd_punsubscribe(struct session *session, const struct request *request) {
  unsubscribe_all(session, request, "punsubscribe", &session->kv->pubsub->patterns,
                  &session->patterns);
}

void pubsub_forget(struct session *session) {
  if (session_subscriptions(session) == 0) return;
  struct pubsub *pubsub = session->kv->pubsub;
  (void)pthread_mutex_lock(&pubsub->mutex);
  while (session->channels.first != NULL)
    end(session, &pubsub->channels, &session->channels, session->channels.first);
  while (session->patterns.first != NULL)
    end(session, &pubsub->patterns, &session->patterns, session->patterns.first);
  (void)pthread_mutex_unlock(&pubsub->mutex);
}

// Messages

// Sends a message to the subscribers of a topic. Returns their number.
static int64_t send_to(struct kv *kv, const struct topic *topic, const struct reply *message) {
  struct evnet_shared *shared = NULL;
  if (message->has_failed || evnet_shared_create(message->data, message->size, &shared) < 0)
    return 0;
  int64_t count = 0;
  for (const struct subscription *each = topic->subscriptions; each != NULL; each = each->next) {
    // A subscriber whose reactor takes no more messages must not continue without this one.
    if (evnet_async_write_shared(kv->server, each->subscriber, shared, NULL, NULL) < 0)
      (void)evnet_async_abort(kv->server, each->subscriber, NULL, NULL);
    count++;
  }
  evnet_shared_release(shared);
  return count;
}

static int64_t send_by_patterns(struct kv *kv, const struct resp_arg *channel,
                                const struct resp_arg *text, struct reply *message) {
  int64_t count = 0;
  for (const struct topic *topic = kv->pubsub->patterns.list; topic != NULL;
       topic = topic->list_next) {
    if (!glob_matches(topic->name, topic->name_size, channel->data, channel->size)) continue;
    message->size = 0;
    reply_array(message, 4);
    reply_text(message, "pmessage");
    reply_bulk(message, topic->name, topic->name_size);
    reply_bulk(message, channel->data, channel->size);
    reply_bulk(message, text->data, text->size);
    count += send_to(kv, topic, message);
  }
  return count;
}

void cmd_publish(struct session *session, const struct request *request) {
  struct kv *kv = session->kv;
  struct pubsub *pubsub = kv->pubsub;
  const struct resp_arg *channel = &request->args[1], *text = &request->args[2];
  struct reply message = {0};
  int64_t count = 0;
  (void)pthread_mutex_lock(&pubsub->mutex);
  const struct topic *topic = find(pubsub, &pubsub->channels, channel);
  if (topic != NULL) {
    reply_array(&message, 3);
    reply_text(&message, "message");
    reply_bulk(&message, channel->data, channel->size);
    reply_bulk(&message, text->data, text->size);
    count += send_to(kv, topic, &message);
  }
  count += send_by_patterns(kv, channel, text, &message);
  (void)pthread_mutex_unlock(&pubsub->mutex);
  reply_reset(&message, 0);
  reply_integer(session->reply, count);
}

// PUBSUB

void cmd_pubsub_channels(struct session *session, const struct request *request) {
  if (request->count > 3) {
    reply_subcommand_error(session, request);
    return;
  }
  struct pubsub *pubsub = session->kv->pubsub;
  struct reply names = {0};
  size_t count = 0;
  (void)pthread_mutex_lock(&pubsub->mutex);
  for (const struct topic *topic = pubsub->channels.list; topic != NULL; topic = topic->list_next) {
    if (request->count == 3 &&
        !glob_matches(request->args[2].data, request->args[2].size, topic->name, topic->name_size))
      continue;
    reply_bulk(&names, topic->name, topic->name_size);
    count++;
  }
  (void)pthread_mutex_unlock(&pubsub->mutex);
  if (names.has_failed) session->reply->has_failed = true;
  reply_array(session->reply, count);
  reply_bytes(session->reply, names.data != NULL ? names.data : "", names.size);
  reply_reset(&names, 0);
}

void cmd_pubsub_numsub(struct session *session, const struct request *request) {
  struct pubsub *pubsub = session->kv->pubsub;
  reply_array(session->reply, 2 * (request->count - 2));
  for (size_t i = 2; i < request->count; i++) {
    (void)pthread_mutex_lock(&pubsub->mutex);
    const struct topic *topic = find(pubsub, &pubsub->channels, &request->args[i]);
    const size_t count = topic != NULL ? topic->count : 0;
    (void)pthread_mutex_unlock(&pubsub->mutex);
    reply_bulk(session->reply, request->args[i].data, request->args[i].size);
    reply_integer(session->reply, (int64_t)count);
  }
}

static size_t count_topics(struct kv *kv, const struct topics *topics) {
  (void)pthread_mutex_lock(&kv->pubsub->mutex);
  const size_t count = topics->count;
  (void)pthread_mutex_unlock(&kv->pubsub->mutex);
  return count;
}

size_t pubsub_channel_count(struct kv *kv) { return count_topics(kv, &kv->pubsub->channels); }

size_t pubsub_pattern_count(struct kv *kv) { return count_topics(kv, &kv->pubsub->patterns); }

void cmd_pubsub_numpat(struct session *session, const struct request *request) {
  (void)request;
  reply_integer(session->reply, (int64_t)pubsub_pattern_count(session->kv));
}

void cmd_pubsub_help(struct session *session, const struct request *request) {
  (void)request;
  static const char *const lines[] = {"CHANNELS [<pattern>]", "NUMPAT", "NUMSUB [<channel> ...]",
                                      "HELP"};
  reply_help(session, "PUBSUB", lines, sizeof lines / sizeof lines[0]);
}
