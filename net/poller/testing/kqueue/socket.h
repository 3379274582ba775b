// Shared by the stand-in's files: kqueue.c wraps close(2) and reports it to socket.c, which drops
// its data.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_

void evnet_test_socket_closed(int descriptor);

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_
