// A network of a test's own (network_namespaces(7)): nothing outside sees it, so that a test may
// have interfaces, addresses and limits as it needs them.
#ifndef EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_
#define EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_

namespace evnet_testing {

// Moves this thread, and those that it starts, to a new network namespace, once and for the rest of
// the process; called before there are other threads. In there are `lo`, and a pair of Ethernet
// interfaces, `pair0` with the addresses 10.111.0.1/24 and fd00:111::1/64, and `pair1` with none;
// what one sends the other receives. All are up.
//
// Returns: false where the system does not allow it.
bool EnterNetNamespace();

// Adds an IPv6 address to an interface there, or fails the test.
void AddIp6Address(const char *interface, const char *text, int prefix_bits);

// Sets an interface's MTU there, or fails the test.
void SetMtu(const char *interface, int bytes);

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_
