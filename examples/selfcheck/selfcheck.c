// A server and its clients in one process: it shows in seconds whether evnet works on a system.
//
// Each client is a connection that the server dials to itself. The server sends everything back, and the client
// compares it. client_on_close decides whether the client saw what it should.
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evnet/evnet.h"
#include "examples/command_line/command_line.h"

static const char usage[] =
    "usage: selfcheck [OPTION...]\n"
    "\n"
    "Starts a server on the loopback interface and connects to it in every way. Prints one line "
    "for\n"
    "each behaviour, and ends with exit code 1 if one of them is wrong. It takes no address.\n";

enum {
  STREAM_BYTES = 4 << 20,
  PIECE_BYTES = 64 << 10,
  DATAGRAM_BYTES = 1200,
  DEADLINE_MS = 60000,
  IDLE_MS = 300,
  TIMER_MS = 50,
};

enum address { TCP4, TCP6, UDP4, UDP6, UNIX, ADDRESSES };

static const char *const address_names[] = {"TCP over IPv4", "TCP over IPv6", "UDP over IPv4",
                                            "UDP over IPv6", "Unix socket"};

enum purpose {
  PURPOSE_ECHO,      // sends a pattern, ends its direction, and expects the pattern and the end
  PURPOSE_DATAGRAM,  // sends a datagram and expects it back
  PURPOSE_IDLE,      // stays silent and expects EVNET_REASON_IDLE_TIMEOUT
  PURPOSE_REFUSED,   // dials a port without a listener
  PURPOSE_THREAD,    // the echo of bytes that another thread wrote
};

struct client {
  struct check *check;
  const char *name;
  enum purpose purpose;
  size_t sent;
  size_t received;
  bool wrong;  // other bytes than the pattern
  bool done;
  char outcome[96];  // empty: as expected
};

enum { CLIENTS_MAX = 12 };

struct check {
  struct evnet_server *server;
  char unix_address[96];
  const char *unix_path;  // in unix_address
  enum address kinds[ADDRESSES];
  size_t address_count;
  struct client clients[CLIENTS_MAX];
  size_t client_count;
  pthread_mutex_t
      mutex;  // guards `remaining` and the clients' outcomes; clients live on several reactors
  size_t remaining;
  struct evnet_timer timer;
  uint64_t timer_started_ms;
  int64_t timer_took_ms;
  pthread_t thread;
  bool has_thread;
  struct evnet_conn_id thread_conn;
  struct evnet_workers *workers;
  int jobs;  // atomic
  bool has_failed;
};

static uint8_t pattern(size_t offset) { return (uint8_t)(offset * 131 + (offset >> 8)); }

static void report(struct check *check, bool ok, const char *name, const char *detail) {
  if (!ok) check->has_failed = true;
  printf("%-4s %s%s%s\n", ok ? "ok" : "FAIL", name, detail[0] ? ": " : "", detail);
}

static void finish_client(struct check *check, struct client *client, const char *outcome) {
  pthread_mutex_lock(&check->mutex);
  bool is_last = false;
  if (!client->done) {
    client->done = true;
    snprintf(client->outcome, sizeof client->outcome, "%s", outcome);
    is_last = --check->remaining == 0;
  }
  pthread_mutex_unlock(&check->mutex);
  if (is_last) (void)evnet_server_stop(check->server, COMMAND_LINE_DRAIN_MS);
}

// Gives up the place that on_boot holds among the remaining clients.
static void finish_dialling(struct check *check) {
  pthread_mutex_lock(&check->mutex);
  const bool is_last = --check->remaining == 0;
  pthread_mutex_unlock(&check->mutex);
  if (is_last) (void)evnet_server_stop(check->server, COMMAND_LINE_DRAIN_MS);
}

// Writes as much of the pattern as the queue takes below its high-water mark.
static enum evnet_action send_pattern(struct evnet_conn *conn, struct client *client) {
  static _Thread_local uint8_t piece[PIECE_BYTES];
  while (client->sent < STREAM_BYTES) {
    if (evnet_conn_outbound_bytes(conn) >= PIECE_BYTES) {
      return evnet_conn_notify_below(conn, PIECE_BYTES) == 0 ? EVNET_NONE : EVNET_CLOSE;
    }
    for (size_t i = 0; i < sizeof piece; i++) piece[i] = pattern(client->sent + i);
    if (evnet_conn_write(conn, piece, sizeof piece) < 0) return EVNET_CLOSE;
    client->sent += sizeof piece;
  }
  return evnet_conn_shutdown_write(conn) == 0 ? EVNET_NONE : EVNET_CLOSE;
}

static void *write_from_thread(void *argument) {
  struct check *check = argument;
  uint8_t bytes[DATAGRAM_BYTES];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
  // If it fails, the client does not receive the bytes, which is reported.
  (void)evnet_async_write(check->server, check->thread_conn, bytes, sizeof bytes, NULL, NULL);
  return NULL;
}

static enum evnet_action client_on_open(struct evnet_conn *conn, void *user) {
  (void)user;
  struct client *client = evnet_conn_user(conn);
  struct check *check = client->check;
  uint8_t datagram[DATAGRAM_BYTES];
  switch (client->purpose) {
    case PURPOSE_ECHO:
      return send_pattern(conn, client);
    case PURPOSE_DATAGRAM:
      for (size_t i = 0; i < sizeof datagram; i++) datagram[i] = pattern(i);
      return evnet_conn_write(conn, datagram, sizeof datagram) < 0 ? EVNET_CLOSE : EVNET_NONE;
    case PURPOSE_IDLE:
      return evnet_conn_set_timeout(conn, EVNET_TIMEOUT_IDLE, IDLE_MS) == 0 ? EVNET_NONE
                                                                            : EVNET_CLOSE;
    case PURPOSE_THREAD:
      check->thread_conn = evnet_conn_get_id(conn);
      check->has_thread = pthread_create(&check->thread, NULL, write_from_thread, check) == 0;
      return check->has_thread ? EVNET_NONE : EVNET_CLOSE;
    case PURPOSE_REFUSED:
      break;
  }
  return EVNET_CLOSE;
}

static enum evnet_action client_on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct client *client = evnet_conn_user(conn);
  struct evnet_bytes in = evnet_conn_peek(conn);
  for (size_t i = 0; i < in.size; i++)
    if (in.data[i] != pattern(client->received + i)) client->wrong = true;
  client->received += in.size;
  evnet_conn_discard(conn, in.size);
  const bool is_whole = client->received == DATAGRAM_BYTES;
  return client->purpose != PURPOSE_ECHO && is_whole ? EVNET_CLOSE : EVNET_NONE;
}

static enum evnet_action client_on_below(struct evnet_conn *conn, void *user) {
  (void)user;
  return send_pattern(conn, evnet_conn_user(conn));
}

static enum evnet_action client_on_half_close(struct evnet_conn *conn, void *user) {
  (void)conn;
  (void)user;
  return EVNET_CLOSE;
}

static enum evnet_action client_on_close(struct evnet_conn *conn, int reason, void *user) {
  (void)user;
  struct client *client = evnet_conn_user(conn);
  char outcome[sizeof client->outcome] = "";
  int expected = EVNET_REASON_LOCAL;
  size_t expected_bytes = 0;
  if (client->purpose == PURPOSE_ECHO) expected_bytes = STREAM_BYTES;
  if (client->purpose == PURPOSE_DATAGRAM || client->purpose == PURPOSE_THREAD)
    expected_bytes = DATAGRAM_BYTES;
  if (client->purpose == PURPOSE_IDLE) expected = EVNET_REASON_IDLE_TIMEOUT;
  if (client->purpose == PURPOSE_REFUSED) expected = -ECONNREFUSED;
  if (reason != expected)
    snprintf(outcome, sizeof outcome, "ended by \"%s\"", evnet_status_message(reason));
  else if (client->wrong)
    snprintf(outcome, sizeof outcome, "other bytes came back");
  else if (client->received != expected_bytes)
    snprintf(outcome, sizeof outcome, "%zu of %zu bytes came back", client->received,
             expected_bytes);
  finish_client(client->check, client, outcome);
  return EVNET_NONE;
}

static const struct evnet_handler client_handler = {.on_open = client_on_open,
                                                    .on_data = client_on_data,
                                                    .on_below = client_on_below,
                                                    .on_half_close = client_on_half_close,
                                                    .on_close = client_on_close};

static void job(void *argument) {
  __atomic_add_fetch(&((struct check *)argument)->jobs, 1, __ATOMIC_RELAXED);
}

static enum evnet_action server_on_data(struct evnet_conn *conn, void *user) {
  (void)user;
  struct evnet_bytes in = evnet_conn_peek(conn);
  evnet_conn_write(conn, in.data, in.size);
  evnet_conn_discard(conn, in.size);
  return EVNET_NONE;
}

static void on_timer(struct evnet_timer *timer, void *user) {
  (void)timer;
  struct check *check = user;
  struct evnet_reactor *reactor = evnet_server_reactor(check->server, 0);
  check->timer_took_ms = (int64_t)(evnet_reactor_now_ms(reactor) - check->timer_started_ms);
}

static void dialled(struct evnet_conn_id id, int status, void *user) {
  (void)id;
  struct client *client = user;
  if (status < 0) finish_client(client->check, client, evnet_status_message(status));
}

static void dial(struct check *check, const char *name, enum purpose purpose, const char *address) {
  struct client *client = &check->clients[check->client_count++];
  *client = (struct client){.check = check, .name = name, .purpose = purpose};
  pthread_mutex_lock(&check->mutex);
  check->remaining++;
  pthread_mutex_unlock(&check->mutex);
  const struct evnet_dial_options options = {
      .timeout_ms = DEADLINE_MS, .handler = &client_handler, .conn_user = client};
  int status = evnet_server_dial(check->server, address, &options, dialled, client);
  if (status < 0) finish_client(check, client, evnet_status_message(status));
}

static enum evnet_action on_boot(struct evnet_server *server, void *user) {
  struct check *check = user;
  struct evnet_reactor *reactor = evnet_server_reactor(server, 0);
  check->timer_started_ms = evnet_reactor_now_ms(reactor);
  evnet_timer_start(reactor, &check->timer, TIMER_MS, on_timer, check);
  if (evnet_workers_submit(check->workers, job, check) < 0) return EVNET_SHUTDOWN;
  check->remaining = 1;  // keeps the check going until all clients are dialled
  char text[EVNET_ADDRESS_TEXT_BYTES];
  char tcp[EVNET_ADDRESS_TEXT_BYTES] = "";
  for (size_t i = 0; i < check->address_count; i++) {
    struct evnet_address address;
    if (evnet_server_address(server, i, &address) < 0) continue;
    evnet_address_format(&address, text, sizeof text);
    if (check->kinds[i] == TCP4) memcpy(tcp, text, sizeof tcp);
    const bool is_udp = check->kinds[i] == UDP4 || check->kinds[i] == UDP6;
    dial(check, address_names[check->kinds[i]], is_udp ? PURPOSE_DATAGRAM : PURPOSE_ECHO, text);
  }
  dial(check, "a timeout of a silent connection", PURPOSE_IDLE, tcp);
  dial(check, "a write from another thread", PURPOSE_THREAD, tcp);
  dial(check, "a refused connection", PURPOSE_REFUSED, "tcp://127.0.0.1:1");
  finish_dialling(check);
  return EVNET_NONE;
}

static const struct evnet_handler server_handler = {.on_boot = on_boot, .on_data = server_on_data};

// Ends the process if a check hangs. alarm(2) needs nothing of evnet.
static void on_alarm(int number) {
  (void)number;
  static const char text[] = "FAIL the check did not end in time\n";
  (void)!write(STDOUT_FILENO, text, sizeof text - 1);
  _exit(1);
}

static void report_clients(struct check *check) {
  for (size_t i = 0; i < check->client_count; i++) {
    const struct client *client = &check->clients[i];
    report(check, client->done && client->outcome[0] == '\0', client->name,
           client->done ? client->outcome : "did not end");
  }
}

static void report_others(struct check *check) {
  char detail[64];
  snprintf(detail, sizeof detail, "%" PRId64 " ms instead of %d", check->timer_took_ms, TIMER_MS);
  // The start and the end are both rounded to a millisecond.
  const bool is_in_time = check->timer_took_ms >= TIMER_MS - 1;
  report(check, is_in_time, "a timer", is_in_time ? "" : detail);
  report(check, __atomic_load_n(&check->jobs, __ATOMIC_RELAXED) == 1, "a job of the workers", "");
  struct stat left;
  report(check, stat(check->unix_path, &left) != 0, "the Unix socket's file is removed", "");
}

// The addresses that this system has: without IPv6, those of IPv4 and the Unix socket.
static size_t choose_addresses(struct check *check, const char **addresses) {
  static const char *const texts[] = {"tcp://127.0.0.1:0", "tcp://[::1]:0", "udp://127.0.0.1:0",
                                      "udp://[::1]:0"};
  const int probe = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const bool has_ip6 =
      probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;
  if (probe >= 0) (void)close(probe);
  if (!has_ip6) puts("skip IPv6: this system has no address ::1");
  size_t count = 0;
  for (enum address kind = TCP4; kind <= UDP6; kind++) {
    if (!has_ip6 && (kind == TCP6 || kind == UDP6)) continue;
    check->kinds[count] = kind;
    addresses[count++] = texts[kind];
  }
  check->kinds[count] = UNIX;
  addresses[count++] = check->unix_address;
  return check->address_count = count;
}

int main(int argc, char **argv) {
  struct command_line line = {.program = "selfcheck", .usage = usage, .options = {.reactors = 2}};
  int exit_code = command_line_parse(&line, argc, argv);
  if (exit_code >= 0) return exit_code;
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-') continue;
    fprintf(stderr, "selfcheck: '%s': no address is allowed\n", argv[i]);
    return COMMAND_LINE_EXIT_USAGE;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  (void)signal(SIGALRM, on_alarm);
  (void)alarm(DEADLINE_MS / 1000);

  struct check check = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  char directory[] = "/tmp/evnet-selfcheck-XXXXXX";
  if (mkdtemp(directory) == NULL) {
    perror("selfcheck: /tmp");
    return 1;
  }
  snprintf(check.unix_address, sizeof check.unix_address, "unix://%s/socket", directory);
  check.unix_path = check.unix_address + strlen("unix://");
  const char *addresses[ADDRESSES];
  choose_addresses(&check, addresses);
  const struct evnet_workers_options workers = {.threads = 1, .queue_max = 1};
  int status = evnet_workers_create(&workers, &check.workers);
  if (status == 0)
    status = evnet_server_create(&server_handler, &check, addresses, check.address_count,
                                 &line.options, &check.server);
  if (status == 0) status = evnet_server_run(check.server);
  if (check.has_thread) (void)pthread_join(check.thread, NULL);
  evnet_workers_destroy(check.workers);
  evnet_server_destroy(check.server);
  if (status == 0) {
    report_clients(&check);
    report_others(&check);
  }
  (void)rmdir(directory);
  exit_code = command_line_exit_code(&line, status);
  return check.has_failed ? 1 : exit_code;
}
