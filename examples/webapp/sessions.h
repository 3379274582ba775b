// Sessions, kept in Redis: a token names a user for an hour. Each reactor has one connection, which
// is made again when it is lost.
#ifndef EVNET_EXAMPLES_WEBAPP_SESSIONS_H_
#define EVNET_EXAMPLES_WEBAPP_SESSIONS_H_

#include "evnet/evnet.h"

struct sessions;
struct session_request;

// Creates the connection of a reactor. `address` is the path of a Unix socket, or HOST:PORT with a
// numeric host; borrowed. Returns NULL if memory runs out.
struct sessions *sessions_create(struct evnet_reactor *reactor, const char *address);

// Ends the connection. Requests in progress end with -ECANCELED.
void sessions_destroy(struct sessions *sessions);

// Looks up the user of a token.
//
//   done  called once, later, unless the request is cancelled: with status 0 and the user's name;
//         with -ENOENT if the token is unknown; with another negative status if Redis failed.
//
// Returns the request; NULL if Redis is not available or memory runs out.
struct session_request *sessions_find(struct sessions *sessions, const char *token,
                                      void (*done)(void *user, int status, const char *name),
                                      void *user);

// Stores the user of a token, as sessions_find; `name` is NULL.
struct session_request *sessions_store(struct sessions *sessions, const char *token,
                                       const char *name,
                                       void (*done)(void *user, int status, const char *name),
                                       void *user);

// After this, `done` is not called. NULL is accepted.
void session_request_cancel(struct session_request *request);

#endif  // EVNET_EXAMPLES_WEBAPP_SESSIONS_H_
