// libpq on a reactor: asynchronous queries to a PostgreSQL server, without a thread.
//
//   PGconn *postgres = PQconnectStart("host=/run/postgresql dbname=shop");
//   int status = evnet_libpq_attach(reactor, postgres, &callbacks, user, &attachment);
//   ...
//   // in on_connected, and later:
//   PQsendQueryParams(postgres, "SELECT name FROM item WHERE id = $1", 1, NULL, values, ...);
//   evnet_libpq_flush(attachment);
//
// Everything else is libpq's own interface, pipeline mode included. Use only its functions that do
// not block: PQsend..., not PQexec.
//
// PQconnectStart looks names up itself, and blocks meanwhile: use "hostaddr=" or a socket's
// directory.
#ifndef EVNET_ADAPTERS_LIBPQ_EVNET_LIBPQ_H_
#define EVNET_ADAPTERS_LIBPQ_EVNET_LIBPQ_H_

#include <libpq-fe.h>
#include <stdbool.h>

#include "../../net/reactor/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_libpq;

// The callbacks. Each runs on the reactor's thread, may send further queries, and may detach. A NULL
// callback ignores the event.
struct evnet_libpq_callbacks {
  // The connection is ready for queries.
  void (*on_connected)(struct evnet_libpq *attachment, void *user);

  // A result of a query has arrived.
  //
  //   result  to be freed by PQclear; NULL after the last result of a query, as from PQgetResult. In
  //           pipeline mode each query has its NULL, and PGRES_PIPELINE_SYNC has none.
  //
  // NULL callback: results are freed.
  void (*on_result)(struct evnet_libpq *attachment, PGresult *result, void *user);

  // A COPY is in progress: a result was PGRES_COPY_IN, PGRES_COPY_OUT or PGRES_COPY_BOTH. The results of
  // the COPY follow when it has ended.
  //
  // To receive: call PQgetCopyData with async 1 until it returns 0 or less.
  //
  // To send: call PQputCopyData, and PQflush after it, until PQflush returns 1; the callback is called
  // again when all of that has been sent. At the end call PQputCopyEnd.
  //
  // Returns: true if there is more to send; otherwise false. If more comes up later, call
  //          evnet_libpq_flush after it.
  bool (*on_copy)(struct evnet_libpq *attachment, void *user);

  // A notification has arrived (LISTEN). To be freed by PQfreemem.
  void (*on_notify)(struct evnet_libpq *attachment, PGnotify *notify, void *user);

  // The connection failed or was lost, or the reactor has ended. Called once, as the last callback;
  // results that had arrived were presented before. Call evnet_libpq_detach, here or later, and then
  // PQfinish or PQresetStart.
  //
  //   message  the reason, in libpq's words; valid until the callback returns.
  void (*on_failed)(struct evnet_libpq *attachment, const char *message, void *user);
};

// evnet_libpq_attach makes a reactor do the input and output of a connection.
//
//   connection      from PQconnectStart or PQconnectStartParams, or connected already. evnet makes it
//                   non-blocking (PQsetnonblocking). It remains the caller's.
//   callbacks       copied. None is called from inside this function.
//   user            passed to every callback.
//   out_attachment  to be freed by evnet_libpq_detach.
//
// Returns: 0.
// Errors:  -EINVAL if the connection has failed already (CONNECTION_BAD).
//          -ENOMEM, -EMFILE if memory runs out, or no descriptor is left to watch the socket.
// Thread:  the reactor's.
EVNET_WARN_UNUSED int evnet_libpq_attach(struct evnet_reactor *reactor, PGconn *connection,
                                         const struct evnet_libpq_callbacks *callbacks, void *user,
                                         struct evnet_libpq **out_attachment);

// evnet_libpq_flush sends queries that PQsend... functions have queued, and data of a COPY. Call it
// after them, except in a callback of the same connection, after which evnet does so. It does not
// block. An error is reported by on_failed, later.
//
// Thread:  the reactor's.
void evnet_libpq_flush(struct evnet_libpq *attachment);

// evnet_libpq_connection returns the connection.
PGconn *evnet_libpq_connection(const struct evnet_libpq *attachment);

// evnet_libpq_detach ends the reactor's work for a connection. No further callback is called. Call it
// before PQfinish and PQreset, and before the reactor is destroyed or after on_failed. NULL is
// accepted.
//
// Thread:  the reactor's.
void evnet_libpq_detach(struct evnet_libpq *attachment);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_ADAPTERS_LIBPQ_EVNET_LIBPQ_H_
