// Echo over UDP: each socket keeps `depth` datagrams in flight; see modes.h.
//
// A datagram carries the index of its connection, its sequence number, and bytes of the pattern
// from a position that depends on both. A slot holds one datagram at a time; its index is sequence
// % depth. A datagram without a reply in time counts as lost, and its slot is reused. If the reply
// arrives later, it is checked and counted as late.
// after all, it is checked and counted as late.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/load/dial.h"
#include "benchmarks/load/modes.h"
#include "benchmarks/load/pattern.h"

enum {
  EVENTS_MAX = 256,
  BATCH_MAX = 32,
  JOINED_BYTES_MAX = 65507,
};

static const uint64_t kLostNs = UINT64_C(200000000);
static const uint64_t kScanNs = UINT64_C(50000000);

struct header {
  uint32_t connection;
  uint32_t sequence;
};

struct slot {
  uint64_t sent_ns;
  uint32_t sequence;
  bool in_flight;
};

struct datagram_conn {
  int fd;
  uint32_t index;
  struct slot *slots;  // an array of `depth` slots
};

static struct datagram {
  struct run *run;
  const struct load_options *options;
  int epoll_fd;
  uint64_t in_flight;  // over all sockets
  uint64_t scan_ns;    // when to search the slots for lost datagrams next
  struct datagram_conn *conns;
  struct slot *slots;  // memory of all connections' slots
  // A batch to send. Each datagram has a header and a piece of the pattern.
  uint32_t out_count;
  struct header out_headers[BATCH_MAX];
  struct iovec out_pieces[BATCH_MAX][2];
  struct mmsghdr out[BATCH_MAX];
  // A batch received, with one spare byte each, which detects a datagram that is too long.
  uint8_t *in_buffers;
  struct iovec in_pieces[BATCH_MAX];
  struct mmsghdr in[BATCH_MAX];
} datagram;

static uint32_t place_of(uint32_t connection, uint32_t sequence) {
  return pattern_skip(pattern_start(connection), (size_t)sequence * 61);
}

// Sends the batch as one message, which the kernel splits into datagrams of the payload's size
// (UDP_SEGMENT). The limit of 64 KiB may be less than a batch of large datagrams.
static int send_joined(struct datagram *d, int fd) {
  const uint32_t payload_bytes = d->options->payload_bytes;
  const uint32_t joined_max = JOINED_BYTES_MAX / payload_bytes;
  for (uint32_t first = 0; first < d->out_count; first += joined_max) {
    uint32_t count = d->out_count - first < joined_max ? d->out_count - first : joined_max;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr message = {.msg_iov = d->out_pieces[first], .msg_iovlen = 2 * (size_t)count};
    if (count > 1) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      *header = (struct cmsghdr){.cmsg_level = IPPROTO_UDP,
                                 .cmsg_type = UDP_SEGMENT,
                                 .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
      memcpy(CMSG_DATA(header), &(uint16_t){(uint16_t)payload_bytes}, sizeof(uint16_t));
    }
    if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) return -1;
  }
  return 0;
}

static int flush(struct datagram *d, struct datagram_conn *c) {
  if (d->out_count == 0) return 0;
  int sent = d->options->joined ? send_joined(d, c->fd)
                                : sendmmsg(c->fd, d->out, d->out_count, MSG_NOSIGNAL);
  d->out_count = 0;
  // If the kernel had no room, the datagrams are lost: their slots time out.
  if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
    return run_fail("connection %u: send: %s", c->index, strerror(errno));
  }
  return 0;
}

static int issue(struct datagram *d, struct datagram_conn *c, uint32_t sequence, uint64_t now_ns) {
  struct slot *slot = &c->slots[sequence % d->options->depth];
  *slot = (struct slot){.sent_ns = now_ns, .sequence = sequence, .in_flight = true};
  d->in_flight++;
  uint32_t i = d->out_count++;
  d->out_headers[i] = (struct header){.connection = c->index, .sequence = sequence};
  // sendmmsg does not write to it, but iov_base is not const.
  d->out_pieces[i][1].iov_base = (void *)(uintptr_t)pattern_at(place_of(c->index, sequence));
  return d->out_count == BATCH_MAX ? flush(d, c) : 0;
}

static int check(struct datagram *d, struct datagram_conn *c, const uint8_t *data, size_t size,
                 struct header *out) {
  if (size != d->options->payload_bytes) {
    return run_fail("connection %u: sent a datagram of %u bytes and received %zu", c->index,
                    d->options->payload_bytes, size);
  }
  memcpy(out, data, sizeof(*out));
  if (out->connection != c->index) {
    return run_fail("connection %u: received a datagram of connection %u", c->index,
                    out->connection);
  }
  ptrdiff_t wrong =
      pattern_mismatch(place_of(c->index, out->sequence), data + sizeof(*out), size - sizeof(*out));
  if (wrong < 0) return 0;
  return run_fail("connection %u: byte %zu of datagram %u differs from what was sent", c->index,
                  (size_t)wrong + sizeof(*out), out->sequence);
}

static int reply(struct datagram *d, struct datagram_conn *c, const struct header *header,
                 uint64_t now_ns) {
  struct slot *slot = &c->slots[header->sequence % d->options->depth];
  // Sequence numbers may wrap. Those of one slot are `depth` apart.
  int32_t ahead = (int32_t)(header->sequence - slot->sequence);
  if (ahead > 0) {
    return run_fail("connection %u: received datagram %u, which was not sent yet", c->index,
                    header->sequence);
  }
  if (ahead < 0 || !slot->in_flight) {
    d->run->late++;
    return 0;
  }
  slot->in_flight = false;
  d->in_flight--;
  if (run_reply(d->run, now_ns, slot->sent_ns) < 0) return -1;
  if (!run_is_issuing(d->run)) return 0;
  return issue(d, c, header->sequence + d->options->depth, now_ns);
}

static int receive(struct datagram *d, struct datagram_conn *c) {
  uint32_t batch = d->options->depth < BATCH_MAX ? d->options->depth : BATCH_MAX;
  int count = recvmmsg(c->fd, d->in, batch, 0, NULL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    return run_fail("connection %u: recv: %s", c->index, strerror(errno));
  }
  uint64_t now_ns = run_now_ns();
  for (int i = 0; i < count; i++) {
    struct header header;
    if (check(d, c, d->in_pieces[i].iov_base, d->in[i].msg_len, &header) < 0) return -1;
    if (reply(d, c, &header, now_ns) < 0) return -1;
  }
  return flush(d, c);
}

static int scan_for_lost(struct datagram *d, uint64_t now_ns) {
  for (uint32_t i = 0; i < d->options->connections; i++) {
    struct datagram_conn *c = &d->conns[i];
    for (uint32_t j = 0; j < d->options->depth; j++) {
      struct slot *slot = &c->slots[j];
      // A datagram of this turn may have been sent after now_ns was read.
      if (!slot->in_flight || now_ns < slot->sent_ns + kLostNs) continue;
      slot->in_flight = false;
      d->in_flight--;
      d->run->lost++;
      if (!run_is_issuing(d->run)) continue;
      if (issue(d, c, slot->sequence + d->options->depth, now_ns) < 0) return -1;
    }
    if (flush(d, c) < 0) return -1;
  }
  d->scan_ns = now_ns + kScanNs;
  return 0;
}

static int batches_init(struct datagram *d) {
  const size_t payload_bytes = d->options->payload_bytes;
  d->in_buffers = malloc(BATCH_MAX * (payload_bytes + 1));
  if (d->in_buffers == NULL) return run_fail("out of memory");
  for (size_t i = 0; i < BATCH_MAX; i++) {
    d->out_pieces[i][0].iov_base = &d->out_headers[i];
    d->out_pieces[i][0].iov_len = sizeof(d->out_headers[i]);
    d->out_pieces[i][1].iov_len = payload_bytes - sizeof(d->out_headers[i]);
    d->out[i].msg_hdr.msg_iov = d->out_pieces[i];
    d->out[i].msg_hdr.msg_iovlen = 2;
    d->in_pieces[i].iov_base = d->in_buffers + i * (payload_bytes + 1);
    d->in_pieces[i].iov_len = payload_bytes + 1;
    d->in[i].msg_hdr.msg_iov = &d->in_pieces[i];
    d->in[i].msg_hdr.msg_iovlen = 1;
  }
  return 0;
}

// Connects and watches all sockets; `fds` receives their descriptors. After an error the process
// exits, which closes them.
static int connect_all(struct datagram *d, int *fds) {
  const uint32_t count = d->options->connections;
  if (batches_init(d) < 0 || dial_all(&d->options->address, count, fds) < 0) return -1;
  d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (d->epoll_fd < 0) return run_fail("epoll_create1: %s", strerror(errno));
  for (uint32_t i = 0; i < count; i++) {
    struct datagram_conn *c = &d->conns[i];
    *c = (struct datagram_conn){
        .fd = fds[i], .index = i, .slots = d->slots + (size_t)i * d->options->depth};
    // The first datagram of a slot adds `depth` to this number.
    for (uint32_t j = 0; j < d->options->depth; j++) c->slots[j].sequence = j;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) {
      return run_fail("epoll_ctl: %s", strerror(errno));
    }
  }
  return 0;
}

static int datagram_open(struct run *run, const struct load_options *options) {
  struct datagram *d = &datagram;
  d->run = run;
  d->options = options;
  const uint32_t count = options->connections;
  int *fds = calloc(count, sizeof(*fds));
  d->conns = calloc(count, sizeof(*d->conns));
  d->slots = calloc((size_t)count * d->options->depth, sizeof(*d->slots));
  int status = fds != NULL && d->conns != NULL && d->slots != NULL ? connect_all(d, fds)
                                                                   : run_fail("out of memory");
  free(fds);
  return status;
}

static void datagram_close(void) {
  struct datagram *d = &datagram;
  for (uint32_t i = 0; i < d->options->connections; i++) close(d->conns[i].fd);
  close(d->epoll_fd);
  free(d->conns);
  free(d->slots);
  free(d->in_buffers);
}

static int issue_all(struct datagram *d) {
  const uint32_t depth = d->options->depth;
  for (uint32_t i = 0; i < d->options->connections; i++) {
    struct datagram_conn *c = &d->conns[i];
    for (uint32_t j = 0; j < depth; j++) {
      if (issue(d, c, c->slots[j].sequence + depth, run_now_ns()) < 0) return -1;
    }
    if (flush(d, c) < 0) return -1;
  }
  return 0;
}

static int datagram_run(void) {
  struct datagram *d = &datagram;
  if (issue_all(d) < 0) return -1;
  struct epoll_event events[EVENTS_MAX];
  int wait_ms = 0;
  while (run_is_issuing(d->run) || d->in_flight > 0) {
    int count = epoll_wait(d->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) return run_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      if (receive(d, events[i].data.ptr) < 0) return -1;
    }
    uint64_t now_ns = run_now_ns();
    if (run_turn(d->run, now_ns, &wait_ms) < 0) return -1;
    if (now_ns >= d->scan_ns && scan_for_lost(d, now_ns) < 0) return -1;
  }
  return 0;
}

const struct load_driver datagram_driver = {
    .open = datagram_open,
    .run = datagram_run,
    .close = datagram_close,
};
