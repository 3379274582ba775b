// Reads and checks the arguments of evnet_dial. A refusal is logged only at DEBUG, because a peer
// may choose the address and the rate of dials, and the caller gets the status.
#include "net/reactor/internal/dial_options.h"

#include <arpa/inet.h>
#include <errno.h>
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

static int read_text(const struct evnet_logger *logger, const char *text, struct evnet_address *out,
                     struct evnet_host *out_host) {
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  const int named = evnet_address_read_host(text, out, out_host, message, sizeof message);
  if (named < 0) return refuse_address(logger, message);
  if (out->transport == EVNET_TRANSPORT_UNIX) return 0;
  if (has_empty_host(text))
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, "the host is missing");
  const uint16_t port = named > 0 ? out_host->port : evnet_address_port(out);
  if (port == 0)
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, "the port is missing");
  return named;
}

static int read_host(const struct evnet_logger *logger, const struct evnet_dial_target *target,
                     struct evnet_address *out, struct evnet_host *out_host) {
  *out_host = (struct evnet_host){.port = target->port, .transport = target->transport};
  if (target->transport != EVNET_TRANSPORT_TCP && target->transport != EVNET_TRANSPORT_UDP)
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "host ", target->host,
                       "the transport must be TCP or UDP");
  if (target->port == 0)
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "host ", target->host, "the port is missing");
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  const int named = evnet_host_read(target->host, out_host, out, message, sizeof message);
  if (named < 0) return refuse_address(logger, message);
  if (named > 0) *out = (struct evnet_address){.transport = target->transport};
  return named;
}

// Returns why an address cannot be dialled, or NULL.
static const char *find_fault(const struct evnet_address *address) {
  const size_t path = offsetof(struct sockaddr_un, sun_path);
  if (address->transport == EVNET_TRANSPORT_UNIX) {
    const struct sockaddr_un *local = &address->socket.local;
    if (local->sun_family != AF_UNIX || address->size > sizeof *local)
      return "not the address of a Unix socket";
    const size_t least = path + (address->size > path && local->sun_path[0] == '\0' ? 2 : 1);
    return address->size < least ? "the path is missing" : NULL;
  }
  if (address->transport != EVNET_TRANSPORT_TCP && address->transport != EVNET_TRANSPORT_UDP)
    return "not a transport";
  const int family = address->socket.any.sa_family;
  if (family != AF_INET && family != AF_INET6) return "not an IP address";
  return evnet_address_port(address) == 0 ? "the port is missing" : NULL;
}

static int copy_address(const struct evnet_logger *logger, const struct evnet_address *address,
                        struct evnet_address *out) {
  const char *fault = find_fault(address);
  if (fault != NULL) {
    char text[EVNET_ADDRESS_TEXT_BYTES];
    (void)evnet_address_format(address, text, sizeof text);
    return refuse_text(logger, EVNET_STATUS_ADDRESS, "address ", text, fault);
  }
  *out = *address;
  if (address->transport == EVNET_TRANSPORT_UNIX) return 0;
  const struct evnet_host host = {.transport = address->transport};
  (void)evnet_host_accept(&host, address, out);  // find_fault has checked the family
  // As in a text, "[::]" of an IPv6 socket stands for the host's loopback address of both families.
  out->dual_stack = address->dual_stack && out->socket.any.sa_family == AF_INET6 &&
                    IN6_IS_ADDR_UNSPECIFIED(&out->socket.ip6.sin6_addr);
  return 0;
}

static int read_target(const struct evnet_logger *logger, const struct evnet_dial_target *target,
                       struct dial *dial, struct evnet_host *out_host) {
  struct evnet_address *first = &dial->own_addresses[0];
  const int named = target->text != NULL   ? read_text(logger, target->text, first, out_host)
                    : target->host != NULL ? read_host(logger, target, first, out_host)
                                           : copy_address(logger, target->address, first);
  if (named != 0) return named;
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

int dial_read(const struct evnet_reactor_options *defaults, const struct evnet_dial_target *target,
              const struct evnet_dial_options *options, struct dial *dial,
              struct evnet_host *out_host) {
  int status = read_options(defaults, options, dial);
  if (status < 0) return status;
  const int named = read_target(&defaults->logger, target, dial, out_host);
  status = named < 0 ? named : read_source(&defaults->logger, options->source, dial);
  return status < 0 ? status : named;
}

int evnet_dial_check(const struct evnet_reactor_options *defaults,
                     const struct evnet_dial_target *target,
                     const struct evnet_dial_options *options) {
  struct dial dial = {0};
  struct evnet_host host;
  const int status = dial_read(defaults, target, options, &dial, &host);
  return status < 0 ? status : 0;
}
