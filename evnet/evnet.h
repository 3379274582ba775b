// All public headers of evnet: #include "evnet/evnet.h".
//
// A server program starts at net/server/server.h, its callbacks at net/reactor/handler.h, and the
// functions of a connection at net/reactor/conn.h.
//
// The headers include each other by relative paths, so that a repository with its own net/
// directory can use evnet without a clash of names.
#ifndef EVNET_EVNET_EVNET_H_
#define EVNET_EVNET_EVNET_H_

#include "../net/balancer/balancer.h"
#include "../net/base/address.h"
#include "../net/base/bytes.h"
#include "../net/base/credentials.h"
#include "../net/base/host.h"
#include "../net/base/log.h"
#include "../net/base/memory.h"
#include "../net/base/status.h"
#include "../net/base/tcp_info.h"
#include "../net/base/text.h"
#include "../net/base/version.h"
#include "../net/buffer/outbound.h"
#include "../net/buffer/ring.h"
#include "../net/metrics/metrics.h"
#include "../net/poller/poller.h"
#include "../net/reactor/conn.h"
#include "../net/reactor/descriptors.h"
#include "../net/reactor/embed.h"
#include "../net/reactor/handler.h"
#include "../net/reactor/hold.h"
#include "../net/reactor/reactor.h"
#include "../net/reactor/resolve.h"
#include "../net/reactor/splice.h"
#include "../net/reactor/timer.h"
#include "../net/reactor/watch.h"
#include "../net/server/server.h"
#include "../net/server/workers.h"

#endif  // EVNET_EVNET_EVNET_H_
