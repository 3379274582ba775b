// The world: its clock and dice, and the way of bytes, ends and resets between the two ends of a
// connection.
//
// What a sender wrote stands in `out` until it has arrived, cut into segments. The first segment
// arrives when its time has come and the receiver has room; what does not fit waits for a read, as
// behind a closed window. A reset overtakes what waits so.
#include "net/poller/testing/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/base/assert.h"
#include "net/poller/testing/sim_state.h"

enum { BUFFER_BYTES_DEFAULT = 64 << 10, FIRST_DESCRIPTOR = 3 };

// Dice

uint64_t evnet_sim_random(struct evnet_sim *sim) {
  // splitmix64, https://prng.di.unimi.it/splitmix64.c
  uint64_t z = sim->random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint32_t evnet_sim_below(struct evnet_sim *sim, uint32_t bound) {
  return (uint32_t)((evnet_sim_random(sim) >> 32) * bound >> 32);
}

bool evnet_sim_chance(struct evnet_sim *sim, uint32_t thousandths) {
  return thousandths > 0 && evnet_sim_below(sim, 1000) < thousandths;
}

uint64_t sim_arrival_ns(struct evnet_sim *sim) {
  uint64_t most = sim->options.delay_ns_max;
  // Mostly near, now and then far.
  uint64_t delay = evnet_sim_random(sim) % (most + 1);
  return sim->now_ns + 1 + (evnet_sim_chance(sim, 250) ? delay : delay / 16);
}

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
    // Two places are kept for an end and a reset.
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

// The end sends a reset and is gone. Some of what it had sent before may still arrive.
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

// A reset has come to this end.
static void die(struct evnet_sim_socket *socket) {
  struct evnet_sim *sim = socket->sim;
  if (socket->dead) return;
  evnet_sim_note(sim, "reset arrives", socket->is_server, socket->id, socket->in.size);
  socket->dead = true;
  // tcp_reset() of Linux: EPIPE when the other end's stream had ended before.
  socket->error = socket->end_arrived && !socket->write_ended ? EPIPE : ECONNRESET;
  socket->segment_count = 0;
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
  // What was too late for a read is there with it.
  const uint64_t at_ns =
      segment->at_ns > receiver->active_ns ? segment->at_ns : receiver->active_ns;
  if (receiver->in.size == 0) receiver->unread_ns = at_ns;
  if (sim_socket_room(sender) == 0) sender->room_ns = at_ns;
  sender->fell_ns = at_ns;
  bytes_move(&sender->out, &receiver->in, size);
  segment->bytes -= size;
  if (segment->bytes == 0) segment_pop(sender);
}

// Lets the sender's first segment arrive if it can.
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
    // Nobody is left to read it.
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

// Descriptors

int sim_descriptor_open(struct evnet_sim *sim, struct sim_descriptor what) {
  for (int i = FIRST_DESCRIPTOR; i < SIM_DESCRIPTORS_MAX; i++) {
    if (sim->descriptors[i].socket != NULL || sim->descriptors[i].listener != NULL ||
        sim->descriptors[i].udp != NULL)
      continue;
    sim->descriptors[i] = what;
    sim->descriptors_open++;
    return i;
  }
  return -EMFILE;
}

void sim_descriptor_close(struct evnet_sim *sim, int descriptor) {
  sim->descriptors[descriptor] = (struct sim_descriptor){0};
  sim->descriptors_open--;
}

// The world

struct evnet_sim *evnet_sim_create(const struct evnet_sim_options *options) {
  struct evnet_sim *sim = calloc(1, sizeof *sim);
  if (sim == NULL) return NULL;
  sim->kernel.create_poller = sim_poller_create;
  sim->options = *options;
  if (sim->options.buffer_bytes_max == 0) {
    sim->options.buffer_bytes_min = sim->options.buffer_bytes_max = BUFFER_BYTES_DEFAULT;
  }
  if (sim->options.buffer_bytes_min == 0) sim->options.buffer_bytes_min = 1;
  EVNET_ASSERT(sim->options.buffer_bytes_min <= sim->options.buffer_bytes_max);
  sim->random_state = options->seed;
  // Not 0, which would hide who forgets where the clock starts.
  sim->now_ns = 1000000000 + evnet_sim_random(sim) % 1000000000;
  sim->port_last = 20000;
  return sim;
}

void evnet_sim_destroy(struct evnet_sim *sim) {
  if (sim == NULL) return;
  while (sim->sockets != NULL) {
    struct evnet_sim_socket *socket = sim->sockets;
    sim->sockets = socket->next;
    free(socket->in.block);
    free(socket->out.block);
    free(socket);
  }
  sim_udp_free_all(sim);
  free(sim);
}

struct evnet_kernel *evnet_sim_kernel(struct evnet_sim *sim) {
  return &sim->kernel;
}

uint64_t evnet_sim_now_ns(const struct evnet_sim *sim) { return sim->now_ns; }

void evnet_sim_advance(struct evnet_sim *sim, uint64_t to_ns) {
  if (to_ns > sim->now_ns) sim->now_ns = to_ns;
  for (struct evnet_sim_socket *socket = sim->sockets; socket != NULL; socket = socket->next) {
    while (arrive(socket)) {
    }
  }
  sim_udp_advance(sim);
}

uint64_t evnet_sim_next_ns(const struct evnet_sim *sim) {
  uint64_t next = sim_udp_next_ns(sim);
  for (struct evnet_sim_socket *socket = sim->sockets; socket != NULL; socket = socket->next) {
    for (uint32_t i = 0; i < socket->segment_count; i++) {
      uint64_t at_ns = segment_at(socket, i)->at_ns;
      if (at_ns > sim->now_ns && at_ns < next) next = at_ns;
    }
  }
  for (int i = 0; i < SIM_LISTENERS_MAX; i++) {
    const struct sim_listener *listener = &sim->listeners[i];
    for (uint32_t k = 0; k < listener->queue_count; k++) {
      uint64_t at_ns = listener->queue[k]->ready_ns;
      if (at_ns > sim->now_ns && at_ns < next) next = at_ns;
    }
  }
  for (uint32_t i = 0; i < sim->poller_count; i++) {
    if (sim->pollers[i] == NULL) continue;
    uint64_t at_ns = sim_poller_wake_ns(sim->pollers[i]);
    if (at_ns < next) next = at_ns;
  }
  return next;
}

bool evnet_sim_is_runnable(const struct evnet_sim *sim, uint32_t poller_index) {
  return poller_index < sim->poller_count && sim->pollers[poller_index] != NULL &&
         sim_poller_is_runnable(sim->pollers[poller_index]);
}

void evnet_sim_set_meanwhile(struct evnet_sim *sim,
                             void (*meanwhile)(void *user, uint32_t poller_index, bool sleeps),
                             void *user) {
  sim->meanwhile = meanwhile;
  sim->meanwhile_user = user;
}

void evnet_sim_stats_of(const struct evnet_sim *sim, struct evnet_sim_stats *out_stats) {
  *out_stats = (struct evnet_sim_stats){
      .pollers = sim->pollers_open,
      .descriptors = sim->descriptors_open,
      .handles = sim->handles,
      .accepts = sim->accepts,
      .accept_failed_ns = sim->accept_failed_ns,
      .wakes = sim->wakes,
  };
}
