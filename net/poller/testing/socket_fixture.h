// Peers that are real sockets.
#ifndef EVNET_NET_POLLER_TESTING_SOCKET_FIXTURE_H_
#define EVNET_NET_POLLER_TESTING_SOCKET_FIXTURE_H_

#include <memory>

#include "net/poller/testing/peer.h"

namespace evnet_testing {

// `transport` is TCP or UNIX; Loopback and Connect use it.
std::unique_ptr<Fixture> MakeSocketFixture(evnet_transport transport);

}  // namespace evnet_testing

#endif  // EVNET_NET_POLLER_TESTING_SOCKET_FIXTURE_H_
