// The options of a reactor: applies defaults and checks bounds. net/server/server.h documents them.
#include "net/reactor/internal/options.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "net/reactor/owner.h"

int option_refuse_at(const struct evnet_logger *logger, enum evnet_log_level level,
                     const char *name, int64_t value, const char *why) {
  evnet_log(logger, level, "option %s = %" PRId64 ": %s", name, value, why);
  return EVNET_STATUS_OPTION;
}

int evnet_option_refuse(const struct evnet_logger *logger, const char *name, int64_t value,
                        const char *why) {
  return option_refuse_at(logger, EVNET_LOG_ERROR, name, value, why);
}

static int resolve_times(struct evnet_reactor_options *options) {
  const struct {
    const char *name;
    int64_t *value;
    int64_t by_default;
  } times[] = {
      {"idle_timeout_ms", &options->idle_timeout_ms, EVNET_OFF},
      {"read_timeout_ms", &options->read_timeout_ms, EVNET_OFF},
      {"write_timeout_ms", &options->write_timeout_ms, 30000},
      {"lifetime_ms", &options->lifetime_ms, EVNET_OFF},
      {"linger_ms", &options->linger_ms, 2000},
      {"drain_ms", &options->drain_ms, 5000},
  };
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    if (*times[i].value == 0) *times[i].value = times[i].by_default;
    if (*times[i].value < EVNET_OFF || *times[i].value > EVNET_TIMEOUT_MS_MAX) {
      return evnet_option_refuse(&options->logger, times[i].name, *times[i].value,
                                 "must be 1 to 1073741823, 0 for the default, or EVNET_OFF");
    }
  }
  // Without a deadline, a stop could wait for peers indefinitely, so EVNET_OFF means the longest
  // time.
  if (options->drain_ms == EVNET_OFF) options->drain_ms = EVNET_TIMEOUT_MS_MAX;
  return 0;
}

enum {
  CONNECTIONS_MAX = 1 << 20,
  // A table of this size takes no more address space than the rest of a reactor.
  CONNECTIONS_MAX_LEAST = 1 << 10,
};

size_t evnet_connections_max_default(const struct evnet_logger *logger, uint32_t reactors) {
  const size_t limit = evnet_address_space_max();
  // All tables get an eighth. The rest is for the program, the stacks of its threads, and its heap.
  const size_t room = limit / 8 / reactors / EVNET_CONNECTION_BYTES;
  if (room >= CONNECTIONS_MAX) return CONNECTIONS_MAX;
  const size_t connections = room > CONNECTIONS_MAX_LEAST ? room : CONNECTIONS_MAX_LEAST;
  evnet_log(
      logger, EVNET_LOG_WARNING,
      "option connections_max: the default is %zu instead of %d, because ulimit -v allows %zu "
      "bytes of address space and each connection reserves %d bytes on each of %" PRIu32
      " reactors; raise ulimit -v, or set the option",
      connections, CONNECTIONS_MAX, limit, EVNET_CONNECTION_BYTES, reactors);
  return connections;
}

static size_t or_default(size_t value, size_t by_default) {
  return value == 0 ? by_default : value;
}

static int resolve_lookups(struct evnet_reactor_options *options) {
  const struct evnet_logger *logger = &options->logger;
  options->lookup_threads_max = or_default(options->lookup_threads_max, 128);
  if (options->lookup_threads_max > EVNET_LOOKUP_THREADS_MAX) {
    return evnet_option_refuse(logger, "lookup_threads_max", (int64_t)options->lookup_threads_max,
                               "must be 1 to 4096, or 0 for the default");
  }
  options->lookups_max = or_default(options->lookups_max, 16384);
  if (options->lookups_max > EVNET_LOOKUPS_MAX) {
    return evnet_option_refuse(logger, "lookups_max", (int64_t)options->lookups_max,
                               "must be 1 to 1048576, or 0 for the default");
  }
  if (options->resolve != NULL && options->resolve->find_addresses == NULL)
    return evnet_option_refuse(logger, "resolve", 0, "find_addresses must not be NULL");
  return 0;
}

static int resolve_sizes(struct evnet_reactor_options *options) {
  const struct evnet_logger *logger = &options->logger;
  options->inbound_bytes_max = or_default(options->inbound_bytes_max, 16 << 20);
  size_t *mark = &options->inbound_high_water_bytes;
  *mark = or_default(*mark, EVNET_UNLIMITED);
  if (*mark != EVNET_UNLIMITED && *mark > options->inbound_bytes_max) {
    char why[96];
    snprintf(why, sizeof why, "must be at most %zu (inbound_bytes_max)",
             options->inbound_bytes_max);
    return evnet_option_refuse(logger, "inbound_high_water_bytes", (int64_t)*mark, why);
  }
  options->read_turn_bytes_max = or_default(options->read_turn_bytes_max, 256 << 10);
  options->udp_datagram_bytes_max = or_default(options->udp_datagram_bytes_max, 65535);
  options->udp_outbound_bytes_max = or_default(options->udp_outbound_bytes_max, 256 << 10);
  options->holds_max = or_default(options->holds_max, 1 << 20);
  options->mailbox_bytes_max = or_default(options->mailbox_bytes_max, 64 << 20);
  if (options->connections_max == 0)
    options->connections_max = evnet_connections_max_default(logger, 1);
  if (options->read_turn_bytes_max < 512 || options->read_turn_bytes_max > 64 << 20) {
    return evnet_option_refuse(logger, "read_turn_bytes_max", (int64_t)options->read_turn_bytes_max,
                               "must be 512 to 67108864, or 0 for the default");
  }
  if (options->udp_datagram_bytes_max > 65535) {
    return evnet_option_refuse(logger, "udp_datagram_bytes_max",
                               (int64_t)options->udp_datagram_bytes_max,
                               "must be 1 to 65535, or 0 for the default");
  }
  size_t high = options->outbound_high_water_bytes =
      or_default(options->outbound_high_water_bytes, 1 << 20);
  size_t low = options->outbound_low_water_bytes =
      or_default(options->outbound_low_water_bytes, high / 2);
  if (low > high) {
    char why[96];
    snprintf(why, sizeof why, "must be at most %zu (outbound_high_water_bytes)", high);
    return evnet_option_refuse(logger, "outbound_low_water_bytes", (int64_t)low, why);
  }
  // The output of one turn must fit above the mark, or back-pressure would come too late.
  size_t turn = options->read_turn_bytes_max;
  size_t needed = high > SIZE_MAX - turn ? SIZE_MAX : high + turn;
  size_t by_default = needed > 16 << 20 ? needed : 16 << 20;
  options->outbound_bytes_max = or_default(options->outbound_bytes_max, by_default);
  if (options->outbound_bytes_max < needed) {
    char why[96];
    snprintf(why, sizeof why,
             "must be at least %zu (outbound_high_water_bytes + read_turn_bytes_max)", needed);
    return evnet_option_refuse(logger, "outbound_bytes_max", (int64_t)options->outbound_bytes_max,
                               why);
  }
  return 0;
}

int options_check_ranges(const struct evnet_reactor_options *options, int64_t least,
                         enum evnet_log_level level) {
  const struct {
    const char *name;
    int64_t value;
    int64_t least;
    int64_t most;
    const char *why;
  } bounds[] = {
      {"send_buffer_bytes", options->send_buffer_bytes, least, INT_MAX, "must not be negative"},
      {"receive_buffer_bytes", options->receive_buffer_bytes, least, INT_MAX,
       "must not be negative"},
      {"keepalive_idle_s", options->keepalive_idle_s, EVNET_OFF, EVNET_KEEPALIVE_S_MAX,
       "must be 1 to 32767, 0 for the default, or EVNET_OFF"},
      {"keepalive_interval_s", options->keepalive_interval_s, least, EVNET_KEEPALIVE_S_MAX,
       "must be 1 to 32767, or 0 for the default"},
      {"keepalive_count", options->keepalive_count, least, EVNET_KEEPALIVE_COUNT_MAX,
       "must be 1 to 127, or 0 for the default"},
      {"user_timeout_ms", options->user_timeout_ms, EVNET_OFF, EVNET_TIMEOUT_MS_MAX,
       "must be 1 to 1073741823, 0 for the default, or EVNET_OFF"},
      {"notsent_lowat_bytes", options->notsent_lowat_bytes, least, INT_MAX, "must not be negative"},
  };
  for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
    if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most) {
      return option_refuse_at(&options->logger, level, bounds[i].name, bounds[i].value,
                              bounds[i].why);
    }
  }
  return 0;
}

int options_check_keepalive(const struct evnet_reactor_options *options,
                            enum evnet_log_level level) {
  if (options->keepalive_idle_s > 0) return 0;
  if (options->keepalive_interval_s > 0) {
    return option_refuse_at(&options->logger, level, "keepalive_interval_s",
                            options->keepalive_interval_s,
                            "has no effect without keepalive_idle_s; set it too");
  }
  if (options->keepalive_count > 0) {
    return option_refuse_at(&options->logger, level, "keepalive_count", options->keepalive_count,
                            "has no effect without keepalive_idle_s; set it too");
  }
  return 0;
}

int evnet_reactor_options_resolve(const struct evnet_reactor_options *options,
                                  struct evnet_reactor_options *out_options) {
  struct evnet_reactor_options resolved = {0};
  if (options != NULL) resolved = *options;
  int status = resolve_times(&resolved);
  if (status == 0) status = resolve_sizes(&resolved);
  if (status == 0) status = resolve_lookups(&resolved);
  if (status == 0) status = options_check_ranges(&resolved, 0, EVNET_LOG_ERROR);
  if (status == 0) status = options_check_keepalive(&resolved, EVNET_LOG_ERROR);
  if (status < 0) return status;
  const unsigned action = (unsigned)resolved.outbound_high_action;
  if (action > EVNET_HIGH_NOTIFY) {
    return evnet_option_refuse(&resolved.logger, "outbound_high_action", action,
                               "is not an enum evnet_high_action");
  }
  const unsigned overflow = (unsigned)resolved.outbound_overflow;
  if (overflow > EVNET_OVERFLOW_REFUSE) {
    return evnet_option_refuse(&resolved.logger, "outbound_overflow", overflow,
                               "is not an enum evnet_overflow");
  }
  if (resolved.busy_poll_us < 0 || resolved.busy_poll_us > EVNET_BUSY_POLL_US_MAX) {
    return evnet_option_refuse(&resolved.logger, "busy_poll_us", resolved.busy_poll_us,
                               "must be 0 to 1000000");
  }
  *out_options = resolved;
  return 0;
}
