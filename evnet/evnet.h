// Everything of evnet that a user needs: #include "evnet/evnet.h".
//
// The headers behind it include each other by paths relative to themselves, so that a repository
// with a net/ of its own can use evnet without a clash of names.
#ifndef EVNET_EVNET_EVNET_H_
#define EVNET_EVNET_EVNET_H_

#include "../net/balancer/balancer.h"
#include "../net/base/address.h"
#include "../net/base/bytes.h"
#include "../net/base/credentials.h"
#include "../net/base/log.h"
#include "../net/base/memory.h"
#include "../net/base/status.h"
#include "../net/base/tcp_info.h"
#include "../net/base/text.h"
#include "../net/buffer/outbound.h"
#include "../net/buffer/ring.h"
#include "../net/poller/poller.h"
#include "../net/reactor/conn.h"
#include "../net/reactor/handler.h"
#include "../net/reactor/reactor.h"
#include "../net/reactor/timer.h"
#include "../net/server/server.h"
#include "../net/server/workers.h"

#endif  // EVNET_EVNET_EVNET_H_
