// UDP sockets, and the network between them.
#include "net/poller/testing/sim_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/poller/testing/sim_address.h"
#include "net/poller/testing/sim_descriptor.h"
#include "net/poller/testing/sim_dice.h"
#include "net/poller/testing/sim_group.h"
#include "net/poller/testing/sim_udp_socket.h"

enum {
  OVERHEAD_BYTES = 16,  // added to each datagram in a buffer, so that empty ones fill it, too
  IP4_BYTES_MAX = 65507,
  IP6_BYTES_MAX = 65527,
};

// Addresses

static bool is_any_host(const struct evnet_address *address) {
  if (address->socket.any.sa_family == AF_INET)
    return address->socket.ip4.sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&address->socket.ip6.sin6_addr);
}

static bool takes_family(const struct evnet_address *bound, int family) {
  return bound->socket.any.sa_family == family || (family == AF_INET && bound->dual_stack);
}

bool sim_udp_tells_local(const struct evnet_sim_udp *udp) { return is_any_host(&udp->address); }

uint16_t sim_udp_port(const struct evnet_sim_udp *udp) { return evnet_address_port(&udp->address); }

struct evnet_address sim_udp_address(const struct evnet_sim_udp *udp, bool of_peer) {
  return of_peer ? udp->peer : udp->address;
}

bool sim_udp_is_attached(const struct evnet_sim_udp *udp) { return udp->slot != NULL; }

// Sockets

struct evnet_sim_udp *sim_udp_create(struct evnet_sim *sim, const struct evnet_address *address) {
  struct evnet_sim_udp *udp = calloc(1, sizeof *udp);
  if (udp == NULL) return NULL;
  const uint32_t least = sim->options.buffer_bytes_min;
  const uint32_t more = sim->options.buffer_bytes_max - least + 1;
  udp->sim = sim;
  udp->address = *address;
  udp->receive_bytes_max = least + evnet_sim_below(sim, more);
  udp->send_bytes_max = least + evnet_sim_below(sim, more);
  // sockaddr_in and sockaddr_in6 have the port at the same offset.
  if (evnet_address_port(address) == 0) udp->address.socket.ip4.sin_port = htons(++sim->port_last);
  udp->next = sim->udps;
  sim->udps = udp;
  return udp;
}

bool sim_udp_is_bound(const struct evnet_sim *sim, const struct evnet_address *address) {
  const uint16_t port = evnet_address_port(address);
  for (const struct evnet_sim_udp *each = sim->udps; each != NULL; each = each->next) {
    if (each->closed || port == 0 || evnet_address_port(&each->address) != port) continue;
    if (is_any_host(&each->address) || is_any_host(address) ||
        sim_address_is_same_host(&each->address, address))
      return true;
  }
  return false;
}

static void free_all(struct sim_datagram *datagram) {
  while (datagram != NULL) {
    struct sim_datagram *next = datagram->next;
    free(datagram);
    datagram = next;
  }
}

void sim_udp_close(struct evnet_sim_udp *udp) {
  if (udp->closed) return;
  evnet_sim_note(udp->sim, "close udp", evnet_address_port(&udp->address), udp->waiting, 0);
  udp->closed = true;
  free_all(udp->first);
  udp->first = udp->last = NULL;
  udp->waiting = udp->waiting_bytes = 0;
  udp->slot = NULL;
}

void sim_udp_free_all(struct evnet_sim *sim) {
  free_all(sim->datagrams);
  while (sim->udps != NULL) {
    struct evnet_sim_udp *udp = sim->udps;
    sim->udps = udp->next;
    free_all(udp->first);
    free(udp);
  }
}

bool sim_udp_has_room(const struct evnet_sim_udp *udp) {
  return udp->under_way_bytes < udp->send_bytes_max;
}

struct sim_datagram *sim_udp_pop(struct evnet_sim_udp *udp) {
  struct sim_datagram *datagram = udp->first;
  udp->first = datagram->next;
  if (udp->first == NULL) udp->last = NULL;
  udp->waiting--;
  udp->waiting_bytes -= datagram->size + OVERHEAD_BYTES;
  datagram->next = NULL;
  return datagram;
}

// The network

static struct evnet_sim_udp *receiver_of(const struct evnet_sim *sim,
                                         const struct sim_datagram *datagram) {
  struct evnet_sim_udp *found = NULL;
  for (struct evnet_sim_udp *each = sim->udps; each != NULL; each = each->next) {
    if (each->closed || evnet_address_port(&each->address) != evnet_address_port(&datagram->to) ||
        !takes_family(&each->address, datagram->to.socket.any.sa_family))
      continue;
    // A connected socket receives only from its peer.
    if (each->peer.size > 0 &&
        !(sim_address_is_same_host(&each->peer, &datagram->from) &&
          evnet_address_port(&each->peer) == evnet_address_port(&datagram->from)))
      continue;
    if (sim_address_is_same_host(&each->address, &datagram->to)) return each;
    if (is_any_host(&each->address)) found = each;
  }
  return found;
}

static void put_under_way(struct evnet_sim_udp *udp, struct sim_datagram *datagram) {
  struct evnet_sim *sim = udp->sim;
  datagram->at_ns = sim_arrival_ns(sim);
  if (!evnet_sim_chance(sim, sim->options.faults.overtaking)) {
    if (datagram->at_ns < udp->last_at_ns) datagram->at_ns = udp->last_at_ns;
    udp->last_at_ns = datagram->at_ns;
  }
  udp->under_way_bytes += datagram->size + OVERHEAD_BYTES;
  struct sim_datagram **at = &sim->datagrams;
  while (*at != NULL && (*at)->at_ns <= datagram->at_ns) at = &(*at)->next;
  datagram->next = *at;
  *at = datagram;
}

static struct sim_datagram *make(struct evnet_sim_udp *udp, const struct evnet_address *from,
                                 const struct evnet_address *to, const struct iovec *pieces,
                                 size_t count, size_t size) {
  struct sim_datagram *datagram = malloc(sizeof *datagram + size);
  if (datagram == NULL) return NULL;
  *datagram =
      (struct sim_datagram){.sender = udp, .from = *from, .to = *to, .size = (uint32_t)size};
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].iov_len > 0) memcpy(datagram->data + at, pieces[i].iov_base, pieces[i].iov_len);
    at += pieces[i].iov_len;
  }
  return datagram;
}

int sim_udp_refusal(const struct evnet_address *to, size_t size) {
  const bool is_ip4 = to->socket.any.sa_family == AF_INET;
  if (evnet_address_port(to) == 0) return -EINVAL;
  return size > (is_ip4 ? IP4_BYTES_MAX : IP6_BYTES_MAX) ? -EMSGSIZE : 0;
}

bool sim_udp_post(struct evnet_sim_udp *udp, const struct evnet_address *from,
                  const struct evnet_address *to, const struct iovec *pieces, size_t count,
                  size_t size) {
  struct evnet_sim *sim = udp->sim;
  struct sim_datagram *datagram = make(udp, from, to, pieces, count, size);
  if (datagram == NULL) return false;
  put_under_way(udp, datagram);
  if (!evnet_sim_chance(sim, sim->options.faults.duplicated)) return true;
  struct sim_datagram *again = make(udp, from, to, pieces, count, size);
  if (again == NULL) return true;
  put_under_way(udp, again);
  sim->udp_stats.duplicated++;
  return true;
}

// Handles a datagram to an address without a socket. ICMP reports the error to a connected socket
// (udp(7)), and here sometimes to an unconnected one.
static void bounce(struct sim_datagram *datagram) {
  struct evnet_sim_udp *sender = datagram->sender;
  struct evnet_sim *sim = sender->sim;
  sim->udp_stats.lost++;
  if (sender->closed) return;
  if (sender->peer.size > 0 || evnet_sim_chance(sim, sim->options.faults.icmp))
    sender->error = ECONNREFUSED;
  sender->error_to = datagram->to;
}

static void deliver(struct evnet_sim_udp *receiver, struct sim_datagram *datagram) {
  struct evnet_sim *sim = receiver->sim;
  const uint32_t bytes = datagram->size + OVERHEAD_BYTES;
  if (receiver->waiting > 0 && receiver->waiting_bytes + bytes > receiver->receive_bytes_max) {
    sim->udp_stats.overflowed++;
    free(datagram);
    return;
  }
  sim->udp_stats.arrived++;
  datagram->next = NULL;
  if (receiver->first == NULL) {
    receiver->first = datagram;
  } else {
    receiver->last->next = datagram;
  }
  receiver->last = datagram;
  receiver->waiting++;
  receiver->waiting_bytes += bytes;
}

// Each member receives its own copy.
static void deliver_to_group(struct evnet_sim *sim, struct sim_datagram *datagram) {
  const struct evnet_sim_udp *sender = datagram->sender;
  for (struct evnet_sim_udp *each = sim->udps; each != NULL; each = each->next) {
    const bool is_there = !each->closed && sim_group_has(each, &datagram->to) &&
                          evnet_address_port(&each->address) == evnet_address_port(&datagram->to);
    if (!is_there || (sender->loops_not && each->slot != NULL)) continue;
    struct sim_datagram *copy = malloc(sizeof *copy + datagram->size);
    if (copy == NULL) continue;
    memcpy(copy, datagram, sizeof *copy + datagram->size);
    deliver(each, copy);
  }
  free(datagram);
}

static void datagram_arrives(struct sim_datagram *datagram) {
  struct evnet_sim_udp *sender = datagram->sender;
  struct evnet_sim *sim = sender->sim;
  sender->under_way_bytes -= datagram->size + OVERHEAD_BYTES;
  const bool is_lost = evnet_sim_chance(sim, sim->options.faults.lost);
  evnet_sim_note(sim, is_lost ? "datagram lost" : "datagram arrives",
                 evnet_address_port(&datagram->from), evnet_address_port(&datagram->to),
                 datagram->size);
  if (!is_lost && sim_group_is(&datagram->to)) {
    deliver_to_group(sim, datagram);
    return;
  }
  struct evnet_sim_udp *receiver = receiver_of(sim, datagram);
  if (receiver != NULL && !is_lost) {
    deliver(receiver, datagram);
    return;
  }
  if (receiver == NULL) {
    bounce(datagram);
  } else {
    sim->udp_stats.lost++;
  }
  free(datagram);
}

void sim_udp_advance(struct evnet_sim *sim) {
  while (sim->datagrams != NULL && sim->datagrams->at_ns <= sim->now_ns) {
    struct sim_datagram *datagram = sim->datagrams;
    sim->datagrams = datagram->next;
    datagram->next = NULL;
    datagram_arrives(datagram);
  }
}

uint64_t sim_udp_next_ns(const struct evnet_sim *sim) {
  return sim->datagrams != NULL ? sim->datagrams->at_ns : UINT64_MAX;
}

// Clients

int evnet_sim_udp_open(struct evnet_sim *sim, uint8_t host, struct evnet_sim_udp **out_udp) {
  struct evnet_address address;
  sim_address_set_udp(&address, INADDR_LOOPBACK - 1 + host, 0);
  struct evnet_sim_udp *udp = sim_udp_create(sim, &address);
  if (udp == NULL) return -ENOMEM;
  evnet_sim_note(sim, "open udp", 0, evnet_address_port(&udp->address), host);
  *out_udp = udp;
  return 0;
}

const struct evnet_address *evnet_sim_udp_address(const struct evnet_sim_udp *udp) {
  return &udp->address;
}

int64_t evnet_sim_udp_send(struct evnet_sim_udp *udp, const struct evnet_address *to,
                           const void *data, size_t size) {
  const int refusal = sim_udp_refusal(to, size);
  if (refusal < 0) return refusal;
  if (!sim_udp_has_room(udp)) return -EAGAIN;
  const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  return sim_udp_post(udp, &udp->address, to, &piece, 1, size) ? (int64_t)size : -ENOMEM;
}

int64_t evnet_sim_udp_receive(struct evnet_sim_udp *udp, void *out, size_t size,
                              struct evnet_address *out_from) {
  if (udp->first == NULL) return -EAGAIN;
  struct sim_datagram *datagram = sim_udp_pop(udp);
  const size_t all = datagram->size;
  if (all > 0 && size > 0) memcpy(out, datagram->data, all < size ? all : size);
  if (out_from != NULL) *out_from = datagram->from;
  free(datagram);
  return (int64_t)all;
}

void evnet_sim_udp_close(struct evnet_sim_udp *udp) { sim_udp_close(udp); }

int evnet_sim_udp_dial(struct evnet_sim *sim, const struct evnet_sim_udp *peer) {
  struct evnet_address address;
  sim_address_set_udp(&address, INADDR_LOOPBACK, 0);
  struct evnet_sim_udp *udp = sim_udp_create(sim, &address);
  if (udp == NULL) return -ENOMEM;
  udp->peer = peer->address;
  return sim_descriptor_open(sim, (struct sim_descriptor){.udp = udp});
}

// Inspection

bool evnet_sim_udp_inspect(const struct evnet_sim *sim, uint16_t port,
                           struct evnet_sim_udp_state *out_state) {
  for (const struct evnet_sim_udp *each = sim->udps; each != NULL; each = each->next) {
    if (each->slot == NULL || each->slot->detaching) continue;
    if (evnet_address_port(&each->address) != port) continue;
    *out_state = (struct evnet_sim_udp_state){
        .receiving = each->slot->receiving,
        .failed = each->slot->failed,
        .awaits_room = each->slot->awaits_room,
        .has_room = sim_udp_has_room(each),
        .has_error = each->error != 0,
        .waiting = each->waiting,
    };
    return true;
  }
  return false;
}

void evnet_sim_udp_set_watch(struct evnet_sim *sim,
                             void (*watch)(void *user, const struct evnet_sim_udp_news *news),
                             void *user) {
  sim->udp_watch = watch;
  sim->udp_watch_user = user;
}

void evnet_sim_udp_stats_of(const struct evnet_sim *sim, struct evnet_sim_udp_stats *out_stats) {
  *out_stats = sim->udp_stats;
}
