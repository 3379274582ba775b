// CLIENT: the list of all connections.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "examples/kv/kv.h"

enum { LINE_BYTES_MAX = 1536, PRINTED_BYTES = EVNET_ADDRESS_TEXT_BYTES + 2 };

enum client_type {
  TYPE_ANY,
  TYPE_NORMAL,
  TYPE_PUBSUB,
  TYPE_NONE
};  // TYPE_NONE: this server has no clients of the type

void clients_add(struct session *session) {
  struct kv *kv = session->kv;
  (void)pthread_mutex_lock(&kv->registry);
  session->id = ++kv->next_id;
  // At the end, so that the list is in the order of ids.
  session->previous = kv->last_session;
  if (kv->last_session != NULL) {
    kv->last_session->next = session;
  } else {
    kv->sessions = session;
  }
  kv->last_session = session;
  (void)pthread_mutex_unlock(&kv->registry);
}

void clients_remove(struct session *session) {
  struct kv *kv = session->kv;
  (void)pthread_mutex_lock(&kv->registry);
  if (session->previous != NULL) {
    session->previous->next = session->next;
  } else {
    kv->sessions = session->next;
  }
  if (session->next != NULL) {
    session->next->previous = session->previous;
  } else {
    kv->last_session = session->previous;
  }
  (void)pthread_mutex_unlock(&kv->registry);
}

// An address as Redis prints it: HOST:PORT, or PATH:0 of a Unix socket.
static void print_address(const struct evnet_address *address, char *out, size_t room) {
  char text[EVNET_ADDRESS_TEXT_BYTES];
  evnet_address_format(address, text, sizeof text);
  const char *host = strstr(text, "://");
  const bool is_unix = strncmp(text, "unix", 4) == 0;
  snprintf(out, room, "%s%s", host != NULL ? host + 3 : text, is_unix ? ":0" : "");
}

static bool is_subscriber(const struct session *session) {
  return atomic_load_explicit(&session->seen_channels, memory_order_relaxed) > 0 ||
         atomic_load_explicit(&session->seen_patterns, memory_order_relaxed) > 0;
}

// Appends a line without its end. The registry's mutex is locked.
static void print_client(const struct session *session, struct reply *out) {
  char line[LINE_BYTES_MAX], peer[PRINTED_BYTES], local[PRINTED_BYTES], flags[4];
  print_address(&session->peer, peer, sizeof peer);
  print_address(&session->local, local, sizeof local);
  const int64_t now_ms = kv_wall_ms();
  const struct command *last = atomic_load_explicit(&session->last, memory_order_relaxed);
  const int multi = atomic_load_explicit(&session->seen_multi, memory_order_relaxed);
  snprintf(flags, sizeof flags, "%s%s%s", is_subscriber(session) ? "P" : "", multi >= 0 ? "x" : "",
           is_subscriber(session) || multi >= 0 ? "" : "N");
  const int size = snprintf(
      line, sizeof line,
      "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRId64 " idle=%" PRId64
      " flags=%s db=%d sub=%d psub=%d ssub=0 multi=%d qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 "
      "rbs=0 rbp=0 obl=0 "
      "oll=0 omem=0 tot-mem=%zu events=r cmd=%s user=default redir=-1 resp=2",
      session->id, peer, local, session->fd, session->name, (now_ms - session->opened_ms) / 1000,
      (now_ms - atomic_load_explicit(&session->used_ms, memory_order_relaxed)) / 1000, flags,
      atomic_load_explicit(&session->seen_database, memory_order_relaxed),
      atomic_load_explicit(&session->seen_channels, memory_order_relaxed),
      atomic_load_explicit(&session->seen_patterns, memory_order_relaxed), multi, sizeof *session,
      last != NULL ? last->name : "NULL");
  reply_bytes(out, line, size < (int)sizeof line ? (size_t)size : sizeof line - 1);
}

static bool has_type(const struct session *session, enum client_type type) {
  return type == TYPE_ANY || (type == TYPE_PUBSUB && is_subscriber(session)) ||
         (type == TYPE_NORMAL && !is_subscriber(session));
}

static bool parse_type(struct session *session, const struct resp_arg *arg, enum client_type *out) {
  if (arg_is(arg, "normal")) {
    *out = TYPE_NORMAL;
  } else if (arg_is(arg, "pubsub")) {
    *out = TYPE_PUBSUB;
  } else if (arg_is(arg, "master") || arg_is(arg, "replica") || arg_is(arg, "slave")) {
    *out = TYPE_NONE;
  } else {
    char text[128];
    reply_error_format(session->reply, "ERR Unknown client type '%s'",
                       arg_text(arg, text, sizeof text));
    return false;
  }
  return true;
}

// Prints the clients of a type, or those with the given ids.
static void list(struct session *session, enum client_type type, const int64_t *ids,
                 size_t id_count) {
  struct kv *kv = session->kv;
  struct reply lines = {0};
  (void)pthread_mutex_lock(&kv->registry);
  for (const struct session *each = kv->sessions; each != NULL; each = each->next) {
    bool is_wanted = ids == NULL && has_type(each, type);
    for (size_t i = 0; i < id_count; i++) is_wanted = is_wanted || (uint64_t)ids[i] == each->id;
    if (!is_wanted) continue;
    print_client(each, &lines);
    reply_bytes(&lines, "\n", 1);
  }
  (void)pthread_mutex_unlock(&kv->registry);
  if (lines.has_failed) session->reply->has_failed = true;
  reply_bulk(session->reply, lines.data != NULL ? lines.data : "", lines.size);
  reply_reset(&lines, 0);
}

enum { IDS_MAX = 256 };

void cmd_client_list(struct session *session, const struct request *request) {
  enum client_type type = TYPE_ANY;
  if (request->count == 4 && arg_is(&request->args[2], "type")) {
    if (parse_type(session, &request->args[3], &type)) list(session, type, NULL, 0);
  } else if (request->count > 3 && request->count <= 3 + IDS_MAX &&
             arg_is(&request->args[2], "id")) {
    int64_t ids[IDS_MAX];
    for (size_t i = 3; i < request->count; i++) {
      if (resp_parse_number(request->args[i].data, request->args[i].size, &ids[i - 3]) == 0)
        continue;
      reply_error(session->reply, "ERR Invalid client ID");
      return;
    }
    list(session, TYPE_ANY, ids, request->count - 3);
  } else if (request->count == 2) {
    list(session, TYPE_ANY, NULL, 0);
  } else {
    reply_syntax_error(session);
  }
}

void cmd_client_info(struct session *session, const struct request *request) {
  (void)request;
  struct reply line = {0};
  (void)pthread_mutex_lock(&session->kv->registry);
  print_client(session, &line);
  (void)pthread_mutex_unlock(&session->kv->registry);
  reply_bytes(&line, "\n", 1);
  reply_bulk(session->reply, line.data != NULL ? line.data : "", line.size);
  reply_reset(&line, 0);
}

void cmd_client_id(struct session *session, const struct request *request) {
  (void)request;
  reply_integer(session->reply, (int64_t)session->id);
}

void cmd_client_getname(struct session *session, const struct request *request) {
  (void)request;
  if (session->name[0] == '\0') {
    reply_null(session->reply);
  } else {
    reply_text(session->reply, session->name);
  }
}

bool client_set_name(struct session *session, const struct resp_arg *name) {
  bool is_valid = name->size < KV_NAME_BYTES_MAX;
  for (size_t i = 0; i < name->size; i++)
    is_valid = is_valid && name->data[i] >= '!' && name->data[i] <= '~';
  if (!is_valid) {
    reply_error(session->reply,
                "ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  (void)pthread_mutex_lock(&session->kv->registry);
  memcpy(session->name, name->data, name->size);
  session->name[name->size] = '\0';
  (void)pthread_mutex_unlock(&session->kv->registry);
  return true;
}

void cmd_client_setname(struct session *session, const struct request *request) {
  if (client_set_name(session, &request->args[2])) reply_ok(session->reply);
}

// It is remembered only, because this server removes no key for lack of memory.
void cmd_client_no_evict(struct session *session, const struct request *request) {
  const bool on = arg_is(&request->args[2], "on");
  if (!on && !arg_is(&request->args[2], "off")) {
    reply_syntax_error(session);
    return;
  }
  session->no_evict = on;
  reply_ok(session->reply);
}

// CLIENT KILL

struct kill_filter {
  const struct resp_arg *peer, *local;  // or NULL
  enum client_type type;
  int64_t id;  // 0: any
  bool skips_own;
};

// Reads one pair of arguments.
static bool parse_filter(struct session *session, const struct resp_arg *args,
                         struct kill_filter *filter) {
  const struct resp_arg *value = &args[1];
  char text[128];
  if (arg_is(args, "id")) {
    if (resp_parse_number(value->data, value->size, &filter->id) == 0 && filter->id > 0)
      return true;
    reply_error(session->reply, "ERR client-id should be greater than 0");
    return false;
  }
  if (arg_is(args, "type")) return parse_type(session, value, &filter->type);
  if (arg_is(args, "addr")) {
    filter->peer = value;
  } else if (arg_is(args, "laddr")) {
    filter->local = value;
  } else if (arg_is(args, "user")) {
    if (value->size == 7 && memcmp(value->data, "default", 7) == 0) return true;
    reply_error_format(session->reply, "ERR No such user '%s'", arg_text(value, text, sizeof text));
    return false;
  } else if (arg_is(args, "skipme") && (arg_is(value, "yes") || arg_is(value, "no"))) {
    filter->skips_own = arg_is(value, "yes");
  } else {
    reply_syntax_error(session);
    return false;
  }
  return true;
}

static bool address_is(const struct evnet_address *address, const struct resp_arg *wanted) {
  char text[PRINTED_BYTES];
  if (wanted == NULL) return true;
  print_address(address, text, sizeof text);
  return strlen(text) == wanted->size && memcmp(text, wanted->data, wanted->size) == 0;
}

static int64_t kill_clients(struct session *session, const struct kill_filter *filter) {
  struct kv *kv = session->kv;
  int64_t count = 0;
  (void)pthread_mutex_lock(&kv->registry);
  for (const struct session *each = kv->sessions; each != NULL; each = each->next) {
    if (!address_is(&each->peer, filter->peer) || !address_is(&each->local, filter->local) ||
        !has_type(each, filter->type) || (filter->id != 0 && (uint64_t)filter->id != each->id) ||
        (each == session && filter->skips_own))
      continue;
    if (each == session) {
      session->ends = true;
    } else {
      (void)evnet_async_close(kv->server, each->conn_id, NULL, NULL);
    }
    count++;
  }
  (void)pthread_mutex_unlock(&kv->registry);
  return count;
}

void cmd_client_kill(struct session *session, const struct request *request) {
  struct kill_filter filter = {.skips_own = request->count > 3};
  if (request->count == 3) {
    filter.peer = &request->args[2];
  } else if (request->count % 2 != 0) {
    reply_syntax_error(session);
    return;
  }
  for (size_t i = 2; request->count > 3 && i < request->count; i += 2) {
    if (!parse_filter(session, &request->args[i], &filter)) return;
  }
  const int64_t count = kill_clients(session, &filter);
  if (request->count > 3) {
    reply_integer(session->reply, count);
  } else if (count == 0) {
    reply_error(session->reply, "ERR No such client");
  } else {
    reply_ok(session->reply);
  }
}

void cmd_client_help(struct session *session, const struct request *request) {
  (void)request;
  static const char *const lines[] = {
      "GETNAME",
      "ID",
      "INFO",
      "KILL <ip:port>",
      "KILL [<filter> <value> ...], by ADDR, ID, LADDR, SKIPME, TYPE, USER",
      "LIST [TYPE <type> | ID <id> ...]",
      "NO-EVICT on|off",
      "SETNAME <name>",
      "HELP",
  };
  reply_help(session, "CLIENT", lines, sizeof lines / sizeof lines[0]);
}
