// The public functions. Each calls the backend's function of the same name.
#include "net/poller/poller.h"

#include <errno.h>

#include "net/poller/internal/backend.h"
#include "net/poller/internal/rights.h"

int evnet_poller_create(const struct evnet_poller_options *options,
                        struct evnet_poller **out_poller) {
  struct evnet_poller_options chosen = {0};
  if (options != NULL) chosen = *options;
  if (chosen.handles_max == 0) chosen.handles_max = EVNET_HANDLES_MAX_DEFAULT;
  if (chosen.recv_bytes_max == 0) chosen.recv_bytes_max = EVNET_RECV_BYTES_MAX_DEFAULT;
  if (chosen.datagram_bytes_max == 0) chosen.datagram_bytes_max = EVNET_DATAGRAM_BYTES_MAX_DEFAULT;
  if (chosen.handles_max > EVNET_HANDLES_MAX) return -EINVAL;
  if (chosen.kernel != NULL) {
    return chosen.kernel->create_poller(chosen.kernel, &chosen, out_poller);
  }
  return evnet_poller_platform_create(&chosen, out_poller);
}

const char *evnet_poller_create_message(enum evnet_backend backend, int status) {
  const char *message = evnet_poller_platform_message(backend, status);
  return message != NULL ? message : evnet_status_message(status);
}

void evnet_poller_set_quota(struct evnet_poller *poller, const struct evnet_quota *quota) {
  poller->quota = quota;
}

void evnet_poller_set_taker(struct evnet_poller *poller, const struct evnet_taker *taker) {
  poller->taker = taker;
}

void evnet_poller_destroy(struct evnet_poller *poller) {
  if (poller != NULL) poller->ops->destroy(poller);
}

const char *evnet_poller_name(const struct evnet_poller *poller) { return poller->name; }

uint64_t evnet_poller_now_ns(struct evnet_poller *poller) { return poller->ops->now_ns(poller); }

int evnet_poller_listen(struct evnet_poller *poller, const struct evnet_address *address,
                        const struct evnet_listen_options *options,
                        struct evnet_handle *out_handle) {
  static const struct evnet_listen_options defaults = {0};
  if (options != NULL && options->out_reason != NULL) *options->out_reason = NULL;
  return poller->ops->listen(poller, address, options != NULL ? options : &defaults, out_handle);
}

bool evnet_poller_spreads_port(const struct evnet_poller *poller) {
  return poller->ops->spreads_port(poller);
}

bool evnet_poller_has_family(const struct evnet_poller *poller, int family) {
  return poller->ops->has_family(poller, family);
}

int evnet_poller_attach(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                        struct evnet_handle *out_handle) {
  return poller->ops->attach(poller, descriptor, transport, out_handle);
}

int evnet_poller_identify(struct evnet_poller *poller, int descriptor,
                          struct evnet_socket_kind *out_kind) {
  return poller->ops->identify(poller, descriptor, out_kind);
}

int evnet_poller_adopt(struct evnet_poller *poller, int descriptor,
                       const struct evnet_socket_kind *kind, struct evnet_handle *out_handle) {
  return poller->ops->adopt(poller, descriptor, kind, out_handle);
}

int evnet_poller_resolve(struct evnet_poller *poller, const char *text, struct evnet_address *out,
                         int count_max) {
  if (poller->ops->resolve == NULL) return -EOPNOTSUPP;
  return poller->ops->resolve(poller, text, out, count_max);
}

int evnet_poller_reserve(struct evnet_poller *poller, enum evnet_transport transport,
                         struct evnet_handle *out_handle) {
  return poller->ops->reserve(poller, transport, out_handle);
}

void evnet_poller_connect(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct evnet_address *address,
                          const struct evnet_connect_options *options) {
  static const struct evnet_connect_options defaults = {0};
  poller->ops->connect(poller, handle, address, options != NULL ? options : &defaults);
}

void evnet_poller_connect_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->connect_stop(poller, handle);
}

int evnet_poller_connect_move(struct evnet_poller *poller, struct evnet_handle from,
                              struct evnet_handle to) {
  return poller->ops->connect_move(poller, from, to);
}

void evnet_poller_discard_descriptor(struct evnet_poller *poller, int descriptor) {
  poller->ops->discard_descriptor(poller, descriptor);
}

void evnet_poller_detach(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->detach(poller, handle);
}

void evnet_poller_abort(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->abort(poller, handle);
}

void evnet_poller_accept_start(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->accept_start(poller, handle);
}

void evnet_poller_accept_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->accept_stop(poller, handle);
}

int evnet_poller_accept(struct evnet_poller *poller, struct evnet_handle handle,
                        struct evnet_address *out_peer) {
  return poller->ops->accept(poller, handle, out_peer);
}

void evnet_poller_recv_start(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->recv_start(poller, handle);
}

void evnet_poller_recv_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->recv_stop(poller, handle);
}

int64_t evnet_poller_send(struct evnet_poller *poller, struct evnet_handle handle,
                          const struct iovec *pieces, size_t count) {
  return poller->ops->send(poller, handle, pieces, count);
}

int64_t evnet_poller_send_descriptor(struct evnet_poller *poller, struct evnet_handle handle,
                                     int passed, const void *data, size_t size) {
  return evnet_rights_send(poller->ops->descriptor(poller, handle), passed, data, size);
}

size_t evnet_poller_sending_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  return poller->ops->sending_bytes(poller, handle);
}

void evnet_poller_send_start(struct evnet_poller *poller, struct evnet_handle handle,
                             const struct evnet_send *send) {
  poller->ops->send_start(poller, handle, send);
}

uint8_t *evnet_poller_scratch(struct evnet_poller *poller) { return poller->ops->scratch(poller); }

int64_t evnet_poller_send_datagrams(struct evnet_poller *poller, struct evnet_handle handle,
                                    const struct evnet_datagram *datagrams, size_t count) {
  return poller->ops->send_datagrams(poller, handle, datagrams, count);
}

void evnet_poller_await_room(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->await_room(poller, handle);
}

int evnet_poller_shutdown_write(struct evnet_poller *poller, struct evnet_handle handle) {
  return poller->ops->shutdown_write(poller, handle);
}

int evnet_poller_local_address(struct evnet_poller *poller, struct evnet_handle handle,
                               struct evnet_address *out_address) {
  return poller->ops->local_address(poller, handle, out_address);
}

int evnet_poller_remote_address(struct evnet_poller *poller, struct evnet_handle handle,
                                struct evnet_address *out_address) {
  return poller->ops->remote_address(poller, handle, out_address);
}

int evnet_poller_peer_credentials(struct evnet_poller *poller, struct evnet_handle handle,
                                  struct evnet_credentials *out_credentials) {
  return poller->ops->peer_credentials(poller, handle, out_credentials);
}

int evnet_poller_tcp_info(struct evnet_poller *poller, struct evnet_handle handle,
                          struct evnet_tcp_info *out_info) {
  return poller->ops->tcp_info(poller, handle, out_info);
}

int64_t evnet_poller_unacked_bytes(struct evnet_poller *poller, struct evnet_handle handle) {
  return poller->ops->unacked_bytes(poller, handle);
}

int evnet_poller_set_option(struct evnet_poller *poller, struct evnet_handle handle,
                            enum evnet_socket_option option, int value) {
  return poller->ops->set_option(poller, handle, option, value);
}

int evnet_poller_set_multicast(struct evnet_poller *poller, struct evnet_handle handle,
                               const struct evnet_multicast *setting) {
  return poller->ops->set_multicast(poller, handle, setting);
}

int evnet_poller_descriptor(struct evnet_poller *poller, struct evnet_handle handle) {
  return poller->ops->descriptor(poller, handle);
}

int evnet_poller_duplicate(struct evnet_poller *poller, struct evnet_handle handle) {
  return poller->ops->duplicate(poller, handle);
}

static bool are_watch_events(uint32_t events) {
  return events != 0 && (events & ~(uint32_t)(EVNET_READABLE | EVNET_WRITABLE)) == 0;
}

int evnet_poller_watch(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
                       struct evnet_handle *out_handle) {
  if (!are_watch_events(events)) return -EINVAL;
  return poller->ops->watch(poller, descriptor, events, user, out_handle);
}

int evnet_poller_watch_change(struct evnet_poller *poller, struct evnet_handle handle,
                              uint32_t events) {
  if (!are_watch_events(events)) return -EINVAL;
  return poller->ops->watch_change(poller, handle, events);
}

void evnet_poller_watch_stop(struct evnet_poller *poller, struct evnet_handle handle) {
  poller->ops->watch_stop(poller, handle);
}

int evnet_poller_loop_descriptor(struct evnet_poller *poller) {
  return poller->ops->loop_descriptor(poller);
}

int evnet_poller_splice(struct evnet_poller *poller, struct evnet_handle from,
                        struct evnet_handle to, size_t size, bool soon, struct evnet_spliced *out) {
  if (poller->ops->splice == NULL || evnet_quota_limits(poller, from)) return -EOPNOTSUPP;
  return poller->ops->splice(poller, from, to, size, soon, out);
}

size_t evnet_poller_splice_rest(struct evnet_poller *poller, void *out, size_t size) {
  return poller->ops->splice_rest(poller, out, size);
}

bool evnet_poller_settle(struct evnet_poller *poller) { return poller->ops->settle(poller); }

int evnet_poller_wait(struct evnet_poller *poller, int64_t timeout_ns) {
  return poller->ops->wait(poller, timeout_ns);
}

bool evnet_poller_next(struct evnet_poller *poller, struct evnet_completion *out_completion) {
  return poller->ops->next(poller, out_completion);
}

uint32_t evnet_poller_unreported(const struct evnet_poller *poller) {
  return poller->ops->unreported(poller);
}

void evnet_poller_wake(struct evnet_poller *poller) { poller->ops->wake(poller); }
