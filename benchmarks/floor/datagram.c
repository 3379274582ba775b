// The echo loop for UDP: plain recvfrom and sendto, one datagram each, until the queue is empty;
// see floor.h. An epoll_wait for each datagram instead costs 18 % more under load, and would
// flatter whatever is divided by it; so the level-triggered floor empties the queue as the
// edge-triggered must.

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "benchmarks/floor/floor.h"

// Under load the queue may never be empty: the signals are looked at now and then.
enum { DATAGRAMS_PER_TURN_MAX = 64 };

// Echoes one datagram. Returns false when none is waiting.
static bool echo_one(struct floor *floor) {
  struct sockaddr_storage peer;
  socklen_t peer_bytes = sizeof(peer);
  ssize_t got = recvfrom(floor->socket_fd, floor->buffer, sizeof(floor->buffer), 0,
                         (struct sockaddr *)&peer, &peer_bytes);
  // An ICMP error of an earlier answer is told here once and hides no datagram.
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  // An answer that does not fit is lost, as datagrams may be.
  sendto(floor->socket_fd, floor->buffer, (size_t)got, MSG_NOSIGNAL, (struct sockaddr *)&peer,
         peer_bytes);
  return true;
}

int floor_datagram_run(struct floor *floor) {
  struct epoll_event events[FLOOR_EVENTS_MAX];
  bool more = false;  // the queue was not seen empty
  for (;;) {
    int count = epoll_wait(floor->epoll_fd, events, FLOOR_EVENTS_MAX, more ? 0 : -1);
    if (count < 0 && errno != EINTR) return -errno;
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == &floor->signal_fd) return 0;
      more = true;
    }
    for (int i = 0; i < DATAGRAMS_PER_TURN_MAX && more; i++) more = echo_one(floor);
  }
}
