// A chat server: it sends each line to all connected clients, on any number of reactors.
//
// It needs no locks. One reactor, the hub, owns the list of members. The other reactors post new
// members and lines to the hub, which writes to the members by connection ID. When a member leaves,
// its reactor sets a flag; the hub removes the member on its next pass over the list.
//
// All members share one copy of a line. A member that does not read is disconnected when more than
// QUEUED_BYTES_MAX are queued for it, so it never delays the others.
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  LINE_BYTES_MAX = 4096,
  QUEUED_BYTES_MAX = 1 << 20,  // output queued for one member
};

struct hub;

// A connected client. Its connection's reactor allocates it; the hub frees it after the connection
// has closed.
struct member {
  struct hub *hub;
  struct evnet_conn_id id;
  struct member *next;  // used by the hub only

  // Set when the connection has closed. Its reactor does not use the member after that.
  atomic_bool gone;
};

struct hub {
  struct evnet_server *server;
  struct member *members;  // used on reactor 0's thread only
};

struct message {
  struct hub *hub;
  struct evnet_conn_id speaker;  // held until the line is queued for all members, the speaker too
  struct evnet_shared *line;
};

// On the hub's reactor

static void join(void *argument) {
  struct member *member = argument;
  member->next = member->hub->members;
  member->hub->members = member;
}

static void say(void *argument) {
  struct message *message = argument;
  struct hub *hub = message->hub;
  struct member **link = &hub->members;
  while (*link != NULL) {
    struct member *member = *link;
    if (atomic_load(&member->gone)) {
      *link = member->next;
      free(member);
      continue;
    }
    evnet_async_write_shared(hub->server, member->id, message->line, NULL, NULL);
    link = &member->next;
  }
  evnet_async_release(hub->server, message->speaker);  // after the line
  evnet_shared_release(message->line);                 // freed after the last send
  free(message);
}

static void on_shutdown(struct evnet_server *server, void *user) {
  (void)server;
  struct hub *hub = user;
  while (hub->members != NULL) {
    struct member *member = hub->members;
    hub->members = member->next;
    free(member);
  }
}

// On every reactor

static int post(const struct hub *hub, void (*function)(void *argument), void *argument) {
  return evnet_reactor_post(evnet_server_reactor(hub->server, 0), function, argument);
}

static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  struct member *member = malloc(sizeof *member);
  if (member == NULL) return EVNET_CLOSE;
  *member = (struct member){.hub = user, .id = evnet_conn_get_id(conn)};
  if (post(user, join, member) < 0) {
    free(member);
    return EVNET_CLOSE;
  }
  evnet_conn_set_user(conn, member);
  return EVNET_NONE;
}

static enum evnet_action on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)reason;
  (void)user;
  struct member *member = evnet_conn_user(conn);
  if (member != NULL) atomic_store(&member->gone, true);
  return EVNET_NONE;
}

static bool pass_on(struct hub *hub, struct evnet_conn *speaker, struct evnet_bytes line) {
  struct message *message = malloc(sizeof *message);
  if (message == NULL) return false;
  message->hub = hub;
  message->speaker = evnet_conn_get_id(speaker);
  if (evnet_shared_create(line.data, line.size, &message->line) < 0) {
    free(message);
    return false;
  }
  if (evnet_conn_hold(speaker) == 0) {
    if (post(hub, say, message) == 0) return true;
    evnet_conn_release(speaker);
  }
  evnet_shared_release(message->line);
  free(message);
  return false;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  struct evnet_bytes in = evnet_conn_peek(conn);
  const uint8_t *end;
  while (in.size > 0 && (end = memchr(in.data, '\n', in.size)) != NULL) {
    const struct evnet_bytes line = {.data = in.data, .size = (size_t)(end - in.data) + 1};
    // Disconnect a client that sends too long a line, or more lines than the hub can queue.
    if (line.size > LINE_BYTES_MAX || !pass_on(user, conn, line)) return EVNET_CLOSE;
    evnet_conn_discard(conn, line.size);
    in.data += line.size;
    in.size -= line.size;
  }
  return in.size > LINE_BYTES_MAX ? EVNET_CLOSE : EVNET_NONE;
}

static int serve(const struct command_line *line) {
  static const struct evnet_handler handler = {.on_boot = command_line_on_boot,
                                               .on_open = on_open,
                                               .on_data = on_data,
                                               .on_close = on_close,
                                               .on_shutdown = on_shutdown};
  struct hub hub = {0};
  int status = evnet_server_create(&handler, &hub, line->addresses, line->address_count,
                                   &line->options, &hub.server);
  if (status == 0) status = evnet_server_stop_on_signal(hub.server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(hub.server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(hub.server);
  evnet_server_destroy(hub.server);
  return status;
}

static const char usage[] =
    "usage: chat [OPTION...] [ADDRESS...]\n"
    "\n"
    "Sends each line to all connected clients. Runs one event loop for each CPU unless\n"
    "--reactors is given. UDP is not supported.\n";

int main(int argc, char **argv) {
  struct command_line line = {
      .program = "chat",
      .usage = usage,
      .no_udp = true,
      .options = {.reactors = EVNET_REACTOR_PER_CPU,
                  .outbound_high_water_bytes = QUEUED_BYTES_MAX,
                  .outbound_high_action = EVNET_HIGH_CLOSE},
  };
  int exit_code = command_line_parse(&line, argc, argv);
  return exit_code >= 0 ? exit_code : command_line_exit_code(&line, serve(&line));
}
