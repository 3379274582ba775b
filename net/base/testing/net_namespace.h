// A private network for a test (network_namespaces(7)): other processes do not see it, so the test
// may set up interfaces, addresses and limits as it needs.
#ifndef EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_
#define EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_

namespace evnet_testing {

// Moves this thread, and threads that it starts later, to a new network namespace for the rest of
// the process. Call it once, before there are other threads. The namespace has `lo` and a pair of
// connected Ethernet interfaces: `pair0` with the addresses 10.111.0.1/24 and fd00:111::1/64, and
// `pair1` without an address. All are up.
//
// Returns: false if the system does not permit it.
bool EnterNetNamespace();

// Does the same with a namespace that has only `lo`. It returns without a wait, whereas the kernel
// needs seconds to set up the routes of the pair.
bool EnterLoopbackNamespace();

// Adds an IPv6 address to an interface of the namespace. A failure fails the test.
void AddIp6Address(const char *interface, const char *text, int prefix_bits);

// Sets the MTU of an interface of the namespace. A failure fails the test.
void SetMtu(const char *interface, int bytes);

}  // namespace evnet_testing

#endif  // EVNET_NET_BASE_TESTING_NET_NAMESPACE_H_
