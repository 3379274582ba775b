#include "examples/webapp/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/libpq/evnet_libpq.h"

enum {
  CONNECTIONS = 4,
  QUEUE_MAX = 1000,
  RETRY_MS = 200,
  QUERY_MS_MAX = 5000,  // after this time without a result a connection is replaced
};

struct note_request {
  struct note_request *next;                                   // in the queue
  void (*done)(void *user, int status, const PGresult *rows);  // NULL: cancelled
  void *user;
  const char *query;
  int parameter_count;
  const char *parameters[2];  // in `bytes`
  char bytes[];
};

// One connection. It runs one query at a time.
struct database {
  struct notes *notes;
  PGconn *connection;  // NULL: waits for `timer`
  struct evnet_libpq *attachment;
  struct evnet_timer timer;      // of the next attempt to connect, or of the running query
  bool ready;                    // the table exists, and no query runs
  struct note_request *request;  // that runs; NULL: none, or the preparation of the table
};

struct notes {
  struct evnet_reactor *reactor;
  const char *connection;
  struct database databases[CONNECTIONS];
  struct note_request *first;  // the queue
  struct note_request **last;
  size_t queued;
  size_t connected;  // databases whose table is prepared
};

static void end_request(struct note_request *request, int status, const PGresult *rows) {
  if (request == NULL) return;
  if (request->done != NULL) request->done(request->user, status, rows);
  free(request);
}

// Ends the queue if no connection is left that could run it.
static void end_queue(struct notes *notes) {
  while (notes->connected == 0 && notes->first != NULL) {
    struct note_request *request = notes->first;
    notes->first = request->next;
    if (notes->first == NULL) notes->last = &notes->first;
    notes->queued--;
    end_request(request, -ECANCELED, NULL);
  }
}

// Connections

static void connect_database(struct database *database);

static void retry(struct evnet_timer *timer, void *user) {
  (void)timer;
  connect_database(user);
}

static void disconnect(struct database *database) {
  struct note_request *request = database->request;
  if (database->ready || request != NULL) database->notes->connected--;
  database->ready = false;
  database->request = NULL;
  evnet_libpq_detach(database->attachment);
  PQfinish(database->connection);
  database->attachment = NULL;
  database->connection = NULL;
  evnet_timer_stop(database->notes->reactor, &database->timer);
  end_request(request, -ECANCELED, NULL);
}

static void lost(struct database *database) {
  disconnect(database);
  evnet_timer_start(database->notes->reactor, &database->timer, RETRY_MS, retry, database);
  end_queue(database->notes);
}

static void too_slow(struct evnet_timer *timer, void *user) {
  (void)timer;
  lost(user);
}

static void on_failed(struct evnet_libpq *attachment, const char *message, void *user) {
  (void)attachment;
  (void)message;
  lost(user);
}

static void guard(struct database *database) {
  evnet_timer_start(database->notes->reactor, &database->timer, QUERY_MS_MAX, too_slow, database);
}

static void on_connected(struct evnet_libpq *attachment, void *user) {
  (void)attachment;
  struct database *database = user;
  // Two connections that create the table simultaneously would collide, so a lock orders them.
  static const char prepare[] =
      "BEGIN; SELECT pg_advisory_xact_lock(7265); "
      "CREATE TABLE IF NOT EXISTS note (id bigserial PRIMARY KEY, name text NOT NULL, "
      "text text NOT NULL); CREATE INDEX IF NOT EXISTS note_name ON note (name, id); COMMIT";
  guard(database);
  if (PQsendQuery(database->connection, prepare) != 1) lost(database);
}

static void run_next(struct database *database) {
  struct notes *notes = database->notes;
  struct note_request *request = notes->first;
  if (request == NULL || !database->ready) return;
  notes->first = request->next;
  if (notes->first == NULL) notes->last = &notes->first;
  notes->queued--;
  database->ready = false;
  database->request = request;
  guard(database);
  if (PQsendQueryParams(database->connection, request->query, request->parameter_count, NULL,
                        request->parameters, NULL, NULL, 0) != 1) {
    // Later, because the caller does not have the request yet.
    evnet_timer_start(notes->reactor, &database->timer, 0, too_slow, database);
    return;
  }
  evnet_libpq_flush(database->attachment);
}

// Class 22 of SQLSTATE: the client's data is invalid, for example not UTF-8.
static int status_of(const PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return 0;
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state != NULL && strncmp(state, "22", 2) == 0 ? -EINVAL : -EIO;
}

static void on_result(struct evnet_libpq *attachment, PGresult *result, void *user) {
  (void)attachment;
  struct database *database = user;
  struct note_request *request = database->request;
  if (result == NULL) {  // the end of the query
    evnet_timer_stop(database->notes->reactor, &database->timer);
    if (request == NULL) database->notes->connected++;
    database->request = NULL;
    database->ready = true;
    // The result was presented, unless the query had none.
    end_request(request, -EIO, NULL);
    run_next(database);
    return;
  }
  if (request != NULL && request->done != NULL) {
    request->done(request->user, status_of(result), result);
    request->done = NULL;
  }
  PQclear(result);
}

// By default libpq prints the server's notices on stderr.
static void ignore_notice(void *user, const char *message) {
  (void)user;
  (void)message;
}

static void connect_database(struct database *database) {
  static const struct evnet_libpq_callbacks callbacks = {
      .on_connected = on_connected, .on_result = on_result, .on_failed = on_failed};
  database->connection = PQconnectStart(database->notes->connection);
  (void)PQsetNoticeProcessor(database->connection, ignore_notice, NULL);
  if (evnet_libpq_attach(database->notes->reactor, database->connection, &callbacks, database,
                         &database->attachment) < 0) {
    lost(database);
    return;
  }
  guard(database);
}

struct notes *notes_create(struct evnet_reactor *reactor, const char *connection) {
  struct notes *notes = calloc(1, sizeof *notes);
  if (notes == NULL) return NULL;
  notes->reactor = reactor;
  notes->connection = connection;
  notes->last = &notes->first;
  for (int i = 0; i < CONNECTIONS; i++) {
    notes->databases[i].notes = notes;
    connect_database(&notes->databases[i]);
  }
  return notes;
}

void notes_destroy(struct notes *notes) {
  if (notes == NULL) return;
  for (int i = 0; i < CONNECTIONS; i++) disconnect(&notes->databases[i]);
  notes->connected = 0;
  end_queue(notes);
  free(notes);
}

// Requests

static struct note_request *enqueue(struct notes *notes, const char *query,
                                    const char *const *parameters, int count,
                                    void (*done)(void *user, int status, const PGresult *rows),
                                    void *user) {
  if (notes->connected == 0 || notes->queued >= QUEUE_MAX) return NULL;
  size_t size = 0;
  for (int i = 0; i < count; i++) size += strlen(parameters[i]) + 1;
  struct note_request *request = calloc(1, sizeof *request + size);
  if (request == NULL) return NULL;
  request->done = done;
  request->user = user;
  request->query = query;
  request->parameter_count = count;
  char *bytes = request->bytes;
  for (int i = 0; i < count; i++) {
    size_t length = strlen(parameters[i]) + 1;
    memcpy(bytes, parameters[i], length);
    request->parameters[i] = bytes;
    bytes += length;
  }
  *notes->last = request;
  notes->last = &request->next;
  notes->queued++;
  for (int i = 0; i < CONNECTIONS; i++) {
    if (!notes->databases[i].ready) continue;
    run_next(&notes->databases[i]);
    break;
  }
  return request;
}

struct note_request *notes_list(struct notes *notes, const char *name,
                                void (*done)(void *user, int status, const PGresult *rows),
                                void *user) {
  return enqueue(notes, "SELECT id, text FROM note WHERE name = $1 ORDER BY id DESC LIMIT 100",
                 (const char *const[]){name}, 1, done, user);
}

struct note_request *notes_add(struct notes *notes, const char *name, const char *text,
                               void (*done)(void *user, int status, const PGresult *rows),
                               void *user) {
  return enqueue(notes, "INSERT INTO note (name, text) VALUES ($1, $2)",
                 (const char *const[]){name, text}, 2, done, user);
}

void note_request_cancel(struct note_request *request) {
  if (request != NULL) request->done = NULL;
}
