// The floor: echo servers written straight onto epoll, as small as correctness allows. They are
// what the kernel costs, the figure that evnet's benchmarks are divided by. They are not a
// framework and must not become one: whatever is added here makes evnet look better than it is.
//
// One thread, one epoll set, one 64 KiB buffer for all connections. Two binaries differ in how they
// are told of readiness only; all code is shared.

#ifndef EVNET_BENCHMARKS_FLOOR_FLOOR_H_
#define EVNET_BENCHMARKS_FLOOR_FLOOR_H_

#include <stdint.h>

enum {
  FLOOR_BUFFER_BYTES = 64 * 1024,
  FLOOR_EVENTS_MAX = 256,
};

enum floor_trigger {
  // EPOLLIN alone; per request one epoll_wait (shared by all that are ready), one recv, one send.
  FLOOR_LEVEL,
  // IN, OUT and RDHUP registered once and for ever.
  FLOOR_EDGE,
};

// What both loops run on. The epoll set holds the socket and the signals before a loop starts; an
// event tells by its data.ptr which it is for: these two fields' addresses, or a connection.
struct floor {
  enum floor_trigger trigger;
  int epoll_fd;
  int socket_fd;  // listens (tcp, unix) or is the one datagram socket (udp)
  int signal_fd;  // readable once SIGTERM or SIGINT came
  uint8_t buffer[FLOOR_BUFFER_BYTES];
};

// floor_main is main() of both binaries: it takes one address, prints `listening on ADDRESS` and
// echoes until SIGTERM or SIGINT.
//
// Returns: the exit code: 0 after a signal, 1 when the system refused something, 2 for a bad
// argument.
int floor_main(int argc, char **argv, enum floor_trigger trigger);

// floor_stream_run and floor_datagram_run echo until a signal came.
//
// Returns: 0.
// Errors:  -errno of the call that failed; a connection's own failure only ends that connection.
int floor_stream_run(struct floor *floor);
int floor_datagram_run(struct floor *floor);

#endif  // EVNET_BENCHMARKS_FLOOR_FLOOR_H_
