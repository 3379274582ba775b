// Lookups that a program starts: a lookup of resolver.c with a deadline.
#include "net/reactor/resolve.h"

#include <errno.h>

#include "net/base/text.h"
#include "net/reactor/internal/clock.h"
#include "net/reactor/internal/deadline.h"
#include "net/reactor/internal/lookup.h"
#include "net/reactor/internal/options.h"
#include "net/reactor/internal/reactor.h"
#include "net/reactor/internal/resolver.h"
#include "net/reactor/timer.h"

enum { TIMEOUT_MS_DEFAULT = 10000 };

// The deadline and the callback of a lookup, whose `arg` it is.
struct call {
  struct evnet_reactor *reactor;
  struct evnet_lookup *lookup;
  struct evnet_timer timer;
  uint64_t deadline_ms;
  // One of them is NULL.
  void (*done)(int status, const struct evnet_address *addresses, size_t count, void *user);
  void (*named)(int status, const char *name, void *user);
  void *user;
};

static void release(struct call *call) {
  evnet_timer_stop(call->reactor, &call->timer);
  evnet_release(call->reactor->options.allocator, call);
}

static void looked_up(void *arg, int status, const struct evnet_address *addresses, size_t count) {
  struct call *call = arg;
  const struct call kept = *call;
  release(call);
  kept.done(status, addresses, count, kept.user);
}

static void named(void *arg, int status, const char *name) {
  struct call *call = arg;
  const struct call kept = *call;
  release(call);
  kept.named(status, name, kept.user);
}

static void expired(struct evnet_timer *timer, void *user) {
  struct call *call = user;
  struct evnet_reactor *reactor = call->reactor;
  if (!deadline_is_settled(reactor, call->deadline_ms)) {
    // Ask the kernel first, because it may have an answer for the resolver.
    evnet_timer_start(reactor, timer, 0, expired, call);
    return;
  }
  if (call->lookup->is_answered) return;  // its message is in the mailbox
  evnet_resolver_cancel(call->lookup);
  if (call->named != NULL) {
    named(call, -ETIMEDOUT, NULL);
  } else {
    looked_up(call, -ETIMEDOUT, NULL, 0);
  }
}

static int check_timeout(const struct evnet_logger *logger, int64_t timeout_ms) {
  if (timeout_ms >= EVNET_OFF && timeout_ms <= EVNET_TIMEOUT_MS_MAX) return 0;
  return option_refuse_at(logger, EVNET_LOG_DEBUG, "timeout_ms", timeout_ms,
                          "must be 1 to 1073741823, 0 for the default, or EVNET_OFF");
}

static int check_options(const struct evnet_logger *logger,
                         const struct evnet_resolve_options *options) {
  if (options->family != AF_UNSPEC && options->family != AF_INET && options->family != AF_INET6)
    return option_refuse_at(logger, EVNET_LOG_DEBUG, "family", options->family,
                            "must be AF_INET, AF_INET6, or 0 for both");
  if ((unsigned)options->transport > EVNET_TRANSPORT_UDP)
    return option_refuse_at(logger, EVNET_LOG_DEBUG, "transport", options->transport,
                            "must be EVNET_TRANSPORT_TCP or EVNET_TRANSPORT_UDP");
  return check_timeout(logger, options->timeout_ms);
}

static struct call *create(struct evnet_reactor *reactor, void *user) {
  struct call *call = evnet_allocate_zeroed(reactor->options.allocator, sizeof *call);
  if (call == NULL) return NULL;
  call->reactor = reactor;
  call->user = user;
  return call;
}

// Completes the start of a lookup, whose status is `status`.
static int start(struct call *call, int status, int64_t timeout_ms,
                 struct evnet_lookup_id *out_id) {
  struct evnet_reactor *reactor = call->reactor;
  if (status < 0) {
    release(call);
    return status;
  }
  if (out_id != NULL) *out_id = call->lookup->id;
  if (timeout_ms == EVNET_OFF) return 0;
  clock_update(reactor);  // the caller may have run for a long time in this turn
  const uint64_t delay_ms = (uint64_t)(timeout_ms == 0 ? TIMEOUT_MS_DEFAULT : timeout_ms);
  call->deadline_ms = reactor->clock.now_ms + delay_ms;
  evnet_timer_start(reactor, &call->timer, delay_ms, expired, call);
  return 0;
}

int evnet_resolve(struct evnet_reactor *reactor, const char *host,
                  const struct evnet_resolve_options *options,
                  void (*done)(int status, const struct evnet_address *addresses, size_t count,
                               void *user),
                  void *user, struct evnet_lookup_id *out_id) {
  static const struct evnet_resolve_options defaults = {0};
  if (options == NULL) options = &defaults;
  const struct evnet_logger *logger = &reactor->options.logger;
  int status = check_options(logger, options);
  if (status < 0) return status;
  struct evnet_host wanted = {
      .family = options->family, .port = options->port, .transport = options->transport};
  struct evnet_address address;
  char message[EVNET_ADDRESS_MESSAGE_BYTES];
  const int named_status = evnet_host_read(host, &wanted, &address, message, sizeof message);
  if (named_status < 0) {
    evnet_log(logger, EVNET_LOG_DEBUG, "%s", message);
    return named_status;
  }
  struct call *call = create(reactor, user);
  if (call == NULL) return -ENOMEM;
  call->done = done;
  status = named_status == 0
               ? evnet_resolver_give_address(reactor, &address, looked_up, call, &call->lookup)
               : evnet_resolver_look_up(reactor, &wanted, looked_up, call, &call->lookup);
  return start(call, status, options->timeout_ms, out_id);
}

int evnet_resolve_name(struct evnet_reactor *reactor, const struct evnet_address *address,
                       int64_t timeout_ms, void (*done)(int status, const char *name, void *user),
                       void *user, struct evnet_lookup_id *out_id) {
  const struct evnet_logger *logger = &reactor->options.logger;
  int status = check_timeout(logger, timeout_ms);
  if (status < 0) return status;
  // Normalizes the address; an IPv4-mapped one becomes IPv4.
  static const struct evnet_host any = {.family = AF_UNSPEC};
  struct evnet_address question;
  if (!evnet_host_accept(&any, address, &question)) {
    char shown[EVNET_TEXT_BYTES];
    evnet_log(logger, EVNET_LOG_DEBUG, "address '%s': not an IP address",
              evnet_text_of_address(address, shown, sizeof shown));
    return EVNET_STATUS_ADDRESS;
  }
  struct call *call = create(reactor, user);
  if (call == NULL) return -ENOMEM;
  call->named = done;
  status = evnet_resolver_find_name(reactor, &question, named, call, &call->lookup);
  return start(call, status, timeout_ms, out_id);
}

int evnet_resolve_cancel(struct evnet_reactor *reactor, struct evnet_lookup_id id) {
  struct evnet_lookup *lookup = resolver_find(reactor, id);
  // A resolver may know the ids of lookups that dials have started.
  if (lookup == NULL || (lookup->done != looked_up && lookup->named != named)) return -ESTALE;
  if (lookup->is_beginning) return -EBUSY;
  struct call *call = lookup->arg;
  evnet_resolver_cancel(lookup);
  release(call);
  return 0;
}
