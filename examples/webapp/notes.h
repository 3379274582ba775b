// Notes, kept in PostgreSQL. Each reactor has a few connections, which are made again when they are
// lost, and a queue of requests.
#ifndef EVNET_EXAMPLES_WEBAPP_NOTES_H_
#define EVNET_EXAMPLES_WEBAPP_NOTES_H_

#include <libpq-fe.h>

#include "evnet/evnet.h"

struct notes;
struct note_request;

// Creates the connections of a reactor. `connection` is libpq's connection string; borrowed. Returns
// NULL if memory runs out.
struct notes *notes_create(struct evnet_reactor *reactor, const char *connection);

// Ends the connections. Requests in progress end with -ECANCELED.
void notes_destroy(struct notes *notes);

// Selects the id and the text of a user's last 100 notes, the newest first.
//
//   name  copied.
//   done  called once, later, unless the request is cancelled: with status 0 and the rows, which are
//         valid until it returns; with -EINVAL if PostgreSQL refuses the data, such as bytes that are
//         not UTF-8; with another negative status if it failed.
//
// Returns the request; NULL if PostgreSQL is not available, the queue is full, or memory runs out.
struct note_request *notes_list(struct notes *notes, const char *name,
                                void (*done)(void *user, int status, const PGresult *rows),
                                void *user);

// Adds a note, as notes_list; `text` is copied, and there are no rows.
struct note_request *notes_add(struct notes *notes, const char *name, const char *text,
                               void (*done)(void *user, int status, const PGresult *rows),
                               void *user);

// After this, `done` is not called. The query is not cancelled. NULL is accepted.
void note_request_cancel(struct note_request *request);

#endif  // EVNET_EXAMPLES_WEBAPP_NOTES_H_
