// Passes options to a server and to a reactor. Compares the errors and the defaults with the table
// below, and aborts on any difference.
//
// Input: steps of three bytes: the option (its index in the table, modulo OPTIONS), and a number of
// 16 bits, low byte first, which value_of converts to the value. options_seeds.py writes inputs by
// name.
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/reactor/owner.h"
#include "net/server/server.h"

enum world_step {
  REACTORS = 0,
  BALANCER = 1,
  FULL_ACTION = 2,
  BACKEND = 3,
  BUSY_POLL = 4,
  IDLE_TIMEOUT = 5,
  READ_TIMEOUT = 6,
  WRITE_TIMEOUT = 7,
  LIFETIME = 8,
  LINGER = 9,
  DRAIN = 10,
  INBOUND_MAX = 11,
  HIGH_WATER = 12,
  LOW_WATER = 13,
  OUTBOUND_MAX = 14,
  HIGH_ACTION = 15,
  OVERFLOW_ACTION = 16,
  READ_TURN = 17,
  MAILBOX_MAX = 18,
  UDP_DATAGRAM = 19,
  UDP_OUTBOUND = 20,
  SEND_BUFFER = 21,
  RECEIVE_BUFFER = 22,
  KEEPALIVE_IDLE = 23,
  KEEPALIVE_INTERVAL = 24,
  KEEPALIVE_COUNT = 25,
  USER_TIMEOUT = 26,
  NOTSENT_LOWAT = 27,
  BACKLOG = 28,
  FAST_OPEN = 29,
  DEFER_ACCEPT = 30,
  UNIX_MODE = 31,
  CONNECTIONS_MAX = 32,
  HOLDS_MAX = 33,
  LOOKUP_THREADS = 34,
  PER_ADDRESS_MAX = 35,
  LOOKUPS_MAX = 36,
  INBOUND_HIGH = 37,
  DIALS_RESERVED = 38,
  OPTIONS = 39,  // the number of options in the table
  DEVICE = 39,   // bind_to_device: a name of n % 20 bytes
  STEPS = 40,
};

enum type { INT, UNSIGNED, INT64, SIZE };

#define OPTION(name) #name, offsetof(struct evnet_options, name)

static const struct option {
  const char *name;
  size_t offset;
  enum type type;
  int64_t least;
  int64_t most;
  int64_t by_default;  // the meaning of 0, if the reactor has the option
} table[OPTIONS] = {
    [REACTORS] = {OPTION(reactors), INT, EVNET_REACTOR_PER_CPU, 1024, 0},
    [BALANCER] = {OPTION(balancer), UNSIGNED, 0, EVNET_SOURCE_HASH, 0},
    [FULL_ACTION] = {OPTION(connections_full_action), UNSIGNED, 0, EVNET_FULL_REFUSE, 0},
    [BACKEND] = {OPTION(backend), UNSIGNED, 0, EVNET_BACKEND_KQUEUE, 0},
    [BUSY_POLL] = {OPTION(busy_poll_us), INT64, 0, 1000000, 0},
    [IDLE_TIMEOUT] = {OPTION(idle_timeout_ms), INT64, -1, 1073741823, EVNET_OFF},
    [READ_TIMEOUT] = {OPTION(read_timeout_ms), INT64, -1, 1073741823, EVNET_OFF},
    [WRITE_TIMEOUT] = {OPTION(write_timeout_ms), INT64, -1, 1073741823, 30000},
    [LIFETIME] = {OPTION(lifetime_ms), INT64, -1, 1073741823, EVNET_OFF},
    [LINGER] = {OPTION(linger_ms), INT64, -1, 1073741823, 2000},
    [DRAIN] = {OPTION(drain_ms), INT64, -1, 1073741823, 5000},
    [INBOUND_MAX] = {OPTION(inbound_bytes_max), SIZE, 0, INT64_MAX, 16777216},
    [HIGH_WATER] = {OPTION(outbound_high_water_bytes), SIZE, 0, INT64_MAX, 1048576},
    [LOW_WATER] = {OPTION(outbound_low_water_bytes), SIZE, 0, INT64_MAX, 0},
    [OUTBOUND_MAX] = {OPTION(outbound_bytes_max), SIZE, 0, INT64_MAX, 0},
    [HIGH_ACTION] = {OPTION(outbound_high_action), UNSIGNED, 0, EVNET_HIGH_NOTIFY, 0},
    [OVERFLOW_ACTION] = {OPTION(outbound_overflow), UNSIGNED, 0, EVNET_OVERFLOW_REFUSE, 0},
    [READ_TURN] = {OPTION(read_turn_bytes_max), SIZE, 512, 67108864, 262144},
    [MAILBOX_MAX] = {OPTION(mailbox_bytes_max), SIZE, 0, INT64_MAX, 67108864},
    [UDP_DATAGRAM] = {OPTION(udp_datagram_bytes_max), SIZE, 0, 65535, 65535},
    [UDP_OUTBOUND] = {OPTION(udp_outbound_bytes_max), SIZE, 0, INT64_MAX, 262144},
    [SEND_BUFFER] = {OPTION(send_buffer_bytes), INT, 0, INT_MAX, 0},
    [RECEIVE_BUFFER] = {OPTION(receive_buffer_bytes), INT, 0, INT_MAX, 0},
    [KEEPALIVE_IDLE] = {OPTION(keepalive_idle_s), INT, -1, 32767, 0},
    [KEEPALIVE_INTERVAL] = {OPTION(keepalive_interval_s), INT, 0, 32767, 0},
    [KEEPALIVE_COUNT] = {OPTION(keepalive_count), INT, 0, 127, 0},
    [USER_TIMEOUT] = {OPTION(user_timeout_ms), INT64, -1, 1073741823, 0},
    [NOTSENT_LOWAT] = {OPTION(notsent_lowat_bytes), INT, 0, INT_MAX, 0},
    [BACKLOG] = {OPTION(backlog), INT, 0, INT_MAX, 0},
    [FAST_OPEN] = {OPTION(fast_open_queue_max), INT, 0, INT_MAX, 0},
    [DEFER_ACCEPT] = {OPTION(defer_accept_s), INT, 0, INT_MAX, 0},
    [UNIX_MODE] = {OPTION(unix_mode), UNSIGNED, 0, 0777, 0},
    [CONNECTIONS_MAX] = {OPTION(connections_max), SIZE, 0, INT64_MAX, 1048576},
    [HOLDS_MAX] = {OPTION(holds_max), SIZE, 0, INT64_MAX, 1048576},
    [LOOKUP_THREADS] = {OPTION(lookup_threads_max), SIZE, 0, 4096, 128},
    [LOOKUPS_MAX] = {OPTION(lookups_max), SIZE, 0, 1048576, 16384},
    [PER_ADDRESS_MAX] = {OPTION(connections_per_address_max), SIZE, 0, INT64_MAX, 0},
    [DIALS_RESERVED] = {OPTION(dials_reserved), SIZE, 0, INT64_MAX, 0},
    [INBOUND_HIGH] = {OPTION(inbound_high_water_bytes), SIZE, 0, INT64_MAX, -1},
};

// The values that were passed; those of kind SIZE up to INT64_MAX.
static int64_t given[OPTIONS];
static char device[32];
static bool has_device;
static char refused_name[64];
static int lines;

#define CHECK(expression) ((expression) ? (void)0 : check_failed(#expression, __LINE__))

static void check_failed(const char *expression, int line) {
  fprintf(stderr, "options.c:%d: not true: %s\n", line, expression);
  for (size_t i = 0; i < OPTIONS; i++) {
    if (given[i] != 0) fprintf(stderr, "  %s = %" PRId64 "\n", table[i].name, given[i]);
  }
  if (has_device) fprintf(stderr, "  bind_to_device = '%s'\n", device);
  if (lines > 0) fprintf(stderr, "  refused: '%s'\n", refused_name);
  abort();
}

// Converts n to a value: the lowest 12 bits are a number, the highest four select how it is used.
static int64_t value_of(const struct option *option, size_t n) {
  const int64_t number = (int64_t)(n & 0xfff);
  const unsigned shift = (unsigned)(n >> 12);
  int64_t value;
  switch (shift) {
    case 0:
      value = number;
      break;
    case 1:
      value = -number;
      break;
    case 2:
      value = option->least + number - 1;
      break;
    case 3:
      value = option->most - 1 + (option->most < INT64_MAX ? number : number % 2);
      break;
    default:
      value = number << (shift - 3) * 4;
      break;
  }
  if (option->type == INT) return (int)value;
  if (option->type == UNSIGNED) return (unsigned)value;
  return option->type == SIZE ? value & INT64_MAX : value;
}

static void set(struct evnet_options *options, const struct option *option, int64_t value) {
  void *field = (char *)options + option->offset;
  switch (option->type) {
    case INT:
      memcpy(field, &(int){(int)value}, sizeof(int));
      break;
    case UNSIGNED:
      memcpy(field, &(unsigned){(unsigned)value}, sizeof(unsigned));
      break;
    case INT64:
      memcpy(field, &value, sizeof value);
      break;
    default:
      memcpy(field, &(size_t){(size_t)value}, sizeof(size_t));
      break;
  }
}

// The model

static int64_t resolved(size_t which) {
  if (given[which] != 0) return given[which];
  const int64_t high = given[HIGH_WATER] != 0 ? given[HIGH_WATER] : 1048576;
  if (which == LOW_WATER) return high / 2;
  if (which != OUTBOUND_MAX) return table[which].by_default;
  const int64_t turn = given[READ_TURN] != 0 ? given[READ_TURN] : 262144;
  const int64_t needed = high > INT64_MAX - turn ? INT64_MAX : high + turn;
  return needed > 16777216 ? needed : 16777216;
}

static bool keeps_alive(void) {
  return given[KEEPALIVE_IDLE] != 0 && given[KEEPALIVE_IDLE] != EVNET_OFF;
}

static bool is_bad(size_t which) {
  const struct option *option = &table[which];
  const int64_t value = given[which];
  if (value == 0) return false;
  if (value < option->least || value > option->most) return true;
  switch (which) {
    case DIALS_RESERVED:
      return value >= resolved(CONNECTIONS_MAX);
    case INBOUND_HIGH:
      return value > resolved(INBOUND_MAX);
    case LOW_WATER:
      return value > resolved(HIGH_WATER);
    case OUTBOUND_MAX: {
      const uint64_t needed = (uint64_t)resolved(HIGH_WATER) + (uint64_t)resolved(READ_TURN);
      return (uint64_t)value < needed;
    }
    case KEEPALIVE_INTERVAL:
    case KEEPALIVE_COUNT:
      return !keeps_alive();
    default:
      return false;
  }
}

static bool device_is_bad(void) {
  return has_device && (strlen(device) == 0 || strlen(device) > 15);
}

static bool any_bad(void) {
  for (size_t i = 0; i < OPTIONS; i++) {
    if (is_bad(i)) return true;
  }
  return device_is_bad();
}

static bool is_bad_by_name(const char *name) {
  for (size_t i = 0; i < OPTIONS; i++) {
    if (strcmp(table[i].name, name) == 0) return is_bad(i);
  }
  return strcmp(name, "bind_to_device") == 0 && device_is_bad();
}

static void log_line(enum evnet_log_level level, const char *message, void *user) {
  (void)user;
  CHECK(level == EVNET_LOG_ERROR);
  lines++;
  if (sscanf(message, "option %63[a-z_] = ", refused_name) != 1) refused_name[0] = '\0';
}

// The test

static void check_server(const struct evnet_options *options) {
  static const struct evnet_handler handler = {0};
  static const char *const address = "tcp://127.0.0.1:0";
  struct evnet_server *server = NULL;
  lines = 0;
  const int status = evnet_server_create(&handler, NULL, &address, 1, options, &server);
  if (any_bad()) {
    CHECK(status == EVNET_STATUS_OPTION && server == NULL);
    CHECK(lines == 1 && is_bad_by_name(refused_name));
  } else {
    CHECK(status == 0 && server != NULL && lines == 0);
  }
  evnet_server_destroy(server);
}

static void check_reactor(const struct evnet_options *options) {
  const struct evnet_reactor_options asked = {
      .idle_timeout_ms = options->idle_timeout_ms,
      .read_timeout_ms = options->read_timeout_ms,
      .write_timeout_ms = options->write_timeout_ms,
      .lifetime_ms = options->lifetime_ms,
      .linger_ms = options->linger_ms,
      .drain_ms = options->drain_ms,
      .inbound_bytes_max = options->inbound_bytes_max,
      .inbound_high_water_bytes = options->inbound_high_water_bytes,
      .outbound_high_water_bytes = options->outbound_high_water_bytes,
      .outbound_low_water_bytes = options->outbound_low_water_bytes,
      .outbound_bytes_max = options->outbound_bytes_max,
      .read_turn_bytes_max = options->read_turn_bytes_max,
      .udp_datagram_bytes_max = options->udp_datagram_bytes_max,
      .udp_outbound_bytes_max = options->udp_outbound_bytes_max,
      .mailbox_bytes_max = options->mailbox_bytes_max,
      .connections_max = options->connections_max,
      .holds_max = options->holds_max,
      .lookup_threads_max = options->lookup_threads_max,
      .lookups_max = options->lookups_max,
  };
  struct evnet_reactor_options got = {0};
  if (evnet_reactor_options_resolve(&asked, &got) < 0) {
    CHECK(any_bad());
    return;
  }
  CHECK(got.idle_timeout_ms == resolved(IDLE_TIMEOUT));
  CHECK(got.read_timeout_ms == resolved(READ_TIMEOUT));
  CHECK(got.write_timeout_ms == resolved(WRITE_TIMEOUT));
  CHECK(got.lifetime_ms == resolved(LIFETIME));
  CHECK(got.linger_ms == resolved(LINGER));
  // A stop without a deadline gets the longest deadline.
  const int64_t drain_ms = resolved(DRAIN);
  CHECK(got.drain_ms == (drain_ms == EVNET_OFF ? 1073741823 : drain_ms));
  CHECK(got.inbound_bytes_max == (size_t)resolved(INBOUND_MAX));
  CHECK(got.inbound_high_water_bytes == (size_t)resolved(INBOUND_HIGH));
  CHECK(got.outbound_high_water_bytes == (size_t)resolved(HIGH_WATER));
  CHECK(got.outbound_low_water_bytes == (size_t)resolved(LOW_WATER));
  CHECK(got.outbound_bytes_max >= (size_t)resolved(OUTBOUND_MAX));
  CHECK(got.read_turn_bytes_max == (size_t)resolved(READ_TURN));
  CHECK(got.udp_datagram_bytes_max == (size_t)resolved(UDP_DATAGRAM));
  CHECK(got.udp_outbound_bytes_max == (size_t)resolved(UDP_OUTBOUND));
  CHECK(got.mailbox_bytes_max == (size_t)resolved(MAILBOX_MAX));
  CHECK(got.connections_max == (size_t)resolved(CONNECTIONS_MAX));
  CHECK(got.holds_max == (size_t)resolved(HOLDS_MAX));
  CHECK(got.lookup_threads_max == (size_t)resolved(LOOKUP_THREADS));
  CHECK(got.lookups_max == (size_t)resolved(LOOKUPS_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct evnet_options options = {.log = log_line};
  memset(given, 0, sizeof given);
  has_device = false;
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const size_t which = data[i] % STEPS;
    const size_t n = (size_t)data[i + 1] | (size_t)data[i + 2] << 8;
    if (which == DEVICE) {
      memset(device, 'x', n % 20);
      device[n % 20] = '\0';
      has_device = true;
      options.bind_to_device = device;
      continue;
    }
    given[which] = value_of(&table[which], n);
    set(&options, &table[which], given[which]);
  }
  check_reactor(&options);
  check_server(&options);
  return 0;
}
