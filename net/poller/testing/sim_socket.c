// Bytes, ends and resets between the two ends of a simulated connection.
//
// Bytes that a sender wrote stay in `out` until they have arrived, cut into segments. The first
// segment arrives when it is due and the receiver has room. Bytes without room wait for a read, as
// with a closed TCP window. A reset overtakes bytes that wait for room.
// after a closed window. A reset overtakes bytes that wait so.
#include "net/poller/testing/sim_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_dice.h"

// Bytes

static void bytes_put(struct sim_bytes *bytes, const uint8_t *data, uint32_t size) {
  uint32_t at = (bytes->first + bytes->size) % bytes->capacity;
  uint32_t head = bytes->capacity - at < size ? bytes->capacity - at : size;
  memcpy(bytes->block + at, data, head);
  memcpy(bytes->block, data + head, size - head);
  bytes->size += size;
}

static void bytes_take(struct sim_bytes *bytes, uint8_t *out, uint32_t size) {
  uint32_t head = bytes->capacity - bytes->first;
  if (head > size) head = size;
  memcpy(out, bytes->block + bytes->first, head);
  memcpy(out + head, bytes->block, size - head);
  bytes->first = (bytes->first + size) % bytes->capacity;
  bytes->size -= size;
}

static void bytes_move(struct sim_bytes *from, struct sim_bytes *to, uint32_t size) {
  while (size > 0) {
    uint8_t piece[4096];
    uint32_t part = size < sizeof piece ? size : (uint32_t)sizeof piece;
    bytes_take(from, piece, part);
    bytes_put(to, piece, part);
    size -= part;
  }
}

// Segments

static struct sim_segment *segment_at(struct evnet_sim_socket *socket, uint32_t index) {
  return &socket->segments[(socket->segment_first + index) % SIM_SEGMENTS_MAX];
}

static void segment_push(struct evnet_sim_socket *socket, enum sim_segment_kind kind,
                         uint32_t bytes) {
  uint64_t at_ns = sim_arrival_ns(socket->sim);
  if (socket->segment_count > 0) {
    struct sim_segment *last = segment_at(socket, socket->segment_count - 1);
    if (last->at_ns > at_ns) at_ns = last->at_ns;
    // Two entries are reserved for an end and a reset.
    if (kind == SIM_DATA && last->kind == SIM_DATA &&
        socket->segment_count >= SIM_SEGMENTS_MAX - 2) {
      last->bytes += bytes;
      return;
    }
  }
  EVNET_ASSERT(socket->segment_count < SIM_SEGMENTS_MAX);
  *segment_at(socket, socket->segment_count++) =
      (struct sim_segment){.at_ns = at_ns, .bytes = bytes, .kind = kind};
}

static void segment_pop(struct evnet_sim_socket *socket) {
  socket->segment_first = (socket->segment_first + 1) % SIM_SEGMENTS_MAX;
  socket->segment_count--;
}

// This end sends a reset and closes. Bytes that it sent before may still arrive.
static void send_reset(struct evnet_sim_socket *socket) {
  struct evnet_sim *sim = socket->sim;
  evnet_sim_note(sim, "reset sent", socket->is_server, socket->id, 0);
  uint32_t kept = evnet_sim_below(sim, socket->segment_count + 1);
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < kept; i++) bytes += segment_at(socket, i)->bytes;
  socket->segment_count = kept;
  socket->out.size = bytes;
  socket->in.size = 0;
  socket->reset_sent = true;
  socket->dead = true;
  segment_push(socket, SIM_RESET, 0);
}

// Handles a reset that arrives at this end.
static void die(struct evnet_sim_socket *socket) {
  struct evnet_sim *sim = socket->sim;
  if (socket->dead) return;
  evnet_sim_note(sim, "reset arrives", socket->is_server, socket->id, socket->in.size);
  socket->dead = true;
  // EPIPE if the other end's stream had ended before, as in tcp_reset() of Linux.
  socket->error = socket->end_arrived && !socket->write_ended ? EPIPE : ECONNRESET;
  socket->segment_count = 0;
  if (sim_socket_room(socket) == 0) socket->room_ns = socket->sim->now_ns;
  socket->out.size = 0;
  if (!evnet_sim_chance(sim, sim->options.faults.reset_keeps_data)) socket->in.size = 0;
}

static void reset_by_network(struct evnet_sim_socket *socket) {
  evnet_sim_note(socket->sim, "network reset", socket->is_server, socket->id, 0);
  socket->reset_by_network = socket->other->reset_by_network = true;
  die(socket);
  die(socket->other);
}

static void data_arrives(struct evnet_sim_socket *sender, struct sim_segment *segment) {
  struct evnet_sim_socket *receiver = sender->other;
  uint32_t room = receiver->in.capacity - receiver->in.size;
  uint32_t size = segment->bytes < room ? segment->bytes : room;
  evnet_sim_note(sender->sim, "data arrives", receiver->is_server, sender->id, size);
  // Data counts as unread from its arrival, but not from before the last read.
  const uint64_t at_ns =
      segment->at_ns > receiver->active_ns ? segment->at_ns : receiver->active_ns;
  if (receiver->in.size == 0) receiver->unread_ns = at_ns;
  if (sim_socket_room(sender) == 0) sender->room_ns = at_ns;
  sender->fell_ns = at_ns;
  bytes_move(&sender->out, &receiver->in, size);
  segment->bytes -= size;
  if (segment->bytes == 0) segment_pop(sender);
}

// Delivers the sender's first segment if possible. Returns whether it did.
static bool arrive(struct evnet_sim_socket *sender) {
  struct evnet_sim *sim = sender->sim;
  struct evnet_sim_socket *receiver = sender->other;
  if (sender->segment_count == 0) return false;
  if (segment_at(sender, sender->segment_count - 1)->kind == SIM_RESET && !receiver->closed &&
      segment_at(sender, sender->segment_count - 1)->at_ns <= sim->now_ns &&
      segment_at(sender, 0)->kind == SIM_DATA && receiver->in.size == receiver->in.capacity) {
    sender->segment_count = 0;
    sender->out.size = 0;
    die(receiver);
    return true;
  }
  struct sim_segment *segment = segment_at(sender, 0);
  if (segment->at_ns > sim->now_ns) return false;
  if (segment->kind == SIM_RESET) {
    segment_pop(sender);
    die(receiver);
  } else if (segment->kind == SIM_END) {
    segment_pop(sender);
    evnet_sim_note(sim, "end arrives", receiver->is_server, sender->id, receiver->in.size);
    receiver->end_arrived = true;
  } else if (receiver->dead) {
    sender->segment_count = 0;
    sender->out.size = 0;
  } else if (receiver->closed) {
    // The receiver has closed and cannot read the data.
    segment_pop(sender);
    send_reset(receiver);
  } else if (receiver->in.size == receiver->in.capacity) {
    return false;
  } else if (evnet_sim_chance(sim, sim->options.faults.network_reset)) {
    reset_by_network(receiver);
  } else {
    data_arrives(sender, segment);
  }
  return true;
}

// Sockets

static bool bytes_init(struct evnet_sim *sim, struct sim_bytes *bytes) {
  uint32_t least = sim->options.buffer_bytes_min;
  uint32_t most = sim->options.buffer_bytes_max;
  bytes->capacity = least + evnet_sim_below(sim, most - least + 1);
  bytes->block = malloc(bytes->capacity);
  return bytes->block != NULL;
}

struct evnet_sim_socket *sim_socket_create(struct evnet_sim *sim, bool is_server) {
  struct evnet_sim_socket *socket = calloc(1, sizeof *socket);
  if (socket == NULL) return NULL;
  socket->sim = sim;
  socket->is_server = is_server;
  socket->next = sim->sockets;
  sim->sockets = socket;
  bool made = bytes_init(sim, &socket->out);
  return bytes_init(sim, &socket->in) && made ? socket : NULL;
}

uint32_t sim_socket_room(const struct evnet_sim_socket *socket) {
  return socket->out.capacity - socket->out.size;
}

bool sim_socket_is_over(const struct evnet_sim_socket *socket) {
  return socket->end_arrived && socket->write_ended && socket->other->end_arrived &&
         socket->in.size == 0;
}

static int64_t take_error(struct evnet_sim_socket *socket, int otherwise) {
  int error = socket->error != 0 ? socket->error : otherwise;
  socket->error = 0;
  return -error;
}

int64_t sim_socket_send(struct evnet_sim_socket *socket, const struct iovec *pieces, size_t count) {
  struct evnet_sim *sim = socket->sim;
  if (socket->dead) return take_error(socket, EPIPE);
  if (socket->write_ended) return -EPIPE;
  uint32_t limit = sim_socket_room(socket);
  if (limit == 0 || evnet_sim_chance(sim, sim->options.faults.refused_send)) return -EAGAIN;
  size_t asked = 0;
  for (size_t i = 0; i < count; i++) asked += pieces[i].iov_len;
  if (asked < limit) limit = (uint32_t)asked;
  if (limit > 1 && evnet_sim_chance(sim, sim->options.faults.short_send))
    limit = 1 + evnet_sim_below(sim, limit);
  uint32_t sent = 0;
  for (size_t i = 0; i < count && sent < limit; i++) {
    uint32_t left = limit - sent;
    uint32_t part = pieces[i].iov_len < left ? (uint32_t)pieces[i].iov_len : left;
    if (part > 0) bytes_put(&socket->out, pieces[i].iov_base, part);
    sent += part;
  }
  if (sent > 0) segment_push(socket, SIM_DATA, sent);
  socket->sent_bytes += sent;
  socket->active_ns = socket->sent_ns = sim->now_ns;
  return sent;
}

int64_t sim_socket_recv(struct evnet_sim_socket *socket, void *out, size_t size) {
  struct evnet_sim *sim = socket->sim;
  if (socket->in.size == 0) {
    if (socket->error != 0) return take_error(socket, 0);
    return socket->end_arrived || socket->dead ? 0 : -EAGAIN;
  }
  uint32_t part = size < socket->in.size ? (uint32_t)size : socket->in.size;
  if (part > 1 && evnet_sim_chance(sim, sim->options.faults.short_recv))
    part = 1 + evnet_sim_below(sim, part);
  bytes_take(&socket->in, out, part);
  socket->active_ns = sim->now_ns;
  while (arrive(socket->other)) {
  }
  return part;
}

void sim_socket_end(struct evnet_sim_socket *socket) {
  if (socket->write_ended || socket->dead) return;
  socket->write_ended = true;
  segment_push(socket, SIM_END, 0);
}

void sim_socket_close(struct evnet_sim_socket *socket, bool reset) {
  if (socket->closed) return;
  evnet_sim_note(socket->sim, reset ? "abort" : "close", socket->is_server, socket->id,
                 socket->in.size);
  socket->closed = true;
  if (socket->dead) return;
  bool over = socket->end_arrived && socket->write_ended && socket->other->end_arrived;
  if (over && socket->in.size == 0) return;
  if (reset || socket->in.size > 0) {
    send_reset(socket);
  } else {
    sim_socket_end(socket);
  }
}

// All sockets of a world

void sim_socket_advance(struct evnet_sim *sim) {
  for (struct evnet_sim_socket *socket = sim->sockets; socket != NULL; socket = socket->next) {
    while (arrive(socket)) {
    }
  }
}

uint64_t sim_socket_next_ns(const struct evnet_sim *sim) {
  uint64_t next = UINT64_MAX;
  for (struct evnet_sim_socket *socket = sim->sockets; socket != NULL; socket = socket->next) {
    for (uint32_t i = 0; i < socket->segment_count; i++) {
      uint64_t at_ns = segment_at(socket, i)->at_ns;
      if (at_ns > sim->now_ns && at_ns < next) next = at_ns;
    }
  }
  return next;
}

void sim_socket_free_all(struct evnet_sim *sim) {
  while (sim->sockets != NULL) {
    struct evnet_sim_socket *socket = sim->sockets;
    sim->sockets = socket->next;
    free(socket->in.block);
    free(socket->out.block);
    free(socket);
  }
}
