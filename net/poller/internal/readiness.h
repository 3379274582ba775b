// The part of a readiness backend that is specific to epoll or kqueue: registering descriptors, and
// reporting which became ready. ready.c turns readiness into completions.
#ifndef EVNET_NET_POLLER_INTERNAL_READINESS_H_
#define EVNET_NET_POLLER_INTERNAL_READINESS_H_

#include <stdbool.h>
#include <stdint.h>

#include "net/poller/internal/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bits of evnet_ready_event.state, and of an interest (IN, OUT, LEVEL). The first five have the
// values of epoll(7), so they need no translation.
enum {
  EVNET_READY_IN = 1,
  EVNET_READY_URGENT = 2,  // out-of-band data: a short read proves nothing
  EVNET_READY_OUT = 4,
  EVNET_READY_ERROR = 8,    // an error is pending on the socket
  EVNET_READY_HANGUP = 16,  // both sides have ended
  EVNET_READY_END = 32,     // the peer has ended its side: a read will eventually return 0
  EVNET_READY_LEVEL = 64,   // interest: reported by each wait while it holds (has_level, or WATCH)
  // Interest: of a watch (evnet_poller_watch), with IN, OUT or both. Only these, ERROR and HANGUP
  // are reported.
  EVNET_READY_WATCH = 128,
};

struct evnet_ready_event {
  uint64_t token;
  uint32_t state;
};

// Registrations without LEVEL are edge-triggered: a state is reported when it begins, and after a
// registration or change if it holds.
struct evnet_readiness_ops {
  const char *name;
  bool has_level;
  bool watch_needs_poll;  // the state of a WATCH means only that poll(2) may report something
  int (*open)(const struct evnet_allocator *allocator, void **out_state);
  void (*close)(void *state);
  int (*add)(void *state, int descriptor, uint64_t token, uint32_t interest);
  int (*change)(void *state, int descriptor, uint64_t token, uint32_t interest);
  void (*remove)(void *state, int descriptor);
  // Returns the number of events written, at most `count`; 0 after a timeout, a signal, or a wake
  // alone. Events are reported in the order in which they came.
  //
  //   out_more  whether the kernel may have more: it filled the array, or a signal ended the wait.
  int (*wait)(void *state, struct evnet_ready_event *out_events, int count, int64_t timeout_ns,
              bool *out_more);
  void (*wake)(void *state);  // any thread, async-signal-safe
  // Returns the descriptor that poll(2) reports as readable when wait would return events.
  int (*descriptor)(const void *state);
};

// evnet_ready_create creates a poller that uses a readiness interface.
EVNET_WARN_UNUSED int evnet_ready_create(const struct evnet_readiness_ops *readiness,
                                         const struct evnet_poller_options *options,
                                         struct evnet_poller **out_poller);

extern const struct evnet_readiness_ops evnet_readiness_epoll;   // Linux
extern const struct evnet_readiness_ops evnet_readiness_kqueue;  // macOS, the BSDs

// Explains -ENOSYS or -EPERM on Linux for a backend other than io_uring. Returns NULL for any other
// status.
const char *evnet_epoll_message(enum evnet_backend backend, int status);

#ifdef __cplusplus
}
#endif

#endif  // EVNET_NET_POLLER_INTERNAL_READINESS_H_
