// A library for a small protocol, and a program that uses it: 12_library [ADDRESS [DICTIONARY]]
//
// The protocol of the library: a client sends a word and a line feed, and the server replies with a
// line. The program's clients send words, which it looks up at the dictionary. After the line
// "dictionary" the library serves the client itself.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"

enum { LINE_MAX_BYTES = 64, REPLY_MAX_BYTES = 128, DRAIN_MS = 5000 };

// Takes a whole line, without its line feed, and adds a zero. Returns 0; -1 if there is none yet.
static int take_line(struct evnet_conn *conn, char *line, size_t bytes_max) {
  const struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
  const size_t size = end != NULL ? (size_t)(end - in.data) : in.size;
  if (size >= bytes_max) evnet_conn_close(conn);
  if (end == NULL || size >= bytes_max) return -1;
  memcpy(line, in.data, size);
  line[size] = '\0';
  evnet_conn_discard(conn, size + 1);
  return 0;
}

// The library: its server

struct dictionary {
  uint64_t *lookups;  // by reactor, so they need no lock
  uint32_t reactor_count;
};

static enum evnet_action dictionary_boot(struct evnet_server *server, void *user) {
  struct dictionary *dictionary = user;
  dictionary->reactor_count = evnet_server_reactor_count(server);
  dictionary->lookups = calloc(dictionary->reactor_count, sizeof *dictionary->lookups);
  return dictionary->lookups != NULL ? EVNET_NONE : EVNET_SHUTDOWN;
}

static void dictionary_shutdown(struct evnet_server *server, void *user) {
  (void)server;
  struct dictionary *dictionary = user;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < dictionary->reactor_count && dictionary->lookups != NULL; i++)
    sum += dictionary->lookups[i];
  fprintf(stderr, "%llu lookups\n", (unsigned long long)sum);
  free(dictionary->lookups);
}

static enum evnet_action dictionary_data(struct evnet_conn *conn, void *user) {
  struct dictionary *dictionary = user;
  char word[LINE_MAX_BYTES];
  char reply[REPLY_MAX_BYTES];
  while (take_line(conn, word, sizeof word) == 0) {
    dictionary->lookups[evnet_reactor_index(evnet_conn_reactor(conn))]++;
    const int size = snprintf(reply, sizeof reply, "%s has %zu letters\n", word, strlen(word));
    evnet_conn_write(conn, reply, (size_t)size);
  }
  return EVNET_NONE;
}

static const struct evnet_handler dictionary_handler = {
    .on_boot = dictionary_boot, .on_data = dictionary_data, .on_shutdown = dictionary_shutdown};

// dictionary_listen returns an address of the dictionary, for evnet_server_create_with.
static struct evnet_listen dictionary_listen(struct dictionary *dictionary, const char *address) {
  return (struct evnet_listen){
      .address = address, .handler = &dictionary_handler, .user = dictionary};
}

// dictionary_serve serves a connection from now on. Its unread bytes are the first words.
static int dictionary_serve(struct dictionary *dictionary, struct evnet_conn *conn) {
  return evnet_conn_set_handler(conn, &dictionary_handler, dictionary);
}

// The library: its client

struct lookup {
  void (*done)(struct evnet_reactor *reactor, const char *reply, void *user);
  void *user;
  bool has_reply;
  char line[LINE_MAX_BYTES + 1];
};

static enum evnet_action lookup_open(struct evnet_conn *conn, void *user) {
  const struct lookup *lookup = user;
  evnet_conn_write(conn, lookup->line, strlen(lookup->line));
  return EVNET_NONE;
}

static enum evnet_action lookup_data(struct evnet_conn *conn, void *user) {
  struct lookup *lookup = user;
  char reply[REPLY_MAX_BYTES];
  if (lookup->has_reply || take_line(conn, reply, sizeof reply) < 0) return EVNET_NONE;
  lookup->has_reply = true;
  lookup->done(evnet_conn_reactor(conn), reply, lookup->user);
  return EVNET_CLOSE;
}

static enum evnet_action lookup_close(struct evnet_conn *conn, int reason, void *user) {
  struct lookup *lookup = user;
  if (!lookup->has_reply)
    lookup->done(evnet_conn_reactor(conn), evnet_status_message(reason), lookup->user);
  free(lookup);
  return EVNET_NONE;
}

// dictionary_ask looks a word up. `done` is called once, with the reply or the reason why there is
// none, unless dictionary_ask fails.
static int dictionary_ask(struct evnet_reactor *reactor, const char *address, const char *word,
                          void (*done)(struct evnet_reactor *reactor, const char *reply,
                                       void *user),
                          void *user) {
  static const struct evnet_handler handler = {
      .on_open = lookup_open, .on_data = lookup_data, .on_close = lookup_close};
  struct lookup *lookup = malloc(sizeof *lookup);
  if (lookup == NULL) return -1;
  *lookup = (struct lookup){.done = done, .user = user};
  (void)snprintf(lookup->line, sizeof lookup->line, "%s\n", word);
  const struct evnet_dial_options options = {
      .handler = &handler, .user = lookup, .timeout_ms = 1000, .background = true};
  const int status = evnet_dial(reactor, address, &options, NULL);
  if (status < 0) free(lookup);
  return status;
}

// The program

struct app {
  struct dictionary dictionary;
  char address[EVNET_ADDRESS_TEXT_BYTES];  // the dictionary's
};

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  struct app *app = user;
  struct evnet_address bound;  // with the actual port
  if (evnet_server_address(server, 1, &bound) < 0) return EVNET_SHUTDOWN;
  evnet_address_format(&bound, app->address, sizeof app->address);
  return EVNET_NONE;
}

static void replied(struct evnet_reactor *reactor, const char *reply, void *user) {
  struct evnet_conn_id *id = user;
  struct evnet_conn *conn = evnet_conn_find(reactor, *id);
  free(id);
  if (conn == NULL) return;  // the client has left
  evnet_conn_write(conn, reply, strlen(reply));
  evnet_conn_write(conn, "\n", 1);
  evnet_conn_release(conn);
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct app *app = user;
  char line[LINE_MAX_BYTES];
  if (take_line(conn, line, sizeof line) < 0) return EVNET_NONE;
  if (strcmp(line, "dictionary") == 0)
    return dictionary_serve(&app->dictionary, conn) < 0 ? EVNET_CLOSE : EVNET_NONE;
  struct evnet_conn_id *id = malloc(sizeof *id);
  if (id == NULL) return EVNET_CLOSE;
  *id = evnet_conn_get_id(conn);
  struct evnet_reactor *reactor = evnet_conn_reactor(conn);
  evnet_conn_hold(conn);  // reading stops until the reply, because holds_max is 1
  if (dictionary_ask(reactor, app->address, line, replied, id) == 0) return EVNET_NONE;
  evnet_conn_release(conn);
  free(id);
  return EVNET_CLOSE;
}

int main(int argc, char **argv) {
  struct app app = {0};
  const struct evnet_handler handler = {.on_boot = on_boot, .on_data = on_data};
  const struct evnet_listen listens[] = {
      {.address = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000"},
      dictionary_listen(&app.dictionary, argc > 2 ? argv[2] : "tcp://127.0.0.1:9001"),
  };
  const struct evnet_options options = {
      .reactors = 2, .holds_max = 1, .log = evnet_log_stderr, .log_level = EVNET_LOG_INFO};
  struct evnet_server *server = NULL;
  int status = evnet_server_create_with(&handler, &app, listens, 2, &options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  if (status < 0) fprintf(stderr, "12_library: %s\n", evnet_status_message(status));
  return status == 0 ? 0 : 1;
}
