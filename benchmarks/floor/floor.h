// The floor: echo servers written directly on epoll, as small as correctness permits. They show the
// cost of the kernel, which is the denominator of evnet's benchmarks. Do not add to them: every
// addition makes evnet look better than it is.
//
// One thread, one epoll set, and one buffer of 64 KiB for all connections. floor_lt and floor_et
// differ only in level- or edge-triggered events. floor_http is level-triggered, and answers each
// HTTP request with the same response, without reading it.

#ifndef EVNET_BENCHMARKS_FLOOR_FLOOR_H_
#define EVNET_BENCHMARKS_FLOOR_FLOOR_H_

#include <stdint.h>

enum {
  FLOOR_BUFFER_BYTES = 64 * 1024,
  FLOOR_EVENTS_MAX = 256,
  // The size of a request of `load --mode=http` with its default target.
  FLOOR_HTTP_REQUEST_BYTES = 35,
};

enum floor_trigger {
  // EPOLLIN. For each request: one epoll_wait (shared by all ready sockets), one recv, one send.
  FLOOR_LEVEL,
  // EPOLLIN, EPOLLOUT and EPOLLRDHUP, registered once.
  FLOOR_EDGE,
  // EPOLLIN; answers HTTP requests instead of sending bytes back.
  FLOOR_HTTP,
};

// The state of both loops. The socket and the signal descriptor are in the epoll set before a loop
// starts. data.ptr of an event is the address of one of these two fields, or a connection.
struct floor {
  enum floor_trigger trigger;
  int epoll_fd;
  int socket_fd;  // the listener (tcp, unix) or the datagram socket (udp)
  int signal_fd;  // readable after SIGTERM or SIGINT
  uint8_t buffer[FLOOR_BUFFER_BYTES];
};

// floor_main is main() of all binaries. It takes one address, prints `listening on ADDRESS`, and
// echoes until SIGTERM or SIGINT.
//
// Returns: the exit code: 0 after a signal; 1 if a system call failed; 2 for an invalid argument.
int floor_main(int argc, char **argv, enum floor_trigger trigger);

// floor_stream_run and floor_datagram_run echo until a signal arrives; floor_http_run answers.
//
// Returns: 0.
// Errors:  -errno of the call that failed. An error of one connection only closes that connection.
int floor_stream_run(struct floor *floor);
int floor_datagram_run(struct floor *floor);
int floor_http_run(struct floor *floor);

#endif  // EVNET_BENCHMARKS_FLOOR_FLOOR_H_
