// Reads and checks the arguments of evnet_dial. A refusal is logged only at DEBUG, because a peer
// may choose the address and the rate of dials, and the caller gets the status.
#include "net/reactor/internal/dial_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/text.h"
#include "net/reactor/internal/dial_record.h"
#include "net/reactor/internal/options.h"
#include "net/reactor/owner.h"

// Logs why an argument is refused. `text` is the caller's string, which is logged escaped and
// shortened.
static int refuse_text(const struct evnet_logger *logger, int status, const char *what,
                       const char *text, const char *why) {
  char shown[EVNET_TEXT_BYTES];
  evnet_log(logger, EVNET_LOG_DEBUG, "%s'%s': %s", what,
            evnet_text_escape(text, shown, sizeof shown), why);
  return status;
}

static int refuse_address(const struct evnet_logger *logger, const char *message) {
  evnet_log(logger, EVNET_LOG_DEBUG, "%s", message);
  return EVNET_STATUS_ADDRESS;
}

// Addresses

static bool has_empty_host(const char *text) {
  const char *scheme_end = strstr(text, "://");
  const char *host = scheme_end != NULL ? scheme_end + 3 : text;
  return *host == ':';
}

static bool has_port(const struct evnet_address *address, const char *text, bool is_named) {
  if (address->transport == EVNET_TRANSPORT_UNIX) return true;
  if (!is_named) return evnet_address_port(address) != 0;
  return strtoul(strrchr(text, ':') + 1, NULL, 10) != 0;  // read_address accepted it as HOST:PORT
}

// "[::]" is the wildcard of both families, so a dial tries the loopback address of both.
static void add_loopback_ip4(struct dial *dial) {
  struct evnet_address *first = &dial->own_addresses[0];
  if (!first->dual_stack) return;
  struct evnet_address *second = &dial->own_addresses[dial->address_count++];
  *second =
      (struct evnet_address){.transport = first->transport, .size = sizeof second->socket.ip4};
  second->socket.ip4.sin_family = AF_INET;
  second->socket.ip4.sin_port = first->socket.ip6.sin6_port;
  second->socket.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  first->dual_stack = false;
}

static int read_address(const struct evnet_logger *logger, const char *text, struct dial *dial) {
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  struct evnet_address *first = &dial->own_addresses[0];
  const int named = evnet_address_read(text, first, message, sizeof message);
  if (named < 0) return refuse_address(logger, message);
  const bool is_local = first->transport == EVNET_TRANSPORT_UNIX;
  if (!is_local && has_empty_host(text))
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, "the host is missing");
  if (!has_port(first, text, named > 0))
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, "the port is missing");
  if (named > 0) return named;
  dial->addresses = dial->own_addresses;
  dial->address_count = 1;
  add_loopback_ip4(dial);
  return 0;
}

static int read_source(const struct evnet_logger *logger, const char *text, struct dial *dial) {
  const enum evnet_transport transport = dial->own_addresses[0].transport;
  if (text == NULL) return 0;
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  struct evnet_address *source = &dial->source;
  if (evnet_address_parse(text, source, message, sizeof message) < 0)
    return refuse_address(logger, message);
  const bool is_local = source->transport == EVNET_TRANSPORT_UNIX;
  if (is_local != (transport == EVNET_TRANSPORT_UNIX))
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "source ", text,
                       "must be of the same kind as the address");
  // A path is refused, because evnet would not remove the file that binding creates.
  if (is_local && source->socket.local.sun_path[0] != '\0')
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "source ", text,
                       "must not be a path; use an abstract name");
  if (!is_local) source->transport = transport;
  dial->source_is_any = source->dual_stack;
  dial->options.source = source;
  return 0;
}

// Options

static int check_device(const struct evnet_logger *logger, const char *device) {
  if (device == NULL) return 0;
  const size_t size = strnlen(device, IF_NAMESIZE);
  if (size > 0 && size < IF_NAMESIZE) return 0;
  return refuse_text(logger, EVNET_STATUS_OPTION, "option bind_to_device = ", device,
                     "is not the name of an interface");
}

// Returns the value of an option. 0 selects the reactor's option, and EVNET_OFF the system's
// default.
static int64_t choose(int64_t value, int64_t by_default) {
  const int64_t chosen = value != 0 ? value : by_default;
  return chosen > 0 ? chosen : 0;
}

// Chooses the settings of the connection's socket, in the form of the reactor's options.
static void choose_settings(const struct evnet_reactor_options *defaults,
                            const struct evnet_dial_options *options,
                            struct evnet_reactor_options *out) {
  *out = (struct evnet_reactor_options){
      .send_buffer_bytes = (int)choose(options->send_buffer_bytes, defaults->send_buffer_bytes),
      .receive_buffer_bytes =
          (int)choose(options->receive_buffer_bytes, defaults->receive_buffer_bytes),
      .no_nodelay = options->no_nodelay || (defaults->no_nodelay && !options->nodelay),
      .keepalive_idle_s = (int)choose(options->keepalive_idle_s, defaults->keepalive_idle_s),
      .user_timeout_ms = choose(options->user_timeout_ms, defaults->user_timeout_ms),
      .notsent_lowat_bytes =
          (int)choose(options->notsent_lowat_bytes, defaults->notsent_lowat_bytes),
      .logger = defaults->logger,
  };
  const bool is_off = options->keepalive_idle_s == EVNET_OFF;
  out->keepalive_interval_s =
      (int)choose(options->keepalive_interval_s, is_off ? 0 : defaults->keepalive_interval_s);
  out->keepalive_count =
      (int)choose(options->keepalive_count, is_off ? 0 : defaults->keepalive_count);
}

static int check_options(const struct evnet_logger *logger,
                         const struct evnet_dial_options *options) {
  if (options->timeout_ms < EVNET_OFF || options->timeout_ms > EVNET_TIMEOUT_MS_MAX)
    return option_refuse_at(logger, EVNET_LOG_DEBUG, "timeout_ms", options->timeout_ms,
                            "must be 1 to 1073741823, 0 for the default, or EVNET_OFF");
  if (options->nodelay && options->no_nodelay)
    return option_refuse_at(logger, EVNET_LOG_DEBUG, "nodelay", options->nodelay,
                            "conflicts with no_nodelay; set only one of them");
  const struct evnet_reactor_options given = {
      .send_buffer_bytes = options->send_buffer_bytes,
      .receive_buffer_bytes = options->receive_buffer_bytes,
      .keepalive_idle_s = options->keepalive_idle_s,
      .keepalive_interval_s = options->keepalive_interval_s,
      .keepalive_count = options->keepalive_count,
      .user_timeout_ms = options->user_timeout_ms,
      .notsent_lowat_bytes = options->notsent_lowat_bytes,
      .logger = *logger,
  };
  const int status = options_check_ranges(&given, EVNET_OFF, EVNET_LOG_DEBUG);
  return status < 0 ? status : check_device(logger, options->bind_to_device);
}

static int read_options(const struct evnet_reactor_options *defaults,
                        const struct evnet_dial_options *options, struct dial *dial) {
  int status = check_options(&defaults->logger, options);
  if (status < 0) return status;
  struct evnet_reactor_options chosen;
  choose_settings(defaults, options, &chosen);
  status = options_check_keepalive(&chosen, EVNET_LOG_DEBUG);
  if (status < 0) return status;
  dial->allow = options->allow;
  dial->options = (struct evnet_connect_options){
      .send_buffer_bytes = chosen.send_buffer_bytes,
      .receive_buffer_bytes = chosen.receive_buffer_bytes,
      .no_nodelay = chosen.no_nodelay,
      .udp_broadcast = options->udp_broadcast || defaults->udp_broadcast,
      .keepalive_idle_s = chosen.keepalive_idle_s,
      .keepalive_interval_s = chosen.keepalive_interval_s,
      .keepalive_count = chosen.keepalive_count,
      .user_timeout_ms = (int)chosen.user_timeout_ms,
      .notsent_lowat_bytes = chosen.notsent_lowat_bytes,
  };
  if (options->bind_to_device == NULL) return 0;
  memcpy(dial->device, options->bind_to_device, strlen(options->bind_to_device) + 1);
  dial->options.bind_to_device = dial->device;
  return 0;
}

int dial_read(const struct evnet_reactor_options *defaults, const char *address,
              const struct evnet_dial_options *options, struct dial *dial) {
  int status = read_options(defaults, options, dial);
  if (status < 0) return status;
  const int named = read_address(&defaults->logger, address, dial);
  status = named < 0 ? named : read_source(&defaults->logger, options->source, dial);
  return status < 0 ? status : named;
}

int evnet_dial_check(const struct evnet_reactor_options *defaults, const char *address,
                     const struct evnet_dial_options *options) {
  struct dial dial = {0};
  const int status = dial_read(defaults, address, options, &dial);
  return status < 0 ? status : 0;
}
