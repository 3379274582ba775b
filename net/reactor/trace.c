// Log lines about each connection. Nothing is formatted unless the log level asks for it.
#include "net/reactor/internal/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "net/base/text.h"
#include "net/reactor/conn.h"
#include "net/reactor/internal/reactor.h"

// Marked cold, so that opening and closing a connection do not reserve stack for the buffers.
__attribute__((cold, noinline)) static void trace(const struct evnet_conn *conn, const char *what,
                                                  const char *name, const char *why) {
  struct evnet_address peer;
  evnet_conn_remote_address(conn, &peer);
  char text[EVNET_TEXT_BYTES];
  evnet_log(&conn->reactor->options.logger, EVNET_LOG_DEBUG,
            "connection %" PRIu32 ".%" PRIu64 " %s %s %s%s%s", conn->reactor->owner.reactor_index,
            conn->generation, conn->dialled ? "to" : "from",
            evnet_text_of_address(&peer, text, sizeof text), what, name, why);
}

void trace_opened(const struct evnet_conn *conn) {
  if (evnet_log_wants(&conn->reactor->options.logger, EVNET_LOG_DEBUG))
    trace(conn, "opened", "", "");
}

void trace_closed(const struct evnet_conn *conn) {
  if (!evnet_log_wants(&conn->reactor->options.logger, EVNET_LOG_DEBUG)) return;
  char name[64];
  (void)snprintf(name, sizeof name, "%s: ", evnet_status_name(conn->reason));
  trace(conn, conn->unopened ? "failed: " : "closed: ", name, evnet_status_message(conn->reason));
}
