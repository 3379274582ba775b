// The table that a backend fills in. evnet_poller_x calls ops->x, whose contract is in poller.h.
#ifndef EVNET_NET_POLLER_INTERNAL_BACKEND_H_
#define EVNET_NET_POLLER_INTERNAL_BACKEND_H_

#include "net/poller/poller.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evnet_poller_ops {
  void (*destroy)(struct evnet_poller *poller);
  uint64_t (*now_ns)(struct evnet_poller *poller);
  int (*listen)(struct evnet_poller *poller, const struct evnet_address *address,
                const struct evnet_listen_options *options, struct evnet_handle *out_handle);
  bool (*spreads_port)(const struct evnet_poller *poller);
  bool (*has_family)(const struct evnet_poller *poller, int family);
  int (*attach)(struct evnet_poller *poller, int descriptor, enum evnet_transport transport,
                struct evnet_handle *out_handle);
  int (*identify)(struct evnet_poller *poller, int descriptor, struct evnet_socket_kind *out_kind);
  int (*adopt)(struct evnet_poller *poller, int descriptor, const struct evnet_socket_kind *kind,
               struct evnet_handle *out_handle);
  // NULL: the system resolves names.
  int (*resolve)(struct evnet_poller *poller, const char *text, struct evnet_address *out,
                 int count_max);
  int (*reserve)(struct evnet_poller *poller, enum evnet_transport transport,
                 struct evnet_handle *out_handle);
  void (*connect)(struct evnet_poller *poller, struct evnet_handle handle,
                  const struct evnet_address *address, const struct evnet_connect_options *options);
  void (*connect_stop)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*connect_move)(struct evnet_poller *poller, struct evnet_handle from,
                      struct evnet_handle to);
  void (*discard_descriptor)(struct evnet_poller *poller, int descriptor);
  void (*detach)(struct evnet_poller *poller, struct evnet_handle handle);
  void (*abort)(struct evnet_poller *poller, struct evnet_handle handle);
  void (*accept_start)(struct evnet_poller *poller, struct evnet_handle handle);
  void (*accept_stop)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*accept)(struct evnet_poller *poller, struct evnet_handle handle,
                struct evnet_address *out_peer);
  void (*recv_start)(struct evnet_poller *poller, struct evnet_handle handle);
  void (*recv_stop)(struct evnet_poller *poller, struct evnet_handle handle);
  int64_t (*send)(struct evnet_poller *poller, struct evnet_handle handle,
                  const struct iovec *pieces, size_t count);
  size_t (*sending_bytes)(struct evnet_poller *poller, struct evnet_handle handle);
  void (*send_start)(struct evnet_poller *poller, struct evnet_handle handle,
                     const struct evnet_send *send);
  int64_t (*send_datagrams)(struct evnet_poller *poller, struct evnet_handle handle,
                            const struct evnet_datagram *datagrams, size_t count);
  void (*await_room)(struct evnet_poller *poller, struct evnet_handle handle);
  uint8_t *(*scratch)(struct evnet_poller *poller);
  // NULL: not supported.
  int (*splice)(struct evnet_poller *poller, struct evnet_handle from, struct evnet_handle to,
                size_t size, bool soon, struct evnet_spliced *out);
  size_t (*splice_rest)(struct evnet_poller *poller, void *out, size_t size);
  int (*shutdown_write)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*local_address)(struct evnet_poller *poller, struct evnet_handle handle,
                       struct evnet_address *out_address);
  int (*remote_address)(struct evnet_poller *poller, struct evnet_handle handle,
                        struct evnet_address *out_address);
  int (*peer_credentials)(struct evnet_poller *poller, struct evnet_handle handle,
                          struct evnet_credentials *out_credentials);
  int (*tcp_info)(struct evnet_poller *poller, struct evnet_handle handle,
                  struct evnet_tcp_info *out_info);
  int64_t (*unacked_bytes)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*set_option)(struct evnet_poller *poller, struct evnet_handle handle,
                    enum evnet_socket_option option, int value);
  int (*set_multicast)(struct evnet_poller *poller, struct evnet_handle handle,
                       const struct evnet_multicast *setting);
  int (*descriptor)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*duplicate)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*watch)(struct evnet_poller *poller, int descriptor, uint32_t events, void *user,
               struct evnet_handle *out_handle);
  int (*watch_change)(struct evnet_poller *poller, struct evnet_handle handle, uint32_t events);
  void (*watch_stop)(struct evnet_poller *poller, struct evnet_handle handle);
  int (*loop_descriptor)(struct evnet_poller *poller);
  bool (*settle)(struct evnet_poller *poller);
  int (*wait)(struct evnet_poller *poller, int64_t timeout_ns);
  bool (*next)(struct evnet_poller *poller, struct evnet_completion *out_completion);
  uint32_t (*unreported)(const struct evnet_poller *poller);
  void (*wake)(struct evnet_poller *poller);
};

// Every backend's own struct begins with this struct.
struct evnet_poller {
  const struct evnet_poller_ops *ops;
  const char *name;                 // of the backend
  const struct evnet_quota *quota;  // NULL: none
  const struct evnet_taker *taker;  // NULL: none
};

// Returns whether the quota limits the handle.
static inline bool evnet_quota_limits(const struct evnet_poller *poller,
                                      struct evnet_handle handle) {
  const struct evnet_quota *quota = poller->quota;
  return quota != NULL && quota->is_limited(quota->context, handle);
}

// Returns the most bytes that the handle may receive or send now; SIZE_MAX if it is not limited.
static inline size_t evnet_quota_ask(const struct evnet_poller *poller, struct evnet_handle handle,
                                     enum evnet_op op) {
  if (!evnet_quota_limits(poller, handle)) return SIZE_MAX;
  return poller->quota->ask(poller->quota->context, handle, op);
}

// A kernel other than the system's embeds this struct.
struct evnet_kernel {
  // As evnet_poller_platform_create. It ignores options->backend.
  int (*create_poller)(struct evnet_kernel *kernel, const struct evnet_poller_options *options,
                       struct evnet_poller **out_poller);
};

enum {
  EVNET_HANDLES_MAX_DEFAULT = 1 << 20,
  EVNET_HANDLES_MAX = 1 << 24,  // io_uring's user_data has 24 bits for an index
  EVNET_RECV_BYTES_MAX_DEFAULT = 256 << 10,
  EVNET_DATAGRAM_BYTES_MAX_DEFAULT = 65535,  // the length in a UDP header has 16 bits
};

// Creates the backend that options->backend names, or that AUTO selects. BUILD.bazel selects the
// implementation for the system. In `options`, zeroes have been replaced by the defaults.
int evnet_poller_platform_create(const struct evnet_poller_options *options,
                                 struct evnet_poller **out_poller);

// Explains a failure further than its status. Returns NULL if there is nothing to add.
const char *evnet_poller_platform_message(enum evnet_backend backend, int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_BACKEND_H_
