// The echo loop for UDP: one recvfrom and one sendto for each datagram, until the queue is empty;
// see floor.h. With one epoll_wait for each datagram, the floor would cost 18 % more under load,
// and ratios to it would look too good. So the level-triggered floor empties the queue like the
// edge-triggered one, which has no choice.

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "benchmarks/floor/floor.h"

// Under load the queue may never be empty, so the loop checks the signals after this many
// datagrams.
enum { DATAGRAMS_PER_TURN_MAX = 64 };

// Echoes one datagram. Returns false if the queue is empty.
static bool echo_one(struct floor *floor) {
  struct sockaddr_storage peer;
  socklen_t peer_bytes = sizeof(peer);
  ssize_t got = recvfrom(floor->socket_fd, floor->buffer, sizeof(floor->buffer), 0,
                         (struct sockaddr *)&peer, &peer_bytes);
  // recvfrom reports an ICMP error of an earlier reply once. It replaces no datagram.
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  // A reply that does not fit in the send buffer is dropped, as UDP permits.
  sendto(floor->socket_fd, floor->buffer, (size_t)got, MSG_NOSIGNAL, (struct sockaddr *)&peer,
         peer_bytes);
  return true;
}

int floor_datagram_run(struct floor *floor) {
  struct epoll_event events[FLOOR_EVENTS_MAX];
  bool more = false;  // the queue may have more datagrams
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
