// Moving bytes between two connections by splice(2).
#ifndef EVNET_NET_POLLER_INTERNAL_READY_SPLICE_H_
#define EVNET_NET_POLLER_INTERNAL_READY_SPLICE_H_

#include <stddef.h>
#include <stdint.h>

#include "net/poller/internal/names.h"
#include "net/poller/poller.h"

// As evnet_poller_splice and evnet_poller_splice_rest.
int ready_splice(struct evnet_poller *poller, struct evnet_handle from, struct evnet_handle to,
                 size_t size, bool soon, struct evnet_spliced *out);
size_t ready_splice_rest(struct evnet_poller *poller, void *out, size_t size);

struct ready;

// ready_splice_close closes the pipe.
void ready_splice_close(struct ready *ready);

#endif  // EVNET_NET_POLLER_INTERNAL_READY_SPLICE_H_
