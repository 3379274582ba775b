// The parts of the server, and how they depend on each other:
//
//   kv.c           the program: options, reactors, timers
//   session.c      a connection: requests in, replies out
//   commands.c     the table of commands, and the way of a request to its function
//   strings.c, counters.c, bits.c, keys.c, expiry.c, scan.c, lcs.c      commands on keys
//   transaction.c, pubsub.c, clients.c, server.c, config.c, describe.c  other commands
//   store.c, table.c, reply.c, resp.c, glob.c                           without evnet
#ifndef EVNET_EXAMPLES_KV_KV_H_
#define EVNET_EXAMPLES_KV_KV_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "evnet/evnet.h"
#include "examples/kv/reply.h"
#include "examples/kv/resp.h"
#include "examples/kv/store.h"

// The version of Redis whose replies this server gives.
#define KV_REDIS_VERSION "7.0.15"

enum {
  KV_REPLY_BYTES_KEPT = 64 * 1024,    // of a reactor's buffer
  KV_HIGH_WATER_BYTES = 1024 * 1024,  // of output: no more requests are read
  KV_NAME_BYTES_MAX = 256,
};

struct kv;
struct session;

// A request: args[0] is the command's name.
struct request {
  const struct resp_arg *args;
  size_t count;
};

enum command_flag {
  COMMAND_WRITE = 1 << 0,
  COMMAND_READONLY = 1 << 1,
  COMMAND_DENYOOM = 1 << 2,  // refused if memory is short
  COMMAND_FAST = 1 << 3,
  COMMAND_ADMIN = 1 << 4,
  COMMAND_PUBSUB = 1 << 5,
  COMMAND_NOSCRIPT = 1 << 6,
  COMMAND_LOADING = 1 << 7,
  COMMAND_STALE = 1 << 8,
  COMMAND_NO_AUTH = 1 << 9,
  COMMAND_ALLOW_BUSY = 1 << 10,
  COMMAND_SKIP_SLOWLOG = 1 << 11,
  // Those below are this server's own.
  COMMAND_ALL_SHARDS = 1 << 16,    // needs every shard
  COMMAND_SUBSCRIBED = 1 << 17,    // is permitted while subscribed
  COMMAND_NOT_QUEUED = 1 << 18,    // runs immediately inside MULTI
  COMMAND_NOT_IN_MULTI = 1 << 19,  // is refused inside MULTI
};

// A command, or a subcommand such as CLIENT LIST, whose name is "client|list".
struct command {
  const char *name;  // in lower case
  int arity;         // the number of arguments, with the name; negative: the least number, negated
  unsigned flags;    // of enum command_flag
  void (*run)(struct session *session, const struct request *request);
  int first_key, last_key, key_step;  // as COMMAND INFO has them; 0: no keys
  const char *categories;             // of ACLs, separated by spaces
  const char *tips;
  const char *key_flags;  // of the first key specification; "|" separates those of two
  const char *key_notes;  // or NULL
  const char *summary;
  const char *since;
  const char *group;
};

// A request in a transaction's queue; the arguments follow it.
struct queued {
  struct queued *next;
  const struct command *command;
  struct request request;
  struct resp_arg args[];
};

struct name_list {
  struct subscription *first;
  size_t count;
};

// A connection. Only its reactor uses it, except where it says so.
struct session {
  struct kv *kv;
  struct evnet_conn *conn;
  struct worker *worker;
  struct reply *reply;  // the worker's; in EXEC and outside
  struct resp_request request;
  uint64_t shards;  // those that the running command has locked
  const struct resp_arg
      *hashed_arg;  // the key whose place is in hashed_key, so that it is hashed once
  struct key hashed_key;
  int database;
  bool ends;        // close after the replies
  bool is_waiting;  // for output to be sent before the next request
  bool no_evict;

  // Transactions
  bool in_multi;
  bool has_failed;  // a request was not queued
  size_t queued_count;
  struct queued *queue, **queue_end;
  struct watch *watches;
  atomic_bool watched_changed;  // any thread sets it

  // Subscriptions; pubsub.c locks what others read.
  struct name_list channels, patterns;

  // For CLIENT; others read these under the registry's mutex.
  struct session *next, *previous;
  uint64_t id;
  struct evnet_conn_id conn_id;
  struct evnet_address peer, local;
  int fd;
  int64_t opened_ms;
  char name[KV_NAME_BYTES_MAX];
  atomic_int seen_database, seen_channels, seen_patterns, seen_multi;
  atomic_int_fast64_t used_ms;
  _Atomic(const struct command *) last;
};

// The data of one reactor.
struct worker {
  struct kv *kv;
  struct evnet_timer timer;
  struct reply reply;
  int64_t now_ms;  // since 1970; updated before each batch of requests
  uint64_t random;
  unsigned index;
  atomic_uint_fast64_t commands;
  atomic_uint_fast64_t hits, misses, errors;
  atomic_uint_fast64_t connections;
};

struct settings {
  // Any thread may read and write them.
  atomic_int_fast64_t bulk_bytes_max;
  atomic_int_fast64_t maxmemory;
  atomic_int_fast64_t timeout_s;
};

struct kv {
  struct store store;
  struct pubsub *pubsub;
  struct settings settings;
  struct evnet_server *server;
  struct worker *workers;
  unsigned worker_count;
  int64_t started_ms;
  uint16_t port;             // of the first address
  size_t connections_max;    // the option
  pthread_mutex_t registry;  // guards the list of sessions, and their names
  struct session *sessions, *last_session;
  uint64_t next_id;
  char run_id[41];
};

// Time

int64_t kv_wall_ms(void);

// Commands

// commands_init prepares the search for names. It is called once, before the others.
void commands_init(void);

// command_find returns the command of a name, or NULL. For a command with subcommands, it is the subcommand, if there is
// one.
const struct command *command_find(const struct request *request);
size_t command_count(void);
const struct command *command_at(size_t index);                      // without subcommands
const struct command *command_named(const char *name, size_t size);  // also "client|list"
const struct command *command_subcommands(const struct command *command, size_t *out_count);
bool command_arity_fits(const struct command *command, size_t count);

// command_shards returns the set of the shards of a request's keys.
uint64_t command_shards(struct session *session, const struct command *command,
                        const struct request *request);

// command_execute carries out a request, whatever it is, and writes its reply.
void command_execute(struct session *session, const struct request *request);

// Sessions

void session_close(struct session *session);

// Makes a session as it was at first, except for its name (RESET).
void session_reset(struct session *session);

// Helpers of commands

// Returns the place of a key. command_shards has computed that of a request's first key.
static inline struct key session_key(struct session *session, const struct resp_arg *arg) {
  if (arg == session->hashed_arg) return session->hashed_key;
  return store_key(&session->kv->store, arg->data, arg->size);
}

// is_word compares an argument with a word in lower case, without regard to case.
bool arg_is(const struct resp_arg *arg, const char *word);

// arg_number parses a 64-bit integer; on failure it replies "not an integer or out of range" and returns false.
bool arg_number(struct session *session, const struct resp_arg *arg, int64_t *out);

// arg_text copies an argument as text for a message, cut to the room.
const char *arg_text(const struct resp_arg *arg, char *out, size_t room);

void reply_syntax_error(struct session *session);
void reply_no_memory(struct session *session);
void reply_subcommand_error(struct session *session, const struct request *request);
// Replies with the subcommands of a command.
void reply_help(struct session *session, const char *command, const char *const *lines,
                size_t count);

// Finds the entry of a key for reading, and counts a hit or a miss.
struct entry *read_entry(struct session *session, const struct key *key);

// Parses and prints numbers as Redis does.
bool parse_double(const char *text, size_t size, long double *out);

bool glob_matches(const char *pattern, size_t pattern_size, const char *text, size_t text_size);

// pubsub.c

int pubsub_create(struct kv *kv);
void pubsub_destroy(struct kv *kv);
void pubsub_forget(struct session *session);  // ends all subscriptions without a reply
size_t pubsub_channel_count(struct kv *kv);
size_t pubsub_pattern_count(struct kv *kv);
static inline size_t session_subscriptions(const struct session *session) {
  return session->channels.count + session->patterns.count;
}

// transaction.c

bool transaction_queue(struct session *session, const struct command *command,
                       const struct request *request);
void transaction_end(struct session *session);  // discards the queue and the watches

// clients.c

void clients_add(struct session *session);
void clients_remove(struct session *session);
bool client_set_name(struct session *session,
                     const struct resp_arg *name);  // replies if it is invalid

// The functions of the commands, by files.
#define KV_COMMAND(name) void name(struct session *session, const struct request *request)
KV_COMMAND(cmd_get);
KV_COMMAND(cmd_set);
KV_COMMAND(cmd_setnx);
KV_COMMAND(cmd_setex);
KV_COMMAND(cmd_psetex);
KV_COMMAND(cmd_getset);
KV_COMMAND(cmd_getdel);
KV_COMMAND(cmd_getex);
KV_COMMAND(cmd_mget);
KV_COMMAND(cmd_mset);
KV_COMMAND(cmd_msetnx);
KV_COMMAND(cmd_strlen);
KV_COMMAND(cmd_append);
KV_COMMAND(cmd_getrange);
KV_COMMAND(cmd_setrange);
KV_COMMAND(cmd_lcs);
KV_COMMAND(cmd_incr);
KV_COMMAND(cmd_decr);
KV_COMMAND(cmd_incrby);
KV_COMMAND(cmd_decrby);
KV_COMMAND(cmd_incrbyfloat);
KV_COMMAND(cmd_setbit);
KV_COMMAND(cmd_getbit);
KV_COMMAND(cmd_bitcount);
KV_COMMAND(cmd_del);
KV_COMMAND(cmd_exists);
KV_COMMAND(cmd_touch);
KV_COMMAND(cmd_type);
KV_COMMAND(cmd_rename);
KV_COMMAND(cmd_renamenx);
KV_COMMAND(cmd_copy);
KV_COMMAND(cmd_move);
KV_COMMAND(cmd_object_encoding);
KV_COMMAND(cmd_object_refcount);
KV_COMMAND(cmd_object_idletime);
KV_COMMAND(cmd_object_freq);
KV_COMMAND(cmd_object_help);
KV_COMMAND(cmd_expire);
KV_COMMAND(cmd_pexpire);
KV_COMMAND(cmd_expireat);
KV_COMMAND(cmd_pexpireat);
KV_COMMAND(cmd_ttl);
KV_COMMAND(cmd_pttl);
KV_COMMAND(cmd_expiretime);
KV_COMMAND(cmd_pexpiretime);
KV_COMMAND(cmd_persist);
KV_COMMAND(cmd_keys);
KV_COMMAND(cmd_scan);
KV_COMMAND(cmd_randomkey);
KV_COMMAND(cmd_dbsize);
KV_COMMAND(cmd_flushall);
KV_COMMAND(cmd_flushdb);
KV_COMMAND(cmd_swapdb);
KV_COMMAND(cmd_multi);
KV_COMMAND(cmd_exec);
KV_COMMAND(cmd_discard);
KV_COMMAND(cmd_watch);
KV_COMMAND(cmd_unwatch);
KV_COMMAND(cmd_subscribe);
KV_COMMAND(cmd_unsubscribe);
KV_COMMAND(cmd_psubscribe);
KV_COMMAND(cmd_punsubscribe);
KV_COMMAND(cmd_publish);
KV_COMMAND(cmd_pubsub_channels);
KV_COMMAND(cmd_pubsub_numsub);
KV_COMMAND(cmd_pubsub_numpat);
KV_COMMAND(cmd_pubsub_help);
KV_COMMAND(cmd_client_id);
KV_COMMAND(cmd_client_getname);
KV_COMMAND(cmd_client_setname);
KV_COMMAND(cmd_client_list);
KV_COMMAND(cmd_client_info);
KV_COMMAND(cmd_client_kill);
KV_COMMAND(cmd_client_no_evict);
KV_COMMAND(cmd_client_help);
KV_COMMAND(cmd_ping);
KV_COMMAND(cmd_echo);
KV_COMMAND(cmd_select);
KV_COMMAND(cmd_hello);
KV_COMMAND(cmd_reset);
KV_COMMAND(cmd_quit);
KV_COMMAND(cmd_time);
KV_COMMAND(cmd_info);
KV_COMMAND(cmd_function_flush);
KV_COMMAND(cmd_config_get);
KV_COMMAND(cmd_config_set);
KV_COMMAND(cmd_config_resetstat);
KV_COMMAND(cmd_config_rewrite);
KV_COMMAND(cmd_config_help);
KV_COMMAND(cmd_command);
KV_COMMAND(cmd_command_count);
KV_COMMAND(cmd_command_info);
KV_COMMAND(cmd_command_docs);
KV_COMMAND(cmd_command_list);
KV_COMMAND(cmd_command_help);

#endif  // EVNET_EXAMPLES_KV_KV_H_
