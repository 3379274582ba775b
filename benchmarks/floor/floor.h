// The floor: echo servers written directly on epoll, as small as correctness permits. They show the
// cost of the kernel, which is the denominator of evnet's benchmarks. Do not add to them: every
// addition makes evnet look better than it is.
//
// One thread, one epoll set, and one buffer of 64 KiB for all connections. floor_lt and floor_et
// differ only in level- or edge-triggered events. floor_http is level-triggered, and answers each
// HTTP request with the same response, without reading it. floor_uring uses io_uring instead of
// epoll, for messages of up to 2 KiB.

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

// The loop of stream connections: one of the functions below.
typedef int floor_run(struct floor *floor);

// floor_main is main() of all binaries. It takes one address, prints `listening on ADDRESS`, and
// serves until SIGTERM or SIGINT. Only the echo loops on epoll take UDP.
//
// Returns: the exit code: 0 after a signal; 1 if a system call failed; 2 for an invalid argument.
int floor_main(int argc, char **argv, enum floor_trigger trigger, floor_run *run);

// floor_stream_run, floor_uring_run and floor_datagram_run echo until a signal arrives;
// floor_http_run answers. floor_uring_run does not use the epoll set.
//
// Returns: 0.
// Errors:  -errno of the call that failed. An error of one connection only closes that connection.
floor_run floor_stream_run;
floor_run floor_uring_run;
floor_run floor_datagram_run;
floor_run floor_http_run;

#endif  // EVNET_BENCHMARKS_FLOOR_FLOOR_H_
