// A server of a framed protocol. A frame is a length of four bytes, most significant first, and a
// body of that many bytes. The server replies to each frame with one that has the body reversed.
//
// The handler consumes complete frames only. evnet keeps an incomplete one and presents it again
// together with the bytes that follow. All replies of one callback are sent in one call.
#include <signal.h>
#include <stdio.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

enum {
  HEADER_BYTES = 4,
  BODY_BYTES_MAX = 65536,
  IDLE_MS = 60000,
};

static uint32_t read_be32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void answer(struct evnet_conn *conn, const uint8_t *header, const uint8_t *body,
                   uint32_t size) {
  evnet_conn_write(conn, header, HEADER_BYTES);
  uint8_t part[512];
  while (size > 0) {
    uint32_t count = size < sizeof part ? size : (uint32_t)sizeof part;
    for (uint32_t i = 0; i < count; i++) part[i] = body[size - 1 - i];
    evnet_conn_write(conn, part, count);
    size -= count;
  }
}

// States that no frame is longer than this, so that evnet may stop reading at the inbound mark.
static enum evnet_action on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  return evnet_conn_need(conn, HEADER_BYTES + BODY_BYTES_MAX) < 0 ? EVNET_CLOSE : EVNET_NONE;
}

static enum evnet_action on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in;
  while ((in = evnet_conn_peek(conn)).size >= HEADER_BYTES) {
    uint32_t body = read_be32(in.data);
    if (body > BODY_BYTES_MAX) return EVNET_CLOSE;
    if (in.size < HEADER_BYTES + body) break;  // incomplete: wait for more bytes
    answer(conn, in.data, in.data + HEADER_BYTES, body);
    evnet_conn_discard(conn, HEADER_BYTES + body);
  }
  return EVNET_NONE;
}

// Prints the server's counters once a second, on reactor 0, if there were new connections.
static enum evnet_action on_tick(struct evnet_server *server, uint64_t *delay_ms, void *user) {
  uint64_t *accepted_before = user;
  struct evnet_server_stats stats;
  evnet_server_get_stats(server, &stats);
  if (stats.connections_accepted != *accepted_before) {
    printf("%llu open, %llu accepted, %llu bytes in, %llu out\n",
           (unsigned long long)stats.connections_open,
           (unsigned long long)stats.connections_accepted, (unsigned long long)stats.bytes_received,
           (unsigned long long)stats.bytes_sent);
    fflush(stdout);
  }
  *accepted_before = stats.connections_accepted;
  *delay_ms = 1000;
  return EVNET_NONE;
}

static const char usage[] =
    "usage: framed [OPTION...] [ADDRESS...]\n"
    "\n"
    "Replies to each frame with its body reversed. A frame is a length of four bytes, most\n"
    "significant first, and a body of up to 65536 bytes.\n";

int main(int argc, char **argv) {
  struct command_line line = {
      .program = "framed",
      .usage = usage,
      .options = {.idle_timeout_ms = IDLE_MS,
                  .inbound_high_water_bytes = HEADER_BYTES + BODY_BYTES_MAX}};
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;

  static const struct evnet_handler handler = {
      .on_boot = command_line_on_boot, .on_open = on_open, .on_data = on_data, .on_tick = on_tick};
  uint64_t accepted = 0;
  struct evnet_server *server = NULL;
  int status = evnet_server_create(&handler, &accepted, line.addresses, line.address_count,
                                   &line.options, &server);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGTERM, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_stop_on_signal(server, SIGINT, COMMAND_LINE_DRAIN_MS);
  if (status == 0) status = evnet_server_run(server);
  evnet_server_destroy(server);
  return command_line_exit_code(&line, status);
}
