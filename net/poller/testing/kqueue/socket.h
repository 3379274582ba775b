// Between the stand-in's files: the close(2) that kqueue.c sees ends what socket.c remembers.
#ifndef EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_
#define EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_

void evnet_test_socket_closed(int descriptor);

#endif  // EVNET_NET_POLLER_TESTING_KQUEUE_SOCKET_H_
